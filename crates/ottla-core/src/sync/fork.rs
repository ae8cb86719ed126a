//! Notices `fork`: a child process has the parent's memory but not its threads, so it cannot use a producer.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

static CURRENT: AtomicU64 = AtomicU64::new(0);

/// Which process of a line of forks something belongs to. Comparing is one load; no lock is touched, since in a
/// child any lock may be held by a thread that does not exist there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u64);

impl Generation {
    /// The generation of this process. [`notice_forks`] has to come before.
    pub fn current() -> Self {
        Generation(CURRENT.load(Ordering::Relaxed))
    }

    /// That of no process.
    pub const NONE: Generation = Generation(u64::MAX);

    /// Whether this process is the one that took the generation.
    #[inline]
    pub fn is_current(self) -> bool {
        self.0 == CURRENT.load(Ordering::Relaxed)
    }
}

/// From here on generations count forks. Without that a child would wait for threads that it does not have, so a producer
/// is not made if this fails. A later call tries again.
pub fn notice_forks() -> io::Result<()> {
    static REGISTERED: Mutex<bool> = Mutex::new(false);
    // Nothing between locking and unlocking panics.
    let mut registered = REGISTERED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !*registered {
        register()?;
        *registered = true;
    }
    Ok(())
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "pthread_atfork is C's")]
fn register() -> io::Result<()> {
    extern "C" fn in_child() {
        CURRENT.fetch_add(1, Ordering::Relaxed);
    }
    // SAFETY: the handler only touches an atomic, which is allowed in a forked child. The library is never unloaded
    // (`-z nodelete`), so the handler stays mapped.
    match unsafe { libc::pthread_atfork(None, None, Some(in_child)) } {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

#[cfg(not(unix))]
fn register() -> io::Result<()> {
    Ok(())
}
