//! Which folder of a model's folder is the checkpoint: the folder itself, an item in it, or the last step of several.

use std::path::{Path, PathBuf};

use super::error::OrbaxError;

/// The file that a checkpoint has and nothing else.
pub(super) const METADATA: &str = "_METADATA";
/// What the names of folders have that are still being written.
pub(super) const UNFINISHED: &str = ".orbax-checkpoint-tmp";
/// Items that are parameters, where there are others beside.
const ITEMS: [&str; 3] = ["params", "default", "state"];

/// The checkpoint in `folder`: the folder itself, one of its items such as `default`, or the same of its last step such as `100` or
/// `step_100`. `None` if there is none.
///
/// Fails if the only one was not written to its end, or if several might be meant.
pub fn find(folder: &Path) -> Result<Option<PathBuf>, OrbaxError> {
    if is_unfinished(&name(folder)) && folder.is_dir() {
        return Err(OrbaxError::Unfinished { folder: folder.to_owned() });
    }
    if let Some(found) = in_step(folder)? {
        return Ok(Some(found));
    }
    let folders = folders(folder)?;
    let mut steps: Vec<(u64, &PathBuf)> =
        folders.iter().filter_map(|folder| Some((step(&name(folder))?, folder))).collect();
    steps.sort();
    for (_, step) in steps.iter().rev() {
        if let Some(found) = in_step(step)? {
            return Ok(Some(found));
        }
    }
    match folders.iter().find(|folder| is_unfinished(&name(folder))) {
        Some(unfinished) => Err(OrbaxError::Unfinished { folder: unfinished.clone() }),
        None => Ok(None),
    }
}

/// `folder` itself or its only item, or the one of its items that is called as parameters are.
fn in_step(folder: &Path) -> Result<Option<PathBuf>, OrbaxError> {
    if folder.join(METADATA).is_file() {
        return Ok(Some(folder.to_owned()));
    }
    let mut items = folders(folder)?;
    items.retain(|item| {
        let name = name(item);
        item.join(METADATA).is_file() && step(&name).is_none() && !is_unfinished(&name)
    });
    if let [only] = &items[..] {
        return Ok(Some(only.clone()));
    }
    match ITEMS.iter().find(|wanted| items.iter().any(|item| name(item) == **wanted)) {
        Some(item) => Ok(Some(folder.join(item))),
        None if items.is_empty() => Ok(None),
        None => {
            let names = items.iter().map(|item| name(item)).collect();
            Err(OrbaxError::Several { folder: folder.to_owned(), names })
        }
    }
}

/// The number that a step's folder ends with.
fn step(name: &str) -> Option<u64> {
    let digits = name.len() - name.trim_end_matches(|letter: char| letter.is_ascii_digit()).len();
    let (prefix, number) = name.split_at(name.len() - digits);
    (prefix.is_empty() || prefix.ends_with('_')).then(|| number.parse().ok())?
}

fn is_unfinished(name: &str) -> bool {
    name.contains(UNFINISHED)
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The folders in a folder, in the order of their names.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, OrbaxError> {
    let failed = |source| OrbaxError::File { file: folder.to_owned(), source };
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found where these checkpoints lie.
    fn found(checkpoints: &[&str]) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        for checkpoint in checkpoints {
            let checkpoint = folder.path().join(checkpoint);
            std::fs::create_dir_all(&checkpoint).expect("a folder");
            std::fs::write(checkpoint.join(METADATA), "{}").expect("a file");
        }
        match find(folder.path()) {
            Ok(found) => found.map_or_else(
                || "none".to_owned(),
                |found| found.strip_prefix(folder.path()).expect("below").display().to_string(),
            ),
            Err(error) => error.to_string().replace(&folder.path().display().to_string(), "MODEL"),
        }
    }

    #[test]
    fn the_folder_its_item_or_its_last_step_is_taken() {
        assert_eq!(found(&["", "0"]), "");
        assert_eq!(found(&["state"]), "state");
        assert_eq!(found(&["weights"]), "weights");
        assert_eq!(found(&["opt", "params"]), "params");
        assert_eq!(found(&["9/default", "10/default", "11.orbax-checkpoint-tmp"]), "10/default");
        assert_eq!(found(&["step_5", "step_40"]), "step_40");
        assert_eq!(found(&[]), "none");
        assert_eq!(found(&["a", "b"]), "`MODEL` holds several checkpoints: `a`, `b`");
        let unfinished = found(&["3.orbax-checkpoint-tmp"]);
        assert_eq!(unfinished, "`MODEL/3.orbax-checkpoint-tmp` is a checkpoint that was not written to its end");
    }
}
