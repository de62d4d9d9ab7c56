//! The description of an array in zarr: `.zarray` of version 2, `zarr.json` of version 3. Reads hostile text; what Orbax does not write, it
//! names and refuses.

use safetensors::Dtype;
use serde::Deserialize;
use serde_json::{Value, json};

use super::chunk::{Codec, Index, Pipe};
use crate::weights::header::StoredType;

/// The most axes that an array may have, so that a message can show them.
const MOST_AXES: usize = 8;

/// More files than anybody keeps.
const MOST_CHUNKS: usize = 1 << 24;

/// An array cut into chunks of one size; those at the edges are stored whole. Invariant: as many axes in `chunk` as in `ty`, no size
/// of either 0, and the bytes of both can be counted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grid {
    pub ty: StoredType,
    pub chunk: Vec<usize>,
    pub codec: Codec,
    /// Whether what is not stored is zeros.
    pub rest_is_zeros: bool,
    keys: Keys,
}

/// How the key of a chunk is made of its place.
#[derive(Clone, Debug, PartialEq)]
struct Keys {
    prefix: &'static str,
    separator: char,
    /// Of the only chunk of an array without axes.
    scalar: &'static str,
}

/// Why a description is refused.
#[derive(Debug, PartialEq)]
pub(super) enum Refusal {
    Unsound(String),
    Unsupported { what: &'static str, found: String, expected: &'static str },
}

fn unsupported<T>(what: &'static str, found: impl ToString, expected: &'static str) -> Result<T, Refusal> {
    Err(Refusal::Unsupported { what, found: found.to_string(), expected })
}

fn unsound<T>(problem: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Unsound(problem.into()))
}

#[derive(Deserialize)]
struct Version2 {
    zarr_format: u64,
    shape: Vec<usize>,
    chunks: Vec<usize>,
    dtype: Value,
    order: String,
    #[serde(default)]
    compressor: Value,
    #[serde(default)]
    filters: Value,
    #[serde(default)]
    fill_value: Value,
    dimension_separator: Option<String>,
}

#[derive(Deserialize)]
struct Version3 {
    zarr_format: u64,
    shape: Vec<usize>,
    data_type: Value,
    chunk_grid: Named,
    chunk_key_encoding: Named,
    codecs: Vec<Named>,
    #[serde(default)]
    fill_value: Value,
    #[serde(default)]
    storage_transformers: Vec<Value>,
}

/// What version 3 has in many places.
#[derive(Deserialize)]
struct Named {
    name: String,
    #[serde(default)]
    configuration: Value,
}

fn parsed<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(text).or_else(|error| unsound(error.to_string()))
}

impl Grid {
    pub fn version_2(text: &[u8]) -> Result<Grid, Refusal> {
        let raw: Version2 = parsed(text)?;
        if raw.zarr_format != 2 {
            return unsupported("zarr format", raw.zarr_format, "2 in `.zarray`");
        }
        if raw.order != "C" {
            return unsupported("order", format!("`{}`", raw.order), "`C`");
        }
        if !matches!(&raw.filters, Value::Null) && raw.filters != json!([]) {
            return unsupported("filters", raw.filters, "none");
        }
        let zstd = match &raw.compressor {
            Value::Null => false,
            compressor => match compressor["id"].as_str() {
                Some("zstd") => true,
                Some(id) => return unsupported("compressor", format!("`{id}`"), "`zstd` or none"),
                None => return unsound(format!("its compressor is `{compressor}`")),
            },
        };
        let separator = separator(raw.dimension_separator.as_deref().unwrap_or("."))?;
        let keys = Keys { prefix: "", separator, scalar: "0" };
        let pipe = Pipe { zstd, checksum: false };
        Grid::new(&raw.dtype, raw.shape, raw.chunks, Codec::Plain(pipe), &raw.fill_value, keys)
    }

    pub fn version_3(text: &[u8]) -> Result<Grid, Refusal> {
        let raw: Version3 = parsed(text)?;
        if raw.zarr_format != 3 {
            return unsupported("zarr format", raw.zarr_format, "3 in `zarr.json`");
        }
        if let Some(transformer) = raw.storage_transformers.first() {
            return unsupported("storage transformer", transformer, "none");
        }
        if raw.chunk_grid.name != "regular" {
            return unsupported("chunk grid", format!("`{}`", raw.chunk_grid.name), "`regular`");
        }
        let given = &raw.chunk_key_encoding.configuration["separator"];
        let keys = match raw.chunk_key_encoding.name.as_str() {
            "default" => Keys { prefix: "c", separator: separator(given.as_str().unwrap_or("/"))?, scalar: "c" },
            "v2" => Keys { prefix: "", separator: separator(given.as_str().unwrap_or("."))?, scalar: "0" },
            other => return unsupported("chunk key encoding", format!("`{other}`"), "`default` or `v2`"),
        };
        let chunk = sizes(&raw.chunk_grid.configuration["chunk_shape"])?;
        let codec = match &raw.codecs[..] {
            [Named { name, configuration }] if name == "sharding_indexed" => sharding(configuration, &chunk)?,
            codecs => Codec::Plain(pipe(codecs)?),
        };
        Grid::new(&raw.data_type, raw.shape, chunk, codec, &raw.fill_value, keys)
    }

    fn new(
        dtype: &Value,
        dims: Vec<usize>,
        chunk: Vec<usize>,
        codec: Codec,
        fill: &Value,
        keys: Keys,
    ) -> Result<Grid, Refusal> {
        let Some(element) = dtype.as_str().and_then(element) else {
            return unsupported("element type", dtype, "one that safetensors has too, little-endian");
        };
        if dims.len() > MOST_AXES {
            return unsupported("axes, so many:", dims.len(), "8 at most");
        }
        if dims.contains(&0) {
            return unsupported("axes", format!("{dims:?}"), "none of size 0");
        }
        if chunk.len() != dims.len() || chunk.contains(&0) {
            return unsound(format!("its chunks are {chunk:?}, its axes {dims:?}"));
        }
        let ty = StoredType { element, dims };
        let of_chunk = StoredType { element, dims: chunk.clone() };
        if ty.host_bytes().is_none() || of_chunk.host_bytes().is_none() {
            return unsound(format!("{ty} in chunks of {chunk:?} has more bytes than can be counted"));
        }
        let chunks = ty.dims.iter().zip(&chunk).map(|(dim, chunk)| dim.div_ceil(*chunk));
        if chunks.fold(1usize, usize::saturating_mul) > MOST_CHUNKS {
            return unsound(format!("{ty} in chunks of {chunk:?} has more than {MOST_CHUNKS} of them"));
        }
        let rest_is_zeros =
            fill.is_null() || fill == &json!(false) || fill.as_f64().is_some_and(|fill| fill.to_bits() == 0);
        if matches!(codec, Codec::Sharded { .. }) && !rest_is_zeros {
            return unsupported("fill value", fill, "0 where chunks are divided");
        }
        Ok(Grid { ty, chunk, codec, rest_is_zeros, keys })
    }

    /// The key of a chunk below that of the array.
    pub fn key(&self, place: &[usize]) -> String {
        let Keys { prefix, separator, scalar } = &self.keys;
        if place.is_empty() {
            return (*scalar).to_owned();
        }
        let places = place.iter().map(usize::to_string);
        let parts: Vec<String> = (!prefix.is_empty()).then(|| (*prefix).to_owned()).into_iter().chain(places).collect();
        parts.join(&separator.to_string())
    }
}

/// The text for an array that is stored in one chunk, as it lies in memory.
pub(super) fn describe(ty: &StoredType) -> Option<String> {
    let (dtype, ..) = TYPES.iter().find(|(.., element)| *element == ty.element)?;
    let text = json!({
        "zarr_format": 2, "shape": ty.dims, "chunks": ty.dims, "dtype": dtype, "compressor": null, "filters": null,
        "fill_value": null, "order": "C", "dimension_separator": ".",
    });
    Some(text.to_string())
}

/// The key of that chunk.
pub(super) fn only_key(ty: &StoredType) -> String {
    if ty.dims.is_empty() { "0".to_owned() } else { vec!["0"; ty.dims.len()].join(".") }
}

/// As version 2 calls a type, as version 3 does, and what it is.
const TYPES: [(&str, &str, Dtype); 19] = [
    ("|b1", "bool", Dtype::BOOL),
    ("|u1", "uint8", Dtype::U8),
    ("|i1", "int8", Dtype::I8),
    ("<u2", "uint16", Dtype::U16),
    ("<i2", "int16", Dtype::I16),
    ("<u4", "uint32", Dtype::U32),
    ("<i4", "int32", Dtype::I32),
    ("<u8", "uint64", Dtype::U64),
    ("<i8", "int64", Dtype::I64),
    ("<f2", "float16", Dtype::F16),
    ("bfloat16", "bfloat16", Dtype::BF16),
    ("<f4", "float32", Dtype::F32),
    ("<f8", "float64", Dtype::F64),
    ("<c8", "complex64", Dtype::C64),
    ("float8_e4m3fn", "float8_e4m3fn", Dtype::F8_E4M3),
    ("float8_e5m2", "float8_e5m2", Dtype::F8_E5M2),
    ("float8_e8m0fnu", "float8_e8m0fnu", Dtype::F8_E8M0),
    ("float8_e4m3fnuz", "float8_e4m3fnuz", Dtype::F8_E4M3FNUZ),
    ("float8_e5m2fnuz", "float8_e5m2fnuz", Dtype::F8_E5M2FNUZ),
];

fn element(name: &str) -> Option<Dtype> {
    TYPES.iter().find(|(second, third, _)| name == *second || name == *third).map(|(.., element)| *element)
}

fn separator(text: &str) -> Result<char, Refusal> {
    match text {
        "." => Ok('.'),
        "/" => Ok('/'),
        other => unsupported("separator", format!("`{other}`"), "`.` or `/`"),
    }
}

fn sizes(value: &Value) -> Result<Vec<usize>, Refusal> {
    Vec::deserialize(value).or_else(|_| unsound(format!("its chunks are `{value}`")))
}

/// What becomes of values on their way into bytes: in order, compression and a checksum after them.
fn pipe(codecs: &[Named]) -> Result<Pipe, Refusal> {
    let mut pipe = Pipe { zstd: false, checksum: false };
    for (at, Named { name, configuration }) in codecs.iter().enumerate() {
        match (at, name.as_str()) {
            (0, "bytes") => match configuration["endian"].as_str() {
                None | Some("little") => {}
                Some(other) => return unsupported("byte order", format!("`{other}`"), "`little`"),
            },
            (1, "zstd") => pipe.zstd = true,
            (1.., "crc32c") if at + 1 == codecs.len() => pipe.checksum = true,
            (_, other) => {
                return unsupported(
                    "codec",
                    format!("`{other}` in place {at}"),
                    "`bytes`, then `zstd`, then `crc32c`, or `sharding_indexed` alone",
                );
            }
        }
    }
    if codecs.is_empty() { unsound("it has no codecs") } else { Ok(pipe) }
}

fn sharding(configuration: &Value, chunk: &[usize]) -> Result<Codec, Refusal> {
    #[derive(Deserialize)]
    struct Sharding {
        chunk_shape: Vec<usize>,
        codecs: Vec<Named>,
        index_codecs: Vec<Named>,
        index_location: Option<String>,
    }
    let raw = Sharding::deserialize(configuration).or_else(|error| unsound(format!("`sharding_indexed`: {error}")))?;
    let inner = raw.chunk_shape;
    let divides = |(whole, part): (&usize, &usize)| *part > 0 && whole.is_multiple_of(*part);
    if inner.len() != chunk.len() || !chunk.iter().zip(&inner).all(divides) {
        return unsound(format!("its chunks of {chunk:?} are divided into {inner:?}"));
    }
    let index = pipe(&raw.index_codecs)?;
    if index.zstd {
        return unsupported("codec", "`zstd` of an index", "`bytes`, then `crc32c`");
    }
    let at_start = match raw.index_location.as_deref() {
        None | Some("end") => false,
        Some("start") => true,
        Some(other) => return unsupported("index location", format!("`{other}`"), "`start` or `end`"),
    };
    let index = Index { at_start, checksum: index.checksum };
    Ok(Codec::Sharded { inner, pipe: pipe(&raw.codecs)?, index })
}
