//! A checkpoint on disk: the published layout or Hugging Face's, in one file or several. Opening checks every tensor that the
//! configuration calls for; whoever holds a `Checkpoint` need not wonder.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};

use crate::config::{Config, ConfigError};
use crate::weights::map::{MappedBytes, MappedFile};

/// What is wrong with a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("`{}` cannot be read: {cause}", file.display())]
    Read { file: PathBuf, cause: std::io::Error },
    #[error("`{}` holds no `*.safetensors`", folder.display())]
    Empty { folder: PathBuf },
    #[error("`{}` is not a whole safetensors file: {cause}", file.display())]
    Header { file: PathBuf, cause: String },
    #[error("`{}` is no index of shards: {cause}", file.display())]
    Index { file: PathBuf, cause: String },
    #[error("tensor `{tensor}` is missing\n  in `{}`", place.display())]
    Missing { tensor: String, place: PathBuf },
    #[error("tensor `{tensor}` stands in two files\n  in `{}` and `{}`", first.display(), second.display())]
    Twice { tensor: String, first: PathBuf, second: PathBuf },
    #[error("{count} tensors do not belong to the model, the first is `{tensor}`\n  in `{}`", file.display())]
    Extra { tensor: String, count: usize, file: PathBuf },
    #[error("checkpoint does not match model `{model}`\n  tensor `{tensor}` is {found}, expected {expected}\n  in `{}`", file.display())]
    TensorType { model: String, tensor: String, found: String, expected: String, file: PathBuf },
    #[error("tensor `{tensor}` has scale 255, which means not-a-number, at block {block}\n  in `{}`", file.display())]
    NanScale { tensor: String, block: usize, file: PathBuf },
    #[error("`{weight}` wants {wanted} bytes, {found} given\n  this is a bug in precast")]
    Room { weight: String, wanted: usize, found: usize },
}

impl CheckpointError {
    /// The way out, if one is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            CheckpointError::Config(error) => error.hint(),
            CheckpointError::Header { .. } => {
                Some("fetch the file again: its download may have been cut short".to_owned())
            }
            CheckpointError::Empty { .. } => {
                Some("`--model` takes the folder that holds `config.json` and `*.safetensors`".to_owned())
            }
            CheckpointError::TensorType { found, .. } if found.contains("[128, ") => {
                Some("128 experts is gpt-oss-120b: is `config.json` that of gpt-oss-20b?".to_owned())
            }
            CheckpointError::TensorType { .. } | CheckpointError::Missing { .. } => {
                Some("`config.json` and the tensors must be of one model".to_owned())
            }
            _ => None,
        }
    }
}

/// A checked checkpoint, mapped.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    config: Config,
    layout: Layout,
    tensors: BTreeMap<String, Found>,
    files: Vec<PathBuf>,
}

/// Whose names the tensors have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// As OpenAI publishes it in `original/`.
    Original,
    /// As `transformers` reads it, with MXFP4 experts.
    HuggingFace,
    /// The same with experts unpacked to bf16 and their matrices transposed.
    HuggingFaceBf16,
}

/// One tensor of the checkpoint.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: MappedBytes,
    file: usize,
}

impl Checkpoint {
    /// Opens `folder`, or `folder/original` if only that holds tensors.
    pub fn open(folder: &Path) -> Result<Checkpoint, CheckpointError> {
        let files = safetensors_files(folder)?;
        let inner = folder.join("original");
        if files.is_empty() && inner.join("config.json").exists() {
            return Checkpoint::open(&inner);
        }
        let config = Config::read(folder)?;
        if files.is_empty() {
            return Err(CheckpointError::Empty { folder: folder.to_owned() });
        }
        let mut tensors = BTreeMap::new();
        for (place, file) in files.iter().enumerate() {
            add_file(&mut tensors, &files, place, file)?;
        }
        check_index(folder, &files, &tensors)?;
        let layout = match () {
            () if tensors.contains_key("embedding.weight") => Layout::Original,
            () if tensors.contains_key("model.layers.0.mlp.experts.gate_up_proj") => Layout::HuggingFaceBf16,
            () if tensors.contains_key("model.embed_tokens.weight") => Layout::HuggingFace,
            () => Layout::Original,
        };
        let checkpoint = Checkpoint { config, layout, tensors, files };
        checkpoint.check(folder)?;
        Ok(checkpoint)
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Bytes of all tensors.
    pub fn total_bytes(&self) -> u64 {
        self.tensors.values().map(|found| found.bytes.len() as u64).sum()
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// A tensor that opening has checked to be there.
    pub(super) fn tensor(&self, name: &str) -> &Found {
        &self.tensors[name]
    }

    pub(super) fn file_of(&self, name: &str) -> PathBuf {
        self.files[self.tensors[name].file].clone()
    }

    fn check(&self, folder: &Path) -> Result<(), CheckpointError> {
        let mut known = HashSet::new();
        for (name, types, shape) in expected(&self.config, self.layout) {
            let Some(found) = self.tensors.get(&name) else {
                let place = if let [file] = self.files.as_slice() { file.clone() } else { folder.to_owned() };
                return Err(CheckpointError::Missing { tensor: name, place });
            };
            if found.shape != shape || !types.contains(&found.dtype) {
                return Err(CheckpointError::TensorType {
                    model: self.config.name.clone(),
                    found: shown(found.dtype, &found.shape),
                    expected: shown(types[0], &shape),
                    file: self.files[found.file].clone(),
                    tensor: name,
                });
            }
            known.insert(name);
        }
        let extra: Vec<&String> = self.tensors.keys().filter(|name| !known.contains(*name)).collect();
        match extra.first() {
            Some(first) => Err(CheckpointError::Extra {
                tensor: (*first).clone(),
                count: extra.len(),
                file: self.files[self.tensors[*first].file].clone(),
            }),
            None => Ok(()),
        }
    }
}

fn shown(dtype: Dtype, shape: &[usize]) -> String {
    format!("{}{shape:?}", format!("{dtype:?}").to_lowercase())
}

/// The safetensors files of `folder`, by name.
fn safetensors_files(folder: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    let read = |cause| CheckpointError::Read { file: folder.to_owned(), cause };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn add_file(
    tensors: &mut BTreeMap<String, Found>,
    files: &[PathBuf],
    place: usize,
    file: &Path,
) -> Result<(), CheckpointError> {
    let map = MappedFile::open(file).map_err(|cause| CheckpointError::Read { file: file.to_owned(), cause })?;
    let header = |cause: String| CheckpointError::Header { file: file.to_owned(), cause };
    let content = SafeTensors::deserialize(&map).map_err(|cause| header(cause.to_string()))?;
    let start = map.as_ptr() as usize;
    for (name, view) in content.iter() {
        let from = view.data().as_ptr() as usize - start;
        let bytes =
            map.part(from..from + view.data().len()).ok_or_else(|| header(format!("`{name}` leaves the file")))?;
        let found = Found { dtype: view.dtype(), shape: view.shape().to_vec(), bytes, file: place };
        if let Some(other) = tensors.insert(name.to_owned(), found) {
            let (first, second) = (files[other.file].clone(), file.to_owned());
            return Err(CheckpointError::Twice { tensor: name.to_owned(), first, second });
        }
    }
    Ok(())
}

/// An index, where there is one, names for every tensor the file that holds it.
fn check_index(folder: &Path, files: &[PathBuf], tensors: &BTreeMap<String, Found>) -> Result<(), CheckpointError> {
    let file = folder.join("model.safetensors.index.json");
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(CheckpointError::Read { file, cause }),
    };
    let wrong = |cause: String| CheckpointError::Index { file: file.clone(), cause };
    let index: serde_json::Value = serde_json::from_str(&text).map_err(|cause| wrong(cause.to_string()))?;
    let map = index.get("weight_map").and_then(|map| map.as_object()).ok_or_else(|| wrong("no `weight_map`".into()))?;
    for (tensor, shard) in map {
        let shard = shard.as_str().ok_or_else(|| wrong(format!("the shard of `{tensor}` is no text")))?;
        let holder =
            tensors.get(tensor).map(|found| files[found.file].file_name().unwrap_or_default().to_string_lossy());
        match holder {
            None => return Err(CheckpointError::Missing { tensor: tensor.clone(), place: folder.join(shard) }),
            Some(holder) if holder != shard => {
                return Err(wrong(format!("`{tensor}` is said to be in `{shard}`, but is in `{holder}`")));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

type Expected = (String, &'static [Dtype], Vec<usize>);

/// Every tensor that a checkpoint of `config` in `layout` has: name, allowed types, shape.
fn expected(config: &Config, layout: Layout) -> Vec<Expected> {
    const BF16: &[Dtype] = &[Dtype::BF16, Dtype::F32];
    const U8: &[Dtype] = &[Dtype::U8];
    let (v, h, e, f) = (config.vocabulary, config.hidden, config.experts, config.expert_width);
    let (q, kv, heads) = (config.query_channels(), config.kv_heads * config.head_dim, config.query_heads);
    let mut list: Vec<Expected> = Vec::new();
    let mut add = |name: String, types, shape: &[usize]| list.push((name, types, shape.to_vec()));
    let original = layout == Layout::Original;
    let outer = if original {
        ["embedding.weight", "norm.scale", "unembedding.weight"]
    } else {
        ["model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"]
    };
    add(outer[0].to_owned(), BF16, &[v, h]);
    add(outer[1].to_owned(), BF16, &[h]);
    add(outer[2].to_owned(), BF16, &[v, h]);
    for layer in 0..config.layers {
        let mut own = |rest: &str, types, shape: &[usize]| {
            let prefix = if original { "block" } else { "model.layers" };
            add(format!("{prefix}.{layer}.{rest}"), types, shape);
        };
        if original {
            own("attn.norm.scale", BF16, &[h]);
            own("attn.qkv.weight", BF16, &[q + 2 * kv, h]);
            own("attn.qkv.bias", BF16, &[q + 2 * kv]);
            own("attn.sinks", BF16, &[heads]);
            own("attn.out.weight", BF16, &[h, q]);
            own("attn.out.bias", BF16, &[h]);
            own("mlp.norm.scale", BF16, &[h]);
            own("mlp.gate.weight", BF16, &[e, h]);
            own("mlp.gate.bias", BF16, &[e]);
            own("mlp.mlp1_weight.blocks", U8, &[e, 2 * f, h / 32, 16]);
            own("mlp.mlp1_weight.scales", U8, &[e, 2 * f, h / 32]);
            own("mlp.mlp1_bias", BF16, &[e, 2 * f]);
            own("mlp.mlp2_weight.blocks", U8, &[e, h, f / 32, 16]);
            own("mlp.mlp2_weight.scales", U8, &[e, h, f / 32]);
            own("mlp.mlp2_bias", BF16, &[e, h]);
            continue;
        }
        own("input_layernorm.weight", BF16, &[h]);
        for (part, rows) in [("q", q), ("k", kv), ("v", kv)] {
            own(&format!("self_attn.{part}_proj.weight"), BF16, &[rows, h]);
            own(&format!("self_attn.{part}_proj.bias"), BF16, &[rows]);
        }
        own("self_attn.sinks", BF16, &[heads]);
        own("self_attn.o_proj.weight", BF16, &[h, q]);
        own("self_attn.o_proj.bias", BF16, &[h]);
        own("post_attention_layernorm.weight", BF16, &[h]);
        own("mlp.router.weight", BF16, &[e, h]);
        own("mlp.router.bias", BF16, &[e]);
        own("mlp.experts.gate_up_proj_bias", BF16, &[e, 2 * f]);
        own("mlp.experts.down_proj_bias", BF16, &[e, h]);
        if layout == Layout::HuggingFaceBf16 {
            own("mlp.experts.gate_up_proj", BF16, &[e, h, 2 * f]);
            own("mlp.experts.down_proj", BF16, &[e, f, h]);
        } else {
            own("mlp.experts.gate_up_proj_blocks", U8, &[e, 2 * f, h / 32, 16]);
            own("mlp.experts.gate_up_proj_scales", U8, &[e, 2 * f, h / 32]);
            own("mlp.experts.down_proj_blocks", U8, &[e, h, f / 32, 16]);
            own("mlp.experts.down_proj_scales", U8, &[e, h, f / 32]);
        }
    }
    list
}
