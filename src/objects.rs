//! Sending objects that serializers turn into bytes.

use std::ffi::c_void;
use std::mem::MaybeUninit;

use super::error::{ottla_code, ottla_error};
use super::handle::ottla_producer;
use super::record::ottla_record;
use super::send::{send_one, together};
use super::send_options::ottla_send_options;
use super::topic::ottla_topic;
use super::{boundary, required};
use ottla_engine::Record;
use ottla_engine::plugin::{Bytes, Object, Objects};

/// Bytes as an object; see ottla_producer_send_objects().
#[repr(C)]
pub struct ottla_bytes {
    /// NULL with len 0 is null; any other pointer with len 0 is empty.
    pub data: *const c_void,
    pub len: usize,
}

/// Sends a record whose key, value or both are made from objects: like ottla_producer_send(), after the serializers
/// ran. These are named by key.serializer and value.serializer, or are the application's own
/// (ottla_config_set_key_serializer(), ottla_config_set_value_serializer()). Kafka's serializers
/// (org.apache.kafka.common.serialization) read these objects:
///
///     bytes    const ottla_bytes *            string   const char *, UTF-8, ended by a NUL
///     short    const int16_t *                integer  const int32_t *
///     long     const int64_t *                float    const float *
///     double   const double *                 uuid     const uint8_t[16]; sent as text of 36 characters
///     boolean  const uint8_t *, 0 or not 0    void     only NULL
///
/// Numbers are sent with the highest byte first, as in Java. The call reads the objects and does not keep them. The
/// serializers run on the calling thread, the key's first.
///
/// @param topic         of this producer
/// @param record        borrowed for the call. Its key must be null if there is a key_object, and its value must be
///                      null if there is a value_object
/// @param key_object    NULL: the record's key is sent, which may be null, and no serializer runs
/// @param value_object  NULL: likewise for the value
/// @param userdata      comes back in the delivery; may be NULL; not read
/// @param options       optional
/// @param error_out     optional; set only on failure, release with ottla_error_free()
/// @return as ottla_producer_send(); also OTTLA_ERR_SERIALIZATION. OTTLA_ERR_INVALID_ARGUMENT also for an object
///         without a serializer. With a partitioner that has needs_objects the call waits for the topic's partitions,
///         at most max.block.ms, and may return what ottla_topic_partitions() returns. If it may not wait
///         (OTTLA_SEND_NO_WAIT, or in a callback) it returns OTTLA_ERR_METADATA_TIMED_OUT at once and asks for the
///         partitions, so that sending again later succeeds
///
/// Any thread, concurrently with any other call, callbacks too.
///
/// # Safety
/// As for `ottla_producer_send`; the objects are what their serializers read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_send_objects(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    key_object: *const c_void,
    value_object: *const c_void,
    userdata: *mut c_void,
    options: *const ottla_send_options,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let (engine, topic) = together(producer, topic)?;
        let record = required(record, "record")?;
        // SAFETY: by this function's contract.
        let options = unsafe { ottla_send_options::read(options)? };
        let objects = Objects { key: Object::new(key_object), value: Object::new(value_object) };
        let send = |record: &Record<'_>, completion| {
            // SAFETY: by this function's contract, for the record and for the objects.
            unsafe { engine.producer.send_objects(&topic.topic, record, objects, &completion, options.wait()) }
        };
        // SAFETY: as above.
        unsafe { send_one(engine, topic, record, userdata, &options, send) }
    })
}

const _: () = assert!(
    size_of::<ottla_bytes>() == size_of::<Bytes>()
        && std::mem::offset_of!(ottla_bytes, data) == std::mem::offset_of!(Bytes, data)
        && std::mem::offset_of!(ottla_bytes, len) == std::mem::offset_of!(Bytes, len)
);
