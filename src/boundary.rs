//! The boundary of this library's functions: errors become codes and error objects.

use std::mem::MaybeUninit;

use super::error::{ottla_code, ottla_error};
use ottla_engine::{Error, Result};

/// Runs the body of a function that can fail. On failure `error_out`, if given, is set to an error that the caller
/// owns; on success it is left alone.
#[inline]
pub(super) fn boundary(
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
    body: impl FnOnce() -> Result<()>,
) -> ottla_code {
    ottla_host::boundary::boundary(body, |result| match result {
        Ok(()) => 0,
        Err(error) => failed(error, error_out),
    })
}

#[cold]
pub(super) fn failed(error: Error, error_out: Option<&mut MaybeUninit<*mut ottla_error>>) -> ottla_code {
    let code = error.kind().code();
    if let Some(slot) = error_out {
        slot.write(Box::into_raw(Box::new(ottla_error::new(error))));
    }
    code
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::super::error::{ottla_error_free, ottla_error_message};
    use super::*;
    use ottla_engine::ErrorKind;

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
    }

    #[test]
    fn success_leaves_the_error_alone() {
        let mut error = MaybeUninit::new(std::ptr::without_provenance_mut(1));
        assert_eq!(boundary(Some(&mut error), || Ok(())), 0);
        // SAFETY: initialised above.
        assert_eq!(unsafe { error.assume_init() }.addr(), 1);
    }
}
