//! Library threads leave the application's signals alone.

/// Runs `start` with all signals blocked in this thread; a thread started within inherits that.
#[cfg(unix)]
#[expect(unsafe_code, reason = "pthread_sigmask is C's")]
pub fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: both sets are valid to write to, and `all` is filled before it is used.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    let result = start();
    // SAFETY: `before` was filled by the call above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut()) };
    result
}

#[cfg(not(unix))]
pub fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    start()
}
