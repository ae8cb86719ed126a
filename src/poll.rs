//! Poll mode: reports and events wait in a queue until the application takes them.

use std::collections::VecDeque;
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::time::Instant;

use super::boundary::invalid;
use super::config::{ottla_config, set_route};
use super::error::{ottla_code, ottla_error};
use super::handle::{Engine, ottla_producer};
use super::report::ottla_report;
use super::sink::Route;
use super::userdata::{Userdata, ottla_free_fn};
use super::{boundary, guarded, required, wait};
use ottla_core::error::{Error, ErrorKind, Result};
use ottla_core::sync::{Arc, Condvar, HandOver, Mutex};
use ottla_engine::producer::Wait;

/// Called when a queue of reports or of events becomes non-empty (once, until ottla_producer_poll() or
/// ottla_producer_poll_event() has emptied it), and once when the producer has ended. It is for event loops that cannot
/// watch ottla_producer_poll_fd(): wake the loop here and poll there. Runs on the sender thread. It must not throw,
/// longjmp or block, nor call a poll that waits.
pub type ottla_ready_fn = Option<unsafe extern "C" fn(userdata: *mut c_void)>;

/// Poll mode: queues reports for ottla_producer_poll() instead of calling a function. Reports hold some of
/// buffer.memory, at least 16 bytes a record, until they are polled and freed. If the application does not poll, they
/// fill the buffer in the end, and sends return OTTLA_ERR_BUFFER_FULL. Replaces an earlier call like
/// ottla_config_set_delivery().
///
/// @param on_ready       optional; see ottla_ready_fn
/// @param userdata       passed to each call of on_ready
/// @param free_userdata  optional; see ottla_free_fn. On failure it is not called
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn ottla_config_set_poll(
    config: Option<&mut ottla_config>,
    on_ready: ottla_ready_fn,
    userdata: *mut c_void,
    free_userdata: ottla_free_fn,
) -> ottla_code {
    set_route(config, || Route::Poll(on_ready, Userdata::new(userdata, free_userdata)))
}

/// Takes reports; only with ottla_config_set_poll(). One call takes as many as there are, up to max_reports.
///
/// @param timeout_ms   longest wait for the first report in milliseconds; -1: no limit, 0: does not wait
/// @param reports_out  receives *count_out reports; release each with ottla_report_free()
/// @param max_reports  the pointers that reports_out has room for; at least 1
/// @param count_out    receives how many reports were taken; 0 if there was none in time, and on failure
/// @param error_out    optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK, also if there was no report in time;
///         OTTLA_ERR_CLOSED (with an error object, like any failure): the producer was closed and every report was
///         taken; a close wakes the threads that wait here;
///         OTTLA_ERR_INVALID_STATE: the producer is not in poll mode;
///         OTTLA_ERR_IN_CALLBACK: the call would wait in a callback;
///         OTTLA_ERR_FORKED; OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, any number at once. Reports of one partition are handed out in order.
///
/// # Safety
/// `reports_out` is NULL or has `max_reports` writable pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_poll(
    producer: Option<&ottla_producer>,
    timeout_ms: i64,
    reports_out: *mut *mut ottla_report,
    max_reports: usize,
    count_out: Option<&mut MaybeUninit<usize>>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let count_out = required(count_out, "count_out")?.write(0);
        let deadline = deadline(wait(timeout_ms)?);
        let producer = required(producer, "producer")?;
        let reports_out = required(NonNull::new(reports_out), "reports_out")?;
        if max_reports == 0 {
            return Err(invalid("max_reports is 0: reports_out has to have room for a report"));
        }
        let entered = producer.enter()?;
        let taken = entered.take(entered.polled.reports.as_ref(), "ottla_config_set_poll()", deadline, max_reports)?;
        *count_out = taken.items.len();
        for (index, queued) in taken.items.into_iter().enumerate() {
            let report = ottla_report::new(queued, entered.reports_held.clone());
            // SAFETY: `take` gives at most max_reports, for which there is room by this function's contract.
            unsafe { reports_out.add(index).write(Box::into_raw(report)) };
        }
        Ok(())
    })
}

/// Returns a file descriptor for poll() or epoll. It is readable while there are reports or events to take, and once
/// the producer has ended. It belongs to the library: do not read, write or close it, and do not use it after
/// ottla_producer_free(). -1 if neither reports nor events are polled, if the producer is NULL or was freed, and on
/// platforms without eventfd; use on_ready of ottla_config_set_poll() and ottla_config_set_event_poll() there. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_poll_fd(producer: Option<&ottla_producer>) -> i32 {
    guarded(-1, || match producer.map(ottla_producer::enter) {
        Some(Ok(entered)) => entered.polled.ready.descriptor(),
        _ => -1,
    })
}

pub(super) fn deadline(wait: Wait) -> Option<Instant> {
    match wait {
        Wait::Never | Wait::Configured => Some(Instant::now()),
        Wait::AtMost(longest) => Instant::now().checked_add(longest),
        Wait::Forever => None,
    }
}

impl Engine {
    /// Takes up to `most` items of a queue that `setter` asks for; none if there was none by the deadline.
    pub(super) fn take<T>(
        &self,
        queue: Option<&Arc<Queue<T>>>,
        setter: &str,
        deadline: Option<Instant>,
        most: usize,
    ) -> Result<Taken<T>> {
        if !self.producer.belongs_to_this_process() {
            return Err(Error::new(ErrorKind::Forked, "the producer belongs to the process that forked this one"));
        }
        let Some(queue) = queue else {
            let message = format!("the producer is not in poll mode: call {setter} before ottla_producer_new()");
            return Err(Error::new(ErrorKind::InvalidState, message));
        };
        let would_wait = deadline.is_none_or(|deadline| deadline > Instant::now());
        if would_wait && self.producer.in_callback() {
            let message = "a poll that waits was called in a callback, where it would wait for itself";
            return Err(Error::new(ErrorKind::InCallback, message));
        }
        queue.take(deadline, most)
    }
}

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

/// What was taken, the oldest first, and how many were lost before it.
pub(super) struct Taken<T> {
    pub(super) items: Vec<T>,
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

    /// The next items, at most `most`; none if there was none by the deadline (`None`: no limit).
    fn take(&self, deadline: Option<Instant>, most: usize) -> Result<Taken<T>> {
        let mut state = self.state.lock();
        loop {
            if !state.items.is_empty() {
                let count = state.items.len().min(most);
                let items = state.items.drain(..count).collect();
                if state.items.is_empty() {
                    self.ready.lower();
                }
                self.hand_over.take();
                return Ok(Taken { items, dropped: std::mem::take(&mut state.dropped) });
            }
            if state.ended {
                let message = format!("the producer has ended, and every {} was polled", self.what);
                return Err(Error::new(ErrorKind::Closed, message));
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(Taken { items: Vec::new(), dropped: 0 });
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
