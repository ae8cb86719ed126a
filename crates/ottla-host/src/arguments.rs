//! Arguments from C become values, or errors that name the argument.
#![expect(unsafe_code, reason = "pointers from C become slices and strings")]

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::time::Duration;

use ottla_engine::{Error, ErrorKind, Result, Wait};

/// An error about an argument.
#[cold]
pub fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

/// The argument, or an error that names it if it is NULL.
#[inline]
pub fn required<T>(argument: Option<T>, name: &str) -> Result<T> {
    match argument {
        Some(argument) => Ok(argument),
        None => Err(null(name)),
    }
}

#[cold]
pub fn null(name: &str) -> Error {
    invalid(format!("{name} is NULL"))
}

/// # Safety
/// `pointer` is NULL or points to a string that ends with a NUL and lives for `'a`.
pub unsafe fn text<'a>(pointer: *const c_char, name: &str) -> Result<&'a str> {
    if pointer.is_null() {
        return Err(null(name));
    }
    // SAFETY: not NULL, and by this function's contract a string that lives for 'a.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map_err(|error| invalid(format!("{name} is not UTF-8: {error}")))
}

/// A string that may be missing.
///
/// # Safety
/// As for `text`.
pub unsafe fn optional_text<'a>(pointer: *const c_char, name: &str) -> Result<Option<&'a str>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: by this function's contract.
    unsafe { text(pointer, name) }.map(Some)
}

/// NULL with length 0 is null; a pointer with length 0 is empty.
///
/// # Safety
/// `pointer` is NULL or points to `len` readable bytes that live, unchanged, for `'a`.
#[inline]
pub unsafe fn bytes<'a>(pointer: *const u8, len: usize, name: &str) -> Result<Option<&'a [u8]>> {
    if pointer.is_null() {
        return if len == 0 { Ok(None) } else { Err(null_with_length(name, len)) };
    }
    if len > isize::MAX as usize {
        return Err(too_long(name, len));
    }
    // SAFETY: not NULL, not longer than an object can be, and by this function's contract readable for 'a.
    Ok(Some(unsafe { std::slice::from_raw_parts(pointer, len) }))
}

/// `bytes` without an error message, and only up to a length.
///
/// # Safety
/// As for `bytes`, and `longest` is not longer than an object can be.
#[inline(always)]
pub unsafe fn short_bytes<'a>(pointer: *const u8, len: usize, longest: usize) -> Option<Option<&'a [u8]>> {
    if pointer.is_null() {
        return if len == 0 { Some(None) } else { None };
    }
    if len > longest {
        return None;
    }
    // SAFETY: not NULL, not longer than an object can be, and by this function's contract readable for 'a.
    Some(Some(unsafe { std::slice::from_raw_parts(pointer, len) }))
}

/// NULL is allowed if `count` is 0.
///
/// # Safety
/// `pointer` is NULL or leads to `count` valid members that live, unchanged, for `'a`.
pub unsafe fn array<'a, T>(pointer: *const T, count: usize, name: &str) -> Result<&'a [T]> {
    match array_start(pointer.cast_mut(), count, name)? {
        // SAFETY: not NULL, not longer than an array can be, and by this function's contract readable for 'a.
        Some(start) => Ok(unsafe { std::slice::from_raw_parts(start.as_ptr(), count) }),
        None => Ok(&[]),
    }
}

/// Room for outputs. NULL is allowed if `count` is 0.
///
/// # Safety
/// `pointer` is NULL or leads to room for `count` values that nobody else uses during `'a`.
pub unsafe fn room<'a, T>(pointer: *mut T, count: usize, name: &str) -> Result<&'a mut [MaybeUninit<T>]> {
    match array_start(pointer, count, name)? {
        // SAFETY: as above, writable and not shared; what it is set to does not matter.
        Some(start) => Ok(unsafe { std::slice::from_raw_parts_mut(start.as_ptr().cast(), count) }),
        None => Ok(&mut []),
    }
}

/// `None` for an array without members.
fn array_start<T>(pointer: *mut T, count: usize, name: &str) -> Result<Option<NonNull<T>>> {
    if count == 0 {
        return Ok(None);
    }
    if count > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(invalid(format!("{name} has {count} members: no array is as long")));
    }
    required(NonNull::new(pointer), name).map(Some)
}

#[cold]
fn null_with_length(name: &str, len: usize) -> Error {
    invalid(format!("{name} is NULL, but {name}_len is {len}: null is NULL with length 0"))
}

#[cold]
fn too_long(name: &str, len: usize) -> Error {
    invalid(format!("{name}_len is {len}: nothing in memory is as long as that"))
}

/// `timeout_ms` from C: -1 means no limit, 0 no wait.
pub fn wait(timeout_ms: i64) -> Result<Wait> {
    match timeout_ms {
        -1 => Ok(Wait::Forever),
        0 => Ok(Wait::Never),
        1.. => Ok(Wait::AtMost(Duration::from_millis(timeout_ms.unsigned_abs()))),
        _ => Err(invalid(format!("timeout_ms is {timeout_ms}: it is -1 (no limit), 0 (do not wait) or more"))),
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::null;

    use super::*;

    #[test]
    fn null_with_a_length_is_refused_by_its_name() {
        // SAFETY: nothing is behind a NULL.
        let (without, with, array_without) =
            unsafe { (bytes(null(), 0, "key"), bytes(null(), 3, "key"), array(null::<u64>(), 0, "numbers")) };
        assert_eq!(without, Ok(None));
        let refused = with.expect_err("three bytes at NULL");
        assert!(refused.message().contains("key is NULL, but key_len is 3"), "{refused}");
        assert_eq!(array_without, Ok(&[][..]));
        // SAFETY: as above.
        let refused = unsafe { array(null::<u64>(), 1, "numbers") }.expect_err("one number at NULL");
        assert_eq!((refused.kind(), refused.message()), (ErrorKind::InvalidArgument, "numbers is NULL"));
    }

    #[test]
    fn lengths_that_nothing_can_have_are_refused_before_the_memory_is_read() {
        let one = 7u64;
        let pointer = &raw const one;
        // SAFETY: the lengths are refused, so that nothing is read.
        unsafe {
            assert!(bytes(pointer.cast(), usize::MAX, "key").is_err());
            assert!(array(pointer, usize::MAX / 8, "numbers").is_err());
            assert_eq!(short_bytes(pointer.cast(), 9, 8), None);
        }
        // SAFETY: eight bytes.
        assert_eq!(unsafe { short_bytes(pointer.cast(), 8, 8) }, Some(Some(&one.to_ne_bytes()[..])));
    }

    #[test]
    fn room_for_outputs_is_written_and_may_be_missing_if_there_are_none() {
        let mut numbers = [0u64; 3];
        // SAFETY: room for three, and none at NULL.
        let (two, none) =
            unsafe { (room(numbers.as_mut_ptr(), 2, "out"), room(std::ptr::null_mut::<u64>(), 0, "out")) };
        two.unwrap_or_else(|error| panic!("{error}")).fill(MaybeUninit::new(7));
        assert!(none.is_ok_and(|none| none.is_empty()));
        assert_eq!(numbers, [7, 7, 0]);
        // SAFETY: nothing is behind a NULL.
        assert!(unsafe { room(std::ptr::null_mut::<u64>(), 1, "out") }.is_err());
    }

    #[test]
    fn a_string_is_utf8_and_may_be_missing_where_it_is_optional() {
        // SAFETY: NULL or strings.
        unsafe {
            assert_eq!(text(c"caf\u{e9}".as_ptr(), "name"), Ok("caf\u{e9}"));
            assert!(text(c"\xff".as_ptr(), "name").expect_err("no UTF-8").message().contains("name is not UTF-8"));
            assert!(text(null(), "name").is_err());
            assert_eq!(optional_text(null(), "name"), Ok(None));
            assert_eq!(optional_text(c"".as_ptr(), "name"), Ok(Some("")));
        }
    }

    #[test]
    fn minus_one_is_no_limit_and_zero_is_no_wait() {
        assert_eq!([wait(-1), wait(0)], [Ok(Wait::Forever), Ok(Wait::Never)]);
        assert_eq!(wait(1500), Ok(Wait::AtMost(Duration::from_millis(1500))));
        assert!(wait(-2).is_err());
    }
}
