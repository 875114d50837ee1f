//! The most that an upload takes of the line.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::model::BitRate;

/// Spreads what is sent, so that it takes no more than its share of the line.
pub(super) struct Pace {
    limit: Option<BitRate>,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    pub(super) fn new(limit: Option<BitRate>) -> Self {
        Self { limit: limit.filter(|limit| limit.bps() > 0), next: Mutex::default() }
    }

    /// Waits for the turn of so many bytes.
    pub(super) async fn take(&self, bytes: u64) {
        let Some(limit) = self.limit else { return };
        let lasts = Duration::from_secs_f64(bytes as f64 * 8.0 / limit.bps() as f64);
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = next.unwrap_or_else(Instant::now).max(Instant::now());
            *next = Some(turn + lasts);
            turn
        };
        sleep_until(turn).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_limit_spreads_what_is_sent() {
        let (pace, begun) = (Pace::new(Some(BitRate(8_000_000))), Instant::now());
        for _ in 0..5 {
            pace.take(1_000_000).await;
        }
        assert_eq!(begun.elapsed().as_secs(), 4);
        let free = Pace::new(None);
        free.take(u64::MAX).await;
        assert_eq!(begun.elapsed().as_secs(), 4);
    }
}
