//! Stamps the commit that a build was made from into the binary, read from `.git` alone: neither git nor a repository is required.

use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A debug build is rebuilt all day: stamping it would compile everything again after each commit.
    let release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = if release { commit(Path::new(".")) } else { None };
    println!("cargo::rustc-env=PRECAST_COMMIT={}", commit.unwrap_or_default());
}

/// The commit that `HEAD` names, as 40 hexadecimal digits; none outside a repository.
fn commit(root: &Path) -> Option<String> {
    let git = git_directory(root)?;
    let head = read(&git.join("HEAD"))?;
    let Some(reference) = head.strip_prefix("ref: ") else { return digits(&head) };
    // A work tree keeps its own HEAD, and shares the branches with the repository it belongs to.
    let common = match read(&git.join("commondir")) {
        Some(common) => git.join(common),
        None => git,
    };
    if let Some(commit) = read(&common.join(reference)) {
        return digits(&commit);
    }
    let packed = read(&common.join("packed-refs"))?;
    packed.lines().find_map(|line| line.strip_suffix(reference).and_then(|commit| digits(commit.trim_end())))
}

/// `.git` is a folder, or in a work tree a file that names one.
fn git_directory(root: &Path) -> Option<PathBuf> {
    let git = root.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let link = fs::read_to_string(&git).ok()?;
    Some(root.join(link.strip_prefix("gitdir:")?.trim()))
}

fn read(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    println!("cargo::rerun-if-changed={}", path.display());
    Some(text.trim().to_owned())
}

fn digits(text: &str) -> Option<String> {
    (text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| text.to_owned())
}
