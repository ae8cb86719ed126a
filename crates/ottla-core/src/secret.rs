//! Texts that must not be seen: passwords, private keys.
#![forbid(unsafe_code)]

use zeroize::Zeroizing;

/// What is shown in place of a secret; Java shows the same.
pub const HIDDEN: &str = "[hidden]";

/// A secret text. It cannot be printed, copied or compared, and its memory is overwritten when it is dropped. Whoever
/// needs it in several places shares it in an `Arc`.
pub struct Secret(Zeroizing<Box<str>>);

impl Secret {
    pub fn new(text: &str) -> Self {
        Secret(Zeroizing::new(text.into()))
    }

    /// The text itself, for the code that authenticates or decrypts with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(HIDDEN)
    }
}

impl std::fmt::Display for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(HIDDEN)
    }
}

/// Appends to a text that may hold a secret. A `String` that grows by itself leaves its former bytes in freed memory.
pub(crate) fn append(text: &mut Zeroizing<String>, more: &str) {
    if text.capacity() - text.len() < more.len() {
        let mut larger = Zeroizing::new(String::with_capacity((text.len() + more.len()) * 2));
        larger.push_str(text);
        *text = larger;
    }
    text.push_str(more);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_exposed_and_never_printed() {
        let secret = Secret::new("hunter2");
        assert_eq!(secret.expose(), "hunter2");
        for printed in [format!("{secret}"), format!("{secret:?}"), format!("{secret:#?}"), format!("{:?}", [&secret])]
        {
            assert!(!printed.contains("hunter2") && printed.contains(HIDDEN), "{printed}");
        }
    }
}
