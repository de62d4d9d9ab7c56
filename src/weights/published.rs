//! A checkpoint in the making, in any of the layouts that are read: its configuration, and its tensors written one after another as they are
//! made. Knows not where they come from.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::header::{StoredType, encode};
use super::orbax;
use super::packed::PackedError;
use crate::config::Config;
use crate::disk;
use crate::partial::folder as folder_of;
use crate::progress::{Event, Progress, Unit};

/// How a checkpoint is to be laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// openai's own.
    Original,
    HuggingFace,
    /// A tree of arrays, as Orbax has them, under openai's names if the tensors can have any.
    Orbax,
}

impl fmt::Display for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Published::Original => "`original`",
            Published::HuggingFace => "`hf`",
            Published::Orbax => "`orbax`",
        })
    }
}

/// What was unpacked.
#[derive(Clone, Debug)]
pub struct Unpacked {
    pub tensors: usize,
    /// Of the files of weights.
    pub bytes: u64,
}

/// A tensor that can be made from its first byte to its last.
pub(super) trait Content {
    fn name(&self) -> &str;
    fn ty(&self) -> &StoredType;
    /// Gives all of its bytes, in order, piece by piece.
    fn tell(&self, take: &mut dyn FnMut(&[u8]) -> Result<(), PackedError>) -> Result<(), PackedError>;

    fn bytes(&self) -> usize {
        self.ty().host_bytes().unwrap_or_default()
    }
}

impl Published {
    /// `config.json` as this layout has it. `source` is the file or folder with the weights.
    pub(super) fn config(self, config: &Config, source: &Path) -> Result<String, PackedError> {
        let text = match self {
            Published::Original => config.to_published_json(),
            Published::HuggingFace => Some(config.to_hugging_face_json()),
            Published::Orbax => config.to_published_json().or_else(|| Some(config.to_hugging_face_json())),
        };
        let text = text.ok_or_else(|| PackedError::Keys { file: source.to_owned() })?;
        Ok(serde_json::to_string_pretty(&text).unwrap_or_default() + "\n")
    }

    /// Writes `config.json` with this text and the tensors into `folder`.
    pub(super) fn write<C: Content>(
        self,
        config: &str,
        tensors: Vec<C>,
        folder: &Path,
        progress: &dyn Progress,
    ) -> Result<Unpacked, PackedError> {
        match self {
            Published::Original | Published::HuggingFace => safetensors(config, tensors, folder, progress),
            Published::Orbax => tree(config, &tensors, folder, progress),
        }
    }
}

/// Writes `config.json` and `model.safetensors` into `folder`, which is made if it is missing and must hold neither.
fn safetensors<C: Content>(
    config: &str,
    mut tensors: Vec<C>,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<Unpacked, PackedError> {
    std::fs::create_dir_all(folder).map_err(writing(folder))?;
    let (config_file, weights_file) = (folder.join("config.json"), folder.join("model.safetensors"));
    // The configuration may be that of an unpacking which ended before the weights had their name.
    let is_other = config_file.exists() && std::fs::read_to_string(&config_file).is_ok_and(|found| found != config);
    if let Some(file) = [(&weights_file, weights_file.exists()), (&config_file, is_other)].iter().find(|file| file.1) {
        return Err(PackedError::Exists { file: file.0.clone() });
    }
    // As the safetensors library orders them: wide elements first, then by name.
    let bits = |tensor: &C| tensor.ty().element.bitsize();
    tensors.sort_by(|a, b| (bits(a), b.name()).cmp(&(bits(b), a.name())).reverse());
    // Under a name of its own until it is whole; what an interrupted one left there is overwritten.
    let partial = folder.join(".model.safetensors.partial");
    let bytes = write_file(&tensors, &partial, progress).inspect_err(|_| {
        let _ = std::fs::remove_file(&partial);
    })?;
    std::fs::write(&config_file, config).map_err(writing(&config_file))?;
    std::fs::rename(&partial, &weights_file).map_err(writing(&weights_file))?;
    Ok(Unpacked { tensors: tensors.len(), bytes })
}

/// Writes a file of `tensors`, and gives its size.
fn write_file<C: Content>(tensors: &[C], out: &Path, progress: &dyn Progress) -> Result<u64, PackedError> {
    let total: usize = tensors.iter().map(C::bytes).sum();
    disk::check(folder_of(out), total as u64)?;
    let mut file = BufWriter::new(File::create(out).map_err(writing(out))?);
    let header = tensors.iter().map(|tensor| (tensor.name(), tensor.ty(), tensor.bytes()));
    let header = encode(&Default::default(), header, 8);
    file.write_all(&header).map_err(writing(out))?;
    progress.report(Event::Begin { what: "unpack", total: Some(total as u64), unit: Unit::Bytes });
    for tensor in tensors {
        tensor.tell(&mut |piece| told(&mut file, piece, out, progress))?;
    }
    let file = file.into_inner().map_err(|error| writing(out)(error.into_error()))?;
    file.sync_all().map_err(writing(out))?;
    progress.report(Event::End(""));
    Ok((header.len() + total) as u64)
}

/// Writes a checkpoint of Orbax, `config.json` among its files, to `folder`, which has nothing in it if it is there.
fn tree<C: Content>(
    config: &str,
    tensors: &[C],
    folder: &Path,
    progress: &dyn Progress,
) -> Result<Unpacked, PackedError> {
    let total: usize = tensors.iter().map(C::bytes).sum();
    let mut writer = orbax::Writer::new(folder, config)?;
    let write_all = |writer: &mut orbax::Writer| -> Result<(), PackedError> {
        disk::check(folder_of(folder), total as u64)?;
        progress.report(Event::Begin { what: "unpack", total: Some(total as u64), unit: Unit::Bytes });
        for tensor in tensors {
            writer.array(tensor.name(), tensor.ty(), |out| {
                tensor.tell(&mut |piece| told(out, piece, folder, progress))
            })?;
        }
        Ok(())
    };
    match write_all(&mut writer) {
        Ok(()) => writer.finish()?,
        Err(error) => {
            writer.discard();
            return Err(error);
        }
    }
    progress.report(Event::End(""));
    Ok(Unpacked { tensors: tensors.len(), bytes: total as u64 })
}

/// Writes a piece, and says so. `place` is what an error names.
fn told(out: &mut dyn Write, piece: &[u8], place: &Path, progress: &dyn Progress) -> Result<(), PackedError> {
    out.write_all(piece).map_err(writing(place))?;
    progress.report(Event::Advance(piece.len() as u64));
    Ok(())
}

fn writing(file: &Path) -> impl Fn(std::io::Error) -> PackedError {
    let file = file.to_owned();
    move |source| PackedError::File { doing: "write", file: file.clone(), source }
}
