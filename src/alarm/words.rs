//! News of alarms as events.

use crate::model::pair::ClockState;
use crate::model::{Alarm, AlarmNews, Event, EventCode, Fault, MediaTime, Severity};

/// That the clock is lost or back; nothing of what was so from the start, which an alarm tells of.
pub(super) fn clock(was: Option<ClockState>, is: Option<ClockState>, now: MediaTime) -> Option<Event> {
    match (was?.synchronised, is?.synchronised) {
        (true, false) => {
            let text = "nothing keeps the clock of this box right any more: segments are cut by it";
            let event = Event::new(now, Severity::Warning, EventCode::ClockUnsynchronised, text);
            Some(
                event.blame(
                    Fault::Configuration,
                    "run chrony, systemd-timesyncd or ptp4l; `uplinkctl doctor` tells more",
                ),
            )
        }
        (false, true) => {
            let text = "the clock of this box is kept right again";
            Some(Event::new(now, Severity::Info, EventCode::ClockSynchronised, text))
        }
        _ => None,
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_lost_or_back_is_told_once() {
        let state = |synchronised| Some(ClockState { synchronised, error_ms: 1.0 });
        let code = |was, is| clock(was, is, MediaTime::from_secs(1)).map(|event| event.code);
        assert_eq!(code(state(true), state(false)), Some(EventCode::ClockUnsynchronised));
        assert_eq!(code(state(false), state(true)), Some(EventCode::ClockSynchronised));
        for (was, is) in [(None, state(false)), (state(true), None), (state(true), state(true))] {
            assert_eq!(code(was, is), None);
        }
    }
}
