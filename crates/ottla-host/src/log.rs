//! Where log lines go: to a function of the application's, or to standard error.
#![forbid(unsafe_code)]

use std::ffi::CStr;
use std::io::Write;
use std::sync::Arc;

use ottla_engine::Level;
use ottla_engine::support::text::one_line;

use crate::text::c_message;

/// Calls a function of the application's with a line.
type Function = Arc<dyn Fn(Level, &CStr) + Send + Sync>;

/// A target of log lines, and the level up to which it gets them.
#[derive(Clone)]
pub struct Logger {
    target: Target,
    level: Level,
}

#[derive(Clone)]
enum Target {
    /// Each line begins with the library's name.
    StandardError(&'static str),
    Function(Function),
}

impl Logger {
    pub fn to_standard_error(library: &'static str, level: Level) -> Self {
        Logger { target: Target::StandardError(library), level }
    }

    pub fn to_function(function: impl Fn(Level, &CStr) + Send + Sync + 'static, level: Level) -> Self {
        Logger { target: Target::Function(Arc::new(function)), level }
    }

    pub fn level(&self) -> Level {
        self.level
    }

    pub fn log(&self, level: Level, message: &str) {
        // Debug lines come only from facilities that were chosen, and are logged whatever the level.
        if level > self.level && level != Level::Debug {
            return;
        }
        match &self.target {
            // Standard error may be closed; then nobody reads the line.
            Target::StandardError(library) => drop(writeln!(std::io::stderr(), "{library}: {}", one_line(message))),
            Target::Function(function) => function(level, &c_message(message)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn lines_up_to_the_level_and_debug_lines_arrive_escaped() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let seen = lines.clone();
        let keep = move |level, line: &CStr| seen.lock().expect("no panic").push((level, line.to_owned()));
        let logger = Logger::to_function(keep, Level::Warning);
        logger.log(Level::Error, "two\nlines");
        logger.log(Level::Warning, "w");
        logger.log(Level::Notice, "n");
        logger.log(Level::Debug, "d");
        let expected = [(Level::Error, c"two\\nlines"), (Level::Warning, c"w"), (Level::Debug, c"d")];
        assert_eq!(*lines.lock().expect("no panic"), expected.map(|(level, line)| (level, line.to_owned())));
    }
}
