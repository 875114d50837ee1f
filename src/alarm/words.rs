//! News of alarms as events.

use crate::model::{Alarm, AlarmNews, Event, EventCode, MediaTime, Severity};

/// The event of `news`, which is about the alarm by its id.
pub(super) fn event(news: AlarmNews, alarm: &Alarm, now: MediaTime) -> Event {
    let reason = &alarm.reason;
    let by = |by: Option<&String>| by.map(|by| format!(" by {by}")).unwrap_or_default();
    let (severity, code, text) = match news {
        AlarmNews::Raised => (alarm.priority.severity(), EventCode::AlarmRaised, reason.clone()),
        AlarmNews::Cleared => {
            let long = alarm.cleared.unwrap_or(now).since(alarm.since).as_secs();
            (Severity::Info, EventCode::AlarmCleared, format!("over after {long} s: {reason}"))
        }
        AlarmNews::Acked | AlarmNews::Test => {
            let who = by(alarm.acked.as_ref().and_then(|mark| mark.by.as_ref()));
            (Severity::Info, EventCode::AlarmAcked, format!("acknowledged{who}: {reason}"))
        }
        AlarmNews::Shelved => {
            let text = alarm.shelved.as_ref().map(|shelf| {
                format!("shelved{} until {} ({}): {reason}", by(shelf.mark.by.as_ref()), shelf.until, shelf.reason)
            });
            (Severity::Info, EventCode::AlarmShelved, text.unwrap_or_else(|| reason.clone()))
        }
        AlarmNews::Unshelved => (Severity::Info, EventCode::AlarmShelved, format!("not shelved any more: {reason}")),
    };
    let mut event = Event::new(now, severity, code, text).subject(&alarm.id);
    event.channel.clone_from(&alarm.channel);
    event.hint = (news == AlarmNews::Raised).then(|| alarm.action.clone());
    event
}
