//! The header of a safetensors file: which tensor lies where, read and written. Reads hostile bytes without panic, and allocates no
//! more than the header's own length warrants. Knows no model.
//!
//! The `safetensors` crate reads headers too, but it takes the last of two tensors of one name, names no tensor in most of
//! its errors, and overflows on offsets near 2^64 (0.8.0, `read_metadata`); its `Dtype` is used here.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use safetensors::Dtype;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{Deserialize, Deserializer, IntoDeserializer, MapAccess, Visitor};

/// The largest header that is read. The published 120b's has 100 KiB; the format's own limit is 100 MB.
pub const MOST_HEADER_BYTES: u64 = 16 << 20;
/// The longest name and the most axes that a tensor may have, so that a message can show them.
const MOST_NAME_BYTES: usize = 256;
const MOST_AXES: usize = 8;

/// What one file holds: tensors by name, without overlap or gap, exactly up to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub tensors: BTreeMap<String, Entry>,
    /// What the writer says beside; values that are no text are left out.
    pub metadata: BTreeMap<String, String>,
}

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub ty: StoredType,
    /// Where its bytes are, counted from the file's first.
    pub bytes: Range<usize>,
}

/// Element type and axes as a checkpoint writes them. Shown as `bf16[2880, 4096]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredType {
    pub element: Dtype,
    pub dims: Vec<usize>,
}

impl fmt::Display for StoredType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.element.to_string().to_lowercase(), self.dims)
    }
}

impl StoredType {
    /// Bytes of a dense tensor; `None` if nothing can count them or the last byte is not full.
    pub fn host_bytes(&self) -> Option<usize> {
        let count = self.dims.iter().try_fold(1usize, |count, dim| count.checked_mul(*dim))?;
        let bits = count.checked_mul(self.element.bitsize())?;
        bits.is_multiple_of(8).then_some(bits / 8)
    }
}

/// The place of a row-major value on every axis.
pub(super) fn coordinates(mut at: usize, dims: &[usize]) -> Vec<usize> {
    let mut place = vec![0; dims.len()];
    for (place, dim) in place.iter_mut().zip(dims).rev() {
        (*place, at) = (at % dim, at / dim);
    }
    place
}

/// What is wrong with a header. Offsets are the file's own, counted from the header's end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error("it has {found} bytes, a safetensors file starts with 8 that tell its header's length")]
    TooShort { found: usize },
    #[error("it claims a header of {claimed} bytes, expected at most {most}")]
    TooLong { claimed: u64, most: u64 },
    #[error("it claims a header of {claimed} bytes, but ends {found} bytes after the first 8")]
    Truncated { claimed: u64, found: u64 },
    #[error("its header is not valid JSON: {problem}")]
    Json { problem: String },
    #[error("its header has a tensor name {problem}: `{start}`")]
    Name { start: String, problem: &'static str },
    #[error("its header has tensor `{tensor}` twice")]
    Twice { tensor: String },
    #[error("tensor `{tensor}` has element type `{found}`, which the format does not know")]
    Element { tensor: String, found: String },
    #[error("tensor `{tensor}` has {found} axes, expected at most {most}")]
    Axes { tensor: String, found: usize, most: usize },
    #[error("tensor `{tensor}` is {ty}, which is no whole number of bytes that a file can have")]
    Size { tensor: String, ty: StoredType },
    #[error("tensor `{tensor}` is {ty} of {expected} bytes, but its offsets are {start} to {end}")]
    Length { tensor: String, ty: StoredType, expected: usize, start: u64, end: u64 },
    #[error("tensor `{tensor}` starts at byte {start} of the data, but the one before it ends at {expected}")]
    Place { tensor: String, start: u64, expected: u64 },
    #[error("tensor `{tensor}` ends at byte {end} of the data, but the file's data has {found} bytes")]
    PastEnd { tensor: String, end: u64, found: u64 },
    #[error("its tensors end at byte {expected} of the data, but the file's data has {found} bytes")]
    Trailing { expected: u64, found: u64 },
}

impl Header {
    /// Reads the header of a whole file's bytes, and checks it against their number.
    pub fn parse(file: &[u8]) -> Result<Header, HeaderError> {
        let Some((length, rest)) = file.split_first_chunk::<8>() else {
            return Err(HeaderError::TooShort { found: file.len() });
        };
        let claimed = u64::from_le_bytes(*length);
        if claimed > MOST_HEADER_BYTES {
            return Err(HeaderError::TooLong { claimed, most: MOST_HEADER_BYTES });
        }
        let Some((text, data)) = rest.split_at_checked(claimed as usize) else {
            return Err(HeaderError::Truncated { claimed, found: rest.len() as u64 });
        };
        let raw: RawHeader = serde_json::from_slice(text)
            .map_err(|error| HeaderError::Json { problem: shortened(&error.to_string()) })?;
        Header::check(raw, 8 + text.len(), data.len() as u64)
    }

    /// Every tensor has the bytes that its type takes, and begins where another ends. `start` is where the data begins.
    fn check(raw: RawHeader, start: usize, data: u64) -> Result<Header, HeaderError> {
        let mut tensors = BTreeMap::new();
        for (tensor, entry) in raw.tensors {
            if tensor.len() > MOST_NAME_BYTES {
                return Err(HeaderError::Name { start: shortened(&tensor), problem: "of more than 256 bytes" });
            }
            if tensor.chars().any(char::is_control) {
                return Err(HeaderError::Name { start: shortened(&tensor), problem: "with control characters" });
            }
            if entry.shape.len() > MOST_AXES {
                return Err(HeaderError::Axes { tensor, found: entry.shape.len(), most: MOST_AXES });
            }
            let name: StrDeserializer<'_, ValueError> = entry.dtype.as_str().into_deserializer();
            let Ok(element) = Dtype::deserialize(name) else {
                return Err(HeaderError::Element { tensor, found: shortened(&entry.dtype) });
            };
            let ty = StoredType { element, dims: entry.shape };
            let Some(expected) = ty.host_bytes() else { return Err(HeaderError::Size { tensor, ty }) };
            let (from, to) = entry.data_offsets;
            if to.checked_sub(from) != Some(expected as u64) {
                return Err(HeaderError::Length { tensor, ty, expected, start: from, end: to });
            }
            if to > data {
                return Err(HeaderError::PastEnd { tensor, end: to, found: data });
            }
            // Both are at most the length of the file's bytes, which are in memory.
            let entry = Entry { ty, bytes: start + from as usize..start + to as usize };
            if tensors.insert(tensor.clone(), entry).is_some() {
                return Err(HeaderError::Twice { tensor });
            }
        }
        let mut in_place: Vec<(&String, &Entry)> = tensors.iter().collect();
        in_place.sort_by_key(|(_, entry)| (entry.bytes.start, entry.bytes.end));
        let mut covered = 0;
        for (tensor, entry) in in_place {
            let from = (entry.bytes.start - start) as u64;
            if from != covered {
                return Err(HeaderError::Place { tensor: tensor.clone(), start: from, expected: covered });
            }
            covered = (entry.bytes.end - start) as u64;
        }
        if covered != data {
            return Err(HeaderError::Trailing { expected: covered, found: data });
        }
        Ok(Header { tensors, metadata: raw.metadata })
    }
}

/// The first bytes of a file of `tensors`, which follow one another in this order: the header's length, the header, and blanks, so
/// that the first tensor begins at a multiple of `align`. A tensor is a name, its type and its bytes.
pub fn encode<'a>(
    metadata: &BTreeMap<String, String>,
    tensors: impl IntoIterator<Item = (&'a str, &'a StoredType, usize)>,
    align: usize,
) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    if !metadata.is_empty() {
        header.insert("__metadata__".to_owned(), serde_json::json!(metadata));
    }
    let mut start = 0;
    for (name, ty, bytes) in tensors {
        let end = start + bytes;
        let entry =
            serde_json::json!({ "dtype": ty.element.to_string(), "shape": ty.dims, "data_offsets": [start, end] });
        header.insert(name.to_owned(), entry);
        start = end;
    }
    let mut file = vec![0; 8];
    file.extend(serde_json::Value::Object(header).to_string().into_bytes());
    file.resize(file.len().next_multiple_of(align), b' ');
    let length = (file.len() - 8) as u64;
    file[..8].copy_from_slice(&length.to_le_bytes());
    file
}

/// The first part of something long, without control characters.
pub(super) fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(120).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    shown.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'")
}

/// The header as it is written: names in order, a repeated one twice.
struct RawHeader {
    tensors: Vec<(String, RawEntry)>,
    metadata: BTreeMap<String, String>,
}

#[derive(serde::Deserialize)]
struct RawEntry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

impl<'de> Deserialize<'de> for RawHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawHeader, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = RawHeader;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<RawHeader, M::Error> {
                let (mut tensors, mut metadata) = (Vec::new(), BTreeMap::new());
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        metadata.extend(map.next_value::<Metadata>()?.0);
                    } else {
                        let entry = map.next_value().map_err(|error| {
                            serde::de::Error::custom(format!("tensor `{}`: {error}", shortened(&name)))
                        })?;
                        tensors.push((name, entry));
                    }
                }
                Ok(RawHeader { tensors, metadata })
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

/// The texts of `__metadata__`, which is an object of texts by the format and may be anything in a file.
struct Metadata(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Metadata, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let serde_json::Value::Object(entries) = value else { return Ok(Metadata(BTreeMap::new())) };
        let texts = entries.into_iter().filter_map(|(name, value)| match value {
            serde_json::Value::String(text) => Some((name, text)),
            _ => None,
        });
        Ok(Metadata(texts.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_parsed_and_by_others_too() {
        let ty = |element, dims: &[usize]| StoredType { element, dims: dims.to_vec() };
        let tensors =
            [("b", ty(Dtype::F4, &[2, 4]), 4), ("a", ty(Dtype::BF16, &[3]), 6), ("c", ty(Dtype::U8, &[0, 5]), 0)];
        let metadata = BTreeMap::from([("model".to_owned(), "\"quoted\" and ü".to_owned())]);
        let mut file = encode(&metadata, tensors.iter().map(|(name, ty, bytes)| (*name, ty, *bytes)), 4096);
        assert_eq!(file.len(), 4096);
        file.extend([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        let header = Header::parse(&file).expect("a header");
        assert_eq!(header.metadata, metadata);
        let places: Vec<_> = header.tensors.iter().map(|(name, entry)| (name.as_str(), entry.bytes.clone())).collect();
        assert_eq!(places, [("a", 4100..4106), ("b", 4096..4100), ("c", 4106..4106)]);
        let theirs = safetensors::SafeTensors::deserialize(&file).expect("the crate reads it");
        assert_eq!(theirs.tensor("a").expect("a tensor").data(), [5, 6, 7, 8, 9, 10]);
    }

    #[test]
    fn metadata_may_be_anything() {
        for text in [r#"{"__metadata__": null}"#, r#"{"__metadata__": [1]}"#, r#"{"__metadata__": {"a": 1, "b": "c"}}"#]
        {
            let mut file = (text.len() as u64).to_le_bytes().to_vec();
            file.extend(text.bytes());
            let header = Header::parse(&file).expect("a header");
            assert_eq!(header.metadata.get("a"), None);
            assert_eq!(header.metadata.len(), usize::from(text.contains("\"c\"")));
        }
    }
}
