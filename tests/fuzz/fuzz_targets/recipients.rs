//! A list of recipients.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| convoke_fuzz::recipients(octets));
