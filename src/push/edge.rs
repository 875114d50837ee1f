//! Parts at the live edge of one rendition, on their way to one destination (low latency). Pure.
//!
//! ```text
//! open segment:   part 0, 1, 2 … each as soon as it is written, a few at a time; players are told of those that all
//!                 parts before them have arrived, too
//! complete:       its last parts, if some were told already; then players are told of it with its EXTINF
//! given up:       one of its parts was refused, is longer than the target, or the next segment is complete already:
//!                 none of its parts are told any more, it is a whole segment like any other
//! ```
//!
//! Parts are for the live edge only. What was missed in an outage is delivered in whole segments.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;

use crate::hls::{MediaPart, MediaSegment, Parts};
use crate::spool::PartedSegment;

/// Requests for parts of one rendition at a time: a second one starts when a part takes longer than it lasts.
const REQUESTS: usize = 2;
/// What the durations of parts may be off in sum.
const ROUNDING: Duration = Duration::from_millis(2);

/// How the parts of a segment stand at the destination.
#[derive(Debug, Clone, Default)]
struct Sent {
    acknowledged: BTreeSet<u32>,
    under_way: BTreeSet<u32>,
    given_up: bool,
}

impl Sent {
    /// Parts that players can be told of.
    fn told(&self) -> usize {
        if self.given_up { 0 } else { (0..).take_while(|index| self.acknowledged.contains(index)).count() }
    }
}

/// See the module's header. Without a target there are no parts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edge {
    target: Option<Duration>,
    segments: BTreeMap<u64, PartedSegment>,
    sent: BTreeMap<u64, Sent>,
    /// Parts of an open segment that the process before this one may have told players of.
    inherited: Option<(u64, usize)>,
    /// Of segments below this one no parts are sent: another box did, and its parts do not go with these.
    from: u64,
}

impl Edge {
    /// No part is longer than `target`.
    pub(crate) fn new(target: Option<Duration>) -> Self {
        Self { target, ..Self::default() }
    }

    /// No part is longer; none where there are no parts.
    pub(crate) fn target(&self) -> Option<Duration> {
        self.target
    }

    /// Only of segments from `number` on from now on.
    pub(crate) fn begin_at(&mut self, number: u64) {
        (self.from, self.inherited) = (number, None);
        self.sent.iter_mut().for_each(|(of, sent)| sent.given_up |= *of < number);
    }

    /// The destination takes none.
    pub(crate) fn give_up(&mut self) {
        *self = Self::default();
    }

    /// No more parts of the segments that are there now.
    pub(crate) fn withdraw(&mut self) {
        self.sent.values_mut().for_each(|sent| sent.given_up = true);
    }

    /// Whether parts are sent beside whole segments.
    pub(crate) fn is_used(&self) -> bool {
        self.target.is_some()
    }

    /// What the spool has now was written by the process before this one.
    pub(crate) fn inherit(&mut self) {
        self.inherited = self.segments.last_key_value().map(|(number, open)| (*number, open.parts.len()));
    }

    /// Takes over what the spool has now; `complete` is the newest segment that is.
    pub(crate) fn refresh(&mut self, segments: Vec<PartedSegment>, complete: Option<u64>) {
        let Some(target) = self.target else { return };
        self.segments = segments.into_iter().map(|segment| (segment.number, segment)).collect();
        self.sent.retain(|number, _| self.segments.contains_key(number));
        for (number, segment) in &self.segments {
            let sent = self.sent.entry(*number).or_default();
            let late = complete.is_some_and(|complete| *number < complete) && sent.told() < segment.parts.len();
            sent.given_up |= *number < self.from || late || segment.parts.iter().any(|part| part.duration > target);
        }
    }

    /// The next part to send, given the newest complete segment: its number, its place, and its initialisation.
    pub(crate) fn next(&self, complete: Option<u64>) -> Option<(u64, u32, &str)> {
        if self.sent.values().map(|sent| sent.under_way.len()).sum::<usize>() >= REQUESTS {
            return None;
        }
        self.segments.range(complete.unwrap_or(0)..).find_map(|(number, segment)| {
            let sent = self.sent.get(number).filter(|sent| !sent.given_up)?;
            // Of a complete segment only the rest of what was begun.
            if Some(*number) == complete && sent.acknowledged.is_empty() && sent.under_way.is_empty() {
                return None;
            }
            let owed = |index: &u32| !sent.acknowledged.contains(index) && !sent.under_way.contains(index);
            let index = (0..segment.parts.len() as u32).find(owed)?;
            Some((*number, index, segment.init.as_str()))
        })
    }

    /// The initialisation of the newest segment.
    pub(crate) fn init(&self) -> Option<&str> {
        self.segments.values().next_back().map(|segment| segment.init.as_str())
    }

    /// The initialisation of segment `number`.
    pub(crate) fn init_of(&self, number: u64) -> Option<&str> {
        self.segments.get(&number).map(|segment| segment.init.as_str())
    }

    /// The bytes of a part; none if it was taken back.
    pub(crate) fn data(&self, number: u64, index: u32) -> Option<Bytes> {
        self.segments.get(&number)?.parts.get(index as usize).map(|part| part.data.clone())
    }

    /// A part is being sent.
    pub(crate) fn start(&mut self, number: u64, index: u32) {
        self.sent.entry(number).or_default().under_way.insert(index);
    }

    /// A part was acknowledged, or not.
    pub(crate) fn settle(&mut self, number: u64, index: u32, acknowledged: bool) {
        let Some(sent) = self.sent.get_mut(&number) else { return };
        sent.under_way.remove(&index);
        if acknowledged {
            sent.acknowledged.insert(index);
        }
    }

    /// The destination is back: what it has of the open segment is not known, and the others are whole.
    pub(crate) fn reconnected(&mut self, complete: Option<u64>) {
        for (number, sent) in &mut self.sent {
            sent.acknowledged.clear();
            sent.given_up |= complete.is_some_and(|complete| *number <= complete);
        }
    }

    /// Whether players are told of some parts of a complete segment, but others are still on their way: it must not be
    /// told as a whole before.
    pub(crate) fn is_under_way(&self, number: u64) -> bool {
        let (Some(segment), Some(sent)) = (self.segments.get(&number), self.sent.get(&number)) else { return false };
        (1..segment.parts.len()).contains(&sent.told())
    }

    /// Whether players may know of parts behind segment `last` that cannot be told yet.
    pub(crate) fn is_ahead(&self, last: u64) -> bool {
        let told = |number: u64| self.sent.get(&number).map_or(0, Sent::told);
        self.inherited.is_some_and(|(number, parts)| {
            let lives = self.sent.get(&number).is_some_and(|sent| !sent.given_up);
            number > last && lives && told(number) < parts
        })
    }

    /// What a playlist whose last entry is `last` tells of parts; none without any wanted. `whole` is how long a complete
    /// segment is: one that a worker's death has left with a hole is longer than its parts, which players must not see.
    pub(crate) fn parts(&self, last: u64, whole: impl Fn(u64) -> Option<Duration>) -> Option<Parts> {
        let target = self.target?;
        let mut listed = BTreeMap::new();
        for (number, segment) in self.segments.range(..=last + 1) {
            let told = self.sent.get(number).map_or(0, Sent::told);
            let unbroken = || whole(*number).is_some_and(|whole| whole.abs_diff(segment.duration()) < ROUNDING);
            if told > 0 && (*number > last || told == segment.parts.len() && unbroken()) {
                let part = |part: &crate::spool::SegmentPart| MediaPart {
                    duration: part.duration,
                    independent: part.independent,
                };
                listed.insert(*number, segment.parts.iter().take(told).map(part).collect());
            }
        }
        let open = self.segments.get(&(last + 1)).map(|segment| MediaSegment {
            number: segment.number,
            start: segment.start,
            duration: Duration::ZERO,
            init: segment.init.clone(),
            discontinuity: segment.discontinuity,
            discontinuity_sequence: segment.discontinuity_sequence,
            gap: false,
        });
        Some(Parts { target, listed, open })
    }
}

#[cfg(test)]
mod tests;
