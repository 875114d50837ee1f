//! A set of segment numbers, kept as ranges: numbers are consecutive, so a day of them is one pair.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Numbers as ranges that neither touch nor overlap. Written as `[[first, last], …]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub(crate) struct Ranges {
    /// First → last, both inclusive.
    by_first: BTreeMap<u64, u64>,
}

impl Ranges {
    /// Whether `number` is in it.
    pub(crate) fn contains(&self, number: u64) -> bool {
        self.by_first.range(..=number).next_back().is_some_and(|(_, last)| *last >= number)
    }

    /// The lowest number.
    pub(crate) fn first(&self) -> Option<u64> {
        self.by_first.first_key_value().map(|(first, _)| *first)
    }

    /// Adds `number`.
    pub(crate) fn insert(&mut self, number: u64) {
        self.insert_range(number, number);
    }

    /// Takes `number` out.
    pub(crate) fn remove(&mut self, number: u64) {
        let Some((&first, &last)) = self.by_first.range(..=number).next_back().filter(|(_, last)| **last >= number)
        else {
            return;
        };
        self.by_first.remove(&first);
        if first < number {
            self.by_first.insert(first, number - 1);
        }
        if number < last {
            self.by_first.insert(number + 1, last);
        }
    }

    /// Forgets everything below `number`.
    pub(crate) fn forget_below(&mut self, number: u64) {
        while let Some(entry) = self.by_first.first_entry().filter(|entry| *entry.key() < number) {
            let last = entry.remove();
            if last >= number {
                self.by_first.insert(number, last);
            }
        }
    }

    /// Adds `first..=last`, joining what touches it.
    fn insert_range(&mut self, mut first: u64, mut last: u64) {
        if first > last {
            return;
        }
        let reach = last.saturating_add(1);
        while let Some((&other_first, &other_last)) =
            self.by_first.range(..=reach).next_back().filter(|(_, end)| end.saturating_add(1) >= first)
        {
            self.by_first.remove(&other_first);
            first = first.min(other_first);
            last = last.max(other_last);
        }
        self.by_first.insert(first, last);
    }
}

impl From<Vec<(u64, u64)>> for Ranges {
    fn from(pairs: Vec<(u64, u64)>) -> Self {
        let mut ranges = Self::default();
        for (first, last) in pairs {
            ranges.insert_range(first, last);
        }
        ranges
    }
}

impl From<Ranges> for Vec<(u64, u64)> {
    fn from(ranges: Ranges) -> Self {
        ranges.by_first.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn neighbours_become_one_range() {
        let mut ranges = Ranges::default();
        for number in [5, 7, 6, 9] {
            ranges.insert(number);
        }
        assert_eq!(serde_json::to_string(&ranges).unwrap(), "[[5,7],[9,9]]");
        ranges.remove(6);
        assert_eq!(serde_json::to_string(&ranges).unwrap(), "[[5,5],[7,7],[9,9]]");
    }

    #[test]
    fn odd_files_are_read_without_harm() {
        let ranges: Ranges = serde_json::from_str("[[9,3],[0,18446744073709551615],[4,5]]").unwrap();
        assert!(ranges.contains(u64::MAX) && ranges.contains(0));
    }

    proptest! {
        #[test]
        fn behaves_as_a_set(steps in prop::collection::vec((0u8..3, 0u64..40), 0..200)) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for (step, number) in steps {
                match step {
                    0 => { ranges.insert(number); set.insert(number); }
                    1 => { ranges.remove(number); set.remove(&number); }
                    _ => { ranges.forget_below(number / 4); set = set.split_off(&(number / 4)); }
                }
                for number in 0..40 {
                    prop_assert_eq!(ranges.contains(number), set.contains(&number));
                }
                let pairs: Vec<(u64, u64)> = ranges.clone().into();
                prop_assert!(pairs.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
            }
        }
    }
}
