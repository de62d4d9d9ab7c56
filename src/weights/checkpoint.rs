//! A checkpoint: the tensors of a model's folder, mapped and checked against the configuration. Converts nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{CheckpointError, Mismatch};
use super::header::{Entry, Header, MOST_HEADER_BYTES, StoredType};
use super::index::Index;
use super::layout::{Layout, Recipe, Wanted};
use super::map::{Map, MappedBytes};
use super::orbax;
use super::published::Published;
use crate::config::{Config, ConfigError};
use crate::graph::params::{self, Source};
use crate::plan::{Plan, Strategy};
use hlo::ElementType;

/// The name that transformers gives to the index of a sharded checkpoint.
const INDEX: &str = "model.safetensors.index.json";

/// The mapped weights of a model. Invariant, kept by `Checkpoint::open`: the files hold exactly the tensors that the
/// configuration calls for, each with the type and axes it should have.
#[derive(Debug)]
pub struct Checkpoint {
    config: Config,
    folder: PathBuf,
    layout: Layout,
    files: Vec<PathBuf>,
    tensors: BTreeMap<String, Stored>,
}

/// Where a tensor is.
#[derive(Debug)]
enum Stored {
    Mapped { ty: StoredType, bytes: MappedBytes },
    Array(Box<orbax::Array>),
}

impl Stored {
    fn ty(&self) -> &StoredType {
        match self {
            Stored::Mapped { ty, .. } => ty,
            Stored::Array(array) => array.ty(),
        }
    }

    /// What messages say that it is in.
    fn place(&self) -> &Path {
        match self {
            Stored::Mapped { bytes, .. } => bytes.file(),
            Stored::Array(array) => array.place(),
        }
    }
}

/// A tensor of an open checkpoint.
#[derive(Clone, Copy)]
pub(super) struct Tensor<'a> {
    pub name: &'a str,
    pub ty: &'a StoredType,
    pub bytes: &'a [u8],
    mapped: &'a MappedBytes,
}

impl Tensor<'_> {
    pub fn file(&self) -> PathBuf {
        self.mapped.file().to_owned()
    }

    /// The tensor's bytes with what keeps them mapped.
    pub fn mapped(&self) -> MappedBytes {
        self.mapped.clone()
    }
}

/// The configuration of the model whose weights are in `dir`, which need not be there: `config.json` in it, in its folder `original`, or, for a
/// checkpoint of Orbax, in that checkpoint's own folder, one above it, or the one that `dir` lies in.
pub fn config(dir: &Path) -> Result<Config, CheckpointError> {
    let usual = Config::read(dir);
    if !matches!(&usual, Err(ConfigError::Read { .. })) {
        return Ok(usual?);
    }
    let Ok(Some(found)) = orbax::find(dir) else { return Ok(usual?) };
    let above = dir.canonicalize().ok().and_then(|dir| dir.parent().map(Path::to_owned));
    let within = found.ancestors().take_while(|folder| folder.starts_with(dir)).map(Path::to_owned);
    let folder = within.chain(above).find(|folder| folder.join("config.json").exists());
    Ok(folder.map_or(usual, |folder| Config::read(&folder))?)
}

impl Checkpoint {
    /// Opens the checkpoint in `dir`: `config.json` of either kind beside weights in either layout.
    ///
    /// Weights are the files that `model.safetensors.index.json` names, or without one every `*.safetensors`.
    /// Where `dir` itself has no weights, those in its folder `original` are taken, as openai's repositories have them, and where that has
    /// none either, the checkpoint of Orbax that [`orbax::find`] finds, with the configuration that [`config`] does.
    /// Reads the headers alone, so that it takes milliseconds. Fails if a file is cut short or lies about itself, or if the
    /// tensors are not exactly those that the configuration calls for.
    pub fn open(dir: &Path) -> Result<Checkpoint, CheckpointError> {
        let (folder, is_orbax) = weights_folder(dir)?;
        let config = if folder.join("config.json").exists() { Config::read(&folder)? } else { config(dir)? };
        let (files, tensors) = match read_index(&folder)? {
            _ if is_orbax => open_orbax(&folder)?,
            Some(index) => open_indexed(&folder, &index)?,
            None => open_all(&folder)?,
        };
        let layout = Layout::of(tensors.keys().map(String::as_str));
        let checkpoint = Checkpoint { config, folder, layout, files, tensors };
        checkpoint.check()?;
        Ok(checkpoint)
    }

    /// Of the files of a repository, those of one copy of the weights that [`Checkpoint::open`] reads when they alone are in a
    /// folder: in the published layout if it is there, in the layout of transformers otherwise. Empty if there are no weights.
    pub fn files_among<'a>(paths: impl Iterator<Item = &'a str> + Clone) -> Vec<&'a str> {
        let below = |folder: &str| -> Vec<&'a str> {
            let own = |path: &&'a str| path.strip_prefix(folder).is_some_and(|name| !name.contains('/'));
            paths.clone().filter(own).collect()
        };
        let is_weights = |path: &&str| path.ends_with(".safetensors");
        let folder = ["original/", ""].into_iter().find(|folder| below(folder).iter().any(is_weights));
        let Some(folder) = folder else { return Vec::new() };
        let all = below(folder);
        let is_part = |path: &&str| path.contains("-of-") && is_weights(path);
        let sharded = all.iter().any(|path| path.ends_with(INDEX)) && all.iter().any(is_part);
        let wanted = |path: &&str| {
            let name = &path[folder.len()..];
            matches!(name, "config.json" | "dtypes.json")
                || if sharded { name == INDEX || is_part(path) } else { is_weights(path) }
        };
        let mut files: Vec<&str> = all.into_iter().filter(wanted).collect();
        if !files.contains(&format!("{folder}config.json").as_str()) {
            files.extend(paths.clone().find(|path| *path == "config.json"));
        }
        files
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The folder of the weights.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The published layout whose names the tensors have.
    pub(super) fn published(&self) -> Published {
        match self.layout {
            Layout::Original => Published::Original,
            Layout::HuggingFace => Published::HuggingFace,
        }
    }

    /// Every tensor's name and type, in the order of the names.
    pub(super) fn types(&self) -> impl Iterator<Item = (&str, &StoredType)> {
        self.tensors.iter().map(|(name, stored)| (name.as_str(), stored.ty()))
    }

    /// The files that hold the weights.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    /// Whether the experts are in MXFP4, as they are published.
    pub fn has_packed_experts(&self) -> bool {
        matches!(self.recipe(Source::GateUpWeight(0)), Recipe::Mxfp4 { .. })
    }

    /// Bytes of all files together.
    pub fn total_bytes(&self) -> u64 {
        self.files().filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum()
    }

    /// How to make the weight of `source` from this checkpoint's tensors.
    pub(super) fn recipe(&self, source: Source) -> Recipe {
        self.layout.recipe(&self.config, source, |name| self.tensors.contains_key(name))
    }

    /// A tensor of this name, whatever its type. Fails if its bytes must be decoded and cannot be.
    pub(super) fn tensor(&self, name: &str) -> Result<Option<Tensor<'_>>, CheckpointError> {
        let Some((name, stored)) = self.tensors.get_key_value(name) else { return Ok(None) };
        let mapped = match stored {
            Stored::Mapped { bytes, .. } => bytes,
            Stored::Array(array) => array.bytes()?,
        };
        Ok(Some(Tensor { name, ty: stored.ty(), bytes: mapped, mapped }))
    }

    /// Every tensor that is called for is there and as it should be, and no other.
    fn check(&self) -> Result<(), CheckpointError> {
        let plan = Plan::host(Strategy::plain(ElementType::Bf16), 1);
        let wanted: Vec<Wanted> = params::weights(&self.config, &plan)
            .iter()
            .flat_map(|weight| self.recipe(weight.source).tensors().into_iter().cloned().collect::<Vec<_>>())
            .collect();
        let model = self.config.name.clone();
        for wanted in &wanted {
            let Some(found) = self.tensors.get(&wanted.name) else { continue };
            if !wanted.accepts(found.ty()) {
                return Err(Box::new(Mismatch::TensorType {
                    model,
                    tensor: wanted.name.clone(),
                    found: found.ty().clone(),
                    expected: wanted.to_string(),
                    file: found.place().to_owned(),
                    looks_like: self.looks_like(),
                })
                .into());
            }
        }
        let mut missing = wanted.iter().filter(|wanted| !self.tensors.contains_key(&wanted.name));
        if let Some(first) = missing.next() {
            let place = if let [only] = &self.files[..] { only } else { &self.folder };
            return Err(Box::new(Mismatch::Missing {
                model,
                tensor: first.name.clone(),
                expected: first.to_string(),
                others: missing.count(),
                place: place.to_owned(),
                looks_like: self.looks_like(),
            })
            .into());
        }
        let known: BTreeSet<&str> = wanted.iter().map(|wanted| wanted.name.as_str()).collect();
        let mut unknown = self.tensors.iter().filter(|(name, _)| !known.contains(name.as_str()));
        if let Some((tensor, stored)) = unknown.next() {
            return Err(Box::new(Mismatch::Unknown {
                model,
                tensor: tensor.clone(),
                others: unknown.count(),
                file: stored.place().to_owned(),
                looks_like: self.looks_like(),
            })
            .into());
        }
        Ok(())
    }

    /// What layers and experts the weights have, if that is not what the configuration says.
    fn looks_like(&self) -> Option<String> {
        let layers = self.tensors.keys().filter_map(|name| self.layout.layer_of(name)).max()?.checked_add(1)?;
        let router = self.recipe(Source::RouterBias(0)).tensors().first().map(|wanted| wanted.name.clone())?;
        let experts = *self.tensors.get(&router)?.ty().dims.first()?;
        if (layers, experts) == (self.config.layers, self.config.experts) {
            return None;
        }
        let published = [Config::gpt_oss_20b(), Config::gpt_oss_120b()];
        Some(match published.iter().find(|config| (config.layers, config.experts) == (layers, experts)) {
            Some(Config { name, .. }) => {
                format!(
                    "{layers} layers of {experts} experts is {name}; its own `config.json` belongs beside the weights"
                )
            }
            None => format!(
                "layers and experts of the weights are {layers} and {experts}, `config.json` says {} and {}",
                self.config.layers, self.config.experts
            ),
        })
    }
}

/// `dir`, or its folder `original` if only that has weights, or what Orbax wrote into it, and whether it is that.
fn weights_folder(dir: &Path) -> Result<(PathBuf, bool), CheckpointError> {
    if !file_names(dir)?.is_empty() || dir.join(INDEX).exists() {
        return Ok((dir.to_owned(), false));
    }
    let original = dir.join("original");
    if original.is_dir() && (!file_names(&original)?.is_empty() || original.join(INDEX).exists()) {
        return Ok((original, false));
    }
    let orbax = orbax::find(dir)?.map(|found| (found, true));
    orbax.ok_or_else(|| CheckpointError::NoWeights { folder: dir.to_owned() })
}

/// The names of the `*.safetensors` in a folder, in order; hidden ones are what some systems leave beside copied files.
fn file_names(folder: &Path) -> Result<BTreeSet<String>, CheckpointError> {
    let failed = |source| CheckpointError::File { file: folder.to_owned(), source };
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if let Some(name) = name.to_str().filter(|name| name.ends_with(".safetensors") && !name.starts_with('.')) {
            names.insert(name.to_owned());
        }
    }
    Ok(names)
}

/// The folder's index, if it has one.
fn read_index(folder: &Path) -> Result<Option<Index>, CheckpointError> {
    let file = folder.join(INDEX);
    if !file.exists() {
        return Ok(None);
    }
    let map = open_map(&file)?;
    if map.bytes().len() as u64 > MOST_HEADER_BYTES {
        let source =
            io::Error::other(format!("it has {} bytes, expected at most {MOST_HEADER_BYTES}", map.bytes().len()));
        return Err(CheckpointError::File { file, source });
    }
    let index = Index::parse(map.bytes()).map_err(|problem| CheckpointError::Index { file: file.clone(), problem })?;
    let single = folder.join("model.safetensors");
    if single.exists() && !index.files.values().any(|name| name == "model.safetensors") {
        return Err(CheckpointError::TwoCheckpoints { index: file, file: single });
    }
    Ok(Some(index))
}

fn open_map(file: &Path) -> Result<Arc<Map>, CheckpointError> {
    Map::open(file).map_err(|source| CheckpointError::File { file: file.to_owned(), source })
}

fn open_file(file: &Path) -> Result<(Arc<Map>, Header), CheckpointError> {
    let map = open_map(file)?;
    let header = Header::parse(map.bytes())
        .map_err(|problem| CheckpointError::Header { file: file.to_owned(), problem: Box::new(problem) })?;
    Ok((map, header))
}

type Opened = (Vec<PathBuf>, BTreeMap<String, Stored>);

fn stored(map: &Arc<Map>, entry: Entry) -> Option<Stored> {
    Some(Stored::Mapped { ty: entry.ty, bytes: MappedBytes::new(map, entry.bytes)? })
}

/// Opens what Orbax wrote.
fn open_orbax(folder: &Path) -> Result<Opened, CheckpointError> {
    let tree = orbax::Tree::open(folder)?;
    let files = tree.files();
    Ok((files, tree.into_arrays().into_iter().map(|(name, array)| (name, Stored::Array(Box::new(array)))).collect()))
}

/// Opens every file of the folder.
fn open_all(folder: &Path) -> Result<Opened, CheckpointError> {
    let (mut files, mut tensors): Opened = Default::default();
    for name in file_names(folder)? {
        let (map, header) = open_file(&folder.join(name))?;
        for (tensor, entry) in header.tensors {
            if let Some(other) = tensors.get(&tensor) {
                let (first, second) = (other.place().to_owned(), map.path().to_owned());
                return Err(CheckpointError::Twice { tensor, first, second });
            }
            tensors.extend(stored(&map, entry).map(|stored| (tensor, stored)));
        }
        files.push(map.path().to_owned());
    }
    Ok((files, tensors))
}

/// Opens the files that the index names, which must hold exactly the tensors that it puts into them.
fn open_indexed(folder: &Path, index: &Index) -> Result<Opened, CheckpointError> {
    let index_file = folder.join(INDEX);
    let mut of_file: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (tensor, file) in &index.files {
        of_file.entry(file).or_default().insert(tensor);
    }
    for (name, listed) in &of_file {
        let file = folder.join(name);
        if !file.exists() {
            let tensor = listed.first().map_or_else(String::new, |tensor| (*tensor).to_owned());
            return Err(CheckpointError::IndexedFile { index: index_file, tensor, file });
        }
    }
    let (mut files, mut tensors): Opened = Default::default();
    for (name, listed) in of_file {
        let file = folder.join(name);
        let (map, header) = open_file(&file)?;
        if let Some(tensor) = listed.iter().find(|tensor| !header.tensors.contains_key(**tensor)) {
            return Err(CheckpointError::IndexedTensor { index: index_file, tensor: (*tensor).to_owned(), file });
        }
        for (tensor, entry) in header.tensors {
            if !listed.contains(tensor.as_str()) {
                return Err(CheckpointError::NotIndexed { index: index_file, tensor, file });
            }
            tensors.extend(stored(&map, entry).map(|stored| (tensor, stored)));
        }
        files.push(file);
    }
    Ok((files, tensors))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_copy_of_the_weights_is_taken() {
        let among = |paths: &[&'static str]| Checkpoint::files_among(paths.iter().copied());
        let rest = ["README.md", "tokenizer.json", "metal/model.bin", "chat_template.jinja"];
        let hub = ["config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", INDEX];
        let published = ["original/config.json", "original/dtypes.json", "original/model.safetensors"];
        assert_eq!(among(&[&hub[..], &published, &rest].concat()), published);
        assert_eq!(among(&[&hub[..], &rest].concat()), hub);
        assert_eq!(among(&[&hub[..], &["model.safetensors"]].concat()), hub, "a single file is another copy");
        assert_eq!(
            among(&["config.json", "original/model.safetensors"]),
            ["original/model.safetensors", "config.json"]
        );
        assert_eq!(among(&rest), [""; 0]);
    }
}
