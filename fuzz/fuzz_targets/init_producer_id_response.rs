#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ottla_core::protocol::fuzzing::fuzz_init_producer_id_response(data));
