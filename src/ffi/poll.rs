//! Poll mode: reports, or events, wait in a queue until the application takes them.

use std::collections::VecDeque;
use std::ffi::c_void;
use std::time::Instant;

use super::userdata::Userdata;
use crate::error::{Error, ErrorKind, Result};
use crate::sync::{Arc, Condvar, HandOver, Mutex};

/// Called when a queue (of reports, or of events) becomes non-empty, once until it was emptied again by
/// ottla_producer_poll() or ottla_producer_poll_event(), and once when the producer has ended. For event loops that cannot
/// watch ottla_producer_poll_fd(): wake the loop here, and poll there. Runs on the sender thread; must not throw, longjmp
/// or block, nor take anything itself with a waiting poll.
pub type ottla_ready_fn = Option<unsafe extern "C" fn(userdata: *mut c_void)>;

pub(super) struct Queue<T> {
    /// What is in it, for messages.
    what: &'static str,
    limit: usize,
    state: Mutex<State<T>>,
    turn: Condvar,
    hand_over: HandOver,
    ready: Arc<Ready>,
    on_ready: ottla_ready_fn,
    userdata: Userdata,
}

struct State<T> {
    items: VecDeque<T>,
    /// How many made room for newer ones, since the last one was taken.
    dropped: u64,
    ended: bool,
}

/// Something that was taken, and how many were lost before it.
pub(super) struct Taken<T> {
    pub(super) item: T,
    pub(super) dropped: u64,
}

impl<T> Queue<T> {
    /// Keeps at most `limit` items: beyond that the oldest is dropped.
    pub(super) fn new(
        what: &'static str,
        limit: usize,
        ready: Arc<Ready>,
        on_ready: ottla_ready_fn,
        userdata: Userdata,
    ) -> Self {
        let state = Mutex::new(State { items: VecDeque::new(), dropped: 0, ended: false });
        Queue {
            what,
            limit,
            state,
            turn: Condvar::default(),
            hand_over: HandOver::default(),
            ready,
            on_ready,
            userdata,
        }
    }

    /// Thread: sender.
    pub(super) fn push(&self, item: T) {
        self.hand_over.leave();
        let mut state = self.state.lock();
        let first = state.items.is_empty();
        let oldest = if state.items.len() < self.limit { None } else { state.items.pop_front() };
        state.dropped += u64::from(oldest.is_some());
        state.items.push_back(item);
        if first {
            self.ready.raise();
        }
        drop(state);
        self.turn.notify_one();
        if first {
            self.call_on_ready();
        }
    }

    /// Nothing will follow. The descriptor stays readable, so that an event loop comes and sees.
    pub(super) fn end(&self) {
        let mut state = self.state.lock();
        let first = !std::mem::replace(&mut state.ended, true);
        if first {
            self.ready.raise();
        }
        drop(state);
        self.turn.notify_all();
        if first {
            self.call_on_ready();
        }
    }

    /// The next item; `None` if there was none by the deadline (`None`: no limit).
    pub(super) fn take(&self, deadline: Option<Instant>) -> Result<Option<Taken<T>>> {
        let mut state = self.state.lock();
        loop {
            if let Some(item) = state.items.pop_front() {
                if state.items.is_empty() {
                    self.ready.lower();
                }
                self.hand_over.take();
                return Ok(Some(Taken { item, dropped: std::mem::take(&mut state.dropped) }));
            }
            if state.ended {
                let message = format!("the producer has ended, and every {} was polled", self.what);
                return Err(Error::new(ErrorKind::Closed, message));
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(None);
            }
            state = self.turn.wait(state, deadline);
        }
    }

    fn call_on_ready(&self) {
        if let Some(on_ready) = self.on_ready {
            // SAFETY: the function and its userdata were given together. No lock is held.
            unsafe { on_ready(self.userdata.pointer()) };
        }
    }
}

/// A descriptor that is readable while a queue has something, or has ended: each raises it once for each of the two.
pub(super) struct Ready {
    raised: Mutex<u32>,
    eventfd: EventFd,
}

impl Ready {
    /// Without a descriptor if nothing is polled.
    pub(super) fn new(polled: bool) -> Self {
        Ready { raised: Mutex::new(0), eventfd: if polled { EventFd::new() } else { EventFd(-1) } }
    }

    fn raise(&self) {
        let mut raised = self.raised.lock();
        *raised += 1;
        if *raised == 1 {
            self.eventfd.raise();
        }
    }

    fn lower(&self) {
        let mut raised = self.raised.lock();
        *raised -= 1;
        if *raised == 0 {
            self.eventfd.lower();
        }
    }

    pub(super) fn descriptor(&self) -> i32 {
        self.eventfd.0
    }
}

/// -1 where there is no eventfd, or the process had no descriptor left.
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
