//! The words of the field: identifiers, units, media time, health, events and the status documents.
//!
//! Owns: every type that more than one layer speaks. Must not: do I/O, read a clock, or know GStreamer.
//! One thing has one name in code, API, configuration, log and panel; these are the names.

pub mod acme;
pub mod act;
pub mod alarm;
pub mod boundaries;
pub mod capacity;
pub mod carrier;
pub mod codec;
pub mod cost;
pub mod cue;
pub mod delivery;
pub mod device;
pub mod edge;
pub mod effect;
pub mod encryption;
pub mod event;
pub mod format;
pub mod freeze;
pub mod guest;
pub mod health;
pub mod ice;
pub mod id;
pub mod image;
pub mod input;
pub mod inventory;
pub mod line;
pub mod live;
pub mod meters;
pub mod notify;
pub mod overlay;
pub mod pair;
pub mod parts;
pub mod path_template;
pub mod recording;
pub mod secret;
pub mod signal;
pub mod sound;
pub mod splice;
pub mod status;
pub mod surface;
pub mod take;
pub mod time;
pub mod timecode;
pub mod timed;
pub mod timeline;
pub mod token;
pub mod units;
pub mod upload;

pub use act::{Act, Acted};
pub use alarm::{Alarm, AlarmCode, AlarmCounts, AlarmKey, AlarmNews, AlarmNotice, AlarmPriority};
pub use boundaries::Boundaries;
pub use capacity::{CapacityStatus, ChannelNeeds, ClassFit, DiskRate, Resources, SessionRoom};
pub use carrier::{Carrier, SrtMode, TransportStream};
pub use codec::VideoCodec;
pub use cost::{Budget, BudgetOrder, Hold, Month};
pub use delivery::{
    DeliveryKind, DeliveryPolicy, DestinationOrder, DrillReport, Duty, EndpointStatus, OnSlate, Revert, SwitchReport,
};
pub use device::{DeviceName, NoDeviceName};
pub use effect::{ChannelEffect, DestinationChange, DestinationEffect, Effect};
pub use event::{About, Event, EventCode, Fault, Severity};
pub use format::{AudioFormat, Fit, ProgramFormat};
pub use freeze::Freeze;
pub use guest::{GuestAnswer, GuestAsk, GuestRefusal, TurnServer};
pub use health::{Health, HealthReport};
pub use ice::{IceServer, IceServers};
pub use id::{ChannelId, CueId, DestinationId, EndpointName, RenditionId, SourceId};
pub use image::ImageName;
pub use input::{InputState, InputStatus};
pub use inventory::{CaptureDevice, HardwareDevice, Inventory, NodeRules, NotFound, RuleOutcome, SoundDevice};
pub use line::{Carried, CarriedRendition, CatchUp, LinePolicy, LineStatus, OverflowReport, WhenFull, WhenSlow};
pub use live::{LiveChange, LiveSettings};
pub use meters::MeterReading;
pub use overlay::{Overlay, OverlayKind, OverlayOrders};
pub use parts::PartPace;
pub use recording::{RecordedOf, RecordingAsk, RecordingLimits, RecordingStart, RecordingStatus};
pub use secret::Secret;
pub use signal::{ExpectedFormat, FailoverRules, SignalStatus, SignalThresholds, Trigger, TriggerAction};
pub use splice::SpliceForm;
pub use take::{Corner, Layout, Scene, ScheduledTake, TakeOrder, Transition, TransitionKind};
pub use time::{FrameGrid, MediaTime, SampleGrid, SegmentGrid};
pub use timeline::{Cued, LiveTimeline, Timeline};
pub use token::{Bearer, NoToken, Tokens};
pub use units::{BitRate, FrameRate, Lufs, PictureSize};
