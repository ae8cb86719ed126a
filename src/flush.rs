//! Flush and close.

use std::mem::MaybeUninit;

use super::error::{ottla_code, ottla_error};
use super::handle::{Engine, ottla_producer};
use super::{boundary, required, wait};
use ottla_engine::{Producer, Result, Wait};
use ottla_host::arguments::invalid;

/// In poll mode, wait also until the application has polled and freed the reports. A flag of ottla_producer_flush().
pub const OTTLA_FLUSH_POLLED: u32 = 1;

/// Waits until every record that was accepted before this call is decided, and its delivery has reached the
/// application. Records that linger are sent at once. (Java: KafkaProducer.flush.) What "reached" means depends on
/// where deliveries go:
///
///     a callback                      the callback has returned
///     a call that waits for a record  the delivery is there, and the call is about to return
///     poll mode                       the report is queued for ottla_producer_poll()
///     poll mode, OTTLA_FLUSH_POLLED   the report was taken by ottla_producer_poll() and freed; by another thread, since a
///                                     thread that polls would wait for itself
///
/// A thread that polls by itself flushes without the flag and then polls with timeout_ms 0 until no report comes.
/// Reports hold some of buffer.memory until they are freed.
///
/// @param timeout_ms  longest wait in milliseconds; -1: no limit, 0: does not wait
/// @param flags       0 or OTTLA_FLUSH_POLLED, which changes nothing outside poll mode
/// @param error_out   optional; set only on failure, release with ottla_error_free(). After OTTLA_ERR_TIMED_OUT the
///                    message says what the records or reports wait for; to learn this from the sender thread can take
///                    another quarter of a second
/// @return OTTLA_ERR_OK, OTTLA_ERR_TIMED_OUT, OTTLA_ERR_IN_CALLBACK, OTTLA_ERR_CLOSED, OTTLA_ERR_FORKED or
///         OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, concurrently with any other call. Not from a callback.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_flush(
    producer: Option<&ottla_producer>,
    timeout_ms: i64,
    flags: u32,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let wait = wait(timeout_ms)?;
        let producer = required(producer, "producer")?;
        let until = until(flags)?;
        producer.enter()?.flush(until, wait)
    })
}

/// How far the deliveries have come when a flush ends.
enum Until {
    Reported,
    Freed,
}

fn until(flags: u32) -> Result<Until> {
    match flags {
        0 => Ok(Until::Reported),
        OTTLA_FLUSH_POLLED => Ok(Until::Freed),
        _ => Err(invalid(format!("flags is {flags:#x}: it is 0 or OTTLA_FLUSH_POLLED (1)"))),
    }
}

impl Engine {
    fn flush(&self, until: Until, wait: Wait) -> Result<()> {
        match until {
            Until::Reported => self.producer.flush(wait),
            Until::Freed => self.polled.pending.flush(&self.producer, wait),
        }
    }
}

/// Ends a producer in order: it accepts nothing more, delivers what was accepted, and completes what is not decided in
/// time with OTTLA_ERR_CLOSED; the error of each such record says what the record waited for. The call returns when all
/// that is done. Only a callback that is running can make it take longer than timeout_ms. Reports can still be polled
/// afterwards, and the producer must still be freed. A second call while one waits shortens that wait to its own limit;
/// both return at the end. (Java: KafkaProducer.close.)
///
/// @param timeout_ms  longest wait for records to be delivered, in milliseconds; -1: no limit, 0: gives up at once what
///                    is not decided
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK, also if it was closed before; OTTLA_ERR_IN_CALLBACK; OTTLA_ERR_FORKED;
///         OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, concurrently with any other call. Not from a callback.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_close(
    producer: Option<&ottla_producer>,
    timeout_ms: i64,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    ottla_producer::call(producer, timeout_ms, error_out, Producer::close)
}
