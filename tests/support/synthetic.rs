//! Makes the synthetic checkpoints of `tests/oracle/checkpoint.py`, bit for bit, without Python.
//! Knows nothing of precast: what reads checkpoints is judged by it. The scheme is written down in `tests/oracle/README.md`.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use half::bf16;
use rayon::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
const CHUNK_VALUES: usize = 1 << 16;

/// The sizes of one synthetic model.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
pub struct Shape {
    #[serde(default)]
    pub name: String,
    pub seed: u64,
    pub layers: usize,
    pub hidden: usize,
    pub vocabulary: usize,
    pub experts: usize,
    pub experts_per_token: usize,
    pub expert_width: usize,
    pub query_heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    pub sliding_window: usize,
}

/// How the checkpoint is laid out on disk. `shards` files; one is a plain `model.safetensors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    Original { shards: usize },
    HuggingFace { shards: usize },
}

/// One tensor of a checkpoint, whose bytes can be made from any value on.
#[derive(Clone, Debug)]
pub struct Tensor {
    pub name: String,
    /// `BF16` or `U8`.
    pub dtype: &'static str,
    pub dims: Vec<usize>,
    key: u64,
    first: usize,
    recipe: Recipe,
}

#[derive(Clone, Copy, Debug)]
enum Recipe {
    /// bf16(offset + s * step), s the centred sum of a word's four 16-bit pieces. `embedding_width` is 0 but for the
    /// embedding, whose rows 3 and 5 are special.
    Normal { step: f32, offset: f32, embedding_width: usize },
    /// MXFP4 codes, eight bytes a word, two words a block.
    Codes,
    /// One exponent byte a block.
    Scales { base: u8, blocks_a_row: usize, boosted: bool },
}

impl Shape {
    /// `odd`, `ordinary`, `wide` or `mid`, as in `tests/oracle/shapes.json`.
    pub fn named(name: &str) -> Shape {
        let mut shapes: BTreeMap<String, Shape> =
            serde_json::from_str(include_str!("../oracle/shapes.json")).expect("shapes.json is well-formed");
        let shape = shapes.remove(name).unwrap_or_else(|| panic!("no shape `{name}`"));
        Shape { name: name.to_owned(), ..shape }
    }

    /// `count` token ids of the stream `stream`; ids 3 and 5, whose embedding rows are special, stand at places 2 and 5.
    pub fn tokens(&self, stream: &str, count: usize) -> Vec<u32> {
        let key = self.key(&format!("tokens.{stream}"));
        let mut ids: Vec<u32> = (0..count).map(|i| (word(key, i) % self.vocabulary as u64) as u32).collect();
        for (place, special) in [(2, 3), (5, 5)] {
            if let Some(id) = ids.get_mut(place) {
                *id = special;
            }
        }
        ids
    }

    /// Every tensor under the names of `layout`, in the order in which they are stored.
    pub fn tensors(&self, layout: Layout) -> Vec<Tensor> {
        let mut tensors = self.original();
        if let Layout::HuggingFace { .. } = layout {
            tensors = tensors.into_iter().flat_map(|tensor| self.hugging_face(tensor)).collect();
        }
        // Wide elements first, then by name, as the safetensors library orders them: no tensor lies askew in memory.
        tensors.sort_by(|a, b| (a.dtype == "U8", &a.name).cmp(&(b.dtype == "U8", &b.name)));
        tensors
    }

    /// Writes `config.json` and the weights into `directory`, which is made if it is missing.
    pub fn write(&self, layout: Layout, directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)?;
        let (config, dash, shards) = match layout {
            Layout::Original { shards } => (self.original_config(), "--", shards),
            Layout::HuggingFace { shards } => (self.hugging_face_config(), "-", shards),
        };
        fs::write(directory.join("config.json"), serde_json::to_string_pretty(&config)?)?;

        let tensors = self.tensors(layout);
        let total: usize = tensors.iter().map(Tensor::bytes).sum();
        let mut files = vec![Vec::new(); shards];
        let mut done = 0;
        for tensor in &tensors {
            files[(done * shards / total).min(shards - 1)].push(tensor);
            done += tensor.bytes();
        }
        let mut weight_map = serde_json::Map::new();
        for (i, content) in files.into_iter().enumerate() {
            let name = match shards {
                1 => "model.safetensors".to_owned(),
                _ => format!("model{dash}{i:05}-of-{:05}.safetensors", shards - 1),
            };
            for tensor in &content {
                weight_map.insert(tensor.name.clone(), name.clone().into());
            }
            write_file(&directory.join(name), &content)?;
        }
        if let (Layout::HuggingFace { .. }, 2..) = (layout, shards) {
            let index = json!({"metadata": {"total_size": total}, "weight_map": weight_map});
            fs::write(directory.join("model.safetensors.index.json"), serde_json::to_string_pretty(&index)?)?;
        }
        Ok(())
    }

    fn key(&self, stream: &str) -> u64 {
        let start = fnv1a(&format!("{}/{stream}", self.name)).wrapping_add(self.seed.wrapping_mul(GOLDEN));
        word(start, 0)
    }

    fn original(&self) -> Vec<Tensor> {
        let Shape { hidden, vocabulary, experts, expert_width: width, .. } = *self;
        let query = self.query_heads * self.head_dim;
        let qkv = (self.query_heads + 2 * self.kv_heads) * self.head_dim;
        let mut tensors = Vec::new();
        let mut add = |name: String, dims: &[usize], recipe: Recipe| {
            let dtype = if let Recipe::Normal { .. } = recipe { "BF16" } else { "U8" };
            tensors.push(Tensor { dtype, dims: dims.to_vec(), key: self.key(&name), first: 0, recipe, name });
        };
        let embedding = Recipe::Normal { step: step(1.0), offset: 0.0, embedding_width: hidden };
        add("embedding.weight".into(), &[vocabulary, hidden], embedding);
        add("norm.scale".into(), &[hidden], norm());
        add("unembedding.weight".into(), &[vocabulary, hidden], weight(2.0, hidden));
        for n in 0..self.layers {
            let attention = format!("block.{n}.attn");
            add(format!("{attention}.norm.scale"), &[hidden], norm());
            add(format!("{attention}.qkv.weight"), &[qkv, hidden], weight(1.25, hidden));
            add(format!("{attention}.qkv.bias"), &[qkv], bias(0.25));
            add(format!("{attention}.sinks"), &[self.query_heads], bias(1.0));
            add(format!("{attention}.out.weight"), &[hidden, query], weight(1.0, query));
            add(format!("{attention}.out.bias"), &[hidden], bias(0.125));
            let moe = format!("block.{n}.mlp");
            add(format!("{moe}.norm.scale"), &[hidden], norm());
            add(format!("{moe}.gate.weight"), &[experts, hidden], weight(2.0, hidden));
            add(format!("{moe}.gate.bias"), &[experts], bias(0.25));
            let blocks_a_row = hidden / 32;
            let scales = Recipe::Scales { base: scale_base(hidden, 1.0), blocks_a_row, boosted: true };
            add(format!("{moe}.mlp1_weight.blocks"), &[experts, 2 * width, blocks_a_row, 16], Recipe::Codes);
            add(format!("{moe}.mlp1_weight.scales"), &[experts, 2 * width, blocks_a_row], scales);
            add(format!("{moe}.mlp1_bias"), &[experts, 2 * width], bias(0.5));
            let blocks_a_row = width / 32;
            let scales = Recipe::Scales { base: scale_base(width, 0.5), blocks_a_row, boosted: false };
            add(format!("{moe}.mlp2_weight.blocks"), &[experts, hidden, blocks_a_row, 16], Recipe::Codes);
            add(format!("{moe}.mlp2_weight.scales"), &[experts, hidden, blocks_a_row], scales);
            add(format!("{moe}.mlp2_bias"), &[experts, hidden], bias(0.25));
        }
        tensors
    }

    /// The tensor or, for the fused projection, the three tensors that Hugging Face's layout has in its place.
    fn hugging_face(&self, tensor: Tensor) -> Vec<Tensor> {
        let renamed = |name: String| vec![Tensor { name, ..tensor.clone() }];
        let Some(rest) = tensor.name.strip_prefix("block.") else {
            return renamed(
                match tensor.name.as_str() {
                    "embedding.weight" => "model.embed_tokens.weight",
                    "norm.scale" => "model.norm.weight",
                    _ => "lm_head.weight",
                }
                .into(),
            );
        };
        let (n, rest) = rest.split_once('.').expect("a block's tensor has a number and a name");
        let Some(part) = rest.strip_prefix("attn.qkv.") else {
            let name = match rest {
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
                "mlp.mlp2_bias" => "mlp.experts.down_proj_bias",
                other => panic!("no Hugging Face name for `{other}`"),
            };
            return renamed(format!("model.layers.{n}.{name}"));
        };
        let row_values: usize = tensor.dims[1..].iter().product();
        let mut row = 0;
        [("q", self.query_heads), ("k", self.kv_heads), ("v", self.kv_heads)]
            .into_iter()
            .map(|(letter, heads)| {
                let mut own = tensor.clone();
                own.name = format!("model.layers.{n}.self_attn.{letter}_proj.{part}");
                own.dims[0] = heads * self.head_dim;
                own.first = row * row_values;
                row += own.dims[0];
                own
            })
            .collect()
    }

    fn original_config(&self) -> Value {
        json!({
            "num_hidden_layers": self.layers,
            "num_experts": self.experts,
            "experts_per_token": self.experts_per_token,
            "vocab_size": self.vocabulary,
            "hidden_size": self.hidden,
            "intermediate_size": self.expert_width,
            "swiglu_limit": 7.0,
            "head_dim": self.head_dim,
            "num_attention_heads": self.query_heads,
            "num_key_value_heads": self.kv_heads,
            "sliding_window": self.sliding_window,
            "initial_context_length": 4096,
            "rope_theta": 150000,
            "rope_scaling_factor": 32.0,
            "rope_ntk_alpha": 1,
            "rope_ntk_beta": 32,
        })
    }

    fn hugging_face_config(&self) -> Value {
        let layer_types: Vec<&str> = (0..self.layers).map(|n| ["sliding_attention", "full_attention"][n % 2]).collect();
        json!({
            "architectures": ["GptOssForCausalLM"],
            "attention_bias": true,
            "attention_dropout": 0.0,
            "experts_per_token": self.experts_per_token,
            "head_dim": self.head_dim,
            "hidden_act": "silu",
            "hidden_size": self.hidden,
            "initial_context_length": 4096,
            "intermediate_size": self.expert_width,
            "layer_types": layer_types,
            "max_position_embeddings": 131072,
            "model_type": "gpt_oss",
            "num_attention_heads": self.query_heads,
            "num_experts_per_tok": self.experts_per_token,
            "num_hidden_layers": self.layers,
            "num_key_value_heads": self.kv_heads,
            "num_local_experts": self.experts,
            "quantization_config": {
                "modules_to_not_convert":
                    ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"],
                "quant_method": "mxfp4",
            },
            "rms_norm_eps": 1e-5,
            "rope_scaling": {
                "beta_fast": 32.0,
                "beta_slow": 1.0,
                "factor": 32.0,
                "original_max_position_embeddings": 4096,
                "rope_type": "yarn",
                "truncate": false,
            },
            "rope_theta": 150000,
            "sliding_window": self.sliding_window,
            "swiglu_limit": 7.0,
            "tie_word_embeddings": false,
            "torch_dtype": "bfloat16",
            "use_cache": true,
            "vocab_size": self.vocabulary,
        })
    }
}

impl Tensor {
    pub fn values(&self) -> usize {
        self.dims.iter().product()
    }

    pub fn bytes(&self) -> usize {
        self.values() * self.bytes_per_value()
    }

    /// The tensor's little-endian bytes, row-major. All of it lies in memory: for one tensor of the `mid` shape 579 MB.
    pub fn data(&self) -> Vec<u8> {
        let mut out = vec![0; self.bytes()];
        out.par_chunks_mut(CHUNK_VALUES * self.bytes_per_value())
            .enumerate()
            .for_each(|(i, chunk)| self.fill(i * CHUNK_VALUES, chunk));
        out
    }

    /// SHA-256 of `data`, in lower-case hexadecimal.
    pub fn sha256(&self) -> String {
        Sha256::digest(self.data()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn bytes_per_value(&self) -> usize {
        if self.dtype == "BF16" { 2 } else { 1 }
    }

    /// Writes the values from `start` on, a multiple of 8, as many as `out` holds.
    fn fill(&self, start: usize, out: &mut [u8]) {
        let start = self.first + start;
        match self.recipe {
            Recipe::Normal { step, offset, embedding_width } => {
                for (i, out) in out.as_chunks_mut::<2>().0.iter_mut().enumerate() {
                    let mut value = centred(word(self.key, start + i)) * step + offset;
                    let index = start + i;
                    if index / 6 < embedding_width {
                        match (index / embedding_width, index % embedding_width % 3) {
                            (3, _) => value *= 1.0 / 4096.0,
                            (5, 0) => value = -0.0,
                            _ => {}
                        }
                    }
                    *out = bf16::from_f32(value).to_le_bytes();
                }
            }
            Recipe::Codes => {
                for (i, out) in out.chunks_mut(8).enumerate() {
                    let i = start / 8 + i;
                    let codes = match i / 2 % 37 {
                        5 => 0,
                        11 => 0x8888_8888_8888_8888,
                        _ => word(self.key, i),
                    };
                    out.copy_from_slice(&codes.to_le_bytes()[..out.len()]);
                }
            }
            Recipe::Scales { base, blocks_a_row, boosted } => {
                for (i, out) in out.iter_mut().enumerate() {
                    let block = start + i;
                    let boost = if boosted && (block / blocks_a_row).is_multiple_of(29) { 3 } else { 0 };
                    *out = match block {
                        17 => 2,
                        _ if matches!(block % 37, 5 | 11) => 0,
                        _ => base - 1 + [0, 1, 1, 2][(word(self.key, block) & 3) as usize] + boost,
                    };
                }
            }
        }
    }
}

fn write_file(path: &Path, tensors: &[&Tensor]) -> io::Result<()> {
    let mut header = serde_json::Map::new();
    let mut offset = 0;
    for tensor in tensors {
        let end = offset + tensor.bytes();
        let entry = json!({"dtype": tensor.dtype, "shape": tensor.dims, "data_offsets": [offset, end]});
        header.insert(tensor.name.clone(), entry);
        offset = end;
    }
    let mut header = serde_json::to_vec(&header)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(&header)?;
    for tensor in tensors {
        file.write_all(&tensor.data())?;
    }
    file.flush()
}

/// Word `index` of the splitmix64 stream that starts at `key`.
fn word(key: u64, index: usize) -> u64 {
    let mut z = key.wrapping_add((index as u64 + 1).wrapping_mul(GOLDEN));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// FNV-1a, 64 bits.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

/// The sum of a word's four 16-bit pieces less its mean: near to normal, with a deviation of 37837.
fn centred(word: u64) -> f32 {
    let sum: i64 = (0..4).map(|piece| (word >> (16 * piece) & 0xFFFF) as i64).sum();
    (sum - 131_070) as f32
}

fn step(deviation: f64) -> f32 {
    (deviation / 37837.0) as f32
}

fn weight(gain: f64, fan_in: usize) -> Recipe {
    bias(gain / (fan_in as f64).sqrt())
}

fn bias(deviation: f64) -> Recipe {
    Recipe::Normal { step: step(deviation), offset: 0.0, embedding_width: 0 }
}

fn norm() -> Recipe {
    Recipe::Normal { step: step(0.2), offset: 1.0, embedding_width: 0 }
}

/// The largest exponent byte, 127 at most, with which uniform codes have a deviation of at most gain / sqrt(fan_in).
fn scale_base(fan_in: usize, gain: f64) -> u8 {
    let mut byte = 127;
    while 8.5625 * fan_in as f64 * 4f64.powi(byte - 127) > gain * gain {
        byte -= 1;
    }
    byte as u8
}
