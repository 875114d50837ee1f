//! Stream classes as clients get them.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::classes::{About, FoundClass, Kept};
use crate::config::ClassFile;
use crate::model::ChannelId;
use crate::supervisor::Outcome;

/// A stream class as it is on disk now.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StreamClass")]
pub(crate) struct ClassSummary {
    /// Its name.
    pub(super) name: String,
    /// The `version` that stands in its file; none if that is faulty.
    written_version: Option<String>,
    /// Who answers for it.
    owner: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// The file that counts.
    file: String,
    /// Whether that is a copy of the site's own, in place of the shipped one if there is one.
    own: bool,
    /// Where such a copy is, or would be: what is applied is written there.
    own_file: String,
    /// Whether one of that name is shipped.
    shipped: bool,
    /// Whether it is in force as it is on disk; else a reload would put it in force.
    in_force: bool,
    /// Faults of its file; a reload would refuse it.
    faults: usize,
    /// The newest version; none before it was in force for the first time.
    newest: Option<Kept>,
    /// Channels that use it.
    channels: Vec<ChannelId>,
}

/// One with its text.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StreamClassFile")]
pub(crate) struct ClassDocument {
    #[serde(flatten)]
    summary: ClassSummary,
    /// The file; none if it cannot be read.
    text: Option<String>,
    /// Why it cannot.
    trouble: Option<String>,
    /// What the shipped one says, where the site's own takes its place.
    shipped_text: Option<String>,
}

impl ClassSummary {
    pub(super) fn of(found: &FoundClass, channels: Vec<ChannelId>) -> Self {
        let text = found.text.clone().unwrap_or_default();
        let (class, findings) = ClassFile { path: found.file.clone(), text, own: found.own }.describes(&found.name);
        Self {
            name: found.name.clone(),
            written_version: class.as_ref().map(|class| class.version.clone()),
            owner: class.as_ref().map(|class| class.owner.clone()),
            description: class.map(|class| class.description),
            file: found.file.display().to_string(),
            own: found.own,
            own_file: found.own_file.display().to_string(),
            shipped: found.shipped.is_some(),
            in_force: found.in_force,
            faults: findings.faults.len(),
            newest: found.newest.clone(),
            channels,
        }
    }
}

impl ClassDocument {
    pub(super) fn of(found: FoundClass, channels: Vec<ChannelId>) -> Self {
        let summary = ClassSummary::of(&found, channels);
        let (text, trouble) = match found.text {
            Ok(text) => (Some(text), None),
            Err(reason) => (None, Some(reason)),
        };
        Self { summary, text, trouble, shipped_text: found.shipped.filter(|_| found.own) }
    }
}

/// A version and its text.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ClassVersionText")]
pub(crate) struct VersionDocument {
    /// Its number.
    pub(super) version: u32,
    /// Who made it, when and why.
    pub(super) about: About,
    /// The text.
    pub(super) text: String,
}

/// What differs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ClassDifference")]
pub(crate) struct Difference {
    /// What was compared.
    pub(super) from: String,
    /// With what.
    pub(super) to: String,
    /// As `diff -u` writes it; empty if nothing differs.
    pub(crate) text: String,
}

impl Difference {
    pub(crate) fn of(from: &str, to: &str, before: &str, after: &str) -> Self {
        let lines = similar::TextDiff::from_lines(before, after);
        let text = lines.unified_diff().context_radius(3).header(from, to).to_string();
        Self { from: from.to_owned(), to: to.to_owned(), text }
    }
}

/// What was asked, and what happened.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StreamClassOutcome")]
pub(crate) struct ClassOutcome {
    /// What was asked, one sentence.
    pub(super) asked: String,
    /// The version that is in force now; none for a dry run.
    pub(super) version: Option<u32>,
    /// What changes in the file, as `diff -u` writes it.
    pub(super) difference: String,
    #[serde(flatten)]
    pub(super) outcome: Outcome,
}

/// What became of older versions.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PrunedStreamClass")]
pub(crate) struct Pruned {
    /// One sentence: what happened.
    pub(super) text: String,
    /// The versions that are gone, oldest first.
    pub(super) deleted: Vec<u32>,
}

/// What the audit log keeps of a class.
pub(super) fn audited(found: Option<&FoundClass>, comment: Option<&str>) -> serde_json::Value {
    let Some(found) = found else { return json!(null) };
    let sha256 = found.text.as_deref().ok().map(crate::classes::hash_of);
    let version = found.newest.as_ref().map(|kept| kept.version);
    json!({ "version": version, "own": found.own, "sha256": sha256, "comment": comment })
}
