//! Which splice information goes out when (ANSI/SCTE 35, 9.2: at least 4 s before the splice, and again).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::cue::Cue;
use crate::model::splice::{SpliceInsert, null_section};
use crate::model::{Cued, MediaTime};
use crate::plan::SpliceForm;

/// A splice is announced this long before, or as soon as it is known, and again as often.
const AHEAD: [Duration; 3] = [Duration::from_secs(8), Duration::from_secs(6), Duration::from_millis(4500)];
/// A sign of life while nothing is announced.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// What has been announced in one connection.
#[derive(Debug, Default)]
pub(super) struct Splices {
    /// By event and direction: the splice, and how many announcements were due so far.
    told: BTreeMap<(u32, bool), (SpliceInsert, usize)>,
    heartbeat: Option<MediaTime>,
}

impl Splices {
    /// The sections that are to go out in front of what is presented at `position`.
    pub(super) fn due(&mut self, cued: &Cued, form: SpliceForm, position: MediaTime) -> Vec<Vec<u8>> {
        let coming: Vec<SpliceInsert> = cued.cues.iter().flat_map(splices).filter(|s| s.at > position).collect();
        let mut sections = self.taken_back(&coming, form, position);
        for splice in coming {
            let left = splice.at.since(position);
            let due = AHEAD.iter().filter(|ahead| left <= **ahead).count();
            let told = self.told.get(&key(&splice)).filter(|(before, _)| *before == splice).map_or(0, |told| told.1);
            if due > told {
                sections.push(section(&splice, form));
                self.told.insert(key(&splice), (splice, due));
            }
        }
        self.told.retain(|_, (splice, _)| splice.at > position);
        if self.heartbeat.is_none_or(|last| position.since(last) >= HEARTBEAT || last > position) {
            self.heartbeat = Some(position);
            sections.push(null_section());
        }
        sections
    }

    /// Cancels what was announced and does not come any more. A splice that has only moved is announced anew.
    fn taken_back(&mut self, coming: &[SpliceInsert], form: SpliceForm, position: MediaTime) -> Vec<Vec<u8>> {
        let mut sections = Vec::new();
        self.told.retain(|told, (splice, _)| {
            let stays = splice.at <= position || coming.iter().any(|splice| key(splice) == *told);
            if !stays {
                sections.push(match form {
                    SpliceForm::Insert => splice.cancellation(),
                    SpliceForm::TimeSignal => splice.time_signal_cancellation(),
                });
            }
            stays
        });
        sections
    }
}

fn splices(cue: &Cue) -> impl Iterator<Item = SpliceInsert> {
    std::iter::once(cue.splice(true)).chain(cue.in_at.map(|_| cue.splice(false)))
}

fn key(splice: &SpliceInsert) -> (u32, bool) {
    (splice.event_id, splice.out)
}

fn section(splice: &SpliceInsert, form: SpliceForm) -> Vec<u8> {
    match form {
        SpliceForm::Insert => splice.section(),
        SpliceForm::TimeSignal => splice.time_signal(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(out: u64, back: Option<u64>) -> Cued {
        let cue = serde_json::json!({"id": "a", "event_id": 7, "out_at": MediaTime::from_secs(out), "planned_ms": 30_000,
            "auto_return": back.is_some(), "in_at": back.map(MediaTime::from_secs)});
        Cued { cues: vec![serde_json::from_value(cue).unwrap()], metadata: vec![] }
    }

    /// When sections go out, beside the heartbeat.
    fn times(splices: &mut Splices, cued: &Cued, seconds: std::ops::Range<u64>) -> Vec<(u64, usize)> {
        let each = |second| {
            let due = splices.due(cued, SpliceForm::Insert, MediaTime::from_secs(second));
            (second, due.iter().filter(|section| **section != null_section()).count())
        };
        seconds.map(each).filter(|(_, count)| *count > 0).collect()
    }

    #[test]
    fn a_splice_is_announced_three_times_and_4_s_before_at_the_latest() {
        let mut splices = Splices::default();
        assert_eq!(times(&mut splices, &cue(100, None), 50..120), [(92, 1), (94, 1), (96, 1)]);
        let mut late = Splices::default();
        assert_eq!(times(&mut late, &cue(100, None), 95..120), [(95, 1), (96, 1)], "at once, and once more");
        let mut both = Splices::default();
        let out_and_in = times(&mut both, &cue(100, Some(110)), 50..120);
        assert_eq!(out_and_in, [(92, 1), (94, 1), (96, 1), (102, 1), (104, 1), (106, 1)]);
    }

    #[test]
    fn what_is_taken_back_is_cancelled_once() {
        let mut splices = Splices::default();
        times(&mut splices, &cue(100, None), 90..93);
        assert_eq!(times(&mut splices, &Cued::default(), 93..100), [(93, 1)]);
        let mut unknown = Splices::default();
        assert_eq!(times(&mut unknown, &Cued::default(), 90..100), []);
        let mut over = Splices::default();
        times(&mut over, &cue(100, None), 90..102);
        assert_eq!(times(&mut over, &Cued::default(), 102..110), [], "what is over is not cancelled");
    }

    #[test]
    fn a_splice_that_moves_is_announced_anew() {
        let mut splices = Splices::default();
        times(&mut splices, &cue(100, Some(130)), 90..125);
        let earlier = times(&mut splices, &cue(100, Some(129)), 125..126);
        assert_eq!(earlier, [(125, 1)]);
    }

    #[test]
    fn there_is_a_sign_of_life() {
        let mut splices = Splices::default();
        let due: usize = (0..100)
            .map(|n| splices.due(&Cued::default(), SpliceForm::Insert, MediaTime::from_secs(1000 + n)).len())
            .sum();
        assert_eq!(due, 10);
    }
}
