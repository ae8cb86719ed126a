//! The timer of the event loop. Tokio's timers and the timeouts of epoll have a resolution of a millisecond: a linger
//! of 5 ms would take 5 to 7. A timer of the kernel does not round.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep};

use ottla_core::sync::{Clock, SystemClock, Time};

/// One timer that is set again and again. Thread: sender, inside its runtime.
pub struct Timer {
    #[cfg(target_os = "linux")]
    precise: Option<precise::Timer>,
    /// Used where there is no precise timer.
    coarse: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    pub fn new() -> Self {
        Timer {
            #[cfg(target_os = "linux")]
            precise: precise::Timer::new(),
            coarse: None,
        }
    }

    /// Whether its resolution is finer than a millisecond.
    pub fn is_precise(&self) -> bool {
        #[cfg(target_os = "linux")]
        return self.precise.is_some();
        #[cfg(not(target_os = "linux"))]
        false
    }

    /// Ready if `deadline` has passed. Otherwise wakes the task when it passes. Replaces the deadline of an earlier
    /// call.
    pub fn poll(&mut self, deadline: Time, cx: &mut Context<'_>) -> Poll<()> {
        #[cfg(target_os = "linux")]
        if let Some(precise) = &mut self.precise {
            return precise.poll(deadline, cx);
        }
        self.poll_coarse(deadline, cx)
    }

    fn poll_coarse(&mut self, deadline: Time, cx: &mut Context<'_>) -> Poll<()> {
        let wait = deadline.since(SystemClock.monotonic());
        if wait.is_zero() {
            return Poll::Ready(());
        }
        // A longer wait could overflow tokio's clock.
        let at = Instant::now() + wait.min(std::time::Duration::from_secs(3600));
        let sleep = self.coarse.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx)
    }
}

#[cfg(target_os = "linux")]
mod precise {
    use std::os::fd::OwnedFd;
    use std::task::{Context, Poll};

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use ottla_core::sync::Time;

    /// A timerfd(2) on the clock of [`Time`].
    pub struct Timer {
        fd: AsyncFd<OwnedFd>,
        set_to: Time,
    }

    impl Timer {
        /// `None` if the process has no file descriptor left.
        #[expect(unsafe_code, reason = "tokio has to be promised that the descriptor stays open")]
        pub fn new() -> Option<Self> {
            let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
            let fd = timerfd_create(TimerfdClockId::Monotonic, flags).ok()?;
            // SAFETY: the registered object owns its descriptor, so nothing else closes it.
            let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }.ok()?;
            Some(Timer { fd, set_to: Time::NEVER })
        }

        pub fn poll(&mut self, deadline: Time, cx: &mut Context<'_>) -> Poll<()> {
            if deadline != self.set_to {
                self.set(deadline);
            }
            let Poll::Ready(Ok(mut guard)) = self.fd.poll_read_ready(cx) else { return Poll::Pending };
            // Setting the timer again discards the expiry, so it need not be read.
            guard.clear_ready();
            drop(guard);
            self.set_to = Time::NEVER;
            Poll::Ready(())
        }

        fn set(&mut self, deadline: Time) {
            let at = Timespec {
                // A time of 0 would stop the timer.
                tv_nsec: (deadline.0.max(1) % 1_000_000_000) as _,
                tv_sec: (deadline.0 / 1_000_000_000) as _,
            };
            let never = Timespec { tv_sec: 0, tv_nsec: 0 };
            let spec = Itimerspec { it_interval: never, it_value: at };
            // Fails only for numbers out of range, which these are not.
            let set = timerfd_settime(&self.fd, TimerfdTimerFlags::ABSTIME, &spec);
            debug_assert!(set.is_ok(), "{set:?}");
            self.set_to = deadline;
        }
    }
}

#[cfg(all(test, not(ottla_loom)))]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    fn within_a_runtime(run: impl AsyncFn(&mut Timer)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut timer = Timer::new();
            assert_eq!(timer.is_precise(), cfg!(target_os = "linux"));
            run(&mut timer).await;
            #[cfg(target_os = "linux")]
            {
                timer.precise = None;
            }
            assert!(!timer.is_precise());
            run(&mut timer).await;
        });
    }

    /// Like the sender: after an early wake-up, it waits again.
    async fn wait(timer: &mut Timer, deadline: Time) -> Time {
        while SystemClock.monotonic() < deadline {
            poll_fn(|cx| timer.poll(deadline, cx)).await;
        }
        SystemClock.monotonic()
    }

    #[test]
    fn it_wakes_at_its_deadline_again_and_again() {
        within_a_runtime(async |timer| {
            for micros in [0, 1, 300, 2_000, 300] {
                let deadline = SystemClock.monotonic().after(Duration::from_micros(micros));
                let woken = wait(timer, deadline).await;
                assert!(woken.since(deadline) < Duration::from_secs(5), "{micros}");
            }
        });
    }

    #[test]
    fn the_last_deadline_replaces_earlier_ones() {
        within_a_runtime(async |timer| {
            let begin = SystemClock.monotonic();
            let far = begin.after(Duration::from_secs(1_000));
            for deadline in [far, begin.after(Duration::from_millis(1)), far] {
                poll_fn(|cx| Poll::Ready(timer.poll(deadline, cx))).await.is_ready();
            }
            let deadline = begin.after(Duration::from_millis(5));
            assert!(wait(timer, deadline).await < far);
        });
    }

    #[test]
    fn a_deadline_that_has_passed_is_ready() {
        within_a_runtime(async |timer| {
            for deadline in [Time::ZERO, Time(1), SystemClock.monotonic()] {
                poll_fn(|cx| timer.poll(deadline, cx)).await;
            }
        });
    }
}
