//! The boundary that exported functions pass: no panic leaves them, and errno is unchanged.

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::error::{ottla_code, ottla_error};
use ottla_core::batch::PlainRecord;
use ottla_core::error::{Error, ErrorKind, Result};
use ottla_engine::producer::Wait;

/// Runs the body of a function that can fail. On failure `error_out`, if given, is set to an error that the caller
/// owns; on success it is left alone.
#[inline]
pub(super) fn boundary(
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
    body: impl FnOnce() -> Result<()>,
) -> ottla_code {
    let _errno = Errno::save();
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => failed(error, error_out),
        Err(_) => failed(panicked(), error_out),
    }
}

/// Runs the body of a function that returns a value; `otherwise` is returned if it panics.
pub(super) fn guarded<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    let _errno = Errno::save();
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

#[cold]
pub(super) fn failed(error: Error, error_out: Option<&mut MaybeUninit<*mut ottla_error>>) -> ottla_code {
    let code = error.kind().code();
    if let Some(slot) = error_out {
        slot.write(Box::into_raw(Box::new(ottla_error::new(error))));
    }
    code
}

#[cold]
pub(super) fn panicked() -> Error {
    Error::new(ErrorKind::Internal, "a defect in Ottla: the call panicked; please report it")
}

/// An error about an argument.
#[cold]
pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

/// The argument, or an error that names it if it is NULL.
#[inline]
pub(super) fn required<T>(argument: Option<T>, name: &str) -> Result<T> {
    match argument {
        Some(argument) => Ok(argument),
        None => Err(null(name)),
    }
}

#[cold]
pub(super) fn null(name: &str) -> Error {
    invalid(format!("{name} is NULL"))
}

/// # Safety
/// `pointer` is NULL or points to a string that ends with a NUL and lives for `'a`.
pub(super) unsafe fn text<'a>(pointer: *const c_char, name: &str) -> Result<&'a str> {
    if pointer.is_null() {
        return Err(null(name));
    }
    // SAFETY: not NULL, and by this function's contract a string that lives for 'a.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map_err(|error| invalid(format!("{name} is not UTF-8: {error}")))
}

/// NULL with length 0 is null; a pointer with length 0 is empty.
///
/// # Safety
/// `pointer` is NULL or points to `len` readable bytes that live, unchanged, for `'a`.
#[inline]
pub(super) unsafe fn bytes<'a>(pointer: *const u8, len: usize, name: &str) -> Result<Option<&'a [u8]>> {
    if pointer.is_null() {
        return if len == 0 { Ok(None) } else { Err(null_with_length(name, len)) };
    }
    if len > isize::MAX as usize {
        return Err(too_long(name, len));
    }
    // SAFETY: not NULL, not longer than an object can be, and by this function's contract readable for 'a.
    Ok(Some(unsafe { std::slice::from_raw_parts(pointer, len) }))
}

/// `bytes` without an error message.
///
/// # Safety
/// As for `bytes`.
#[inline(always)]
pub(super) unsafe fn some_bytes<'a>(pointer: *const u8, len: usize) -> Option<Option<&'a [u8]>> {
    if pointer.is_null() {
        return if len == 0 { Some(None) } else { None };
    }
    if len > PlainRecord::LONGEST {
        return None;
    }
    // SAFETY: not NULL, not longer than an object can be, and by this function's contract readable for 'a.
    Some(Some(unsafe { std::slice::from_raw_parts(pointer, len) }))
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
pub(super) fn wait(timeout_ms: i64) -> Result<Wait> {
    match timeout_ms {
        -1 => Ok(Wait::Forever),
        0 => Ok(Wait::Never),
        1.. => Ok(Wait::AtMost(Duration::from_millis(timeout_ms.unsigned_abs()))),
        _ => Err(invalid(format!("timeout_ms is {timeout_ms}: it is -1 (no limit), 0 (do not wait) or more"))),
    }
}

/// Reads a structure of the caller, which begins with its size and may be of a newer header.
///
/// # Safety
/// `given` is NULL, or begins with a `usize`, its size, and has as many readable bytes. A `T` of zeros is valid, and so
/// is any that the caller can make.
pub(super) unsafe fn sized_in<T: Copy>(given: *const T, name: &str) -> Result<T> {
    if given.is_null() {
        return Err(null(name));
    }
    // SAFETY: not NULL, and begins with its size by this function's contract.
    let size = unsafe { given.cast::<usize>().read() };
    let known = size_of::<T>();
    if !(known..=isize::MAX as usize).contains(&size) {
        return Err(invalid(format!("{name}->struct_size is {size}: set it to the size of the structure, {known}")));
    }
    // SAFETY: as many bytes are readable by this function's contract.
    let beyond = unsafe { std::slice::from_raw_parts(given.cast::<u8>().add(known), size - known) };
    if beyond.iter().any(|&byte| byte != 0) {
        return Err(invalid(format!("{name} asks for something that this release does not have: its end is not zero")));
    }
    // SAFETY: as above; it has at least the size of a T.
    Ok(unsafe { given.read_unaligned() })
}

/// A structure of the caller to be filled, which begins with its size and may be of an older or newer header.
pub(super) struct SizedOut<T> {
    out: *mut T,
    size: usize,
}

impl<T: Copy> SizedOut<T> {
    /// # Safety
    /// `out` is NULL, or begins with a `usize`, its size, and has as many writable bytes until this is dropped.
    pub(super) unsafe fn new(out: *mut T, name: &str) -> Result<Self> {
        if out.is_null() {
            return Err(null(name));
        }
        // SAFETY: not NULL, and begins with its size by this function's contract.
        let size = unsafe { out.cast::<usize>().read() };
        if size < size_of::<usize>() {
            return Err(invalid(format!("{name}->struct_size is {size}: set it to the size of the structure")));
        }
        Ok(SizedOut { out, size })
    }

    /// Writes as much of `value` as the caller has room for. The first member then says how much that was, never more
    /// than the caller said, so the same structure can be passed again.
    pub(super) fn write(self, value: T) {
        let bytes = self.size.min(size_of::<T>());
        // SAFETY: `out` has `size` writable bytes by the contract of `new`, `value` is no part of it, and a `usize` fits.
        unsafe {
            self.out.cast::<u8>().copy_from_nonoverlapping(std::ptr::from_ref(&value).cast(), bytes);
            self.out.cast::<usize>().write(bytes);
        }
    }
}

/// The caller's errno, restored on drop: C code may call us between a call of its own and its check of errno.
struct Errno(i32);

impl Errno {
    #[inline]
    fn save() -> Self {
        // SAFETY: the address is this thread's errno, valid as long as the thread.
        Errno(unsafe { *errno_location() })
    }
}

impl Drop for Errno {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: as above; `Errno` stays on the thread that made it.
        unsafe { *errno_location() = self.0 }
    }
}

#[cfg(target_os = "linux")]
#[inline]
fn errno_location() -> *mut i32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::__errno_location() }
}

#[cfg(target_os = "macos")]
fn errno_location() -> *mut i32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::__error() }
}

/// Elsewhere a variable of our own: saving and restoring it does nothing.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn errno_location() -> *mut i32 {
    thread_local!(static NONE: std::cell::UnsafeCell<i32> = const { std::cell::UnsafeCell::new(0) });
    NONE.with(std::cell::UnsafeCell::get)
}

#[cfg(test)]
mod tests {
    use super::super::error::{ottla_error_free, ottla_error_message};
    use super::*;

    #[test]
    fn a_structure_of_an_older_header_is_filled_again_and_again_without_growing() {
        let mut room = [size_of::<usize>() * 2, 0, 0xdead, 0xdead];
        for round in 1..=2 {
            // SAFETY: the size says that two of the four members may be written.
            let out = unsafe { SizedOut::new(std::ptr::from_mut(&mut room), "out") };
            out.unwrap_or_else(|error| panic!("{error}")).write([size_of::<[usize; 4]>(), round, round, round]);
            assert_eq!(room, [size_of::<usize>() * 2, round, 0xdead, 0xdead]);
        }
    }

    #[test]
    fn a_panic_becomes_an_internal_error() {
        let mut error = MaybeUninit::new(std::ptr::null_mut());
        let code = boundary(Some(&mut error), || panic!("on purpose"));
        assert_eq!(code, ErrorKind::Internal.code());
        // SAFETY: boundary wrote it, since it failed.
        let error = unsafe { Box::from_raw(error.assume_init()) };
        // SAFETY: the message lives as long as the error.
        let message = unsafe { CStr::from_ptr(ottla_error_message(Some(&error))) };
        assert!(message.to_str().unwrap().contains("panicked"));
        ottla_error_free(Some(error));
        assert_eq!(boundary(None, || panic!("on purpose")), ErrorKind::Internal.code());
        assert_eq!(guarded(7, || panic!("on purpose")), 7);
    }

    #[test]
    fn success_leaves_the_error_alone() {
        let mut error = MaybeUninit::new(std::ptr::without_provenance_mut(1));
        assert_eq!(boundary(Some(&mut error), || Ok(())), 0);
        // SAFETY: initialised above.
        assert_eq!(unsafe { error.assume_init() }.addr(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn errno_is_kept() {
        // SAFETY: this thread's errno.
        unsafe { *errno_location() = 77 };
        boundary(None, || {
            // SAFETY: as above.
            unsafe { *errno_location() = 5 };
            Err(invalid("x"))
        });
        // SAFETY: as above.
        assert_eq!(unsafe { *errno_location() }, 77);
    }
}
