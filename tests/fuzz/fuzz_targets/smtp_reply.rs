//! What a relay says.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| convoke_fuzz::smtp_reply(octets));
