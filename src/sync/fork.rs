//! Notices `fork`: a child has the parent's memory but not its threads, so a producer is of no use there.

use std::sync::atomic::{AtomicU64, Ordering};

static CURRENT: AtomicU64 = AtomicU64::new(0);

/// Which process of a line of forks something belongs to. Comparing is one load; no lock is touched, since in a
/// child any lock may be held by a thread that does not exist there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u64);

impl Generation {
    /// The generation of this process. The first call registers the handler that counts forks.
    pub fn current() -> Self {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(register);
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

#[cfg(unix)]
#[expect(unsafe_code, reason = "pthread_atfork is C's")]
fn register() {
    extern "C" fn in_child() {
        CURRENT.fetch_add(1, Ordering::Relaxed);
    }
    // SAFETY: the handler only touches an atomic, which is allowed in a forked child. The library is never unloaded
    // (`-z nodelete`), so the handler stays mapped.
    unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
}

#[cfg(not(unix))]
fn register() {}
