//! A producer from `new` to `free`, but for sending.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

use super::config::ottla_config;
use super::error::{ottla_code, ottla_error};
use super::event::{Told, ottla_event};
use super::handle::{Engine, ottla_producer};
use super::poll::{Queue, Taken};
use super::report::ottla_report;
use super::sink::CSink;
use super::{boundary, guarded, required, text, wait};
use crate::error::{Error, ErrorKind, Result};
use crate::producer::{Producer, Wait};
use crate::sync::Arc;

/// Starts a producer: its sender thread, which begins to connect at once. No broker need be there yet.
///
/// @param config        borrowed for the call and copied; stays the caller's
/// @param producer_out  receives the producer; release with ottla_producer_free()
/// @param error_out     optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK, OTTLA_ERR_INVALID_CONFIG (properties that contradict each other, bootstrap.servers is not set,
///         or a plug-in's configure failed),
///         OTTLA_ERR_IO or OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_new(
    config: Option<&ottla_config>,
    producer_out: Option<&mut MaybeUninit<*mut ottla_producer>>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let config = required(config, "config")?;
        let producer_out = required(producer_out, "producer_out")?;
        let (sink, polled) = CSink::new(&config.route, &config.listener, config.reader.clone(), config.logger.clone());
        let logger = config.logger.clone();
        let log = Box::new(move |level, message: &str| logger.log(level, message));
        let level = config.logger.level();
        let producer = Producer::with_plugins(&config.config, &config.plugins, Box::new(sink), log, level)?;
        producer_out.write(ottla_producer::new(Engine { producer, polled, reports_held: Default::default() }));
        Ok(())
    })
}

/// Ends a producer. What is not decided is completed with OTTLA_ERR_CLOSED (callbacks run, reports are queued and
/// lost): to end in order call ottla_producer_flush() or ottla_producer_close() before. Calls that wait on other
/// threads return OTTLA_ERR_CLOSED; when this returns, no callback runs any more and the sender thread has ended.
///
/// @return OTTLA_ERR_OK; OTTLA_ERR_IN_CALLBACK, and nothing happened, in a callback of the producer; OTTLA_ERR_CLOSED
///         if it was freed before, as far as that can be noticed; OTTLA_ERR_INVALID_ARGUMENT for NULL
///
/// Waits for a callback that is running. Other calls with the producer must not begin once this has.
///
/// # Safety
/// `producer` is NULL or came from ottla_producer_new().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_free(producer: *mut ottla_producer) -> ottla_code {
    boundary(None, || {
        // SAFETY: NULL or a control block, which stays valid for the life of the process.
        let producer = required(unsafe { producer.as_ref() }, "producer")?;
        producer.free()
    })
}

/// Waits until every record accepted before this call was told to its callback, or queued to be polled. Records that
/// linger are sent at once. Reports that are queued still hold some of buffer.memory: they are to be polled and freed. The
/// message of OTTLA_ERR_TIMED_OUT says what the records wait for; to learn that from the sender thread may take a quarter of a
/// second longer.
///
/// @param producer    borrowed for the call
/// @param timeout_ms  longest wait; -1 waits without limit, 0 does not wait
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK, OTTLA_ERR_TIMED_OUT, OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or
///         OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, concurrently with any other call. Not from a callback.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_flush(
    producer: Option<&ottla_producer>,
    timeout_ms: i64,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let wait = wait(timeout_ms)?;
        required(producer, "producer")?.enter()?.producer.flush(wait)
    })
}

/// Accepts nothing more, delivers what was accepted, and completes with OTTLA_ERR_CLOSED what is not decided in time; the
/// error of each record says what it waited for. Waits until that is done; only a callback that is running can make it
/// take longer. Reports can still be polled afterwards. A second call while one waits shortens it to its own limit, if
/// that is shorter; both return at the end.
///
/// @param timeout_ms  longest wait for records to be delivered; -1 waits without limit, 0 gives up at once what is not
///                    decided
/// @return OTTLA_ERR_OK, also when it was closed before; OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_FORKED or
///         OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, concurrently with any other call. Not from a callback. The producer is still to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_close(
    producer: Option<&ottla_producer>,
    timeout_ms: i64,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let wait = wait(timeout_ms)?;
        required(producer, "producer")?.enter()?.producer.close(wait)
    })
}

/// Chooses the parts of the producer that tell debug lines from now on, as the property "debug" does at the start.
///
/// @param facilities  UTF-8, words separated by commas, for example "metadata,request"; "" for none, "all" for all
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK, OTTLA_ERR_INVALID_ARGUMENT (a word is not known, and nothing is changed), OTTLA_ERR_CLOSED if the
///         producer was freed, or OTTLA_ERR_FORKED
///
/// Any thread, callbacks too.
///
/// # Safety
/// `facilities` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_set_debug(
    producer: Option<&ottla_producer>,
    facilities: *const c_char,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let producer = required(producer, "producer")?;
        // SAFETY: a string by this function's contract, which outlives the call.
        let facilities = unsafe { text(facilities, "facilities")? };
        producer.enter()?.producer.set_debug(facilities)
    })
}

/// Bytes of buffer.memory in use: by records that are not decided, by reports until they are polled and freed (or until
/// their callbacks return), and by lent values until they are given back. 0 for NULL and for a producer that was freed.
/// Any thread, callbacks too.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_buffered_bytes(producer: Option<&ottla_producer>) -> u64 {
    guarded(0, || match producer.map(ottla_producer::enter) {
        Some(Ok(entered)) => entered.producer.buffered_bytes() as u64,
        _ => 0,
    })
}

/// Records that were accepted and whose fate is not decided yet. They are counted where they are: while records flow,
/// those on their way from one place to the next may be missed or counted twice; ottla_producer_flush() waits for all of
/// them. Looks at every partition that records were sent to. 0 for NULL, for a producer that was freed, and in a child
/// after fork(). Any thread, callbacks too.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_buffered_records(producer: Option<&ottla_producer>) -> u64 {
    guarded(0, || match producer.map(ottla_producer::enter) {
        Some(Ok(entered)) => entered.producer.buffered_records() as u64,
        _ => 0,
    })
}

/// Takes the next report; only with ottla_config_set_poll().
///
/// @param timeout_ms  longest wait for one; -1 waits without limit, 0 does not wait
/// @param report_out  receives the report, or NULL if there was none in time; release with ottla_report_free()
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK, also when there was none in time; OTTLA_ERR_CLOSED, with an error object like any failure,
///         when the producer was closed (which wakes those who wait here) and every report was taken;
///         OTTLA_ERR_INVALID_STATE if the producer is not in poll mode; OTTLA_ERR_IN_CALLBACK, if it would wait in a
///         callback;
///         OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, any number at once; reports of one partition are handed out in order.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_poll(
    producer: Option<&ottla_producer>,
    timeout_ms: i64,
    report_out: Option<&mut MaybeUninit<*mut ottla_report>>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let deadline = deadline(wait(timeout_ms)?);
        let producer = required(producer, "producer")?;
        let report_out = required(report_out, "report_out")?;
        let report = producer.enter()?.poll(deadline)?;
        report_out.write(report.map_or(std::ptr::null_mut(), |report| Box::into_raw(Box::new(report))));
        Ok(())
    })
}

/// Takes the next event; only with ottla_config_set_event_poll().
///
/// @param timeout_ms  longest wait for one; -1 waits without limit, 0 does not wait
/// @param event_out   receives the event, or NULL if there was none in time; release with ottla_event_free()
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return as ottla_producer_poll(); OTTLA_ERR_INVALID_STATE if events are not polled
///
/// Any thread, any number at once.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_poll_event(
    producer: Option<&ottla_producer>,
    timeout_ms: i64,
    event_out: Option<&mut MaybeUninit<*mut ottla_event>>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let deadline = deadline(wait(timeout_ms)?);
        let producer = required(producer, "producer")?;
        let event_out = required(event_out, "event_out")?;
        let event = producer.enter()?.poll_event(deadline)?;
        event_out.write(event.map_or(std::ptr::null_mut(), Told::into_raw));
        Ok(())
    })
}

/// A descriptor for poll() or epoll that is readable while there are reports or events to take, and once the producer has
/// ended. It is the library's: do not read, write or close it, and forget it before ottla_producer_free(). -1 if neither
/// reports nor events are polled, the producer was freed, is NULL, or the platform has no eventfd: use the on_ready of
/// ottla_config_set_poll() and ottla_config_set_event_poll() there. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_poll_fd(producer: Option<&ottla_producer>) -> i32 {
    guarded(-1, || match producer.map(ottla_producer::enter) {
        Some(Ok(entered)) => entered.polled.ready.descriptor(),
        _ => -1,
    })
}

fn deadline(wait: Wait) -> Option<Instant> {
    match wait {
        Wait::Never | Wait::Configured => Some(Instant::now()),
        Wait::AtMost(longest) => Instant::now().checked_add(longest),
        Wait::Forever => None,
    }
}

impl Engine {
    fn poll(&self, deadline: Option<Instant>) -> Result<Option<ottla_report>> {
        let report = self.take(self.polled.reports.as_ref(), "ottla_config_set_poll()", deadline)?;
        Ok(report.map(|report| ottla_report::new(report.item, self.reports_held.clone())))
    }

    fn poll_event(&self, deadline: Option<Instant>) -> Result<Option<Box<Told>>> {
        let event = self.take(self.polled.events.as_ref(), "ottla_config_set_event_poll()", deadline)?;
        Ok(event.map(|event| Told::new(&event.item, event.dropped)))
    }

    fn take<T>(
        &self,
        queue: Option<&Arc<Queue<T>>>,
        setter: &str,
        deadline: Option<Instant>,
    ) -> Result<Option<Taken<T>>> {
        if !self.producer.belongs_to_this_process() {
            return Err(Error::new(ErrorKind::Forked, "the producer belongs to the process that forked this one"));
        }
        let Some(queue) = queue else {
            let message = format!("the producer is not in poll mode: call {setter} before ottla_producer_new()");
            return Err(Error::new(ErrorKind::InvalidState, message));
        };
        let would_wait = deadline.is_none_or(|deadline| deadline > Instant::now() + Duration::ZERO);
        if would_wait && self.producer.in_callback() {
            let message = "a poll that waits was called in a callback, where it would wait for itself";
            return Err(Error::new(ErrorKind::InCallback, message));
        }
        queue.take(deadline)
    }
}
