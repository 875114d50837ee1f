//! `uplinkctl config`: what the daemon has in force, and putting another text of it in force.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, Failure};
use super::report;
use super::text::TextFile;

const EXAMPLES: &str = "Examples:
  uplinkctl config                       every key that is written, with its line
  uplinkctl config channels.demo --defaults
  uplinkctl config --text > uplinkd.toml
  uplinkctl config apply uplinkd.toml --dry-run
  uplinkctl config apply uplinkd.toml --over 3 --comment 'second camera for the cup final'";

/// `uplinkctl config …`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct ConfigArguments {
    /// Only keys that begin like this, such as `channels.demo`.
    prefix: Option<String>,
    /// What is left at its default, too.
    #[arg(long)]
    defaults: bool,
    /// The file as it is on disk, which a reload would read, instead.
    #[arg(long, conflicts_with_all = ["prefix", "defaults"])]
    text: bool,
    #[command(subcommand)]
    verb: Option<ConfigVerb>,
}

#[derive(Debug, Subcommand)]
enum ConfigVerb {
    /// Put a text in force and in place of the daemon's file; a faulty one changes nothing.
    Apply {
        /// The whole of `uplinkd.toml`; `-` is standard input.
        file: PathBuf,
        /// Only say what that would do to each channel, and what it would interrupt.
        #[arg(long)]
        dry_run: bool,
        /// Why, for the audit log.
        #[arg(long)]
        comment: Option<String>,
        /// Only if this generation, as `uplinkctl config` says, is still in force.
        #[arg(long, value_name = "GENERATION")]
        over: Option<u64>,
    },
}

/// Carries it out.
pub(crate) async fn perform(client: &Client, wanted: &ConfigArguments, json: bool) -> Result<String, Failure> {
    let Some(ConfigVerb::Apply { file, dry_run, comment, over }) = &wanted.verb else {
        return in_force(client, wanted, json).await;
    };
    let text = TextFile(file).read()?;
    let tag = seen(client, *over).await?;
    let dry = if *dry_run { "?dry_run=true" } else { "" };
    let body = json!({ "text": text, "comment": comment });
    let (text, answer) = client.post_over(&format!("api/v1/config/apply{dry}"), body, &tag.into()).await?;
    Ok(if json { text } else { report::changed(&answer) })
}

/// The tag of what is about to be changed: file and configuration in force. Whoever changes them meanwhile is not overruled.
async fn seen(client: &Client, over: Option<u64>) -> Result<Option<String>, Failure> {
    let (found, tag): (Value, _) = client.get_tagged("api/v1/config").await?;
    let now = found["generation"].as_u64();
    match over {
        Some(over) if now != Some(over) => {
            let detail = format!(
                "generation {over} of the configuration is not in force any more, but {}: look at it (`uplinkctl config \
                 --text`), then apply over that",
                found["generation"]
            );
            Err(Failure::Refused { code: "changed".to_owned(), detail, errors: Vec::new() })
        }
        _ => Ok(tag),
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

async fn in_force(client: &Client, wanted: &ConfigArguments, json: bool) -> Result<String, Failure> {
    let (text, found): (_, Value) = client.get("api/v1/config").await?;
    if json {
        return Ok(text);
    }
    let file = found["file"].as_str().unwrap_or_default();
    if wanted.text {
        return found["text"].as_str().map(str::to_owned).ok_or_else(|| Failure::File {
            path: file.into(),
            cause: "the daemon cannot read it any more; what is in force shows without --text".to_owned(),
        });
    }
    let mut said =
        format!("{file}, in force since {}, generation {}\n", word(&found["loaded_at"]), found["generation"]);
    for setting in found["settings"].as_array().into_iter().flatten() {
        let key = setting["key"].as_str().unwrap_or_default();
        let line = setting["line"].as_u64();
        if wanted.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix)) && (wanted.defaults || line.is_some()) {
            let place = line.map_or("default".to_owned(), |line| format!("line {line}"));
            let secret = setting["value"]["set"].as_bool() == Some(true);
            let value = if secret { "(set)".to_owned() } else { setting["value"].to_string() };
            let _ = writeln!(said, "{place:<10}  {key} = {value}");
        }
    }
    Ok(said)
}
