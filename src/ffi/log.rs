//! Where log lines go.

use std::ffi::{CString, c_char, c_void};
use std::io::Write;

use super::userdata::Userdata;
use crate::core::Level;
use crate::error::Result;

use super::boundary::invalid;
use crate::text::one_line;

/// How much a log line matters; the numbers are those of syslog and of librdkafka.
#[repr(C)]
#[derive(Clone, Copy)]
#[expect(dead_code, reason = "named for C; levels travel as int32_t")]
pub enum ottla_log_level {
    /// Something failed that was not asked to fail, or records were lost without a callback to tell. (Records that a purge
    /// or an abort gave up are reported at level info.)
    OTTLA_LOG_ERROR = 3,
    /// Something is not as it should be: a property that is not known in a file, a topic that is missing, a broker that
    /// does not answer. A call that has been waiting for ten seconds says here what it waits for, and again from time to time.
    OTTLA_LOG_WARNING = 4,
    /// A decision taken for you: a property adjusted to fit another.
    OTTLA_LOG_NOTICE = 5,
    /// What happens: connections, leaders, producer ids.
    OTTLA_LOG_INFO = 6,
    /// Everything, for those who look for a fault. At another level the property `debug` chooses facilities whose lines
    /// are told nevertheless; each line begins with its facility in brackets, as in "[metadata] ".
    OTTLA_LOG_DEBUG = 7,
}

/// Told one line of the log. `level` is one of ottla_log_level; `message` is UTF-8, ended by a NUL, and valid until the
/// function returns. It holds no newline and no other control character: those in names and texts of brokers and the
/// configuration are escaped (`\n`). Runs on any thread, perhaps on several at once. Must not call functions that take
/// the producer, nor throw, longjmp or block.
pub type ottla_log_fn = Option<unsafe extern "C" fn(level: i32, message: *const c_char, userdata: *mut c_void)>;

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
