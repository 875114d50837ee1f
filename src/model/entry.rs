//! Kinds of entries of the timeline: what people look for apart from the rest.

use serde::{Deserialize, Serialize};

use super::event::EventCode;

/// What an entry of the timeline is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// What went out: on air and off, sources, slate, cues, shows, endpoints, recordings.
    Program,
    /// An alarm came, went, was seen or put aside.
    Alarm,
    /// Somebody asked for something.
    Act,
    /// The daemon did not run: nothing was written down.
    Gap,
    /// Any other event.
    Event,
}

impl EntryKind {
    /// Every kind.
    pub const ALL: [EntryKind; 5] =
        [EntryKind::Program, EntryKind::Alarm, EntryKind::Act, EntryKind::Gap, EntryKind::Event];

    /// As in JSON and in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            EntryKind::Program => "program",
            EntryKind::Alarm => "alarm",
            EntryKind::Act => "act",
            EntryKind::Gap => "gap",
            EntryKind::Event => "event",
        }
    }

    /// That of events with this code.
    pub fn of(code: EventCode) -> Self {
        use EventCode as E;
        match code {
            E::ChannelStarted
            | E::ChannelStopped
            | E::ChannelFailed
            | E::ProgramSwitched
            | E::SlateOn
            | E::SlateOff => EntryKind::Program,
            E::CuePlaced | E::ShowBegan | E::ShowEnded | E::EndpointSwitched | E::RecordingStarted => {
                EntryKind::Program
            }
            E::RecordingEnded | E::RecordingGap | E::LeaseTaken | E::LeaseLost => EntryKind::Program,
            E::AlarmRaised | E::AlarmCleared | E::AlarmAcked | E::AlarmShelved => EntryKind::Alarm,
            E::DaemonAbsent => EntryKind::Gap,
            _ => EntryKind::Event,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_read_the_same_in_json_and_addresses() {
        for kind in EntryKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        // What somebody asked for is no event, and every other kind has some.
        let of = |kind| EventCode::ALL.iter().filter(|code| EntryKind::of(**code) == kind).count();
        assert!(EntryKind::ALL.iter().all(|kind| (of(*kind) > 0) == (*kind != EntryKind::Act)));
    }
}
