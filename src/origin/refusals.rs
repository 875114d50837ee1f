//! One log line per kind of refusal and minute, with a count: a push with a wrong token retries for ever.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const QUIET: Duration = Duration::from_secs(60);
/// Whoever is refused may make up channels without end.
const MOST: usize = 64;

/// Channel and reason.
type Kind = (String, &'static str);

/// When each kind was logged last, and how often it has come since.
#[derive(Default)]
pub(crate) struct Refusals {
    seen: Mutex<HashMap<Kind, (Instant, u64)>>,
}

impl Refusals {
    /// How many refusals a log line written now stands for; `None` while one was written within the last minute.
    pub(crate) fn count(&self, channel: &str, reason: &'static str, now: Instant) -> Option<u64> {
        let mut seen = self.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if seen.len() >= MOST {
            seen.retain(|_, (logged, _)| now.duration_since(*logged) < QUIET);
        }
        let known = seen.contains_key(&(channel.to_owned(), reason));
        if !known && seen.len() >= MOST {
            return None;
        }
        match seen.get_mut(&(channel.to_owned(), reason)) {
            Some((logged, silent)) if now.duration_since(*logged) < QUIET => {
                *silent += 1;
                None
            }
            other => {
                let silent = other.map_or(0, |(_, silent)| *silent);
                seen.insert((channel.to_owned(), reason), (now, 0));
                Some(silent + 1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_counted_and_not_logged() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        assert_eq!(refusals.count("demo", "wrong-token", start), Some(1));
        assert_eq!(refusals.count("demo", "wrong-token", start + Duration::from_secs(1)), None);
        assert_eq!(refusals.count("demo", "wrong-token", start + Duration::from_secs(2)), None);
        assert_eq!(refusals.count("demo", "too-large", start), Some(1));
        assert_eq!(refusals.count("demo", "wrong-token", start + QUIET), Some(3));
    }

    #[test]
    fn made_up_channels_do_not_fill_the_memory() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        for index in 0..5000 {
            refusals.count(&index.to_string(), "no-token", start);
        }
        assert!(refusals.seen.lock().unwrap().len() <= MOST);
    }
}
