//! Which alarms there are, and what becomes of each.
//!
//! ```text
//!   seen for `enter` ─▶ raised ─▶ (acked) ─ not seen for `clear` ─▶ over: gone if acked, else latched until it is
//! ```
//!
//! One that comes back again and again holds for longer, so that it does not chatter. What cannot be judged at the moment
//! leaves an alarm as it is; what nobody wants any more ends it at once. One that is put aside goes on being watched.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::alarm::{AlarmMark, AlarmShelf, SHELVE_MINUTES};
use crate::model::{Alarm, AlarmCode, AlarmKey, AlarmNews, AlarmPriority, ChannelId, Histogram, MediaTime};

/// Alarms that are kept: beyond it the oldest that are over go, seen by somebody or not.
const MOST: usize = 400;
/// From so many times on, the last of them this short a while ago, an alarm chatters.
const CHATTERS: (u64, Duration) = (3, Duration::from_secs(300));
/// It is over when it was not seen for this long then.
const CALM: Duration = Duration::from_secs(60);
/// For an alarm of which only the store knows.
const CLEAR: Duration = Duration::from_secs(5);

/// Something wrong that is seen now.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// Which alarm it makes.
    pub key: AlarmKey,
    /// How soon somebody has to act.
    pub priority: AlarmPriority,
    /// What is wrong, one sentence.
    pub reason: String,
    /// Since when, if that is known.
    pub since: Option<MediaTime>,
    /// It must last this long to count.
    pub enter: Duration,
    /// It must be gone this long to be over.
    pub clear: Duration,
}

impl Sighting {
    /// Something that counts at once, of the appliance itself.
    pub fn new(code: AlarmCode, priority: AlarmPriority, reason: impl Into<String>) -> Self {
        let key = AlarmKey { code, channel: None, subject: None };
        Self { key, priority, reason: reason.into(), since: None, enter: Duration::ZERO, clear: CLEAR }
    }

    /// It is this channel's.
    pub fn of(mut self, channel: &ChannelId) -> Self {
        self.key.channel = Some(channel.clone());
        self
    }

    /// It is about this source, destination, rendition or mix.
    pub fn about(mut self, subject: impl ToString) -> Self {
        self.key.subject = Some(subject.to_string());
        self
    }

    /// It has been so since then.
    pub fn since(mut self, since: MediaTime) -> Self {
        self.since = Some(since);
        self
    }

    /// How many seconds it must last to count, and be gone to be over.
    pub fn lasting(mut self, enter: u64, clear: u64) -> Self {
        (self.enter, self.clear) = (Duration::from_secs(enter), Duration::from_secs(clear));
        self
    }
}

/// What is known of something that is not seen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseen {
    /// It is not so.
    Absent,
    /// It cannot be told.
    Unknown,
    /// Nobody asks for what it was about.
    Moot,
}

/// An alarm's name that is not listed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlarmRefusal {
    /// No such alarm.
    #[error("there is no alarm `{0}`: it may be over and acknowledged already")]
    Unknown(String),
    /// Longer than alarms can be put aside.
    #[error("an alarm can be shelved for 1 to {SHELVE_MINUTES} minutes, not {0}")]
    TooLong(u32),
}

/// What an order has come to: the alarm, and whether anything changed.
pub type Ordered = Result<(Alarm, bool), AlarmRefusal>;

#[derive(Debug, Clone)]
struct Entry {
    alarm: Alarm,
    clear: Duration,
    /// Since when it is not seen.
    absent_since: Option<MediaTime>,
}

/// Seconds; who acts on a fault has a minute at the most to hear of it.
const DETECTION: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0];

/// See the module.
#[derive(Debug, Clone)]
pub struct Annunciator {
    entries: BTreeMap<String, Entry>,
    /// Seen, but not for long enough: since when.
    pending: BTreeMap<String, MediaTime>,
    raised: BTreeMap<(AlarmCode, AlarmPriority), u64>,
    /// From a fault to its critical alarm.
    detected: Histogram,
}

impl Default for Annunciator {
    fn default() -> Self {
        let (entries, pending, raised) = Default::default();
        Self { entries, pending, raised, detected: Histogram::new(DETECTION) }
    }
}

impl Annunciator {
    /// Takes up what was kept. Of an alarm that is listed by now, only what people said of it is taken.
    pub fn restore(&mut self, kept: Vec<Alarm>) {
        for alarm in kept {
            match self.entries.get_mut(&alarm.id) {
                Some(entry) if alarm.active => {
                    entry.alarm.acked = entry.alarm.acked.take().or(alarm.acked);
                    entry.alarm.shelved = entry.alarm.shelved.take().or(alarm.shelved);
                }
                Some(_) => {}
                None => {
                    let id = alarm.id.clone();
                    self.entries.insert(id, Entry { alarm, clear: CLEAR, absent_since: None });
                }
            }
        }
    }

    /// Everything that is seen at `now`, and what is known of what is not: what happened to which alarm.
    pub fn see(
        &mut self,
        now: MediaTime,
        sightings: Vec<Sighting>,
        unseen: impl Fn(&Alarm) -> Unseen,
    ) -> Vec<(AlarmNews, Alarm)> {
        let mut news = Vec::new();
        let mut seen: BTreeMap<String, Sighting> = BTreeMap::new();
        for sighting in sightings {
            let id = sighting.key.to_string();
            match seen.get(&id) {
                Some(worse) if worse.priority >= sighting.priority => {}
                _ => drop(seen.insert(id, sighting)),
            }
        }
        self.pending.retain(|id, _| seen.contains_key(id));
        for (id, sighting) in &seen {
            news.extend(self.sighted(now, id, sighting));
        }
        let ids: Vec<String> = self.entries.keys().filter(|id| !seen.contains_key(*id)).cloned().collect();
        for id in ids {
            news.extend(self.missed(now, &id, &unseen));
        }
        news.extend(self.unshelve_due(now));
        self.forget_oldest();
        news
    }

    fn sighted(&mut self, now: MediaTime, id: &str, sighting: &Sighting) -> Option<(AlarmNews, Alarm)> {
        if let Some(entry) = self.entries.get_mut(id).filter(|entry| entry.alarm.active) {
            entry.absent_since = None;
            entry.clear = sighting.clear;
            entry.alarm.reason.clone_from(&sighting.reason);
            let worse = sighting.priority > entry.alarm.priority;
            entry.alarm.priority = sighting.priority;
            if !worse {
                return None;
            }
            // Who has seen the lesser one has not seen this.
            entry.alarm.acked = None;
            entry.alarm.raised = now;
            *self.raised.entry((entry.alarm.code, sighting.priority)).or_default() += 1;
            return Some((AlarmNews::Raised, entry.alarm.clone()));
        }
        let first = *self.pending.entry(id.to_owned()).or_insert(now);
        let since = sighting.since.map_or(first, |since| since.min(first));
        if now.since(since) < sighting.enter {
            return None;
        }
        self.pending.remove(id);
        let before = self.entries.remove(id).map(|entry| entry.alarm);
        let AlarmKey { code, channel, subject } = sighting.key.clone();
        let alarm = Alarm {
            id: id.to_owned(),
            code,
            priority: sighting.priority,
            channel,
            subject,
            active: true,
            since,
            raised: now,
            cleared: None,
            acked: None,
            count: before.as_ref().map_or(0, |before| before.count) + 1,
            shelved: before.and_then(|before| before.shelved),
            reason: sighting.reason.clone(),
            action: code.action().to_owned(),
        };
        *self.raised.entry((code, sighting.priority)).or_default() += 1;
        if sighting.priority == AlarmPriority::Critical {
            self.detected.take(now.since(since).as_secs_f64());
        }
        let entry = Entry { alarm: alarm.clone(), clear: sighting.clear, absent_since: None };
        self.entries.insert(id.to_owned(), entry);
        Some((AlarmNews::Raised, alarm))
    }

    fn missed(&mut self, now: MediaTime, id: &str, unseen: &impl Fn(&Alarm) -> Unseen) -> Option<(AlarmNews, Alarm)> {
        let entry = self.entries.get_mut(id).filter(|entry| entry.alarm.active)?;
        match unseen(&entry.alarm) {
            Unseen::Unknown => {
                entry.absent_since = None;
                return None;
            }
            Unseen::Absent => {
                let since = *entry.absent_since.get_or_insert(now);
                if now.since(since) < entry.clear_after(now) {
                    return None;
                }
            }
            Unseen::Moot => {}
        }
        entry.alarm.active = false;
        entry.alarm.cleared = Some(entry.absent_since.take().unwrap_or(now));
        let alarm = entry.alarm.clone();
        if alarm.acked.is_some() {
            self.entries.remove(id);
        }
        Some((AlarmNews::Cleared, alarm))
    }

    fn unshelve_due(&mut self, now: MediaTime) -> Vec<(AlarmNews, Alarm)> {
        let due = |entry: &&mut Entry| entry.alarm.shelved.as_ref().is_some_and(|shelf| shelf.until <= now);
        let each = |entry: &mut Entry| {
            entry.alarm.shelved = None;
            (AlarmNews::Unshelved, entry.alarm.clone())
        };
        self.entries.values_mut().filter(due).map(each).collect()
    }

    fn forget_oldest(&mut self) {
        while self.entries.len() > MOST {
            let over = self.entries.values().filter(|entry| !entry.alarm.active);
            let Some(id) = over.min_by_key(|entry| entry.alarm.raised).map(|entry| entry.alarm.id.clone()) else {
                return;
            };
            self.entries.remove(&id);
        }
    }

    /// Somebody has seen it. One that is over goes.
    pub fn ack(&mut self, id: &str, by: Option<String>, now: MediaTime) -> Ordered {
        let entry = self.entry(id)?;
        if entry.alarm.acked.is_some() {
            return Ok((entry.alarm.clone(), false));
        }
        entry.alarm.acked = Some(AlarmMark { at: now, by });
        let alarm = entry.alarm.clone();
        if !alarm.active {
            self.entries.remove(id);
        }
        Ok((alarm, true))
    }

    /// Puts it aside for a while; again to change for how long.
    pub fn shelve(&mut self, id: &str, minutes: u32, reason: String, by: Option<String>, now: MediaTime) -> Ordered {
        if !(1..=SHELVE_MINUTES).contains(&minutes) {
            return Err(AlarmRefusal::TooLong(minutes));
        }
        let entry = self.entry(id)?;
        let until = now + Duration::from_secs(u64::from(minutes) * 60);
        entry.alarm.shelved = Some(AlarmShelf { mark: AlarmMark { at: now, by }, until, reason });
        Ok((entry.alarm.clone(), true))
    }

    /// Takes it up again.
    pub fn unshelve(&mut self, id: &str) -> Ordered {
        let entry = self.entry(id)?;
        let changed = entry.alarm.shelved.take().is_some();
        Ok((entry.alarm.clone(), changed))
    }

    fn entry(&mut self, id: &str) -> Result<&mut Entry, AlarmRefusal> {
        self.entries.get_mut(id).ok_or_else(|| AlarmRefusal::Unknown(id.to_owned()))
    }

    /// Every alarm: what is active first, then by priority, the newest first.
    pub fn list(&self) -> Vec<Alarm> {
        let mut alarms: Vec<Alarm> = self.entries.values().map(|entry| entry.alarm.clone()).collect();
        alarms.sort_by_key(|alarm| std::cmp::Reverse((alarm.urgency(), alarm.raised)));
        alarms
    }

    /// How long it took from a fault to its critical alarm, since the program started.
    pub fn detected(&self) -> &Histogram {
        &self.detected
    }

    /// How often alarms of each kind were raised since the program started.
    pub fn raised(&self) -> &BTreeMap<(AlarmCode, AlarmPriority), u64> {
        &self.raised
    }
}

impl Entry {
    fn clear_after(&self, now: MediaTime) -> Duration {
        let (times, lately) = CHATTERS;
        let chatters = self.alarm.count >= times && now.since(self.alarm.raised) < lately;
        if chatters { self.clear.max(CALM) } else { self.clear }
    }
}

#[cfg(test)]
#[path = "alarm_tests.rs"]
mod tests;
