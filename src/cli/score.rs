//! `precast score`: logits of every position of a token sequence, into a safetensors file.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::model::{Compute, ModelArguments, open};
use super::{input, terminal};

/// Write the logits of every position to a file
#[derive(Args)]
#[command(after_help = "\
The file holds one tensor, `logits`, f32 [tokens, vocabulary]: row n is the prediction after token n.

Examples:
  precast score --model demo --tokens 200006,17360,200008 --out logits.safetensors
  precast score --model gpt-oss-20b/ --tokens @ids.txt --compute f32 --out logits.safetensors
  precast score --model gpt-oss-20b/ --tokens @ids.txt --weights mxfp4 --kv fp8 --out logits.safetensors")]
pub struct Score {
    #[command(flatten)]
    model: ModelArguments,
    /// Token ids, or @FILE with token ids
    #[arg(long, value_name = "1,2,3|@FILE")]
    tokens: String,
    /// Positions that the cache holds [default: 4096, or more if the tokens need it]
    #[arg(long, value_name = "N")]
    context: Option<usize>,
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Score {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let tokens = input::token_list("--tokens", &self.tokens)?;
        let setup = self.model.setup(self.context, tokens.len())?;
        let (compute, strategy) = (Compute::of(&setup), setup.strategy);
        let mut session = open(&setup)?;
        let vocabulary = session.config().vocabulary;
        let metadata = json!({
            "model": session.config().name,
            "compute": compute.name(),
            "weights": strategy.experts.name(),
            "dense": strategy.dense.name(),
            "kv": strategy.cache.name(),
            "tokens": tokens.len().to_string(),
            "made_by": concat!("precast ", env!("CARGO_PKG_VERSION")),
        });
        write_beside(&self.out, |file| {
            file.write_all(&header([tokens.len(), vocabulary], &metadata)).map_err(|error| self.unwritten(&error))?;
            // A full disk is told as such, not as a failure of the model.
            let mut unwritten = None;
            let mut take = |logits: &[f32]| {
                let bytes: Vec<u8> = logits.iter().flat_map(|logit| logit.to_le_bytes()).collect();
                file.write_all(&bytes).inspect_err(|error| unwritten = Some(self.unwritten(error)))
            };
            let outcome = session.score(&tokens, &mut take, &terminal::BAR);
            match unwritten {
                Some(failure) => Err(failure),
                None => Ok(outcome?),
            }
        })?;
        let report = json!({
            "out": self.out,
            "tokens": tokens.len(),
            "vocabulary": vocabulary,
            "compute": compute.name(),
            "weights": strategy.experts.name(),
            "dense": strategy.dense.name(),
            "kv": strategy.cache.name(),
        });
        if self.json {
            terminal::print_json(&report)?;
        } else {
            terminal::print(format!("{}: logits f32 [{}, {vocabulary}]\n", self.out.display(), tokens.len()))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn unwritten(&self, error: &std::io::Error) -> Failure {
        Failure::file("write", &self.out, error)
    }
}

/// The start of a safetensors file of one tensor `logits`: 8 bytes of length, JSON padded to 8 bytes.
fn header(shape: [usize; 2], metadata: &serde_json::Value) -> Vec<u8> {
    let bytes = shape[0] * shape[1] * size_of::<f32>();
    let logits = json!({ "dtype": "F32", "shape": shape, "data_offsets": [0, bytes] });
    let mut text = json!({ "__metadata__": metadata, "logits": logits }).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut header = (text.len() as u64).to_le_bytes().to_vec();
    header.extend(text);
    header
}

/// Fills a file next to `path` and renames it, so that `path` is whole or untouched.
fn write_beside(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&mut std::fs::File>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unwritten = |error: &std::io::Error| Failure::file("write", path, error);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".precast-score-");
    #[cfg(unix)]
    {
        // As a plain `File::create` would have made it; a temporary file is private by default.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(|error| unwritten(&error))?;
    let mut writer = BufWriter::with_capacity(1 << 20, file.as_file_mut());
    fill(&mut writer)?;
    writer.flush().map_err(|error| unwritten(&error))?;
    drop(writer);
    file.persist(path).map_err(|error| unwritten(&error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_reads_back_as_safetensors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logits.safetensors");
        let written = write_beside(&path, |file| {
            file.write_all(&header([2, 3], &json!({"tokens": "2"}))).unwrap();
            file.write_all(&[0_u8; 24]).unwrap();
            Ok(())
        });
        assert!(written.is_ok());
        let bytes = std::fs::read(&path).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let logits = tensors.tensor("logits").unwrap();
        assert_eq!((logits.dtype(), logits.shape()), (safetensors::Dtype::F32, [2, 3].as_slice()));
    }

    #[test]
    fn a_failed_score_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write_beside(&folder.path().join("logits"), |_| Err(Failure::new("no"))).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
