//! The synthetic checkpoints made here are those that the reference programs ran on.

mod support;

use std::collections::BTreeMap;
use support::synthetic::{Layout, Shape};

fn recorded() -> BTreeMap<String, BTreeMap<String, String>> {
    serde_json::from_str(include_str!("fixtures/parity/checksums.json")).expect("the fixture is well-formed")
}

#[test]
fn every_tensor_is_what_the_references_read() {
    for (name, expected) in recorded() {
        let tensors = Shape::named(&name).tensors(Layout::Original { shards: 1 });
        let found: BTreeMap<String, String> = tensors.iter().map(|t| (t.name.clone(), t.sha256())).collect();
        assert_eq!(found, expected, "shape `{name}`");
    }
}

#[test]
fn both_layouts_hold_the_same_bytes() {
    let shape = Shape::named("odd");
    let folder = tempfile::tempdir().unwrap();
    let read = |layout: Layout, name: &str| {
        let directory = folder.path().join(name);
        shape.write(layout, &directory).unwrap();
        let mut tensors = BTreeMap::new();
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "safetensors") {
                let bytes = std::fs::read(path).unwrap();
                for (name, view) in safetensors::SafeTensors::deserialize(&bytes).unwrap().iter() {
                    tensors.insert(name.to_owned(), view.data().to_vec());
                }
            }
        }
        tensors
    };
    let original = read(Layout::Original { shards: 2 }, "original");
    let hugging_face = read(Layout::HuggingFace { shards: 3 }, "hf");
    assert_eq!(hugging_face.len(), original.len() + 4 * shape.layers);
    for part in ["weight", "bias"] {
        let fused: Vec<u8> = ["q", "k", "v"]
            .iter()
            .flat_map(|letter| &hugging_face[&format!("model.layers.4.self_attn.{letter}_proj.{part}")])
            .copied()
            .collect();
        assert!(fused == original[&format!("block.4.attn.qkv.{part}")], "{part}");
    }
    let sum = |tensors: &BTreeMap<String, Vec<u8>>| tensors.values().map(Vec::len).sum::<usize>();
    assert_eq!(sum(&hugging_face), sum(&original));
}

#[test]
fn the_sequences_are_those_that_the_references_read() {
    for case in support::parity::cases() {
        let count = case.tokens.len();
        assert_eq!(Shape::named(&case.shape).tokens(&count.to_string(), count), case.tokens);
    }
    for case in support::parity::greedy() {
        let count = case.prompt.len();
        assert_eq!(Shape::named(&case.shape).tokens(&format!("greedy.{count}"), count), case.prompt);
    }
}
