//! What a box of a pair does while the other one delivers, and how it goes on after it.
//!
//! ```text
//!           lease taken                every rendition was looked at
//! watch ───────────────▶ survey ───────────────────────────────────▶ deliver
//!   ▲                      │                                            │
//!   └────── lease lost ────┴────────────────── lease lost ──────────────┘
//!
//! watch:   playlists are looked at; what they name is not owed any more. If the two share, media is delivered, too
//! survey:  they are looked at once more: nobody else can write now, so what they say is the last word
//! ```

use std::time::{Duration, Instant};

use crate::hls::ToldPlaylist;

use super::super::object::{Object, Outcome};
use super::super::pair::joint::{Seam, Side};
use super::{Delivery, Search};

/// Playlists are looked at once per segment, and not more often than this.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What the box of a pair does. A box alone delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Post {
    /// It delivers.
    #[default]
    Deliver,
    /// Another one does.
    Watch {
        /// Media is delivered all the same.
        share: bool,
    },
    /// It is about to.
    Survey,
}

/// How a box goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Continued {
    /// The first number that it tells; none if nothing was told before.
    pub(crate) seam: Option<u64>,
    /// Whether a discontinuity stands there.
    pub(crate) differs: bool,
    /// Segments that were made meanwhile and nobody has delivered.
    pub(crate) owed: u64,
}

impl Delivery {
    /// What it does.
    pub(crate) fn post(&self) -> Post {
        self.post
    }

    /// Somebody else delivers from now on.
    pub(crate) fn watch(&mut self) {
        self.post = Post::Watch { share: false };
        self.filling = None;
        for lane in &mut self.lanes {
            lane.look_anew();
        }
    }

    /// Whether media is delivered while it watches.
    pub(crate) fn share(&mut self, wanted: bool) {
        if let Post::Watch { share } = &mut self.post {
            *share = wanted;
        }
    }

    /// Nobody else can write from now on.
    pub(crate) fn survey(&mut self) {
        self.post = Post::Survey;
        for lane in &mut self.lanes {
            lane.look_anew();
        }
    }

    /// Whether the initialisations of the other box are those of this one: none before that is known.
    pub(crate) fn alike(&self) -> Option<bool> {
        let lanes = self.lanes.iter().map(|lane| Some(lane.told.as_ref()?.init() == lane.current_init()?));
        lanes
            .collect::<Option<Vec<bool>>>()
            .filter(|lanes| !lanes.is_empty())
            .map(|lanes| lanes.iter().all(|same| *same))
    }

    /// Whether this box has all of a playlist's window that players were not told yet, as far as it goes back; none without
    /// a segment in each rendition.
    pub(crate) fn unbroken(&self) -> Option<bool> {
        let window = self.window;
        let unbroken = |lane: &super::Lane| {
            let newest = lane.newest()?;
            let told = lane.told.as_ref().map_or(0, |told| told.last() + 1);
            let oldest = lane.oldest()?.max((newest + 1).saturating_sub(window)).max(told);
            Some((oldest..=newest).all(|number| lane.segment(number).is_some()))
        };
        let lanes: Option<Vec<bool>> = self.lanes.iter().map(unbroken).collect();
        lanes.filter(|lanes| !lanes.is_empty()).map(|lanes| lanes.iter().all(|whole| *whole))
    }

    /// How many segments the other box has told beyond what this one has: more than a few, and their clocks differ.
    pub(crate) fn overtaken(&self) -> u64 {
        let by = |lane: &super::Lane| Some(lane.told.as_ref()?.last().saturating_sub(lane.newest()?));
        self.lanes.iter().filter_map(by).min().unwrap_or(0)
    }

    /// What to send instead of delivering.
    pub(super) fn at_post(&mut self, now: Instant) -> Option<Object> {
        let share = self.post == Post::Watch { share: true };
        self.look_around(now).or_else(|| {
            if !share {
                return None;
            }
            self.init(now).or_else(|| self.live(now)).or_else(|| self.catch(now)).or_else(|| self.backfill(now))
        })
    }

    /// The next playlist to look at.
    pub(super) fn look_around(&mut self, now: Instant) -> Option<Object> {
        let survey = self.post == Post::Survey;
        let due = |lane: &super::Lane| match survey {
            true => !lane.surveyed,
            false => lane.look_at.is_none_or(|at| at <= now),
        };
        let lane = self.lanes.iter().position(|lane| lane.look.ready(now) && due(lane))?;
        self.lanes[lane].look.busy = true;
        Some(Object::Look { lane, survey })
    }

    /// A look has ended.
    pub(super) fn settle_look(&mut self, lane: usize, survey: bool, outcome: Outcome, now: Instant, random: f64) {
        let every = self.timing.segment().max(LOOK_EVERY);
        // One that was begun at another post says nothing.
        let (Some(lane), true) = (self.lanes.get_mut(lane), survey == (self.post == Post::Survey)) else { return };
        if outcome == Outcome::Acknowledged {
            lane.look.done();
            lane.look_at = Some(now + every);
            lane.surveyed = survey;
        } else {
            lane.look.failed(now, random);
        }
    }

    /// What players were told of a rendition; none if nothing. Before the look is settled.
    pub(crate) fn looked(&mut self, lane: usize, survey: bool, told: Option<ToldPlaylist>) {
        if survey == (self.post == Post::Survey)
            && self.post != Post::Deliver
            && let Some(lane) = self.lanes.get_mut(lane)
        {
            lane.learn(told);
        }
    }

    /// Whether all that was told is known.
    pub(crate) fn is_surveyed(&self) -> bool {
        self.post == Post::Survey && self.lanes.iter().all(|lane| lane.surveyed)
    }

    /// Goes on where the other box ended, or this one at an earlier time (`same_box`). Playlists wait for what was made
    /// meanwhile, at most for `patience`.
    pub(crate) fn go_on(&mut self, same_box: bool, patience: Duration, now: Instant) -> Continued {
        let sides: Vec<Side<'_>> = self.lanes.iter().map(super::Lane::side).collect();
        let seam = Seam::find(&sides, same_box);
        for lane in &mut self.lanes {
            lane.join(seam.as_ref());
        }
        self.post = Post::Deliver;
        self.reconnected();
        if seam.is_some() {
            // What was told is there: to look for it would only hold up what is not.
            self.search = Search::Off;
            self.lanes.iter_mut().for_each(|lane| lane.unchecked.clear());
        }
        self.filling = Some(now + patience);
        let window = self.window;
        let in_window = |lane: &super::Lane| lane.newest().map_or(0, |newest| (newest + 1).saturating_sub(window));
        let owed = self.lanes.iter().map(|lane| lane.owed().filter(|n| *n >= in_window(lane)).count() as u64);
        Continued {
            seam: seam.map(|seam| seam.number),
            differs: seam.is_some_and(|seam| seam.differs),
            owed: owed.max().unwrap_or(0),
        }
    }

    /// Whether a segment that is there already may stay as it is.
    pub(crate) fn keeps(&self, lane: usize, number: u64, shared: bool) -> bool {
        let lane = self.lanes.get(lane);
        lane.and_then(|lane| lane.joint.as_ref()).map_or(shared, |joint| joint.keeps(number, shared))
    }
}

#[cfg(test)]
mod tests;
