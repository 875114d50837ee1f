//! Events on their way to the three records.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::{About, ChannelId, Event, EventCode, MediaTime, Severity};

/// Takes events for the as-run log.
pub type Sink = Box<dyn Fn(&Event) + Send + Sync>;

/// This many alike within [`WINDOW`] are recorded one by one; the others are counted.
const ONE_BY_ONE: u64 = 3;
const WINDOW: Duration = Duration::from_secs(10);
/// Kinds of events watched for repeats; beyond it the memory begins anew.
const KINDS: usize = 1024;

/// How often an event happened since the program started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventCount {
    /// What.
    pub code: EventCode,
    /// How urgent.
    pub severity: Severity,
    /// To whom.
    pub channel: Option<ChannelId>,
    /// How often, repeats included.
    pub count: u64,
}

/// Records events. Shared by reference.
pub struct Recorder {
    sink: Sink,
    memory: Mutex<Memory>,
}

type Kind = (EventCode, Option<ChannelId>, Option<String>);

#[derive(Default)]
struct Memory {
    counts: BTreeMap<(EventCode, Severity, Option<ChannelId>), u64>,
    repeats: BTreeMap<Kind, Repeats>,
}

struct Repeats {
    since: MediaTime,
    seen: u64,
}

impl Recorder {
    /// A recorder that hands events to `sink` for the as-run log.
    pub fn new(sink: Sink) -> Self {
        Self { sink, memory: Mutex::default() }
    }

    /// Records one event. Of many alike in a short time only the first are logged; how many were left out is said when
    /// the next one is.
    pub fn record(&self, event: &Event) {
        let Some(left_out) = self.count(event) else { return };
        if left_out == 0 {
            line(event, &event.text);
            (self.sink)(event);
        } else {
            let text = format!("{} (and {left_out} more like this before)", event.text);
            line(event, &text);
            (self.sink)(&Event { text, ..event.clone() });
        }
    }

    /// What was counted.
    pub fn counts(&self) -> Vec<EventCount> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |(key, count): (&(EventCode, Severity, Option<ChannelId>), &u64)| EventCount {
            code: key.0,
            severity: key.1,
            channel: key.2.clone(),
            count: *count,
        };
        memory.counts.iter().map(count).collect()
    }

    /// Counts `event`; none if it is to be left out, else how many were left out before it.
    fn count(&self, event: &Event) -> Option<u64> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        *memory.counts.entry((event.code, event.severity, event.channel.clone())).or_default() += 1;
        if memory.repeats.len() >= KINDS {
            memory.repeats.clear();
        }
        let kind = (event.code, event.channel.clone(), event.subject.clone());
        let repeats = memory.repeats.entry(kind).or_insert(Repeats { since: event.at, seen: 0 });
        if event.at.since(repeats.since) >= WINDOW || event.at < repeats.since {
            let left_out = repeats.seen.saturating_sub(ONE_BY_ONE);
            *repeats = Repeats { since: event.at, seen: 1 };
            return Some(left_out);
        }
        repeats.seen += 1;
        (repeats.seen <= ONE_BY_ONE).then_some(0)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

#[allow(clippy::cognitive_complexity, reason = "three macros, one for each level: the level must be a constant")]
fn line(event: &Event, text: &str) {
    let code = event.code.as_str();
    let channel = event.channel.as_ref().map(tracing::field::display);
    let of = |about| event.subject.as_deref().filter(|_| event.code.about() == about);
    let (source, destination, subject) = (of(About::Source), of(About::Destination), of(About::Other));
    let fault = event.fault.map(tracing::field::debug);
    let hint = event.hint.as_deref();
    match event.severity {
        Severity::Info => tracing::info!(code, channel, source, destination, subject, fault, hint, "{text}"),
        Severity::Warning => tracing::warn!(code, channel, source, destination, subject, fault, hint, "{text}"),
        Severity::Error => tracing::error!(code, channel, source, destination, subject, fault, hint, "{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn event(secs: u64) -> Event {
        Event::new(MediaTime::from_secs(secs), Severity::Warning, EventCode::SourceLost, "no picture").subject("cam")
    }

    fn recorder() -> (Recorder, Arc<Mutex<Vec<String>>>) {
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let sink = seen.clone();
        (Recorder::new(Box::new(move |event: &Event| sink.lock().unwrap().push(event.text.clone()))), seen)
    }

    #[test]
    fn repeats_are_counted_not_spammed() {
        let (recorder, seen) = recorder();
        for _ in 0..50 {
            recorder.record(&event(100));
        }
        recorder.record(&event(111));
        let expected = ["no picture", "no picture", "no picture", "no picture (and 47 more like this before)"];
        assert_eq!(*seen.lock().unwrap(), expected);
        assert_eq!(recorder.counts()[0].count, 51);
    }

    #[test]
    fn other_subjects_are_no_repeats() {
        let (recorder, seen) = recorder();
        for name in ["a", "b", "c", "d", "e"] {
            recorder.record(&event(100).subject(name));
        }
        assert_eq!(seen.lock().unwrap().len(), 5);
    }
}
