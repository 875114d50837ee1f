//! A configuration file and all it names → [`Checked`], or every fault.

use std::path::Path;
use std::sync::Arc;

use super::channels::{self, Known, PlacedChannel};
use super::checked::{Checked, SourceKind};
use super::classes::{self, ClassTrial, OwnClasses};
use super::files::{Base, Files, LostSecret, Texts};
use super::keys::UPLINKD;
use super::overrides::{self, SourceOverride};
use super::secrets::Credentials;
use super::sources::WrittenSource;
use super::{Findings, claims, destinations, directories, listener, sources};
use crate::document::{Faults, Section, Source, Spot, settings};
use crate::profile::Profiles;

/// Loads and checks `path` and every stream class and hardware profile in its directories, without a stream class of the
/// site's own.
pub fn load(path: &Path, overrides: &[SourceOverride]) -> Result<Checked, Faults> {
    load_with(path, overrides, &Credentials::from_environment(), &OwnClasses::default())
}

/// What is tried in place of what is on disk, where nothing is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// A stream class.
    Class(ClassTrial),
    /// Another text of the configuration itself.
    Text(String),
}

/// The same with the given credentials and the site's own stream classes.
pub fn load_with(
    path: &Path,
    overrides: &[SourceOverride],
    credentials: &Credentials,
    own: &OwnClasses,
) -> Result<Checked, Faults> {
    load_from(Files::default(), |files, faults| files.source(path, faults), path, overrides, (credentials, own))
}

/// The same with `text` in place of the file at `path`, which is not read. Relative paths in it begin there.
pub fn load_text(
    (path, text): (&Path, &str),
    overrides: &[SourceOverride],
    credentials: &Credentials,
    own: &OwnClasses,
) -> Result<Checked, Faults> {
    let source = Source::new(&path.display().to_string(), text);
    load_from(Files::default(), |_, _| Some(source), path, overrides, (credentials, own))
}

/// The same from `texts`, which were in force: files that they only name need not be there.
pub fn load_kept(
    (texts, lost_secret): (Texts, LostSecret),
    path: &Path,
    overrides: &[SourceOverride],
    credentials: &Credentials,
    own: &OwnClasses,
) -> Result<Checked, Faults> {
    let files = Files::kept(texts, lost_secret);
    load_from(files, |files, faults| files.source(path, faults), path, overrides, (credentials, own))
}

fn load_from(
    files: Files,
    source: impl FnOnce(&Files, &mut Faults) -> Option<Source>,
    path: &Path,
    overrides: &[SourceOverride],
    (credentials, own): (&Credentials, &OwnClasses),
) -> Result<Checked, Faults> {
    let mut findings = Findings::default();
    let checked = source(&files, &mut findings.faults)
        .and_then(|source| check(&source, &Base::of(path, &files), path, overrides, (credentials, own), &mut findings));
    let Findings { faults, mut warnings } = findings;
    let mut checked = faults.unless_any(checked)?;
    warnings.extend(files.overlooked());
    checked.warnings = warnings.sorted();
    Ok(checked)
}

/// What is wrong with `text` in place of the file at `path`, which is not read. Relative paths in it begin there.
pub fn check_text(path: &Path, text: String, own: &OwnClasses) -> Findings {
    checked_source(path, |_, _| Some(Source::new(&path.display().to_string(), text)), own)
}

/// What is wrong with the file at `path` and the stream class that `own` tries.
pub fn check_class(path: &Path, own: &OwnClasses) -> Findings {
    checked_source(path, |files, faults| files.source(path, faults), own)
}

fn checked_source(
    path: &Path,
    source: impl FnOnce(&Files, &mut Faults) -> Option<Source>,
    own: &OwnClasses,
) -> Findings {
    let credentials = Credentials::from_environment();
    let (files, mut findings) = (Files::default(), Findings::default());
    let source = source(&files, &mut findings.faults);
    let base = Base::of(path, &files);
    let checked =
        source.and_then(|source| check(&source, &base, path, &[], (&credentials, own), &mut findings).map(drop));
    debug_assert!(checked.is_some() || !findings.faults.is_empty(), "it is refused and nobody says why");
    Findings { faults: findings.faults.sorted(), warnings: findings.warnings.sorted() }
}

fn check(
    source: &Source,
    base: &Base<'_>,
    path: &Path,
    overrides: &[SourceOverride],
    (credentials, own): (&Credentials, &OwnClasses),
    findings: &mut Findings,
) -> Option<Checked> {
    let parsed = source.parse(&mut findings.faults)?;
    let root = Section::check(source, parsed.get_ref(), &UPLINKD, &mut findings.faults);
    let paths = root.table("paths");
    let classes = paths.as_ref().map(|paths| classes::read(paths, base, own, findings)).unwrap_or_default();
    let profiles = paths.map(|paths| directories::hardware_profiles(&paths, base, findings)).unwrap_or_default();
    let profile_names: Vec<String> = profiles.keys().cloned().collect();
    let profiles = Profiles::new(profiles.into_values().flatten().collect());
    let sources = sources::read(&root, base, credentials, findings);
    let destinations = destinations::read(&root, base, credentials, findings);
    let notified = super::notify::read(&root, base, credentials, findings);
    let channel_ids: Vec<String> = root.map("channels").into_iter().map(|(id, _)| id).collect();
    let replacements = overrides::read(overrides, &channel_ids, base.files, findings);
    let known = Known {
        sources: &sources,
        destinations: &destinations,
        classes: &classes.checked,
        profile_names: &profile_names,
        profiles: &profiles,
        replacements: &replacements,
    };
    let read = channels::read(&root, &known, findings);
    let whole = read.iter().all(Option::is_some);
    let placed: Vec<PlacedChannel> = read.into_iter().flatten().collect();
    let api = root.table("api").map(|api| listener::read(&api, base, credentials, findings)).unwrap_or_default();
    let listen = api.listen;
    let (surfaces, osc) = super::surfaces::read(&root, &placed, whole, findings);
    claims::check(listen.as_ref(), osc.as_ref(), &placed, findings);
    claims::check_sessions(&placed, &profiles, findings);
    Some(Checked {
        file: path.to_owned(),
        appliance: root.table("appliance")?.value("name")?,
        listen: listen?.value,
        open: api.open,
        tls: api.tls,
        recordings: super::recordings::directory(&root, base),
        notified,
        surfaces,
        channels: whole.then(|| placed.into_iter().map(|placed| placed.channel).collect())?,
        stream_classes: classes.checked.into_iter().filter_map(|(name, class)| Some((name, class?))).collect(),
        pipelines: classes.directory,
        class_files: classes.files,
        profiles,
        fragments: sources.iter().filter_map(fragment).collect(),
        warnings: Faults::default(),
        written: settings(&root).into(),
        files: Arc::new(base.files.read()),
    })
}

fn fragment(written: &WrittenSource) -> Option<(Spot, String)> {
    match &written.source.as_ref()?.kind {
        SourceKind::Custom { fragment } => Some((written.fragment.clone()?, fragment.clone())),
        _ => None,
    }
}
