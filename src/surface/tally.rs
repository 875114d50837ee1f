//! What the lamps of a display show of a snapshot. Pure.

use crate::model::status::{ApplianceStatus, ChannelStatus, ProgramOrder, Showing};
use crate::model::surface::Display;
use crate::model::{ChannelId, SourceId};

/// Colours that a display has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Lamp {
    #[default]
    Off = 0,
    Red = 1,
    Green = 2,
    Amber = 3,
}

/// A display with all its lamps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// Program.
    pub(super) left: Lamp,
    /// Preview.
    pub(super) right: Lamp,
    /// Of the text: whichever counts more.
    pub(super) text_lamp: Lamp,
    pub(super) text: String,
}

/// A heartbeat that is older says nothing about now.
const FRESH_SECONDS: f64 = 5.0;

/// Whether what the worker reported still counts.
pub(super) fn is_fresh(channel: &ChannelStatus) -> bool {
    channel.worker.as_ref().is_some_and(|worker| worker.heartbeat_age_seconds <= FRESH_SECONDS)
}

/// Whether viewers get the programme, as far as that is known now.
pub(super) fn is_on_air(channel: &ChannelStatus) -> bool {
    channel.on_air && is_fresh(channel)
}

/// Whether the program shows `source`, on air or not.
pub(super) fn is_shown(channel: &ChannelStatus, source: &SourceId) -> bool {
    match channel.report.as_ref().map(|report| &report.program.showing) {
        Some(Showing::Source { source: shown }) => shown == source,
        Some(Showing::Scene { scene }) => scene.sources.contains(source),
        Some(Showing::Slate) | None => false,
    }
}

pub(super) fn is_slate(channel: &ChannelStatus) -> bool {
    channel.report.as_ref().is_some_and(|report| report.program.showing == Showing::Slate)
}

/// Whether `source` is what comes next.
pub(super) fn is_next(channel: &ChannelStatus, source: &SourceId) -> bool {
    let Some(program) = channel.report.as_ref().map(|report| &report.program) else { return false };
    match &program.preview {
        Some(ProgramOrder::Auto) => program.auto.as_ref() == Some(source),
        Some(order) => order.sources().contains(source),
        None => false,
    }
}

/// What `display` shows. A channel that is not there is dark.
pub(super) fn tally(status: &ApplianceStatus, display: &Display) -> Tally {
    let of = |id: &ChannelId| status.channels.iter().find(|channel| channel.id == *id);
    match display {
        Display::Channel(id) => of(id).map_or_else(|| dark(id.as_str()), channel_tally),
        Display::Source(id, source) => of(id).map_or_else(|| dark(source.as_str()), |one| source_tally(one, source)),
    }
}

fn dark(text: &str) -> Tally {
    Tally { text: text.to_owned(), ..Tally::default() }
}

fn channel_tally(channel: &ChannelStatus) -> Tally {
    let left = match (is_on_air(channel), is_slate(channel)) {
        (false, _) => Lamp::Off,
        (true, true) => Lamp::Amber,
        (true, false) => Lamp::Red,
    };
    Tally { left, right: Lamp::Off, text_lamp: left, text: channel.title.clone() }
}

fn source_tally(channel: &ChannelStatus, source: &SourceId) -> Tally {
    let left = if is_on_air(channel) && is_shown(channel, source) { Lamp::Red } else { Lamp::Off };
    let right = if is_fresh(channel) && is_next(channel, source) { Lamp::Green } else { Lamp::Off };
    let text_lamp = if left == Lamp::Off { right } else { left };
    Tally { left, right, text_lamp, text: source.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surface::studio::{appliance, id, source};

    #[test]
    fn red_is_on_air_green_is_next_and_amber_is_the_slate() {
        let mut status = appliance();
        let camera = Display::Source(id("demo"), source("cam-1"));
        let clip = Display::Source(id("demo"), source("clip"));
        let lamps = |status: &_, display: &_| {
            let Tally { left, right, text_lamp, .. } = tally(status, display);
            (left, right, text_lamp)
        };
        assert_eq!(lamps(&status, &camera), (Lamp::Red, Lamp::Off, Lamp::Red));
        assert_eq!(lamps(&status, &clip), (Lamp::Off, Lamp::Off, Lamp::Off));
        let program = |status: &mut ApplianceStatus, preview| {
            status.channels[0].report.as_mut().unwrap().program.preview = Some(preview);
        };
        program(&mut status, ProgramOrder::Source { source: source("clip") });
        assert_eq!(lamps(&status, &clip), (Lamp::Off, Lamp::Green, Lamp::Green));
        program(&mut status, ProgramOrder::Source { source: source("cam-1") });
        assert_eq!(lamps(&status, &camera), (Lamp::Red, Lamp::Green, Lamp::Red));
        assert_eq!(lamps(&status, &Display::Channel(id("demo"))).0, Lamp::Red);
        assert_eq!(lamps(&status, &Display::Channel(id("studio-b"))).0, Lamp::Amber);
        assert_eq!(lamps(&status, &Display::Channel(id("late-show"))).0, Lamp::Off);
    }

    #[test]
    fn what_is_not_known_now_is_dark() {
        let mut status = appliance();
        let camera = Display::Source(id("demo"), source("cam-1"));
        status.channels[0].worker.as_mut().unwrap().heartbeat_age_seconds = 9.0;
        assert_eq!(tally(&status, &camera), dark("cam-1"));
        status.channels[0].worker = None;
        assert_eq!(tally(&status, &Display::Channel(id("demo"))).left, Lamp::Off);
        assert_eq!(tally(&status, &Display::Channel(id("gone"))), dark("gone"));
    }
}
