//! Sound: which channels go where, what can be set of it, what is measured of it, and what can be wrong with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::id::SourceId;
use super::time::MediaTime;

/// Most channels of a source or of a program.
pub const MOST_CHANNELS: u8 = 16;
/// Least and most gain that can be set, dB.
pub const GAIN_DB: (f32, f32) = (-60.0, 20.0);
/// Least and most delay of sound against its picture, milliseconds. Below zero the picture is delayed instead, which
/// takes memory for each frame.
pub const DELAY_MS: (i32, i32) = (-200, 1000);

/// How the channels of a program belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoundLayout {
    /// One channel.
    Mono,
    /// Left and right.
    #[default]
    Stereo,
    /// Several stereo pairs, each a mix of its own, such as a language.
    Pairs,
    /// Left, right, centre, low frequency effects, left and right surround.
    Surround,
}

impl SoundLayout {
    /// The channels (from 0) of each mix in a program of `channels`; the first mix is the main one.
    pub fn mixes(self, channels: u8) -> Vec<Vec<usize>> {
        let all: Vec<usize> = (0..usize::from(channels)).collect();
        match self {
            SoundLayout::Pairs => all.chunks(2).map(<[usize]>::to_vec).collect(),
            SoundLayout::Mono | SoundLayout::Stereo | SoundLayout::Surround => vec![all],
        }
    }
}

/// One channel that goes into another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MapTerm {
    /// The channel that is taken, from 1.
    pub channel: u8,
    /// How loud it goes in.
    pub gain_db: f32,
}

/// What each channel that leaves is made of: any channel to any other, with a gain. Written as one text per channel,
/// `"1"`, `"1@-6 + 2@-6"`, or `"-"` for silence.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ChannelMap(Vec<Vec<MapTerm>>);

impl ChannelMap {
    /// The map in which channel n is made of channel n.
    pub fn identity(channels: u8) -> Self {
        Self((1..=channels).map(|channel| vec![MapTerm { channel, gain_db: 0.0 }]).collect())
    }

    /// What makes one channel, as it is written; a sentence if it makes no sense.
    pub fn parse_row(text: &str) -> Result<Vec<MapTerm>, String> {
        if text.trim() == "-" {
            return Ok(Vec::new());
        }
        text.split('+').map(|term| parse_term(term.trim())).collect()
    }

    /// A map of rows that were read.
    pub fn from_rows(rows: Vec<Vec<MapTerm>>) -> Self {
        Self(rows)
    }

    /// What each channel that leaves is made of.
    pub fn rows(&self) -> &[Vec<MapTerm>] {
        &self.0
    }

    /// Channels that leave.
    pub fn channels(&self) -> u8 {
        self.0.len() as u8
    }

    /// The highest channel that is taken; 0 if none is.
    pub fn highest(&self) -> u8 {
        self.0.iter().flatten().map(|term| term.channel).max().unwrap_or(0)
    }
}

fn parse_term(term: &str) -> Result<MapTerm, String> {
    let (channel, gain) = term.split_once('@').unwrap_or((term, "0"));
    let channel: u8 = channel.trim().parse().map_err(|_| format!("`{term}` does not begin with a channel"))?;
    if !(1..=MOST_CHANNELS).contains(&channel) {
        return Err(format!("channel {channel} is not from 1 to {MOST_CHANNELS}"));
    }
    let gain = gain.trim();
    let gain_db: f32 = gain
        .strip_suffix("dB")
        .unwrap_or(gain)
        .trim()
        .parse()
        .map_err(|_| format!("`{term}` has no number of decibels behind the @"))?;
    // A comparison that is false for what is no number.
    if !(gain_db >= GAIN_DB.0 && gain_db <= GAIN_DB.1) {
        return Err(format!("a gain is from {} to {} dB", GAIN_DB.0, GAIN_DB.1));
    }
    Ok(MapTerm { channel, gain_db })
}

/// The sound of one source: how its channels become those of the program, how loud, and when.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SourceSound {
    /// One row per channel of the program; none for the usual way of the layout.
    pub map: Option<ChannelMap>,
    /// Gain, mute and delay.
    pub setting: SoundSetting,
}

/// Gain, mute and delay of a sound.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct SoundSetting {
    /// Decibels.
    pub gain_db: f32,
    /// Silent.
    pub mute: bool,
    /// Milliseconds that the sound is later than its picture would have it; below zero earlier.
    pub delay_ms: i32,
}

/// What operators have set of one sound; what is missing is as configured.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct SoundOverride {
    /// Decibels.
    pub gain_db: Option<f32>,
    /// Silent or not.
    pub mute: Option<bool>,
    /// Milliseconds.
    pub delay_ms: Option<i32>,
}

impl SoundOverride {
    /// The setting in force over a configured one.
    pub fn over(&self, configured: SoundSetting) -> SoundSetting {
        SoundSetting {
            gain_db: self.gain_db.unwrap_or(configured.gain_db),
            mute: self.mute.unwrap_or(configured.mute),
            delay_ms: self.delay_ms.unwrap_or(configured.delay_ms),
        }
    }

    /// This with what `later` sets; a sentence if that is beyond what can be set.
    pub fn with(&self, later: &SoundOverride) -> Result<Self, String> {
        // A comparison that is false for what is no number.
        if later.gain_db.is_some_and(|gain| !(gain >= GAIN_DB.0 && gain <= GAIN_DB.1)) {
            return Err(format!("a gain is from {} to {} dB", GAIN_DB.0, GAIN_DB.1));
        }
        if later.delay_ms.is_some_and(|delay| !(DELAY_MS.0..=DELAY_MS.1).contains(&delay)) {
            return Err(format!("a delay is from {} to {} ms", DELAY_MS.0, DELAY_MS.1));
        }
        Ok(Self {
            gain_db: later.gain_db.or(self.gain_db),
            mute: later.mute.or(self.mute),
            delay_ms: later.delay_ms.or(self.delay_ms),
        })
    }
}

/// What operators have set of the sound of a channel.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct LiveSound {
    /// Of the whole program; its delay is added to that of each source.
    pub program: SoundOverride,
    /// By source.
    pub sources: BTreeMap<SourceId, SoundOverride>,
}

/// Loudness of one mix of the program as EBU R 128 and ITU-R BS.1770 measure it. What cannot be told yet is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Loudness {
    /// Channels of the mix in the program, from 1.
    pub channels: Vec<u8>,
    /// Over 400 ms, LUFS.
    pub momentary: Option<f64>,
    /// Over 3 s, LUFS.
    pub short_term: Option<f64>,
    /// Gated, since `since`, LUFS.
    pub integrated: Option<f64>,
    /// Loudness range since `since`, LU.
    pub lra: Option<f64>,
    /// Highest true peak since `since` per channel, dBTP; −120 for digital silence.
    pub true_peak: Vec<f64>,
    /// When the measurement was begun.
    pub since: MediaTime,
    /// Gain of the loudness correction now, dB; none if it is off.
    #[serde(default)]
    pub correction_db: Option<f64>,
    /// What the limiter takes away now, dB, at most 0; none if it is off.
    #[serde(default)]
    pub limiter_db: Option<f64>,
}

/// A live programme may be off its target by so much, LU (EBU R 128).
pub const LIVE_TOLERANCE_LU: f64 = 1.0;

/// What integrated loudness is to become.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LoudnessTarget {
    /// As the stream class says, LUFS.
    pub lufs: f64,
    /// So far off is still good, LU.
    pub tolerance_lu: f64,
}

impl LoudnessTarget {
    /// Of a live programme.
    pub fn live(lufs: f64) -> Self {
        Self { lufs, tolerance_lu: LIVE_TOLERANCE_LU }
    }

    /// How far off this is, LU, if that is too far.
    pub fn missed_by(&self, integrated: f64) -> Option<f64> {
        let off = integrated - self.lufs;
        (off.abs() > self.tolerance_lu).then_some(off)
    }
}

/// What can be wrong with the sound of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SoundFault {
    /// Nothing to hear.
    Silence,
    /// The true peak is above the stream class's.
    OverLevel,
    /// Left and right cancel each other in mono.
    PhaseInverted,
    /// A channel is silent while the others are not.
    ChannelMissing,
}

/// Whether one of these is the case with a mix of the program, and since when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SoundState {
    /// What.
    pub fault: SoundFault,
    /// Channels of the mix in the program, from 1.
    pub channels: Vec<u8>,
    /// Whether it is so now.
    pub active: bool,
    /// When it began, or when it ended; when watching began, if it never was so.
    pub since: MediaTime,
    /// How often it began.
    pub count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_sum_of_channels() {
        let term = |channel, gain_db| MapTerm { channel, gain_db };
        assert_eq!(ChannelMap::parse_row("3"), Ok(vec![term(3, 0.0)]));
        assert_eq!(ChannelMap::parse_row(" 1@-6+2 @ -3.5 dB "), Ok(vec![term(1, -6.0), term(2, -3.5)]));
        assert_eq!(ChannelMap::parse_row("-"), Ok(vec![]));
        for bad in ["", "0", "17", "1+", "x", "1@", "1@30", "1@nan", "1 2"] {
            assert!(ChannelMap::parse_row(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_target_is_missed_beyond_its_tolerance_only() {
        let target = LoudnessTarget::live(-23.0);
        assert_eq!([-23.0, -22.0, -24.0].map(|lufs| target.missed_by(lufs)), [None; 3]);
        assert_eq!(target.missed_by(-21.5), Some(1.5));
        assert_eq!(target.missed_by(-25.0), Some(-2.0));
    }

    #[test]
    fn mixes_of_layouts() {
        assert_eq!(SoundLayout::Pairs.mixes(4), [vec![0, 1], vec![2, 3]]);
        assert_eq!(SoundLayout::Surround.mixes(6), [vec![0, 1, 2, 3, 4, 5]]);
    }

    #[test]
    fn what_is_set_stands_over_what_is_configured() {
        let configured = SoundSetting { gain_db: 3.0, mute: true, delay_ms: 40 };
        let set = SoundOverride { mute: Some(false), ..SoundOverride::default() };
        assert_eq!(set.over(configured), SoundSetting { mute: false, ..configured });
        let later = SoundOverride { gain_db: Some(-2.0), ..SoundOverride::default() };
        assert_eq!(set.with(&later).unwrap().over(configured).gain_db, -2.0);
        assert!(set.with(&SoundOverride { delay_ms: Some(-201), ..SoundOverride::default() }).is_err());
        assert!(set.with(&SoundOverride { gain_db: Some(f32::NAN), ..SoundOverride::default() }).is_err());
    }
}
