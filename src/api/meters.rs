//! The meters of all channels, collected and written once for all event streams that ask for them at the same rate.
//!
//! A task for each rate that somebody asks for; it ends when nobody listens any more. Who is behind sees the newest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::response::sse::Event;
use tokio::sync::broadcast::{self, error::TryRecvError};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::frame::{Frame, Meters};
use crate::model::{ChannelId, MediaTime, MeterReading};

/// Frames that a stream may be behind.
const BEHIND: usize = 2;

/// Readings as the workers send them.
type Heard = broadcast::Receiver<Arc<(ChannelId, MeterReading)>>;

/// See the module. Clones share the tasks.
#[derive(Debug, Clone, Default)]
pub(crate) struct MeterFrames(Arc<Mutex<BTreeMap<u8, broadcast::Sender<Event>>>>);

impl MeterFrames {
    /// `rate` frames a second, of what is `heard`; a second without readings has none.
    pub(crate) fn follow(
        &self,
        rate: u8,
        heard: impl FnOnce() -> Heard,
        closing: &CancellationToken,
    ) -> broadcast::Receiver<Event> {
        let mut rates = self.lock();
        if let Some(frames) = rates.get(&rate) {
            return frames.subscribe();
        }
        let (frames, receiver) = broadcast::channel(BEHIND);
        rates.insert(rate, frames.clone());
        let collecting = self.clone().collect(rate, heard(), frames);
        tokio::spawn(closing.clone().run_until_cancelled_owned(collecting));
        receiver
    }

    async fn collect(self, rate: u8, mut heard: Heard, frames: broadcast::Sender<Event>) {
        let mut every = interval(Duration::from_secs(1) / u32::from(rate.max(1)));
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            if self.is_over(rate, &frames) {
                return;
            }
            let channels = drain(&mut heard);
            if !channels.is_empty() {
                let frame = Frame::Meters(Meters { at: MediaTime::from_system(SystemTime::now()), channels });
                // Who has left meanwhile is seen with the next tick.
                let _ = frames.send(frame.sse());
            }
        }
    }

    /// Whether nobody listens; then nobody finds the task any more.
    fn is_over(&self, rate: u8, frames: &broadcast::Sender<Event>) -> bool {
        let mut rates = self.lock();
        let over = frames.receiver_count() == 0;
        if over {
            rates.remove(&rate);
        }
        over
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u8, broadcast::Sender<Event>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What meters show of the time since they were looked at last.
fn drain(heard: &mut Heard) -> BTreeMap<ChannelId, MeterReading> {
    let mut channels = BTreeMap::<ChannelId, MeterReading>::new();
    loop {
        match heard.try_recv() {
            Ok(reading) => {
                let (id, reading) = &*reading;
                channels
                    .entry(id.clone())
                    .and_modify(|held| held.take_over(reading))
                    .or_insert_with(|| reading.clone());
            }
            // Who is behind sees the newest.
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return channels,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_task_for_all_who_ask_for_the_same_rate_and_none_when_they_are_gone() {
        let (readings, _) = broadcast::channel(16);
        let (frames, closing) = (MeterFrames::default(), CancellationToken::new());
        let mut first = frames.follow(20, || readings.subscribe(), &closing);
        let mut second = frames.follow(20, || panic!("there is a task already"), &closing);
        readings.send(Arc::new(("a".parse().unwrap(), MeterReading::default()))).unwrap();
        let (one, other) = (first.recv().await.unwrap(), second.recv().await.unwrap());
        assert_eq!(format!("{one:?}"), format!("{other:?}"), "the same frame");
        drop((first, second));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(frames.lock().is_empty(), "nobody listens, nobody collects");
        assert_eq!(readings.receiver_count(), 0);
    }
}
