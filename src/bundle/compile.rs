//! From a program's text to an executable on a device: out of the cache if it is there, else by the plugin's compiler.

use super::cache::{Cache, Made};
use super::cost::Cost;
use super::entry::{Findings, Label, Memory, Payload};
use super::error::BundleError;
use super::identity;
use super::kernels;
use super::key::Key;
use super::program::Program;
use crate::digest::sha256;
use crate::pjrt::{Client, CompileOptions, Executable, LoadedExecutable, PjrtError};
use crate::progress::{Event, Progress, Unit};

/// The meaning of keys: raised when the same entries no longer promise the same executable.
const KEY_FORMAT: u32 = 1;

/// How an executable was obtained.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Whether it was loaded without compiling.
    pub cached: bool,
    pub key: Key,
    pub memory: Memory,
    /// What the compiler predicts; `None` where it does not.
    pub cost: Option<Cost>,
    /// How each parameter lies on a device, such as `{1,0:T(8,128)(2,1)}`; none where the plugin does not tell.
    pub layouts: Vec<String>,
    /// What compiling took, now or when it was compiled.
    pub compile_seconds: f64,
    /// What compiling or loading took now.
    pub seconds: f64,
    /// Why it had to be compiled; `None` if it had not.
    pub why: Option<String>,
    /// What a bundle carries; `None` if the plugin cannot write it down.
    pub payload: Option<Payload>,
}

/// The key of `program` compiled by `client` with `options`: every input that the executable depends on, by name.
/// `cache` may add entries, and remembers the plugin's digest.
pub fn key_of(
    client: &Client,
    cache: Option<&Cache>,
    program: &Program,
    options: &CompileOptions,
) -> Result<Key, BundleError> {
    let shared = identity::of_client(client, cache.map(Cache::stamps).as_deref()).map_err(|source| {
        BundleError::Io { action: "read the plugin", path: client.plugin().path().to_path_buf(), source }
    })?;
    Ok(program_key(shared, cache, program, options))
}

/// The key of `program` compiled with `options` by the compiler that `shared` describes.
pub(super) fn program_key(shared: Key, cache: Option<&Cache>, program: &Program, options: &CompileOptions) -> Key {
    // The bytes are what the compiler gets; the overrides stand beside them so that a difference can be read.
    let key = shared
        .entry("key format", KEY_FORMAT)
        .entry("program", sha256(program.text.as_bytes()))
        .entry("options", sha256(&options.to_bytes()));
    let key = options
        .overrides
        .iter()
        .fold(key, |key, (name, value)| key.entry(format!("option {name}"), format!("{value:?}")));
    cache.map(Cache::further).into_iter().fold(key, |key, further| key.with(further))
}

/// Loads `program` from `cache` or compiles it, and then keeps it there. Fails only if the compiler does.
///
/// A miss is explained in the outcome and in the log; trouble with the cache is told to `progress` and costs no more than the
/// compilation.
pub fn load_or_compile(
    client: &Client,
    cache: Option<&Cache>,
    program: &Program,
    options: &CompileOptions,
    progress: &dyn Progress,
) -> Result<(LoadedExecutable, Outcome), BundleError> {
    let what = format!("compile {}", program.name);
    progress.report(Event::Begin { what: &what, total: None, unit: Unit::Items });
    let obtained = obtain(client, cache, program, options, progress);
    tell_end(progress, obtained.as_ref().map(|(_, outcome)| outcome));
    obtained
}

/// Tells how a compilation came out.
pub(super) fn tell_end(progress: &dyn Progress, obtained: Result<&Outcome, &BundleError>) {
    match obtained {
        Ok(outcome) if outcome.cached => progress.report(Event::End("cached")),
        Ok(outcome) => progress.report(Event::End(&format!("{:.1} s", outcome.seconds))),
        Err(BundleError::DoesNotFit { .. }) => progress.report(Event::End("does not fit")),
        Err(_) => progress.report(Event::End("failed")),
    }
}

fn obtain(
    client: &Client,
    cache: Option<&Cache>,
    program: &Program,
    options: &CompileOptions,
    progress: &dyn Progress,
) -> Result<(LoadedExecutable, Outcome), BundleError> {
    let key = key_of(client, cache, program, options)?;
    let failed = |error| BundleError::Compile { program: program.name.clone(), source: Box::new(error) };
    kernels::provide(client).map_err(failed)?;
    let compile = || client.compile(&program.text, &program.signature, options);
    let Some(cache) = cache else {
        let begin = std::time::Instant::now();
        let executable = compile().map_err(failed)?;
        let seconds = begin.elapsed().as_secs_f64();
        let (memory, layouts) = (memory(&executable.executable()), layouts(&executable.executable()));
        let why = Some("no cache is used".to_string());
        let payload = executable.executable().serialize().ok().map(Payload);
        let outcome = Outcome {
            cached: false,
            key,
            memory,
            cost: None,
            layouts,
            compile_seconds: seconds,
            seconds,
            why,
            payload,
        };
        return Ok((executable, outcome));
    };
    let label = Label { name: program.name.clone(), model: cache.model().to_string(), target: client.platform_name() };
    let make = || -> Result<Made<LoadedExecutable, PjrtError>, PjrtError> {
        let executable = compile()?;
        let (payload, memory) = (executable.executable().serialize(), memory(&executable.executable()));
        let layouts = layouts(&executable.executable());
        Ok(Made { executable, payload, findings: Findings { memory, layouts, ..Findings::default() } })
    };
    let load = |payload: &[u8], _: &Findings| client.load(payload, &program.signature);
    cache.obtain(&key, &label, load, make, progress).map_err(failed)
}

/// What the compiler left in the optimized program; `None` if it left no figures, or does not show it.
pub(super) fn cost(executable: &Executable) -> Option<Cost> {
    executable.optimized_program().ok().map(|program| Cost::of(&program)).filter(Cost::is_predicted)
}

/// How the plugin says that each parameter lies on a device; none if it does not tell.
pub(super) fn layouts(executable: &Executable) -> Vec<String> {
    let told = executable.parameter_layouts().unwrap_or_else(|error| {
        log::warn!("the layouts of `{}` are not known: {error}", executable.name());
        None
    });
    told.unwrap_or_default()
}

/// What the plugin says that the executable needs; what it does not say is 0.
pub(super) fn memory(executable: &Executable) -> Memory {
    let stats = executable.memory_stats().unwrap_or_default();
    let code_bytes = match stats.code {
        0 => executable.code_bytes().unwrap_or(0),
        told => told,
    };
    Memory {
        argument_bytes: stats.argument,
        output_bytes: stats.output,
        alias_bytes: stats.alias,
        temp_bytes: stats.temp,
        code_bytes,
        peak_bytes: stats.peak,
        total_bytes: match stats.total_allocation {
            0 => (stats.argument + stats.output + stats.temp).saturating_sub(stats.alias),
            told => told,
        },
    }
}
