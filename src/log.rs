//! Where log lines go.

use std::ffi::{CString, c_char, c_void};
use std::io::Write;

use super::boundary::invalid;
use super::config::ottla_config;
use super::error::ottla_code;
use super::userdata::{Userdata, ottla_free_fn};
use super::{boundary, required};
use ottla_core::error::Result;
use ottla_core::sender::Level;
use ottla_core::text::one_line;

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
        let level = Logger::level_of(level)?;
        config.logger = Logger::new(on_log, Userdata::new(userdata, free_userdata), level);
        Ok(())
    })
}

/// A target of log lines and up to which level it wants them.
#[derive(Clone)]
pub(super) struct Logger {
    function: ottla_log_fn,
    userdata: Userdata,
    level: Level,
}

impl Logger {
    /// Errors and warnings, to standard error.
    pub(super) fn standard() -> Self {
        Logger { function: None, userdata: Userdata::new(std::ptr::null_mut(), None), level: Level::Warning }
    }

    pub(super) fn new(function: ottla_log_fn, userdata: Userdata, level: Level) -> Self {
        Logger { function, userdata, level }
    }

    pub(super) fn level_of(number: i32) -> Result<Level> {
        match number {
            3 => Ok(Level::Error),
            4 => Ok(Level::Warning),
            5 => Ok(Level::Notice),
            6 => Ok(Level::Info),
            7 => Ok(Level::Debug),
            _ => Err(invalid(format!("level is {number}: it is OTTLA_LOG_ERROR (3) to OTTLA_LOG_DEBUG (7)"))),
        }
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    pub(super) fn log(&self, level: Level, message: &str) {
        // Debug lines come only from facilities that were chosen, and are told whatever the level.
        if level > self.level && level != Level::Debug {
            return;
        }
        let Some(function) = self.function else {
            // Standard error may be closed; then there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "ottla: {}", one_line(message));
            return;
        };
        let message = c_message(message);
        // SAFETY: the function and its userdata were given together; the message ends with a NUL and outlives the call.
        unsafe { function(level as i32, message.as_ptr(), self.userdata.pointer()) };
    }
}

/// A sentence for people, as C wants it. It may quote what a broker or a configuration says.
pub(super) fn c_message(text: &str) -> CString {
    c_string(&one_line(text))
}

/// As C wants it; a NUL inside would cut it short.
pub(super) fn c_string(text: &str) -> CString {
    CString::new(text).unwrap_or_else(|error| {
        let end = error.nul_position();
        CString::new(&text[..end]).expect("cut before its first NUL")
    })
}
