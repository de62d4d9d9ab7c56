//! Checkpoints of Orbax: what the real one writes is read in every variant, what we write it restores, and damaged ones give one clear error.

#[path = "support/checkpoint.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod checkpoint;
#[path = "support/python.rs"]
mod python;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use checkpoint::*;
use hlo::ElementType;
use precast::digest::hex;
use precast::graph::params;
use precast::plan::{Plan, Precision, Strategy};
use precast::weights::header::StoredType;
use precast::weights::orbax::{self, OrbaxError, Tree, Writer};
use precast::weights::{Checkpoint, pack};
use proptest::prelude::*;
use safetensors::Dtype;
use sha2::{Digest, Sha256};
use support::synthetic::{Layout, Shape};
use tempfile::TempDir;

const VARIANTS: [&str; 11] = [
    "standard",
    "manager",
    "v2",
    "v3",
    "ocdbt-v3",
    "sharded",
    "sharded-v2",
    "sharded-v3",
    "chunked",
    "chunked-v2",
    "chunked-v3",
];

fn succeeded(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn script(name: &str) -> Command {
    let mut command = Command::new(python::orbax());
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/orbax").join(name));
    command
}

/// `tensors` as Orbax saves them, a folder a variant.
fn saved(tensors: &Tensors, keys: &str, variants: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("source.safetensors");
    fs::write(&source, file(tensors)).expect("a file");
    succeeded(script("save.py").arg(&source).arg(folder.path()).arg(keys).args(variants));
    folder
}

/// Arrays of every type that checkpoints have, and of every rank, with any bytes: NaNs of all kinds too.
fn arrays() -> Tensors {
    let noise = &mut Noise::new(3);
    let mut tensors = Tensors::new();
    let mut add = |name: &str, dtype: &'static str, width: usize, dims: &[usize]| {
        let count = dims.iter().product::<usize>() * width;
        let bytes = (0..count).map(|_| noise.below(256) as u8).collect();
        tensors.insert(name.to_owned(), Stored { dtype, dims: dims.to_vec(), bytes });
    };
    for (dtype, width) in [("BF16", 2), ("F8_E4M3", 1), ("U8", 1), ("I8", 1), ("F32", 4), ("F16", 2)] {
        add(&format!("{dtype}.matrix"), dtype, width, &[10, 14]);
        add(&format!("{dtype}.odd.stack"), dtype, width, &[3, 5, 7]);
        add(&format!("{dtype}.odd.row"), dtype, width, &[9]);
        add(&format!("{dtype}.odd.scalar"), dtype, width, &[]);
    }
    // More than a block of zstd, and of values that it makes small.
    add("large.noise", "U8", 1, &[600, 512]);
    let zeros = Stored { dtype: "BF16", dims: vec![400, 300], bytes: vec![0; 240_000] };
    tensors.insert("large.zeros".to_owned(), zeros);
    tensors
}

fn open(folder: &Path) -> Tree {
    let found = orbax::find(folder).unwrap_or_else(|error| panic!("{error}")).expect("a checkpoint");
    Tree::open(&found).unwrap_or_else(|error| panic!("{error}"))
}

fn check(folder: &Path, expected: &Tensors) {
    let tree = open(folder);
    assert_eq!(tree.arrays().map(orbax::Array::name).collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (array, Stored { dtype, dims, bytes }) in tree.arrays().zip(expected.values()) {
        let place = format!("{} in {}", array.name(), folder.display());
        assert_eq!((array.ty().element.to_string(), &array.ty().dims), ((*dtype).to_owned(), dims), "{place}");
        let found = array.bytes().unwrap_or_else(|error| panic!("{error}"));
        assert!(found[..] == bytes[..], "{place}");
    }
}

#[test]
fn what_orbax_writes_is_read() {
    let arrays = arrays();
    let folder = saved(&arrays, "nested", &VARIANTS);
    VARIANTS.iter().for_each(|variant| check(&folder.path().join(variant), &arrays));
    for keys in ["flat", "train"] {
        let folder = saved(&arrays, keys, &["standard", "v2"]);
        ["standard", "v2"].iter().for_each(|variant| check(&folder.path().join(variant), &arrays));
    }
}

fn stored_type(Stored { dtype, dims, .. }: &Stored) -> StoredType {
    let element = [Dtype::BF16, Dtype::F8_E4M3, Dtype::U8, Dtype::I8, Dtype::F32, Dtype::F16];
    let element = element.into_iter().find(|element| element.to_string() == *dtype).expect("a type");
    StoredType { element, dims: dims.clone() }
}

fn write_arrays(tensors: &Tensors, out: &Path) -> Result<(), OrbaxError> {
    let mut writer = Writer::new(out, "{}")?;
    for (name, tensor) in tensors {
        let fill = |out: &mut dyn std::io::Write| {
            out.write_all(&tensor.bytes).expect("written");
            Ok::<_, OrbaxError>(())
        };
        writer.array(name, &stored_type(tensor), fill)?;
    }
    writer.finish()
}

/// What Orbax restores: type, axes and digest of every array.
fn restored(folder: &Path) -> BTreeMap<String, (String, Vec<usize>, String)> {
    let output = succeeded(script("restore.py").arg(folder));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn told(tensors: &Tensors) -> BTreeMap<String, (String, Vec<usize>, String)> {
    let numpy = [
        ("BF16", "bfloat16"),
        ("F8_E4M3", "float8_e4m3fn"),
        ("U8", "uint8"),
        ("I8", "int8"),
        ("F32", "float32"),
        ("F16", "float16"),
    ];
    let told = |(name, Stored { dtype, dims, bytes }): (&String, &Stored)| {
        let (_, dtype) = numpy.iter().find(|(ours, _)| ours == dtype).expect("a type");
        (name.clone(), ((*dtype).to_owned(), dims.clone(), hex(&Sha256::digest(bytes))))
    };
    tensors.iter().map(told).collect()
}

#[test]
fn what_we_write_orbax_restores() {
    let (folder, arrays) = (tempfile::tempdir().expect("a folder"), arrays());
    let out = folder.path().join("12");
    write_arrays(&arrays, &out).expect("written");
    assert_eq!(restored(&out), told(&arrays));
    check(folder.path(), &arrays);
    for array in open(&out).arrays() {
        let bytes = array.bytes().expect("bytes");
        assert!(bytes.file().starts_with(array.place()), "{} is mapped where it lies", array.name());
    }

    // Nothing is written over, and what an interrupted writing left is in nobody's way.
    let error = write_arrays(&arrays, &out).expect_err("it is there");
    assert!(matches!(error, OrbaxError::Exists { .. }), "{error}");
    let (next, left) = (folder.path().join("13"), folder.path().join("13.orbax-checkpoint-tmp"));
    fs::create_dir_all(left.join("large.noise")).expect("a folder");
    fs::create_dir(&next).expect("a folder");
    let held = Writer::new(&next, "{}").expect("a writer");
    assert!(matches!(Writer::new(&next, "{}"), Err(OrbaxError::Busy { .. })));
    drop(held);
    write_arrays(&arrays, &next).expect("written");
    assert!(!left.exists());
    check(folder.path(), &arrays);
}

/// Every weight's bytes by name, in the types of both kinds of plans.
fn weights(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let checkpoint = Checkpoint::open(folder).unwrap_or_else(|error| panic!("{error}"));
    let mut all = BTreeMap::new();
    for experts in [Precision::Bf16, Precision::Mxfp4] {
        let strategy = Strategy { experts, ..Strategy::plain(ElementType::Bf16) };
        for weight in params::weights(checkpoint.config(), &Plan::host(strategy, 4)) {
            let mut bytes = vec![0xaa; weight.ty.host_bytes()];
            pack::fill(&checkpoint, &weight, &mut bytes).unwrap_or_else(|error| panic!("{error}"));
            if let Some(mapped) = pack::mapped(&checkpoint, &weight) {
                assert_eq!(&mapped[..], bytes, "{}", weight.name);
            }
            all.insert(format!("{experts:?} {}", weight.name), bytes);
        }
    }
    all
}

#[test]
fn a_model_is_the_same_in_every_variant() {
    for (files, tensors) in [(original(), original_tensors()), (hugging_face(), hugging_face_tensors())] {
        let expected = weights(write(&files).path());
        let saved = saved(&tensors, "nested", &VARIANTS);
        for (at, variant) in VARIANTS.iter().enumerate() {
            // Beside the checkpoint, in its own folder, or in the one above.
            let model = saved.path().join(variant);
            let place = if at % 3 == 0 { saved.path() } else { &model };
            fs::write(place.join("config.json"), &files["config.json"]).expect("a file");
            assert!(weights(&model) == expected, "{variant}");
            fs::remove_file(place.join("config.json")).expect("removed");
        }
    }
}

fn precast(arguments: &[&str]) -> Output {
    Command::new(assert_cmd::cargo::cargo_bin!("precast")).args(arguments).output().expect("the program")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// As a user does it: to Orbax and back, from a checkpoint and from a packed file, scored on the way, and asked wrongly.
#[test]
fn the_command_goes_both_ways() {
    let folder = tempfile::tempdir().expect("a folder");
    let (model, shape) = (&folder.path().join("model"), Shape::named("odd"));
    let layout = Layout::Original { shards: 1 };
    shape.write(layout, model).expect("a checkpoint");
    let stored = |tensor: support::synthetic::Tensor| {
        (tensor.name.clone(), Stored { dtype: tensor.dtype, dims: tensor.dims.clone(), bytes: tensor.data() })
    };
    let tensors: Tensors = shape.tensors(layout).into_iter().map(stored).collect();
    let place = |name: &str| -> PathBuf { folder.path().join(name) };
    let done = |arguments: &[&str]| {
        let output = precast(arguments);
        assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let refused = |arguments: &[&str], words: &[&str]| {
        let output = precast(arguments);
        let error = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}\n{error}");
        words.iter().for_each(|word| assert!(error.contains(word), "{error}"));
    };
    let report = done(&["unpack", text(model), "--layout", "orbax", "--out", text(&place("tree")), "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&report).expect("JSON")["tensors"], tensors.len());
    assert_eq!(restored(&place("tree")), told(&tensors));
    done(&["pack", "--model", text(&place("tree")), "--weights", "mxfp4", "--out", text(&place("packed"))]);
    done(&["unpack", text(&place("packed")), "--layout", "orbax", "--out", text(&place("again"))]);
    assert_eq!(restored(&place("again")), told(&tensors));
    done(&["unpack", text(&place("again")), "--layout", "original", "--out", text(&place("back"))]);
    let of_file = |file: &Path| {
        let bytes = fs::read(file).expect("a file");
        let all = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
        all.iter().map(|(name, view)| (name.to_owned(), view.data().to_vec())).collect::<BTreeMap<_, _>>()
    };
    assert!(of_file(&place("back/model.safetensors")) == of_file(&model.join("model.safetensors")));

    let score = |model: &Path| {
        let out = place("logits");
        done(&["score", "--model", text(model), "--tokens", "1,2,3,4,5", "--compute", "f32", "--out", text(&out)]);
        of_file(&out)
    };
    let saved = saved(&tensors, "nested", &["sharded"]);
    fs::copy(model.join("config.json"), saved.path().join("sharded/config.json")).expect("a copy");
    let expected = score(model);
    assert!(expected["logits"].as_chunks().0.iter().all(|logit| f32::from_le_bytes(*logit).is_finite()));
    assert!(score(&place("tree")) == expected);
    assert!(score(&saved.path().join("sharded")) == expected);
    let plan = done(&["plan", "--model", text(&saved.path().join("sharded")), "--target", "cpu"]);
    assert!(plan.contains("sharded"), "{plan}");

    refused(
        &["unpack", text(&place("tree")), "--layout", "hf", "--out", text(&place("hf"))],
        &["the names of the `original` layout, asked for is the `hf` layout", "pack it with `--weights mxfp4`"],
    );
    let again =
        ["unpack", text(&place("packed")), "--layout", "orbax", "--out", text(&place("again"))].map(str::to_owned);
    refused(&again.each_ref().map(String::as_str), &["is there already", "choose another folder"]);
}

/// The error of a checkpoint with something wrong, and its hint.
fn error(folder: &Path) -> String {
    let opened = Checkpoint::open(folder).map_err(|error| (error.to_string(), error.hint()));
    let filled = opened.and_then(|checkpoint| {
        let plan = Plan::host(Strategy::plain(ElementType::Bf16), 4);
        params::weights(checkpoint.config(), &plan).iter().try_for_each(|weight| {
            let filled = pack::fill(&checkpoint, weight, &mut vec![0; weight.ty.host_bytes()]);
            filled.map_err(|error| (error.to_string(), error.hint()))
        })
    });
    let (message, hint) = filled.expect_err("something is wrong");
    let hint = hint.map_or_else(String::new, |hint| format!("\nhint: {hint}"));
    checkpoint::message(folder, &message) + &hint
}

/// Two variants of a small model, made once.
fn models() -> &'static (Vec<u8>, TempDir) {
    static MODELS: OnceLock<(Vec<u8>, TempDir)> = OnceLock::new();
    MODELS.get_or_init(|| {
        let variants = ["standard", "v2", "sharded-v3", "chunked-v3"];
        (original_config(), saved(&original_tensors(), "nested", &variants))
    })
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to)
        } else {
            fs::write(to, fs::read(entry.path()).expect("a file")).expect("a copy")
        }
    }
}

/// A copy of one of the models, to be damaged.
fn model(variant: &str) -> TempDir {
    let (config, saved) = models();
    let folder = tempfile::tempdir().expect("a folder");
    copy(&saved.path().join(variant), folder.path());
    fs::write(folder.path().join("config.json"), config).expect("a file");
    folder
}

#[test]
fn every_fault_has_its_sentence() {
    let fault = |variant: &str, damage: &dyn Fn(&Path)| {
        let folder = model(variant);
        damage(folder.path());
        error(folder.path())
    };
    let edit = |file: &str, from: &str, to: &str| {
        let (file, from, to) = (file.to_owned(), from.to_owned(), to.to_owned());
        move |folder: &Path| {
            let text = fs::read_to_string(folder.join(&file)).expect("text");
            assert!(text.contains(&from), "{text}");
            fs::write(folder.join(&file), text.replace(&from, &to)).expect("a file");
        }
    };
    let remove = |file: &'static str| move |folder: &Path| fs::remove_file(folder.join(file)).expect("removed");
    let flip = |file: &Path, at: usize| {
        let mut bytes = fs::read(file).expect("a file");
        bytes[at] ^= 1;
        fs::write(file, bytes).expect("a file");
    };
    let cut = |file: &'static str| {
        move |folder: &Path| {
            let bytes = fs::read(folder.join(file)).expect("a file");
            fs::write(folder.join(file), &bytes[..bytes.len() - 3]).expect("a file");
        }
    };
    let told = [
        ("no array", fault("v2", &remove("norm.scale/.zarray"))),
        ("no chunk", fault("v2", &remove("norm.scale/0"))),
        ("no config", fault("v2", &remove("config.json"))),
        ("axes", fault("v2", &edit("norm.scale/.zarray", "[32]", "[31]"))),
        ("type", fault("v2", &edit("norm.scale/.zarray", "bfloat16", "float8_e4m3fn"))),
        ("unknown type", fault("v2", &edit("norm.scale/.zarray", "bfloat16", "int4"))),
        ("codec", fault("v2", &edit("norm.scale/.zarray", "\"zstd\"", "\"blosc\""))),
        ("codec 3", fault("sharded-v3", &edit("norm.scale/zarr.json", "\"zstd\"", "\"gzip\""))),
        ("grid", fault("sharded-v3", &edit("norm.scale/zarr.json", "regular", "rectilinear"))),
        ("no JSON", fault("v2", &edit("norm.scale/.zarray", "\"shape\"", "\"shape"))),
        ("cut chunk", fault("v2", &cut("norm.scale/0"))),
        (
            "index",
            fault("sharded-v3", &|folder| {
                let file = folder.join("norm.scale/c/0");
                flip(&file, fs::metadata(&file).expect("a file").len() as usize - 1);
            }),
        ),
        (
            "raw length",
            fault("v2", &|folder| {
                edit("norm.scale/.zarray", "{\"id\":\"zstd\",\"level\":1}", "null")(folder);
                fs::write(folder.join("norm.scale/0"), [0; 60]).expect("a file");
            }),
        ),
        ("another tree", fault("v2", &edit("_METADATA", "\"key\": \"sinks\"", "\"key\": \"norms\""))),
        (
            "one too many",
            fault("v2", &|folder| {
                let entry = "\"('x',)\": {\"key_metadata\": [{\"key\": \"norm.scale.x\", \"key_type\": 2}], \"value_metadata\": {\"value_type\": \"np.ndarray\"}}, ";
                copy(&folder.join("norm.scale"), &folder.join("norm.scale.x"));
                edit("_METADATA", "\"tree_metadata\": {", &format!("\"tree_metadata\": {{{entry}"))(folder);
            }),
        ),
        ("outside", fault("v2", &edit("_METADATA", "\"key\": \"sinks\"", "\"key\": \"/../../sinks\""))),
        ("unmerged", fault("standard", &remove("manifest.ocdbt"))),
        (
            "unfinished",
            fault("standard", &|folder| {
                fs::create_dir(folder.join("0.orbax-checkpoint-tmp")).expect("a folder");
                fs::remove_file(folder.join("_METADATA")).expect("removed");
            }),
        ),
        ("nothing", fault("standard", &remove("_METADATA"))),
    ];
    let told: Vec<String> = told.into_iter().map(|(what, error)| format!("# {what}\n{error}\n")).collect();
    insta::assert_snapshot!(told.join("\n"));

    // What a database has is another at every save: no line shows a checksum.
    let told = fault("standard", &|folder| flip(&folder.join("manifest.ocdbt"), 40));
    assert!(
        told.starts_with("`MODEL/manifest.ocdbt` is no sound part") && told.contains("the manifest has CRC32C"),
        "{told}"
    );
    let told = fault("standard", &cut("manifest.ocdbt"));
    assert!(told.contains("the manifest says that it has"), "{told}");
    let told = fault("standard", &|folder| {
        let mut nodes = Vec::new();
        all_files(&folder.join("d"), &mut nodes);
        flip(&nodes[0], 30);
    });
    assert!(told.starts_with("`MODEL/d/") && told.contains("a node of the tree has CRC32C"), "{told}");
}

#[test]
fn tools_around_orbax_find_ours_whole_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("0");
    let mut writer = Writer::new(&out, "{}").expect("a writer");
    let ty = StoredType { element: Dtype::U8, dims: vec![4] };
    let fill = |out: &mut dyn std::io::Write| {
        out.write_all(&[1, 2, 3, 4]).map_err(|source| OrbaxError::Write { file: PathBuf::new(), source })
    };
    writer.array("a", &ty, fill).expect("an array");
    assert!(matches!(orbax::find(folder.path()), Err(OrbaxError::Unfinished { .. })));
    for (name, dims) in [("b", vec![0]), ("../b", vec![4]), ("b/c", vec![4])] {
        let ty = StoredType { element: Dtype::U8, dims };
        assert!(matches!(writer.array(name, &ty, |_| Ok(())), Err(OrbaxError::Element { .. })), "{name}");
    }
    writer.finish().expect("a checkpoint");
    assert_eq!(orbax::find(folder.path()).expect("a checkpoint"), Some(out));
}

fn all_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { all_files(&path, found) } else { found.push(path) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is changed or cut: an error, or bytes of the right length; never a panic.
    #[test]
    fn no_change_of_a_file_panics(
        variant in 0usize..4, file in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bits in 1u8.., cut in any::<bool>(),
    ) {
        let (_, saved) = models();
        let folder = saved.path().join(["standard", "v2", "sharded-v3", "chunked-v3"][variant]);
        // In a copy of its own: cases may run beside other tests.
        let copied = tempfile::tempdir().expect("a folder");
        copy(&folder, copied.path());
        let mut files = Vec::new();
        all_files(copied.path(), &mut files);
        let file = file.get(&files);
        let mut bytes = fs::read(file).expect("a file");
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] ^= bits }
            fs::File::create(file).expect("a file").write_all(&bytes).expect("written");
        }
        if let Ok(tree) = Tree::open(copied.path()) {
            for array in tree.arrays().filter(|array| array.ty().host_bytes().is_some_and(|bytes| bytes < 1 << 24)) {
                if let Ok(bytes) = array.bytes() {
                    prop_assert_eq!(Some(bytes.len()), array.ty().host_bytes());
                }
            }
        }
    }
}
