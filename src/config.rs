//! Configurations.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use super::error::{ottla_code, ottla_error};
use super::event::Listener;
use super::log::standard_error;
use super::sink::Route;
use super::statistics::Reader;
use super::{boundary, guarded, required, text};
use ottla_engine::plugin::Plugins;
use ottla_engine::support::text::counted;
use ottla_engine::{Config, Error, ErrorKind, Level, Result};
use ottla_host::arguments::invalid;
use ottla_host::log::Logger;

/// The configuration of producers: properties as text under the names of Kafka's Java producer (ProducerConfig), and
/// the functions that a producer calls. ottla_property_at() lists the properties, and CONFIGURATION.md describes them.
///
/// Life: ottla_config_new() or ottla_config_copy(); ottla_config_set() and the other setters; ottla_producer_new(), any
/// number of times, which copies it; ottla_config_free(), at any time. One thread at a time may change it. Functions
/// that take it as const may run concurrently with each other.
#[derive(Clone)]
pub struct ottla_config {
    pub(super) config: Config,
    pub(super) logger: Logger,
    pub(super) route: Route,
    pub(super) listener: Listener,
    pub(super) plugins: Plugins,
    pub(super) reader: Option<Reader>,
}

/// Makes a configuration with the default of each property; bootstrap.servers has no default and must be set. Release
/// it with ottla_config_free(). NULL only if a defect of the library is caught. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_config_new() -> *mut ottla_config {
    guarded(std::ptr::null_mut(), || {
        Box::into_raw(Box::new(ottla_config {
            config: Config::new(),
            logger: standard_error(Level::Warning),
            route: Route::Log,
            listener: Listener::Nobody,
            plugins: Plugins::default(),
            reader: None,
        }))
    })
}

/// Copies a configuration. Functions and their userdata are shared: free_userdata is called when the last configuration
/// and producer with that userdata is released. NULL for NULL. Release the copy with ottla_config_free().
#[unsafe(no_mangle)]
pub extern "C" fn ottla_config_copy(config: Option<&ottla_config>) -> *mut ottla_config {
    guarded(std::ptr::null_mut(), || {
        config.map_or(std::ptr::null_mut(), |config| Box::into_raw(Box::new(config.clone())))
    })
}

/// Releases a configuration. Producers made from it go on. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_config_free(config: Option<Box<ottla_config>>) {
    guarded((), || drop(config));
}

/// Sets a property by its name, or by librdkafka's name for it. Setting it again replaces the value.
///
/// @param name       UTF-8, for example "linger.ms"; an unknown name is refused, with a suggestion in the message
/// @param value      UTF-8, for example "5"; checked at once
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

/// Reads the value of a property: the value that was set, or the default, in its normal spelling. With an alias as the
/// name the value is in the units of the alias. A property of type password reads back as "[hidden]".
///
/// @param buffer      receives the value and a NUL if they fit; NULL is allowed if buffer_len is 0
/// @param buffer_len  the size of buffer in bytes
/// @param len_out     receives the bytes that the value and its NUL need, also if they do not fit
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK, also if buffer_len is 0 to ask for the length only;
///         OTTLA_ERR_INVALID_CONFIG: there is no such property, or it has no value;
///         OTTLA_ERR_INVALID_ARGUMENT: also if the value does not fit; then len_out is set and nothing else is written
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
        let value = config.config.get(name).ok_or_else(|| no_value(name))?;
        len_out.write(value.len() + 1);
        // SAFETY: by this function's contract.
        unsafe { copy_out(name, &value, buffer, buffer_len) }
    })
}

/// Copies the value of a property and a NUL into a buffer of the caller. Without a length it was not asked for.
///
/// # Safety
/// `buffer` is NULL or has `buffer_len` writable bytes.
unsafe fn copy_out(name: &str, value: &str, buffer: *mut c_char, buffer_len: usize) -> Result<()> {
    if buffer_len == 0 {
        return Ok(());
    }
    required(std::ptr::NonNull::new(buffer), "buffer")?;
    let needed = value.len() + 1;
    if needed > buffer_len {
        let needed = counted(needed, "byte");
        return Err(invalid(format!("the value of {name} needs {needed}, and the buffer has {buffer_len}")));
    }
    // SAFETY: the buffer is not NULL, has room for the value and a NUL, and is not part of the value.
    unsafe {
        buffer.cast::<u8>().copy_from_nonoverlapping(value.as_ptr(), value.len());
        buffer.add(value.len()).write(0);
    }
    Ok(())
}

fn no_value(name: &str) -> Error {
    let known = Config::properties().iter().any(|property| property.name == name);
    let why = if known { "is not set and has no default" } else { "is not a property" };
    Error::new(ErrorKind::InvalidConfig, format!("'{name}' {why}"))
}

/// Sets all properties of a Java `.properties` file (UTF-8, at most 1 MiB). As in Java, an unknown name is a warning in
/// the log, so call ottla_config_set_log() first. On failure the configuration stays as it was.
///
/// @param path       UTF-8
/// @param error_out  optional; set only on failure, release with ottla_error_free()
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

/// Sets all properties of a text in the form of a `.properties` file, like ottla_config_load_file().
///
/// @param properties  UTF-8
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK, OTTLA_ERR_INVALID_CONFIG or OTTLA_ERR_INVALID_ARGUMENT
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

/// Sets where the deliveries of records without a function of their own go.
pub(super) fn set_route(config: Option<&mut ottla_config>, route: impl FnOnce() -> Route) -> ottla_code {
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
