//! A file descriptor for event loops: readable while there is something to poll.
#![expect(unsafe_code, reason = "eventfd(2)")]

use ottla_engine::support::sync::Mutex;

/// A descriptor that is readable while a queue has something, or has ended. Each queue raises it once for each of the two.
pub struct Ready {
    raised: Mutex<u32>,
    eventfd: EventFd,
}

impl Ready {
    pub fn new() -> Self {
        Ready { raised: Mutex::new(0), eventfd: EventFd::new() }
    }

    /// For a producer that is not polled.
    pub fn without_descriptor() -> Self {
        Ready { raised: Mutex::new(0), eventfd: EventFd(-1) }
    }

    pub fn raise(&self) {
        let mut raised = self.raised.lock();
        *raised += 1;
        if *raised == 1 {
            self.eventfd.raise();
        }
    }

    /// Takes back one `raise`.
    pub fn lower(&self) {
        let mut raised = self.raised.lock();
        *raised -= 1;
        if *raised == 0 {
            self.eventfd.lower();
        }
    }

    /// -1 if there is none: nothing is polled, the platform has no eventfd, or the process had no descriptor left.
    pub fn descriptor(&self) -> i32 {
        self.eventfd.0
    }
}

/// -1 where there is none.
struct EventFd(i32);

#[cfg(target_os = "linux")]
impl EventFd {
    fn new() -> Self {
        // SAFETY: takes numbers only.
        EventFd(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })
    }

    fn raise(&self) {
        let one = 1u64;
        // SAFETY: eight bytes are read from `one`. On -1 the call fails, which is meant.
        unsafe { libc::write(self.0, std::ptr::from_ref(&one).cast(), 8) };
    }

    fn lower(&self) {
        let mut count = 0u64;
        // SAFETY: eight bytes are written to `count`.
        unsafe { libc::read(self.0, std::ptr::from_mut(&mut count).cast(), 8) };
    }
}

#[cfg(target_os = "linux")]
impl Drop for EventFd {
    fn drop(&mut self) {
        if self.0 >= 0 {
            // SAFETY: the descriptor is ours and nobody uses it after this.
            unsafe { libc::close(self.0) };
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl EventFd {
    fn new() -> Self {
        EventFd(-1)
    }

    fn raise(&self) {}

    fn lower(&self) {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn is_readable(ready: &Ready) -> bool {
        let mut polled = libc::pollfd { fd: ready.descriptor(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one structure.
        unsafe { libc::poll(&raw mut polled, 1, 0) == 1 }
    }

    #[test]
    fn the_descriptor_is_readable_until_each_that_raised_it_has_lowered_it() {
        let ready = Ready::new();
        assert!(ready.descriptor() >= 0 && !is_readable(&ready));
        ready.raise();
        ready.raise();
        ready.lower();
        assert!(is_readable(&ready), "one is left");
        ready.lower();
        assert!(!is_readable(&ready));
        ready.raise();
        assert!(is_readable(&ready));
    }

    #[test]
    fn without_a_descriptor_raising_is_harmless() {
        let ready = Ready::without_descriptor();
        ready.raise();
        ready.lower();
        assert_eq!(ready.descriptor(), -1);
    }
}
