//! Old segments at a destination that shall not keep them: deleted one at a time, behind everything else. Pure.
//!
//! A segment goes when the playlist that the destination has acknowledged has left it behind for long enough: never
//! earlier than a player that holds an older playlist may still ask for it (rfc8216bis 6.2.2: its own duration plus that
//! of the longest playlist that named it). A failure here says nothing of the link, and holds up nothing but the next
//! deletion.

use std::time::{Duration, Instant};

use crate::policy::{Attempts, Backoff, RetryDecision};

use super::lane::Lane;
use super::object::{Object, Outcome};

const AGAIN: Backoff =
    Backoff { first: Duration::from_secs(1), cap: Duration::from_secs(60), factor: 2.0, jitter: 0.3 };

/// See the module's header.
#[derive(Debug)]
pub(crate) struct Sweep {
    /// How many numbers a segment is kept for behind the playlist.
    margin: u64,
    busy: bool,
    attempts: Attempts,
    not_before: Option<Instant>,
    /// Objects deleted.
    pub(crate) deleted: u64,
    /// Objects that the destination refused to delete, and that stay.
    pub(crate) refused: u64,
}

impl Sweep {
    /// Keeps segments of `duration` for `keep` after they have left a playlist of `window` segments.
    pub(crate) fn new(keep: Duration, duration: Duration, window: u32) -> Self {
        let wanted = keep.as_millis().div_ceil(duration.as_millis().max(1));
        let margin = u64::try_from(wanted).unwrap_or(u64::MAX).max(u64::from(window) + 1);
        Self { margin, busy: false, attempts: Attempts::new(AGAIN), not_before: None, deleted: 0, refused: 0 }
    }

    /// What to delete now; the caller must report its outcome.
    pub(crate) fn next(&mut self, lanes: &[Lane], now: Instant) -> Option<Object> {
        if self.busy || self.not_before.is_some_and(|at| now < at) {
            return None;
        }
        let oldest = |(index, lane): (usize, &Lane)| {
            let number = lane.delivered.stored.first()?;
            let told_from = lane.published.as_deref().and_then(media_sequence)?;
            (number.saturating_add(self.margin) < told_from).then_some((number, index))
        };
        let (number, lane) = lanes.iter().enumerate().filter_map(oldest).min()?;
        self.busy = true;
        Some(Object::Remove { lane, number })
    }

    /// Says how the deletion of `number` went.
    pub(crate) fn settle(&mut self, lane: &mut Lane, number: u64, outcome: Outcome, now: Instant, random: f64) {
        self.busy = false;
        match outcome {
            Outcome::Acknowledged => {
                self.attempts.reset();
                self.not_before = None;
                self.deleted += 1;
                lane.delivered.stored.remove(number);
            }
            Outcome::Failed(RetryDecision::Never) => {
                self.refused += 1;
                lane.delivered.stored.remove(number);
                // It will not like the next one better, but there is no end of them either.
                self.not_before = Some(now + self.attempts.failed(random));
            }
            _ => self.not_before = Some(now + self.attempts.failed(random)),
        }
    }

    /// Whatever was under way has been given up.
    pub(crate) fn forget_request(&mut self) {
        self.busy = false;
    }

    /// When the next deletion may be due, if one has to wait at `now`.
    pub(crate) fn due_after(&self, now: Instant) -> Option<Instant> {
        self.not_before.filter(|at| *at > now)
    }
}

/// The number of the first segment that `playlist` names.
fn media_sequence(playlist: &str) -> Option<u64> {
    playlist.lines().find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RenditionId;
    use crate::push::delivery::Delivery;
    use crate::push::description::Medium;
    use crate::push::record::Delivered;

    /// A lane that has sent 1 to 100, with a playlist that begins at 95.
    fn lane() -> Lane {
        let id = RenditionId::new("v").unwrap();
        let mut lane = Lane::new(id, Medium::Video, Delivered::default(), Delivery::object_backoff());
        (1..=100).for_each(|number| lane.delivered.stored.insert(number));
        lane.published = Some("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:95\n".to_owned());
        lane
    }

    fn sweep(keep: u64) -> Sweep {
        Sweep::new(Duration::from_secs(keep), Duration::from_secs(2), 6)
    }

    fn sweep_all(sweep: &mut Sweep, lanes: &mut [Lane]) -> Vec<u64> {
        let now = Instant::now();
        let mut gone = Vec::new();
        while let Some(Object::Remove { lane, number }) = sweep.next(lanes, now) {
            assert_eq!(sweep.next(lanes, now), None, "one at a time");
            sweep.settle(&mut lanes[lane], number, Outcome::Acknowledged, now, 0.5);
            gone.push(number);
        }
        gone
    }

    #[test]
    fn what_a_player_may_still_ask_for_stays() {
        let mut lanes = [lane()];
        assert_eq!(sweep_all(&mut sweep(0), &mut lanes), (1..=87).collect::<Vec<_>>());
        let mut lanes = [lane()];
        let mut sweep = sweep(60);
        assert_eq!(sweep_all(&mut sweep, &mut lanes), (1..=64).collect::<Vec<_>>());
        assert_eq!(sweep.deleted, 64);
    }

    #[test]
    fn nothing_goes_while_the_playlist_there_is_not_known() {
        let mut lanes = [lane()];
        lanes[0].published = None;
        assert!(sweep_all(&mut sweep(0), &mut lanes).is_empty());
    }

    #[test]
    fn a_failure_holds_up_the_next_and_a_refusal_is_given_up() {
        let (mut lanes, mut sweep, now) = ([lane()], sweep(0), Instant::now());
        let first = Object::Remove { lane: 0, number: 1 };
        assert_eq!(sweep.next(&lanes, now), Some(first.clone()));
        sweep.settle(&mut lanes[0], 1, Outcome::Failed(RetryDecision::Retry), now, 0.5);
        assert_eq!(sweep.next(&lanes, now), None);
        let due = sweep.due_after(now).unwrap();
        assert_eq!(sweep.next(&lanes, due), Some(first));
        sweep.settle(&mut lanes[0], 1, Outcome::Failed(RetryDecision::Never), due, 0.5);
        assert_eq!((sweep.refused, sweep.deleted), (1, 0));
        let due = sweep.due_after(due).unwrap();
        assert_eq!(sweep.next(&lanes, due), Some(Object::Remove { lane: 0, number: 2 }));
    }
}
