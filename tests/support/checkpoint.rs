//! A tiny checkpoint as bytes in memory, in every layout that precast reads, to be damaged before it is written.

use std::collections::BTreeMap;
use std::path::Path;

use half::bf16;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

pub const LAYERS: usize = 2;
const HIDDEN: usize = 32;
const VOCABULARY: usize = 11;
pub const EXPERTS: usize = 3;
const WIDTH: usize = 64;
const QUERY: usize = 6 * 4;
const KV: usize = 2 * 4;

/// One tensor as a file has it.
#[derive(Clone)]
pub struct Stored {
    pub dtype: &'static str,
    pub dims: Vec<usize>,
    pub bytes: Vec<u8>,
}

pub type Tensors = BTreeMap<String, Stored>;

/// The files of a model's folder by their names, which may lead into folders.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The published layout in one file.
pub fn original() -> Files {
    let mut files = Files::from([("config.json".to_owned(), original_config())]);
    files.insert("model.safetensors".to_owned(), file(&original_tensors()));
    files
}

/// Transformers' layout in one file.
pub fn hugging_face() -> Files {
    let mut files = Files::from([("config.json".to_owned(), hugging_face_config())]);
    files.insert("model.safetensors".to_owned(), file(&hugging_face_tensors()));
    files
}

/// Transformers' layout in two files with an index.
pub fn sharded() -> Files {
    let (mut first, mut second) = (Tensors::new(), Tensors::new());
    for (at, (name, tensor)) in hugging_face_tensors().into_iter().enumerate() {
        if at % 2 == 0 { &mut first } else { &mut second }.insert(name, tensor);
    }
    let mut weight_map = Map::new();
    let mut files = Files::from([("config.json".to_owned(), hugging_face_config())]);
    for (place, tensors) in [first, second].into_iter().enumerate() {
        let shard = format!("model-0000{place}-of-00001.safetensors");
        weight_map.extend(tensors.keys().map(|name| (name.clone(), Value::from(shard.clone()))));
        files.insert(shard, file(&tensors));
    }
    let index = json!({"metadata": {"total_size": 0}, "weight_map": weight_map});
    files.insert("model.safetensors.index.json".to_owned(), index.to_string().into_bytes());
    files
}

pub fn write(files: &Files) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
    }
    folder
}

/// What `error` says, with the folder's path as `MODEL`.
pub fn message(folder: &Path, error: &impl std::fmt::Display) -> String {
    let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
    error.to_string().replace(&folder.display().to_string(), "MODEL").replace(&name, "MODEL")
}

/// A safetensors file, written as the format's description says.
pub fn file(tensors: &Tensors) -> Vec<u8> {
    let mut header = Map::new();
    let mut data = Vec::new();
    for (name, Stored { dtype, dims, bytes }) in tensors {
        let offsets = [data.len(), data.len() + bytes.len()];
        header.insert(name.clone(), json!({"dtype": dtype, "shape": dims, "data_offsets": offsets}));
        data.extend_from_slice(bytes);
    }
    let mut text = Value::Object(header).to_string();
    while text.len() % 8 != 0 {
        text.push(' ');
    }
    with_header(&text, &data)
}

pub fn with_header(text: &str, data: &[u8]) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes(), data].concat()
}

/// The header's text and the data of a sound file.
pub fn split(file: &[u8]) -> (String, Vec<u8>) {
    let length = u64::from_le_bytes(file[..8].try_into().expect("8 bytes")) as usize;
    (String::from_utf8(file[8..8 + length].to_vec()).expect("text"), file[8 + length..].to_vec())
}

/// Numbers that look random and are the same each time.
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Noise {
        Noise(seed)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        // Knuth's MMIX constants; the upper bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % bound as u64) as usize
    }
}

fn dense(noise: &mut Noise, dims: &[usize]) -> Stored {
    let count = dims.iter().product::<usize>();
    let value = |noise: &mut Noise| bf16::from_f32((noise.below(2001) as f32 - 1000.0) / 256.0).to_le_bytes();
    Stored { dtype: "BF16", dims: dims.to_vec(), bytes: (0..count).flat_map(|_| value(noise)).collect() }
}

fn bytes(noise: &mut Noise, dims: &[usize], least: usize, most: usize) -> Stored {
    let count = dims.iter().product::<usize>();
    let bytes = (0..count).map(|_| (least + noise.below(most - least + 1)) as u8).collect();
    Stored { dtype: "U8", dims: dims.to_vec(), bytes }
}

pub fn original_tensors() -> Tensors {
    let noise = &mut Noise::new(7);
    let mut tensors = Tensors::new();
    let mut add = |name: String, tensor| tensors.insert(name, tensor);
    add("embedding.weight".into(), dense(noise, &[VOCABULARY, HIDDEN]));
    add("norm.scale".into(), dense(noise, &[HIDDEN]));
    add("unembedding.weight".into(), dense(noise, &[VOCABULARY, HIDDEN]));
    for layer in 0..LAYERS {
        let mut add = |name: &str, tensor| add(format!("block.{layer}.{name}"), tensor);
        add("attn.norm.scale", dense(noise, &[HIDDEN]));
        add("attn.qkv.weight", dense(noise, &[QUERY + 2 * KV, HIDDEN]));
        add("attn.qkv.bias", dense(noise, &[QUERY + 2 * KV]));
        add("attn.sinks", dense(noise, &[6]));
        add("attn.out.weight", dense(noise, &[HIDDEN, QUERY]));
        add("attn.out.bias", dense(noise, &[HIDDEN]));
        add("mlp.norm.scale", dense(noise, &[HIDDEN]));
        add("mlp.gate.weight", dense(noise, &[EXPERTS, HIDDEN]));
        add("mlp.gate.bias", dense(noise, &[EXPERTS]));
        add("mlp.mlp1_weight.blocks", bytes(noise, &[EXPERTS, 2 * WIDTH, HIDDEN / 32, 16], 0, 255));
        add("mlp.mlp1_weight.scales", bytes(noise, &[EXPERTS, 2 * WIDTH, HIDDEN / 32], 0, 250));
        add("mlp.mlp1_bias", dense(noise, &[EXPERTS, 2 * WIDTH]));
        add("mlp.mlp2_weight.blocks", bytes(noise, &[EXPERTS, HIDDEN, WIDTH / 32, 16], 0, 255));
        add("mlp.mlp2_weight.scales", bytes(noise, &[EXPERTS, HIDDEN, WIDTH / 32], 110, 130));
        add("mlp.mlp2_bias", dense(noise, &[EXPERTS, HIDDEN]));
    }
    tensors
}

/// The same values under transformers' names.
pub fn hugging_face_tensors() -> Tensors {
    let mut renamed = Tensors::new();
    for (name, tensor) in original_tensors() {
        let Some((layer, name)) = name.strip_prefix("block.").and_then(|rest| rest.split_once('.')) else {
            let name = match name.as_str() {
                "embedding.weight" => "model.embed_tokens.weight",
                "norm.scale" => "model.norm.weight",
                _ => "lm_head.weight",
            };
            renamed.insert(name.to_owned(), tensor);
            continue;
        };
        let mut add = |name: &str, tensor| renamed.insert(format!("model.layers.{layer}.{name}"), tensor);
        if let Some(end) = name.strip_prefix("attn.qkv.") {
            let row = tensor.bytes.len() / (QUERY + 2 * KV);
            for (letter, rows) in [("q", 0..QUERY), ("k", QUERY..QUERY + KV), ("v", QUERY + KV..QUERY + 2 * KV)] {
                let mut part = tensor.clone();
                part.dims[0] = rows.len();
                part.bytes = tensor.bytes[rows.start * row..rows.end * row].to_vec();
                add(&format!("self_attn.{letter}_proj.{end}"), part);
            }
            continue;
        }
        let name = match name {
            "attn.norm.scale" => "input_layernorm.weight",
            "attn.sinks" => "self_attn.sinks",
            "attn.out.weight" => "self_attn.o_proj.weight",
            "attn.out.bias" => "self_attn.o_proj.bias",
            "mlp.norm.scale" => "post_attention_layernorm.weight",
            "mlp.gate.weight" => "mlp.router.weight",
            "mlp.gate.bias" => "mlp.router.bias",
            "mlp.mlp1_weight.blocks" => "mlp.experts.gate_up_proj_blocks",
            "mlp.mlp1_weight.scales" => "mlp.experts.gate_up_proj_scales",
            "mlp.mlp1_bias" => "mlp.experts.gate_up_proj_bias",
            "mlp.mlp2_weight.blocks" => "mlp.experts.down_proj_blocks",
            "mlp.mlp2_weight.scales" => "mlp.experts.down_proj_scales",
            _ => "mlp.experts.down_proj_bias",
        };
        add(name, tensor);
    }
    renamed
}

/// The same values with experts unpacked to bf16 and transposed, as third parties publish them.
pub fn dequantized_tensors() -> Tensors {
    const CODES: [f64; 8] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];
    let mut tensors = hugging_face_tensors();
    for layer in 0..LAYERS {
        for matrix in ["gate_up_proj", "down_proj"] {
            let name = format!("model.layers.{layer}.mlp.experts.{matrix}");
            let blocks = tensors.remove(&format!("{name}_blocks")).expect("blocks");
            let scales = tensors.remove(&format!("{name}_scales")).expect("scales");
            let (rows, width) = (blocks.dims[1], blocks.dims[2] * 32);
            let mut bytes = Vec::new();
            for expert in 0..EXPERTS {
                for column in 0..width {
                    for row in 0..rows {
                        let at = (expert * rows + row) * width + column;
                        let code = blocks.bytes[at / 2] >> (4 * (at % 2)) & 15;
                        let size = CODES[usize::from(code & 7)] * 2f64.powi(i32::from(scales.bytes[at / 32]) - 127);
                        let value = if code & 8 == 0 { size } else { -size };
                        bytes.extend(bf16::from_f64(value).to_le_bytes());
                    }
                }
            }
            tensors.insert(name, Stored { dtype: "BF16", dims: vec![EXPERTS, width, rows], bytes });
        }
    }
    tensors
}

pub fn original_config() -> Vec<u8> {
    let config = json!({
        "num_hidden_layers": LAYERS, "num_experts": EXPERTS, "experts_per_token": 2, "vocab_size": VOCABULARY,
        "hidden_size": HIDDEN, "intermediate_size": WIDTH, "swiglu_limit": 7.0, "head_dim": 4,
        "num_attention_heads": 6, "num_key_value_heads": 2, "sliding_window": 16, "initial_context_length": 4096,
        "rope_theta": 150000, "rope_scaling_factor": 32.0, "rope_ntk_alpha": 1, "rope_ntk_beta": 32,
    });
    config.to_string().into_bytes()
}

pub fn hugging_face_config() -> Vec<u8> {
    let config = json!({
        "model_type": "gpt_oss", "num_hidden_layers": LAYERS, "num_local_experts": EXPERTS, "num_experts_per_tok": 2,
        "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "intermediate_size": WIDTH, "head_dim": 4,
        "num_attention_heads": 6, "num_key_value_heads": 2, "sliding_window": 16, "rms_norm_eps": 1e-5,
        "layer_types": ["sliding_attention", "full_attention"], "max_position_embeddings": 131072,
        "tie_word_embeddings": false, "rope_parameters": {
            "rope_type": "yarn", "rope_theta": 150000.0, "factor": 32.0, "beta_fast": 32.0, "beta_slow": 1.0,
            "original_max_position_embeddings": 4096, "truncate": false,
        },
    });
    config.to_string().into_bytes()
}
