#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ottla::config::fuzz_properties(data));
