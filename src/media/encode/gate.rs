//! Where an encoder hands its chunks out, for as long as it is the one in charge.
//!
//! ```text
//! held ──release──▶ open ──shut──▶ shut
//! ```

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ledger::{Ledger, Tally};
use super::output::Output;

/// One encoder's way out. Once shut, nothing more comes through, whatever threads of a hung driver still do.
pub(super) struct Gate {
    state: Mutex<State>,
    ledger: Arc<Ledger>,
    tally: Arc<Tally>,
    /// Number after the last segment that is complete; 0 before the first.
    next: AtomicU64,
    /// Pictures that left the encoder.
    pub encoded: AtomicU64,
}

enum State {
    Open,
    /// Another encoder of the rendition has not said its last yet.
    Held(Vec<Output>),
    Shut,
}

impl Gate {
    pub(super) fn new(ledger: &Arc<Ledger>, tally: &Arc<Tally>) -> Arc<Self> {
        let (state, ledger, tally) = (Mutex::new(State::Open), Arc::clone(ledger), Arc::clone(tally));
        Arc::new(Self { state, ledger, tally, next: AtomicU64::new(0), encoded: AtomicU64::new(0) })
    }

    /// Hands out; false once shut.
    pub(super) fn emit(&self, output: Output) -> bool {
        let mut state = self.lock();
        match &mut *state {
            State::Shut => return false,
            State::Held(waiting) => waiting.push(output),
            State::Open => self.hand_out(output),
        }
        true
    }

    fn hand_out(&self, output: Output) {
        if let Output::Chunk(chunk) = &output
            && chunk.last
        {
            self.next.store(chunk.number + 1, Ordering::Relaxed);
        }
        match output {
            Output::Ended(_) => self.ledger.ended(&self.tally),
            output => self.ledger.emit(output),
        }
    }

    /// Keeps back what comes, until [`Gate::release`].
    pub(super) fn hold(&self) {
        *self.lock() = State::Held(Vec::new());
    }

    /// Hands out what was kept back, and what comes.
    pub(super) fn release(&self) {
        let mut state = self.lock();
        if let State::Held(waiting) = &mut *state {
            let waiting = std::mem::take(waiting);
            *state = State::Open;
            waiting.into_iter().for_each(|output| self.hand_out(output));
        }
    }

    /// Shuts; what is on its way out has left when this returns.
    pub(super) fn shut(&self) {
        *self.lock() = State::Shut;
    }

    /// The first segment that is not complete yet; none before the first is.
    pub(super) fn next(&self) -> Option<u64> {
        Some(self.next.load(Ordering::Relaxed)).filter(|next| *next > 0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
