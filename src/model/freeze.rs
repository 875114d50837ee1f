//! A freeze: for a show, nothing of the box, or of some of its channels, is changed until a time or until somebody ends it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::ChannelId;
use super::time::MediaTime;

/// The longest reason or name, characters.
pub const FREEZE_TEXT: usize = 200;

/// What is frozen, by whom, since when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Freeze {
    /// Since when.
    pub since: MediaTime,
    /// It ends then by itself; none if somebody has to end it.
    #[serde(default)]
    pub until: Option<MediaTime>,
    /// Who froze it, if that was said.
    #[serde(default)]
    pub by: Option<String>,
    /// Why, one line.
    pub reason: String,
    /// The channels that are frozen; the whole box if none is named.
    #[serde(default)]
    pub channels: Vec<ChannelId>,
}

impl Freeze {
    /// Whether its time is not up.
    pub fn lasts(&self, now: MediaTime) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether it covers something that touches these channels; what touches none is covered by a freeze of the whole box.
    pub fn covers(&self, touched: &[ChannelId]) -> bool {
        self.channels.is_empty() || touched.iter().any(|channel| self.channels.contains(channel))
    }
}

/// One sentence without its end: what is frozen, who did it, since when, until when and why.
impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.channels.as_slice() {
            [] => f.write_str("the box is frozen")?,
            [one] => write!(f, "channel `{one}` is frozen")?,
            several => {
                let names: Vec<String> = several.iter().map(|one| format!("`{one}`")).collect();
                write!(f, "channels {} are frozen", names.join(", "))?;
            }
        }
        if let Some(by) = &self.by {
            write!(f, " by {by}")?;
        }
        write!(f, " since {}", self.since)?;
        match self.until {
            Some(until) => write!(f, " until {until}")?,
            None => f.write_str(" until somebody ends it")?,
        }
        write!(f, ": {}", self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn freeze(channels: &[&str]) -> Freeze {
        let channels = channels.iter().map(|id| ChannelId::new(*id).unwrap()).collect();
        let (since, until) = (MediaTime::from_secs(1_790_000_000), None);
        Freeze { since, until, by: Some("ada".into()), reason: "Cup final".into(), channels }
    }

    #[test]
    fn a_freeze_of_channels_covers_what_touches_one_of_them() {
        let id = |text: &str| ChannelId::new(text).unwrap();
        assert!(freeze(&[]).covers(&[]) && freeze(&[]).covers(&[id("a")]));
        let some = freeze(&["a", "b"]);
        assert!(some.covers(&[id("c"), id("b")]));
        assert!(!some.covers(&[id("c")]) && !some.covers(&[]));
    }

    #[test]
    fn it_says_all_that_somebody_who_is_held_has_to_know() {
        let mut freeze = freeze(&["a"]);
        let said = "channel `a` is frozen by ada since 2026-09-21T14:13:20.000Z until somebody ends it: Cup final";
        assert_eq!(freeze.to_string(), said);
        freeze.until = Some(MediaTime::from_secs(1_790_000_060));
        freeze.channels.clear();
        assert!(
            freeze
                .to_string()
                .contains("the box is frozen by ada since 2026-09-21T14:13:20.000Z until 2026-09-21T14:14:20")
        );
        assert!(
            freeze.lasts(MediaTime::from_secs(1_790_000_059)) && !freeze.lasts(MediaTime::from_secs(1_790_000_060))
        );
    }
}
