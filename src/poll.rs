//! Poll mode: reports and events wait in a queue until the application takes them.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::Arc;

use super::config::{ottla_config, set_route};
use super::error::{ottla_code, ottla_error};
use super::handle::{Engine, ottla_producer};
use super::report::ottla_report;
use super::sink::Route;
use super::userdata::{ottla_free_fn, take_over};
use super::{boundary, required, wait};
use ottla_engine::{Error, ErrorKind, Result, Wait};
use ottla_host::arguments::{invalid, room};
use ottla_host::queue::{OnReady, Queue, Taken};
use ottla_host::userdata::Userdata;

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
    set_route(config, || Route::Poll(on_ready, take_over(userdata, free_userdata)))
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
        let wait = wait(timeout_ms)?;
        let producer = required(producer, "producer")?;
        // SAFETY: by this function's contract.
        let reports_out = unsafe { room(reports_out, max_reports, "reports_out")? };
        if reports_out.is_empty() {
            return Err(invalid("max_reports is 0: reports_out has to have room for a report"));
        }
        let entered = producer.enter()?;
        let taken = entered.poll(entered.polled.reports.as_ref(), "ottla_config_set_poll()", wait, max_reports)?;
        *count_out = taken.items.len();
        for (out, queued) in reports_out.iter_mut().zip(taken.items) {
            out.write(Box::into_raw(ottla_report::new(queued, entered.reports_held.clone())));
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
    ottla_producer::read(producer, -1, |engine| engine.polled.ready.descriptor())
}

impl Engine {
    /// Takes up to `most` items of a queue that `setter` asks for; none if there was none in time.
    pub(super) fn poll<T>(
        &self,
        queue: Option<&Arc<Queue<T>>>,
        setter: &str,
        wait: Wait,
        most: usize,
    ) -> Result<Taken<T>> {
        self.producer.check_process()?;
        let not_polled = || {
            let message = format!("the producer is not in poll mode: call {setter} before ottla_producer_new()");
            Error::new(ErrorKind::InvalidState, message)
        };
        queue.ok_or_else(not_polled)?.poll(&self.producer, wait, most)
    }
}

/// The application's function as a queue calls it.
pub(super) fn when_ready(function: ottla_ready_fn, userdata: Userdata) -> OnReady {
    Box::new(move || {
        if let Some(function) = function {
            // SAFETY: the function and its userdata were given together. The queue holds no lock.
            unsafe { function(userdata.pointer()) };
        }
    })
}
