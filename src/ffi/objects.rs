//! Sending what is serialized on the way.

use std::ffi::c_void;
use std::mem::MaybeUninit;

use super::delivery::{ottla_delivery_fn, tag_of};
use super::error::{ottla_code, ottla_error};
use super::handle::ottla_producer;
use super::record::ottla_record;
use super::send::{at, own};
use super::topic::ottla_topic;
use super::{boundary, required};
use crate::batch::Completion;
use crate::error::Result;
use crate::producer::Wait;
use crate::serialize::{Bytes, Object, Objects};

/// Bytes as an object; see ottla_producer_send_objects().
#[repr(C)]
pub struct ottla_bytes {
    /// NULL with len 0 is null, any other pointer with len 0 is empty.
    pub data: *const c_void,
    pub len: usize,
}

/// ottla_producer_send() for a record whose key or value, or both, are made of objects, by the serializers that
/// key.serializer and value.serializer name, or by the application's own (ottla_config_set_key_serializer(),
/// ottla_config_set_value_serializer()). What an object has to be:
///
///     bytes    const ottla_bytes *            string   const char *, UTF-8, ended by a NUL
///     short    const int16_t *                integer  const int32_t *
///     long     const int64_t *                float    const float *
///     double   const double *                 uuid     const uint8_t[16]; sent as text of 36 characters
///     boolean  const uint8_t *, 0 or another  void     only NULL
///     the application's own: whatever that one reads
///
/// Numbers are sent with the highest byte first, as Kafka's Java serializers do. Objects are looked at only inside the
/// call. The serializers run on the calling thread, the key's first.
///
/// @param record        borrowed for the call: partition, timestamp and headers; its key has to be null if there is a
///                      key_object, and its value if there is a value_object
/// @param key_object    NULL: the record's key counts (which may be null); no serializer is asked
/// @param value_object  likewise
/// @return as ottla_producer_send(); also OTTLA_ERR_SERIALIZATION; OTTLA_ERR_INVALID_ARGUMENT also for an object
///         without a serializer; with a partitioner that needs_objects also what ottla_topic_partitions() returns, after
///         waiting up to max.block.ms for the topic's partitions, or OTTLA_ERR_METADATA_TIMED_OUT where nothing waits
///
/// Any thread, concurrently with any other call, callbacks too.
///
/// # Safety
/// What `record` points to is as `ottla_record` says; the objects are what their serializers read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_send_objects(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    key_object: *const c_void,
    value_object: *const c_void,
    userdata: *mut c_void,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let completion = Completion::Tag(tag_of(userdata));
        // SAFETY: by this function's contract.
        unsafe { send(producer, topic, record, key_object, value_object, &completion, Wait::Configured) }
    })
}

/// ottla_producer_send_objects() that never waits: OTTLA_ERR_BUFFER_FULL at once when there is no room, and
/// OTTLA_ERR_METADATA_TIMED_OUT at once when a partitioner that needs_objects has to see partitions that are not known
/// yet; they are asked for, so trying again helps.
///
/// # Safety
/// As for `ottla_producer_send_objects`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_try_send_objects(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    key_object: *const c_void,
    value_object: *const c_void,
    userdata: *mut c_void,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let completion = Completion::Tag(tag_of(userdata));
        // SAFETY: by this function's contract.
        unsafe { send(producer, topic, record, key_object, value_object, &completion, Wait::Never) }
    })
}

/// ottla_producer_send_objects() with a function of this record's own, called instead of whatever serves by default.
///
/// @param on_delivery  not NULL
/// @param userdata     given to on_delivery, as its argument and in the delivery
///
/// # Safety
/// As for `ottla_producer_send_objects`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_send_objects_with(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    key_object: *const c_void,
    value_object: *const c_void,
    on_delivery: ottla_delivery_fn,
    userdata: *mut c_void,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let completion = own(on_delivery, userdata)?;
        // SAFETY: by this function's contract.
        unsafe { send(producer, topic, record, key_object, value_object, &completion, Wait::Configured) }
    })
}

const _: () = assert!(
    size_of::<ottla_bytes>() == size_of::<Bytes>()
        && std::mem::offset_of!(ottla_bytes, data) == std::mem::offset_of!(Bytes, data)
        && std::mem::offset_of!(ottla_bytes, len) == std::mem::offset_of!(Bytes, len)
);

/// # Safety
/// As for `ottla_producer_send_objects`.
unsafe fn send(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    key_object: *const c_void,
    value_object: *const c_void,
    completion: &Completion,
    wait: Wait,
) -> Result<()> {
    let (engine, topic) = at(producer, topic)?;
    let record = required(record, "record")?;
    let objects = Objects { key: Object::new(key_object), value: Object::new(value_object) };
    // SAFETY: by this function's contract, for the record and for the objects.
    unsafe { record.with(|record| engine.producer.send_objects(topic, record, objects, completion, wait)) }
}
