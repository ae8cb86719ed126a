//! The boundary that exported functions pass: no panic leaves them, and errno is unchanged.
#![expect(unsafe_code, reason = "errno is a variable of the C library")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use ottla_engine::{Error, ErrorKind, Result};

/// Runs the body of a function that can fail. `returned` makes what C gets of the result: a code, and perhaps an error
/// object.
#[inline]
pub fn boundary<T, C>(body: impl FnOnce() -> Result<T>, returned: impl FnOnce(Result<T>) -> C) -> C {
    let _errno = Errno::save();
    returned(caught(body).and_then(|result| result))
}

/// Runs the body of a function that returns a value; `otherwise` is returned if it panics.
pub fn guarded<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    let _errno = Errno::save();
    caught(body).unwrap_or(otherwise)
}

/// A panic becomes an error. errno is left alone: this is for a path that makes no system call.
#[inline(always)]
pub fn caught<T>(body: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|_| panicked())
}

#[cold]
fn panicked() -> Error {
    Error::new(ErrorKind::Internal, "a defect in Ottla: the call panicked; please report it")
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
    use super::*;

    fn kind(result: Result<()>) -> Option<ErrorKind> {
        result.err().map(|error| error.kind())
    }

    #[test]
    fn a_panic_becomes_an_internal_error() {
        assert_eq!(boundary(|| panic!("on purpose"), kind), Some(ErrorKind::Internal));
        assert_eq!(guarded(7, || panic!("on purpose")), 7);
        let caught: Result<()> = caught(|| panic!("on purpose"));
        assert!(caught.is_err_and(|error| error.message().contains("panicked")));
    }

    #[test]
    fn a_result_passes_unchanged() {
        assert_eq!(boundary(|| Ok(()), kind), None);
        assert_eq!(boundary(|| Err(Error::new(ErrorKind::Closed, "x")), kind), Some(ErrorKind::Closed));
        assert_eq!(guarded(7, || 8), 8);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn errno_is_kept() {
        fn set(value: i32) {
            // SAFETY: this thread's errno.
            unsafe { *errno_location() = value };
        }
        set(77);
        let fail = || {
            set(5);
            Err(Error::new(ErrorKind::Closed, "x"))
        };
        // What makes the error object may change it, too.
        boundary(fail, |_: Result<()>| set(6));
        guarded((), || set(7));
        // SAFETY: as above.
        assert_eq!(unsafe { *errno_location() }, 77);
    }
}
