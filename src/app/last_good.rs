//! Which of the configurations that were in force is used where the one on disk is faulty.

use std::path::Path;

use crate::config::Texts;
use crate::lastgood::{self, Kept};
use crate::model::status::LastGood;

/// The newest one for `file` that `load` takes, and why newer ones are passed over.
pub(super) fn newest<T>(
    state: &Path,
    file: &Path,
    mut load: impl FnMut(Texts) -> Result<T, Vec<String>>,
) -> (Option<(LastGood, T)>, Vec<String>) {
    let mut passed_over = Vec::new();
    for found in lastgood::LastGood::below(state).newest_first(file) {
        let Kept { path, version, at, texts } = match found {
            Ok(kept) => kept,
            Err(error) => {
                passed_over.push(error.to_string());
                continue;
            }
        };
        let used = LastGood { at, version, path: path.display().to_string() };
        match load(texts) {
            Ok(loaded) => return (Some((used, loaded)), passed_over),
            Err(faults) => {
                let (count, first) = (faults.len(), faults.first().map_or("", String::as_str));
                passed_over.push(format!("{used}: {count} fault(s) for this version; the first: {first}"));
            }
        }
    }
    (None, passed_over)
}
