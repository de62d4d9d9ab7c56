//! Whatever token ids a model utters: the Harmony parser makes events of them, without panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use precast::chat::StreamParser;

fuzz_target!(|bytes: &[u8]| {
    let mut parser = StreamParser::new();
    for pair in bytes.chunks(2) {
        let value = u32::from(u16::from_le_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
        // Half of the ids are among the first of the vocabulary and half near the special ones, which shape messages.
        parser.push(if value & 1 == 0 { value >> 1 } else { 199_990 + (value >> 1) % 40 });
    }
    parser.finish();
});
