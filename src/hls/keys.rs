//! Encryption in a media playlist (EXT-X-KEY, rfc8216bis 4.4.4.4).

use std::collections::BTreeMap;
use std::fmt;

/// What stands before segments that are not encrypted, where others before them are.
const NONE: &str = "#EXT-X-KEY:METHOD=NONE";

/// Which key tags hold for which segments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// By the first number that they hold for: the last one, and the tags.
    periods: BTreeMap<u64, (u64, Vec<String>)>,
    /// Segments are encrypted as wholes, and initialisations are not: a tag in front of an EXT-X-MAP would hold for what
    /// it names.
    whole: bool,
}

impl Keys {
    /// Of nothing yet; `whole` if segments are encrypted as wholes (AES-128).
    pub fn new(whole: bool) -> Self {
        Self { periods: BTreeMap::new(), whole }
    }

    /// `tags` hold for the segments from `first` to `last`.
    pub fn add(&mut self, first: u64, last: u64, tags: Vec<String>) {
        self.periods.insert(first, (last, tags));
    }

    /// The tags that hold for segment `number`; none if they are not known.
    pub fn at(&self, number: u64) -> Option<&[String]> {
        let (_, (last, tags)) = self.periods.range(..=number).next_back()?;
        (number <= *last).then_some(tags.as_slice())
    }
}

/// Writes key tags where they change, and EXT-X-MAP where it belongs among them.
#[derive(Debug, Default)]
pub(super) struct KeyWriter<'a> {
    in_force: Option<&'a [String]>,
}

impl<'a> KeyWriter<'a> {
    /// What stands before segment `number`: with `map`, if it needs one.
    pub(super) fn write(
        &mut self,
        f: &mut fmt::Formatter<'_>,
        keys: Option<&'a Keys>,
        number: u64,
        map: Option<&str>,
    ) -> fmt::Result {
        let wanted = keys.and_then(|keys| keys.at(number));
        let whole = keys.is_some_and(|keys| keys.whole);
        if let Some(map) = map.filter(|_| whole) {
            self.enforce(f, None)?;
            writeln!(f, "{map}")?;
        }
        self.enforce(f, wanted)?;
        match map.filter(|_| !whole) {
            Some(map) => writeln!(f, "{map}"),
            None => Ok(()),
        }
    }

    fn enforce(&mut self, f: &mut fmt::Formatter<'_>, wanted: Option<&'a [String]>) -> fmt::Result {
        if wanted == self.in_force {
            return Ok(());
        }
        self.in_force = wanted;
        let Some(tags) = wanted else { return writeln!(f, "{NONE}") };
        tags.iter().try_for_each(|tag| writeln!(f, "{tag}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_hold_for_their_numbers_only() {
        let mut keys = Keys::new(true);
        keys.add(10, 19, vec!["a".to_owned()]);
        keys.add(30, 39, vec!["b".to_owned()]);
        let at = |number| keys.at(number).map(|tags| tags[0].as_str());
        assert_eq!([9, 10, 19, 20, 30, 40].map(at), [None, Some("a"), Some("a"), None, Some("b"), None]);
    }
}
