//! Interceptors of the application.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::sync::Arc;

use super::config::ottla_config;
use super::delivery::ottla_delivery;
use super::error::{ottla_code, ottla_error};
use super::plugin::{Failure, Hooks, ottla_close_fn, ottla_configure_fn};
use super::record::{ottla_header, ottla_record};
use super::sized::sized_in;
use super::userdata::{ottla_free_fn, take_over};
use super::{boundary, guarded, required};
use ottla_engine::plugin::{Interceptor, Plugin, PluginSettings, Sending};
use ottla_engine::{Delivery, Header, Record};
use ottla_host::arguments::bytes;
use ottla_host::text::with_c_name;

/// A record on its way through the interceptors. It is serialized; its partition is not chosen yet, unless the record
/// names one.
///
/// Life: an ottla_on_send_fn gets it, and it is valid until that function returns.
pub struct ottla_sending<'a, 'r> {
    sending: &'a mut Sending<'r>,
    topic: *const c_char,
    /// What `ottla_sending_record` shows, and its headers.
    record: ottla_record,
    headers: Vec<ottla_header>,
    failure: Failure,
}

/// Sees a record before it is sent, and can change it with ottla_sending_set_record() and ottla_sending_add_header().
/// (Java: ProducerInterceptor.onSend, KIP-42.)
///
/// @param sending   the record; borrowed for the call
/// @param userdata  of the ottla_interceptor
/// @return 0; any other number if it failed: then the message of ottla_sending_fail() is logged as a warning, and the
///         record goes on as it was before this interceptor
///
/// Runs on the thread that sends the record, also on several threads at once. No lock is held. A record that it sends
/// is intercepted too. Flush, close, free and calls that wait return OTTLA_ERR_IN_CALLBACK. It must not throw or
/// longjmp.
pub type ottla_on_send_fn = Option<unsafe extern "C" fn(sending: *mut ottla_sending, userdata: *mut c_void) -> i32>;

/// Receives the outcome of each record once, before its delivery goes elsewhere. It is also called for records that the
/// call refused, even if they could not be serialized and on_send did not see them. It is not called for a record that
/// was refused because an argument was not valid or the producer was freed. (Java:
/// ProducerInterceptor.onAcknowledgement.)
///
/// @param delivery  borrowed for the call. For a refused record it has the code that the call returns,
///                  OTTLA_FATE_NOT_WRITTEN, and the partition if that is certain (the record names it, or it follows
///                  from the key)
/// @param userdata  of the ottla_interceptor; the record's own userdata is in the delivery
/// @return 0; any other number if it failed, which is logged as a warning
///
/// Runs on the sender thread; for a refused record on the thread that sends it, also on several at once. The rules of
/// ottla_delivery_fn apply.
pub type ottla_on_acknowledgement_fn =
    Option<unsafe extern "C" fn(delivery: *const ottla_delivery, userdata: *mut c_void) -> i32>;

/// An interceptor: functions that see all records, whatever call sends them. Begin with
///
///     ottla_interceptor interceptor = {.struct_size = sizeof(ottla_interceptor)};
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_interceptor {
    /// sizeof(ottla_interceptor).
    pub struct_size: usize,
    /// Optional.
    pub configure: ottla_configure_fn,
    /// Optional.
    pub on_send: ottla_on_send_fn,
    /// Optional.
    pub on_acknowledgement: ottla_on_acknowledgement_fn,
    /// Optional.
    pub close: ottla_close_fn,
    /// Passed to each function.
    pub userdata: *mut c_void,
    /// Optional; see ottla_free_fn.
    pub free_userdata: ottla_free_fn,
}

/// Adds an interceptor after those added before. Each sees a record as the one before it left it.
///
/// @param interceptor  copied
/// @param error_out    optional; set only on failure, release with ottla_error_free(). On failure free_userdata is not
///                     called
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
///
/// # Safety
/// `interceptor` is NULL or has as many readable bytes as its struct_size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_config_add_interceptor(
    config: Option<&mut ottla_config>,
    interceptor: *const ottla_interceptor,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let config = required(config, "config")?;
        // SAFETY: by this function's contract; NULL functions and pointers are valid.
        let given = unsafe { sized_in(interceptor, "interceptor")? };
        let userdata = take_over(given.userdata, given.free_userdata);
        let hooks = Hooks::new(given.configure, given.close, userdata);
        let (on_send, on_acknowledgement) = (given.on_send, given.on_acknowledgement);
        config.plugins.interceptors.push(Arc::new(CInterceptor { hooks, on_send, on_acknowledgement }));
        Ok(())
    })
}

/// Returns the topic's name; NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_sending_topic(sending: Option<&ottla_sending<'_, '_>>) -> *const c_char {
    sending.map_or(std::ptr::null(), |sending| sending.topic)
}

/// Returns the record in its present form, valid until the next call that changes it. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_sending_record(sending: Option<&ottla_sending<'_, '_>>) -> *const ottla_record {
    sending.map_or(std::ptr::null(), |sending| std::ptr::from_ref(&sending.record))
}

/// Returns the key object of a record that was sent with ottla_producer_send_objects(), even if the key was changed
/// since; otherwise, and for NULL, NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_sending_key_object(sending: Option<&ottla_sending<'_, '_>>) -> *const c_void {
    sending.map_or(std::ptr::null(), |sending| sending.sending.objects.key.pointer())
}

/// Returns the value object, likewise.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_sending_value_object(sending: Option<&ottla_sending<'_, '_>>) -> *const c_void {
    sending.map_or(std::ptr::null(), |sending| sending.sending.objects.value.pointer())
}

/// Replaces the record: key, value, headers, timestamp, partition and timeout. To change only a part, copy the
/// structure that ottla_sending_record() returns and change that part.
///
/// @param record     borrowed for the call: everything it points to is copied, except a key or value of the application
///                   that is unchanged
/// @param error_out  optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK; OTTLA_ERR_INVALID_ARGUMENT, and then nothing has changed
///
/// # Safety
/// What `record` points to is as `ottla_record` says; it may be what `ottla_sending_record` shows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_sending_set_record(
    sending: Option<&mut ottla_sending<'_, '_>>,
    record: *const ottla_record,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let sending = required(sending, "sending")?;
        // SAFETY: NULL, or a record by this function's contract; a copy, since it may be the one shown here.
        let record = *required(unsafe { record.as_ref() }, "record")?;
        // SAFETY: by this function's contract.
        unsafe { record.with(|record| sending.sending.replace(record))? };
        sending.show();
        Ok(())
    })
}

/// Adds a header after the existing ones.
///
/// @param name   name_len bytes of UTF-8, copied; not NULL
/// @param value  value_len bytes, copied; NULL with value_len 0 is a null value
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
///
/// # Safety
/// `name` and `value` are NULL or have as many readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_sending_add_header(
    sending: Option<&mut ottla_sending<'_, '_>>,
    name: *const c_char,
    name_len: usize,
    value: *const c_void,
    value_len: usize,
) -> ottla_code {
    boundary(None, || {
        let sending = required(sending, "sending")?;
        // SAFETY: by this function's contract.
        let name = required(unsafe { bytes(name.cast(), name_len, "name")? }, "name")?;
        // SAFETY: as above.
        let value = unsafe { bytes(value.cast(), value_len, "value")? };
        sending.sending.add_header(&Header { name, value })?;
        sending.show();
        Ok(())
    })
}

/// Sets the reason why the interceptor failed.
///
/// @param message  UTF-8, one line; copied
/// @return -1, so that `return ottla_sending_fail(sending, "...")` ends the function that was called
///
/// # Safety
/// `message` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_sending_fail(
    sending: Option<&mut ottla_sending<'_, '_>>,
    message: *const c_char,
) -> i32 {
    guarded((), || {
        if let Some(sending) = sending {
            // SAFETY: by this function's contract.
            unsafe { sending.failure.note(message) };
        }
    });
    -1
}

impl ottla_sending<'_, '_> {
    /// Shows the record as it stands.
    fn show(&mut self) {
        let headers = &mut self.headers;
        self.record = self.sending.with(|record| {
            headers.clear();
            headers.extend(record.headers.iter().map(ottla_header::of));
            ottla_record::of(record, headers)
        });
    }
}

/// An `ottla_interceptor` as the engine knows it.
struct CInterceptor {
    hooks: Hooks,
    on_send: ottla_on_send_fn,
    on_acknowledgement: ottla_on_acknowledgement_fn,
}

impl Plugin for CInterceptor {
    fn configure(&self, settings: &PluginSettings) -> Result<(), String> {
        self.hooks.configure(settings)
    }

    fn close(&self) {
        self.hooks.close();
    }
}

impl Interceptor for CInterceptor {
    fn on_send(&self, sending: &mut Sending<'_>) -> Result<(), String> {
        let Some(on_send) = self.on_send else { return Ok(()) };
        with_c_name(sending.topic, |topic| {
            let record = ottla_record::of(&Record::default(), &[]);
            let mut sending =
                ottla_sending { sending, topic, record, headers: Vec::new(), failure: Failure::default() };
            sending.show();
            // SAFETY: the function and its userdata were given together; all else outlives the call.
            let answer = unsafe { on_send((&raw mut sending).cast(), self.hooks.userdata()) };
            sending.failure.judge(answer, |answer| answer == 0).map(|_| ())
        })
    }

    fn on_acknowledgement(&self, delivery: &Delivery<'_>) -> Result<(), String> {
        let Some(on_acknowledgement) = self.on_acknowledgement else { return Ok(()) };
        let error = delivery.error.cloned().map(ottla_error::new);
        let error = error.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let answer = with_c_name(delivery.topic, |topic| {
            let delivery = ottla_delivery::of(delivery, topic, error);
            // SAFETY: as above.
            unsafe { on_acknowledgement(&delivery, self.hooks.userdata()) }
        });
        Failure::default().judge(answer, |answer| answer == 0).map(|_| ())
    }
}
