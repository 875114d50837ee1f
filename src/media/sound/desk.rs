//! Where operators reach the sound of a program that runs: what they set goes down, what is measured comes up.
//!
//! The program's thread looks here once per tick; both sides hold the lock for microseconds.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::model::MediaTime;
use crate::model::sound::{LiveSound, Loudness, SoundState};

/// Tells when something was carried out: the time of the first sound that has it.
pub type Settled = oneshot::Receiver<MediaTime>;

/// What was asked since the last tick.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) sound: Option<LiveSound>,
    pub(crate) restart: bool,
    waiting: Vec<oneshot::Sender<MediaTime>>,
}

impl Asked {
    /// It is carried out from `at` on.
    pub(crate) fn settle(self, at: MediaTime) {
        for waiting in self.waiting {
            // Whoever asked may have gone.
            let _ = waiting.send(at);
        }
    }
}

/// What was measured last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Readings {
    pub(crate) loudness: Vec<Loudness>,
    pub(crate) states: Vec<SoundState>,
}

/// The desk of one program.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    asked: Mutex<Option<Asked>>,
    readings: Mutex<Readings>,
}

impl Desk {
    /// Other settings, from the next tick on.
    pub(crate) fn set(&self, sound: LiveSound) -> Settled {
        self.ask(|asked| asked.sound = Some(sound))
    }

    /// Integrated loudness, LRA and true peaks anew, from the next tick on.
    pub(crate) fn restart_loudness(&self) -> Settled {
        self.ask(|asked| asked.restart = true)
    }

    fn ask(&self, what: impl FnOnce(&mut Asked)) -> Settled {
        let (told, settled) = oneshot::channel();
        let mut asked = lock(&self.asked);
        let asked = asked.get_or_insert_default();
        what(asked);
        asked.waiting.push(told);
        settled
    }

    /// What was asked since this was called last.
    pub(crate) fn take(&self) -> Option<Asked> {
        lock(&self.asked).take()
    }

    pub(crate) fn publish(&self, readings: Readings) {
        *lock(&self.readings) = readings;
    }

    /// What was measured last.
    pub(crate) fn readings(&self) -> Readings {
        lock(&self.readings).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
