//! Whatever bytes a checkpoint's files have: its header, its index and its configuration are read or refused, without panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use precast::config::Config;
use precast::weights::Index;
use precast::weights::header::{Header, HeaderError};

fuzz_target!(|bytes: &[u8]| {
    match Header::parse(bytes) {
        Ok(header) => check(&header, bytes),
        Err(error) => drop(error.to_string()),
    }
    // The same as a header of the right length, so that JSON is reached without guessing eight bytes; the data is zeros.
    let (data, text) = bytes.split_first().map_or((0, bytes), |(first, rest)| (usize::from(*first), rest));
    let file = [&(text.len() as u64).to_le_bytes(), text, &vec![0; data]].concat();
    match Header::parse(&file) {
        Ok(header) => check(&header, &file),
        Err(HeaderError::Truncated { .. }) => panic!("the length is right"),
        Err(error) => drop(error.to_string()),
    }
    if let Ok(index) = Index::parse(text) {
        assert!(index.files.values().all(|file| !file.contains('/')));
    }
    if let Ok(text) = str::from_utf8(text)
        && let Ok(config) = Config::from_json(text)
    {
        // Whoever holds a configuration may multiply its sizes.
        let values = config.qkv_channels() * config.hidden + 2 * config.experts * config.expert_width * config.hidden;
        assert!(values > 0 && config.layer_kinds.len() == config.layers);
        assert_eq!(config.rope.inverse_frequencies(config.head_dim).len(), config.head_dim / 2);
    }
});

/// Tensors lie side by side, from the header's end to the file's.
fn check(header: &Header, file: &[u8]) {
    let data: usize = header.tensors.values().map(|entry| entry.bytes.len()).sum();
    let mut end = file.len() - data;
    let mut parts: Vec<_> = header.tensors.values().map(|entry| entry.bytes.clone()).collect();
    parts.sort_by_key(|part| (part.start, part.end));
    for part in parts {
        assert_eq!(part.start, end);
        end = part.end;
    }
    assert_eq!(end, file.len());
}
