//! `uplinkctl classes`: stream classes, their versions, and putting another one in force.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Client, Failure, Over};
use super::report::{self, columns};
use super::text::TextFile;
use crate::classes::{How, Kept};

const EXAMPLES: &str = "Examples:
  uplinkctl classes list
  uplinkctl classes show talk-720p30 > talk-720p30.toml
  uplinkctl classes check talk-720p30.toml
  uplinkctl classes apply talk-720p30.toml --dry-run
  uplinkctl classes apply talk-720p30.toml --over 3 --comment 'less bit rate on the road'
  uplinkctl classes versions talk-720p30
  uplinkctl classes diff talk-720p30 3
  uplinkctl classes rollback talk-720p30 3
  uplinkctl classes rollback talk-720p30 shipped
  uplinkctl classes copy talk-720p30 talk-court-2
  uplinkctl classes delete talk-court-2
  uplinkctl classes prune talk-720p30 --keep 20";

/// `uplinkctl classes …`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ClassesArguments {
    #[command(subcommand)]
    verb: ClassVerb,
}

#[derive(Debug, Subcommand)]
enum ClassVerb {
    /// All of them: which file counts, and which channels use it.
    List,
    /// The text of one, to be edited.
    Show {
        /// Its name.
        class: String,
        /// As it was in this version.
        #[arg(long)]
        version: Option<u32>,
    },
    /// Every version there was, newest first: who, when and why.
    Versions {
        /// Its name.
        class: String,
    },
    /// What differs between two versions.
    Diff {
        /// Its name.
        class: String,
        /// A version, or `shipped`.
        from: String,
        /// A version, `shipped` or `now`.
        #[arg(default_value = "now")]
        to: String,
    },
    /// Look for faults of a file without changing anything.
    Check {
        #[command(flatten)]
        file: ClassText,
    },
    /// Put a file in force as a stream class; channels that use it change at once.
    Apply {
        #[command(flatten)]
        file: ClassText,
        #[command(flatten)]
        how: Carried,
        /// Only if this is still the newest version.
        #[arg(long, value_name = "VERSION")]
        over: Option<u32>,
    },
    /// Put an older version in force again, or what is shipped.
    Rollback {
        /// Its name.
        class: String,
        /// A version, or `shipped`.
        to: String,
        #[command(flatten)]
        how: Carried,
    },
    /// Put a copy of one in force under a new name, to be changed from there.
    Copy {
        /// The one that is copied.
        class: String,
        /// The new one's name.
        name: String,
        #[command(flatten)]
        how: Carried,
    },
    /// Delete one that is the site's own alone, and that no channel uses; `rollback` brings it back.
    Delete {
        /// Its name.
        class: String,
        /// Only say what that would do to each channel, and what it would interrupt.
        #[arg(long)]
        dry_run: bool,
    },
    /// Delete all versions but the newest, for good.
    Prune {
        /// Its name.
        class: String,
        /// So many of the newest stay.
        #[arg(long, value_name = "VERSIONS", value_parser = clap::value_parser!(u32).range(1..))]
        keep: u32,
    },
}

/// The text of a class.
#[derive(Debug, Args)]
struct ClassText {
    /// The file; `-` is standard input.
    file: PathBuf,
    /// The class's name [default: that of the file].
    #[arg(long)]
    name: Option<String>,
}

/// How it is carried out.
#[derive(Debug, Args)]
struct Carried {
    /// Only say what that would do to each channel, and what it would interrupt.
    #[arg(long)]
    dry_run: bool,
    /// Why, for who reads the versions.
    #[arg(long)]
    comment: Option<String>,
}

impl ClassText {
    fn name(&self) -> Result<String, Failure> {
        let stem = || self.file.file_stem()?.to_str().map(str::to_owned);
        let name = self.name.clone().or_else(stem).filter(|name| name != "-");
        name.ok_or_else(|| TextFile(&self.file).failure("has no name: say which class it is with --name"))
    }

    fn text(&self) -> Result<String, Failure> {
        TextFile(&self.file).read()
    }
}

/// What the list has, as far as people need it.
#[derive(Debug, Deserialize)]
struct Class {
    name: String,
    written_version: Option<String>,
    own: bool,
    shipped: bool,
    in_force: bool,
    faults: usize,
    newest: Option<Kept>,
    channels: Vec<String>,
}

pub(crate) async fn perform(client: &Client, wanted: &ClassesArguments, json: bool) -> Result<String, Failure> {
    let verb = &wanted.verb;
    match verb {
        ClassVerb::Check { file } => check(client, file, json).await,
        ClassVerb::List | ClassVerb::Show { .. } | ClassVerb::Versions { .. } | ClassVerb::Diff { .. } => {
            look(client, verb, json).await
        }
        ClassVerb::Apply { .. } | ClassVerb::Rollback { .. } | ClassVerb::Copy { .. } => {
            put_in_force(client, verb, json).await
        }
        ClassVerb::Delete { class, dry_run } => {
            let dry = if *dry_run { "?dry_run=true" } else { "" };
            let (text, answer) = client.delete(&format!("{}{dry}", path(class))).await?;
            Ok(if json { text } else { carried(&answer) })
        }
        ClassVerb::Prune { class, keep } => {
            let (text, answer) = client.post(&format!("{}/prune", path(class)), Some(json!({ "keep": keep }))).await?;
            Ok(if json { text } else { format!("{}\n", answer["text"].as_str().unwrap_or_default()) })
        }
    }
}

/// Verbs that only look.
async fn look(client: &Client, verb: &ClassVerb, json: bool) -> Result<String, Failure> {
    match verb {
        ClassVerb::List => {
            let (text, all): (_, Vec<Class>) = client.get("api/v1/stream-classes").await?;
            Ok(if json { text } else { list(&all) })
        }
        ClassVerb::Show { class, version } => {
            let version = version.map(|version| format!("/versions/{version}")).unwrap_or_default();
            let (text, found): (_, Value) = client.get(&format!("{}{version}", path(class))).await?;
            Ok(if json { text } else { found["text"].as_str().unwrap_or_default().to_owned() })
        }
        ClassVerb::Versions { class } => {
            let (text, page): (_, Value) = client.get(&format!("{}/versions?limit=500", path(class))).await?;
            let all: Vec<Kept> = serde_json::from_value(page["items"].clone()).unwrap_or_default();
            Ok(if json { text } else { versions(&all) })
        }
        ClassVerb::Diff { class, from, to } => {
            let (text, found): (_, Value) = client.get(&format!("{}/diff?from={from}&to={to}", path(class))).await?;
            Ok(if json { text } else { found["text"].as_str().unwrap_or_default().to_owned() })
        }
        _ => Ok(String::new()),
    }
}

/// Verbs that put a text in force.
async fn put_in_force(client: &Client, verb: &ClassVerb, json: bool) -> Result<String, Failure> {
    match verb {
        ClassVerb::Apply { file, how, over } => {
            let (class, text) = (file.name()?, file.text()?);
            let tag = seen(client, &class, *over).await?;
            let body = json!({ "text": text, "comment": how.comment });
            carry(client, (&class, "apply", how), body, tag.into(), json).await
        }
        ClassVerb::Rollback { class, to, how } => {
            let tag = seen(client, class, None).await?;
            let body = match to.parse::<u32>() {
                Ok(version) => json!({ "version": version, "comment": how.comment }),
                Err(_) if to == "shipped" => json!({ "shipped": true, "comment": how.comment }),
                Err(_) => return Err(refused("usage", format!("`{to}` is no version: a number, or shipped"))),
            };
            carry(client, (class, "rollback", how), body, tag.into(), json).await
        }
        ClassVerb::Copy { class, name, how } => {
            let (_, found): (_, Value) = client.get(&path(class)).await?;
            let text = renamed(found["text"].as_str().unwrap_or_default(), name);
            let body = json!({ "text": text, "comment": how.comment });
            carry(client, (name, "apply", how), body, Over::Nothing, json).await
        }
        _ => Ok(String::new()),
    }
}

fn path(class: &str) -> String {
    let class: String = url::form_urlencoded::byte_serialize(class.as_bytes()).collect();
    format!("api/v1/stream-classes/{class}")
}

fn refused(code: &str, detail: String) -> Failure {
    Failure::Refused { code: code.to_owned(), detail, errors: Vec::new() }
}

/// The tag of what is about to be changed; none if there is no such class yet.
async fn seen(client: &Client, class: &str, over: Option<u32>) -> Result<Option<String>, Failure> {
    let found = match client.get_tagged(&path(class)).await {
        Ok((found, tag)) => Some((found, tag)),
        Err(Failure::Refused { code, .. }) if code == "unknown_class" => None,
        Err(failure) => return Err(failure),
    };
    let newest = found.as_ref().and_then(|(found, _): &(Value, _)| found["newest"]["version"].as_u64());
    match over {
        Some(over) if newest != Some(over.into()) => {
            let now = newest.map_or_else(|| "there is none".to_owned(), |newest| format!("the newest is {newest}"));
            let detail = format!("version {over} of stream class `{class}` is not the newest any more: {now}; look at");
            Err(refused("changed", format!("{detail} `uplinkctl classes diff {class} {over}`, then apply over that")))
        }
        _ => Ok(found.and_then(|(_, tag)| tag)),
    }
}

async fn carry(
    client: &Client,
    (class, verb, how): (&str, &str, &Carried),
    body: Value,
    over: Over,
    json: bool,
) -> Result<String, Failure> {
    let dry = if how.dry_run { "?dry_run=true" } else { "" };
    let (text, answer) = client.post_over(&format!("{}/{verb}{dry}", path(class)), body, &over).await?;
    Ok(if json { text } else { carried(&answer) })
}

/// A class says its own name, which is that of its file. What cannot be read stays as it is: the daemon says why.
fn renamed(text: &str, name: &str) -> String {
    let Ok(mut class) = text.parse::<toml_edit::DocumentMut>() else { return text.to_owned() };
    class["name"] = toml_edit::value(name);
    class.to_string()
}

/// What was asked, and what happened.
fn carried(answer: &Value) -> String {
    let mut text = answer["asked"].as_str().unwrap_or_default().to_owned();
    if let Some(version) = answer["version"].as_u64() {
        let _ = write!(text, "; that is version {version}");
    }
    text + "\n" + &report::changed(answer)
}

async fn check(client: &Client, file: &ClassText, json: bool) -> Result<String, Failure> {
    let body = json!({ "text": file.text()? });
    let (text, report) = client.post(&format!("{}/check", path(&file.name()?)), Some(body)).await?;
    if json {
        return Ok(text);
    }
    let lines = |which: &str| {
        let all: Vec<crate::config::Fault> = serde_json::from_value(report[which].clone()).unwrap_or_default();
        all.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let (faults, warnings) = (lines("faults"), lines("warnings"));
    match faults.is_empty() {
        true => Ok(warnings.iter().map(|one| format!("warning: {one}\n")).collect::<String>() + "ok\n"),
        false => {
            let detail = format!("{} fault(s)", faults.len());
            Err(Failure::Refused { code: "faulty_configuration".to_owned(), detail, errors: faults })
        }
    }
}

fn list(all: &[Class]) -> String {
    let heads = ["CLASS", "VERSION", "NEWEST", "FILE", "USED BY", ""];
    let mut table = vec![heads.map(str::to_owned).to_vec()];
    for class in all {
        let place = match (class.own, class.shipped) {
            (true, true) => "own, in place of the shipped one",
            (true, false) => "own",
            (false, _) => "shipped",
        };
        let note = match (class.faults, class.in_force) {
            (0, true) => String::new(),
            (0, false) => "changed on disk, not in force".to_owned(),
            (faults, _) => format!("{faults} FAULT(S) on disk, not in force"),
        };
        let newest = class.newest.as_ref().map_or_else(|| "-".to_owned(), |kept| kept.version.to_string());
        let version = class.written_version.clone().unwrap_or_else(|| "-".to_owned());
        let users = if class.channels.is_empty() { "-".to_owned() } else { class.channels.join(", ") };
        table.push(vec![class.name.clone(), version, newest, place.to_owned(), users, note]);
    }
    columns(&table, "")
}

fn versions(all: &[Kept]) -> String {
    let mut table = vec![["VERSION", "AT", "BY", "HOW", "COMMENT"].map(str::to_owned).to_vec()];
    for kept in all {
        let row = match &kept.about {
            Some(about) => {
                let own = if about.own { "" } else { ", shipped" };
                let how = match (about.how, about.of) {
                    (How::Found, _) => format!("found on disk{own}"),
                    (How::Applied, _) => format!("applied{own}"),
                    (How::RolledBack, Some(of)) => format!("back to {of}{own}"),
                    (How::RolledBack, None) => "back to shipped".to_owned(),
                };
                let by = about.by.clone().unwrap_or_else(|| "-".to_owned());
                vec![about.at.to_string(), by, how, about.comment.clone().unwrap_or_default().replace('\n', " ")]
            }
            None => vec!["-".to_owned(), "-".to_owned(), "DAMAGED".to_owned(), kept.fault.clone().unwrap_or_default()],
        };
        table.push([vec![kept.version.to_string()], row].concat());
    }
    columns(&table, "")
}
