//! Compares a media playlist with its earlier versions and picks what is new (rfc8216bis 6.2.1, 6.3.4).

use std::collections::BTreeMap;

use super::playlist::{Entry, MediaPlaylist};
use super::recording::KEPT;
use super::report::{FaultCode, PlaylistReport, SequenceJump};
use crate::model::MediaTime;

/// Entries that are remembered for comparison.
const MEMORY: usize = 512;

/// Follows one media playlist over its reloads.
#[derive(Debug, Default)]
pub(crate) struct Continuity {
    known: BTreeMap<u64, Entry>,
    newest: Option<u64>,
    /// The last number of the previous reload; lower than `newest` while an old copy is served.
    listed: Option<u64>,
    /// Where the numbers did not go on.
    pub(crate) jumps: Vec<SequenceJump>,
}

impl Continuity {
    /// Takes a reload fetched at `at`, counts its faults in `report`, and returns the entries that were not there before.
    pub(crate) fn see(&mut self, playlist: &MediaPlaylist, at: MediaTime, report: &mut PlaylistReport) -> Vec<Entry> {
        report.target_duration = playlist.target_duration;
        let (Some(first), Some(last)) = (playlist.entries.first(), playlist.entries.last()) else { return Vec::new() };
        let before = self.listed.replace(last.number);
        if let Some(newest) = self.newest {
            if last.number < newest {
                if let Some(newest_before) = before.filter(|&before| last.number < before) {
                    report.sequence_backwards += 1;
                    self.note(FaultCode::SequenceBackwards, at, newest_before, playlist);
                }
                if playlist.entries.iter().all(|entry| self.is_known(entry)) {
                    // An old copy of the same playlist, from a cache: nothing in it is new.
                    return Vec::new();
                }
                // A numbering that began anew: go on with its newest segment.
                self.known.clear();
                self.newest = last.number.checked_sub(1);
            } else if first.number > newest + 1 {
                report.sequence_gaps += first.number - newest - 1;
                self.note(FaultCode::SequenceGap, at, newest, playlist);
            }
        }
        let newest = self.newest;
        let mut fresh = Vec::new();
        for entry in &playlist.entries {
            match self.known.get(&entry.number) {
                Some(known) => compare(known, entry, report),
                None if newest.is_none_or(|newest| entry.number > newest) => fresh.push(entry.clone()),
                None => {}
            }
        }
        for entry in &fresh {
            report.target_duration_violations += u64::from(entry.seconds.round() > playlist.target_duration as f64);
        }
        self.newest = Some(last.number);
        self.known.extend(fresh.iter().map(|entry| (entry.number, entry.clone())));
        while self.known.len() > MEMORY {
            self.known.pop_first();
        }
        fresh
    }

    fn note(&mut self, code: FaultCode, at: MediaTime, newest_before: u64, playlist: &MediaPlaylist) {
        if let (Some(first), Some(last)) = (playlist.entries.first(), playlist.entries.last())
            && self.jumps.len() < KEPT
        {
            self.jumps.push(SequenceJump { code, at, newest_before, first: first.number, last: last.number });
        }
    }

    fn is_known(&self, entry: &Entry) -> bool {
        self.known.get(&entry.number).is_none_or(|known| known.url == entry.url)
    }
}

fn compare(known: &Entry, entry: &Entry, report: &mut PlaylistReport) {
    let same = known.url == entry.url && known.date_time == entry.date_time;
    report.changed_segments += u64::from(!same);
    report.discontinuity_sequence_faults += u64::from(known.discontinuity_number != entry.discontinuity_number);
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    fn entry(number: u64, discontinuity_number: u64) -> Entry {
        Entry {
            number,
            discontinuity_number,
            url: Url::parse(&format!("http://o/{number}.m4s")).unwrap(),
            map: None,
            seconds: 2.0,
            date_time: None,
            discontinuity: false,
            gap: false,
            cue: false,
        }
    }

    fn reloads(reloads: &[Vec<Entry>]) -> (Vec<Vec<u64>>, PlaylistReport) {
        let mut report = PlaylistReport::default();
        let mut continuity = Continuity::default();
        let fresh = reloads.iter().map(|entries| {
            let playlist = MediaPlaylist { target_duration: 2, ended: false, entries: entries.clone() };
            continuity.see(&playlist, MediaTime::default(), &mut report).iter().map(|entry| entry.number).collect()
        });
        (fresh.collect(), report)
    }

    fn plain(numbers: std::ops::Range<u64>) -> Vec<Entry> {
        numbers.map(|number| entry(number, 0)).collect()
    }

    #[test]
    fn a_sliding_window_is_no_fault() {
        let (fresh, report) = reloads(&[plain(1..4), plain(2..5), plain(2..5), plain(5..7)]);
        assert_eq!(fresh, [vec![1, 2, 3], vec![4], vec![], vec![5, 6]]);
        assert_eq!(report, PlaylistReport { target_duration: 2, ..Default::default() });
    }

    #[test]
    fn a_jump_counts_the_numbers_that_were_never_seen() {
        let (fresh, report) = reloads(&[plain(1..4), plain(6..8)]);
        assert_eq!((fresh[1].as_slice(), report.sequence_gaps), ([6, 7].as_slice(), 2));
    }

    #[test]
    fn an_old_copy_is_not_played_again() {
        let (fresh, report) = reloads(&[plain(1..4), plain(2..6), plain(1..4), plain(1..4), plain(3..7)]);
        assert_eq!(fresh, [vec![1, 2, 3], vec![4, 5], vec![], vec![], vec![6]]);
        assert_eq!((report.sequence_backwards, report.sequence_gaps), (1, 0));
    }

    #[test]
    fn a_new_numbering_goes_on_at_its_end() {
        let mut anew = plain(0..3);
        anew.iter_mut().for_each(|entry| entry.url = Url::parse(&format!("http://o/b{}.m4s", entry.number)).unwrap());
        let (fresh, report) = reloads(&[plain(2..6), anew]);
        assert_eq!((fresh[1].as_slice(), report.sequence_backwards), ([2].as_slice(), 1));
    }

    #[test]
    fn what_was_listed_must_not_change() {
        let mut renamed = plain(1..4);
        renamed[1].url = Url::parse("http://o/other.m4s").unwrap();
        let (_, report) = reloads(&[plain(1..4), renamed]);
        assert_eq!(report.changed_segments, 1);
        let (_, report) = reloads(&[plain(1..4), vec![entry(2, 0), entry(3, 1)]]);
        assert_eq!(report.discontinuity_sequence_faults, 1);
    }

    #[test]
    fn a_segment_longer_than_the_target_is_a_fault() {
        let mut long = plain(1..3);
        long[0].seconds = 2.5;
        long[1].seconds = 2.49;
        let (_, report) = reloads(&[long]);
        assert_eq!(report.target_duration_violations, 1);
    }
}
