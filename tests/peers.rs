//! The comparison with peers: a foreign program is counted as precast's own, and the README shows what was recorded.

#[allow(dead_code, reason = "other tests use more of it")]
#[path = "support/device.rs"]
mod device;
#[allow(dead_code, reason = "other tests use more of it")]
#[path = "support/tiny.rs"]
mod tiny;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hlo::{Signature, TensorType};
use precast::bundle::program;
use precast::estimate::{Candidate, Sizes};
use precast::graph::Phase;
use precast::plan::{Precision, Strategy};
use precast::target::Target;
use serde_json::{Value, json};

const SIZES: [(&str, usize); 2] = [("batch", 1), ("context", 600)];

/// The example, built beside the programs that this test was built with.
fn example() -> PathBuf {
    let precast = Path::new(env!("CARGO_BIN_EXE_precast"));
    let release = precast.ends_with("release/precast");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--example", "cost"]).args(release.then_some("--release"));
    assert!(cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo").success());
    precast.with_file_name("examples").join("cost")
}

fn cost(folder: &Path, target: &str, phase: &str, more: &[&str]) -> Value {
    let mut command = Command::new(example());
    command.env("PRECAST_PJRT_TPU", device::installed("tpu")).env("PRECAST_CACHE_DIR", folder.join("cache"));
    command.arg("--model").arg(folder).args(["--target", target, "--weights", "fp8", "--phase", phase]).args(more);
    SIZES.iter().for_each(|(name, size)| _ = command.arg(format!("--{name}")).arg(size.to_string()));
    let output = command.output().expect("the example starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// As `examples/cost.rs` reads it.
fn described(signature: &Signature) -> Value {
    let entry = |ty: &TensorType| json!({ "element": ty.element.mlir(), "dims": ty.dims });
    let parameters = signature.parameters.iter().map(|parameter| {
        let mut entry = entry(&parameter.ty);
        entry["axes"] = json!(parameter.sharding.words());
        entry["donated_to"] = json!(parameter.donated_to);
        entry
    });
    json!({
        "mesh": signature.mesh.as_ref().map(|mesh| mesh.axes().to_vec()).unwrap_or_default(),
        "parameters": parameters.collect::<Vec<_>>(),
        "results": signature.results.iter().map(entry).collect::<Vec<_>>(),
    })
}

#[test]
fn a_foreign_program_costs_what_the_same_program_of_ours_does() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let config = tiny::config();
    fs::write(folder.join("config.json"), config.to_hugging_face_json().to_string()).expect("written");
    for (target, phase) in [("v6e-1", "prefill-48"), ("v5e-4", "prefill-48")] {
        let sizes = Sizes { context: SIZES[1].1, batch: SIZES[0].1, prefill: vec![48] };
        let strategy = Strategy::new(Precision::Fp8);
        let candidate = Candidate::new(&config, &Target::named(target).expect("a target"), strategy, &sizes);
        let ours = program(&config, &candidate.plan, Phase::Prefill { tokens: 48 }).expect("a program");
        fs::write(folder.join("step.mlir"), &ours.text).expect("written");
        fs::write(folder.join("step.json"), described(&ours.signature).to_string()).expect("written");
        let (text, signature) = (folder.join("step.mlir"), folder.join("step.json"));
        let as_text = |path: &Path| path.to_str().expect("a name in ASCII").to_owned();
        // What precast tells the compiler of its own programs.
        let option = "xla_msa_preferred_overlap_to_async_copy_ratio=1";
        let foreign = ["--program", &as_text(&text), "--signature", &as_text(&signature), "--option", option];
        let [own, foreign] = [&[][..], &foreign].map(|more| cost(folder, target, phase, more));
        assert_eq!(own["verdict"], "fits", "{own}");
        assert!(own["cycles"].as_u64() > Some(0) && own["alias_bytes"].as_u64() > Some(0), "{own}");
        let figures =
            ["verdict", "cycles", "roofline_cycles", "temp_bytes", "argument_bytes", "alias_bytes", "options"];
        for figure in figures {
            assert_eq!(own[figure], foreign[figure], "{figure} on {target}");
        }
    }
}

#[test]
fn a_foreign_program_that_does_not_fit_is_a_verdict() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    fs::write(folder.join("config.json"), tiny::config().to_hugging_face_json().to_string()).expect("written");
    let text = "module @large {\n  func.func public @main(%x: tensor<1048576x32768xbf16>) -> tensor<1048576x32768xbf16> {\n    \
                %y = stablehlo.sine %x : tensor<1048576x32768xbf16>\n    return %y : tensor<1048576x32768xbf16>\n  }\n}\n";
    let ty = json!({ "element": "bf16", "dims": [1 << 20, 1 << 15] });
    let signature = json!({ "mesh": [], "parameters": [&ty], "results": [&ty] });
    fs::write(folder.join("step.mlir"), text).expect("written");
    fs::write(folder.join("step.json"), signature.to_string()).expect("written");
    let paths = ["step.mlir", "step.json"].map(|name| folder.join(name).to_str().expect("a name in ASCII").to_owned());
    let report = cost(folder, "v6e-1", "decode", &["--program", &paths[0], "--signature", &paths[1]]);
    assert_eq!(report["verdict"], "does not fit", "{report}");
    assert!(report["needed_bytes"].as_u64() > report["available_bytes"].as_u64(), "{report}");
}

#[test]
fn the_readme_shows_what_was_recorded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let record: Value = serde_json::from_str(&read("golden/peers/jax.json")).expect("JSON");
    let readme = read("README.md");
    let section = readme.split_once("<!-- tools/peers/jax -->").and_then(|(_, rest)| rest.split_once("<!-- end -->"));
    let section = section.expect("README.md has the section").0;
    let rows = record["rows"].as_array().expect("rows");
    assert!(!rows.is_empty());
    for row in rows {
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        let begin = format!("| {} | {} | {} | {} |", text("target"), text("weights"), row["batch"], text("phase"));
        let line = section.lines().find(|line| line.starts_with(&begin));
        let line = line.unwrap_or_else(|| panic!("{begin} is not shown; `tools/peers/jax/run --table` writes it"));
        for side in ["precast", "jax"] {
            let Some(cycles) = row[side]["cycles"].as_f64() else { continue };
            let roofline = row["roofline_cycles"].as_f64().expect("a roofline");
            let shown = format!("| {:.2} | {:.2} |", cycles / 1e6, cycles / roofline);
            assert!(line.contains(&shown), "{side}: {shown} is not in {line}");
        }
    }
}
