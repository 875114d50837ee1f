//! What the outside asks of this process by signal.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Lets SIGSEGV and SIGBUS end this process at once. The standard library answers them first, to tell a stack overflow;
/// it swallows the first one that was sent by another process instead of raised by a fault.
pub fn die_of_faults() {
    use nix::sys::signal::{SigHandler, Signal, signal};
    for fault in [Signal::SIGSEGV, Signal::SIGBUS] {
        #[allow(unsafe_code, reason = "changing a signal's action has no safe wrapper")]
        // SAFETY: the default action runs no code of ours, so there is none that could be unsafe in a signal handler.
        let result = unsafe { signal(fault, SigHandler::SigDfl) };
        if let Err(error) = result {
            tracing::warn!(%error, "{fault} keeps its handler");
        }
    }
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// End in order (SIGINT, SIGTERM).
    Stop,
    /// Read the configuration again (SIGHUP).
    Reload,
}

/// The signals this process answers to.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Takes over SIGINT, SIGTERM and SIGHUP from now on.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next one; safe to cancel.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.hang_up.recv() => Asked::Reload,
        }
    }
}
