//! Goldens: texts that people read or diff, and what is noticed of the real models. `PRECAST_BLESS=1 cargo test --test golden`
//! rewrites them; their diff is reviewed like code.

#[allow(dead_code, reason = "other tests compile for devices that are here")]
#[path = "support/device.rs"]
mod device;
#[path = "support/tiny.rs"]
mod tiny;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use precast::config::Config;
use precast::estimate::{Sizes, WEIGHTS};
use precast::golden::{Case, Figures, Golden, GoldenError, Verdict, changes, emit, matrix};
use precast::graph::kernel::{Attention, Product};
use precast::plan::{LARGEST_PREFILL, Strategy};
use precast::target::Target;

const WAY_OUT: &str = "`PRECAST_BLESS=1 cargo test --test golden` rewrites the goldens, to be reviewed like code";

fn blesses() -> bool {
    std::env::var_os("PRECAST_BLESS").is_some_and(|value| value == "1")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// Compares `texts` with the files of a folder, which has no others, or makes it so.
fn settle(folder: &Path, texts: &BTreeMap<String, String>) {
    if blesses() {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).expect("a folder");
        texts.iter().for_each(|(name, text)| fs::write(folder.join(name), text).expect("a file"));
        return;
    }
    let found = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}\n{WAY_OUT}", folder.display()));
    let names = found.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    let mut problems: Vec<String> =
        names.filter(|name| !texts.contains_key(name)).map(|name| format!("{name} is no longer made")).collect();
    for (name, text) in texts {
        match fs::read_to_string(folder.join(name)) {
            Ok(stored) if stored == *text => {}
            Ok(stored) => problems.push(first_difference(name, &stored, text)),
            Err(_) => problems.push(format!("{name} is new")),
        }
    }
    let count = problems.len();
    problems.truncate(10);
    assert!(count == 0, "{count} differences in {}\n{}\n{WAY_OUT}", folder.display(), problems.join("\n"));
}

fn first_difference(name: &str, stored: &str, text: &str) -> String {
    let (stored, text): (Vec<&str>, Vec<&str>) = (stored.lines().collect(), text.lines().collect());
    let place = stored.iter().zip(&text).take_while(|(was, is)| was == is).count();
    let line = |lines: &[&str]| lines.get(place).map_or("(ends)", |line| line.trim()).to_owned();
    let (was, is) = (line(&stored), line(&text));
    format!("{name}:{}: {} lines, were {}\n  was {was}\n  is  {is}", place + 1, text.len(), stored.len())
}

/// Kernels as the compiler takes them, at sizes of which a page is enough.
#[test]
fn kernels_are_what_they_were() {
    let product = Product { experts: 16, chosen: 2, blocks: 4, outputs: 256, shared: true }.kernel();
    let attention = Attention { sequences: 1, groups: 2, members: 3, channels: 32, slots: 256 }.kernel();
    let text = |kernel: Result<hlo::kernel::Kernel, hlo::Problem>| kernel.expect("builds").mosaic();
    let texts = [("mxfp4_product.mlir", text(product)), ("decode_attention.mlir", text(attention))];
    settle(&folder().join("kernels"), &texts.map(|(name, text)| (name.to_owned(), text)).into());
}

#[test]
fn no_two_dimensions_of_the_tiny_model_are_equal() {
    let config = tiny::config();
    let m = config.query_heads_per_kv_head();
    let mut dims =
        vec![config.hidden, config.vocabulary, config.experts, config.experts_per_token, config.expert_width];
    dims.extend([
        config.query_heads,
        config.kv_heads,
        config.head_dim,
        config.head_dim / 2,
        config.sliding_window,
        m,
        m + 2,
    ]);
    dims.extend([config.query_channels(), config.qkv_channels(), 2 * config.expert_width]);
    dims.push(tiny::cases()[0].plan.slots());
    dims.extend([48, 6]);
    dims.sort_unstable();
    let equal: Vec<_> = dims.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(equal.is_empty(), "{equal:?} of {dims:?}");
}

#[test]
fn blocks_are_as_they_were_read() {
    let texts = tiny::blocks().into_iter().map(|(name, module)| (format!("{name}.mlir"), module.text()));
    settle(&folder().join("blocks"), &texts.collect());
}

#[test]
fn tiny_programs_are_as_they_were() {
    let kept = tiny::programs().into_iter().filter(|(_, (_, cases))| tiny::is_kept(&cases[0]));
    let texts = kept.map(|(name, (module, _))| (format!("{name}.mlir"), module.text()));
    settle(&folder().join("tiny"), &texts.collect());
    noticed(&folder().join("digests/tiny.json"), || emit(&tiny::config(), &tiny::sizes(), &tiny::cases()));
}

/// Compares a file with what is made now, or makes it so.
fn noticed(file: &Path, make: impl FnOnce() -> Result<Golden, GoldenError>) {
    let fresh = make().unwrap_or_else(|error| panic!("{error}"));
    if blesses() {
        // Rows of before are dropped, not what compilers said of those that stay.
        let mut stored = match Golden::read(file) {
            Ok(stored) => stored,
            // Anything else that is wrong with the file would cost what compilers said.
            Err(error) if error.is_absence() => fresh.clone(),
            Err(error) => panic!("{error}"),
        };
        stored.rows.retain(|row| fresh.rows.iter().any(|own| own.title() == row.title()));
        let blessed = stored.blessed(file, fresh).and_then(|golden| golden.write(file));
        return blessed.unwrap_or_else(|error| panic!("{error}"));
    }
    let stored = Golden::read(file).unwrap_or_else(|error| panic!("{error}\n{WAY_OUT}"));
    assert_eq!(stored.rows.len(), fresh.rows.len(), "{}\n{WAY_OUT}", file.display());
    let changed = changes(&stored, &fresh);
    let told = changed.iter().take(5).map(|(row, changes)| format!("{}: {changes:?}", row.title()));
    let (file, told) = (file.display(), told.collect::<Vec<_>>().join("\n"));
    assert!(changed.is_empty(), "{} rows of {file} changed\n{told}\n{WAY_OUT}", changed.len());
}

#[test]
fn programs_of_the_real_models_are_as_they_were() {
    let sizes = Sizes { context: 4096, batch: 1, prefill: vec![LARGEST_PREFILL] };
    let cases = Case::of(&Target::all(), &WEIGHTS.map(Strategy::new), &sizes, |_| true);
    for config in [Config::gpt_oss_20b(), Config::gpt_oss_120b()] {
        noticed(&folder().join(format!("{}.json", config.name)), || emit(&config, &sizes, &cases));
    }
}

/// `precast golden check` or `bless` of compiled programs.
fn precast(model: &Path, dir: &Path, targets: &str) {
    device::installed("tpu");
    let mut command = Command::new(env!("CARGO_BIN_EXE_precast"));
    command.args(["golden", if blesses() { "bless" } else { "check" }, "--compiled", "--no-cache", "--model"]);
    command.arg(model).arg("--dir").arg(dir).args(["--target", targets, "--weights", "mxfp4", "--phase", "decode"]);
    let output = command.output().expect("the program starts");
    let [said, told] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{said}\n{told}\n{WAY_OUT}");
    // A check that compiles nothing would agree with anything.
    let compiled = told.lines().filter(|line| line.starts_with('[')).count();
    assert_eq!(compiled, targets.split(',').count(), "{told}");
}

#[test]
fn a_compiler_says_of_a_real_program_what_it_said() {
    let model = Path::new("gpt-oss-20b");
    if blesses() {
        // Another test writes that file meanwhile; the README says how the compilers' figures in it are made.
        return;
    }
    precast(model, &folder(), "v5e-1");
}

#[test]
fn a_compiler_says_of_divided_programs_what_it_said() {
    let folder_of_models = tempfile::tempdir().expect("a folder");
    let model = folder_of_models.path().join("gpt-oss-20b-2-layers");
    fs::create_dir(&model).expect("a folder");
    fs::write(model.join("config.json"), TWO_LAYERS).expect("a file");
    precast(&model, &folder().join("cut"), "v5e-4,v2-8");
}

/// Two layers of gpt-oss-20b.
const TWO_LAYERS: &str = r#"{
  "num_hidden_layers": 2, "num_experts": 32, "experts_per_token": 4, "vocab_size": 201088, "hidden_size": 2880,
  "intermediate_size": 2880, "swiglu_limit": 7.0, "head_dim": 64, "num_attention_heads": 64, "num_key_value_heads": 8,
  "sliding_window": 128, "initial_context_length": 4096, "rope_theta": 150000, "rope_scaling_factor": 32.0,
  "rope_ntk_alpha": 1, "rope_ntk_beta": 32
}"#;

/// Every program that compilers had figures for.
fn figures(golden: &Golden) -> impl Iterator<Item = (String, &Figures)> {
    golden.rows.iter().filter_map(|row| match &row.compiled.as_ref()?.verdict {
        Verdict::Fits(figures) => Some((row.title(), figures)),
        _ => None,
    })
}

#[test]
fn devices_exchange_activations_alone_and_a_prefill_gathers_no_experts() {
    let files = ["gpt-oss-20b.json", "gpt-oss-120b.json", "cut/gpt-oss-20b-2-layers.json"];
    let mut seen = 0;
    for file in files {
        let golden = Golden::read(&folder().join(file)).unwrap_or_else(|error| panic!("{error}"));
        let config = Config::gpt_oss_20b();
        for (title, figures) in figures(&golden) {
            let decode = title.starts_with("decode");
            // A step says no more than the logits of a token, a prefill no more than the stream of all its tokens.
            let stream = LARGEST_PREFILL * config.hidden.next_multiple_of(128);
            let most = 4 * if decode { config.vocabulary } else { stream } as u64;
            for (opcode, exchange) in &figures.exchanges {
                // A sum gathers nothing. The one thing that a prefill gathers is the stream in bf16, whose channels are looked up
                // in a divided table.
                let gathers = (exchange.count, exchange.largest_bytes);
                let stream = (1, (LARGEST_PREFILL * config.hidden * 2) as u64);
                let sound = opcode == "all-reduce" || opcode == "all-gather" && !decode && gathers == stream;
                assert!(sound && exchange.largest_bytes <= most, "{title}: {opcode} {exchange:?}");
                seen += 1;
            }
            assert!(decode || figures.temp_bytes < 1 << 30, "{title}: {} bytes of temporaries", figures.temp_bytes);
        }
    }
    assert!(seen > 0);
}

#[test]
fn the_readme_shows_what_fits() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&file).expect("a file");
    let read =
        |model: &str| Golden::read(&folder().join(format!("{model}.json"))).unwrap_or_else(|error| panic!("{error}"));
    let table = matrix(&["gpt-oss-20b", "gpt-oss-120b"].map(read));
    let (begin, end) = ("<!-- precast golden matrix -->\n", "<!-- end -->");
    let (before, rest) = readme.split_once(begin).expect("README.md says where the table begins");
    let (shown, after) = rest.split_once(end).expect("README.md says where the table ends");
    if blesses() {
        return fs::write(&file, format!("{before}{begin}{table}{end}{after}")).expect("a file");
    }
    assert_eq!(shown, table, "{WAY_OUT}");
}
