//! What waits for whom. Pure: who delivers says what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::notify::{NotifyStatus, Wanted};
use crate::model::{AlarmNotice, MediaTime};
use crate::store::Pages;

/// Notices that wait in one lane; beyond it the oldest is given up.
pub(super) const MOST: usize = 1000;
/// Failures in a row that somebody is told of.
const TELL_AFTER: u64 = 3;

/// A notice on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parcel {
    /// Grows; the same over restarts and attempts.
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(flatten)]
    pub(super) notice: AlarmNotice,
}

/// One who is told.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    wanted: Wanted,
    /// Where to, as it may be shown.
    to: String,
    /// Changes with the address: another one is not disabled.
    mark: String,
    queue: BTreeMap<u64, (Parcel, String)>,
    /// The mark of the address that wants nothing any more.
    disabled: Option<String>,
    status: NotifyStatus,
    /// That it fails was told.
    told: bool,
}

/// What is to be told of a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tell {
    /// It does not arrive.
    Failed(String),
    /// It does again.
    Recovered,
}

/// All lanes.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    lanes: BTreeMap<String, Lane>,
    last: u64,
}

impl Outbox {
    /// Who is told from now on: name, what, address to show, and its mark. What waits for others goes with them.
    pub(super) fn learn(&mut self, lanes: impl IntoIterator<Item = (String, Wanted, String, String)>) {
        let mut before = std::mem::take(&mut self.lanes);
        for (name, wanted, to, mark) in lanes {
            let lane = match before.remove(&name) {
                Some(lane) => Lane { wanted, to, mark, ..lane },
                None => Lane::new(wanted, to, mark),
            };
            self.lanes.insert(name, lane);
        }
    }

    /// Puts a notice into every lane that wants it. Whether one does, and what is to be told.
    pub(super) fn push(&mut self, notice: &AlarmNotice) -> (bool, Vec<(String, Tell)>) {
        let number = notice.at.as_nanos().max(self.last + 1);
        let parcel =
            Parcel { id: number.to_string(), kind: format!("alarm_{}", notice.news.as_str()), notice: notice.clone() };
        let Ok(text) = serde_json::to_string(&parcel) else { return (false, Vec::new()) };
        let (mut taken, mut tell) = (false, Vec::new());
        for (name, lane) in self.lanes.iter_mut().filter(|(_, lane)| lane.wanted.wants(notice)) {
            // Whoever wants nothing any more is owed nothing.
            if lane.is_disabled() {
                continue;
            }
            taken = true;
            lane.queue.insert(number, (parcel.clone(), text.clone()));
            if lane.queue.len() > MOST {
                lane.queue.pop_first();
                lane.status.dropped += 1;
                tell.extend(
                    lane.fail(format!("{MOST} notices wait, the oldest are given up"), true)
                        .map(|one| (name.clone(), one)),
                );
            }
        }
        self.last = number;
        (taken, tell)
    }

    /// What is next in a lane: its number, the parcel and its text.
    pub(super) fn head(&self, name: &str) -> Option<(u64, Parcel, String)> {
        let lane = self.lanes.get(name).filter(|lane| !lane.is_disabled())?;
        let (number, (parcel, text)) = lane.queue.first_key_value()?;
        Some((*number, parcel.clone(), text.clone()))
    }

    /// Everything that waits in a lane.
    pub(super) fn all(&self, name: &str) -> Vec<(u64, Parcel)> {
        let queue = self.lanes.get(name).into_iter().flat_map(|lane| &lane.queue);
        queue.map(|(number, (parcel, _))| (*number, parcel.clone())).collect()
    }

    /// These arrived.
    pub(super) fn delivered(&mut self, name: &str, numbers: &[u64], now: MediaTime) -> Option<Tell> {
        let lane = self.lanes.get_mut(name)?;
        lane.queue.retain(|number, _| !numbers.contains(number));
        lane.status.delivered += numbers.len() as u64;
        lane.works(now)
    }

    /// An attempt failed; it is made again.
    pub(super) fn failed(&mut self, name: &str, why: String) -> Option<Tell> {
        self.lanes.get_mut(name)?.fail(why, false)
    }

    /// These will never arrive.
    pub(super) fn give_up(&mut self, name: &str, numbers: &[u64], why: String) -> Option<Tell> {
        let lane = self.lanes.get_mut(name)?;
        let before = lane.queue.len();
        lane.queue.retain(|number, _| !numbers.contains(number));
        lane.status.dropped += (before - lane.queue.len()) as u64;
        lane.fail(why, true)
    }

    /// The address wants nothing any more. What waits for it is given up.
    pub(super) fn disable(&mut self, name: &str) -> Option<Tell> {
        let lane = self.lanes.get_mut(name)?;
        lane.disabled = Some(lane.mark.clone());
        lane.status.dropped += lane.queue.len() as u64;
        lane.queue.clear();
        lane.fail(
            "it answers 410 Gone: it is told nothing more until its address changes or a test arrives".into(),
            true,
        )
    }

    /// A test arrived: what was disabled is not.
    pub(super) fn works(&mut self, name: &str, now: MediaTime) -> Option<Tell> {
        let lane = self.lanes.get_mut(name)?;
        lane.disabled = None;
        lane.works(now)
    }

    /// What waits for longer than `keep`.
    pub(super) fn expired(&self, name: &str, keep: Duration, now: MediaTime) -> Vec<u64> {
        let waiting = self.all(name).into_iter();
        waiting.filter(|(_, parcel)| now.since(parcel.notice.at) > keep).map(|(number, _)| number).collect()
    }

    /// How it stands with each.
    pub(super) fn status(&self) -> Vec<NotifyStatus> {
        let each = |(name, lane): (&String, &Lane)| NotifyStatus {
            name: name.clone(),
            to: lane.to.clone(),
            waiting: lane.queue.len() as u64,
            disabled: lane.is_disabled(),
            ..lane.status.clone()
        };
        self.lanes.iter().map(each).collect()
    }

    /// As it is kept.
    pub(super) fn pages(&self) -> Pages {
        let mut pages = Pages::new();
        for (name, lane) in &self.lanes {
            let each = |(number, (_, text)): (&u64, &(Parcel, String))| (format!("{name}/{number:020}"), text.clone());
            pages.extend(lane.queue.iter().map(each));
            pages.extend(lane.disabled.iter().map(|mark| (format!("{name}/disabled"), mark.clone())));
        }
        pages
    }

    /// Takes up what was kept. What waited for somebody who is not told any more is gone with him.
    pub(super) fn restore(&mut self, pages: Pages) {
        for (page, text) in pages {
            let Some((name, number)) = page.split_once('/') else { continue };
            let Some(lane) = self.lanes.get_mut(name) else { continue };
            if number == "disabled" {
                lane.disabled = Some(text);
            } else if let (Ok(number), Ok(parcel)) = (number.parse::<u64>(), serde_json::from_str(&text)) {
                lane.queue.insert(number, (parcel, text));
                self.last = self.last.max(number);
            }
        }
    }
}

impl Lane {
    fn new(wanted: Wanted, to: String, mark: String) -> Self {
        let status = NotifyStatus::default();
        Self { wanted, to, mark, queue: BTreeMap::new(), disabled: None, status, told: false }
    }

    fn is_disabled(&self) -> bool {
        self.disabled.as_ref() == Some(&self.mark)
    }

    fn fail(&mut self, why: String, at_once: bool) -> Option<Tell> {
        self.status.failures += 1;
        self.status.last_error = Some(why.clone());
        let tell = !self.told && (at_once || self.status.failures >= TELL_AFTER);
        self.told |= tell;
        tell.then_some(Tell::Failed(why))
    }

    fn works(&mut self, now: MediaTime) -> Option<Tell> {
        (self.status.failures, self.status.last_error) = (0, None);
        self.status.last_delivered = Some(now);
        std::mem::take(&mut self.told).then_some(Tell::Recovered)
    }
}
