//! How often pictures come, by their stamps. A camera with five pictures a second is not lost between two of them.

use std::time::Duration;

/// The last so many distances; their median counts, so that one that is missing is no change of rate.
const REMEMBERED: usize = 5;
/// Nobody waits longer, however slow a source says it is.
const LONGEST: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(super) struct Cadence {
    last: Option<i64>,
    distances: [i64; REMEMBERED],
    count: usize,
}

impl Cadence {
    /// A picture with `stamp` (nanoseconds) came.
    pub(super) fn note(&mut self, stamp: i64) {
        let distance = self.last.replace(stamp).map(|last| stamp - last);
        if let Some(distance) = distance.filter(|distance| *distance > 0) {
            self.distances[self.count % REMEMBERED] = distance;
            self.count += 1;
        }
    }

    /// `loss`, or two and a quarter pictures if they take longer.
    pub(super) fn patience(&self, loss: Duration) -> Duration {
        if self.count < REMEMBERED {
            return loss;
        }
        let mut sorted = self.distances;
        sorted.sort_unstable();
        let two = Duration::from_nanos(sorted[REMEMBERED / 2] as u64 * 9 / 4);
        loss.max(two.min(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOSS: Duration = Duration::from_millis(250);

    fn after(stamps: impl IntoIterator<Item = i64>) -> Duration {
        let mut cadence = Cadence::default();
        stamps.into_iter().for_each(|millis| cadence.note(millis * 1_000_000));
        cadence.patience(LOSS)
    }

    #[test]
    fn a_slow_camera_is_given_two_pictures() {
        assert_eq!(after((0..20).map(|n| n * 40)), LOSS);
        assert_eq!(after((0..20).map(|n| n * 200)), Duration::from_millis(450));
        assert_eq!(after((0..20).map(|n| n * 10_000)), LONGEST);
    }

    #[test]
    fn missing_pictures_and_leaps_are_no_slow_camera() {
        assert_eq!(after([0, 40, 80, 900, 940, 980]), LOSS);
        assert_eq!(after([5000, 5040, 5080, 0, 40, 80, 120]), LOSS);
        assert_eq!(after([0, 200]), LOSS, "two pictures are no cadence");
    }
}
