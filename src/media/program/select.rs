//! Which source is shown: a pure decision per tick.
//!
//! ```text
//! order auto:      the first healthy source by rank; leaving a healthy one for a better one needs the better one to be
//!                  healthy for the wait-to-restore time; from the slate any healthy source is taken at once
//! order source(s): s while it is healthy, else the slate
//! order slate:     the slate
//! ```

use std::time::Duration;

use crate::model::MediaTime;

/// What the program is asked to show, with sources as ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Auto,
    Slate,
    Rank(usize),
}

/// The selection and what it remembers.
#[derive(Debug)]
pub(crate) struct Selector {
    wait_to_restore: Duration,
    healthy_since: Vec<Option<MediaTime>>,
    /// Rank of the source that is shown; none is the slate.
    shown: Option<usize>,
}

impl Selector {
    pub(crate) fn new(sources: usize, wait_to_restore: Duration) -> Self {
        Self { wait_to_restore, healthy_since: vec![None; sources], shown: None }
    }

    /// The rank to show at tick `at`, none for the slate.
    pub(crate) fn choose(&mut self, at: MediaTime, wanted: Wanted, healthy: impl Fn(usize) -> bool) -> Option<usize> {
        for (rank, since) in self.healthy_since.iter_mut().enumerate() {
            *since = if healthy(rank) { since.or(Some(at)) } else { None };
        }
        let is_healthy = |rank: usize| self.healthy_since.get(rank).copied().flatten();
        self.shown = match wanted {
            Wanted::Slate => None,
            Wanted::Rank(rank) => is_healthy(rank).map(|_| rank),
            Wanted::Auto => match self.shown.filter(|rank| is_healthy(*rank).is_some()) {
                None => (0..self.healthy_since.len()).find(|rank| is_healthy(*rank).is_some()),
                Some(shown) => (0..shown)
                    .find(|rank| is_healthy(*rank).is_some_and(|since| at.since(since) >= self.wait_to_restore))
                    .or(Some(shown)),
            },
        };
        self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays `script`: (second, health of the sources, what must be shown).
    fn play(wanted: Wanted, script: &[(u64, [bool; 3], Option<usize>)]) {
        let mut selector = Selector::new(3, Duration::from_secs(2));
        for (second, health, shown) in script {
            let chosen = selector.choose(MediaTime::from_secs(1000 + second), wanted, |rank| health[rank]);
            assert_eq!(chosen, *shown, "at second {second}");
        }
    }

    #[test]
    fn the_best_healthy_source_is_shown_and_restored_after_waiting() {
        play(
            Wanted::Auto,
            &[
                (0, [false, false, false], None),
                (1, [false, true, true], Some(1)),
                (2, [true, true, true], Some(1)),
                (3, [true, true, true], Some(1)),
                (4, [true, true, true], Some(0)),
                (5, [false, true, true], Some(1)),
                (6, [true, true, true], Some(1)),
                (7, [false, true, true], Some(1)),
                (8, [true, false, true], Some(0)),
                (9, [false, false, false], None),
                (10, [false, false, true], Some(2)),
            ],
        );
    }

    #[test]
    fn an_ordered_source_gives_way_to_the_slate_alone() {
        play(
            Wanted::Rank(1),
            &[(0, [true, true, true], Some(1)), (1, [true, false, true], None), (2, [true, true, true], Some(1))],
        );
    }

    #[test]
    fn an_ordered_slate_stays() {
        play(Wanted::Slate, &[(0, [true, true, true], None), (9, [true, true, true], None)]);
    }
}
