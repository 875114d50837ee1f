//! When an object goes: a pure record of since when no playlist names it.
//!
//! ```text
//!  pushed ─► named ─► left the playlists ── retain ──► due
//!     └──── never named ─────────────────── retain ──► due
//! ```
//! The time is counted from when the sweep first saw it unnamed, so a restart starts it anew: kept longer, never shorter.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant, SystemTime};

use super::playlist::Named;

/// Objects younger than this out of the playlists stay even in a channel that is too large: players still fetch them,
/// and a segment is pushed before the playlist that names it.
const GRACE: Duration = Duration::from_secs(30);

/// A segment or an initialisation on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) file: String,
    /// Pushed again, it counts anew.
    pub(crate) written: SystemTime,
    pub(crate) bytes: u64,
    pub(crate) empty: bool,
    /// A part of a segment: of use at the live edge only.
    pub(crate) partial: bool,
}

/// An object that no playlist names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unnamed {
    pub(crate) held: Held,
    pub(crate) due: bool,
    pub(crate) past_grace: bool,
}

/// One rendition's record.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    since: HashMap<String, (SystemTime, Instant)>,
    longest: Duration,
}

impl Ledger {
    /// What of `held` no playlist names now, and which of it may go.
    pub(crate) fn step(&mut self, held: Vec<Held>, named: &Named, retain: Duration, now: Instant) -> Vec<Unnamed> {
        // rfc8216bis 6.2.2: a segment stays for its duration plus that of the longest playlist that held it.
        self.longest = self.longest.max(named.span + named.target);
        let retain = retain.max(self.longest);
        let unnamed: Vec<_> = held.into_iter().filter(|held| !named.files.contains(&held.file)).collect();
        let present: HashSet<&str> = unnamed.iter().map(|held| held.file.as_str()).collect();
        self.since.retain(|file, _| present.contains(file.as_str()));
        unnamed
            .into_iter()
            .map(|held| {
                let seen = self.since.entry(held.file.clone()).or_insert((held.written, now));
                if seen.0 != held.written {
                    *seen = (held.written, now);
                }
                let age = now.saturating_duration_since(seen.1);
                let retain = if held.partial { GRACE.max(named.target * 3) } else { retain };
                // An upload is never empty: an empty file is what a power cut left of one.
                Unnamed { due: age >= retain || held.empty, past_grace: age >= GRACE, held }
            })
            .collect()
    }
}

/// Which of a channel's remaining unnamed objects go early to get from `used` bytes to `most`: oldest first.
pub(crate) fn early<R>(mut unnamed: Vec<(R, &Unnamed)>, used: u64, most: u64) -> Vec<(R, &Unnamed)> {
    unnamed.retain(|(_, object)| !object.due && object.past_grace);
    unnamed.sort_by_key(|(_, object)| object.held.written);
    let mut over = used.saturating_sub(most);
    let mut chosen = Vec::new();
    for (rendition, object) in unnamed {
        if over == 0 {
            break;
        }
        over = over.saturating_sub(object.held.bytes);
        chosen.push((rendition, object));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETAIN: Duration = Duration::from_secs(60);

    fn held(number: u64) -> Held {
        Held {
            file: format!("{number}.m4s"),
            written: SystemTime::UNIX_EPOCH + Duration::from_secs(number),
            bytes: 100,
            empty: false,
            partial: false,
        }
    }

    fn playlist(numbers: &[u64]) -> Named {
        Named { files: numbers.iter().map(|number| format!("{number}.m4s")).collect(), ..Named::default() }
    }

    fn due(ledger: &mut Ledger, numbers: &[u64], named: &Named, now: Instant) -> Vec<String> {
        let unnamed = ledger.step(numbers.iter().copied().map(held).collect(), named, RETAIN, now);
        unnamed.into_iter().filter(|object| object.due).map(|object| object.held.file).collect()
    }

    #[test]
    fn an_object_goes_when_it_was_unnamed_for_long_enough() {
        let (mut ledger, start) = (Ledger::default(), Instant::now());
        let at = |secs| start + Duration::from_secs(secs);
        assert!(due(&mut ledger, &[1, 2], &playlist(&[1, 2]), at(0)).is_empty());
        assert!(due(&mut ledger, &[1, 2], &playlist(&[2]), at(1000)).is_empty());
        assert!(due(&mut ledger, &[1, 2], &playlist(&[2]), at(1059)).is_empty());
        assert_eq!(due(&mut ledger, &[1, 2], &playlist(&[2]), at(1060)), ["1.m4s"]);
    }

    #[test]
    fn an_object_named_again_counts_anew() {
        let (mut ledger, start) = (Ledger::default(), Instant::now());
        let at = |secs| start + Duration::from_secs(secs);
        due(&mut ledger, &[1], &playlist(&[]), at(0));
        due(&mut ledger, &[1], &playlist(&[1]), at(59));
        assert!(due(&mut ledger, &[1], &playlist(&[]), at(61)).is_empty());
        assert_eq!(due(&mut ledger, &[1], &playlist(&[]), at(121)), ["1.m4s"]);
    }

    #[test]
    fn a_long_playlist_keeps_its_segments_longer() {
        let (mut ledger, start) = (Ledger::default(), Instant::now());
        let long = Named { span: Duration::from_secs(300), target: Duration::from_secs(2), ..playlist(&[1]) };
        due(&mut ledger, &[1], &long, start);
        due(&mut ledger, &[1], &playlist(&[]), start);
        assert!(due(&mut ledger, &[1], &playlist(&[]), start + Duration::from_secs(301)).is_empty());
        assert_eq!(due(&mut ledger, &[1], &playlist(&[]), start + Duration::from_secs(302)), ["1.m4s"]);
    }

    #[test]
    fn a_part_is_kept_for_the_live_edge_only() {
        let (mut ledger, start) = (Ledger::default(), Instant::now());
        let part = || vec![Held { file: "1.0.m4s".to_owned(), partial: true, ..held(1) }];
        let mut due = |secs| ledger.step(part(), &playlist(&[1]), RETAIN, start + Duration::from_secs(secs))[0].due;
        assert_eq!([due(0), due(29), due(30)], [false, false, true]);
    }

    #[test]
    fn what_a_power_cut_left_empty_goes_at_once() {
        let empty = Held { empty: true, ..held(1) };
        let unnamed = Ledger::default().step(vec![empty], &playlist(&[]), RETAIN, Instant::now());
        assert!(unnamed[0].due);
    }

    #[test]
    fn a_channel_that_is_too_large_loses_its_oldest_unnamed_objects() {
        let (mut ledger, start) = (Ledger::default(), Instant::now());
        let all = || [3, 1, 2, 9].map(held).to_vec();
        ledger.step(all(), &playlist(&[9]), RETAIN, start);
        let choose = |unnamed: &[Unnamed], used| -> Vec<String> {
            early(unnamed.iter().map(|object| ((), object)).collect(), used, 1000)
                .into_iter()
                .map(|(_, object)| object.held.file.clone())
                .collect()
        };
        let young = ledger.step(all(), &playlist(&[9]), RETAIN, start + Duration::from_secs(29));
        assert!(choose(&young, 1150).is_empty());
        let grown = ledger.step(all(), &playlist(&[9]), RETAIN, start + GRACE);
        assert_eq!(choose(&grown, 1150), ["1.m4s", "2.m4s"]);
        assert_eq!(choose(&grown, 9999), ["1.m4s", "2.m4s", "3.m4s"]);
        assert!(choose(&grown, 1000).is_empty());
    }
}
