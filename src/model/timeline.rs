//! What is known of a channel's time: where segments begin, which cues and which metadata lie where.
//!
//! ```text
//! ask ──place──▶ timeline' (a new one; the old stays as it was) ──LiveTimeline::set──▶ encoders, spool, destinations
//! ```
//!
//! Pure: what is possible is decided from the timeline and the time now. The list ([`Cued`]) is what has to outlive a
//! worker; the rest follows from it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::boundaries::Boundaries;
use super::cue::{CUE_LEAD, Cue, CueAsk, CuePlaced, CuePoint, CueRefusal, FURTHEST};
use super::id::CueId;
use super::time::{FrameGrid, MediaTime, SegmentGrid};
use super::timed::{MetadataAsk, MetadataPlaced, MetadataRefusal, TimedMetadata};

/// Most breaks, and most pieces of metadata, that are known at a time.
const MOST: usize = 256;
/// How far back metadata may be put: what players can still see.
const BACK: Duration = Duration::from_secs(10);

/// Cues and metadata, in the order of their times.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Cued {
    /// Breaks.
    #[serde(default)]
    pub cues: Vec<Cue>,
    /// Timed metadata.
    #[serde(default)]
    pub metadata: Vec<TimedMetadata>,
}

impl Cued {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.cues.is_empty() && self.metadata.is_empty()
    }

    /// Cues out and in, ascending.
    fn points(&self) -> Vec<MediaTime> {
        let mut points: Vec<MediaTime> =
            self.cues.iter().flat_map(|cue| [Some(cue.out_at), cue.in_at]).flatten().collect();
        points.sort_unstable();
        points.dedup();
        points
    }

    /// What is not over at `before`. A break without an end is over after a day.
    pub fn since(&self, before: MediaTime) -> Self {
        let over = |end: MediaTime| end < before;
        let ends = |m: &TimedMetadata| m.at + Duration::from_millis(m.duration_ms.unwrap_or(0));
        Self {
            cues: self.cues.iter().filter(|cue| !over(cue.in_at.unwrap_or(cue.out_at + FURTHEST))).cloned().collect(),
            metadata: self.metadata.iter().filter(|m| !over(ends(m))).cloned().collect(),
        }
    }
}

impl Cued {
    /// Where segments begin with these cues.
    pub fn boundaries(&self, grid: SegmentGrid) -> Boundaries {
        Boundaries::new(grid, self.points()).0
    }

    /// What has begun before `end`, and is not over at `begin`.
    pub fn within(&self, begin: MediaTime, end: MediaTime) -> Self {
        let since = self.since(begin);
        Self {
            cues: since.cues.into_iter().filter(|cue| cue.out_at < end).collect(),
            metadata: since.metadata.into_iter().filter(|metadata| metadata.at < end).collect(),
        }
    }

    /// With what `newer` knows: more of it, or the same at its end.
    pub fn with(&self, newer: &Self) -> Self {
        let mut all = self.clone();
        for cue in &newer.cues {
            match all.cues.iter_mut().find(|known| known.id == cue.id) {
                Some(known) => known.clone_from(cue),
                None => all.cues.push(cue.clone()),
            }
        }
        for metadata in &newer.metadata {
            match all.metadata.iter_mut().find(|known| known.id == metadata.id) {
                Some(known) => known.clone_from(metadata),
                None => all.metadata.push(metadata.clone()),
            }
        }
        all
    }
}

/// See the module's header.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    frames: FrameGrid,
    boundaries: Boundaries,
    cued: Cued,
}

impl Timeline {
    /// The timeline of a programme with these grids.
    pub fn new(grid: SegmentGrid, frames: FrameGrid, cued: Cued) -> Self {
        let (boundaries, _) = Boundaries::new(grid, cued.points());
        Self { frames, boundaries, cued }
    }

    /// Where segments begin.
    pub fn boundaries(&self) -> &Boundaries {
        &self.boundaries
    }

    /// Cues and metadata.
    pub fn cued(&self) -> &Cued {
        &self.cued
    }

    /// Without what was over at `before`, and no longer matters to any segment that begins later.
    pub fn forget(&self, before: MediaTime) -> Self {
        // The way back to the grid takes this long at most: what it rests on stays.
        let way = self.boundaries.grid().duration() * 60;
        let before = MediaTime::from_nanos(before.as_nanos().saturating_sub(way.as_nanos() as u64));
        let cued = self.cued.since(before);
        if cued == self.cued { self.clone() } else { Self::new(self.boundaries.grid(), self.frames, cued) }
    }

    /// The frame that a cue at `at` names.
    fn point(&self, at: MediaTime) -> CuePoint {
        CuePoint { at, frame: self.frames.index_at(at), segment: self.boundaries.number_at(at) }
    }

    fn placed(&self, cue: &Cue, changed: bool, cancelled: bool) -> CuePlaced {
        CuePlaced {
            id: cue.id.clone(),
            event_id: cue.event_id,
            changed,
            cancelled,
            out: self.point(cue.out_at),
            back: cue.in_at.map(|at| self.point(at)),
        }
    }

    fn frame_from(&self, time: MediaTime) -> MediaTime {
        self.frames.time_of(self.frames.index_from(time))
    }

    /// Does what is asked, if it can be done `now`.
    pub fn cue(&self, ask: &CueAsk, now: MediaTime) -> Result<(Self, CuePlaced), CueRefusal> {
        match ask {
            CueAsk::Out { id, event_id, unique_program_id, duration_ms, auto_return, at, pre_roll_ms } => {
                let out_at = self.when(*at, *pre_roll_ms, now)?;
                let id = id.clone().unwrap_or_else(|| named("cue", self.frames.index_at(out_at)));
                let auto_return = auto_return.unwrap_or(duration_ms.is_some());
                let cue = Cue {
                    event_id: event_id.unwrap_or_else(|| event_id_of(&id)),
                    id,
                    unique_program_id: *unique_program_id,
                    out_at,
                    planned_ms: *duration_ms,
                    auto_return,
                    in_at: None,
                };
                self.cue_out(cue, now)
            }
            CueAsk::In { id, at, pre_roll_ms } => self.cue_in(id.as_ref(), self.when(*at, *pre_roll_ms, now)?, now),
            CueAsk::Cancel { id } => self.cancel(id, now),
        }
    }

    /// The frame that is asked for. Whether it is too late is told later: the same cue again is no fault.
    fn when(&self, at: Option<MediaTime>, pre_roll_ms: Option<u64>, now: MediaTime) -> Result<MediaTime, CueRefusal> {
        let wanted = match (at, pre_roll_ms) {
            (Some(_), Some(_)) => {
                return Err(CueRefusal::Malformed("give `at` or `pre_roll_ms`, not both".into()));
            }
            (Some(at), None) => at,
            (None, pre_roll) => now + pre_roll.map_or(CUE_LEAD, Duration::from_millis),
        };
        if wanted.since(now) > FURTHEST {
            return Err(CueRefusal::TooFar { what: "the time until the cue".into() });
        }
        Ok(self.frame_from(wanted))
    }

    fn cue_out(&self, mut cue: Cue, now: MediaTime) -> Result<(Self, CuePlaced), CueRefusal> {
        let planned = cue.planned_ms.map(Duration::from_millis);
        if planned.is_some_and(|planned| planned > FURTHEST) {
            return Err(CueRefusal::TooFar { what: "the break".into() });
        }
        if cue.auto_return && planned.is_none_or(|planned| planned.is_zero()) {
            return Err(CueRefusal::Malformed("a break that ends by itself needs a `duration_ms`".into()));
        }
        cue.in_at = planned.filter(|_| cue.auto_return).map(|planned| self.frame_from(cue.out_at + planned));
        if let Some(other) = self.cued.cues.iter().find(|other| other.id == cue.id) {
            let same = (other.out_at, other.planned_ms) == (cue.out_at, cue.planned_ms);
            return match same {
                true => Ok((self.clone(), self.placed(other, false, false))),
                false => Err(CueRefusal::Taken { id: cue.id, at: other.out_at }),
            };
        }
        if self.cued.metadata.iter().any(|metadata| metadata.id == cue.id) {
            return Err(CueRefusal::Taken { id: cue.id, at: cue.out_at });
        }
        self.soon_enough(cue.out_at, now)?;
        let overlaps = |other: &&Cue| {
            let begins = cue.covers(other.out_at) || other.covers(cue.out_at);
            // A break without an end ends with the next one's beginning only if somebody says so.
            begins && other.in_at != Some(cue.out_at)
        };
        if let Some(other) = self.cued.cues.iter().find(overlaps) {
            return Err(CueRefusal::Overlap { other: other.id.clone() });
        }
        if self.cued.cues.len() >= MOST {
            return Err(CueRefusal::Full { most: MOST });
        }
        self.put(cue, now, |cue, at| {
            let moved = at.since(cue.out_at);
            cue.out_at = at;
            cue.in_at = cue.in_at.map(|back| back + moved);
        })
    }

    fn cue_in(&self, id: Option<&CueId>, at: MediaTime, now: MediaTime) -> Result<(Self, CuePlaced), CueRefusal> {
        let found = match id {
            Some(id) => {
                self.cued.cues.iter().find(|cue| cue.id == *id).ok_or(CueRefusal::Unknown { id: id.clone() })?
            }
            None => {
                // Asked twice, it names the break that it has ended.
                let open = |cue: &&Cue| cue.covers(at) || cue.in_at == Some(at);
                self.cued.cues.iter().rfind(open).ok_or(CueRefusal::NoneOpen { at })?
            }
        };
        if found.in_at == Some(at) {
            return Ok((self.clone(), self.placed(found, false, false)));
        }
        if let Some(back) = found.in_at.filter(|back| *back < now + CUE_LEAD) {
            return Err(CueRefusal::Ending { id: found.id.clone(), at: back });
        }
        if at <= found.out_at {
            return Err(CueRefusal::NoneOpen { at });
        }
        self.soon_enough(at, now)?;
        let other = self
            .cued
            .cues
            .iter()
            .find(|other| other.id != found.id && other.out_at > found.out_at && other.out_at < at);
        if let Some(other) = other {
            return Err(CueRefusal::Overlap { other: other.id.clone() });
        }
        let cue = Cue { in_at: Some(at), ..found.clone() };
        self.put(cue, now, |cue, at| cue.in_at = Some(at))
    }

    fn cancel(&self, id: &CueId, now: MediaTime) -> Result<(Self, CuePlaced), CueRefusal> {
        let cue = self.cued.cues.iter().find(|cue| cue.id == *id).ok_or(CueRefusal::Unknown { id: id.clone() })?;
        if cue.out_at < now + CUE_LEAD {
            return Err(CueRefusal::Underway { id: id.clone(), at: cue.out_at });
        }
        let placed = self.placed(cue, true, true);
        let mut cued = self.cued.clone();
        cued.cues.retain(|cue| cue.id != *id);
        Ok((Self::new(self.boundaries.grid(), self.frames, cued), placed))
    }

    fn soon_enough(&self, asked: MediaTime, now: MediaTime) -> Result<(), CueRefusal> {
        let earliest = self.frame_from(now + CUE_LEAD);
        if asked < earliest { Err(CueRefusal::TooLate { asked, earliest }) } else { Ok(()) }
    }

    /// Takes `cue` in the place of the one of its name, if segments can begin with it. `put_at` is how it would be
    /// later.
    fn put(
        &self,
        cue: Cue,
        now: MediaTime,
        put_at: impl Fn(&mut Cue, MediaTime),
    ) -> Result<(Self, CuePlaced), CueRefusal> {
        let with = |cue: &Cue| {
            let mut cued = self.cued.clone();
            cued.cues.retain(|other| other.id != cue.id);
            cued.cues.push(cue.clone());
            cued.cues.sort_by_key(|cue| cue.out_at);
            let (boundaries, refused) = Boundaries::new(self.boundaries.grid(), cued.points());
            // Those of the past have been cut, or not, whatever is decided now.
            let fits = refused.iter().all(|at| *at < now);
            fits.then_some(Self { frames: self.frames, boundaries, cued })
        };
        if let Some(timeline) = with(&cue) {
            let placed = timeline.placed(&cue, true, false);
            return Ok((timeline, placed));
        }
        let known = self.cued.cues.iter().find(|other| other.id == cue.id);
        let asked = if known.is_some() { cue.in_at.unwrap_or(cue.out_at) } else { cue.out_at };
        let later = (1..600u32).map(|step| self.frame_from(asked + Duration::from_millis(100) * step));
        let fits = |at: &MediaTime| {
            let mut cue = cue.clone();
            put_at(&mut cue, *at);
            with(&cue).is_some()
        };
        let earliest = later.into_iter().find(fits).unwrap_or(asked + Duration::from_secs(60));
        Err(CueRefusal::TooClose { asked, earliest })
    }

    /// Takes metadata.
    pub fn describe(&self, ask: &MetadataAsk, now: MediaTime) -> Result<(Self, MetadataPlaced), MetadataRefusal> {
        ask.check()?;
        // The frame that is on air then, or the one that begins within half a frame.
        let half = Duration::from_nanos(self.frames.rate().frame_nanos() / 2);
        let at = self.frames.time_of(self.frames.index_at(ask.at.unwrap_or(now) + half));
        let too_far = |what: &str| Err(MetadataRefusal::TooFar { what: what.into() });
        if at.since(now) > FURTHEST {
            return too_far("the time until then");
        }
        if ask.duration_ms.is_some_and(|millis| Duration::from_millis(millis) > FURTHEST) {
            return too_far("its duration");
        }
        let frame = self.frames.index_at(at);
        let free = |id: &CueId| !self.is_named(id);
        let id = match &ask.id {
            Some(id) => id.clone(),
            None => (0..=MOST)
                .map(|n| named(&format!("meta-{n}"), frame))
                .find(free)
                .unwrap_or_else(|| named("meta", frame)),
        };
        let metadata = TimedMetadata {
            id: id.clone(),
            at,
            duration_ms: ask.duration_ms,
            class: ask.class.clone(),
            attributes: ask.attributes.clone(),
            json: ask.json.as_ref().map(ToString::to_string),
        };
        let segment = self.boundaries.number_at(at);
        if let Some(other) = self.cued.metadata.iter().find(|other| other.id == id) {
            let again =
                TimedMetadata { at: other.at, ..metadata.clone() } == *other && ask.at.is_none_or(|_| at == other.at);
            let (frame, segment) = (self.frames.index_at(other.at), self.boundaries.number_at(other.at));
            return match again {
                true => Ok((self.clone(), MetadataPlaced { id, changed: false, at: other.at, frame, segment })),
                false => Err(MetadataRefusal::Taken { id, at: other.at }),
            };
        }
        if let Some(cue) = self.cued.cues.iter().find(|cue| cue.id == id) {
            return Err(MetadataRefusal::Taken { id, at: cue.out_at });
        }
        if now.since(at) > BACK {
            let earliest = MediaTime::from_nanos(now.as_nanos() - BACK.as_nanos() as u64);
            return Err(MetadataRefusal::TooLate { asked: at, earliest });
        }
        if self.cued.metadata.len() >= MOST {
            return Err(MetadataRefusal::Full { most: MOST });
        }
        let mut timeline = self.clone();
        timeline.cued.metadata.push(metadata);
        timeline.cued.metadata.sort_by_key(|metadata| metadata.at);
        Ok((timeline, MetadataPlaced { id, changed: true, at, frame, segment }))
    }

    fn is_named(&self, id: &CueId) -> bool {
        self.cued.cues.iter().any(|cue| cue.id == *id) || self.cued.metadata.iter().any(|m| m.id == *id)
    }
}

fn named(kind: &str, frame: u64) -> CueId {
    CueId::new(format!("{kind}-{frame}")).unwrap_or_else(|_| unreachable!("letters, digits and hyphens"))
}

/// The same on every box (FNV-1a).
fn event_id_of(id: &CueId) -> u32 {
    id.as_str().bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The timeline of a channel on air, as all its parts see it. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct LiveTimeline(Arc<RwLock<Arc<Timeline>>>);

impl LiveTimeline {
    /// Begins with `timeline`.
    pub fn new(timeline: Timeline) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(timeline))))
    }

    /// The timeline now.
    pub fn get(&self) -> Arc<Timeline> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another timeline in force.
    pub fn set(&self, timeline: Timeline) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(timeline);
    }
}

impl PartialEq for LiveTimeline {
    /// Whether it is the same one.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

#[cfg(test)]
mod tests;
