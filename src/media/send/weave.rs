//! Brings the units of all tracks into the order of their decoding, and begins with a keyframe. Pure.
//!
//! ```text
//! waits for a keyframe ─ keyframe ─▶ flows ─ units were lost, or could not be sent ─▶ waits for a keyframe
//! ```
//!
//! Encoders of pictures look ahead, those of sound do not: the sound of a moment comes before its picture. A unit is let
//! go when every other track has shown a later one, or after a while without them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::media::encode::AccessUnit;
use crate::model::{MediaTime, RenditionId};

use super::carrier::TrackIndex;

/// A track that is silent for this long is not waited for. Longer than an encoder looks ahead.
const PATIENCE: Duration = Duration::from_millis(1500);

/// See the module's header.
pub(super) struct Weave {
    tracks: Vec<Track>,
    /// Whether the first track carries pictures: others begin with it.
    pictures: bool,
    flows: bool,
    /// Units left out so far: those in front of the first keyframe do not count.
    lost: u64,
    begun: bool,
}

struct Track {
    rendition: RenditionId,
    waiting: VecDeque<(Instant, AccessUnit)>,
    last: Option<u64>,
    /// Sound before this is left out.
    from: MediaTime,
    heard: Option<Instant>,
}

impl Weave {
    pub(super) fn new(renditions: &[RenditionId], pictures: bool) -> Self {
        let track = |rendition: &RenditionId| Track {
            rendition: rendition.clone(),
            waiting: VecDeque::new(),
            last: None,
            from: MediaTime::default(),
            heard: None,
        };
        let tracks = renditions.iter().map(track).collect();
        Self { tracks, pictures, flows: !pictures, lost: 0, begun: false }
    }

    /// Units that should have been sent and were not.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Takes a unit.
    pub(super) fn put(&mut self, unit: AccessUnit, now: Instant) {
        let Some(index) = self.tracks.iter().position(|track| track.rendition == unit.rendition) else { return };
        let leads = self.pictures && index == 0;
        let track = &mut self.tracks[index];
        track.heard = Some(now);
        let missing = track.last.map_or(0, |last| unit.number.saturating_sub(last + 1));
        track.last = Some(unit.number);
        if self.begun {
            self.lost += missing;
        }
        if leads && missing > 0 {
            self.flows = false;
        }
        if leads && !self.flows {
            if !unit.key {
                self.lost += u64::from(self.begun);
                return;
            }
            self.flows = true;
            self.begun = true;
            let from = unit.pts;
            self.tracks[1..].iter_mut().for_each(|track| track.begin(from));
        }
        self.begun |= !self.pictures;
        let track = &mut self.tracks[index];
        if unit.pts >= track.from && (self.begun || self.pictures) {
            track.waiting.push_back((now, unit));
        }
        if !self.begun {
            // What waits for the first picture is no more than it may need.
            let track = &mut self.tracks[index];
            while track.waiting.front().is_some_and(|(came, _)| now.saturating_duration_since(*came) > 2 * PATIENCE) {
                track.waiting.pop_front();
            }
        }
    }

    /// A unit could not be sent: the pictures go on with the next keyframe.
    pub(super) fn interrupt(&mut self) {
        if self.pictures {
            self.flows = false;
            self.lost += self.tracks[0].waiting.len() as u64;
            self.tracks[0].waiting.clear();
        }
        self.lost += 1;
    }

    /// The next unit that may leave, with the index of its track.
    pub(super) fn next(&mut self, now: Instant) -> Option<(TrackIndex, AccessUnit)> {
        if !self.begun {
            return None;
        }
        let head = |track: &Track| track.waiting.front().map(|(came, unit)| (decoded(unit), *came));
        let (index, (_, came)) = self
            .tracks
            .iter()
            .enumerate()
            .filter_map(|(index, track)| head(track).map(|head| (index, head)))
            .min_by_key(|(index, (time, _))| (*time, *index))?;
        let waited = now.saturating_duration_since(came) >= PATIENCE;
        let lively = |track: &Track| track.heard.is_some_and(|heard| now.saturating_duration_since(heard) < PATIENCE);
        if !waited && self.tracks.iter().any(|track| track.waiting.is_empty() && lively(track)) {
            return None;
        }
        self.tracks[index].waiting.pop_front().map(|(_, unit)| (index, unit))
    }
}

impl Track {
    fn begin(&mut self, from: MediaTime) {
        self.from = from;
        self.waiting.retain(|(_, unit)| unit.pts >= from);
    }
}

/// When a unit is decoded.
pub(super) fn decoded(unit: &AccessUnit) -> MediaTime {
    unit.dts.map_or(unit.pts, |dts| dts.min(unit.pts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gstreamer as gst;

    fn id(name: &str) -> RenditionId {
        RenditionId::new(name).unwrap()
    }

    fn unit(name: &str, number: u64, millis: u64, key: bool) -> AccessUnit {
        crate::media::init().unwrap();
        AccessUnit {
            rendition: id(name),
            number,
            pts: MediaTime::from_nanos(millis * 1_000_000),
            dts: None,
            duration: Duration::from_millis(40),
            key,
            caps: gst::Caps::new_any(),
            buffer: gst::Buffer::new(),
        }
    }

    fn drained(weave: &mut Weave, now: Instant) -> Vec<(usize, u64)> {
        std::iter::from_fn(|| weave.next(now)).map(|(track, unit)| (track, unit.pts.as_nanos() / 1_000_000)).collect()
    }

    #[test]
    fn it_begins_with_a_keyframe_and_the_sound_from_there() {
        let (mut weave, now) = (Weave::new(&[id("v"), id("a")], true), Instant::now());
        weave.put(unit("v", 1, 0, false), now);
        for n in 0..12 {
            weave.put(unit("a", 1 + n, n * 20, true), now);
        }
        assert_eq!(drained(&mut weave, now), []);
        for n in 0..3 {
            weave.put(unit("v", 2 + n, 100 + n * 40, n == 0), now);
        }
        let expected = [(0, 100), (1, 100), (1, 120), (0, 140), (1, 140), (1, 160), (0, 180)];
        assert_eq!(drained(&mut weave, now), expected);
        assert_eq!(weave.lost(), 0, "what was never to be sent is not lost");
    }

    #[test]
    fn lost_pictures_are_waited_out_until_the_next_keyframe() {
        let (mut weave, now) = (Weave::new(&[id("v")], true), Instant::now());
        for (number, key) in [(1, true), (2, false), (5, false), (6, true), (7, false)] {
            weave.put(unit("v", number, number * 40, key), now);
        }
        assert_eq!(drained(&mut weave, now), [(0, 40), (0, 80), (0, 240), (0, 280)]);
        assert_eq!(weave.lost(), 3);
        weave.interrupt();
        weave.put(unit("v", 8, 320, false), now);
        weave.put(unit("v", 9, 360, true), now);
        assert_eq!((drained(&mut weave, now), weave.lost()), (vec![(0, 360)], 5));
    }

    #[test]
    fn a_track_that_falls_silent_holds_nobody_up_for_long() {
        let (mut weave, now) = (Weave::new(&[id("v"), id("a")], true), Instant::now());
        weave.put(unit("a", 1, 0, true), now);
        weave.put(unit("v", 1, 0, true), now);
        weave.put(unit("v", 2, 40, false), now);
        assert_eq!(drained(&mut weave, now), [(0, 0), (1, 0)]);
        assert_eq!(drained(&mut weave, now + PATIENCE), [(0, 40)]);
        weave.put(unit("v", 3, 80, false), now + PATIENCE);
        assert_eq!(drained(&mut weave, now + PATIENCE), [(0, 80)], "not for each unit again");
    }
}
