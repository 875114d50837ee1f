//! What is shown: a pure decision per tick.
//!
//! ```text
//! order auto:       the first good source by rank. Leaving a good one for a better one needs the better one to have been
//!                   good for the wait-to-restore time (or a release by hand, if the rules say so); leaving a bad one
//!                   waits for the hold-off only. Without a good one the least bad, by grade; a black one never.
//! order source(s):  s while it delivers, whatever its signal; else the slate, or what auto shows if the rules say so
//! order scene(a,b): both while both deliver; the other alone while one does not; without both as above
//! order slate:      the slate
//! ```

use std::time::Duration;

use super::lineup::Places;
use crate::model::{Corner, FailoverRules, Layout, MediaTime};
use crate::policy::Grade;

/// How two sources share the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrangement {
    pub(crate) layout: Layout,
    pub(crate) corner: Corner,
    pub(crate) size_percent: u8,
}

/// What the program is asked to show, with sources as ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Auto,
    Slate,
    Rank(usize),
    Pair(usize, usize, Arrangement),
    /// A source that is not there.
    Nobody,
}

/// What the program shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    Slate,
    Source(usize),
    Pair(usize, usize, Arrangement),
}

impl View {
    /// The sources in it.
    pub(crate) fn ranks(self) -> impl Iterator<Item = usize> + Clone {
        let (first, second) = match self {
            View::Slate => (None, None),
            View::Source(rank) => (Some(rank), None),
            View::Pair(first, second, _) => (Some(first), Some(second)),
        };
        first.into_iter().chain(second)
    }

    fn of(rank: Option<usize>) -> Self {
        rank.map_or(Self::Slate, Self::Source)
    }

    /// The same where sources have other ranks; the slate in place of what is gone.
    pub(crate) fn moved(self, place: impl Fn(usize) -> Option<usize>) -> Self {
        match self {
            View::Slate => View::Slate,
            View::Source(rank) => View::of(place(rank)),
            View::Pair(first, second, shape) => match (place(first), place(second)) {
                (Some(first), Some(second)) => View::Pair(first, second, shape),
                (one, other) => View::of(one.or(other)),
            },
        }
    }
}

/// The selection and what it remembers.
#[derive(Debug)]
pub(crate) struct Selector {
    rules: FailoverRules,
    wait_to_restore: Duration,
    grades: Vec<Grade>,
    good_since: Vec<Option<MediaTime>>,
    bad_since: Vec<Option<MediaTime>>,
    /// What is shown, or would be, without an order; none is the slate.
    auto: Option<usize>,
    /// Sources from this rank on leave: they are not waited for.
    staying: usize,
}

impl Selector {
    pub(crate) fn new(sources: usize, wait_to_restore: Duration, rules: FailoverRules) -> Self {
        Self {
            rules,
            wait_to_restore,
            grades: vec![Grade::Lost; sources],
            good_since: vec![None; sources],
            bad_since: vec![None; sources],
            auto: None,
            staying: sources,
        }
    }

    /// Sources have other ranks, `count` of them; those from `staying` on leave.
    pub(crate) fn rearrange(&mut self, places: &Places, count: usize, staying: usize) {
        self.grades = places.sort(&self.grades, count, &Grade::Lost);
        self.good_since = places.sort(&self.good_since, count, &None);
        self.bad_since = places.sort(&self.bad_since, count, &None);
        self.auto = self.auto.and_then(|rank| places.of(rank));
        self.staying = staying;
    }

    /// Other rules.
    pub(crate) fn set_rules(&mut self, wait_to_restore: Duration, rules: FailoverRules) {
        (self.wait_to_restore, self.rules) = (wait_to_restore, rules);
    }

    /// Back to the best source at the next choice, by hand.
    pub(crate) fn release(&mut self) {
        self.auto = None;
    }

    /// What would be shown without an order.
    pub(crate) fn auto(&self) -> Option<usize> {
        self.auto
    }

    pub(crate) fn delivers(&self, rank: usize) -> bool {
        self.grades.get(rank).is_some_and(|grade| *grade < Grade::Lost)
    }

    /// What to show at tick `at`, where each source has this grade.
    pub(crate) fn choose(&mut self, at: MediaTime, wanted: Wanted, grade: impl Fn(usize) -> Grade) -> View {
        for rank in 0..self.grades.len() {
            self.grades[rank] = grade(rank);
            let good = self.grades[rank] == Grade::Good;
            let mark = |since: &mut Option<MediaTime>, holds: bool| {
                *since = if holds { since.or(Some(at)) } else { None };
            };
            mark(&mut self.good_since[rank], good);
            mark(&mut self.bad_since[rank], !good);
        }
        self.auto = self.best(at);
        let without = if self.rules.manual_falls_to_auto { View::of(self.auto) } else { View::Slate };
        match wanted {
            Wanted::Slate => View::Slate,
            Wanted::Auto => View::of(self.auto),
            Wanted::Rank(rank) if self.delivers(rank) => View::Source(rank),
            Wanted::Rank(_) | Wanted::Nobody => without,
            Wanted::Pair(first, second, shape) => match (self.delivers(first), self.delivers(second)) {
                (true, true) => View::Pair(first, second, shape),
                (true, false) => View::Source(first),
                (false, true) => View::Source(second),
                (false, false) => without,
            },
        }
    }

    fn best(&self, at: MediaTime) -> Option<usize> {
        let good = |rank: &usize| self.good_since[*rank].is_some();
        let Some(shown) = self.auto else { return self.least_bad() };
        if good(&shown) {
            let restored = |rank: &usize| self.good_since[*rank].is_some_and(|s| at.since(s) >= self.wait_to_restore);
            let better = if self.rules.revert_by_hand { None } else { (0..shown).find(restored) };
            return better.or(Some(shown));
        }
        let hold_off = Duration::from_millis(self.rules.hold_off_ms.into());
        let held = shown < self.staying && self.bad_since[shown].is_some_and(|since| at.since(since) < hold_off);
        if held { Some(shown) } else { self.kept(shown).or_else(|| self.least_bad()) }
    }

    /// Nothing is gained by leaving a bad source for one that is as bad.
    fn kept(&self, shown: usize) -> Option<usize> {
        let grade = self.grades[shown];
        let least = self.grades.iter().min().copied().unwrap_or(Grade::Lost);
        (grade.beats_slate() && grade <= least).then_some(shown)
    }

    fn least_bad(&self) -> Option<usize> {
        let candidates = (0..self.grades.len()).filter(|rank| self.grades[*rank].beats_slate());
        // The first of equals: by rank.
        candidates.min_by_key(|rank| self.grades[*rank])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Grade = Grade::Good;
    const LOST: Grade = Grade::Lost;
    const SIDE_BY_SIDE: Arrangement =
        Arrangement { layout: Layout::SideBySide, corner: Corner::TopLeft, size_percent: 30 };

    /// Plays `script`: (second, grades of the sources, what must be shown).
    fn play(rules: FailoverRules, wanted: Wanted, script: &[(u64, [Grade; 3], View)]) {
        let mut selector = Selector::new(3, Duration::from_secs(2), rules);
        for (second, grades, shown) in script {
            let chosen = selector.choose(MediaTime::from_secs(1000 + second), wanted, |rank| grades[rank]);
            assert_eq!(chosen, *shown, "at second {second}");
        }
    }

    #[test]
    fn the_best_healthy_source_is_shown_and_restored_after_waiting() {
        play(
            FailoverRules::default(),
            Wanted::Auto,
            &[
                (0, [LOST, LOST, LOST], View::Slate),
                (1, [LOST, GOOD, GOOD], View::Source(1)),
                (2, [GOOD, GOOD, GOOD], View::Source(1)),
                (3, [GOOD, GOOD, GOOD], View::Source(1)),
                (4, [GOOD, GOOD, GOOD], View::Source(0)),
                (5, [LOST, GOOD, GOOD], View::Source(1)),
                (6, [GOOD, GOOD, GOOD], View::Source(1)),
                (7, [LOST, GOOD, GOOD], View::Source(1)),
                (8, [GOOD, LOST, GOOD], View::Source(0)),
                (9, [LOST, LOST, LOST], View::Slate),
                (10, [LOST, LOST, GOOD], View::Source(2)),
            ],
        );
    }

    #[test]
    fn a_faulty_source_is_better_than_none_but_a_black_one_is_not() {
        play(
            FailoverRules::default(),
            Wanted::Auto,
            &[
                (0, [GOOD, LOST, LOST], View::Source(0)),
                (1, [Grade::Silent, LOST, LOST], View::Source(0)),
                (2, [Grade::Silent, Grade::Silent, LOST], View::Source(0)),
                (3, [Grade::Frozen, Grade::Silent, LOST], View::Source(1)),
                (4, [Grade::Black, Grade::Frozen, LOST], View::Source(1)),
                (5, [Grade::Black, Grade::Black, LOST], View::Slate),
                (6, [Grade::Black, Grade::Black, GOOD], View::Source(2)),
            ],
        );
    }

    #[test]
    fn the_program_holds_off_and_returns_by_hand_when_the_rules_say_so() {
        let rules = FailoverRules { hold_off_ms: 1500, revert_by_hand: true, ..FailoverRules::default() };
        play(
            rules,
            Wanted::Auto,
            &[
                (0, [GOOD, GOOD, LOST], View::Source(0)),
                (1, [LOST, GOOD, LOST], View::Source(0)),
                (2, [LOST, GOOD, LOST], View::Source(0)),
                (3, [LOST, GOOD, LOST], View::Source(1)),
                (9, [GOOD, GOOD, LOST], View::Source(1)),
                (30, [GOOD, GOOD, LOST], View::Source(1)),
            ],
        );
        let mut selector = Selector::new(2, Duration::from_secs(2), rules);
        let at = MediaTime::from_secs;
        selector.choose(at(1), Wanted::Auto, |rank| if rank == 1 { GOOD } else { LOST });
        assert_eq!(selector.choose(at(9), Wanted::Auto, |_| GOOD), View::Source(1));
        selector.release();
        assert_eq!(selector.choose(at(10), Wanted::Auto, |_| GOOD), View::Source(0));
    }

    #[test]
    fn an_ordered_source_wins_whatever_its_signal_and_gives_way_to_the_slate_or_to_auto() {
        let script = |without| {
            [
                (0, [GOOD, GOOD, GOOD], View::Source(1)),
                (1, [GOOD, Grade::Black, GOOD], View::Source(1)),
                (2, [GOOD, LOST, GOOD], without),
                (3, [GOOD, GOOD, GOOD], View::Source(1)),
            ]
        };
        play(FailoverRules::default(), Wanted::Rank(1), &script(View::Slate));
        let rules = FailoverRules { manual_falls_to_auto: true, ..FailoverRules::default() };
        play(rules, Wanted::Rank(1), &script(View::Source(0)));
    }

    #[test]
    fn of_a_pair_the_one_that_is_left_is_shown_alone() {
        play(
            FailoverRules::default(),
            Wanted::Pair(0, 2, SIDE_BY_SIDE),
            &[
                (0, [GOOD, GOOD, GOOD], View::Pair(0, 2, SIDE_BY_SIDE)),
                (1, [LOST, GOOD, GOOD], View::Source(2)),
                (2, [GOOD, GOOD, LOST], View::Source(0)),
                (3, [LOST, GOOD, LOST], View::Slate),
            ],
        );
    }

    #[test]
    fn an_ordered_slate_stays() {
        play(
            FailoverRules::default(),
            Wanted::Slate,
            &[(0, [GOOD, GOOD, GOOD], View::Slate), (9, [GOOD, GOOD, GOOD], View::Slate)],
        );
    }
}
