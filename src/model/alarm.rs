//! Alarms: what somebody has to act on. An event says what happened; an alarm says what is wrong until it is put right and
//! somebody has seen it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::event::Severity;
use super::id::ChannelId;
use super::time::MediaTime;

/// Longest that an alarm can be shelved, minutes.
pub const SHELVE_MINUTES: u32 = 30;
/// Longest reason for that, and longest name of who acts, characters.
pub const ALARM_TEXT: usize = 200;

/// How soon somebody has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlarmPriority {
    /// In the next days.
    Info,
    /// During the show: it is degraded, or the next fault is not covered.
    Warning,
    /// Now: viewers notice, or something is being lost.
    Critical,
}

impl AlarmPriority {
    /// Every priority, worst first.
    pub const ALL: &[AlarmPriority] = &[AlarmPriority::Critical, AlarmPriority::Warning, AlarmPriority::Info];

    /// As it stands in JSON, metrics and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            AlarmPriority::Critical => "critical",
            AlarmPriority::Warning => "warning",
            AlarmPriority::Info => "info",
        }
    }

    /// How urgent the event is that tells of it.
    pub fn severity(self) -> Severity {
        match self {
            AlarmPriority::Critical => Severity::Error,
            AlarmPriority::Warning => Severity::Warning,
            AlarmPriority::Info => Severity::Info,
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident => $text:literal, $action:literal;)*) => {
        /// Stable codes of alarms; machines match on these, never on text.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum AlarmCode { $($(#[$doc])* $name,)* }

        impl AlarmCode {
            /// Every code.
            pub const ALL: &[AlarmCode] = &[$(AlarmCode::$name,)*];

            /// The code as it stands in JSON and metrics.
            pub fn as_str(self) -> &'static str {
                match self { $(AlarmCode::$name => $text,)* }
            }

            /// What to do, one sentence. An alarm without one would be a line of a log.
            pub fn action(self) -> &'static str {
                match self { $(AlarmCode::$name => $action,)* }
            }
        }
    };
}

codes! {
    /// Ordered on air, and no viewer can receive it.
    OffAir => "off_air", "look at the channel's worker and destinations (`uplinkctl status CHANNEL`), fail over, or tell viewers";
    /// The slate is on air, and nobody has ordered it.
    OnSlate => "on_slate", "bring a source back, or take another one (`uplinkctl take CHANNEL SOURCE`)";
    /// A source delivers nothing.
    SourceLost => "source_lost", "check the camera, its cable and the sender; take another source if it is on air";
    /// Its picture is black.
    SourceBlack => "source_black", "look at the camera: lens cap, iris, router; take another source if it is on air";
    /// Its picture stands still.
    SourceFrozen => "source_frozen", "look at the camera and at the sender, which may hang; take another source if it is on air";
    /// Its sound is silent.
    SourceSilent => "source_silent", "look at the microphone, the desk and the embedder";
    /// Its picture has another format than expected.
    SourceWrongFormat => "source_wrong_format", "set the camera or the sender to the format that the configuration expects";
    /// A destination stopped acknowledging; it is tried again.
    DestinationInterrupted => "destination_interrupted", "check the origin and the network to it; segments wait in the spool meanwhile";
    /// A destination refuses in a way that retrying cannot heal.
    DestinationFailed => "destination_failed", "correct address, token or rights at the destination, then `uplinkctl reload`";
    /// A backup is in use, because the primary is not good.
    DestinationOnBackup => "destination_on_backup", "bring the primary back before the backup is needed for something else";
    /// A backup or mirror is not good.
    DestinationBackupLost => "destination_backup_lost", "bring the backup back; until then a fault of the primary is not covered";
    /// More waits in the spool than the stream class allows.
    DestinationBehind => "destination_behind", "look at the line: `uplinkctl status CHANNEL` says what it carries and until when all is delivered";
    /// The line is too slow for what is sent.
    DestinationSlow => "destination_slow", "get a better line, lower bit rates, or take renditions away";
    /// The latency of an SRT line is too short for its round trip.
    SrtLatencyShort => "srt_latency_short", "set `latency_ms` to four round trips or more at both ends; less leaves no time to send lost packets again";
    /// Something is not as a pair of boxes needs it.
    PairTrouble => "pair_trouble", "look at the other box and at the lease (`uplinkctl status CHANNEL`)";
    /// Segments cannot be written.
    SpoolFailing => "spool_failing", "free the disk of the state directory, or have it replaced; programme is being lost";
    /// What waits for destinations is about to use up the spool.
    SpoolNearFull => "spool_near_full", "bring the destination back, or raise the spool's quota; after that the oldest is lost";
    /// Segments were deleted that a destination did not have yet.
    SpoolOverflowed => "spool_overflowed", "bring the destination back and give the spool a larger quota; recordings may have what is missing";
    /// The encoder of a rendition was replaced after it failed.
    EncoderReplaced => "encoder_replaced", "look at the encoder's hardware after the show; the one in its place may cost more";
    /// An encoder has no time for all frames.
    EncoderOverloaded => "encoder_overloaded", "take load off the box: fewer renditions, a lower effort, or another channel off air";
    /// A recording is not written.
    RecordingFailed => "recording_failed", "free the disk of the recordings or correct their rights; it catches up from the spool";
    /// The disk of the recordings runs out of room.
    RecordingNoRoom => "recording_no_room", "take recordings away from the box, or delete what is not needed";
    /// Less than an hour of what is recorded still fits on its disk.
    RecordingTimeShort => "recording_time_short", "take recordings away from the box, delete what is not needed, or end a recording that nobody needs";
    /// The program has no sound.
    SoundSilent => "sound_silent", "look at the desk and at the source on air; `uplinkctl sound` says whether it is muted here";
    /// True peaks are above the limit.
    SoundOverLevel => "sound_over_level", "lower the gain at the desk, or turn the limiter on in the stream class";
    /// Left and right cancel each other in mono.
    SoundPhaseInverted => "sound_phase_inverted", "turn the phase of one channel at the desk";
    /// One channel is silent while the others are not.
    SoundChannelMissing => "sound_channel_missing", "look at the cable and the channel of the desk";
    /// Integrated loudness is off the target.
    LoudnessOffTarget => "loudness_off_target", "correct the mix towards the target, or turn the correction on in the stream class";
    /// Workers of the channel end again and again.
    WorkerRestarts => "worker_restarts", "read the worker's log (`<runtime-dir>/<channel>/worker.log`) and report it";
    /// The worker on air does not report.
    WorkerSilent => "worker_silent", "look at the load of the box; what is shown of the channel is the last known";
    /// Nothing keeps the clock right.
    ClockUnsynchronised => "clock_unsynchronised", "run chrony or the like, and let it reach a time server";
    /// Most of a destination's budget for the month is spent.
    BudgetNear => "budget_near", "look at `uplinkctl cost`; raise the budget, or send less";
    /// All of a destination's budget for the month is spent.
    BudgetSpent => "budget_spent", "raise the budget, or `uplinkctl destination enable` for the rest of the month";
    /// A changed configuration is faulty; the old one stays in force.
    ConfigRejected => "config_rejected", "correct each fault (`uplinkctl check`), then `uplinkctl reload`";
    /// The configuration was faulty when the daemon came up; one that was in force before is used.
    ConfigLastGood => "config_last_good", "correct each fault (`uplinkctl check`), then `uplinkctl reload`; what is in force is kept as a file";
    /// The certificate of `[api.tls]` cannot be had, renewed or used.
    CertificateFailed => "certificate_failed", "let the authority reach this box on port 443 by these names, or correct [api.tls]; `uplinkctl reload` tries at once";
    /// A certificate of the API is about to end, or has ended.
    CertificateExpiring => "certificate_expiring", "renew the files of [api.tls], then `uplinkctl reload`, which makes one of the box's own anew, too";
    /// Orders, alarms and the as-run log cannot be kept.
    StoreFailed => "store_failed", "check space and rights of the state directory";
}

/// Which alarm: at most one of each is listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlarmKey {
    /// What is wrong.
    pub code: AlarmCode,
    /// The channel; none for the appliance itself.
    pub channel: Option<ChannelId>,
    /// The source, destination, rendition or mix of it.
    pub subject: Option<String>,
}

impl fmt::Display for AlarmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())?;
        self.channel.iter().try_for_each(|channel| write!(f, ".{channel}"))?;
        self.subject.iter().try_for_each(|subject| write!(f, ".{subject}"))
    }
}

/// Who did something about an alarm, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AlarmMark {
    /// When.
    pub at: MediaTime,
    /// Who, as far as they said.
    #[serde(default)]
    pub by: Option<String>,
}

/// An alarm put aside for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AlarmShelf {
    /// Who did it, and when.
    #[serde(flatten)]
    pub mark: AlarmMark,
    /// When it comes back.
    pub until: MediaTime,
    /// Why, one sentence.
    pub reason: String,
}

/// One alarm.
///
/// ```text
///            raised                 acked
///   normal ─────────▶ unacknowledged ─────▶ acknowledged
///      ▲                │ cleared                │ cleared
///      │      acked     ▼                        │
///      ├───────────── latched                    │
///      └─────────────────────────────────────────┘
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Alarm {
    /// Its name in addresses: `code`, `code.channel` or `code.channel.subject`.
    pub id: String,
    /// What is wrong, for machines.
    pub code: AlarmCode,
    /// How soon somebody has to act.
    pub priority: AlarmPriority,
    /// The channel; none for the appliance itself.
    pub channel: Option<ChannelId>,
    /// The source, destination, rendition or mix.
    pub subject: Option<String>,
    /// Whether it is so now; an alarm that is over stays until somebody has acknowledged it.
    pub active: bool,
    /// When what is wrong began.
    pub since: MediaTime,
    /// When the alarm was last raised.
    pub raised: MediaTime,
    /// When it was over.
    pub cleared: Option<MediaTime>,
    /// Who has seen it.
    pub acked: Option<AlarmMark>,
    /// It is put aside: neither counted nor sent to anybody.
    pub shelved: Option<AlarmShelf>,
    /// How often it was raised since it is listed.
    pub count: u64,
    /// What is wrong, one sentence.
    pub reason: String,
    /// What to do, one sentence.
    pub action: String,
}

/// How many alarms there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AlarmCounts {
    /// Active and critical, without those that are shelved.
    pub critical: u64,
    /// Active warnings, likewise.
    pub warning: u64,
    /// Active and no more than information, likewise.
    pub info: u64,
    /// Nobody has acknowledged them, active or over, likewise.
    pub unacknowledged: u64,
    /// Put aside.
    pub shelved: u64,
}

impl Alarm {
    /// How much it needs somebody: what is put aside is last, then what is over, then by priority.
    pub fn urgency(&self) -> u8 {
        u8::from(self.shelved.is_none()) * 8 + u8::from(self.active) * 4 + self.priority as u8
    }
}

impl AlarmCounts {
    /// Of these alarms.
    pub fn of<'a>(alarms: impl IntoIterator<Item = &'a Alarm>) -> Self {
        let mut counts = Self::default();
        for alarm in alarms {
            if alarm.shelved.is_some() {
                counts.shelved += 1;
                continue;
            }
            counts.unacknowledged += u64::from(alarm.acked.is_none());
            match alarm.priority {
                _ if !alarm.active => {}
                AlarmPriority::Critical => counts.critical += 1,
                AlarmPriority::Warning => counts.warning += 1,
                AlarmPriority::Info => counts.info += 1,
            }
        }
        counts
    }

    /// Active ones of a priority.
    pub fn active(&self, priority: AlarmPriority) -> u64 {
        match priority {
            AlarmPriority::Critical => self.critical,
            AlarmPriority::Warning => self.warning,
            AlarmPriority::Info => self.info,
        }
    }
}

/// What happened to an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlarmNews {
    /// It was raised, or has become worse.
    Raised,
    /// It is over.
    Cleared,
    /// Somebody has seen it.
    Acked,
    /// Somebody has put it aside.
    Shelved,
    /// It is not put aside any more.
    Unshelved,
    /// Nothing: somebody tries whether news arrive.
    Test,
}

impl AlarmNews {
    /// As it stands in JSON and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            AlarmNews::Raised => "raised",
            AlarmNews::Cleared => "cleared",
            AlarmNews::Acked => "acked",
            AlarmNews::Shelved => "shelved",
            AlarmNews::Unshelved => "unshelved",
            AlarmNews::Test => "test",
        }
    }
}

/// News of an alarm, as they are sent to others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AlarmNotice {
    /// When.
    pub at: MediaTime,
    /// What happened to it.
    pub news: AlarmNews,
    /// Name of the box.
    pub appliance: String,
    /// The alarm as it is since.
    pub alarm: Alarm,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_the_same_in_json_and_in_addresses() {
        for code in AlarmCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert!(code.action().len() > 20, "{code:?}");
        }
        for priority in AlarmPriority::ALL {
            assert_eq!(serde_json::to_value(priority).unwrap(), priority.as_str());
        }
        let key = AlarmKey { code: AlarmCode::SourceLost, channel: "demo".parse().ok(), subject: Some("cam-1".into()) };
        assert_eq!(key.to_string(), "source_lost.demo.cam-1");
    }
}
