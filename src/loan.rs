//! Values that are sent without a copy.

use std::ffi::c_void;

/// Returns a value that was sent with `on_release` in ottla_send_options, that is, without being copied.
///
/// The library reads the value where it is. When the call that sends the record returns OTTLA_ERR_OK, the value must
/// neither change nor move until this function is called; it may be freed here, or used again. If the call fails, the
/// value was not taken and this function is not called. Keys and headers are always copied.
///
/// The library calls this function once for each accepted record, also for a null value, before or after the delivery:
/// as soon as the record's batch was compressed, or when its fate is decided. ottla_producer_flush() returns after
/// that, except for a record that expired while it was being compressed or sent. ottla_producer_close() and
/// ottla_producer_free() always return after that. Until then the value counts towards buffer.memory. The delivery has
/// the value's address and length.
///
/// It pays for large values. A value below 1,024 bytes is copied all the same, and returned when the sender thread next
/// runs.
///
/// @param value, value_len   the record's value
/// @param release_userdata   as given in ottla_send_options
///
/// Runs on the producer's sender thread without a lock, and is a callback like ottla_delivery_fn: the same functions
/// may be called, and it must not throw, longjmp or block. After a defect in the library the last calls may come from
/// ottla_producer_free(). It never runs in a child after fork().
pub type ottla_release_fn =
    Option<unsafe extern "C" fn(value: *const c_void, value_len: usize, release_userdata: *mut c_void)>;
