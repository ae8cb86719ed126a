//! Poll mode: reports wait in a queue until the application takes them.

use std::ffi::c_void;
use std::time::Instant;

use super::sink::Reports;
use super::userdata::Userdata;
use crate::batch::Report;
use crate::error::{Error, ErrorKind, Result};
use crate::sync::{Condvar, Mutex};

/// Called when the queue of reports becomes non-empty, once until it was emptied again by ottla_producer_poll(), and
/// once when the producer has ended. For event loops that cannot watch ottla_producer_poll_fd(): wake the loop here,
/// and poll there. Runs on the sender thread; must not throw, longjmp or block, nor take reports itself with a waiting
/// poll.
pub type ottla_ready_fn = Option<unsafe extern "C" fn(userdata: *mut c_void)>;

pub(super) struct Queue {
    state: Mutex<State>,
    turn: Condvar,
    ready: Ready,
    on_ready: ottla_ready_fn,
    userdata: Userdata,
}

#[derive(Default)]
struct State {
    reports: Reports,
    ended: bool,
}

impl Queue {
    pub(super) fn new(on_ready: ottla_ready_fn, userdata: Userdata) -> Self {
        Queue { state: Mutex::default(), turn: Condvar::default(), ready: Ready::new(), on_ready, userdata }
    }

    /// Thread: sender.
    pub(super) fn push(&self, report: Report) {
        let mut state = self.state.lock();
        state.reports.push_back(report);
        let first = state.reports.len() == 1;
        if first {
            self.ready.raise();
        }
        drop(state);
        self.turn.notify_one();
        if first {
            self.call_on_ready();
        }
    }

    /// No report will follow. The descriptor stays readable, so that an event loop comes and sees.
    pub(super) fn end(&self) {
        let mut state = self.state.lock();
        let first = !std::mem::replace(&mut state.ended, true);
        self.ready.raise();
        drop(state);
        self.turn.notify_all();
        if first {
            self.call_on_ready();
        }
    }

    /// The next report; `None` if there was none by the deadline (`None`: no limit).
    pub(super) fn take(&self, deadline: Option<Instant>) -> Result<Option<Report>> {
        let mut state = self.state.lock();
        loop {
            if let Some(report) = state.reports.pop_front() {
                if state.reports.is_empty() && !state.ended {
                    self.ready.lower();
                }
                return Ok(Some(report));
            }
            if state.ended {
                return Err(Error::new(ErrorKind::Closed, "the producer has ended, and every report was polled"));
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(None);
            }
            state = self.turn.wait(state, deadline);
        }
    }

    pub(super) fn descriptor(&self) -> i32 {
        self.ready.descriptor()
    }

    fn call_on_ready(&self) {
        if let Some(on_ready) = self.on_ready {
            // SAFETY: the function and its userdata were given together. No lock is held.
            unsafe { on_ready(self.userdata.pointer()) };
        }
    }
}

/// A descriptor that is readable while there are reports; -1 where there is no eventfd, or the process had no
/// descriptor left.
struct Ready(i32);

#[cfg(target_os = "linux")]
impl Ready {
    fn new() -> Self {
        // SAFETY: takes numbers only.
        Ready(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })
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
impl Drop for Ready {
    fn drop(&mut self) {
        if self.0 >= 0 {
            // SAFETY: the descriptor is ours and nobody uses it after this.
            unsafe { libc::close(self.0) };
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Ready {
    fn new() -> Self {
        Ready(-1)
    }

    fn raise(&self) {}

    fn lower(&self) {}
}

impl Ready {
    fn descriptor(&self) -> i32 {
        self.0
    }
}
