//! What partitioners, serializers and interceptors of the application have in common.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_void};

use super::{guarded, text};
use ottla_engine::plugin::PluginSettings;
use ottla_host::text::c_string;
use ottla_host::userdata::Userdata;

/// The settings of plug-ins: all properties whose names begin with "ottla.plugin.". Each plug-in sees all of them, so
/// choose names that no other plug-in has, for example "ottla.plugin.shop.region".
///
/// Life: an ottla_configure_fn gets it, and it is valid until that function returns.
pub struct ottla_settings {
    pairs: Vec<(CString, CString)>,
    failure: Failure,
}

/// Passes the settings to a plug-in: once for each producer, in ottla_producer_new(), before any other function of the
/// plug-in. Producers that are made from one configuration share the plug-in's userdata. (Java:
/// Configurable.configure.)
///
/// @param settings  borrowed for the call
/// @param userdata  of the plug-in
/// @return 0; any other number if the plug-in cannot work: then ottla_producer_new() fails with
///         OTTLA_ERR_INVALID_CONFIG and the message of ottla_settings_fail(), and the plug-in is not closed
///
/// Runs on the thread that makes the producer. It must not throw or longjmp.
pub type ottla_configure_fn =
    Option<unsafe extern "C" fn(settings: *const ottla_settings, userdata: *mut c_void) -> i32>;

/// Closes a plug-in: a producer makes no more calls to it. Called once for each producer for which configure succeeded,
/// at the end of ottla_producer_free(), or if ottla_producer_new() fails later. The plug-in that was configured last is
/// closed first. It must not throw or longjmp.
pub type ottla_close_fn = Option<unsafe extern "C" fn(userdata: *mut c_void)>;

/// Returns the number of settings; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_settings_count(settings: Option<&ottla_settings>) -> usize {
    settings.map_or(0, |settings| settings.pairs.len())
}

/// Returns the name of a setting, with "ottla.plugin."; settings are in the order of their names. NULL if index is not
/// below ottla_settings_count().
#[unsafe(no_mangle)]
pub extern "C" fn ottla_settings_name_at(settings: Option<&ottla_settings>, index: usize) -> *const c_char {
    let pair = settings.and_then(|settings| settings.pairs.get(index));
    pair.map_or(std::ptr::null(), |(name, _)| name.as_ptr())
}

/// Returns the value of a setting; NULL if index is not below ottla_settings_count().
#[unsafe(no_mangle)]
pub extern "C" fn ottla_settings_value_at(settings: Option<&ottla_settings>, index: usize) -> *const c_char {
    let pair = settings.and_then(|settings| settings.pairs.get(index));
    pair.map_or(std::ptr::null(), |(_, value)| value.as_ptr())
}

/// Returns the value of a setting by its name; NULL if it is not set.
///
/// @param name  with "ottla.plugin."
///
/// # Safety
/// `name` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_settings_get(settings: Option<&ottla_settings>, name: *const c_char) -> *const c_char {
    guarded(std::ptr::null(), || {
        // SAFETY: a string by this function's contract, which outlives the call.
        let (Some(settings), Ok(name)) = (settings, unsafe { text(name, "name") }) else { return std::ptr::null() };
        let pair = settings.pairs.iter().find(|(known, _)| known.as_bytes() == name.as_bytes());
        pair.map_or(std::ptr::null(), |(_, value)| value.as_ptr())
    })
}

/// Sets the reason why the plug-in cannot work.
///
/// @param message  UTF-8, one line; copied
/// @return -1, so that `return ottla_settings_fail(settings, "...")` ends the function that was called
///
/// # Safety
/// `message` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_settings_fail(settings: Option<&ottla_settings>, message: *const c_char) -> i32 {
    guarded((), || {
        if let Some(settings) = settings {
            // SAFETY: by this function's contract.
            unsafe { settings.failure.note(message) };
        }
    });
    -1
}

/// The reason that a function of the application gave for its failure.
#[derive(Default)]
pub(super) struct Failure(RefCell<Option<String>>);

impl Failure {
    /// # Safety
    /// `message` is NULL or a string.
    pub(super) unsafe fn note(&self, message: *const c_char) {
        let message = if message.is_null() {
            "it gave no reason".to_owned()
        } else {
            // SAFETY: not NULL, and a string by this function's contract.
            unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned()
        };
        *self.0.borrow_mut() = Some(message);
    }

    /// The number that a function returned, if it is in `good` and the function noted no failure.
    pub(super) fn judge(&self, answer: i32, good: impl FnOnce(i32) -> bool) -> Result<i32, String> {
        match self.0.take() {
            Some(message) => Err(message),
            None if good(answer) => Ok(answer),
            None => Err(format!("it returned {answer} and gave no reason")),
        }
    }
}

/// The functions that every plug-in may have.
pub(super) struct Hooks {
    configure: ottla_configure_fn,
    close: ottla_close_fn,
    userdata: Userdata,
}

impl Hooks {
    pub(super) fn new(configure: ottla_configure_fn, close: ottla_close_fn, userdata: Userdata) -> Self {
        Hooks { configure, close, userdata }
    }

    pub(super) fn userdata(&self) -> *mut c_void {
        self.userdata.pointer()
    }

    pub(super) fn configure(&self, settings: &PluginSettings) -> Result<(), String> {
        let Some(configure) = self.configure else { return Ok(()) };
        let pairs = settings.iter().map(|(name, value)| (c_string(name), c_string(value))).collect();
        let settings = ottla_settings { pairs, failure: Failure::default() };
        // SAFETY: the function and its userdata were given together; the settings outlive the call.
        let answer = unsafe { configure(&settings, self.userdata()) };
        settings.failure.judge(answer, |answer| answer == 0).map(|_| ())
    }

    pub(super) fn close(&self) {
        if let Some(close) = self.close {
            // SAFETY: as above.
            unsafe { close(self.userdata()) };
        }
    }
}
