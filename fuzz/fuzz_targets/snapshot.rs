#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| namesrv_tests::fuzz::run("snapshot", data));
