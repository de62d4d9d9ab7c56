//! A bundle: a folder of programs, their executables, a manifest and checksums. Knows files and plugins, no weights.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::assemble::{Assembled, assemble};
use super::cache::Cache;
use super::compile::{Outcome, load_or_compile};
use super::error::BundleError;
use super::identity::{self, entries};
use super::kernels;
use super::manifest::{EXECUTABLE_END, Manifest, ProgramEntry, TEXT_END, config_key};
use super::origin::Origin;
use super::program::Program;
use crate::config::Config;
use crate::digest::sha256;
use crate::partial::sync_folder;
use crate::pjrt::{Client, CompileOptions, LoadedExecutable};
use crate::progress::Progress;
use crate::signature::{self, Mistrust, Trust};
use crate::storage::Place;

pub(super) const MANIFEST: &str = "manifest.json";

/// The signature of the manifest, under the name that minisign looks for.
pub(super) const SIGNATURE: &str = "manifest.json.minisig";

/// Checksums of all other files, in the form that `sha256sum --check` takes.
pub(super) const CHECKSUMS: &str = "SHA256SUMS";

/// A manifest of the largest model is a few megabytes; reading stops here.
pub(super) const MANIFEST_BYTES_MAX: u64 = 256 << 20;

/// A folder that was read and whose manifest is good. Programs are read and checked when they are loaded.
#[derive(Clone, Debug)]
pub struct Bundle {
    folder: PathBuf,
    manifest: Manifest,
    /// Where files come from that are not in the folder.
    origin: Option<Origin>,
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
        write(folder, &assemble(contents, programs)?, None)
    }

    /// Opens the bundle in `folder`. Its programs are checked when they are asked for.
    pub fn open(folder: &Path) -> Result<Bundle, BundleError> {
        let sums = read_listed(folder, CHECKSUMS)?;
        let json = read_listed(folder, MANIFEST)?;
        let file = folder.join(MANIFEST);
        // First of all, since a later format may list its checksums otherwise.
        Manifest::check_format(&json, &file)?;
        let expected = listed_digest(&sums).ok_or_else(|| BundleError::Damaged {
            file: folder.join(CHECKSUMS),
            problem: format!("it does not list `{MANIFEST}`"),
        })?;
        check_digest(&file, &json, &expected)?;
        Ok(Bundle { folder: folder.to_path_buf(), manifest: Manifest::parse(&json, &file)?, origin: None })
    }

    /// Opens the bundle at `place`, which is refused unless `trust` has signed it, if there is such a key. What is elsewhere comes
    /// here when it is needed, of which `progress` is told.
    pub fn open_at(
        place: &Place,
        trust: Option<&Trust>,
        progress: &'static dyn Progress,
    ) -> Result<Bundle, BundleError> {
        match (place, trust) {
            (Place::Remote(_), trust) => {
                let (folder, manifest, origin) = Origin::open(place, trust, progress)?;
                Ok(Bundle { folder, manifest, origin: Some(origin) })
            }
            (Place::Folder(folder), None) => Bundle::open(folder),
            (Place::Folder(folder), Some(trust)) => {
                let file = folder.join(MANIFEST);
                let json = read_listed(folder, MANIFEST)?;
                let signature = read_bounded(&folder.join(SIGNATURE), signature::BYTES_MAX);
                let checked = match signature {
                    Ok(signature) => trust.check(&json, &signature),
                    Err(error) if error.kind() == ErrorKind::NotFound => Err(Mistrust::Unsigned),
                    Err(error) => return Err(io_error("read the signature of the bundle", folder, error)),
                };
                // Nothing of it is parsed before it is believed. The list of checksums adds nothing to it then.
                checked.map_err(|mistrust| BundleError::Untrusted { place: folder.display().to_string(), mistrust })?;
                Manifest::check_format(&json, &file)?;
                Ok(Bundle { folder: folder.clone(), manifest: Manifest::parse(&json, &file)?, origin: None })
            }
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The bundle as the user named it.
    fn shown(&self) -> PathBuf {
        self.origin.as_ref().map_or_else(|| self.folder.clone(), |origin| origin.place().to_string().into())
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Refuses another model than the one that the bundle was made for, naming what differs.
    pub fn check_model(&self, config: &Config) -> Result<(), BundleError> {
        let differences = config_key(config).differences(&self.manifest.config);
        match differences.is_empty() {
            true => Ok(()),
            false => {
                Err(BundleError::Model { folder: self.shown(), bundle_model: self.manifest.model.clone(), differences })
            }
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
            folder: self.shown(),
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
            false => {
                Err(BundleError::Elsewhere { folder: self.shown(), differences, rebuild: self.manifest.command() })
            }
        }
    }

    /// Loads the executable of program `name`. Refuses before anything is read if it was made for another target, plugin or
    /// host.
    pub fn load(&self, client: &Client, name: &str) -> Result<LoadedExecutable, BundleError> {
        let program = self.entry(name)?;
        self.check_program(client, program)?;
        let payload = self.read(&program.executable, &program.executable_sha256, program.executable_bytes)?;
        let refused = |error| BundleError::Refused {
            folder: self.shown(),
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
        let text = self.read(&entry.stablehlo, &entry.stablehlo_sha256, entry.stablehlo_bytes)?;
        let text = String::from_utf8(text).map_err(|error| BundleError::Damaged {
            file: self.shown().join(&entry.stablehlo),
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
            folder: self.shown(),
            name: name.to_string(),
            known: self.manifest.programs.iter().map(|program| program.name.clone()).collect(),
        })
    }

    fn signature(&self, entry: &ProgramEntry) -> Result<hlo::Signature, BundleError> {
        entry.signature().map_err(|problem| BundleError::Damaged { file: self.shown().join(MANIFEST), problem })
    }

    /// Fetches, one after another, what loading these programs needs, or compiling them anew, if the bundle is elsewhere.
    pub fn bring(&self, names: impl Iterator<Item = String>, recompile: bool) -> Result<(), BundleError> {
        if self.origin.is_none() {
            return Ok(());
        }
        for name in names {
            let entry = self.entry(&name)?;
            self.read(&entry.stablehlo, &entry.stablehlo_sha256, entry.stablehlo_bytes)?;
            if !recompile {
                self.read(&entry.executable, &entry.executable_sha256, entry.executable_bytes)?;
            }
        }
        Ok(())
    }

    /// Reads every file and compares its checksum.
    pub fn verify(&self) -> Result<(), BundleError> {
        self.manifest.programs.iter().try_for_each(|entry| {
            self.read(&entry.stablehlo, &entry.stablehlo_sha256, entry.stablehlo_bytes)?;
            self.read(&entry.executable, &entry.executable_sha256, entry.executable_bytes).map(drop)
        })
    }

    fn read(&self, name: &str, expected: &str, bytes: u64) -> Result<Vec<u8>, BundleError> {
        let file = self.folder.join(name);
        if let Some(origin) = &self.origin {
            return origin.bring(&file, name, expected, bytes);
        }
        let content = fs::read(&file).map_err(|source| io_error("read a file of the bundle", &file, source))?;
        check_digest(&file, &content, expected)?;
        Ok(content)
    }
}

/// Writes a bundle, with the signature of its manifest if there is one.
pub(super) fn write(folder: &Path, assembled: &Assembled<'_>, signature: Option<&[u8]>) -> Result<Bundle, BundleError> {
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
    let put = |name: &str, content: &[u8]| {
        let path = fresh.path().join(name);
        write_file(&path, content).map_err(|source| io_error("write a file of the bundle", &path, source))
    };
    let mut sums = String::new();
    for file in &assembled.files {
        put(&file.name, file.content)?;
        sums += &format!("{}  {}\n", file.digest, file.name);
    }
    put(MANIFEST, &assembled.json)?;
    sums += &format!("{}  {MANIFEST}\n", assembled.digest);
    put(CHECKSUMS, sums.as_bytes())?;
    if let Some(signature) = signature {
        put(SIGNATURE, signature)?;
    }
    let _ = sync_folder(fresh.path());
    replace(fresh, &folder, parent).map_err(|source| io_error("put the bundle in its place", &folder, source))?;
    Ok(Bundle { folder, manifest: assembled.manifest.clone(), origin: None })
}

/// The bytes of the manifest in `folder`, for whoever signs them.
pub(super) fn manifest_of(folder: &Path) -> Result<Vec<u8>, BundleError> {
    read_listed(folder, MANIFEST)
}

/// Puts the signature of the manifest beside it, in the place of an older one.
pub(super) fn put_signature(folder: &Path, signature: &[u8]) -> Result<(), BundleError> {
    let file = folder.join(SIGNATURE);
    let put = || {
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any file that the user makes, less what the user's mask takes away.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let mut fresh = builder.prefix(".precast-signature-").tempfile_in(folder)?;
        fresh.write_all(signature)?;
        fresh.as_file().sync_all()?;
        fresh.persist(&file).map_err(|error| error.error)?;
        sync_folder(folder)
    };
    put().map_err(|source| io_error("write the signature", &file, source))
}

pub(super) fn io_error(action: &'static str, path: &Path, source: io::Error) -> BundleError {
    BundleError::Io { action, path: path.to_path_buf(), source }
}

/// The checksum of the manifest as a list of them has it.
pub(super) fn listed_digest(sums: &[u8]) -> Option<String> {
    let listed = String::from_utf8_lossy(sums);
    let digest = listed.lines().find_map(|line| line.strip_suffix(MANIFEST)?.strip_suffix("  "))?;
    Some(digest.to_owned())
}

pub(super) fn check_digest(file: &Path, content: &[u8], expected: &str) -> Result<(), BundleError> {
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
    read_bounded(&path, MANIFEST_BYTES_MAX).map_err(|source| match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory if folder.exists() => {
            BundleError::NotABundle { folder: folder.to_path_buf(), missing: name }
        }
        _ => io_error("read the bundle", &path, source),
    })
}

fn read_bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut content)?;
    Ok(content)
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
        let is_ours = [MANIFEST, CHECKSUMS, SIGNATURE].contains(&&*name)
            || name.ends_with(TEXT_END)
            || name.ends_with(EXECUTABLE_END);
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
