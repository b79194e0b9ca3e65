#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| precedent_fuzz::push(env!("CARGO_BIN_NAME"), bytes));
