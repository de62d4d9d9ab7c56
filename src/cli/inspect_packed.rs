//! `precast inspect` of a packed file: what it was made for, what it holds and what that loses.

use std::path::Path;

use serde_json::json;

use super::failure::Failure;
use super::packed_text::{losses, totals};
use super::terminal;
use crate::weights::packed::Packed;

/// Prints what `file` says of itself; `verify` compares its checksums first.
pub fn inspect(file: &Path, verify: bool, verbose: bool, as_json: bool) -> Result<(), Failure> {
    let packed = Packed::open(file)?;
    if verify {
        packed.verify(&terminal::BAR)?;
    }
    let manifest = packed.manifest();
    if as_json {
        return terminal::print_json(&json!({
            "file": file,
            "model": packed.config().name,
            "bytes": packed.bytes(),
            "verified": verify,
            "losses": manifest.losses(),
            "manifest": manifest,
        }));
    }
    let devices =
        if manifest.devices == 1 { String::new() } else { format!(", in parts for {} devices", manifest.devices) };
    terminal::print(format!(
        "{} for {}: {}{devices}\n{} in {} tensors{}, by {}\ntokenizer {}\n",
        packed.config().name,
        manifest.target,
        manifest.storage(),
        terminal::bytes(packed.bytes()),
        manifest.tensors.len(),
        if verify { ", every checksum right" } else { "" },
        manifest.made_by,
        manifest.tokenizer,
    ))?;
    if verbose {
        let rows = manifest.tensors.iter().map(|tensor| {
            let bytes = packed.tensor_bytes(&tensor.name).map_or(String::new(), terminal::bytes);
            vec![
                tensor.name.clone(),
                tensor.ty.clone(),
                tensor.parts.to_string(),
                bytes,
                tensor.sha256[..16].to_owned(),
            ]
        });
        let header = ["tensor", "type", "parts", "size", "sha256"];
        terminal::print(format!("\n{}", terminal::table(&header, &[2, 3], rows.collect())))?;
    }
    terminal::print(format!("{}{}", losses(manifest, verbose), totals(manifest)))
}
