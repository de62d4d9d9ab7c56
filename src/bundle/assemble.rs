//! What a bundle consists of before it is anywhere: its files with their checksums, and the manifest that names them.

use super::error::BundleError;
use super::folder::{Built, Contents};
use super::manifest::{
    FORMAT, Manifest, MeshEntry, ParameterEntry, Plugin, ProgramEntry, TypeEntry, config_key, executable_file,
    is_file_name, text_file,
};
use crate::digest::sha256;

/// A bundle's content, complete.
pub(super) struct Assembled<'a> {
    pub manifest: Manifest,
    /// The manifest as it is written, and its checksum.
    pub json: Vec<u8>,
    pub digest: String,
    pub files: Vec<File<'a>>,
}

/// A file beside the manifest.
pub(super) struct File<'a> {
    pub name: String,
    pub content: &'a [u8],
    pub digest: String,
}

impl<'a> File<'a> {
    fn new(name: String, content: &'a [u8]) -> File<'a> {
        File { name, digest: sha256(content), content }
    }
}

/// Puts together what `programs` were made into.
pub(super) fn assemble<'a>(contents: &Contents<'_>, programs: &'a [Built]) -> Result<Assembled<'a>, BundleError> {
    let mut files = Vec::new();
    let mut entries = Vec::new();
    for Built { program, options, outcome, moved_bytes } in programs {
        if !is_file_name(&program.name) {
            return Err(BundleError::ProgramName { name: program.name.clone() });
        }
        let absent = || BundleError::Serialize { program: program.name.clone() };
        let payload = &outcome.payload.as_ref().ok_or_else(absent)?.0;
        let text = File::new(text_file(&program.name), program.text.as_bytes());
        let executable = File::new(executable_file(&program.name), payload);
        let parameters = program.signature.parameters.iter().enumerate().map(|(place, parameter)| ParameterEntry {
            layout: outcome.layouts.get(place).cloned(),
            ..ParameterEntry::new(parameter)
        });
        entries.push(ProgramEntry {
            name: program.name.clone(),
            phase: program.phase.clone(),
            rows: program.rows,
            stablehlo: text.name.clone(),
            stablehlo_sha256: text.digest.clone(),
            stablehlo_bytes: text.content.len() as u64,
            executable: executable.name.clone(),
            executable_sha256: executable.digest.clone(),
            executable_bytes: executable.content.len() as u64,
            argument_bytes: outcome.memory.argument_bytes,
            output_bytes: outcome.memory.output_bytes,
            alias_bytes: outcome.memory.alias_bytes,
            temp_bytes: outcome.memory.temp_bytes,
            code_bytes: outcome.memory.code_bytes,
            peak_bytes: outcome.memory.peak_bytes,
            total_bytes: outcome.memory.total_bytes,
            cost: outcome.cost.clone(),
            moved_bytes: *moved_bytes,
            options: options.to_string(),
            compile_seconds: outcome.compile_seconds,
            cached: outcome.cached,
            key: outcome.key.clone(),
            mesh: program.signature.mesh.as_ref().map(MeshEntry::new),
            parameters: parameters.collect(),
            results: program.signature.results.iter().map(TypeEntry::new).collect(),
        });
        files.extend([text, executable]);
    }
    let manifest = Manifest {
        format: FORMAT,
        precast: env!("CARGO_PKG_VERSION").to_string(),
        model: contents.model.clone(),
        config: config_key(contents.config),
        target: contents.target.clone(),
        topology: contents.topology.clone(),
        devices: contents.devices,
        weights: contents.weights.clone(),
        kv: contents.kv.clone(),
        dense: contents.dense.clone(),
        kernels: contents.kernels.clone(),
        context: contents.context,
        batch: contents.batch,
        plugin: Plugin::of(&programs.first().map(|built| built.outcome.key.clone()).unwrap_or_default()),
        programs: entries,
    };
    let unwritten = |error: serde_json::Error| BundleError::Io {
        action: "write the manifest",
        path: super::folder::MANIFEST.into(),
        source: error.into(),
    };
    let json = serde_json::to_vec_pretty(&manifest).map_err(unwritten)?;
    Ok(Assembled { manifest, digest: sha256(&json), json, files })
}
