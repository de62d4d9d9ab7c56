//! What the tests of this folder share: the plugins, a small program, and running a test in a process of its own.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use hlo::{ElementType, Parameter, Sharding, Signature, TensorType};
use precast::pjrt::plugins::{self, Origin, PluginsError};
use precast::pjrt::{Client, ClientOptions, CompileOptions, LoadedExecutable, Plugin};

/// The plugins that run on any machine.
pub const CPUS: [&str; 2] = ["cpu", "cpu-alt"];

/// Where a plugin is. Unless one was named or installed by precast, the pinned one is installed into the user's data folder.
pub fn path_of(platform: &str) -> PathBuf {
    match plugins::find(platform, None) {
        Ok(found) if found.source != Origin::Python => found.path,
        Ok(_) | Err(PluginsError::Absent { .. }) => {
            plugins::install(platform, &()).unwrap_or_else(|error| panic!("{error}"))
        }
        Err(error) => panic!("{error}"),
    }
}

pub fn plugin(platform: &str) -> Plugin {
    Plugin::load(&path_of(platform)).unwrap_or_else(|error| panic!("{error}"))
}

/// One client of each CPU plugin, for all the tests of this process.
pub fn clients() -> &'static [Client] {
    static CLIENTS: OnceLock<Vec<Client>> = OnceLock::new();
    CLIENTS.get_or_init(|| {
        CPUS.map(|cpu| plugin(cpu).client(&ClientOptions::default()).unwrap_or_else(|error| panic!("{error}"))).into()
    })
}

/// Runs `work` in a new process, since it may end the process or wants its own environment; `test` is the calling test.
pub fn in_process(test: &str, variables: &[(&str, &str)], work: impl FnOnce()) {
    const MARK: &str = "PRECAST_TEST_PROCESS";
    if std::env::var_os(MARK).is_some() {
        return work();
    }
    let this = std::env::current_exe().expect("a test has a program");
    let output = Command::new(this)
        .args(["--exact", test, "--nocapture"])
        .env(MARK, test)
        .envs(variables.iter().copied())
        .output()
        .expect("the test's own program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{}\n{said}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}

pub fn parameter(name: &str, ty: &TensorType, donated_to: Option<usize>) -> Parameter {
    Parameter { name: name.into(), ty: ty.clone(), donated_to, sharding: Sharding::default() }
}

pub fn f32s(dims: impl Into<Vec<usize>>) -> TensorType {
    TensorType::new(ElementType::F32, dims)
}

/// `sum = state + step`, which takes over `state`; both f32 [2, 3].
pub fn accumulate() -> (&'static str, Signature) {
    let text = r#"module @accumulate {
  func.func public @main(%state: tensor<2x3xf32> {tf.aliasing_output = 0 : i32}, %step: tensor<2x3xf32>)
      -> tensor<2x3xf32> {
    %sum = stablehlo.add %state, %step : tensor<2x3xf32>
    return %sum : tensor<2x3xf32>
  }
}
"#;
    let ty = f32s([2, 3]);
    let parameters = vec![parameter("state", &ty, Some(0)), parameter("step", &ty, None)];
    (text, Signature { mesh: None, parameters, results: vec![ty] })
}

pub fn compiled(client: &Client) -> LoadedExecutable {
    let (text, signature) = accumulate();
    client.compile(text, &signature, &CompileOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

pub fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub fn floats_of(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect()
}
