//! A whole mail that came back.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| convoke_fuzz::replies(octets));
