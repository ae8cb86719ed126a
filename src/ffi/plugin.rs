//! What the application's partitioners, serializers and interceptors have in common.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_void};

use super::log::c_string;
use super::userdata::Userdata;
use super::{guarded, text};
use crate::config::PluginSettings;

/// The settings of plug-ins: what the configuration has under names that begin with "ottla.plugin.", all of them, so
/// choose names that nobody else has, as in "ottla.plugin.shop.region".
///
/// Life: given to an ottla_configure_fn, valid until that returns.
pub struct ottla_settings {
    pairs: Vec<(CString, CString)>,
    failure: Failure,
}

/// Tells a plug-in its settings: once for each producer that is made with it, in ottla_producer_new(), before anything
/// else is asked of it. Several producers made from one configuration share the plug-in's userdata.
///
/// @param settings  borrowed for the call
/// @return 0, or anything else if the plug-in cannot work: then ottla_producer_new() fails with
///         OTTLA_ERR_INVALID_CONFIG and what ottla_settings_fail() said, and the plug-in is not closed
///
/// On the thread that makes the producer. No throw or longjmp.
pub type ottla_configure_fn =
    Option<unsafe extern "C" fn(settings: *const ottla_settings, userdata: *mut c_void) -> i32>;

/// Tells a plug-in that a producer asks nothing more of it: once for each producer for which its configure succeeded, at
/// the end of ottla_producer_free(), or when ottla_producer_new() failed after all. The last plug-in that was
/// configured is closed first. No throw or longjmp.
pub type ottla_close_fn = Option<unsafe extern "C" fn(userdata: *mut c_void)>;

/// How many settings there are. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_settings_count(settings: Option<&ottla_settings>) -> usize {
    settings.map_or(0, |settings| settings.pairs.len())
}

/// The name of a setting, in the order of names, "ottla.plugin." included. NULL if index is not below
/// ottla_settings_count().
#[unsafe(no_mangle)]
pub extern "C" fn ottla_settings_name_at(settings: Option<&ottla_settings>, index: usize) -> *const c_char {
    let pair = settings.and_then(|settings| settings.pairs.get(index));
    pair.map_or(std::ptr::null(), |(name, _)| name.as_ptr())
}

/// The value of a setting. NULL if index is not below ottla_settings_count().
#[unsafe(no_mangle)]
pub extern "C" fn ottla_settings_value_at(settings: Option<&ottla_settings>, index: usize) -> *const c_char {
    let pair = settings.and_then(|settings| settings.pairs.get(index));
    pair.map_or(std::ptr::null(), |(_, value)| value.as_ptr())
}

/// The value of the setting of this name. NULL if it is not set.
///
/// @param name  UTF-8, "ottla.plugin." included
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

/// Says why the plug-in cannot work.
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

/// Why a function of the application's failed, as it said itself.
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

    /// What a function that may have failed answered: a number that is in `good`, unless it noted a failure.
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

/// Bytes as C is told them: NULL for null.
pub(super) fn bytes_out(bytes: Option<&[u8]>) -> (*const c_void, usize) {
    bytes.map_or((std::ptr::null(), 0), |bytes| (bytes.as_ptr().cast(), bytes.len()))
}

/// The length of Kafka's longest topic name, and a NUL.
const NAME: usize = 250;

/// A topic's name with a NUL at its end, without an allocation.
pub(super) fn with_c_name<T>(name: &str, body: impl FnOnce(*const c_char) -> T) -> T {
    let mut buffer = [0u8; NAME];
    let len = name.len().min(NAME - 1);
    buffer[..len].copy_from_slice(&name.as_bytes()[..len]);
    body(buffer.as_ptr().cast())
}
