//! Events: what happened, to whom, whose fault it is and what to do. One event becomes a log line, a metric and an
//! as-run entry (`telemetry`).

use serde::{Deserialize, Serialize};

use super::id::ChannelId;
use super::time::MediaTime;

/// Error: act now. Warning: degraded but on air. Info: a requested change happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A requested change happened, or something healed.
    Info,
    /// Degraded but on air.
    Warning,
    /// Act now.
    Error,
}

/// Whose fault it is: where a technician looks first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The camera, the sender or the file.
    Source,
    /// The origin or the network to it.
    Destination,
    /// The box: disk, card, processor.
    Hardware,
    /// What the technician wrote.
    Configuration,
    /// Uplink itself.
    Internal,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident => $text:literal,)*) => {
        /// Stable event codes; machines match on these, never on text.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum EventCode { $($(#[$doc])* $name,)* }

        impl EventCode {
            /// Every code.
            pub const ALL: &[EventCode] = &[$(EventCode::$name,)*];

            /// The code as it stands in JSON, metrics and logs.
            pub fn as_str(self) -> &'static str {
                match self { $(EventCode::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// A worker on air has taken over another plan.
    PlanTakenOver => "plan_taken_over",
    /// The daemon is up.
    DaemonStarted => "daemon_started",
    /// The daemon did not run for a while: what happened then was not written down.
    DaemonAbsent => "daemon_absent",
    /// The daemon is going down in order.
    DaemonStopping => "daemon_stopping",
    /// A changed configuration is in force.
    ConfigReloaded => "config_reloaded",
    /// A changed configuration is faulty; the old one stays in force.
    ConfigRejected => "config_rejected",
    /// The configuration was faulty when the daemon came up; one that was in force before is used.
    ConfigLastGood => "config_last_good",
    /// The configuration in force cannot be kept for the day when the one on disk is faulty.
    ConfigNotKept => "config_not_kept",
    /// Somebody ordered a channel on air.
    ChannelStarted => "channel_started",
    /// Somebody ordered a channel off air, and it is.
    ChannelStopped => "channel_stopped",
    /// What was left of a channel that is off air has been delivered.
    RemainderDelivered => "remainder_delivered",
    /// What is left of a channel that is off air is not delivered any more; it stays in the spool.
    RemainderLeft => "remainder_left",
    /// A channel cannot be kept on air: the restart budget is used up, or the fault cannot heal.
    ChannelFailed => "channel_failed",
    /// The box cannot carry a channel: it is not put on air.
    ChannelRefused => "channel_refused",
    /// A worker process was started.
    WorkerStarted => "worker_started",
    /// A worker that was already on air was taken over by a new daemon.
    WorkerAdopted => "worker_adopted",
    /// A worker process ended unasked.
    WorkerDied => "worker_died",
    /// A worker that was found running does not fit, and is stopped.
    WorkerReplaced => "worker_replaced",
    /// The supervision of a channel failed and was begun anew; the worker stays on air meanwhile.
    SupervisionFailed => "supervision_failed",
    /// A worker made no progress and was killed.
    WorkerStalled => "worker_stalled",
    /// A peer on a worker socket broke the protocol; its connection was ended.
    ProtocolViolation => "protocol_violation",
    /// Orders and the as-run log cannot be kept; channels go on.
    StoreFailed => "store_failed",
    /// Orders and the as-run log are kept again.
    StoreRecovered => "store_recovered",
    /// A source delivers.
    SourceConnected => "source_connected",
    /// A source stopped delivering.
    SourceLost => "source_lost",
    /// A source changed size, frame rate or sound format in mid-stream.
    SourceFormatChanged => "source_format_changed",
    /// Somebody who wanted to publish to a source was not admitted.
    PublisherRefused => "publisher_refused",
    /// The picture of a source is black.
    SourceBlack => "source_black",
    /// The picture of a source stands still.
    SourceFrozen => "source_frozen",
    /// The sound of a source is silent.
    SourceSilent => "source_silent",
    /// The picture of a source has not the expected size or frame rate.
    SourceWrongFormat => "source_wrong_format",
    /// A fault of a source's signal is over.
    SourceSignalGood => "source_signal_good",
    /// A file of a playlist cannot be played and is left out.
    EntrySkipped => "entry_skipped",
    /// What a capture device says of the signal at an input has changed.
    InputChanged => "input_changed",
    /// A capture or sound device was plugged in.
    DevicePlugged => "device_plugged",
    /// A capture or sound device was unplugged.
    DeviceUnplugged => "device_unplugged",
    /// A source sends captions that are none; they are left out.
    CaptionsFaulty => "captions_faulty",
    /// The program shows another source.
    ProgramSwitched => "program_switched",
    /// The program went to slate.
    SlateOn => "slate_on",
    /// The program left the slate.
    SlateOff => "slate_off",
    /// The program has had no sound for longer than the stream class allows.
    SilenceBegan => "silence_began",
    /// The program has sound again.
    SilenceEnded => "silence_ended",
    /// A true peak of the program is above the stream class's limit.
    OverLevelBegan => "over_level_began",
    /// True peaks of the program are below the limit again.
    OverLevelEnded => "over_level_ended",
    /// Left and right of the program cancel each other in mono.
    PhaseInvertedBegan => "phase_inverted_began",
    /// The phase of the program is right again.
    PhaseInvertedEnded => "phase_inverted_ended",
    /// A channel of the program is silent while the others are not.
    ChannelMissingBegan => "channel_missing_began",
    /// All channels of the program have sound again.
    ChannelMissingEnded => "channel_missing_ended",
    /// Integrated loudness, loudness range and true peaks are measured anew.
    LoudnessRestarted => "loudness_restarted",
    /// An overlay or the slate's image cannot be drawn; the program goes without it.
    OverlayFailed => "overlay_failed",
    /// The program loop missed ticks; frames were skipped and counted.
    TicksMissed => "ticks_missed",
    /// A cue out or in was placed, moved or taken back.
    CuePlaced => "cue_placed",
    /// Which encoder a rendition uses.
    EncoderChosen => "encoder_chosen",
    /// An encoder had no time for frames: the box is too slow for its ladder, or busy with something else.
    FramesDropped => "frames_dropped",
    /// The encoder of a rendition failed on air and another one has its place.
    RenditionEncoderReplaced => "rendition_encoder_replaced",
    /// A rendition may not use hardware whose sessions are taken; it is encoded otherwise.
    EncoderSessionsTaken => "encoder_sessions_taken",
    /// A rendition failed.
    RenditionFailed => "rendition_failed",
    /// The clean feed or a source cannot be encoded for its recording.
    CompanionFailed => "companion_failed",
    /// It is encoded again.
    CompanionRecovered => "companion_recovered",
    /// Segments could not be written and were lost (disk full, read-only).
    SpoolFailed => "spool_failed",
    /// Segments are written again.
    SpoolRecovered => "spool_recovered",
    /// What was found and mended in the spool at start.
    SpoolMended => "spool_mended",
    /// Segments were deleted before every destination had them: the spool's quota is used up.
    SpoolOverflowed => "spool_overflowed",
    /// A destination acknowledges again.
    PushConnected => "push_connected",
    /// A destination stopped acknowledging; segments wait in the spool.
    PushInterrupted => "push_interrupted",
    /// A destination refused in a way that retrying cannot heal.
    PushRefused => "push_refused",
    /// A destination takes whole segments, but no parts: players get no low latency from it.
    PushPartsRefused => "push_parts_refused",
    /// A WHIP endpoint does not get the channel in all sizes that it is offered.
    PushLayersRefused => "push_layers_refused",
    /// All segments that waited have been delivered.
    PushCaughtUp => "push_caught_up",
    /// The line to a destination is too slow for the whole ladder: a rendition is left out.
    PushRenditionDropped => "push_rendition_dropped",
    /// A rendition that was left out is delivered again.
    PushRenditionReturned => "push_rendition_returned",
    /// The source of a destination's token gives none; the one in use serves until it expires.
    TokenFailed => "token_failed",
    /// There is no further key to encrypt a destination's segments with; they wait when the one in use has had its time.
    KeysFailed => "keys_failed",
    /// Segments that are to be deleted at a destination stay there.
    OldSegmentsStay => "old_segments_stay",
    /// A destination uses another endpoint.
    EndpointSwitched => "endpoint_switched",
    /// The endpoint that a destination has changed to has a whole window: players can have it.
    EndpointPlayable => "endpoint_playable",
    /// This box delivers to a destination that it shares with another one.
    LeaseTaken => "lease_taken",
    /// This box does not deliver to such a destination any more.
    LeaseLost => "lease_lost",
    /// Something is not as a pair of boxes needs it.
    PairTrouble => "pair_trouble",
    /// Nothing keeps the clock right that a pair of boxes relies on.
    ClockUnsynchronised => "clock_unsynchronised",
    /// The clock is kept right again.
    ClockSynchronised => "clock_synchronised",
    /// The clock of the box is behind what a channel has made before.
    ClockBehind => "clock_behind",
    /// A backup was tried without leaving the endpoint in use.
    DrillEnded => "drill_ended",
    /// A recording has been uploaded.
    RecordingUploaded => "recording_uploaded",
    /// A recording cannot be uploaded.
    RecordingUploadFailed => "recording_upload_failed",
    /// Files of a recording are missing, or not what their checksums say.
    RecordingDamaged => "recording_damaged",
    /// A recording has begun.
    RecordingStarted => "recording_started",
    /// A recording was ended in order.
    RecordingEnded => "recording_ended",
    /// A recording goes on after its worker was lost.
    RecordingResumed => "recording_resumed",
    /// A recording was put in order after a crash.
    RecordingMended => "recording_mended",
    /// Something is missing in a recording.
    RecordingGap => "recording_gap",
    /// A recording cannot be written; it is tried again.
    RecordingFailed => "recording_failed",
    /// A recording is written again.
    RecordingRecovered => "recording_recovered",
    /// Old recordings were deleted to keep the limits.
    RecordingDeleted => "recording_deleted",
    /// The limits of recordings cannot be kept.
    RecordingNoRoom => "recording_no_room",
    /// Most of a destination's budget for the month is spent.
    BudgetNear => "budget_near",
    /// All of a destination's budget for the month is spent.
    BudgetSpent => "budget_spent",
    /// A destination that its budget held back is used as configured again.
    BudgetFreed => "budget_freed",
    /// A show began: what is counted from now on is its own.
    ShowBegan => "show_began",
    /// A show ended.
    ShowEnded => "show_ended",
    /// The box, or channels of it, are frozen for a show.
    FreezeBegan => "freeze_began",
    /// A freeze is over.
    FreezeEnded => "freeze_ended",
    /// Somebody did, with a reason, what a freeze holds.
    FreezeOverridden => "freeze_overridden",
    /// A freeze held something that nobody waited for an answer of.
    FreezeHeld => "freeze_held",
    /// Something is wrong that somebody has to act on.
    AlarmRaised => "alarm_raised",
    /// What an alarm was about is over.
    AlarmCleared => "alarm_cleared",
    /// Somebody has seen an alarm.
    AlarmAcked => "alarm_acked",
    /// An alarm was put aside, or is not put aside any more.
    AlarmShelved => "alarm_shelved",
    /// News of alarms do not reach somebody who is to be told.
    NotifyFailed => "notify_failed",
    /// They do again.
    NotifyRecovered => "notify_recovered",
}

/// What an event's subject is, if it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A source of the channel.
    Source,
    /// A destination of the channel; a recording is one.
    Destination,
    /// Anything else: a rendition, a device, an alarm, …
    Other,
}

impl EventCode {
    /// What the subject of events with this code is.
    pub fn about(self) -> About {
        use EventCode as E;
        match self {
            E::SourceConnected | E::SourceLost | E::SourceFormatChanged | E::PublisherRefused | E::SourceBlack => {
                About::Source
            }
            E::SourceFrozen | E::SourceSilent | E::SourceWrongFormat | E::SourceSignalGood | E::EntrySkipped => {
                About::Source
            }
            E::InputChanged | E::CaptionsFaulty | E::ProgramSwitched => About::Source,
            E::PushConnected | E::PushInterrupted | E::PushRefused | E::PushPartsRefused | E::PushLayersRefused => {
                About::Destination
            }
            E::PushCaughtUp | E::PushRenditionDropped | E::PushRenditionReturned | E::TokenFailed | E::KeysFailed => {
                About::Destination
            }
            E::OldSegmentsStay | E::EndpointSwitched | E::EndpointPlayable | E::LeaseTaken | E::LeaseLost => {
                About::Destination
            }
            E::PairTrouble | E::DrillEnded | E::RecordingStarted | E::RecordingEnded | E::RecordingResumed => {
                About::Destination
            }
            E::RecordingMended | E::RecordingGap | E::RecordingFailed | E::RecordingRecovered => About::Destination,
            E::RecordingDeleted | E::RecordingNoRoom => About::Destination,
            E::BudgetNear | E::BudgetSpent | E::BudgetFreed | E::SpoolOverflowed => About::Destination,
            _ => About::Other,
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Event {
    /// When, on the house clock.
    pub at: MediaTime,
    /// Since when, of what lasted until `at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<MediaTime>,
    /// How urgent.
    pub severity: Severity,
    /// What, for machines.
    pub code: EventCode,
    /// The channel it happened to; none for the appliance itself.
    pub channel: Option<ChannelId>,
    /// The source, destination or rendition it happened to.
    pub subject: Option<String>,
    /// Whose fault, where it is one.
    pub fault: Option<Fault>,
    /// What happened, one sentence.
    pub text: String,
    /// What to do about it, one sentence.
    pub hint: Option<String>,
}

impl Event {
    /// An event with nothing but its code and sentence.
    pub fn new(at: MediaTime, severity: Severity, code: EventCode, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { at, since: None, severity, code, channel: None, subject: None, fault: None, text, hint: None }
    }

    /// Says since when it lasted.
    pub fn since(self, since: MediaTime) -> Self {
        Self { since: Some(since), ..self }
    }

    /// Names the channel.
    pub fn channel(mut self, channel: &ChannelId) -> Self {
        self.channel = Some(channel.clone());
        self
    }

    /// Names the source, destination or rendition.
    pub fn subject(mut self, subject: impl ToString) -> Self {
        self.subject = Some(subject.to_string());
        self
    }

    /// Says whose fault it is and what to do.
    pub fn blame(mut self, fault: Fault, hint: impl Into<String>) -> Self {
        self.fault = Some(fault);
        self.hint = Some(hint.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_the_same_in_json_and_metrics() {
        for code in EventCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
