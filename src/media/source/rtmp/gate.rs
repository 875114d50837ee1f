//! The gate of one source: who may publish, and who does.
//!
//! ```text
//! closed ──connection opens──▶ open ──key, place──▶ taken ──leaves, silent, replaced──▶ closed
//! ```

use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;

use super::super::branch::Branches;
use super::super::status::Condition;
use super::keys::StreamKeys;
use super::tracks::Tracks;

/// Longest wait of an admitted publisher for the pipeline to be there, or for the one it replaces to be gone.
const PLACE: Duration = Duration::from_secs(3);

/// Why a publisher is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Another one delivers.
    Taken,
    /// The source is not ready for it.
    NotReady,
}

/// What one connection of the source takes in.
pub(in crate::media::source) struct Inlet {
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    branches: Branches,
    flow: Mutex<Flow>,
}

#[derive(Default)]
struct Flow {
    came: Option<Instant>,
    /// When something that can be shown came last.
    last: Option<Instant>,
    end: Option<String>,
}

impl Inlet {
    fn flow(&self) -> MutexGuard<'_, Flow> {
        self.flow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a publisher has been there.
    pub(in crate::media::source) fn age(&self) -> Option<Duration> {
        self.flow().came.map(|came| came.elapsed())
    }

    /// Why nothing more will come; none while something may.
    pub(in crate::media::source) fn end(&self) -> Option<String> {
        self.flow().end.clone()
    }

    fn silent(&self) -> Duration {
        let flow = self.flow();
        flow.last.or(flow.came).map_or(Duration::ZERO, |last| last.elapsed())
    }

    pub(super) fn touch(&self) {
        self.flow().last = Some(Instant::now());
    }

    pub(super) fn finish(&self, reason: &str) {
        self.flow().end.get_or_insert_with(|| reason.to_owned());
    }
}

struct Publisher {
    number: u64,
    socket: TcpStream,
    inlet: Arc<Inlet>,
}

#[derive(Default)]
struct State {
    /// The connection that waits for a publisher.
    open: Option<Arc<Inlet>>,
    publisher: Option<Publisher>,
    count: u64,
}

pub(super) struct Gate {
    app: String,
    keys: Arc<StreamKeys>,
    replace: bool,
    loss: Duration,
    condition: Arc<Condition>,
    state: Mutex<State>,
    changed: Condvar,
}

impl Gate {
    pub(super) fn new(
        app: String,
        keys: Arc<StreamKeys>,
        replace: bool,
        loss: Duration,
        condition: Arc<Condition>,
    ) -> Self {
        Self { app, keys, replace, loss, condition, state: Mutex::default(), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn app(&self) -> &str {
        &self.app
    }

    pub(super) fn keys(&self) -> Arc<StreamKeys> {
        Arc::clone(&self.keys)
    }

    /// Whether `key` admits.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.keys.fits(key)
    }

    /// Somebody was turned away; the technician wants to know whom and why.
    pub(super) fn tell_refused(&self, peer: IpAddr, why: &str) {
        self.condition.refused(Some(&peer.to_string()), why);
    }

    /// A new connection: whoever published into the old one is cut off.
    pub(super) fn open(&self, pipeline: &gst::Pipeline, branches: &Branches) -> Arc<Inlet> {
        let (pipeline, branches) = (pipeline.downgrade(), branches.clone());
        let inlet = Arc::new(Inlet { pipeline, branches, flow: Mutex::default() });
        let mut state = self.state();
        cut(&state);
        state.open = Some(Arc::clone(&inlet));
        self.changed.notify_all();
        inlet
    }

    /// Lets `socket`'s publisher in; waits a little for its place.
    pub(super) fn admit(self: &Arc<Self>, socket: &TcpStream, peer: SocketAddr) -> Result<Pass, Refusal> {
        let deadline = Instant::now() + PLACE;
        let mut state = self.state();
        loop {
            if let Some(publisher) = &state.publisher {
                let dead = publisher.inlet.end().is_some() || publisher.inlet.silent() >= self.loss;
                if !(self.replace || dead) {
                    return Err(Refusal::Taken);
                }
                publisher.inlet.finish("another publisher has taken its place");
                cut(&state);
            } else if let Some(inlet) = state.open.take_if(|inlet| inlet.pipeline.upgrade().is_some()) {
                return self.take(&mut state, inlet, socket, peer);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Refusal::NotReady);
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn take(
        self: &Arc<Self>,
        state: &mut State,
        inlet: Arc<Inlet>,
        socket: &TcpStream,
        peer: SocketAddr,
    ) -> Result<Pass, Refusal> {
        let Ok(socket) = socket.try_clone() else {
            state.open = Some(inlet);
            return Err(Refusal::NotReady);
        };
        state.count += 1;
        let number = state.count;
        inlet.flow().came = Some(Instant::now());
        state.publisher = Some(Publisher { number, socket, inlet: Arc::clone(&inlet) });
        let tracks = Tracks::new(inlet.pipeline.clone(), inlet.branches.clone());
        Ok(Pass { gate: Arc::clone(self), number, peer, inlet, tracks })
    }

    /// The source ends: nobody is let in any more.
    pub(super) fn shut(&self) {
        let mut state = self.state();
        state.open = None;
        cut(&state);
    }

    fn leave(&self, number: u64) {
        let mut state = self.state();
        state.publisher.take_if(|publisher| publisher.number == number);
        self.changed.notify_all();
    }
}

fn cut(state: &State) {
    if let Some(publisher) = &state.publisher {
        let _ = publisher.socket.shutdown(Shutdown::Both);
    }
}

/// An admitted publisher; leaving is dropping it.
pub(super) struct Pass {
    gate: Arc<Gate>,
    number: u64,
    peer: SocketAddr,
    pub(super) inlet: Arc<Inlet>,
    pub(super) tracks: Tracks,
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.inlet.finish(&format!("the publisher {} has left", self.peer.ip()));
        self.gate.leave(self.number);
    }
}
