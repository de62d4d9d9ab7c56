//! Packed files: what is in them is what packing gives, in the parts that devices hold; they come out of either layout alike, go back into
//! both, and survive interruption.

#[path = "support/checkpoint.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod checkpoint;
#[path = "support/shapes.rs"]
mod shapes;
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use checkpoint::{Noise, Stored, Tensors, file};
use hlo::Division;
use precast::graph::mesh;
use precast::plan::{Plan, Precision, Strategy};
use precast::target::Target;
use precast::weights::packed::{Packed, PackedError, Packer};
use precast::weights::{Checkpoint, Published, Store, Supplied, pack, unpack};
use proptest::prelude::*;
use safetensors::SafeTensors;
use shapes::shapes;
use support::synthetic::{Layout, Shape};
use tempfile::TempDir;

/// `shape` in both layouts, below `original` and `hf`, its blocks random and its scales from `lowest` to `highest`.
fn checkpoints(shape: &Shape, seed: u64, lowest: u8, highest: u8) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, layout) in [("original", Layout::Original { shards: 1 }), ("hf", Layout::HuggingFace { shards: 1 })] {
        let folder = folder.path().join(name);
        shape.write(layout, &folder).expect("a checkpoint");
        let tensors = shape.tensors(layout).into_iter().map(|tensor| {
            let mut bytes = tensor.data();
            // The same noise whatever the layout calls the tensor: both have the same expert tensors in the same order of layers.
            let is = |end: &str| tensor.name.ends_with(end);
            let mut noise = Noise::new(seed ^ bytes.len() as u64);
            if tensor.dtype == "U8" && is("scales") {
                bytes.iter_mut().for_each(|byte| *byte = lowest + noise.below(usize::from(highest - lowest) + 1) as u8);
            } else if tensor.dtype == "U8" {
                bytes.iter_mut().for_each(|byte| *byte = noise.below(256) as u8);
            }
            (tensor.name, Stored { dtype: tensor.dtype, dims: tensor.dims, bytes })
        });
        std::fs::write(folder.join("model.safetensors"), file(&tensors.collect::<Tensors>())).expect("a file");
    }
    folder
}

fn plan(target: &str, strategy: Strategy) -> Plan {
    Plan::new(&Target::named(target).expect("a target"), strategy, 16)
}

/// Packs the checkpoint in `folder` to `out`.
fn write(folder: &Path, target: &str, strategy: Strategy, out: &Path) -> precast::weights::packed::Written {
    let checkpoint = Checkpoint::open(folder).expect("a checkpoint");
    let plan = plan(target, strategy);
    let packer = Packer { checkpoint: &checkpoint, plan: &plan, target, tokenizer: "test", threads: 2 };
    packer.write(out, &()).expect("a packed file")
}

/// Every tensor of a file by its name.
fn tensors(file: &Path) -> BTreeMap<String, (String, Vec<usize>, Vec<u8>)> {
    let bytes = std::fs::read(file).expect("a file");
    let tensors = SafeTensors::deserialize(&bytes).expect("the safetensors crate reads it");
    let tensor = |(name, view): (&str, safetensors::tensor::TensorView<'_>)| {
        (name.to_owned(), (view.dtype().to_string(), view.shape().to_vec(), view.data().to_vec()))
    };
    tensors.iter().map(tensor).collect()
}

/// What a session gets of a packed file are the parts of what it would make of the checkpoint.
fn check_supply(packed: &Path, folder: &Path, plan: &Plan) -> Result<(), TestCaseError> {
    let checkpoint = Checkpoint::open(folder).expect("a checkpoint");
    let store = Store::open(packed).expect("a packed file");
    let supply = store.supply(plan).expect("it is packed for this plan");
    let mesh = mesh(checkpoint.config(), plan);
    for weight in &supply.weights {
        let mut expected = vec![0xa5; weight.ty.host_bytes()];
        pack::fill(&checkpoint, weight, &mut expected).expect("it packs");
        match supply.weight(weight).expect("it is there") {
            Supplied::Whole(bytes) => prop_assert!(bytes.as_ref() == expected, "{}", weight.name),
            Supplied::Parts(parts) => {
                let division = Division::new(&weight.ty, &weight.sharding, mesh.as_ref(), plan.devices).expect("parts");
                let devices: Vec<usize> = division.distinct().collect();
                prop_assert_eq!(devices.len(), parts.len());
                for (number, (device, part)) in devices.into_iter().zip(parts).enumerate() {
                    let cut: Vec<u8> = division.runs(device).flat_map(|run| expected[run].to_vec()).collect();
                    prop_assert!(part.as_ref() == cut, "{} on device {device}", weight.name);
                    let aligned = part.as_ref().as_ptr().addr().is_multiple_of(64);
                    prop_assert!(aligned || number > 0, "{} is not aligned", weight.name);
                }
            }
        }
    }
    Ok(())
}

/// The file unpacked into `layout` has exactly the tensors of `original`.
fn check_unpack(packed: &Path, layout: Published, original: &Path) -> Result<(), TestCaseError> {
    let out = tempfile::tempdir().expect("a folder");
    unpack(&Packed::open(packed).expect("a packed file"), layout, out.path(), &()).expect("it unpacks");
    let (found, expected) = (tensors(&out.path().join("model.safetensors")), tensors(original));
    prop_assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, (dtype, dims, bytes)) in &expected {
        let (found_dtype, found_dims, found_bytes) = &found[name];
        prop_assert_eq!((found_dtype, found_dims), (dtype, dims), "{}", name);
        prop_assert!(found_bytes == bytes, "{name}");
    }
    let config = |folder: &Path| precast::config::Config::read(folder).expect("a configuration");
    let name = "model".to_owned();
    let (found, expected) = (config(out.path()), config(original.parent().expect("a folder")));
    prop_assert_eq!(
        precast::config::Config { name: name.clone(), ..found },
        precast::config::Config { name, ..expected }
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn files_hold_what_packing_gives(
        shape in shapes("packed", 12), seed in any::<u64>(),
        target in prop::sample::select(vec!["cpu", "cpu-2", "cpu-4", "v5e-1", "v6e-4", "tpu7x-2", "v5e-8"]),
        experts in prop::sample::select(vec![Precision::Bf16, Precision::Fp8, Precision::Int8, Precision::Mxfp4]),
        dense in prop::sample::select(vec![Precision::Bf16, Precision::Fp8, Precision::Int8]),
    ) {
        let folder = checkpoints(&shape, seed, 0, 252);
        let [original, hf, out, other] = ["original", "hf", "out.st", "other.st"].map(|name| folder.path().join(name));
        let strategy = Strategy { dense, ..Strategy::new(experts) };
        let written = write(&original, target, strategy, &out);
        prop_assert_eq!(written.bytes, out.metadata().unwrap().len());
        check_supply(&out, &original, &plan(target, strategy))?;
        Packed::open(&out).unwrap().verify(&()).unwrap();

        write(&hf, target, strategy, &other);
        prop_assert!(std::fs::read(&out).unwrap() == std::fs::read(&other).unwrap(), "the layouts give different files");
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        prop_assert_eq!(left.len(), 4, "{:?}", left);

        match (experts, dense) {
            (Precision::Mxfp4, Precision::Bf16) => {
                check_unpack(&out, Published::Original, &original.join("model.safetensors"))?;
                check_unpack(&out, Published::HuggingFace, &hf.join("model.safetensors"))?;
            }
            (Precision::Bf16, Precision::Bf16) => {}
            _ => {
                let into = folder.path().join("unpacked");
                let refused = unpack(&Packed::open(&out).unwrap(), Published::Original, &into, &());
                prop_assert!(matches!(refused, Err(PackedError::Inexact { .. })), "{refused:?}");
                prop_assert!(!into.exists());
            }
        }
    }

    /// Experts that were packed as bf16 have the same values in whatever layout they are unpacked to.
    #[test]
    fn bf16_experts_keep_their_values(shape in shapes("packed", 12), seed in any::<u64>(), devices in 1usize..4) {
        let folder = checkpoints(&shape, seed, 1, 240);
        let [original, packed, again] = ["original", "out.st", "again.st"].map(|name| folder.path().join(name));
        let target = if devices == 1 { "cpu".to_owned() } else { format!("cpu-{devices}") };
        let strategy = Strategy::new(Precision::Bf16);
        write(&original, &target, strategy, &packed);
        for layout in [Published::Original, Published::HuggingFace] {
            let unpacked = folder.path().join(format!("{layout:?}"));
            unpack(&Packed::open(&packed).unwrap(), layout, &unpacked, &()).expect("it unpacks");
            write(&unpacked, &target, strategy, &again);
            prop_assert!(std::fs::read(&packed).unwrap() == std::fs::read(&again).unwrap(), "{layout:?}");
        }
    }
}

/// The report of a checkpoint whose losses can be counted by hand: one row has a block far below its others.
#[test]
fn losses_are_told_tensor_by_tensor() {
    let shape = Shape { layers: 1, ..Shape::named("ordinary") };
    let folder = tempfile::tempdir().expect("a folder");
    let [model, out] = ["model", "out.st"].map(|name| folder.path().join(name));
    shape.write(Layout::Original { shards: 1 }, &model).expect("a checkpoint");
    let losses = |strategy| {
        let manifest = write(&model, "cpu", strategy, &out).manifest;
        let opened = Packed::open(&out).expect("a packed file").manifest().clone();
        assert_eq!(opened, manifest);
        manifest.tensors.into_iter().map(|tensor| (tensor.name, tensor.losses)).collect::<BTreeMap<_, _>>()
    };
    let fp8 = losses(Strategy::new(Precision::Fp8));
    let told: Vec<&str> = fp8.iter().filter(|(_, losses)| losses.is_some()).map(|(name, _)| name.as_str()).collect();
    assert_eq!(told, ["layers.0.moe.down.weight", "layers.0.moe.gate_up.weight"]);
    let down = fp8["layers.0.moe.down.weight"].expect("codes");
    // The synthetic block number 17 has scale byte 2; of its 32 values those that are not zeros go to zero, and nothing else changes.
    let tensors = shape.tensors(Layout::Original { shards: 1 });
    let blocks = tensors.iter().find(|tensor| tensor.name.ends_with("mlp2_weight.blocks")).expect("blocks").data();
    let nibbles = blocks[17 * 16..18 * 16].iter().flat_map(|byte| [byte & 7, byte >> 4 & 7]);
    let lost = nibbles.filter(|code| *code != 0).count() as u64;
    assert_eq!((down.scaled.inexact, down.scaled.flushed_to_zero, down.scaled.saturated), (lost, lost, 0));
    assert_eq!(down.scaled.values, (shape.experts * shape.hidden * shape.expert_width) as u64);
    assert_eq!(down.scaled.worst_relative_error, 1.0);
    assert!(down.plain_cast.inexact >= lost);

    let exact = losses(Strategy::new(Precision::Mxfp4));
    assert!(exact.values().all(Option::is_none));
    let int8 = losses(Strategy { dense: Precision::Int8, ..Strategy::new(Precision::Int8) });
    for (name, losses) in int8.iter().filter_map(|(name, losses)| Some((name, losses.as_ref()?))) {
        let (scaled, plain) = (losses.scaled, losses.plain_cast);
        assert!(scaled.inexact * 10 > scaled.values && scaled.saturated == 0, "{name}: {scaled:?}");
        assert!(scaled.mean_relative_error < plain.mean_relative_error, "{name}: {losses:?}");
        assert_eq!(scaled.values, plain.values, "{name}");
    }
    assert_eq!(int8.values().flatten().count(), 2 + 4, "two of experts, two of attention, embedding and head");
}

fn precast(arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("precast"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    precast(arguments).output().expect("it runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(arguments: &[&str]) -> serde_json::Value {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

/// As a user does it: pack, look, run, unpack, and everything that can be asked wrongly.
#[test]
fn the_command_packs_runs_and_unpacks() {
    let folder = tempfile::tempdir().expect("a folder");
    let [model, packed, fp8, unpacked] = ["model", "m.st", "fp8.st", "unpacked"].map(|name| folder.path().join(name));
    Shape::named("wide").write(Layout::Original { shards: 1 }, &model).expect("a checkpoint");
    let pack = |out: &Path, more: &[&str]| {
        json(&[&["pack", "--json", "--model", text(&model), "--out", text(out)], more].concat())
    };
    let report = pack(&packed, &["--weights", "mxfp4"]);
    assert_eq!(
        (&report["exact"], &report["weights"], &report["resumed_bytes"]),
        (&true.into(), &"mxfp4".into(), &0.into())
    );
    assert_eq!(report["bytes"], packed.metadata().unwrap().len());

    let generate = |model: &Path, more: &[&str]| {
        let usual =
            ["run", "--json", "--tokens", "1,2,3,4,5,6,7", "--max-new", "8", "--ignore-stop", "--model", text(model)];
        json(&[&usual, more].concat())["tokens"].clone()
    };
    let expected = generate(&model, &["--weights", "mxfp4"]);
    assert_eq!(expected.as_array().map(Vec::len), Some(8));
    assert_eq!(generate(&packed, &[]), expected);

    let shown = run(&["inspect", text(&packed), "--verify"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    for expected in ["m for cpu: mxfp4 experts, bf16 else", "every checksum right", "Every value is the checkpoint's."]
    {
        assert!(shown.contains(expected), "{shown}");
    }
    let report = pack(&fp8, &["--weights", "fp8"]);
    assert_eq!(report["exact"], false);
    let shown = run(&["inspect", text(&fp8)]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("moe.gate_up.weight × 2"), "{}", said(&shown));

    let refused = |arguments: &[&str], code: i32, words: &[&str]| {
        let output = run(arguments);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        words.iter().for_each(|word| assert!(said.contains(word), "{arguments:?} does not say `{word}`: {said}"));
    };
    let of = ["run", "--tokens", "1,2", "--max-new", "1", "--model"];
    refused(
        &[&of[..], &[text(&packed), "--weights", "fp8"]].concat(),
        2,
        &["packed for target `cpu`", "mxfp4 experts", "fp8 experts"],
    );
    refused(&[&of[..], &[text(&packed), "--target", "cpu-2"]].concat(), 2, &["one device", "2 devices"]);
    refused(&[&of[..], &[text(&model.join("model.safetensors"))]].concat(), 1, &["`precast pack` did not write"]);
    refused(
        &["unpack", text(&fp8), "--layout", "original", "--out", text(&unpacked)],
        1,
        &["the experts in fp8", "mxfp4"],
    );
    refused(&["pack", "--model", text(&packed), "--out", text(&fp8)], 2, &["is a file, expected a folder"]);
    let own = model.join("model.safetensors");
    refused(&["pack", "--model", text(&model), "--out", text(&own)], 2, &["the checkpoint is read from"]);
    refused(&["pack", "--model", text(&model), "--out", "/nowhere/at/all"], 1, &["cannot write", "/nowhere/at/"]);

    json(&["unpack", text(&packed), "--layout", "original", "--out", text(&unpacked), "--json"]);
    let bytes = |folder: &Path| std::fs::read(folder.join("model.safetensors")).expect("a file");
    assert!(bytes(&unpacked) == bytes(&model), "the whole file is what it was");
    refused(&["unpack", text(&packed), "--layout", "hf", "--out", text(&unpacked)], 1, &["is there already"]);

    // One bit of a tensor, and a file that was cut short.
    let mut damaged = std::fs::read(&packed).expect("a file");
    let last = damaged.len() - 1;
    damaged[last] ^= 4;
    std::fs::write(&packed, &damaged).expect("a file");
    refused(&["inspect", text(&packed), "--verify"], 1, &["SHA-256", "unembedding.weight"]);
    std::fs::write(&packed, &damaged[..last]).expect("a file");
    refused(&[&of[..], &[text(&packed)]].concat(), 1, &["no sound safetensors file", "pack again"]);
}

/// What cannot be packed is refused with its place, and leaves nothing behind.
#[test]
fn a_checkpoint_that_cannot_be_packed_leaves_nothing() {
    let folder = checkpoints(&Shape::named("odd"), 3, 100, 120);
    let original = folder.path().join("original");
    let file = original.join("model.safetensors");
    let mut bytes = std::fs::read(&file).expect("a file");
    let header = precast::weights::header::Header::parse(&bytes).expect("a header");
    let scales = header.tensors["block.2.mlp.mlp2_weight.scales"].bytes.clone();
    bytes[scales.start + 7] = 255;
    std::fs::write(&file, bytes).expect("a file");
    for weights in ["mxfp4", "fp8", "int8", "bf16"] {
        let out = folder.path().join("out.st");
        let output = run(&["pack", "--model", text(&original), "--weights", weights, "--out", text(&out)]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{weights}: {said}");
        assert!(said.contains("`block.2.mlp.mlp2_weight.scales` has scale 255 at [0, 1, 2]"), "{weights}: {said}");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 2, "{weights}");
    }
}

/// A checkpoint that takes long enough to pack for somebody to end it.
fn write_large(name: &str, folder: &Path) {
    let sizes = Shape { layers: 12, hidden: 512, expert_width: 512, experts: 16, ..Shape::named("wide") };
    let shape = Shape { name: name.into(), ..sizes };
    shape.write(Layout::Original { shards: 1 }, folder).expect("a checkpoint");
}

/// Killed again and again at any moment, and given again: what is written is kept, and the file is the same in the end.
#[test]
fn a_killed_packing_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let [model, whole, out] = ["model", "whole.st", "out.st"].map(|name| folder.path().join(name));
    write_large("killed", &model);
    let arguments = |out: &Path| {
        let words =
            ["pack", "--json", "--model", text(&model), "--weights", "int8", "--out", text(out), "--threads", "2"];
        words.map(str::to_owned)
    };
    let began = Instant::now();
    let report = json(&arguments(&whole).each_ref().map(String::as_str));
    let (took, total) = (began.elapsed(), report["bytes"].as_u64().expect("bytes"));
    let mut noise = Noise::new(7);
    let mut kills = 0;
    for _ in 0..4 {
        let words = arguments(&out);
        let mut child = precast(&words.each_ref().map(String::as_str))
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        std::thread::sleep(took.mul_f64(0.1 + 0.05 * noise.below(6) as f64));
        child.kill().expect("it dies");
        kills += usize::from(!out.exists());
        child.wait().expect("it ends");
    }
    // Another writer damages what the journal believes in: that tensor is made again.
    let partial = std::fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").path());
    let partial: Vec<PathBuf> = partial.filter(|path| path.extension().is_some_and(|end| end == "partial")).collect();
    if let [partial] = &partial[..] {
        let mut bytes = std::fs::read(partial).expect("a file");
        bytes.iter_mut().skip(8192).take(100_000).for_each(|byte| *byte ^= 1);
        std::fs::write(partial, bytes).expect("a file");
    }
    let report = json(&arguments(&out).each_ref().map(String::as_str));
    assert!(kills > 0, "it was killed before it was done");
    println!("killed {kills} times; {} of {total} bytes were kept", report["resumed_bytes"]);
    assert!(std::fs::read(&out).expect("a file") == std::fs::read(&whole).expect("a file"));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

/// Ctrl-C says what it leaves, and ends with 130.
#[cfg(unix)]
#[test]
fn an_interrupted_packing_says_what_it_leaves() {
    let folder = tempfile::tempdir().expect("a folder");
    let [model, out] = ["model", "out.st"].map(|name| folder.path().join(name));
    write_large("interrupted", &model);
    let mut command =
        precast(&["pack", "--model", text(&model), "--weights", "int8", "--threads", "1", "--out", text(&out)]);
    let child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
    let journal = || {
        std::fs::read_dir(folder.path()).unwrap().any(|entry| {
            let path = entry.unwrap().path();
            path.extension().is_some_and(|end| end == "journal") && path.metadata().is_ok_and(|found| found.len() > 0)
        })
    };
    let began = Instant::now();
    while !journal() && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("it runs").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(said(&output).contains("interrupted; the same command goes on from what is written"), "{}", said(&output));
    assert!(!out.exists());
    let report =
        json(&["pack", "--json", "--model", text(&model), "--weights", "int8", "--threads", "1", "--out", text(&out)]);
    assert!(report["resumed_bytes"].as_u64() > Some(0), "{report}");
}
