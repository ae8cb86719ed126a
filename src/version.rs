//! The release.

use std::ffi::c_char;

/// The release of this header. ottla_version_number() returns the release of the library that is running.
pub const OTTLA_VERSION_MAJOR: u32 = 0;
/// See OTTLA_VERSION_MAJOR.
pub const OTTLA_VERSION_MINOR: u32 = 1;
/// See OTTLA_VERSION_MAJOR.
pub const OTTLA_VERSION_PATCH: u32 = 0;

const TEXT: &std::ffi::CStr =
    match std::ffi::CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("a version has no NUL inside"),
    };

/// The release of the library that is running, for example "0.1.0". Static; never NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_version() -> *const c_char {
    TEXT.as_ptr()
}

/// The same as a number to compare: major << 24 | minor << 16 | patch << 8. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_version_number() -> u32 {
    OTTLA_VERSION_MAJOR << 24 | OTTLA_VERSION_MINOR << 16 | OTTLA_VERSION_PATCH << 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_those_of_the_package() {
        let parts = format!("{OTTLA_VERSION_MAJOR}.{OTTLA_VERSION_MINOR}.{OTTLA_VERSION_PATCH}");
        assert_eq!(TEXT.to_str().unwrap(), parts);
    }
}
