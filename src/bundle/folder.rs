//! A bundle: a folder of programs, their executables, a manifest and checksums. Knows files and plugins, no weights.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::cache::Cache;
use super::compile::{Outcome, load_or_compile};
use super::error::BundleError;
use super::identity::{self, entries};
use super::kernels;
use super::manifest::{
    EXECUTABLE_END, FORMAT, Manifest, MeshEntry, ParameterEntry, Plugin, ProgramEntry, TEXT_END, TypeEntry, config_key,
    executable_file, is_file_name, text_file,
};
use super::program::Program;
use crate::config::Config;
use crate::digest::sha256;
use crate::partial::sync_folder;
use crate::pjrt::{Client, CompileOptions, LoadedExecutable};
use crate::progress::Progress;

const MANIFEST: &str = "manifest.json";

/// Checksums of all other files, in the form that `sha256sum --check` takes.
const CHECKSUMS: &str = "SHA256SUMS";

/// A manifest of the largest model is a few megabytes; reading stops here.
const MANIFEST_BYTES_MAX: u64 = 256 << 20;

/// A folder that was read and whose manifest is good. Programs are read and checked when they are loaded.
#[derive(Clone, Debug)]
pub struct Bundle {
    folder: PathBuf,
    manifest: Manifest,
}

/// What goes into a bundle beside its programs.
#[derive(Clone, Debug)]
pub struct Contents<'a> {
    pub config: &'a Config,
    /// Such as `gpt-oss-20b`, as `--model` takes it.
    pub model: String,
    pub target: String,
    /// What the plugin calls the target, such as `v5e:1x1`; `None` where devices are only counted.
    pub topology: Option<String>,
    pub devices: usize,
    pub weights: String,
    pub kv: String,
    /// How matrices outside of the experts are stored, where that is not how the experts are.
    pub dense: String,
    /// Whose kernels are in the programs; empty where none are.
    pub kernels: String,
    pub context: usize,
    pub batch: usize,
}

/// A program and what became of it.
#[derive(Clone, Debug)]
pub struct Built {
    pub program: Program,
    pub options: CompileOptions,
    pub outcome: Outcome,
    /// Bytes that one step must bring from the memory of one device, if that is known.
    pub moved_bytes: Option<u64>,
}

impl Bundle {
    /// Writes a bundle to `folder` at once: a reader finds the old one or the new. Replaces a bundle or an empty folder, and
    /// nothing else.
    pub fn write(folder: &Path, contents: &Contents<'_>, programs: &[Built]) -> Result<Bundle, BundleError> {
        check_replaceable(folder)?;
        // Ends such as `..` name no folder that could be replaced.
        let folder = match (folder.file_name(), fs::canonicalize(folder)) {
            (_, Ok(canonical)) => canonical,
            (Some(_), Err(_)) => folder.to_path_buf(),
            (None, Err(source)) => return Err(io_error("find the folder", folder, source)),
        };
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(|source| io_error("create the folder", parent, source))?;
        let fresh = sibling(parent, "new").map_err(|source| io_error("create a folder", parent, source))?;

        let mut sums = String::new();
        let mut put = |name: &str, content: &[u8]| -> Result<String, BundleError> {
            let path = fresh.path().join(name);
            write_file(&path, content).map_err(|source| io_error("write a file of the bundle", &path, source))?;
            let digest = sha256(content);
            sums.push_str(&format!("{digest}  {name}\n"));
            Ok(digest)
        };
        let mut entries = Vec::new();
        for Built { program, options, outcome, moved_bytes } in programs {
            if !is_file_name(&program.name) {
                return Err(BundleError::ProgramName { name: program.name.clone() });
            }
            let absent = || BundleError::Serialize { program: program.name.clone() };
            let payload = &outcome.payload.as_ref().ok_or_else(absent)?.0;
            let parameters = program.signature.parameters.iter().enumerate().map(|(place, parameter)| ParameterEntry {
                layout: outcome.layouts.get(place).cloned(),
                ..ParameterEntry::new(parameter)
            });
            entries.push(ProgramEntry {
                name: program.name.clone(),
                phase: program.phase.clone(),
                rows: program.rows,
                stablehlo: text_file(&program.name),
                stablehlo_sha256: put(&text_file(&program.name), program.text.as_bytes())?,
                executable: executable_file(&program.name),
                executable_sha256: put(&executable_file(&program.name), payload)?,
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
        let path = fresh.path().join(MANIFEST);
        let json = serde_json::to_vec_pretty(&manifest).map_err(|error| io_error("write", &path, error.into()))?;
        put(MANIFEST, &json)?;
        let path = fresh.path().join(CHECKSUMS);
        write_file(&path, sums.as_bytes()).map_err(|source| io_error("write a file of the bundle", &path, source))?;
        let _ = sync_folder(fresh.path());
        replace(fresh, &folder, parent).map_err(|source| io_error("put the bundle in its place", &folder, source))?;
        Ok(Bundle { folder, manifest })
    }

    /// Opens the bundle in `folder`. Its programs are checked when they are asked for.
    pub fn open(folder: &Path) -> Result<Bundle, BundleError> {
        let sums = read_listed(folder, CHECKSUMS)?;
        let json = read_listed(folder, MANIFEST)?;
        let file = folder.join(MANIFEST);
        let damaged = |problem: String| BundleError::Damaged { file: file.clone(), problem };

        #[derive(Deserialize)]
        struct Version {
            format: u64,
        }
        // First of all, since a later format may list its checksums otherwise.
        if let Ok(Version { format }) = serde_json::from_slice(&json)
            && format != u64::from(FORMAT)
        {
            return Err(BundleError::Version { file, found: format, expected: FORMAT });
        }
        let listed = String::from_utf8_lossy(&sums);
        let expected =
            listed.lines().find_map(|line| line.strip_suffix(MANIFEST)?.strip_suffix("  ")).ok_or_else(|| {
                BundleError::Damaged { file: folder.join(CHECKSUMS), problem: format!("it does not list `{MANIFEST}`") }
            })?;
        check_digest(&file, &json, expected)?;
        let manifest: Manifest = serde_json::from_slice(&json).map_err(|error| damaged(error.to_string()))?;
        manifest.check().map_err(damaged)?;
        Ok(Bundle { folder: folder.to_path_buf(), manifest })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Refuses another model than the one that the bundle was made for, naming what differs.
    pub fn check_model(&self, config: &Config) -> Result<(), BundleError> {
        let differences = config_key(config).differences(&self.manifest.config);
        match differences.is_empty() {
            true => Ok(()),
            false => Err(BundleError::Model {
                folder: self.folder.clone(),
                bundle_model: self.manifest.model.clone(),
                differences,
            }),
        }
    }

    /// Refuses a client that the bundle's executables were not made for, naming what differs.
    pub fn check_client(&self, client: &Client) -> Result<(), BundleError> {
        self.check_platform(&client.platform_name(), true)?;
        self.manifest.programs.iter().try_for_each(|program| self.check_program(client, program))
    }

    /// Refuses devices of another platform, such as `cpu`. `recompiles` says whether they could run the programs once compiled
    /// anew, which is then the way out.
    pub fn check_platform(&self, here: &str, recompiles: bool) -> Result<(), BundleError> {
        let manifest = &self.manifest;
        if manifest.plugin.name == here {
            return Ok(());
        }
        let key = manifest.programs.first().map(|program| &program.key);
        let kind = key.and_then(|key| key.get(entries::DEVICE)).unwrap_or(&manifest.plugin.name);
        let rebuilt = if manifest.devices > 1 { format!("{here}-{}", manifest.devices) } else { here.to_string() };
        Err(BundleError::OtherDevice {
            folder: self.folder.clone(),
            devices: format!("`{}` ({} {kind})", manifest.target, manifest.devices),
            here: here.to_string(),
            rebuild: recompiles.then(|| manifest.command_for(&rebuilt)),
        })
    }

    fn check_program(&self, client: &Client, program: &ProgramEntry) -> Result<(), BundleError> {
        let ours = identity::of_client(client, identity::default_stamps().as_deref())
            .map_err(|source| io_error("read the plugin", client.plugin().path(), source))?;
        let differences = identity::refusing(&ours, &program.key);
        match differences.is_empty() {
            true => Ok(()),
            false => Err(BundleError::Elsewhere {
                folder: self.folder.clone(),
                differences,
                rebuild: self.manifest.command(),
            }),
        }
    }

    /// Loads the executable of program `name`. Refuses before anything is read if it was made for another target, plugin or
    /// host.
    pub fn load(&self, client: &Client, name: &str) -> Result<LoadedExecutable, BundleError> {
        let program = self.entry(name)?;
        self.check_program(client, program)?;
        let payload = self.read(&program.executable, &program.executable_sha256)?;
        let refused = |error| BundleError::Refused {
            folder: self.folder.clone(),
            program: name.to_string(),
            source: Box::new(error),
            rebuild: self.manifest.command(),
        };
        kernels::provide(client).map_err(refused)?;
        client.load(&payload, &self.signature(program)?).map_err(refused)
    }

    /// Program `name` with its text, for whoever wants to compile it elsewhere.
    pub fn program(&self, name: &str) -> Result<Program, BundleError> {
        let entry = self.entry(name)?;
        let text = self.read(&entry.stablehlo, &entry.stablehlo_sha256)?;
        let text = String::from_utf8(text).map_err(|error| BundleError::Damaged {
            file: self.folder.join(&entry.stablehlo),
            problem: error.to_string(),
        })?;
        Ok(Program {
            name: entry.name.clone(),
            phase: entry.phase.clone(),
            rows: entry.rows,
            text,
            signature: self.signature(entry)?,
        })
    }

    /// Compiles the text of program `name` for `client`, whatever the bundle's own executable was made for.
    pub fn recompile(
        &self,
        client: &Client,
        cache: Option<&Cache>,
        name: &str,
        progress: &dyn Progress,
    ) -> Result<(LoadedExecutable, Outcome), BundleError> {
        let program = self.program(name)?;
        let options = program.options(&client.platform_name());
        load_or_compile(client, cache, &program, &options, progress)
    }

    fn entry(&self, name: &str) -> Result<&ProgramEntry, BundleError> {
        self.manifest.programs.iter().find(|program| program.name == name).ok_or_else(|| BundleError::NoProgram {
            folder: self.folder.clone(),
            name: name.to_string(),
            known: self.manifest.programs.iter().map(|program| program.name.clone()).collect(),
        })
    }

    fn signature(&self, entry: &ProgramEntry) -> Result<hlo::Signature, BundleError> {
        entry.signature().map_err(|problem| BundleError::Damaged { file: self.folder.join(MANIFEST), problem })
    }

    fn read(&self, name: &str, expected: &str) -> Result<Vec<u8>, BundleError> {
        let file = self.folder.join(name);
        let content = fs::read(&file).map_err(|source| io_error("read a file of the bundle", &file, source))?;
        check_digest(&file, &content, expected)?;
        Ok(content)
    }
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> BundleError {
    BundleError::Io { action, path: path.to_path_buf(), source }
}

fn check_digest(file: &Path, content: &[u8], expected: &str) -> Result<(), BundleError> {
    let found = sha256(content);
    match found == expected {
        true => Ok(()),
        false => {
            let expected = expected.escape_debug().take(80).collect();
            Err(BundleError::Checksum { file: file.to_path_buf(), found, expected })
        }
    }
}

/// One of the two files without which a folder is no bundle.
fn read_listed(folder: &Path, name: &'static str) -> Result<Vec<u8>, BundleError> {
    let path = folder.join(name);
    let read = || {
        let mut content = Vec::new();
        File::open(&path)?.take(MANIFEST_BYTES_MAX).read_to_end(&mut content)?;
        Ok(content)
    };
    read().map_err(|source: io::Error| match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory if folder.exists() => {
            BundleError::NotABundle { folder: folder.to_path_buf(), missing: name }
        }
        _ => io_error("read the bundle", &path, source),
    })
}

/// Only what looks like a bundle to its last file may be replaced; a damaged one does.
fn check_replaceable(folder: &Path) -> Result<(), BundleError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(io_error("replace the folder", folder, source)),
    };
    for entry in entries {
        let name = entry.map_err(|source| io_error("read the folder", folder, source))?.file_name();
        let name = name.to_string_lossy();
        let is_ours =
            name == MANIFEST || name == CHECKSUMS || name.ends_with(TEXT_END) || name.ends_with(EXECUTABLE_END);
        if !is_ours {
            return Err(BundleError::Occupied { folder: folder.to_path_buf(), found: name.into_owned() });
        }
    }
    Ok(())
}

fn write_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// A folder of our own beside the bundle, on the same file system; removed when dropped.
fn sibling(parent: &Path, kind: &str) -> io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    let prefix = format!(".precast-{kind}-");
    builder.prefix(&prefix);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any folder that the user makes, less what the user's mask takes away.
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    builder.tempdir_in(parent)
}

/// Moves `fresh` to `folder`, and what was there out of the way first.
fn replace(fresh: tempfile::TempDir, folder: &Path, parent: &Path) -> io::Result<()> {
    // Dropped at the end, with the old bundle in it.
    let old = sibling(parent, "old")?;
    let moved = old.path().join("bundle");
    match fs::rename(folder, &moved) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    if let Err(error) = fs::rename(fresh.path(), folder) {
        let _ = fs::rename(&moved, folder);
        return Err(error);
    }
    // It is no longer where it would be removed from.
    let _ = fresh.keep();
    let _ = sync_folder(parent);
    Ok(())
}
