#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ottla_core::config::fuzz_properties(data));
