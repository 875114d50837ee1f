//! Where a box goes on with playlists that another one told. Pure.
//!
//! ```text
//!   told by the other            this box
//! … 17 18 19 20            ┊  (18 19 20) 21 22 23 …       seam: 21, the same in all renditions
//!                          ┊
//! numbers below the seam are told as they were told; from the seam on by what this box has
//! ```
//!
//! - A rendition of which the other told less is made up for from here. A gap of the other's is filled from here where
//!   both encode alike.
//! - EXT-X-DISCONTINUITY stands before the seam, in all renditions, if one of them has another initialisation here: with
//!   equal ones a decoder goes on from one box's segment to the other's as from one segment to the next.
//! - The discontinuity sequence goes on from what was told; what this box counts by itself is added to that.
//! - A box that goes on after itself (its process was replaced) tells where its own encoders began, as it would alone.

use crate::hls::{MediaSegment, ToldPlaylist};

/// One rendition, as it is told from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Joint {
    told: Vec<MediaSegment>,
    /// Players know something of the numbers below this one.
    reach: u64,
    seam: u64,
    /// The discontinuity sequence at the seam: as this box counts, and as it is told.
    own: u64,
    there: u64,
    /// The initialisations differ.
    differs: bool,
}

/// What all renditions have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seam {
    /// The first number that this box tells.
    pub(crate) number: u64,
    own: u64,
    there: u64,
    /// Whether a discontinuity stands there.
    pub(crate) differs: bool,
}

/// A rendition at the moment it is taken over.
pub(crate) struct Side<'a> {
    /// What players were told; none if nothing.
    pub(crate) told: Option<&'a ToldPlaylist>,
    /// What this box has, ascending: number, discontinuity sequence, initialisation.
    pub(crate) own: Vec<(u64, u64, &'a str)>,
}

impl Seam {
    /// Where the renditions are joined; none if nothing was told. `same_box`: the one before was this box, too.
    pub(crate) fn find(sides: &[Side<'_>], same_box: bool) -> Option<Self> {
        let told = || sides.iter().filter_map(|side| side.told);
        let number = told().map(ToldPlaylist::last).max()? + 1;
        let last = told().filter_map(|told| told.entries.last()).map(|entry| entry.discontinuity_sequence).max()?;
        let own = || sides.iter().flat_map(|side| side.own.iter());
        // The sequence is a matter of the number alone, whichever rendition tells it.
        let at = |number: u64| own().filter(|(n, ..)| *n <= number).map(|(_, sequence, _)| *sequence).max();
        let first = || own().map(|(_, sequence, _)| *sequence).min();
        let differs = sides.iter().any(Side::differs);
        Some(match at(number - 1).filter(|_| same_box) {
            Some(own) => Self { number, own, there: last, differs: false },
            None => {
                let differs = differs || same_box;
                let own = at(number).or_else(first).unwrap_or(0);
                Self { number, own, there: last + u64::from(differs), differs }
            }
        })
    }

    /// The joint of a rendition.
    pub(crate) fn joint(&self, told: Option<&ToldPlaylist>) -> Joint {
        let reach = told.map_or(0, |told| told.last() + 1);
        let told = told.map(|told| told.entries.clone()).unwrap_or_default();
        Joint { told, reach, seam: self.number, own: self.own, there: self.there, differs: self.differs }
    }
}

impl Side<'_> {
    /// Whether this box goes on with another initialisation.
    fn differs(&self) -> bool {
        let Some(told) = self.told else { return false };
        let next = self.own.iter().find(|(number, ..)| *number > told.last()).or(self.own.last());
        next.is_some_and(|(_, _, init)| *init != told.init())
    }
}

impl Joint {
    /// No playlist may end before this number.
    pub(crate) fn reach(&self) -> u64 {
        self.reach
    }

    /// The same for a rendition of which players have heard nothing.
    pub(crate) fn bare(&self) -> Self {
        Self { told: Vec::new(), reach: 0, ..self.clone() }
    }

    /// Whether segment `number` was made by two boxes alike, or is not for players any more: if it is there, then it
    /// need not be replaced.
    pub(crate) fn keeps(&self, number: u64, shared: bool) -> bool {
        shared && !self.differs || self.told.first().is_some_and(|first| number < first.number)
    }

    /// What a playlist lists, given what this box has of the same numbers, ascending.
    pub(crate) fn merge(&self, own: Vec<MediaSegment>, oldest: u64) -> Vec<MediaSegment> {
        let told = self.told.iter().filter(|entry| entry.number >= oldest);
        let mut merged: Vec<MediaSegment> = told.map(|entry| self.fill(entry, &own)).collect();
        let after = self.told.last().map_or(self.seam, |last| last.number + 1);
        let last = self.told.last().map_or(self.there, |last| last.discontinuity_sequence);
        for segment in own.into_iter().filter(|segment| segment.number >= after) {
            let before = merged.last().map(|before| before.discontinuity_sequence);
            merged.push(self.translate(segment, before, last));
        }
        merged
    }

    /// A segment of this box as it is told behind one with the sequence `before`.
    pub(crate) fn open(&self, segment: MediaSegment, before: Option<u64>) -> MediaSegment {
        let last = self.told.last().map_or(self.there, |last| last.discontinuity_sequence);
        self.translate(segment, before, last)
    }

    fn translate(&self, segment: MediaSegment, before: Option<u64>, last: u64) -> MediaSegment {
        // Made up for a rendition of which less was told.
        let sequence = match segment.number < self.seam {
            true => last,
            false => self.there + segment.discontinuity_sequence.saturating_sub(self.own),
        };
        let discontinuity = match before {
            Some(before) => before < sequence,
            // What stands before it has left the playlist.
            None if segment.number == self.seam => last < sequence,
            None => segment.discontinuity && segment.number > self.seam,
        };
        MediaSegment { discontinuity, discontinuity_sequence: sequence, ..segment }
    }

    /// An entry that was told, with what this box has for a gap.
    fn fill(&self, told: &MediaSegment, own: &[MediaSegment]) -> MediaSegment {
        let here = || own.iter().find(|segment| segment.number == told.number && segment.init == told.init);
        match told.gap.then(here).flatten() {
            Some(here) => MediaSegment {
                discontinuity: told.discontinuity,
                discontinuity_sequence: told.discontinuity_sequence,
                ..here.clone()
            },
            None => told.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SegmentGrid;
    use proptest::prelude::*;

    fn segment(number: u64, sequence: u64, discontinuity: bool, init: &str) -> MediaSegment {
        let grid = SegmentGrid::new(2000).unwrap();
        MediaSegment {
            number,
            start: grid.start_of(number),
            duration: grid.duration(),
            init: init.to_owned(),
            discontinuity,
            discontinuity_sequence: sequence,
            gap: false,
        }
    }

    fn told(numbers: std::ops::RangeInclusive<u64>, sequence: u64, init: &str) -> ToldPlaylist {
        ToldPlaylist { entries: numbers.map(|n| segment(n, sequence, false, init)).collect(), open: false }
    }

    fn own(numbers: std::ops::RangeInclusive<u64>, sequence: u64, init: &str) -> Vec<MediaSegment> {
        numbers.map(|n| segment(n, sequence, false, init)).collect()
    }

    fn side<'a>(told: Option<&'a ToldPlaylist>, own: &'a [MediaSegment]) -> Side<'a> {
        let own = own.iter().map(|s| (s.number, s.discontinuity_sequence, s.init.as_str())).collect();
        Side { told, own }
    }

    /// Number, sequence and tag of each entry.
    fn shown(entries: &[MediaSegment]) -> Vec<(u64, u64, bool)> {
        entries.iter().map(|e| (e.number, e.discontinuity_sequence, e.discontinuity)).collect()
    }

    #[test]
    fn equal_encoders_are_joined_without_a_word() {
        let (there, here) = (told(10..=15, 3, "i"), own(8..=18, 7, "i"));
        let seam = Seam::find(&[side(Some(&there), &here)], false).unwrap();
        let merged = seam.joint(Some(&there)).merge(here, 12);
        assert_eq!(shown(&merged), (12..=18).map(|n| (n, 3, false)).collect::<Vec<_>>());
    }

    #[test]
    fn another_initialisation_is_a_discontinuity_in_all_renditions_at_one_number() {
        let (video, sound) = (told(10..=15, 3, "v1"), told(10..=14, 3, "a"));
        let (own_video, own_sound) = (own(8..=17, 7, "v2"), own(8..=17, 7, "a"));
        let sides = [side(Some(&video), &own_video), side(Some(&sound), &own_sound)];
        let seam = Seam::find(&sides, false).unwrap();
        assert_eq!((seam.number, seam.differs), (16, true));
        for (told, own) in [(&video, own_video), (&sound, own_sound)] {
            let merged = seam.joint(Some(told)).merge(own, 13);
            assert_eq!(shown(&merged), [(13, 3, false), (14, 3, false), (15, 3, false), (16, 4, true), (17, 4, false)]);
        }
    }

    #[test]
    fn own_restarts_go_on_counting_behind_the_seam() {
        let there = told(10..=15, 3, "i");
        let mut here = own(8..=17, 7, "i");
        here.extend([segment(18, 8, true, "i"), segment(19, 8, false, "i")]);
        let seam = Seam::find(&[side(Some(&there), &here)], false).unwrap();
        let merged = seam.joint(Some(&there)).merge(here, 16);
        assert_eq!(shown(&merged), [(16, 3, false), (17, 3, false), (18, 4, true), (19, 4, false)]);
    }

    #[test]
    fn a_box_that_follows_itself_tells_of_its_new_encoders() {
        let there = told(10..=15, 3, "i");
        let mut here = own(8..=15, 7, "i");
        here.extend([segment(16, 8, true, "i"), segment(17, 8, false, "i")]);
        let seam = Seam::find(&[side(Some(&there), &here)], true).unwrap();
        assert_eq!(shown(&seam.joint(Some(&there)).merge(here, 15)), [(15, 3, false), (16, 4, true), (17, 4, false)]);
        // One that has lost its disk knows nothing of its encoders before.
        let here = own(16..=17, 0, "i");
        let seam = Seam::find(&[side(Some(&there), &here)], true).unwrap();
        assert_eq!(shown(&seam.joint(Some(&there)).merge(here, 15)), [(15, 3, false), (16, 4, true), (17, 4, false)]);
    }

    #[test]
    fn a_gap_is_filled_where_both_encode_alike() {
        let mut there = told(10..=13, 3, "i");
        there.entries[1].gap = true;
        there.entries[2].gap = true;
        let mut here = own(10..=14, 7, "i");
        here[2].init = "other".to_owned();
        let seam = Seam::find(&[side(Some(&there), &here)], false).unwrap();
        let merged = seam.joint(Some(&there)).merge(here, 10);
        assert_eq!(merged.iter().map(|entry| entry.gap).collect::<Vec<_>>(), [false, false, true, false, false]);
    }

    #[test]
    fn parts_that_were_told_are_behind_the_seam() {
        let there = ToldPlaylist { open: true, ..told(10..=15, 0, "i") };
        let here = own(10..=17, 0, "other");
        let seam = Seam::find(&[side(Some(&there), &here)], false).unwrap();
        let merged = seam.joint(Some(&there)).merge(here, 15);
        assert_eq!(shown(&merged), [(15, 0, false), (16, 0, false), (17, 1, true)]);
    }

    #[test]
    fn nothing_told_is_nothing_to_join() {
        assert_eq!(Seam::find(&[side(None, &own(1..=2, 0, "i"))], false), None);
    }

    proptest! {
        /// However much each rendition was told, tags and counts stay expressible, and nothing told is taken back.
        #[test]
        fn what_was_told_stays_and_counts_go_on(
            lasts in prop::collection::vec(12u64..18, 2..4),
            sequence in 0u64..5,
            base in 0u64..5,
            mark in 10u64..24,
            differs: bool,
            same_box: bool,
        ) {
            let there: Vec<ToldPlaylist> = lasts.iter().map(|last| told(10..=*last, sequence, "i")).collect();
            let init = if differs { "j" } else { "i" };
            let here: Vec<MediaSegment> =
                (8..=24).map(|n| segment(n, base + u64::from(n >= mark), n == mark, init)).collect();
            let sides: Vec<Side<'_>> = there.iter().map(|told| side(Some(told), &here)).collect();
            let seam = Seam::find(&sides, same_box).unwrap();
            prop_assert!(lasts.iter().all(|last| seam.number > *last));
            let mut ends = Vec::new();
            for told in &there {
                let merged = seam.joint(Some(told)).merge(here.clone(), 10);
                prop_assert_eq!(&merged[..told.entries.len()], &told.entries[..]);
                prop_assert!(merged.windows(2).all(|pair| pair[0].number + 1 == pair[1].number));
                for pair in merged.windows(2) {
                    let step = u64::from(pair[1].discontinuity);
                    prop_assert_eq!(pair[0].discontinuity_sequence + step, pair[1].discontinuity_sequence);
                }
                for oldest in 11..=24 {
                    let later = seam.joint(Some(told)).merge(here[(oldest - 8) as usize..].to_vec(), oldest);
                    prop_assert_eq!(shown(&later), shown(&merged[(oldest - 10) as usize..]));
                }
                ends.push(shown(&merged[(seam.number - 10) as usize..]));
            }
            prop_assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "all renditions alike: {:?}", ends);
        }
    }
}
