//! Topic handles.

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;

use super::config::ottla_config;
use super::error::{ottla_code, ottla_error};
use super::handle::{Engine, ottla_producer};
use super::log::c_string;
use super::{boundary, guarded, required, text};
use crate::producer::TopicHandle;
use crate::sync::Arc;

/// A topic of a producer. Getting one costs a look-up by name, sending by it does not: get it once and keep it.
///
/// Life: ottla_producer_topic() or ottla_producer_topic_with(); sends; ottla_topic_free(), before or after
/// ottla_producer_free(), which a handle does not keep from ending the producer (calls with it then answer
/// OTTLA_ERR_CLOSED; what is left of its memory goes with the last handle). Any thread, any number at once; freed once,
/// when no call uses it.
pub struct ottla_topic {
    pub(super) engine: Arc<Engine>,
    pub(super) topic: TopicHandle,
    pub(super) name: Arc<CStr>,
}

/// A handle for the topic of this name. Nothing is asked of a broker: that happens at the topic's first record, and
/// what is wrong with the topic is told in the completions of its records.
///
/// @param name       UTF-8, 1 to 249 of the characters a-z A-Z 0-9 . _ -
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

/// A handle for a topic that differs from the producer's other topics: in acks, linger.ms, delivery.timeout.ms,
/// request.timeout.ms, the compression.* properties, partitioner.class or partitioner.ignore.keys. What is not said is
/// as for the producer. Requests carry topics of one acks and one request.timeout.ms only, so topics that differ in these
/// take turns at a broker.
///
/// A topic's settings are fixed when it is first named: by ottla.topic.<name>.<property> in the producer's configuration,
/// or by the first handle made for it. Another handle is made with the same, or by ottla_producer_topic(), which takes
/// the topic as it is.
///
/// @param name       UTF-8, 1 to 249 of the characters a-z A-Z 0-9 . _ -
/// @param overrides  the properties in which the topic differs, and no others; read by the call. Functions that it holds
///                   are not looked at
/// @param topic_out  receives the handle; release with ottla_topic_free()
/// @param error_out  optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK; OTTLA_ERR_INVALID_CONFIG if a property is not a topic's, or contradicts another;
///         OTTLA_ERR_INVALID_STATE if the topic has other settings already; OTTLA_ERR_INVALID_ARGUMENT,
///         OTTLA_ERR_CLOSED or OTTLA_ERR_FORKED
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

/// The topic's name, valid as long as the handle. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_topic_name(topic: Option<&ottla_topic>) -> *const c_char {
    topic.map_or(std::ptr::null(), |topic| topic.name.as_ptr())
}

/// Releases a handle. Records sent with it are not concerned. NULL is ignored. Any thread, callbacks too.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_topic_free(topic: Option<Box<ottla_topic>>) {
    guarded((), || drop(topic));
}
