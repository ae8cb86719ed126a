//! Memory that held a secret is overwritten before it is given back.
#![expect(unsafe_code, reason = "an allocator that looks at what is given back")]

use ottla_core::config::Config;
use ottla_core::secret::Secret;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

const PASSWORD: &[u8] = b"correct horse battery staple";

thread_local! {
    /// How many blocks were given back with the password in them.
    static LEFT_BEHIND: Cell<usize> = const { Cell::new(0) };
}

struct Looking;

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Looking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as promised by the caller. Zeroed, so that `dealloc` may look at all of it.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the block is the caller's until it is given back below, and all of it was initialised by `alloc`.
        let block = unsafe { std::slice::from_raw_parts(pointer, layout.size()) };
        if block.windows(PASSWORD.len()).any(|window| window == PASSWORD) {
            LEFT_BEHIND.set(LEFT_BEHIND.get() + 1);
        }
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static LOOKING: Looking = Looking;

fn left_behind(work: impl FnOnce()) -> usize {
    let before = LEFT_BEHIND.get();
    work();
    LEFT_BEHIND.get() - before
}

fn password() -> &'static str {
    str::from_utf8(PASSWORD).expect("ASCII")
}

#[test]
fn freed_text_that_is_no_secret_is_noticed() {
    assert_eq!(left_behind(|| drop(password().to_owned())), 1);
}

#[test]
fn dropped_secret_is_wiped() {
    assert_eq!(left_behind(|| drop(Secret::new(password()))), 0);
}

#[test]
fn set_password_is_wiped() {
    for name in ["ssl.key.password", "sasl.jaas.config", "sasl.oauthbearer.client.secret", "sasl.password"] {
        assert_eq!(left_behind(|| drop(Config::new().set(name, password()))), 0, "{name}");
    }
}

#[test]
fn loaded_file_is_wiped() {
    let folder = std::env::temp_dir().join(format!("ottla-secrets-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("f.properties");
    let lines = [
        "ssl.key.password=",
        "linger.ms=1\nssl.key.password=\\u20ac\\\n  and ",
        "my.own.password : first ",
        "sasl.jaas.config=${env:CARGO_PKG_NAME} ",
        "linger.ms=${env:CARGO_PKG_NAME}\n#",
    ];
    for line in lines {
        let text = [line.as_bytes(), PASSWORD, b" and what follows it"].concat();
        std::fs::write(&path, &text).expect("a file");
        assert_eq!(left_behind(|| drop(Config::new().load_properties(&path))), 0, "{line}");
        let text = String::from_utf8(text).expect("ASCII");
        assert_eq!(left_behind(|| drop(Config::new().load_properties_str(&text, "f"))), 0, "{line}");
    }
    std::fs::remove_dir_all(&folder).expect("removed");
}
