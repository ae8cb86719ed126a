//! Detects `fork`: a child process has the parent's memory but not its threads, so it cannot use the parent's
//! producers.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

static CURRENT: AtomicU64 = AtomicU64::new(0);

/// Identifies a process among its forked children. Comparing it is one load. It takes no lock, because in a child any
/// lock may be held by a thread that does not exist there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u64);

impl Generation {
    /// The generation of this process. [`notice_forks`] must have been called.
    pub fn current() -> Self {
        Generation(CURRENT.load(Ordering::Relaxed))
    }

    /// Belongs to no process.
    pub const NONE: Generation = Generation(u64::MAX);

    /// Whether this is the process to which the generation belongs.
    #[inline]
    pub fn is_current(self) -> bool {
        self.0 == CURRENT.load(Ordering::Relaxed)
    }
}

/// Makes generations count forks from now on. If this fails, no producer may be created, because a forked child would
/// wait for threads that it does not have. A later call tries again.
pub fn notice_forks() -> io::Result<()> {
    static REGISTERED: Mutex<bool> = Mutex::new(false);
    // Nothing panics while the lock is held.
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
    // SAFETY: the handler only changes an atomic, which is allowed in a forked child. The library is never unloaded
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
