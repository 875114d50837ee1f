//! Status documents: wanted (`order`), actual (`state`) and `health`, for the appliance, each channel and its parts.
//!
//! A worker fills a [`WorkerReport`] and sends it with each heartbeat; the supervisor adds what only it knows and
//! publishes a [`ChannelStatus`]; the API serves an [`ApplianceStatus`]. Nothing here holds a secret.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::alarm::AlarmCounts;
use super::capacity::CapacityStatus;
use super::delivery::{DrillReport, EndpointStatus, SwitchReport};
use super::event::Fault;
use super::freeze::Freeze;
use super::health::{Health, HealthReport};
use super::id::{ChannelId, DestinationId, EndpointName, RenditionId, SourceId};
use super::input::InputStatus;
use super::line::{LineStatus, OverflowReport};
use super::live::LiveSettings;
use super::pair::ClockStatus;
use super::recording::RecordingStatus;
use super::signal::SignalStatus;
use super::sound::LoudnessTarget;
use super::time::MediaTime;
use super::timecode::TimecodeDay;
use super::units::{BitRate, FrameRate, PictureSize};

pub use super::link::{LayerFigures, LinkFigures};
pub use super::program::{ProgramOrder, ProgramStatus, ProgramTimecode, Showing};

/// What somebody asked of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelOrder {
    /// Be on air.
    OnAir,
    /// Be off air.
    OffAir,
}

/// What the engine does.
///
/// ```text
/// idle → starting → running ⇄ slate → stopping → idle
///           └──────────┴────────┴──→ failed → starting
///                        stopping → delivering → idle, starting
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelState {
    /// No worker, none wanted.
    Idle,
    /// A worker is coming up, no program yet.
    Starting,
    /// The program shows a source.
    Running,
    /// The program shows the slate.
    Slate,
    /// The worker was told to stop.
    Stopping,
    /// Off air; what destinations have not got yet is being delivered.
    Delivering,
    /// Gave up, see health.
    Failed,
}

/// Where a source stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// Being opened, or waiting for a caller.
    Connecting,
    /// Delivers pictures or sound.
    Delivering,
    /// Delivered before, does not now.
    Lost,
    /// Cannot be opened; will be tried again.
    Failed,
}

/// One source of a channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SourceStatus {
    /// The source.
    pub id: SourceId,
    /// Its kind (`test`, `v4l2`, `alsa`, `file`, `srt`).
    pub kind: String,
    /// Where it stands.
    pub state: SourceState,
    /// Health with reason.
    pub health: HealthReport,
    /// Size of the arriving picture.
    pub picture: Option<PictureSize>,
    /// Rate of the arriving picture.
    pub frame_rate: Option<FrameRate>,
    /// Arriving sound, such as `48000 Hz, 2 channels`.
    pub sound: Option<String>,
    /// How often it was opened since the worker started.
    pub connects: u64,
    /// Frames that arrived.
    pub frames: u64,
    /// Frames that arrived too late to be shown.
    pub late: u64,
    /// Timecode of its newest picture, if it carries one.
    #[serde(default)]
    pub timecode: Option<SourceTimecode>,
    /// Faults of its signal.
    #[serde(default)]
    pub signal: SignalStatus,
    /// What its capture device says of the signal; none for a source without one, and before the device was asked.
    #[serde(default)]
    pub input: Option<InputStatus>,
    /// What the protocol tells of the way from the sender (SRT); none where it tells nothing, and before it delivers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkFigures>,
}

/// A timecode that came with a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SourceTimecode {
    /// As the source has it, SMPTE ST 12-1; `;` for drop-frame.
    pub timecode: String,
    /// When the picture arrived, on the house clock.
    pub at: MediaTime,
}

/// One rendition of a channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RenditionStatus {
    /// The rendition.
    pub id: RenditionId,
    /// GStreamer element that encodes.
    pub encoder: String,
    /// Wanted bit rate.
    pub target: BitRate,
    /// Measured over the last segments, bit/s of media.
    pub measured: BitRate,
    /// End of the last segment on disk.
    pub position: Option<MediaTime>,
    /// Media sequence number of the last segment on disk.
    pub media_sequence: Option<u64>,
    /// Segments written.
    pub segments: u64,
    /// Frames that its encoder had no time for since the worker started.
    pub dropped_frames: u64,
    /// Whether its encoder keeps up.
    pub health: HealthReport,
}

/// Where a destination stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DestinationState {
    /// Nothing acknowledged yet.
    Connecting,
    /// Acknowledges.
    Streaming,
    /// Stopped acknowledging, is tried again.
    Interrupted,
    /// Refuses for good, see health.
    Failed,
    /// Not wanted.
    Disabled,
}

/// One destination of a channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DestinationStatus {
    /// The destination.
    pub id: DestinationId,
    /// Where it goes, without secrets.
    pub url: String,
    /// Where it stands.
    pub state: DestinationState,
    /// Health with reason.
    pub health: HealthReport,
    /// Whose fault, if it does not stream.
    pub fault: Option<Fault>,
    /// Media bytes sent, acknowledged or not.
    pub bytes_sent: u64,
    /// Media bytes acknowledged.
    pub bytes_acknowledged: u64,
    /// End of the last segment acknowledged in every rendition.
    pub position: Option<MediaTime>,
    /// Segments waiting in the spool.
    pub queue_segments: u64,
    /// Program time waiting in the spool, seconds.
    pub queue_seconds: f64,
    /// Times the destination was lost and came back.
    pub reconnects: u64,
    /// The last error in plain words.
    pub last_error: Option<String>,
    /// Primary and backups; the figures above are of those that are active.
    #[serde(default)]
    pub endpoints: Vec<EndpointStatus>,
    /// The endpoint that an operator has forced, if any.
    #[serde(default)]
    pub forced: Option<EndpointName>,
    /// The last change of endpoint since the worker started.
    #[serde(default)]
    pub last_switch: Option<SwitchReport>,
    /// The last drill since the worker started.
    #[serde(default)]
    pub last_drill: Option<DrillReport>,
    /// What it records, if it is a recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<RecordingStatus>,
    /// Since when it gets nothing because the program is on slate.
    #[serde(default)]
    pub paused_since: Option<MediaTime>,
    /// The line to the endpoint whose figures these are; none for a stream.
    #[serde(default)]
    pub line: Option<LineStatus>,
}

/// The spool of a channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SpoolStatus {
    /// Health with reason.
    pub health: HealthReport,
    /// Bytes on disk.
    pub bytes: u64,
    /// Most bytes it may take.
    pub quota_bytes: u64,
    /// Segments that could not be written.
    pub lost_segments: u64,
    /// What destinations have lost because it was full, since the worker started.
    #[serde(default)]
    pub overflowed: Vec<OverflowReport>,
}

/// What a worker knows of its channel; travels in every heartbeat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct WorkerReport {
    /// The program.
    pub program: ProgramStatus,
    /// The sources, in rank order.
    pub sources: Vec<SourceStatus>,
    /// The renditions, in ladder order, audio last.
    pub renditions: Vec<RenditionStatus>,
    /// The destinations.
    pub destinations: Vec<DestinationStatus>,
    /// The spool.
    pub spool: SpoolStatus,
}

/// What is left of a channel that is off air: its destinations that take segments, and its spool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RemainderStatus {
    /// The destinations.
    pub destinations: Vec<DestinationStatus>,
    /// The spool.
    pub spool: SpoolStatus,
}

/// The worker process of a channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct WorkerStatus {
    /// Process id.
    pub pid: u32,
    /// Build id it reported.
    pub build: String,
    /// When the process started.
    pub since: MediaTime,
    /// Whether a daemon found it on air and took it over.
    pub adopted: bool,
    /// Age of the last heartbeat, seconds.
    pub heartbeat_age_seconds: f64,
    /// From its launch until it was on air, seconds; none if another daemon launched it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_after_seconds: Option<f64>,
}

/// One channel, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChannelStatus {
    /// The channel.
    pub id: ChannelId,
    /// Name for people.
    pub title: String,
    /// The stream class it runs, `name version`.
    pub stream_class: String,
    /// Frames per second of its program; none for a channel that is no longer configured.
    pub frame_rate: Option<FrameRate>,
    /// Whose midnight its timecode counts from.
    pub timecode: TimecodeDay,
    /// What the loudness of its program is to become; none for a channel that is no longer configured.
    #[serde(default)]
    pub loudness_target: Option<LoudnessTarget>,
    /// Wanted.
    pub order: ChannelOrder,
    /// Actual.
    pub state: ChannelState,
    /// Any good, worst of its parts.
    pub health: HealthReport,
    /// Whether a viewer can receive the programme: a destination acknowledges.
    pub on_air: bool,
    /// Since when.
    pub on_air_since: Option<MediaTime>,
    /// The worker process, if there is one.
    pub worker: Option<WorkerStatus>,
    /// Worker processes started since the daemon came up, beyond the first.
    pub restarts: u64,
    /// What operators have set; in force when the worker has confirmed it.
    pub live: LiveSettings,
    /// The last report of the worker, if there is one.
    pub report: Option<WorkerReport>,
    /// What is still being delivered of a channel that is off air.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remainder: Option<RemainderStatus>,
    /// Grows with every change of this document.
    pub generation: u64,
}

impl ChannelStatus {
    /// The destinations, of a channel that is off air those that something is left for.
    pub fn destinations(&self) -> &[DestinationStatus] {
        let of_report = self.report.as_ref().map(|report| &report.destinations);
        of_report.or(self.remainder.as_ref().map(|rest| &rest.destinations)).map_or(&[], Vec::as_slice)
    }
}

/// The configuration in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ConfigStatus {
    /// The file it was read from.
    pub path: String,
    /// When it was put in force.
    pub loaded_at: MediaTime,
    /// Counts configurations put in force since the daemon came up, from 1.
    pub generation: u64,
    /// Faults of a newer version that was rejected; empty when what is on disk is in force.
    pub rejected: Vec<String>,
    /// What is in force is a copy of what was in force before: what was on disk when the daemon came up was faulty. None if not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_good: Option<LastGood>,
}

/// A configuration that was in force before, and is used again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LastGood {
    /// When it was put in force.
    pub at: MediaTime,
    /// The version of Uplink that did.
    pub version: String,
    /// Where it is kept.
    pub path: String,
}

impl fmt::Display for LastGood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, version, path } = self;
        write!(f, "the last good configuration, put in force {at} by version {version} and kept in {path}")
    }
}

/// The whole appliance in one document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ApplianceStatus {
    /// Name of the box.
    pub name: String,
    /// Version of Uplink.
    pub version: String,
    /// Time of this document.
    pub now: MediaTime,
    /// When the daemon came up.
    pub started_at: MediaTime,
    /// Worst of all channels.
    pub health: HealthReport,
    /// The configuration in force.
    pub config: ConfigStatus,
    /// What the box can carry.
    #[serde(default)]
    pub capacity: CapacityStatus,
    /// How many alarms there are.
    #[serde(default)]
    pub alarms: AlarmCounts,
    /// What is frozen for a show; none if nothing is.
    #[serde(default)]
    pub freeze: Option<Freeze>,
    /// The clock that segments are cut by; none where it cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockStatus>,
    /// The channels in the order of the configuration.
    pub channels: Vec<ChannelStatus>,
}

impl ChannelStatus {
    /// Whether the channel should be good and is not.
    pub fn needs_attention(&self) -> bool {
        self.health.health > Health::Healthy
    }
}
