#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ottla_core::protocol::fuzzing::fuzz_record_iter(data));
