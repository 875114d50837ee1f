//! What the program tells: what it shows and why, and what is wrong with the signals of its sources.

use super::desk::Turn;
use super::select::View;
use super::ticker::Ticker;
use crate::model::status::{ProgramOrder, Showing};
use crate::model::{Event, EventCode, Fault, MediaTime, Severity, SignalStatus, TriggerAction};

impl Ticker {
    /// Something else is shown.
    pub(super) fn report(&mut self, at: MediaTime, turn: &Turn, left: View, showing: &Showing) {
        let was_told = std::mem::replace(&mut self.slate_told, *showing == Showing::Slate);
        if was_told {
            (self.events)(Event::new(at, Severity::Info, EventCode::SlateOff, "the program left the slate"));
        }
        let why = self.why(turn, left);
        let event = match showing {
            Showing::Source { source } => {
                let text = format!("the program shows source {source}{why}");
                Event::new(at, Severity::Info, EventCode::ProgramSwitched, text).subject(source)
            }
            Showing::Scene { scene } => {
                let [first, second] = &scene.sources;
                let text = format!("the program shows sources {first} and {second}{why}");
                Event::new(at, Severity::Info, EventCode::ProgramSwitched, text).subject(first)
            }
            Showing::Slate if turn.order == ProgramOrder::Slate => {
                Event::new(at, Severity::Info, EventCode::SlateOn, "the program shows the slate, as ordered")
            }
            Showing::Slate => Event::new(
                at,
                Severity::Warning,
                EventCode::SlateOn,
                "no source is healthy: the program shows the slate",
            )
            .blame(Fault::Source, "look at the channel's sources"),
        };
        (self.events)(event);
    }

    /// Why something else is shown, where that is no matter of course.
    fn why(&self, turn: &Turn, left: View) -> String {
        if turn.on_schedule {
            return ", as scheduled".to_owned();
        }
        if turn.fresh.is_some() {
            return String::new();
        }
        let fault = |rank: usize| {
            let signal = self.sources[rank].feed().signal();
            let fault = match () {
                () if !self.selector.delivers(rank) => "does not deliver",
                () if signal.black_since.is_some() => "is black",
                () if signal.freeze_since.is_some() => "stands still",
                () if signal.silence_since.is_some() => "is silent",
                () if signal.wrong_format_since.is_some() => "has the wrong format",
                () => return None,
            };
            Some(format!("{} {fault}", self.sources[rank].plan().id))
        };
        left.ranks().find_map(fault).map(|fault| format!(": {fault}")).unwrap_or_default()
    }

    /// Faults of a source's signal that have come or gone, as events.
    pub(super) fn tell_signal(&mut self, at: MediaTime, rank: usize, now: SignalStatus) {
        let before = std::mem::replace(&mut self.signals[rank], now);
        if before == now {
            return;
        }
        let source = self.sources[rank].plan().id.clone();
        let limits = &self.thresholds;
        let watched = [
            (before.black_since, now.black_since, EventCode::SourceBlack, "is black", &limits.black),
            (before.freeze_since, now.freeze_since, EventCode::SourceFrozen, "stands still", &limits.freeze),
            (before.silence_since, now.silence_since, EventCode::SourceSilent, "is silent", &limits.silence),
            (
                before.wrong_format_since,
                now.wrong_format_since,
                EventCode::SourceWrongFormat,
                "has not the expected format",
                &limits.format,
            ),
        ];
        for (before, now, code, fault, trigger) in watched {
            let leaves = if trigger.action == TriggerAction::Failover { "; the program leaves it" } else { "" };
            let event = match (before, now) {
                (None, Some(since)) => {
                    let lasted = at.since(since).as_secs_f32();
                    let text = format!("source {source} {fault}, for {lasted:.1} s by now{leaves}");
                    Event::new(at, Severity::Warning, code, text)
                        .blame(Fault::Source, "look at the camera, the cable and what feeds it")
                }
                (Some(since), None) => {
                    let lasted = at.since(since).as_secs_f32();
                    let text = format!("source {source} no longer {fault}, after {lasted:.1} s");
                    Event::new(at, Severity::Info, EventCode::SourceSignalGood, text)
                }
                _ => continue,
            };
            (self.events)(event.subject(&source));
        }
    }
}
