//! `precast plan` as people and scripts meet it: the real binary, before any download, and once with the compiler's figures.

#[allow(dead_code, reason = "other tests use more of it")]
#[path = "support/device.rs"]
mod device;

use std::process::{Command, Output, Stdio};
use std::time::Instant;

use serde_json::Value;

const TPUS: [&str; 12] =
    ["v2-8", "v3-8", "v4-8", "v5e-1", "v5e-4", "v5e-8", "v5p-8", "v6e-1", "v6e-4", "v6e-8", "tpu7x-2", "tpu7x-8"];

fn plan(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_precast"));
    command.arg("plan").args(arguments).stdin(Stdio::null()).env_remove("RUST_LOG");
    command.output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// The one JSON document on standard output of a run that ended with `code`.
fn report(arguments: &[&str], code: i32) -> Value {
    let output = plan(&[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn rows(report: &Value) -> &Vec<Value> {
    report["options"].as_array().expect("an array")
}

/// The weights that fit `target`.
fn fitting<'r>(report: &'r Value, target: &str) -> Vec<&'r str> {
    let fits = rows(report).iter().filter(|row| row["target"] == target && row["fits"] == true);
    fits.map(|row| row["weights"].as_str().expect("a name")).collect()
}

#[test]
fn every_precision_on_every_tpu() {
    let began = Instant::now();
    let small = report(&["--model", "gpt-oss-20b"], 0);
    println!("a plan of {} options: {:.3} s", rows(&small).len(), began.elapsed().as_secs_f64());
    assert_eq!(rows(&small).len(), TPUS.len() * 4);
    let all = ["bf16", "fp8", "int8", "mxfp4"];
    for target in TPUS {
        let expected: &[&str] = match target {
            "v5e-1" => &["mxfp4"],
            "v6e-1" => &["fp8", "int8", "mxfp4"],
            _ => &all,
        };
        assert_eq!(fitting(&small, target), expected, "{target}");
    }
    let large = report(&["--model", "gpt-oss-120b"], 0);
    for target in ["v6e-4", "v5p-8", "tpu7x-2"] {
        assert!(fitting(&large, target).contains(&"mxfp4"), "{target}");
    }
    for target in ["v2-8", "v5e-1", "v5e-4", "v6e-1"] {
        assert!(fitting(&large, target).is_empty(), "{target}");
    }
}

#[test]
fn other_programs_find_what_was_agreed() {
    let found = report(&["--model", "gpt-oss-20b", "--target", "v6e-1", "--kv", "int8", "--context", "8192"], 0);
    assert_eq!((&found["model"], &found["context"], &found["batch"]), (&"gpt-oss-20b".into(), &8192.into(), &1.into()));
    for row in rows(&found) {
        for name in [
            "target",
            "devices",
            "weights",
            "kv",
            "exact",
            "weights_bytes",
            "kv_bytes",
            "temp_bytes",
            "total_bytes",
            "hbm_bytes",
            "fits",
            "compiled",
            "decode_cycles",
            "roofline_cycles",
        ] {
            assert!(row.get(name).is_some(), "{name} of {row}");
        }
        assert!(row["temp_bytes"].is_null() && row["decode_cycles"].is_null() && row["compiled"] == false, "{row}");
        assert_eq!((&row["kv"], &row["exact"], &row["devices"]), (&"int8".into(), &false.into(), &1.into()));
        let bytes = |name: &str| row[name].as_u64().expect("a number");
        let sum = bytes("weights_bytes") + bytes("kv_bytes") + bytes("estimated_temp_bytes");
        let total = bytes("total_bytes");
        assert!(total >= sum && total < sum + (256 << 20), "{row}");
        assert_eq!(row["fits"] == true, total <= bytes("hbm_bytes"), "{row}");
        assert!(bytes("roofline_cycles") > 1_000_000, "{row}");
    }
    let chosen = &found["chosen"];
    assert_eq!((&chosen["target"], &chosen["weights"]), (&"v6e-1".into(), &"mxfp4".into()));
    assert!(chosen["reason"].as_str().is_some_and(|reason| reason.contains("bf16 does not fit")), "{chosen}");
}

#[test]
fn people_see_a_table_that_names_what_is_too_much() {
    let output = plan(&["--model", "gpt-oss-20b", "--target", "v5e-1,v6e-4"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    assert!(!shown.contains('\u{1b}') && shown.lines().all(|line| line.chars().count() <= 130), "{shown}");
    let line = |start: &str| shown.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{shown}"));
    assert!(line("  bf16").ends_with("does not fit: the experts 35.9"), "{shown}");
    assert!(line("  bf16").contains("████████████████████▶  2"), "{shown}");
    assert!(line("▸ mxfp4").contains(" yes ") && line("▸ mxfp4").ends_with("fits"), "{shown}");
    assert!(
        shown.contains("  mxfp4 is exact and fits with room to spare; bf16, fp8 and int8 do not fit.\n"),
        "{shown}"
    );
    assert!(
        shown.contains("v6e-4: 4 devices of 31.2 GiB") && shown.contains("Of all: mxfp4 on v6e-4 is exact"),
        "{shown}"
    );
}

#[test]
fn what_does_not_fit_ends_with_3_and_names_the_nearest_that_does() {
    let asked = ["--model", "gpt-oss-20b", "--target", "v6e-1", "--weights", "bf16"];
    let output = plan(&asked);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    for part in [
        "is estimated not to fit `v6e-1`: it needs 39.4 GiB",
        "a device has 31.2 GiB",
        "the experts 35.9 GiB",
        "hint: on `v6e-1` `--weights fp8`, `--weights int8` or `--weights mxfp4` would fit",
        "bf16 weights would fit `--target v2-8`, `--target v5e-4` or `--target ",
    ] {
        assert!(said.contains(part), "`{part}` is not in:\n{said}");
    }
    let found = report(&asked, 3);
    assert!(found["chosen"].is_null(), "{found}");
    let nearest = found["nearest"].as_array().expect("an array");
    assert!(nearest.iter().all(|row| row["fits"] == true) && nearest.len() == 6, "{found}");

    // Compiling asks the same question of `auto`, before any compiler is started.
    let mut command = Command::new(env!("CARGO_BIN_EXE_precast"));
    command.args(["compile", "--model", "gpt-oss-120b", "--target", "v6e-1", "--out", "/nowhere/bundle"]);
    let output = command.output().expect("the program starts");
    let said = text(&output.stderr);
    assert!(output.status.code() == Some(3) && said.contains("gpt-oss-120b` with mxfp4 experts"), "{said}");
}

#[test]
fn the_compiler_replaces_estimates() {
    device::installed("tpu");
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("small");
    std::fs::create_dir(&model).expect("a folder");
    let config = serde_json::json!({
        "num_hidden_layers": 2, "num_experts": 8, "experts_per_token": 4, "vocab_size": 4096, "hidden_size": 256,
        "intermediate_size": 256, "swiglu_limit": 7.0, "head_dim": 64, "num_attention_heads": 8,
        "num_key_value_heads": 2, "sliding_window": 128, "initial_context_length": 4096, "rope_theta": 150000,
        "rope_scaling_factor": 32.0, "rope_ntk_alpha": 1, "rope_ntk_beta": 32,
    });
    std::fs::write(model.join("config.json"), config.to_string()).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_precast"));
    command.args(["plan", "--compiled", "--json", "--target", "v5e-1", "--weights", "fp8,mxfp4", "--prefill", "16"]);
    command.args(["--context", "512", "--model"]).arg(&model).env("PRECAST_CACHE_DIR", folder.path().join("cache"));
    let output = command.output().expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for row in rows(&report) {
        assert!(row["compiled"] == true && row["temp_bytes"].as_u64() > Some(0), "{row}");
        let (cycles, roofline) = (row["decode_cycles"].as_u64(), row["roofline_cycles"].as_u64());
        assert!(cycles > roofline && roofline > Some(0), "{row}");
    }
    assert_eq!(report["chosen"]["weights"], "mxfp4");
}
