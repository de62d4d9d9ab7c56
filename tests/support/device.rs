//! The real CPU plugin, installed if it is absent, and one client of it.

use std::path::PathBuf;

use precast::bundle::kernels;
use precast::pjrt::{Argument, Buffer, Client, ClientOptions, CompileOptions, LoadedExecutable, Plugin, plugins};
use precast::progress::Progress;
use precast::runner::Session;

/// The library of the plugin `name` of the pins (`cpu`, `cpu-alt`), which is installed first if it is nowhere.
pub fn installed(name: &str) -> PathBuf {
    match plugins::find(name, None) {
        Ok(found) => found.path,
        Err(_) => plugins::install(name, &() as &dyn Progress).unwrap_or_else(|error| panic!("`{name}`: {error}")),
    }
}

/// A client of such a plugin.
#[allow(dead_code, reason = "a session makes a client of its own")]
pub fn client(name: &str) -> Client {
    let plugin = Plugin::load(&installed(name)).expect("the plugin loads");
    plugin.client(&ClientOptions::default()).expect("a client")
}

/// Compiles the module's `main`.
#[allow(dead_code, reason = "not every test that has a client compiles something")]
pub fn compile(client: &Client, module: &hlo::Module) -> LoadedExecutable {
    let signature = &module.main().expect("a main function").signature;
    kernels::provide(client).expect("a plugin with foreign functions");
    client
        .compile(&module.text_with_locations(), signature, &CompileOptions::for_signature(signature))
        .unwrap_or_else(|error| panic!("`{}`: {error}", module.name))
}

/// Runs an executable on host arrays.
#[allow(dead_code, reason = "not every test that has a client runs something")]
pub fn run(executable: &LoadedExecutable, inputs: &[&[u8]]) -> Vec<Buffer> {
    let client = executable.client();
    let parameters = &executable.signature().parameters;
    let places = executable.placements().zip(parameters).zip(inputs);
    let uploads = places.map(|((place, parameter), bytes)| client.upload(place, &parameter.ty, bytes));
    let buffers: Vec<Buffer> = uploads.collect::<Result<_, _>>().expect("uploads");
    let donates: Vec<bool> = parameters.iter().map(|parameter| parameter.donated_to.is_some()).collect();
    let (mut kept, mut given) = (Vec::new(), Vec::new());
    for (buffer, donate) in buffers.into_iter().zip(&donates) {
        if *donate { given.push(buffer) } else { kept.push(buffer) }
    }
    let (mut kept, mut given) = (kept.iter(), given.into_iter());
    let argument = |donate: &bool| match donate {
        true => given.next().map(Argument::Donate),
        false => kept.next().map(Argument::Keep),
    };
    let arguments: Option<Vec<Argument<'_>>> = donates.iter().map(argument).collect();
    executable.execute(arguments.expect("a buffer each")).expect("an execution")
}

/// The logits of every position, f32 `[tokens, vocabulary]`.
#[allow(dead_code, reason = "not every test that has a plugin scores")]
pub fn score(session: &mut Session, tokens: &[u32]) -> Vec<f32> {
    let mut logits = Vec::new();
    let mut take = |rows: &[f32]| {
        logits.extend_from_slice(rows);
        Ok(())
    };
    session.score(tokens, &mut take, &()).expect("scores");
    logits
}
