//! Goldens: texts that people read or diff, and what is noticed of the real models. `PRECAST_BLESS=1 cargo test --test golden`
//! rewrites them; their diff is reviewed like code.

#[path = "support/tiny.rs"]
mod tiny;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use precast::config::Config;
use precast::estimate::{Sizes, WEIGHTS};
use precast::golden::{Case, Golden, GoldenError, changes, emit};
use precast::graph::Phase;
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
    noticed(&folder().join("tiny.json"), || emit(&tiny::config(), &tiny::sizes(), &tiny::cases()));
}

/// Compares a file with what is made now, or makes it so.
fn noticed(file: &Path, make: impl FnOnce() -> Result<Golden, GoldenError>) {
    let fresh = make().unwrap_or_else(|error| panic!("{error}"));
    if blesses() {
        // Rows of before are dropped, not what compilers said of those that stay.
        let mut stored = Golden::read(file).unwrap_or_else(|_| fresh.clone());
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
