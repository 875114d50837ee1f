//! Checked channel + hardware profile → the graph as data. Pure.
//!
//! Owns: the [`ChannelPlan`] and how it is derived. Must not: do I/O, look at the machine or know GStreamer beyond the
//! names that profiles carry.

mod companion;
mod derive;
mod diff;
mod graph;
mod impact;
mod needs;
mod recording;
mod retune;
mod send;
mod sessions;
mod whip;

pub use companion::CompanionPlan;
pub use derive::{PlanError, PlanPaths, derive};
pub use diff::{Diff, diff};
pub use graph::{
    AudioRenditionPlan, CaptionsPlan, ChannelPlan, CorrectionPlan, DeckLinkInput, DestinationKind, DestinationPlan,
    EncoderPlan, EndpointPlan, GraphicsPlan, RtspTransport, SecondPublisher, SlatePlan, SoundAlarmPlan, SoundPlan,
    SourceKind, SourcePlan, SpoolPlan, SrtMode, ThresholdPlan, VideoRenditionPlan,
};
pub use impact::{Change, Impact, Reason, impact, opened_alike, reopens};
pub use needs::{Costs, needs};
pub use recording::RecordingPlan;
pub use send::{CarrierPlan, SendPlan, SentAudio, SentVideo, SpliceForm, TsPlan};
pub use sessions::{Granted, Held, Taken, grant, grant_all, session_limits, still_held};
pub use whip::{OpusPlan, OwnPlan, WhipPlan};
