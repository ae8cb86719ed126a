//! Where log lines go.

use std::ffi::{CStr, c_char, c_void};

use super::config::ottla_config;
use super::error::ottla_code;
use super::userdata::{ottla_free_fn, take_over};
use super::{boundary, required};
use ottla_engine::{Level, Result};
use ottla_host::arguments::invalid;
use ottla_host::log::Logger;
use ottla_host::userdata::Userdata;

/// The level of a log line. The numbers are those of syslog and of librdkafka.
#[repr(C)]
#[derive(Clone, Copy)]
#[expect(dead_code, reason = "named for C; levels travel as int32_t")]
pub enum ottla_log_level {
    /// A failure, for example of records whose deliveries go nowhere else. (Records that a purge or an abort gave up
    /// are logged at level info.)
    OTTLA_LOG_ERROR = 3,
    /// Something that needs attention: an unknown property in a file, a missing topic, a broker that does not answer. A
    /// call that has waited for ten seconds logs what it waits for, and repeats it from time to time.
    OTTLA_LOG_WARNING = 4,
    /// A decision of the library: a property was adjusted to fit another.
    OTTLA_LOG_NOTICE = 5,
    /// Normal events: connections, leaders, producer ids.
    OTTLA_LOG_INFO = 6,
    /// Details for finding a fault. The property `debug` chooses facilities; their lines are logged whatever the level
    /// is. Each line begins with its facility in brackets, for example "[metadata] ".
    OTTLA_LOG_DEBUG = 7,
}

/// Receives one line of the log. `level` is one of ottla_log_level. `message` is UTF-8, ends with a NUL, and is valid
/// until the function returns. It contains no newline and no other control character: those in texts of brokers and of
/// the configuration are escaped (`\n`). Runs on any thread, also on several at once. It must not call functions that
/// take the producer, nor throw, longjmp or block.
pub type ottla_log_fn = Option<unsafe extern "C" fn(level: i32, message: *const c_char, userdata: *mut c_void)>;

/// Sends log lines up to a level to a function. Without this, errors and warnings go to standard error.
///
/// @param on_log         NULL: lines go to standard error
/// @param userdata       passed to each call
/// @param free_userdata  optional; see ottla_free_fn. On failure it is not called
/// @param level          one of ottla_log_level
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
        let level = level_of(level)?;
        config.logger = logger(on_log, take_over(userdata, free_userdata), level);
        Ok(())
    })
}

/// Where lines go without a function of the application's.
pub(super) fn standard_error(level: Level) -> Logger {
    Logger::to_standard_error("ottla", level)
}

fn logger(on_log: ottla_log_fn, userdata: Userdata, level: Level) -> Logger {
    let Some(function) = on_log else { return standard_error(level) };
    let log = move |level: Level, message: &CStr| {
        // SAFETY: the function and its userdata were given together; the message ends with a NUL and outlives the call.
        unsafe { function(level as i32, message.as_ptr(), userdata.pointer()) };
    };
    Logger::to_function(log, level)
}

fn level_of(number: i32) -> Result<Level> {
    match number {
        3 => Ok(Level::Error),
        4 => Ok(Level::Warning),
        5 => Ok(Level::Notice),
        6 => Ok(Level::Info),
        7 => Ok(Level::Debug),
        _ => Err(invalid(format!("level is {number}: it is OTTLA_LOG_ERROR (3) to OTTLA_LOG_DEBUG (7)"))),
    }
}
