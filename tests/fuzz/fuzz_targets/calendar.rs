//! A calendar object.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| convoke_fuzz::calendar(octets));
