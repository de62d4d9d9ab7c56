//! Checkpoints in every layout mean the same; damaged ones give one clear error that names the file, never a panic.

#[path = "support/checkpoint.rs"]
mod checkpoint;

use std::collections::BTreeMap;

use checkpoint::*;
use hlo::ElementType;
use insta::assert_snapshot;
use precast::config::Config;
use precast::graph::params::{self, Form, Source, Weight};
use precast::plan::{Plan, Precision, Spelling, Strategy};
use precast::weights::header::Header;
use precast::weights::{Checkpoint, Index, pack};
use proptest::prelude::*;

const BF16: Strategy =
    Strategy { experts: Precision::Bf16, dense: Precision::Bf16, cache: Precision::Bf16, compute: ElementType::Bf16 };

/// How experts and all else are stored, in every way.
fn strategies() -> [Strategy; 5] {
    use Precision::*;
    [(F32, F32), (Bf16, Bf16), (Mxfp4, Bf16), (Fp8, Fp8), (Int8, Int8)].map(|(experts, dense)| Strategy {
        experts,
        dense,
        ..BF16
    })
}

/// The weights on a host's device, or on three of a TPU, of whose parts of the experts the first is whole and the others are padding.
fn weights(checkpoint: &Checkpoint, strategy: Strategy, devices: usize) -> Vec<Weight> {
    let spelling = if devices == 1 { Spelling::HOST } else { Spelling::TPU };
    params::weights(checkpoint.config(), &Plan { devices, spelling, ..Plan::host(strategy, 4) })
}

/// Every weight's bytes by name, with what the map gives instead checked on the way.
fn fill_all(files: &Files, strategy: Strategy, devices: usize) -> BTreeMap<String, Vec<u8>> {
    let folder = write(files);
    let checkpoint = Checkpoint::open(folder.path()).unwrap_or_else(|error| panic!("{error}"));
    let filled = weights(&checkpoint, strategy, devices);
    let filled = filled.iter().map(|weight| {
        let mut bytes = vec![0xaa; weight.ty.host_bytes()];
        pack::fill(&checkpoint, weight, &mut bytes).unwrap_or_else(|error| panic!("{error}"));
        if let Some(mapped) = pack::mapped(&checkpoint, weight) {
            assert_eq!(&mapped[..], bytes, "{}", weight.name);
        }
        (weight.name.clone(), bytes)
    });
    filled.collect()
}

/// The error of opening a damaged checkpoint, with its hint.
fn open_error(files: &Files) -> String {
    let folder = write(files);
    let error = Checkpoint::open(folder.path()).expect_err("a damaged checkpoint opens");
    let hint = error.hint().map_or_else(String::new, |hint| format!("\nhint: {hint}"));
    message(folder.path(), &error) + &hint
}

/// The error after the header of the single file was changed by hand.
fn header_error(from: &str, to: &str) -> String {
    let mut files = original();
    let (text, data) = split(&files["model.safetensors"]);
    assert!(text.contains(from), "{from} is not in {text}");
    files.insert("model.safetensors".to_owned(), with_header(&text.replacen(from, to, 1), &data));
    open_error(&files)
}

/// The error after the tensors of the single file were changed.
fn tensor_error(change: impl FnOnce(&mut Tensors)) -> String {
    let mut tensors = original_tensors();
    change(&mut tensors);
    let mut files = original();
    files.insert("model.safetensors".to_owned(), file(&tensors));
    open_error(&files)
}

fn reshaped(dims: &[usize]) -> Stored {
    Stored { dtype: "BF16", dims: dims.to_vec(), bytes: vec![0; dims.iter().product::<usize>() * 2] }
}

#[test]
fn every_layout_fills_the_same_bytes() {
    let scattered = {
        let mut files = Files::from([("config.json".to_owned(), original_config())]);
        for (name, tensor) in original_tensors() {
            files.insert(format!("{name}.safetensors"), file(&Tensors::from([(name, tensor)])));
        }
        files
    };
    let published = {
        let mut files = Files::from([("config.json".to_owned(), hugging_face_config())]);
        files.extend(original().into_iter().map(|(name, bytes)| (format!("original/{name}"), bytes)));
        files
    };
    let dequantized = Files::from([
        ("config.json".to_owned(), hugging_face_config()),
        ("model.safetensors".to_owned(), file(&dequantized_tensors())),
    ]);
    let norms_in_f32 = {
        let mut tensors = original_tensors();
        for tensor in tensors.iter_mut().filter(|(name, _)| name.ends_with("norm.scale")).map(|(_, tensor)| tensor) {
            tensor.dtype = "F32";
            tensor.bytes = tensor.bytes.chunks_exact(2).flat_map(|value| [0, 0, value[0], value[1]]).collect();
        }
        let mut files = original();
        files.insert("model.safetensors".to_owned(), file(&tensors));
        files
    };
    for (strategy, devices) in strategies().into_iter().flat_map(|strategy| [(strategy, 1), (strategy, 3)]) {
        let expected = fill_all(&original(), strategy, devices);
        for (name, files) in [
            ("transformers'", hugging_face()),
            ("sharded", sharded()),
            ("a file a tensor", scattered.clone()),
            ("the folder above", published.clone()),
            ("dequantized", dequantized.clone()),
            ("norms in f32", norms_in_f32.clone()),
        ] {
            assert!(fill_all(&files, strategy, devices) == expected, "{name}: {strategy}, {devices} devices");
        }
    }
}

#[test]
fn gates_and_ups_take_turns_or_are_set_apart() {
    let dense = &dequantized_tensors()["model.layers.1.mlp.experts.gate_up_proj"];
    let filled = |devices| fill_all(&original(), BF16, devices)["layers.1.moe.gate_up.weight"].clone();
    let (by_turns, apart) = (filled(1), filled(3));
    let [experts, width, rows] = dense.dims[..] else { panic!("a stack of matrices") };
    for expert in 0..experts {
        for row in 0..rows {
            for column in 0..width {
                let stored = &dense.bytes[((expert * width + column) * rows + row) * 2..][..2];
                let place = |row: usize| ((expert * rows + row) * width + column) * 2;
                let set_apart = row % 2 * (rows / 2) + row / 2;
                assert_eq!(by_turns[place(row)..][..2], *stored, "{expert} {row} {column}");
                assert_eq!(apart[place(set_apart)..][..2], *stored, "{expert} {row} {column}");
            }
        }
    }
}

#[test]
fn bytes_that_fit_are_not_copied() {
    let folder = write(&original());
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let mapped = |strategy| -> Vec<Source> {
        let weights = weights(&checkpoint, strategy, 1).into_iter();
        weights.filter(|weight| pack::mapped(&checkpoint, weight).is_some()).map(|weight| weight.source).collect()
    };
    let all = |layers: [Vec<Source>; 2]| [vec![Source::Embedding], layers.concat(), vec![Source::Unembedding]].concat();
    let dense = |n| vec![Source::OutWeight(n), Source::RouterWeight(n)];
    assert_eq!(mapped(BF16), all([0, 1].map(dense)));
    // Codes and scales of the experts as well.
    let experts = |n| [Source::GateUpWeight(n), Source::GateUpWeight(n), Source::DownWeight(n), Source::DownWeight(n)];
    let everything = |n| [dense(n), experts(n).into()].concat();
    assert_eq!(mapped(Strategy { experts: Precision::Mxfp4, ..BF16 }), all([0, 1].map(everything)));
}

#[test]
fn mapped_bytes_outlive_the_checkpoint() {
    let folder = write(&original());
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let weight = weights(&checkpoint, BF16, 1).remove(0);
    let mapped = pack::mapped(&checkpoint, &weight).expect("the embedding fits");
    drop((checkpoint, folder));
    assert_eq!(&mapped[..], original_tensors()["embedding.weight"].bytes);
}

#[test]
fn cut_short_anywhere_names_the_file() {
    for files in [original(), hugging_face()] {
        let whole = &files["model.safetensors"];
        let header = Header::parse(whole).unwrap();
        let data = whole.len() - split(whole).1.len();
        let mut borders = vec![0, 1, 7, 8, 9, data / 2, data - 1, data, whole.len() - 1];
        borders.extend(header.tensors.values().flat_map(|entry| [entry.bytes.start, entry.bytes.end - 1]));
        for length in borders {
            let mut files = files.clone();
            files.insert("model.safetensors".to_owned(), whole[..length].to_vec());
            let error = open_error(&files);
            assert!(error.starts_with("`MODEL/model.safetensors` "), "cut to {length}: {error}");
        }
    }
}

#[test]
fn a_flipped_byte_of_the_header_is_noticed() {
    for files in [original(), hugging_face()] {
        let whole = &files["model.safetensors"];
        let sound = Header::parse(whole).unwrap();
        let noise = &mut Noise::new(1);
        let folder = write(&files);
        for at in 0..whole.len() - split(whole).1.len() {
            for flip in [1u8 << noise.below(8), 1 + noise.below(255) as u8] {
                let mut damaged = whole.clone();
                damaged[at] ^= flip;
                match Header::parse(&damaged) {
                    // White space for white space.
                    Ok(header) if header == sound => continue,
                    // The file is not what it says; of these, a few are opened to see the file named.
                    Err(_) if at % 32 != 0 => continue,
                    // It is, but it says something else: only the configuration can tell.
                    _ => {}
                }
                std::fs::write(folder.path().join("model.safetensors"), &damaged).unwrap();
                let error = Checkpoint::open(folder.path()).expect_err("a damaged header");
                let error = message(folder.path(), &error);
                assert!(error.contains("`MODEL/model.safetensors`"), "byte {at} by {flip}: {error}");
            }
        }
    }
}

#[test]
fn a_flipped_byte_of_configuration_or_index_never_panics() {
    let files = sharded();
    let noise = &mut Noise::new(2);
    for name in ["config.json", "model.safetensors.index.json"] {
        let folder = write(&files);
        for at in 0..files[name].len() {
            let mut damaged = files[name].clone();
            damaged[at] ^= 1 + noise.below(255) as u8;
            std::fs::write(folder.path().join(name), &damaged).unwrap();
            if let Err(error) = Checkpoint::open(folder.path()) {
                let error = message(folder.path(), &error);
                assert!(error.contains("`MODEL/"), "byte {at} of {name}: {error}");
            }
        }
    }
}

#[test]
fn a_header_that_lies_is_caught() {
    let with_length = |length: u64| {
        let mut files = original();
        files.get_mut("model.safetensors").unwrap()[..8].copy_from_slice(&length.to_le_bytes());
        open_error(&files)
    };
    assert_snapshot!(with_length(u64::MAX), @"`MODEL/model.safetensors` is no sound safetensors file: it claims a header of 18446744073709551615 bytes, expected at most 16777216");
    assert_snapshot!(with_length(16 << 20), @r"
    `MODEL/model.safetensors` is no sound safetensors file: it claims a header of 16777216 bytes, but ends 34972 bytes after the first 8
    hint: the file was cut short; download it again
    ");
    assert_snapshot!(with_length(0), @"`MODEL/model.safetensors` is no sound safetensors file: its header is not valid JSON: EOF while parsing a value at line 1 column 0");
    // The first tensor by name is `block.0.attn.norm.scale`: 64 bytes at the data's start.
    assert_snapshot!(header_error("[0,64]", "[0,66]"), @"`MODEL/model.safetensors` is no sound safetensors file: tensor `block.0.attn.norm.scale` is bf16[32] of 64 bytes, but its offsets are 0 to 66");
    assert_snapshot!(header_error("[0,64]", "[64,0]"), @"`MODEL/model.safetensors` is no sound safetensors file: tensor `block.0.attn.norm.scale` is bf16[32] of 64 bytes, but its offsets are 64 to 0");
    assert_snapshot!(header_error("[0,64]", "[64,128]"), @"`MODEL/model.safetensors` is no sound safetensors file: tensor `block.0.attn.norm.scale` starts at byte 64 of the data, but the one before it ends at 0");
    assert_snapshot!(header_error("[0,64]", "[18446744073709551552,18446744073709551615]"), @"`MODEL/model.safetensors` is no sound safetensors file: tensor `block.0.attn.norm.scale` is bf16[32] of 64 bytes, but its offsets are 18446744073709551552 to 18446744073709551615");
    assert_snapshot!(header_error("[0,64]", "[18446744073709551551,18446744073709551615]"), @r"
    `MODEL/model.safetensors` is no sound safetensors file: tensor `block.0.attn.norm.scale` ends at byte 18446744073709551615 of the data, but the file's data has 32132 bytes
    hint: the file was cut short; download it again
    ");
    assert_snapshot!(header_error("[0,64]", "[-1,63]"), @"`MODEL/model.safetensors` is no sound safetensors file: its header is not valid JSON: tensor `block.0.attn.norm.scale`: invalid value: integer `-1`, expected u64 at line 1 column 74");
    assert_snapshot!(header_error("[32]", "[4294967296,4294967296,4294967296]"), @"`MODEL/model.safetensors` is no sound safetensors file: tensor `block.0.attn.norm.scale` is bf16[4294967296, 4294967296, 4294967296], which is no whole number of bytes that a file can have");
    assert_snapshot!(header_error("[32]", "[1,1,1,1,1,1,1,1,1,32]"), @"`MODEL/model.safetensors` is no sound safetensors file: tensor `block.0.attn.norm.scale` has 10 axes, expected at most 8");
    assert_snapshot!(header_error("\"BF16\"", "\"BF61\""), @"`MODEL/model.safetensors` is no sound safetensors file: tensor `block.0.attn.norm.scale` has element type `BF61`, which the format does not know");
    assert_snapshot!(header_error("block.0.attn.out.bias", "block.0.attn.norm.scale"), @"`MODEL/model.safetensors` is no sound safetensors file: its header has tensor `block.0.attn.norm.scale` twice");
    assert_snapshot!(header_error("block.0.attn.out.bias", &"n".repeat(300)), @"`MODEL/model.safetensors` is no sound safetensors file: its header has a tensor name of more than 256 bytes: `nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn...`");
    assert_snapshot!(header_error("block.0.attn.out.bias", "block\\u001b[31m"), @r"`MODEL/model.safetensors` is no sound safetensors file: its header has a tensor name with control characters: `block\u{1b}[31m`");
    assert_snapshot!(header_error("{\"block", "[\"block"), @"`MODEL/model.safetensors` is no sound safetensors file: its header is not valid JSON: invalid type: sequence, expected an object of tensors at line 1 column 0");

    let mut files = original();
    files.get_mut("model.safetensors").unwrap().extend([0; 3]);
    assert_snapshot!(open_error(&files), @"`MODEL/model.safetensors` is no sound safetensors file: its tensors end at byte 32132 of the data, but the file's data has 32135 bytes");
}

#[test]
fn tensors_that_do_not_belong_are_named() {
    assert_snapshot!(tensor_error(|tensors| { tensors.remove("block.1.mlp.gate.bias"); }), @r"
    checkpoint does not match model `MODEL`
      tensor `block.1.mlp.gate.bias` is missing, expected bf16[3]
      in `MODEL/model.safetensors`
    ");
    assert_snapshot!(tensor_error(|tensors| tensors.retain(|name, _| !name.starts_with("block.1."))), @r"
    checkpoint does not match model `MODEL`
      tensor `block.1.attn.norm.scale` is missing (and 14 more), expected bf16[32] or f32[32]
      in `MODEL/model.safetensors`
    hint: layers and experts of the weights are 1 and 3, `config.json` says 2 and 3
    ");
    assert_snapshot!(tensor_error(|tensors| { tensors.insert("block.1.attn.lora".into(), reshaped(&[3])); }), @r"
    checkpoint does not match model `MODEL`
      tensor `block.1.attn.lora` has no place in it
      in `MODEL/model.safetensors`
    ");
    assert_snapshot!(tensor_error(|tensors| { tensors.insert("block.2.attn.sinks".into(), reshaped(&[6])); }), @r"
    checkpoint does not match model `MODEL`
      tensor `block.2.attn.sinks` has no place in it
      in `MODEL/model.safetensors`
    hint: layers and experts of the weights are 3 and 3, `config.json` says 2 and 3
    ");
    assert_snapshot!(tensor_error(|tensors| { tensors.insert("embedding.weight".into(), reshaped(&[32, 11])); }), @r"
    checkpoint does not match model `MODEL`
      tensor `embedding.weight` is bf16[32, 11], expected bf16[11, 32]
      in `MODEL/model.safetensors`
    ");
    assert_snapshot!(tensor_error(|tensors| { tensors.insert("block.0.attn.sinks".into(), reshaped(&[6, 1])); }), @r"
    checkpoint does not match model `MODEL`
      tensor `block.0.attn.sinks` is bf16[6, 1], expected bf16[6]
      in `MODEL/model.safetensors`
    ");
    assert_snapshot!(tensor_error(|tensors| tensors.get_mut("norm.scale").unwrap().dtype = "F16"), @r"
    checkpoint does not match model `MODEL`
      tensor `norm.scale` is f16[32], expected bf16[32] or f32[32]
      in `MODEL/model.safetensors`
    ");
    assert_snapshot!(tensor_error(|tensors| {
        let scales = tensors.get_mut("block.0.mlp.mlp2_weight.scales").unwrap();
        (scales.dtype, scales.dims) = ("I8", vec![EXPERTS, 32, 2]);
    }), @r"
    checkpoint does not match model `MODEL`
      tensor `block.0.mlp.mlp2_weight.scales` is i8[3, 32, 2], expected u8[3, 32, 2]
      in `MODEL/model.safetensors`
    ");
    assert_snapshot!(tensor_error(|tensors| tensors.clear()), @r"
    checkpoint does not match model `MODEL`
      tensor `embedding.weight` is missing (and 32 more), expected bf16[11, 32]
      in `MODEL/model.safetensors`
    ");

    // The weights of one model beside the configuration of another.
    let mut files = original();
    let config = String::from_utf8(original_config()).unwrap();
    let other = config.replace("\"num_experts\":3", "\"num_experts\":4");
    files.insert("config.json".to_owned(), other.into_bytes());
    assert_snapshot!(open_error(&files), @r"
    checkpoint does not match model `MODEL`
      tensor `block.0.mlp.gate.weight` is bf16[3, 32], expected bf16[4, 32]
      in `MODEL/model.safetensors`
    hint: layers and experts of the weights are 2 and 3, `config.json` says 2 and 4
    ");
}

#[test]
fn published_sizes_are_recognised() {
    let published = |config: &Config, layers: usize, experts: usize| {
        let mut tensors = Tensors::new();
        for layer in 0..layers {
            tensors.insert(format!("block.{layer}.mlp.gate.bias"), reshaped(&[experts]));
        }
        let mut files = Files::new();
        files.insert("model.safetensors".to_owned(), file(&tensors));
        let text = format!(
            r#"{{"num_hidden_layers": {}, "num_experts": {}, "experts_per_token": 4, "vocab_size": 201088,
            "hidden_size": 2880, "intermediate_size": 2880, "num_attention_heads": 64, "num_key_value_heads": 8}}"#,
            config.layers, config.experts
        );
        files.insert("config.json".to_owned(), text.into_bytes());
        open_error(&files)
    };
    assert_snapshot!(published(&Config::gpt_oss_20b(), 36, 128), @r"
    checkpoint does not match model `gpt-oss-20b`
      tensor `block.0.mlp.gate.bias` is bf16[128], expected bf16[32]
      in `MODEL/model.safetensors`
    hint: 36 layers of 128 experts is gpt-oss-120b; its own `config.json` belongs beside the weights
    ");
    assert_snapshot!(published(&Config::gpt_oss_120b(), 24, 32), @r"
    checkpoint does not match model `gpt-oss-120b`
      tensor `block.0.mlp.gate.bias` is bf16[32], expected bf16[128]
      in `MODEL/model.safetensors`
    hint: 24 layers of 32 experts is gpt-oss-20b; its own `config.json` belongs beside the weights
    ");
}

#[test]
fn a_wrong_index_is_explained() {
    let index_error = |change: &dyn Fn(&mut serde_json::Map<String, serde_json::Value>)| {
        let mut files = sharded();
        let bytes = files.get_mut("model.safetensors.index.json").unwrap();
        let mut index: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        change(index["weight_map"].as_object_mut().unwrap());
        *bytes = index.to_string().into_bytes();
        open_error(&files)
    };
    assert_snapshot!(index_error(&|map| { map.insert("lm_head.weight".into(), "model-7.safetensors".into()); }), @r"
    `MODEL/model.safetensors.index.json` puts tensor `lm_head.weight` into `MODEL/model-7.safetensors`, which is missing
    hint: a part of the checkpoint was not downloaded
    ");
    assert_snapshot!(index_error(&|map| {
        map.insert("lm_head.weight".into(), "model-00001-of-00001.safetensors".into());
    }), @r"
    `MODEL/model.safetensors.index.json` does not put tensor `lm_head.weight` into `MODEL/model-00000-of-00001.safetensors`, which holds it
    hint: the index is not of these files; download all of them from one place
    ");
    assert_snapshot!(index_error(&|map| { map.remove("lm_head.weight"); }), @r"
    `MODEL/model.safetensors.index.json` does not put tensor `lm_head.weight` into `MODEL/model-00000-of-00001.safetensors`, which holds it
    hint: the index is not of these files; download all of them from one place
    ");
    assert_snapshot!(index_error(&|map| { map.insert("lm_head.weight".into(), "../other.safetensors".into()); }), @"`MODEL/model.safetensors.index.json` is no sound index: its `weight_map` puts tensor `lm_head.weight` into `../other.safetensors`, expected the name of a file beside the index");
    assert_snapshot!(index_error(&|map| { map.insert("lm_head.weight".into(), 3.into()); }), @"`MODEL/model.safetensors.index.json` is no sound index: it is not valid JSON: invalid type: integer `3`, expected a string at line 1 column 61");
    assert_snapshot!(index_error(&serde_json::Map::clear), @"`MODEL/model.safetensors.index.json` is no sound index: its `weight_map` is empty");

    let mut files = sharded();
    files.remove("model-00001-of-00001.safetensors");
    assert_snapshot!(open_error(&files), @r"
    `MODEL/model.safetensors.index.json` puts tensor `model.embed_tokens.weight` into `MODEL/model-00001-of-00001.safetensors`, which is missing
    hint: a part of the checkpoint was not downloaded
    ");
    let mut files = sharded();
    files.insert("model.safetensors.index.json".to_owned(), b"{\"weight_map\": {\"a\": \"b\", \"a\": \"c\"}}".to_vec());
    assert_snapshot!(open_error(&files), @"`MODEL/model.safetensors.index.json` is no sound index: its `weight_map` has tensor `a` twice");
    files.insert("model.safetensors.index.json".to_owned(), Vec::new());
    assert_snapshot!(open_error(&files), @"`MODEL/model.safetensors.index.json` cannot be read: it is empty");

    let mut files = sharded();
    files.extend(hugging_face());
    assert_snapshot!(open_error(&files), @r"
    `MODEL/model.safetensors.index.json` does not name `MODEL/model.safetensors`, which lies beside it: which of them is the checkpoint?
    hint: keep the index and its files, or the single file
    ");
}

#[test]
fn a_folder_that_is_no_model_is_explained() {
    let mut files = original();
    files.insert("more.safetensors".to_owned(), files["model.safetensors"].clone());
    assert_snapshot!(open_error(&files), @r"
    tensor `block.0.attn.norm.scale` is twice in the checkpoint
      in `MODEL/model.safetensors`
      in `MODEL/more.safetensors`
    hint: files of two checkpoints lie in one folder
    ");
    assert_snapshot!(open_error(&Files::new()), @r"
    `MODEL` holds no `*.safetensors`, neither does a folder `original` in it, and nothing in it is a checkpoint of Orbax
    hint: a model is a folder with `config.json` and weights; `precast fetch` gets a published one
    ");
    let mut files = original();
    files.remove("config.json");
    assert_snapshot!(open_error(&files), @r"
    `MODEL/config.json` cannot be read: No such file or directory (os error 2)
    hint: a model is a folder with `config.json`; `gpt-oss-20b` and `gpt-oss-120b` are names that carry their own
    ");
    files.insert("config.json".to_owned(), b"{".to_vec());
    assert_snapshot!(open_error(&files), @"`MODEL/config.json` is not valid JSON: EOF while parsing an object at line 1 column 1");
    let mut files = original();
    files.insert("folder.safetensors/x".to_owned(), Vec::new());
    assert_snapshot!(open_error(&files), @"`MODEL/folder.safetensors` cannot be read: it is not a file");

    let folder = write(&Files::new());
    let error = Checkpoint::open(&folder.path().join("nowhere")).unwrap_err();
    assert_snapshot!(message(folder.path(), &error), @"`MODEL/nowhere` cannot be read: No such file or directory (os error 2)");
}

#[test]
fn values_that_are_no_numbers_are_refused() {
    let fill_error = |tensor: &str, at: usize, bytes: &[u8], source: Source, in_codes_alone: bool| {
        let mut tensors = original_tensors();
        tensors.get_mut(tensor).unwrap().bytes[at..at + bytes.len()].copy_from_slice(bytes);
        let mut files = original();
        files.insert("model.safetensors".to_owned(), file(&tensors));
        let folder = write(&files);
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        let mut errors: Vec<String> = Vec::new();
        let ways = strategies().into_iter().flat_map(|strategy| [(strategy, 1), (strategy, 3)]);
        for weight in ways.flat_map(|(strategy, devices)| weights(&checkpoint, strategy, devices)) {
            if weight.source == source && !(in_codes_alone && weight.form == Form::Values) {
                // Codes are used as they are; whoever takes them takes their scales too, which are refused.
                let is_codes = weight.form == Form::Codes(Precision::Mxfp4);
                assert!(pack::mapped(&checkpoint, &weight).is_none() || is_codes);
                let error = pack::fill(&checkpoint, &weight, &mut vec![0; weight.ty.host_bytes()]).unwrap_err();
                errors.push(message(folder.path(), &error));
            }
        }
        errors.dedup();
        assert_eq!(errors.len(), 1, "{errors:#?}");
        errors.remove(0)
    };
    let nan = half::bf16::NAN.to_le_bytes();
    assert_snapshot!(fill_error("block.1.mlp.mlp1_weight.scales", 131, &[255], Source::GateUpWeight(1), false), @r"
    tensor `block.1.mlp.mlp1_weight.scales` has scale 255 at [1, 3, 0], which MXFP4 reserves for NaN
      in `MODEL/model.safetensors`
    ");
    assert_snapshot!(fill_error("block.0.mlp.mlp2_weight.scales", 191, &[255], Source::DownWeight(0), false), @r"
    tensor `block.0.mlp.mlp2_weight.scales` has scale 255 at [2, 31, 1], which MXFP4 reserves for NaN
      in `MODEL/model.safetensors`
    ");
    assert_snapshot!(fill_error("block.0.mlp.mlp1_bias", 258, &nan, Source::GateUpBias(0), false), @r"
    tensor `block.0.mlp.mlp1_bias` is not a finite number at [1, 1]
      in `MODEL/model.safetensors`
    ");
    assert_snapshot!(fill_error("norm.scale", 0, &half::bf16::INFINITY.to_le_bytes(), Source::FinalNorm, false), @r"
    tensor `norm.scale` is not a finite number at [0]
      in `MODEL/model.safetensors`
    ");
    // A code cannot stand for these; values are left to the device.
    assert_snapshot!(fill_error("block.0.attn.qkv.weight", 70, &nan, Source::QkvWeight(0), true), @r"
    tensor `block.0.attn.qkv.weight` is not a finite number at [1, 3]
      in `MODEL/model.safetensors`
    ");
}

#[test]
fn experts_that_are_no_mxfp4_are_not_made_so() {
    let name = "model.layers.1.mlp.experts.down_proj";
    let mut tensors = dequantized_tensors();
    // 65, which has too many bits beside any other value; row 7, the second block.
    let at = ((2 * 64 + 40) * 32 + 7) * 2;
    tensors.get_mut(name).unwrap().bytes[at..at + 2].copy_from_slice(&half::bf16::from_f32(65.0).to_le_bytes());
    let mut files = hugging_face();
    files.insert("model.safetensors".to_owned(), file(&tensors));
    let folder = write(&files);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let mut said = Vec::new();
    for strategy in strategies() {
        for weight in weights(&checkpoint, strategy, 1) {
            let filled = pack::fill(&checkpoint, &weight, &mut vec![0; weight.ty.host_bytes()]);
            if strategy.experts != Precision::Mxfp4 || weight.source != Source::DownWeight(1) {
                filled.unwrap();
                continue;
            }
            let error = filled.unwrap_err();
            said.push(format!("{}\nhint: {}", message(folder.path(), &error), error.hint().unwrap()));
        }
    }
    said.dedup();
    assert_eq!(said.len(), 1);
    assert_snapshot!(said[0], @r"
    the 32 values of tensor `model.layers.1.mlp.experts.down_proj` from [2, 32, 7] on are no block of MXFP4
      in `MODEL/model.safetensors`
    hint: these experts were changed after they left MXFP4: use `--weights bf16`, `fp8` or `int8`, or the checkpoint that has them in MXFP4
    ");
}

/// Whatever parses keeps the invariant: tensors in whole bytes, side by side, up to the file's end.
fn check_header(bytes: &[u8]) {
    let Ok(header) = Header::parse(bytes) else { return };
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut parts: Vec<_> = header.tensors.values().map(|entry| entry.bytes.clone()).collect();
    parts.sort_by_key(|part| (part.start, part.end));
    let end = parts.iter().fold(8 + length, |end, part| {
        assert_eq!(part.start, end);
        part.end
    });
    assert_eq!(end, bytes.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Pieces of a header cut, repeated and swapped for numbers and signs that mean something to the parser.
    #[test]
    fn mangled_headers_never_panic(edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..40, 0usize..12), 1..6)) {
        let numbers = ["18446744073709551615", "9223372036854775808", "-1", "0", "1e3", "{", "}", "[", "\"", "\\u0000", "F4", ""];
        let (text, data) = split(&original()["model.safetensors"]);
        let mut text = text.into_bytes();
        for (at, length, number) in edits {
            let start = at.index(text.len() + 1);
            let end = (start + length).min(text.len());
            text.splice(start..end, numbers[number].bytes());
        }
        check_header(&[&(text.len() as u64).to_le_bytes(), &text[..], &data].concat());
    }

    #[test]
    fn any_bytes_never_panic(length in 0u64..64, bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        check_header(&[&length.to_le_bytes(), &bytes[..]].concat());
        check_header(&bytes);
        let _ = Index::parse(&bytes);
        let _ = Config::from_json(&String::from_utf8_lossy(&bytes));
    }
}
