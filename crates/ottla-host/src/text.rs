//! Text that C code receives.
#![forbid(unsafe_code)]

use std::ffi::{CString, c_char, c_void};

use ottla_engine::support::text::one_line;

/// A sentence for people. It may quote what a broker or a configuration says, so control characters are escaped.
pub fn c_message(text: &str) -> CString {
    c_string(&one_line(text))
}

/// A NUL inside cuts the text short, as it would in C.
pub fn c_string(text: &str) -> CString {
    CString::new(text).unwrap_or_else(|error| {
        let end = error.nul_position();
        CString::new(&text[..end]).expect("cut before its first NUL")
    })
}

/// A pointer and a length; NULL and 0 for null.
pub fn bytes_out(bytes: Option<&[u8]>) -> (*const c_void, usize) {
    bytes.map_or((std::ptr::null(), 0), |bytes| (bytes.as_ptr().cast(), bytes.len()))
}

/// The length of Kafka's longest topic name, and a NUL.
const NAME: usize = 250;

/// A topic's name with a NUL at its end, without an allocation.
pub fn with_c_name<T>(name: &str, body: impl FnOnce(*const c_char) -> T) -> T {
    let mut buffer = [0u8; NAME];
    let len = name.len().min(NAME - 1);
    buffer[..len].copy_from_slice(&name.as_bytes()[..len]);
    body(buffer.as_ptr().cast())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_ends_a_string_and_is_escaped_in_a_message() {
        assert_eq!(c_string("a\0b").as_c_str(), c"a");
        assert_eq!(c_message("a\0b\nc").as_c_str(), c"a\\u{0}b\\nc");
    }

    #[test]
    fn no_bytes_are_null_and_empty_ones_are_not() {
        assert_eq!(bytes_out(None), (std::ptr::null(), 0));
        let (pointer, len) = bytes_out(Some(b""));
        assert!(!pointer.is_null() && len == 0);
    }
}
