//! Configurations.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;

use super::boundary::invalid;
use super::delivery::{ottla_batch_fn, ottla_delivery_fn};
use super::error::{ottla_code, ottla_error};
use super::event::{Listener, ottla_event_fn};
use super::log::{Logger, ottla_log_fn};
use super::poll::ottla_ready_fn;
use super::sink::Route;
use super::statistics::Reader;
use super::userdata::{Userdata, ottla_free_fn};
use super::{boundary, guarded, required, text};
use crate::config::Config;
use crate::core::Level;
use crate::error::{Error, ErrorKind, Result};
use crate::producer::Plugins;
use crate::text::counted;

/// What a producer is made from: properties by name, in text, as Kafka's Java producer has them (ottla_property_at()
/// lists them, CONFIGURATION.md describes them), and the functions that the producer calls.
///
/// Life: ottla_config_new() or ottla_config_copy(); ottla_config_set() and its like; ottla_producer_new(), which copies
/// it, any number of times; ottla_config_free(), at any time. One thread at a time changes it; functions that take it
/// as const may run concurrently with each other.
#[derive(Clone)]
pub struct ottla_config {
    pub(super) config: Config,
    pub(super) logger: Logger,
    pub(super) route: Route,
    pub(super) listener: Listener,
    pub(super) plugins: Plugins,
    pub(super) reader: Option<Reader>,
}

/// A configuration with every default; bootstrap.servers has none and has to be set. Never NULL but when a defect is
/// caught. Release with ottla_config_free(). Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_config_new() -> *mut ottla_config {
    guarded(std::ptr::null_mut(), || {
        Box::into_raw(Box::new(ottla_config {
            config: Config::new(),
            logger: Logger::standard(),
            route: Route::Log,
            listener: Listener::Nobody,
            plugins: Plugins::default(),
            reader: None,
        }))
    })
}

/// A copy that can be changed on its own. Functions and their userdata are shared: a free_userdata runs when the last
/// configuration and producer that has it is gone. NULL for NULL. Release with ottla_config_free().
#[unsafe(no_mangle)]
pub extern "C" fn ottla_config_copy(config: Option<&ottla_config>) -> *mut ottla_config {
    guarded(std::ptr::null_mut(), || {
        config.map_or(std::ptr::null_mut(), |config| Box::into_raw(Box::new(config.clone())))
    })
}

/// Releases a configuration; producers made from it are not concerned. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_config_free(config: Option<Box<ottla_config>>) {
    guarded((), || drop(config));
}

/// Sets one property, under its own name or an alias of librdkafka's. The same name again replaces the value.
///
/// @param name       UTF-8, for example "linger.ms"; unknown names are refused with a hint
/// @param value      UTF-8, for example "5"; what it may be is checked at once
/// @param error_out  optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK, OTTLA_ERR_INVALID_CONFIG or OTTLA_ERR_INVALID_ARGUMENT
///
/// # Safety
/// `name` and `value` are NULL or strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_config_set(
    config: Option<&mut ottla_config>,
    name: *const c_char,
    value: *const c_char,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let config = required(config, "config")?;
        // SAFETY: strings by this function's contract; both outlive the call.
        let (name, value) = unsafe { (text(name, "name")?, text(value, "value")?) };
        config.config.set(name, value)
    })
}

/// The value of a property: what was set, or its default, in its one spelling; under an alias, in the alias's units.
///
/// @param buffer      receives the value with a NUL at its end, if that fits; NULL is allowed when buffer_len is 0
/// @param buffer_len  the bytes that buffer has
/// @param len_out     receives the bytes that the value and its NUL need, whether or not they fit
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK, also when only the length was asked for (buffer_len is 0); OTTLA_ERR_INVALID_CONFIG if there is
///         no such property, or it has no value; OTTLA_ERR_INVALID_ARGUMENT if the value did not fit (len_out is set then,
///         nothing else is written)
///
/// # Safety
/// `name` is NULL or a string; `buffer` is NULL or has `buffer_len` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_config_get(
    config: Option<&ottla_config>,
    name: *const c_char,
    buffer: *mut c_char,
    buffer_len: usize,
    len_out: Option<&mut MaybeUninit<usize>>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let config = required(config, "config")?;
        // SAFETY: a string by this function's contract, which outlives the call.
        let name = unsafe { text(name, "name")? };
        let len_out = required(len_out, "len_out")?;
        if buffer_len > 0 {
            required(std::ptr::NonNull::new(buffer), "buffer")?;
        }
        let value = config.config.get(name).ok_or_else(|| no_value(name))?;
        len_out.write(value.len() + 1);
        if value.len() >= buffer_len {
            let message = format!(
                "the value of {name} needs {}, and the buffer has {buffer_len}",
                counted(value.len() + 1, "byte")
            );
            return if buffer_len == 0 { Ok(()) } else { Err(Error::new(ErrorKind::InvalidArgument, message)) };
        }
        // SAFETY: the buffer is not NULL, has room for the value and a NUL, and is not part of the value.
        unsafe {
            buffer.cast::<u8>().copy_from_nonoverlapping(value.as_ptr(), value.len());
            buffer.add(value.len()).write(0);
        }
        Ok(())
    })
}

fn no_value(name: &str) -> Error {
    let known = Config::properties().iter().any(|property| property.name == name);
    let why = if known { "is not set and has no default" } else { "is not a property" };
    Error::new(ErrorKind::InvalidConfig, format!("'{name}' {why}"))
}

/// Sets everything that a Java `.properties` file holds (UTF-8, at most 1 MiB). Names that are not known are warnings
/// in the log, as in Java: call ottla_config_set_log() before. On failure nothing of the file is kept.
///
/// @param path  UTF-8
/// @return OTTLA_ERR_OK, OTTLA_ERR_INVALID_CONFIG, OTTLA_ERR_IO or OTTLA_ERR_INVALID_ARGUMENT
///
/// # Safety
/// `path` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_config_load_file(
    config: Option<&mut ottla_config>,
    path: *const c_char,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let config = required(config, "config")?;
        // SAFETY: a string by this function's contract, which outlives the call.
        let path = unsafe { text(path, "path")? };
        let warnings = config.config.load_properties(path)?;
        config.warn(&warnings);
        Ok(())
    })
}

/// The same for the contents of such a file.
///
/// @param properties  UTF-8
///
/// # Safety
/// `properties` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_config_load_text(
    config: Option<&mut ottla_config>,
    properties: *const c_char,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let config = required(config, "config")?;
        // SAFETY: a string by this function's contract, which outlives the call.
        let properties = unsafe { text(properties, "properties")? };
        let warnings = config.config.load_properties_str(properties, "properties")?;
        config.warn(&warnings);
        Ok(())
    })
}

/// Sends log lines up to `level` (one of ottla_log_level) to a function. Without this, errors and warnings go to standard
/// error.
///
/// @param on_log         NULL: to standard error
/// @param userdata       given to each call; the function may run on any thread
/// @param free_userdata  optional; see ottla_free_fn. On failure it is not called: userdata stays the caller's
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn ottla_config_set_log(
    config: Option<&mut ottla_config>,
    on_log: ottla_log_fn,
    userdata: *mut c_void,
    free_userdata: ottla_free_fn,
    level: i32,
) -> ottla_code {
    boundary(None, || {
        let config = required(config, "config")?;
        let level = Logger::level_of(level)?;
        config.logger = Logger::new(on_log, Userdata::new(userdata, free_userdata), level);
        Ok(())
    })
}

/// Tells the fate of records that are sent without a function of their own to `on_delivery`, one by one. Replaces what
/// this, ottla_config_set_batch_delivery() or ottla_config_set_poll() said before. Without any of the three, failures
/// are counted and logged.
///
/// @param on_delivery    NULL: failures are counted and logged
/// @param userdata       the second argument of each call; the record's own userdata is in the delivery
/// @param free_userdata  optional; see ottla_free_fn. On failure it is not called
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn ottla_config_set_delivery(
    config: Option<&mut ottla_config>,
    on_delivery: ottla_delivery_fn,
    userdata: *mut c_void,
    free_userdata: ottla_free_fn,
) -> ottla_code {
    set_route(config, || {
        let userdata = Userdata::new(userdata, free_userdata);
        if on_delivery.is_some() { Route::Delivery(on_delivery, userdata) } else { Route::Log }
    })
}

/// The same, batch by batch: one call with an array for all records of a partition that were decided together.
///
/// @param on_batch  NULL: failures are counted and logged
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn ottla_config_set_batch_delivery(
    config: Option<&mut ottla_config>,
    on_batch: ottla_batch_fn,
    userdata: *mut c_void,
    free_userdata: ottla_free_fn,
) -> ottla_code {
    set_route(config, || {
        let userdata = Userdata::new(userdata, free_userdata);
        if on_batch.is_some() { Route::Batch(on_batch, userdata) } else { Route::Log }
    })
}

/// Keeps the fates for ottla_producer_poll() instead of calling a function. Reports hold some of buffer.memory, at least
/// 16 bytes a record, until they are polled and freed: an application that does not poll is refused with
/// OTTLA_ERR_BUFFER_FULL once they hold all of it.
///
/// @param on_ready  optional; see ottla_ready_fn
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn ottla_config_set_poll(
    config: Option<&mut ottla_config>,
    on_ready: ottla_ready_fn,
    userdata: *mut c_void,
    free_userdata: ottla_free_fn,
) -> ottla_code {
    set_route(config, || Route::Poll(on_ready, Userdata::new(userdata, free_userdata)))
}

/// Tells what concerns no single record (see ottla_event) to a function. Replaces what this or
/// ottla_config_set_event_poll() said before. Without either, only the log has it.
///
/// @param on_event       NULL: nobody is told
/// @param userdata       given to each call
/// @param free_userdata  optional; see ottla_free_fn. On failure it is not called
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn ottla_config_set_events(
    config: Option<&mut ottla_config>,
    on_event: ottla_event_fn,
    userdata: *mut c_void,
    free_userdata: ottla_free_fn,
) -> ottla_code {
    boundary(None, || {
        let config = required(config, "config")?;
        let userdata = Userdata::new(userdata, free_userdata);
        config.listener = if on_event.is_some() { Listener::Function(on_event, userdata) } else { Listener::Nobody };
        Ok(())
    })
}

/// Keeps events for ottla_producer_poll_event() instead of calling a function.
///
/// @param max_events  how many are kept, at least 1: when more come than are polled, the oldest is dropped, and the next
///                    one taken tells how many were
/// @param on_ready    optional; see ottla_ready_fn
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn ottla_config_set_event_poll(
    config: Option<&mut ottla_config>,
    max_events: usize,
    on_ready: ottla_ready_fn,
    userdata: *mut c_void,
    free_userdata: ottla_free_fn,
) -> ottla_code {
    boundary(None, || {
        let config = required(config, "config")?;
        if max_events == 0 {
            return Err(invalid("max_events is 0: at least one event has to be kept to be polled"));
        }
        config.listener = Listener::Poll(max_events, on_ready, Userdata::new(userdata, free_userdata));
        Ok(())
    })
}

fn set_route(config: Option<&mut ottla_config>, route: impl FnOnce() -> Route) -> ottla_code {
    boundary(None, || -> Result<()> {
        let config = required(config, "config")?;
        config.route = route();
        Ok(())
    })
}

impl ottla_config {
    fn warn(&self, warnings: &[String]) {
        for warning in warnings {
            self.logger.log(Level::Warning, warning);
        }
    }
}
