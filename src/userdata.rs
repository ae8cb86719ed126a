//! Pointers of the application that are passed back to its functions.

use std::ffi::c_void;

use ottla_host::userdata::Userdata;

/// Releases a `userdata` of the application. Called exactly once, on any thread, after the last call that gets the
/// `userdata` has returned. It must not call functions of this library with the same handle.
pub type ottla_free_fn = Option<unsafe extern "C" fn(userdata: *mut c_void)>;

/// The `userdata` and `free_userdata` of a function of this library.
pub(super) fn take_over(userdata: *mut c_void, free_userdata: ottla_free_fn) -> Userdata {
    // SAFETY: each function that takes the two passes on the contract of ottla_free_fn.
    unsafe { Userdata::new(userdata, free_userdata) }
}
