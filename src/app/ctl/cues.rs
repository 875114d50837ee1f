//! `uplinkctl cue` and `metadata`.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::client::Failure;
use super::graphics::{local, time};
use crate::model::cue::CueAsk;
use crate::model::timed::MetadataAsk;
use crate::model::{ChannelId, CueId, MediaTime};

/// `uplinkctl cue <channel> …`.
#[derive(Debug, Args)]
pub(crate) struct CueArguments {
    /// The channel's id.
    pub(crate) channel: ChannelId,
    #[command(subcommand)]
    verb: CueVerb,
}

#[derive(Debug, Subcommand)]
enum CueVerb {
    /// Leave the programme for a break. The same again changes nothing.
    Out {
        /// Names the break; made from its frame if missing.
        #[arg(long)]
        id: Option<CueId>,
        /// How long it shall last, such as 30s or 2min; then it ends by itself.
        #[arg(long, value_parser = millis)]
        duration: Option<u64>,
        /// It goes on after its duration, until `cue in`.
        #[arg(long, requires = "duration")]
        no_auto_return: bool,
        #[command(flatten)]
        when: When,
        /// SCTE 35 `splice_event_id`; made from the id if missing.
        #[arg(long)]
        event_id: Option<u32>,
        /// SCTE 35 `unique_program_id`.
        #[arg(long, default_value_t = 0)]
        unique_program_id: u16,
    },
    /// Return to the programme.
    In {
        /// From which break; the one that is open if missing.
        #[arg(long)]
        id: Option<CueId>,
        #[command(flatten)]
        when: When,
    },
    /// Take a break back that has not begun.
    Cancel {
        /// Which.
        id: CueId,
    },
}

/// As soon as possible without either, which is 4 s.
#[derive(Debug, Args)]
struct When {
    /// When, such as 2026-11-21T20:00:00Z.
    #[arg(long, value_parser = time, value_name = "TIME", conflicts_with = "pre_roll")]
    at: Option<MediaTime>,
    /// How long from now, such as 5s.
    #[arg(long, value_parser = millis)]
    pre_roll: Option<u64>,
}

impl CueArguments {
    /// The cue to send.
    pub(crate) fn body(&self) -> Result<Value, Failure> {
        let ask = match &self.verb {
            CueVerb::Out { id, duration, no_auto_return, when, event_id, unique_program_id } => CueAsk::Out {
                id: id.clone(),
                event_id: *event_id,
                unique_program_id: *unique_program_id,
                duration_ms: *duration,
                auto_return: no_auto_return.then_some(false),
                at: when.at,
                pre_roll_ms: when.pre_roll,
            },
            CueVerb::In { id, when } => CueAsk::In { id: id.clone(), at: when.at, pre_roll_ms: when.pre_roll },
            CueVerb::Cancel { id } => CueAsk::Cancel { id: id.clone() },
        };
        serde_json::to_value(&ask).map_err(|error| local("malformed", error.to_string()))
    }
}

/// `uplinkctl metadata <channel> …`.
#[derive(Debug, Args)]
pub(crate) struct MetadataArguments {
    /// The channel's id.
    pub(crate) channel: ChannelId,
    /// What players are told, such as X-HOME=2; names begin with `X-`.
    #[arg(value_name = "NAME=VALUE", value_parser = attribute)]
    attributes: Vec<(String, String)>,
    /// What kind it is, such as com.example.score.
    #[arg(long)]
    class: Option<String>,
    /// Any JSON.
    #[arg(long, value_name = "JSON", value_parser = json)]
    data: Option<Value>,
    /// Names it; made from its frame if missing. The same again changes nothing.
    #[arg(long)]
    id: Option<CueId>,
    /// When, such as 2026-11-21T20:00:00Z; now if missing.
    #[arg(long, value_parser = time, value_name = "TIME")]
    at: Option<MediaTime>,
    /// How long it holds, such as 10s; an instant if missing.
    #[arg(long, value_parser = millis)]
    duration: Option<u64>,
}

impl MetadataArguments {
    /// The metadata to send.
    pub(crate) fn body(&self) -> Result<Value, Failure> {
        let ask = MetadataAsk {
            id: self.id.clone(),
            at: self.at,
            duration_ms: self.duration,
            class: self.class.clone(),
            attributes: self.attributes.iter().cloned().collect(),
            json: self.data.clone(),
        };
        serde_json::to_value(&ask).map_err(|error| local("malformed", error.to_string()))
    }
}

/// Whole milliseconds of `30s`, `1500ms`, `2min 30s`.
pub(super) fn millis(text: &str) -> Result<u64, String> {
    let wrong = |_| "write it with a unit, such as 30s, 1500ms or 2min".to_owned();
    let duration: jiff::SignedDuration = text.parse().map_err(wrong)?;
    u64::try_from(duration.as_millis()).map_err(|_| "it cannot lie in the past".to_owned())
}

fn attribute(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_their_unit() {
        assert_eq!(millis("1500ms"), Ok(1500));
        assert_eq!(millis("30s"), Ok(30_000));
        assert_eq!(millis("2min 30s"), Ok(150_000));
        for wrong in ["30", "-5s", "soon", ""] {
            assert!(millis(wrong).is_err(), "{wrong}");
        }
    }
}
