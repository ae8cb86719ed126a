//! Blocks the application's signals in the library's threads.

/// Runs `start` while this thread blocks all signals. A thread started in it inherits that.
#[cfg(unix)]
#[expect(unsafe_code, reason = "pthread_sigmask is C's")]
pub fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: both sets are valid for writes, and `all` is filled before it is used.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    // SAFETY: filled by the call above.
    let _before = Before(unsafe { before.assume_init() });
    start()
}

/// The former signal mask. The thread gets it back when this is dropped, also after a panic.
#[cfg(unix)]
struct Before(libc::sigset_t);

#[cfg(unix)]
impl Drop for Before {
    #[expect(unsafe_code, reason = "pthread_sigmask is C's")]
    fn drop(&mut self) {
        // SAFETY: the set is valid for reads, and the former mask is not requested.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut()) };
    }
}

#[cfg(not(unix))]
pub fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    start()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// Whether this thread blocks SIGUSR1.
    #[expect(unsafe_code, reason = "pthread_sigmask is C's")]
    fn is_blocked() -> bool {
        let mut mask = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: a NULL set changes nothing, and the mask is filled before it is read.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), mask.as_mut_ptr());
            libc::sigismember(mask.as_ptr(), libc::SIGUSR1) == 1
        }
    }

    #[test]
    fn the_mask_is_as_before_also_after_a_panic() {
        assert!(!is_blocked());
        assert!(with_signals_blocked(is_blocked));
        assert!(!is_blocked());
        let panicked = std::panic::catch_unwind(|| with_signals_blocked(|| panic!("on purpose")));
        assert!(panicked.is_err());
        assert!(!is_blocked());
    }
}
