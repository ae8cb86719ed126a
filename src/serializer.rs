//! Serializers of the application.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::sync::Arc;

use super::config::ottla_config;
use super::error::{ottla_code, ottla_error};
use super::plugin::{Failure, Hooks, ottla_close_fn, ottla_configure_fn};
use super::sized::sized_in;
use super::userdata::{ottla_free_fn, take_over};
use super::{boundary, guarded, required};
use ottla_engine::plugin::{Object, Plugin, PluginSettings, Serialized, Serializer};
use ottla_host::arguments::bytes;
use ottla_host::text::with_c_name;

/// The output of a serializer: a key or a value, empty at first, and headers for the record.
///
/// Life: an ottla_serialize_fn gets it, and it is valid until that function returns.
pub struct ottla_serialized<'a> {
    out: &'a mut Serialized,
    failure: Failure,
}

/// Turns an object into the bytes of a key or a value. (Java: Serializer.serialize.)
///
/// @param topic     the topic's name, valid until the function returns
/// @param object    the object that was passed to ottla_producer_send_objects(); not NULL
/// @param out       write the bytes to it with ottla_serialized_append()
/// @param userdata  of the ottla_serializer
/// @return 0; any other number if it failed: then the call that sends the record returns OTTLA_ERR_SERIALIZATION with
///         the message of ottla_serialized_fail(), and the record is not accepted
///
/// Runs on the thread that sends the record, also on several threads at once. No lock is held. It may send other
/// records. Flush, close, free and calls that wait return OTTLA_ERR_IN_CALLBACK. It must not throw or longjmp.
pub type ottla_serialize_fn = Option<
    unsafe extern "C" fn(
        topic: *const c_char,
        object: *const c_void,
        out: *mut ottla_serialized,
        userdata: *mut c_void,
    ) -> i32,
>;

/// A serializer of the application. Begin with
///
///     ottla_serializer serializer = {.struct_size = sizeof(ottla_serializer)};
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_serializer {
    /// sizeof(ottla_serializer).
    pub struct_size: usize,
    /// Optional.
    pub configure: ottla_configure_fn,
    /// Not NULL.
    pub serialize: ottla_serialize_fn,
    /// Optional.
    pub close: ottla_close_fn,
    /// Passed to each function.
    pub userdata: *mut c_void,
    /// Optional; see ottla_free_fn.
    pub free_userdata: ottla_free_fn,
}

/// Sets a serializer of the application for the key objects of ottla_producer_send_objects(), which replaces
/// key.serializer. It is not called for records that are sent as bytes.
///
/// @param serializer  copied
/// @param error_out   optional; set only on failure, release with ottla_error_free(). On failure free_userdata is not
///                    called
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
///
/// # Safety
/// `serializer` is NULL or has as many readable bytes as its struct_size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_config_set_key_serializer(
    config: Option<&mut ottla_config>,
    serializer: *const ottla_serializer,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let config = required(config, "config")?;
        // SAFETY: by this function's contract.
        config.plugins.key_serializer = Some(Arc::new(unsafe { CSerializer::new(serializer)? }));
        Ok(())
    })
}

/// Sets a serializer of the application for value objects, which replaces value.serializer. Otherwise like
/// ottla_config_set_key_serializer().
///
/// @param serializer  copied
/// @param error_out   optional; set only on failure, release with ottla_error_free(). On failure free_userdata is not
///                    called
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
///
/// # Safety
/// As for `ottla_config_set_key_serializer`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_config_set_value_serializer(
    config: Option<&mut ottla_config>,
    serializer: *const ottla_serializer,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let config = required(config, "config")?;
        // SAFETY: by this function's contract.
        config.plugins.value_serializer = Some(Arc::new(unsafe { CSerializer::new(serializer)? }));
        Ok(())
    })
}

/// Appends bytes to the key or value.
///
/// @param bytes  len bytes, copied; NULL is allowed if len is 0
/// @return OTTLA_ERR_OK; OTTLA_ERR_INVALID_ARGUMENT; OTTLA_ERR_OUT_OF_MEMORY, with which the record is then refused too
///
/// # Safety
/// `bytes` is NULL or has `len` readable bytes, none of them of `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_serialized_append(
    out: Option<&mut ottla_serialized<'_>>,
    bytes: *const c_void,
    len: usize,
) -> ottla_code {
    boundary(None, || {
        let out = required(out, "out")?;
        // SAFETY: by this function's contract.
        let bytes = unsafe { self::bytes(bytes.cast(), len, "bytes")? };
        out.out.append(bytes.unwrap_or_default());
        out.out.check()
    })
}

/// Makes the key or value null and discards what was written. Appending afterwards makes it non-null again.
///
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn ottla_serialized_set_null(out: Option<&mut ottla_serialized<'_>>) -> ottla_code {
    boundary(None, || {
        required(out, "out")?.out.set_null();
        Ok(())
    })
}

/// Adds a header to the record, after the record's own and those added before. The key's serializer runs first.
///
/// @param name   name_len bytes of UTF-8, copied; not NULL
/// @param value  value_len bytes, copied; NULL with value_len 0 is a null value
/// @return OTTLA_ERR_OK; OTTLA_ERR_INVALID_ARGUMENT; OTTLA_ERR_OUT_OF_MEMORY, with which the record is then refused too
///
/// # Safety
/// `name` and `value` are NULL or have as many readable bytes, none of them of `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_serialized_add_header(
    out: Option<&mut ottla_serialized<'_>>,
    name: *const c_char,
    name_len: usize,
    value: *const c_void,
    value_len: usize,
) -> ottla_code {
    boundary(None, || {
        let out = required(out, "out")?;
        // SAFETY: by this function's contract.
        let name = required(unsafe { bytes(name.cast(), name_len, "name")? }, "name")?;
        // SAFETY: as above.
        let value = unsafe { bytes(value.cast(), value_len, "value")? };
        out.out.add_header(name, value);
        out.out.check()
    })
}

/// Sets the reason why the object cannot be serialized.
///
/// @param message  UTF-8, one line; copied
/// @return -1, so that `return ottla_serialized_fail(out, "...")` ends the function that was called
///
/// # Safety
/// `message` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_serialized_fail(out: Option<&mut ottla_serialized<'_>>, message: *const c_char) -> i32 {
    guarded((), || {
        if let Some(out) = out {
            // SAFETY: by this function's contract.
            unsafe { out.failure.note(message) };
        }
    });
    -1
}

/// An `ottla_serializer` as the engine knows it.
struct CSerializer {
    hooks: Hooks,
    serialize: unsafe extern "C" fn(*const c_char, *const c_void, *mut ottla_serialized, *mut c_void) -> i32,
}

impl CSerializer {
    /// # Safety
    /// As for `ottla_config_set_key_serializer`.
    unsafe fn new(given: *const ottla_serializer) -> ottla_engine::Result<Self> {
        // SAFETY: by this function's contract; NULL functions and pointers are valid.
        let given = unsafe { sized_in(given, "serializer")? };
        let serialize = required(given.serialize, "serializer->serialize")?;
        let userdata = take_over(given.userdata, given.free_userdata);
        Ok(CSerializer { hooks: Hooks::new(given.configure, given.close, userdata), serialize })
    }
}

impl Plugin for CSerializer {
    fn configure(&self, settings: &PluginSettings) -> Result<(), String> {
        self.hooks.configure(settings)
    }

    fn close(&self) {
        self.hooks.close();
    }
}

impl Serializer for CSerializer {
    unsafe fn serialize(&self, topic: &str, object: Object, out: &mut Serialized) -> Result<(), String> {
        with_c_name(topic, |topic| {
            let mut serialized = ottla_serialized { out, failure: Failure::default() };
            // SAFETY: the function and its userdata were given together; the object is what the function reads, by this
            // function's contract; all else outlives the call.
            let answer = unsafe {
                (self.serialize)(topic, object.pointer(), (&raw mut serialized).cast(), self.hooks.userdata())
            };
            serialized.failure.judge(answer, |answer| answer == 0).map(|_| ())
        })
    }
}
