//! Time as an argument. Below the event loop the engine reads no clock by itself, so that tests can set the time.

use std::time::Duration;

/// A point on the monotonic clock, in nanoseconds since an arbitrary start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub u64);

impl Time {
    pub const ZERO: Time = Time(0);
    pub const NEVER: Time = Time(u64::MAX);

    /// The time `by` later; `NEVER` if the clock cannot represent it.
    pub fn after(self, by: Duration) -> Time {
        Time(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// How long ago `earlier` was; zero if it is in the future.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A source of the present time. Application threads pass one to the accumulator.
pub trait Clock {
    /// Precise. Read once per batch or pass of the sender, not per record: it takes 37 ns on a virtual machine.
    fn monotonic(&self) -> Time;
    /// Milliseconds since 1970-01-01 UTC. Read per record, so it may be a few milliseconds behind.
    fn wall_ms(&self) -> i64;
}

/// The machine's clocks.
#[derive(Clone, Copy, Default)]
pub struct SystemClock;

#[cfg(unix)]
impl Clock for SystemClock {
    fn monotonic(&self) -> Time {
        let now = read_clock(libc::CLOCK_MONOTONIC);
        Time(now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64)
    }

    #[inline(always)]
    fn wall_ms(&self) -> i64 {
        let now = read_clock(WALL);
        now.tv_sec * 1_000 + i64::from(now.tv_nsec as u32 / 1_000_000)
    }
}

#[cfg(not(unix))]
impl Clock for SystemClock {
    fn monotonic(&self) -> Time {
        static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        Time::ZERO.after(START.get_or_init(std::time::Instant::now).elapsed())
    }

    fn wall_ms(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

#[cfg(target_os = "linux")]
const WALL: libc::clockid_t = libc::CLOCK_REALTIME_COARSE;
#[cfg(all(unix, not(target_os = "linux")))]
const WALL: libc::clockid_t = libc::CLOCK_REALTIME;

#[cfg(unix)]
#[inline]
#[expect(unsafe_code, reason = "libc's clock_gettime: std offers neither the coarse clock nor a plain number")]
fn read_clock(which: libc::clockid_t) -> libc::timespec {
    let mut now = std::mem::MaybeUninit::uninit();
    // SAFETY: `now` has room for the result, and `which` is one of the constants above, for which the call never fails.
    unsafe {
        libc::clock_gettime(which, now.as_mut_ptr());
        now.assume_init()
    }
}
