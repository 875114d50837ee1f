//! Where discontinuities are: at the same numbers in every rendition.
//!
//! The module's header of the spool says the rule; this is the table it fills.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::disk::write_atomic;
use super::error::{At, SpoolError};

/// File name of the table in the spool's directory.
pub(crate) const MARKS: &str = "discontinuities.json";

/// The numbers at which a run of the worker begins, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marks {
    /// The sequence below the first mark.
    base: u64,
    /// Where the sequence grows.
    marks: Vec<Mark>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// The first segment of the run.
    number: u64,
    /// The discontinuity sequence from there on.
    sequence: u64,
}

impl Marks {
    /// Reads the table of `directory`. None if there is none, or it makes no sense.
    pub(crate) fn read(directory: &Path) -> Result<Option<Self>, SpoolError> {
        let path = directory.join(MARKS);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.at(&path)?,
        };
        let marks: Option<Self> = serde_json::from_slice(&text).ok();
        Ok(marks.filter(Self::is_sound))
    }

    fn is_sound(&self) -> bool {
        let ascending = |a: &Mark, b: &Mark| a.number < b.number && a.sequence < b.sequence;
        self.marks.is_sorted_by(ascending) && self.marks.first().is_none_or(|mark| mark.sequence > self.base)
    }

    /// Makes the table anew from what segments carry, given as (number, sequence).
    pub(crate) fn rebuild(segments: impl Iterator<Item = (u64, u64)>) -> Self {
        let mut seen: Vec<Mark> = segments.map(|(number, sequence)| Mark { number, sequence }).collect();
        seen.sort_unstable_by_key(|mark| (mark.sequence, mark.number));
        seen.dedup_by_key(|mark| mark.sequence);
        let base = seen.first().map_or(0, |mark| mark.sequence);
        Self { base, marks: seen.into_iter().skip(1).collect() }
    }

    /// Writes the table to `directory`.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), SpoolError> {
        let path = directory.join(MARKS);
        let text = serde_json::to_vec(self).map_err(io::Error::from).at(&path)?;
        write_atomic(&path, &text)
    }

    /// The discontinuity sequence of segment `number`, in whichever rendition.
    pub(crate) fn sequence_of(&self, number: u64) -> u64 {
        match self.marks.partition_point(|mark| mark.number <= number) {
            0 => self.base,
            reached => self.marks[reached - 1].sequence,
        }
    }

    /// The newest mark.
    pub(crate) fn last(&self) -> Option<u64> {
        self.marks.last().map(|mark| mark.number)
    }

    /// Takes the marks beyond `latest` back to it. The sequence keeps what it has counted.
    pub(crate) fn take_back(&mut self, latest: u64) {
        let sequence = self.sequence_of(u64::MAX);
        if self.last().is_some_and(|last| last > latest) {
            self.marks.retain(|mark| mark.number < latest);
            self.marks.push(Mark { number: latest, sequence });
        }
    }

    /// Adds a mark, which is above all others, and forgets those that only numbers below `oldest` need.
    pub(crate) fn add(&mut self, number: u64, oldest: u64) {
        self.marks.push(Mark { number, sequence: self.sequence_of(u64::MAX) + 1 });
        let gone = self.marks.partition_point(|mark| mark.number < oldest);
        self.base = self.marks[..gone].last().map_or(self.base, |mark| mark.sequence);
        self.marks.drain(..gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_counts_marks_even_those_forgotten() {
        let mut marks = Marks::default();
        for mark in [10, 20, 30] {
            marks.add(mark, 0);
        }
        let counted = |marks: &Marks| [25, 29, 30, 99].map(|number| marks.sequence_of(number));
        assert_eq!([9, 10, 19].map(|number| marks.sequence_of(number)), [0, 1, 1]);
        assert_eq!(counted(&marks), [2, 2, 3, 3]);
        let mut pruned = marks.clone();
        pruned.add(200, 25);
        assert_eq!(pruned.marks.len(), 2);
        assert_eq!(counted(&pruned), counted(&marks));
        assert_eq!(pruned.sequence_of(200), 4);
    }

    #[test]
    fn marks_of_a_wrong_clock_are_taken_back() {
        let mut marks = Marks::default();
        for mark in [10, 20, 900, 950] {
            marks.add(mark, 0);
        }
        marks.take_back(30);
        assert_eq!([19, 29, 30, 999].map(|number| marks.sequence_of(number)), [1, 2, 4, 4]);
        assert!(marks.is_sound());
    }

    #[test]
    fn the_table_can_be_told_from_the_segments() {
        let segments = [(10, 3), (11, 3), (14, 5), (12, 3), (15, 5), (14, 5)];
        let marks = Marks::rebuild(segments.into_iter());
        assert_eq!([9, 13, 14, 99].map(|number| marks.sequence_of(number)), [3, 3, 5, 5]);
    }

    #[test]
    fn a_damaged_table_is_none() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Marks::read(directory.path()).unwrap(), None);
        let mut marks = Marks { base: 7, marks: vec![] };
        marks.add(5, 0);
        marks.write(directory.path()).unwrap();
        assert_eq!(Marks::read(directory.path()).unwrap(), Some(marks));
        for bad in ["", "{", r#"{"base":1,"marks":[{"number":5,"sequence":1}]}"#] {
            fs::write(directory.path().join(MARKS), bad).unwrap();
            assert_eq!(Marks::read(directory.path()).unwrap(), None, "{bad}");
        }
    }
}
