//! The house rules that a compiler does not keep: layers, the fence around `unsafe`, a first line that says what a file owns.

use std::path::{Path, PathBuf};

/// Left never imports right; names that stand together may not import each other's right side either.
#[rustfmt::skip]
const LAYERS: [&str; 20] = [
    "config", "digest", "disk", "partial", "progress", "target", "hub", "signature", "storage", "plan", "graph", "estimate", "pjrt",
    "weights", "bundle", "golden", "chat", "runner", "server", "cli",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
}

fn all(folders: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    folders.iter().for_each(|folder| sources(&root.join(folder), &mut files));
    assert!(files.len() > 10, "{files:?}");
    let name = |file: &Path| file.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
    files.iter().map(|file| (name(file), std::fs::read_to_string(file).expect("text"))).collect()
}

#[test]
fn every_file_says_what_it_owns() {
    for (name, text) in all(&["src", "hlo/src", "kernels/src", "tests"]) {
        assert!(text.starts_with("//! "), "{name} does not open with `//!`");
    }
}

#[test]
fn unsafe_has_its_homes_and_every_one_a_witness() {
    for (name, text) in all(&["src", "hlo/src", "kernels/src"]) {
        let homes = ["src/pjrt/", "src/weights/map.rs", "kernels/src/"];
        let home = homes.iter().any(|home| name.starts_with(home));
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let opens = code.contains("unsafe {") || code.contains("unsafe impl");
            assert!(home || !opens, "{name}:{} is unsafe outside of its homes", number + 1);
            let near = &lines[number.saturating_sub(6)..number];
            let witness = near.iter().any(|line| line.contains("SAFETY:"));
            assert!(!opens || witness, "{name}:{} has no witness", number + 1);
        }
    }
}

#[test]
fn imports_point_down() {
    for (name, text) in all(&["src"]) {
        let Some(own) = name.strip_prefix("src/").and_then(|rest| rest.split(['/', '.']).next()) else { continue };
        let Some(rank) = LAYERS.iter().position(|layer| *layer == own) else { continue };
        for (number, line) in text.lines().enumerate().filter(|(_, line)| line.contains("crate::")) {
            for (other, layer) in LAYERS.iter().enumerate() {
                let imported =
                    line.contains(&format!("crate::{layer}::")) || line.contains(&format!("crate::{layer};"));
                assert!(!imported || other <= rank, "{name}:{}: `{own}` imports `{layer}`", number + 1);
            }
        }
    }
}
