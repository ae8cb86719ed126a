//! Topic handles.

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::sync::Arc;

use super::config::ottla_config;
use super::error::{ottla_code, ottla_error};
use super::handle::{Engine, ottla_producer};
use super::{boundary, guarded, required, text};
use ottla_engine::{Result, TopicHandle};
use ottla_host::text::c_string;

/// A topic of a producer. Making the handle looks the topic up by its name; sending with it does not. So make it once
/// and keep it.
///
/// Life: ottla_producer_topic() or ottla_producer_topic_with(); sends; ottla_topic_free(), once, when no call uses it.
/// It can be freed before or after the producer. After ottla_producer_free() calls with it return OTTLA_ERR_CLOSED, and
/// the last handle releases the rest of the producer's memory. Any thread, any number at once.
pub struct ottla_topic {
    pub(super) engine: Arc<Engine>,
    pub(super) topic: TopicHandle,
    pub(super) name: Arc<CStr>,
}

impl ottla_topic {
    /// The engine's handle, or an error unless it belongs to `producer`.
    pub(super) fn handle_of(&self, producer: &ottla_producer) -> Result<&TopicHandle> {
        producer.check_owns(&self.engine)?;
        Ok(&self.topic)
    }
}

/// Makes a handle for a topic. The call asks no broker: the producer asks for the topic at its first record, and
/// reports problems with the topic in the deliveries of its records.
///
/// @param name       1 to 249 of the characters a-z A-Z 0-9 . _ -
/// @param topic_out  receives the handle; release with ottla_topic_free()
/// @param error_out  optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK, OTTLA_ERR_INVALID_ARGUMENT, OTTLA_ERR_CLOSED or OTTLA_ERR_FORKED
///
/// Any thread, concurrently with any other call, callbacks too.
///
/// # Safety
/// `name` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_topic(
    producer: Option<&ottla_producer>,
    name: *const c_char,
    topic_out: Option<&mut MaybeUninit<*mut ottla_topic>>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let producer = required(producer, "producer")?;
        // SAFETY: a string by this function's contract, which outlives the call.
        let name = unsafe { text(name, "name")? };
        let topic_out = required(topic_out, "topic_out")?;
        let entered = producer.enter()?;
        let topic = entered.producer.topic(name)?;
        let handle = ottla_topic { engine: entered.share(), topic, name: c_string(name).into() };
        topic_out.write(Box::into_raw(Box::new(handle)));
        Ok(())
    })
}

/// Makes a handle for a topic with settings of its own: acks, linger.ms, delivery.timeout.ms, request.timeout.ms, the
/// compression.* properties, partitioner.class or partitioner.ignore.keys. The other settings are the producer's. A
/// Produce request has one acks and one timeout, so topics that differ in these take turns at a broker.
///
/// A topic's settings are fixed when the topic is first named: by ottla.topic.<name>.<property> in the producer's
/// configuration, or by the first handle for it. Later handles need the same overrides, or are made with
/// ottla_producer_topic(), which takes the topic as it is.
///
/// @param name       1 to 249 of the characters a-z A-Z 0-9 . _ -
/// @param overrides  the topic's own properties and no others; borrowed for the call. Its functions are ignored
/// @param topic_out  receives the handle; release with ottla_topic_free()
/// @param error_out  optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK;
///         OTTLA_ERR_INVALID_CONFIG: a property cannot be set for a topic, or contradicts another;
///         OTTLA_ERR_INVALID_STATE: the topic already has other settings;
///         OTTLA_ERR_INVALID_ARGUMENT; OTTLA_ERR_CLOSED; OTTLA_ERR_FORKED
///
/// Any thread, concurrently with any other call.
///
/// # Safety
/// `name` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_topic_with(
    producer: Option<&ottla_producer>,
    name: *const c_char,
    overrides: Option<&ottla_config>,
    topic_out: Option<&mut MaybeUninit<*mut ottla_topic>>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let producer = required(producer, "producer")?;
        // SAFETY: a string by this function's contract, which outlives the call.
        let name = unsafe { text(name, "name")? };
        let overrides = required(overrides, "overrides")?;
        let topic_out = required(topic_out, "topic_out")?;
        let entered = producer.enter()?;
        let topic = entered.producer.topic_with(name, &overrides.config)?;
        let handle = ottla_topic { engine: entered.share(), topic, name: c_string(name).into() };
        topic_out.write(Box::into_raw(Box::new(handle)));
        Ok(())
    })
}

/// Returns the topic's name, valid as long as the handle. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_topic_name(topic: Option<&ottla_topic>) -> *const c_char {
    topic.map_or(std::ptr::null(), |topic| topic.name.as_ptr())
}

/// Releases a handle. Records sent with it go on. NULL is ignored. Any thread, callbacks too.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_topic_free(topic: Option<Box<ottla_topic>>) {
    guarded((), || drop(topic));
}
