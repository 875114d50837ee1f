//! `uplinkctl check [DIR]`: checks a configuration without a daemon.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::{fragments, last_good};
use crate::config::{Checked, Credentials, DestinationKind, Faults, LostSecret, OwnClasses, load_kept, load_with};
use crate::model::status::LastGood;

/// Where the packaged daemon looks.
const DEFAULT_DIRECTORY: &str = "/etc/uplink";
/// Where it keeps the site's own stream classes, among all else.
const DEFAULT_STATE: &str = "/var/lib/uplink";

/// EX_USAGE of sysexits.h, which the daemon uses for a faulty configuration, too.
const FAULTY: u8 = 64;

/// Checks `uplinkd.toml` in a directory, or the file that is named, and every stream class and hardware profile it can
/// refer to, also those that a daemon keeps in `state`. Prints every fault; exits 64 if there is one.
pub fn run(dir_or_file: Option<PathBuf>, state: Option<PathBuf>, json: bool) -> ExitCode {
    let (text, good) = report(dir_or_file.unwrap_or_else(|| DEFAULT_DIRECTORY.into()), state, json);
    // A reader that has gone away (`| head`) is no reason to fail.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes());
    if good { ExitCode::SUCCESS } else { ExitCode::from(FAULTY) }
}

/// What [`run`] prints, and whether the configuration is without fault.
pub fn report(dir_or_file: PathBuf, state: Option<PathBuf>, json: bool) -> (String, bool) {
    let worker =
        std::env::current_exe().map_or_else(|_| "uplink-worker".into(), |own| own.with_file_name("uplink-worker"));
    let file = configuration_file(dir_or_file);
    let state = state.or_else(|| packaged_state(&file));
    let own = state.as_deref().map(OwnClasses::below).unwrap_or_default();
    let result = load_with(&file, &[], &credentials(), &own);
    let result = result.and_then(|checked| fragments::check(checked, &worker));
    let instead = match (&result, &state) {
        (Err(_), Some(state)) => instead(&file, state, &own),
        _ => None,
    };
    let text = if json { as_json(&result, instead) } else { as_text(&result, instead) };
    (text, result.is_ok())
}

fn configuration_file(path: PathBuf) -> PathBuf {
    if path.is_dir() { path.join("uplinkd.toml") } else { path }
}

/// The site's own stream classes that count for `file`: those of the daemon that keeps all in `state`, which the packaged
/// one does for the packaged configuration.
pub(crate) fn own_classes(file: &Path, state: Option<PathBuf>) -> OwnClasses {
    state.or_else(|| packaged_state(file)).map(|state| OwnClasses::below(&state)).unwrap_or_default()
}

fn packaged_state(file: &Path) -> Option<PathBuf> {
    file.starts_with(DEFAULT_DIRECTORY).then(|| DEFAULT_STATE.into())
}

/// What a daemon that keeps all in `state` would come up with, since `file` is faulty. Who may not look there finds nothing.
fn instead(file: &Path, state: &Path, own: &OwnClasses) -> Option<LastGood> {
    let load = |texts| {
        load_kept((texts, LostSecret::ShutsOut), file, &[], &credentials(), own)
            .map(drop)
            .map_err(|faults| faults.lines())
    };
    last_good::newest(state, file, load).0.map(|(used, ())| used)
}

/// A technician's shell has no credentials; inside the unit they are looked at.
fn credentials() -> Credentials {
    match Credentials::from_environment() {
        Credentials::At(None) => Credentials::NotHere,
        here => here,
    }
}

fn as_text(result: &Result<Checked, Faults>, instead: Option<LastGood>) -> String {
    let mut text = String::new();
    match result {
        Ok(checked) => {
            for warning in checked.warnings.iter() {
                let _ = writeln!(text, "warning: {warning}");
            }
            for note in notes(checked) {
                let _ = writeln!(text, "note: {note}");
            }
            let _ = writeln!(text, "{}", summary(checked));
        }
        Err(faults) => {
            let _ = write!(text, "{faults}");
            let _ = writeln!(text, "{} in {}", count(faults.len(), "fault"), count(faults.files(), "file"));
            if let Some(used) = instead {
                let _ = writeln!(text, "note: until that is corrected, uplinkd comes up with {used}");
            }
        }
    }
    text
}

fn as_json(result: &Result<Checked, Faults>, instead: Option<LastGood>) -> String {
    let none = Faults::default();
    let (faults, warnings, summary, notes) = match result {
        Ok(checked) => (&none, &checked.warnings, Some(summary(checked)), notes(checked)),
        Err(faults) => (faults, &none, None, Vec::new()),
    };
    let ok = result.is_ok();
    let report = json!({
        "ok": ok, "faults": faults, "warnings": warnings, "notes": notes, "summary": summary, "last_good": instead,
    });
    format!("{report:#}\n")
}

/// What is as it should be, and good to know.
fn notes(checked: &Checked) -> Vec<String> {
    let mut notes = Vec::new();
    for channel in &checked.channels {
        for destination in &channel.destinations {
            let Some(DestinationKind::Whip(whip)) = destination.endpoints.first() else { continue };
            let Some(shared) = whip.pictures(&channel.stream_class).filter(|_| whip.own.is_none()) else { continue };
            let (id, channel) = (&destination.id, &channel.id);
            notes.push(format!(
                "channel {channel}: destination {id} is sent rendition {}, which HLS has, too: its bit rate does not follow \
                 the network. [destinations.{id}.own_rendition] would",
                shared.id
            ));
        }
    }
    notes
}

fn summary(checked: &Checked) -> String {
    format!(
        "ok: {}, {}, {}",
        count(checked.channels.len(), "channel"),
        count_es(checked.stream_classes.len(), "stream class"),
        count(checked.profiles.iter().count(), "hardware profile"),
    )
}

fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

fn count_es(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}es") }
}
