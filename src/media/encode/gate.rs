//! Where an encoder hands its chunks out, for as long as it is the one in charge.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::ledger::Ledger;
use super::output::Output;

/// One encoder's way out. Once shut, nothing more comes through, whatever threads of a hung driver still do.
pub(super) struct Gate {
    open: Mutex<bool>,
    ledger: Arc<Ledger>,
    /// Number after the last segment that is complete; 0 before the first.
    next: AtomicU64,
    /// Pictures that left the encoder.
    pub encoded: AtomicU64,
}

impl Gate {
    pub(super) fn new(ledger: &Arc<Ledger>) -> Arc<Self> {
        let (open, ledger) = (Mutex::new(true), Arc::clone(ledger));
        Arc::new(Self { open, ledger, next: AtomicU64::new(0), encoded: AtomicU64::new(0) })
    }

    /// Hands out; false once shut.
    pub(super) fn emit(&self, output: Output) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if *open {
            if let Output::Chunk(chunk) = &output
                && chunk.last
            {
                self.next.store(chunk.number + 1, Ordering::Relaxed);
            }
            match output {
                Output::Ended(rendition) => self.ledger.ended(&rendition),
                output => self.ledger.emit(output),
            }
        }
        *open
    }

    /// Shuts; what is on its way out has left when this returns.
    pub(super) fn shut(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    /// The first segment that is not complete yet; none before the first is.
    pub(super) fn next(&self) -> Option<u64> {
        Some(self.next.load(Ordering::Relaxed)).filter(|next| *next > 0)
    }
}
