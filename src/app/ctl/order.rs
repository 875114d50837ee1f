//! Verbs that command: one request of the API each, answered by what came of it.

use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{Client, Failure};
use super::{alarms, cost, cues, destinations, graphics, record, report, shown, sound};
use crate::model::{BitRate, ChannelId, RenditionId};

/// What can be ordered.
#[derive(Debug, Subcommand)]
pub(super) enum Order {
    /// Put a channel on air.
    Start {
        /// Its id.
        channel: ChannelId,
        /// Even if the box cannot carry it.
        #[arg(long)]
        force: bool,
    },
    /// Take a channel off air. What destinations have not got yet is delivered all the same, however long that takes.
    Stop {
        /// Its id.
        channel: ChannelId,
        /// Deliver nothing more, or no longer: what is left stays in the spool until the next start.
        #[arg(long)]
        now: bool,
    },
    /// Show the slate until released.
    Slate {
        /// Its id.
        channel: ChannelId,
    },
    /// Show the best source again.
    Release {
        /// Its id.
        channel: ChannelId,
    },
    /// Show a source or something else; without any what is in preview.
    Take {
        /// The channel's id.
        channel: ChannelId,
        #[command(flatten)]
        shown: shown::Shown,
        /// Dissolve for so many milliseconds instead of cutting.
        #[arg(long, value_name = "MS")]
        dissolve: Option<u32>,
        /// When, such as 2026-11-21T20:00:00Z; now if not given.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// Say what is to be shown next; without any nothing.
    Preview {
        /// The channel's id.
        channel: ChannelId,
        #[command(flatten)]
        shown: shown::Shown,
    },
    /// Cancel a scheduled take; `status` lists them.
    CancelTake {
        /// The channel's id.
        channel: ChannelId,
        /// Its number.
        take: u64,
    },
    /// Set the average bit rate of a video rendition while it is on air; without one, what the configuration says.
    Bitrate {
        /// The channel's id.
        channel: ChannelId,
        /// The rendition's id.
        rendition: RenditionId,
        /// Such as 2.5M or 800k.
        bitrate: Option<BitRate>,
    },
    /// Set gain, mute and delay of a source's sound, or of the program's; what is not given stays as it is.
    Sound(sound::SoundArguments),
    /// Measure integrated loudness, loudness range and true peaks anew, as for a new show.
    LoudnessRestart {
        /// The channel's id.
        channel: ChannelId,
    },
    /// Insert captions (CEA-608, CC1); without a text they are taken off the screen.
    Captions {
        /// The channel's id.
        channel: ChannelId,
        /// One or more lines.
        text: Option<String>,
    },
    /// Set what the slate says; without a text what the configuration says.
    SlateText {
        /// The channel's id.
        channel: ChannelId,
        /// One or more lines.
        text: Option<String>,
    },
    /// Set the whole slate: words, image, count-down; what is not given is as configured.
    SlateSet(graphics::SlateSet),
    /// Lay a logo, a text, a lower third, a clock or timecode over the program.
    Overlay(graphics::OverlayArguments),
    /// Leave the programme for a break, return, or take a break back (SCTE 35, cut on the frame).
    Cue(cues::CueArguments),
    /// Tell players something about a frame: attributes and JSON, as date range and ID3.
    Metadata(cues::MetadataArguments),
    /// Use a destination or not, while the channel is on air. Stays so until it is ordered otherwise.
    Destination {
        #[command(subcommand)]
        verb: destinations::DestinationVerb,
    },
    /// Send a destination to its primary or a backup by hand, or leave it to the rules again.
    Failover(destinations::Failover),
    /// Measure how long a backup takes to be of use, without leaving the endpoint in use.
    Drill(destinations::Named),
    /// Two boxes that share a destination.
    Pair {
        #[command(subcommand)]
        verb: destinations::PairVerb,
    },
    /// Where a show begins and ends: what is counted and measured by show.
    Show {
        #[command(subcommand)]
        verb: cost::ShowVerb,
    },
    /// Begin or end a recording on the box's own disk, or mark a moment in it.
    Record {
        #[command(subcommand)]
        verb: record::RecordVerb,
    },
    /// Acknowledge an alarm, or put it aside.
    Alarm {
        #[command(subcommand)]
        verb: alarms::AlarmVerb,
    },
    /// Put the configuration on disk in force; a faulty one changes nothing.
    Reload {
        /// Only say what that would do to each channel, and what it would interrupt.
        #[arg(long)]
        dry_run: bool,
    },
}

impl Order {
    /// Orders it, and says what came of it.
    pub(super) async fn perform(&self, client: &Client, json: bool) -> Result<String, Failure> {
        let (path, body) = self.request(client).await?;
        command(client, &path, body, json).await
    }

    /// Address and body.
    async fn request(&self, client: &Client) -> Result<(String, Option<Value>), Failure> {
        let set = |channel: &ChannelId, body: Value| (format!("channels/{channel}/set"), Some(body));
        let with = |(path, body): (String, Value)| (path, Some(body));
        Ok(match self {
            Self::Start { channel, force: true } => (format!("channels/{channel}/start?force=true"), None),
            Self::Start { channel, force: false } => (format!("channels/{channel}/start"), None),
            Self::Stop { channel, now: true } => (format!("channels/{channel}/stop?now=true"), None),
            Self::Stop { channel, now: false } => (format!("channels/{channel}/stop"), None),
            Self::Slate { channel } => (format!("channels/{channel}/slate"), None),
            Self::Release { channel } => (format!("channels/{channel}/release"), None),
            Self::Take { channel, shown, dissolve, at } => {
                (format!("channels/{channel}/take"), Some(shown.take(*dissolve, at.as_deref())))
            }
            Self::Preview { channel, shown } => (format!("channels/{channel}/preview"), Some(shown.body().into())),
            Self::CancelTake { channel, take } => (format!("channels/{channel}/cancel"), Some(json!({ "take": take }))),
            Self::Bitrate { channel, rendition, bitrate } => {
                set(channel, json!({ "set": "bit_rate", "rendition": rendition, "bitrate": bitrate }))
            }
            Self::Captions { channel, text } => (format!("channels/{channel}/captions"), Some(json!({ "text": text }))),
            Self::SlateText { channel, text } => set(channel, json!({ "set": "slate_text", "text": text })),
            Self::Sound(sound) => set(&sound.channel, sound.body()),
            Self::LoudnessRestart { channel } => (format!("channels/{channel}/loudness/restart"), None),
            Self::Cue(cue) => (format!("channels/{}/cue", cue.channel), Some(cue.body()?)),
            Self::Metadata(metadata) => (format!("channels/{}/metadata", metadata.channel), Some(metadata.body()?)),
            Self::SlateSet(slate) => set(&slate.channel, slate.body()?),
            Self::Overlay(overlay) => set(&overlay.channel, overlay.body()?),
            Self::Destination { verb } => {
                let (channel, body) = verb.body();
                set(channel, body)
            }
            Self::Failover(failover) => set(&failover.named.channel, failover.body()),
            Self::Drill(named) => with(named.drill()),
            Self::Show { verb } => verb.request(),
            Self::Pair { verb: destinations::PairVerb::Release(named) } => with(named.hand_over()),
            Self::Alarm { verb } => verb.request(),
            Self::Reload { dry_run } => (format!("config/reload{}", if *dry_run { "?dry_run=true" } else { "" }), None),
            Self::Record { verb } => with(verb.request(client).await?),
        })
    }
}

/// Posts to the API, and says what it answers.
pub(super) async fn command(client: &Client, path: &str, body: Option<Value>, json: bool) -> Result<String, Failure> {
    let (text, answer) = client.post(&format!("api/v1/{path}"), body).await?;
    Ok(if json { text } else { report::outcome(&answer) })
}
