//! `uplinkctl sound`: gain, mute and delay while on air.

use clap::Args;
use serde_json::{Value, json};

use crate::model::{ChannelId, SourceId};

/// `uplinkctl sound <channel> …`.
#[derive(Debug, Args)]
pub(super) struct SoundArguments {
    /// The channel's id.
    pub(super) channel: ChannelId,
    /// The source's id; the program if missing.
    #[arg(long)]
    source: Option<SourceId>,
    /// Gain, dB.
    #[arg(long, allow_negative_numbers = true)]
    gain_db: Option<f32>,
    /// Whether it is silent.
    #[arg(long)]
    mute: Option<bool>,
    /// How much later the sound is than its picture has it, milliseconds.
    #[arg(long, allow_negative_numbers = true)]
    delay_ms: Option<i32>,
    /// Back to the configuration.
    #[arg(long, conflicts_with_all = ["gain_db", "mute", "delay_ms"])]
    as_configured: bool,
}

impl SoundArguments {
    /// The setting, as a channel's `set` takes it.
    pub(super) fn body(&self) -> Value {
        let Self { channel: _, source, gain_db, mute, delay_ms, as_configured } = self;
        if *as_configured {
            return json!({ "set": "sound_as_configured", "source": source });
        }
        json!({ "set": "sound", "source": source, "gain_db": gain_db, "mute": mute, "delay_ms": delay_ms })
    }
}
