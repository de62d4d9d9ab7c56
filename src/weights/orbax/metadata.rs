//! `_METADATA`: the tree of a checkpoint, as Orbax writes it. Reads hostile text; names no file.

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What of the tree is kept as arrays, and how. Other tools write more, which is not needed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Metadata {
    /// The keys that lead to each array.
    pub arrays: Vec<Vec<String>>,
    /// Whether chunks are there even if they hold nothing but the fill value, so that a missing one is lost.
    pub every_chunk_is_stored: bool,
}

#[derive(Deserialize)]
struct Raw {
    tree_metadata: Map<String, Value>,
    #[serde(default)]
    store_array_data_equal_to_fill_value: bool,
}

#[derive(Deserialize)]
struct RawEntry {
    key_metadata: Vec<RawKey>,
    value_metadata: RawValue,
}

#[derive(Deserialize)]
struct RawKey {
    key: Value,
}

#[derive(Deserialize)]
struct RawValue {
    value_type: String,
}

/// Types of leaves that are no arrays: empty nodes of a tree, and texts.
const NOT_ARRAYS: [&str; 6] = ["None", "Dict", "List", "Tuple", "NamedTuple", "string"];

/// As Orbax numbers kinds of keys.
const KEY_OF_DICT: u8 = 2;

impl Metadata {
    pub fn parse(text: &[u8]) -> Result<Metadata, String> {
        let raw: Raw = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let mut arrays = Vec::new();
        for (name, entry) in raw.tree_metadata {
            let entry = RawEntry::deserialize(entry).map_err(|error| format!("entry `{name}`: {error}"))?;
            if NOT_ARRAYS.contains(&entry.value_metadata.value_type.as_str()) {
                continue;
            }
            let keys = entry.key_metadata.into_iter().map(|key| match key.key {
                Value::String(key) => Ok(key),
                Value::Number(place) => Ok(place.to_string()),
                other => Err(format!("entry `{name}` has key `{other}`, expected text or a number")),
            });
            arrays.push(keys.collect::<Result<_, _>>()?);
        }
        Ok(Metadata { arrays, every_chunk_is_stored: raw.store_array_data_equal_to_fill_value })
    }

    /// The text for a tree of dictionaries. `arrays` are the keys that lead to each, and its axes.
    pub fn write<'a>(arrays: impl Iterator<Item = (Vec<&'a str>, &'a [usize])>) -> String {
        let mut tree = Map::new();
        for (keys, dims) in arrays {
            let key_metadata: Vec<Value> =
                keys.iter().map(|key| json!({"key": key, "key_type": KEY_OF_DICT})).collect();
            // An array of JAX's would need its sharding beside it to be restored without a target.
            let value_metadata = json!({"value_type": "np.ndarray", "skip_deserialize": false, "write_shape": dims});
            tree.insert(tuple(&keys), json!({"key_metadata": key_metadata, "value_metadata": value_metadata}));
        }
        json!({
            "tree_metadata": tree, "use_ocdbt": false, "use_zarr3": false,
            "store_array_data_equal_to_fill_value": true, "custom_metadata": null,
        })
        .to_string()
    }
}

/// A tuple of texts as Python shows it, which Orbax reads back as such.
fn tuple(keys: &[&str]) -> String {
    let quoted: Vec<String> =
        keys.iter().map(|key| format!("'{}'", key.replace('\\', "\\\\").replace('\'', "\\'"))).collect();
    format!("({}{})", quoted.join(", "), if keys.len() == 1 { "," } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_no_array_is_not() {
        let text = Metadata::write([(vec!["a", "b"], &[2, 3][..]), (vec!["c"], &[][..])].into_iter());
        assert!(text.contains(r#""('a', 'b')":"#) && text.contains(r#""('c',)":"#), "{text}");
        let arrays = vec![vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]];
        assert_eq!(Metadata::parse(text.as_bytes()), Ok(Metadata { arrays, every_chunk_is_stored: true }));
        let text = text.replace("np.ndarray", "None");
        assert_eq!(Metadata::parse(text.as_bytes()).map(|metadata| metadata.arrays), Ok(vec![]));
        let error = Metadata::parse(br#"{"tree_metadata": {"x": {"key_metadata": [{"key": null}], "value_metadata": {"value_type": "scalar"}}}}"#);
        assert_eq!(error, Err("entry `x` has key `null`, expected text or a number".to_owned()));
    }
}
