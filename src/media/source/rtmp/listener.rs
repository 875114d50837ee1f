//! The TCP port that publishers call; one for each address, whatever the number of sources behind it.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::dialogue;
use super::gate::Gate;

/// How often the thread looks whether it is still wanted.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
/// Callers at a time, admitted or not; more are hung up on.
const MOST_CALLERS: usize = 16;
/// After an error of accept (no file descriptors left) it waits instead of spinning.
const RECOVER: Duration = Duration::from_millis(200);

static OPEN: Mutex<Vec<(SocketAddr, Weak<Listener>)>> = Mutex::new(Vec::new());

/// An open port. Closes when the last source lets go of it.
pub(super) struct Listener {
    gates: Mutex<Vec<Weak<Gate>>>,
    callers: AtomicUsize,
}

impl Listener {
    /// The listener at `address`; opened if there is none.
    pub(super) fn at(address: SocketAddr) -> io::Result<Arc<Self>> {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(_, listener)| listener.strong_count() > 0);
        if let Some(listener) = open.iter().find(|(at, _)| *at == address).and_then(|(_, l)| l.upgrade()) {
            return Ok(listener);
        }
        let socket = TcpListener::bind(address)?;
        socket.set_nonblocking(true)?;
        let listener = Arc::new(Self { gates: Mutex::default(), callers: AtomicUsize::new(0) });
        let weak = Arc::downgrade(&listener);
        std::thread::Builder::new().name(format!("rtmp {}", address.port())).spawn(move || accept(&socket, &weak))?;
        open.push((address, Arc::downgrade(&listener)));
        Ok(listener)
    }

    /// `gate` takes part.
    pub(super) fn add(&self, gate: &Arc<Gate>) {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.retain(|gate| gate.strong_count() > 0);
        gates.push(Arc::downgrade(gate));
    }

    /// The gates of an application.
    pub(super) fn gates(&self, app: &str) -> Vec<Arc<Gate>> {
        let gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.iter().filter_map(Weak::upgrade).filter(|gate| gate.app() == app).collect()
    }

    /// Every gate, for what concerns whoever listens here.
    pub(super) fn all(&self) -> Vec<Arc<Gate>> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
    }
}

fn accept(socket: &TcpListener, listener: &Weak<Listener>) {
    loop {
        let mut ready = [PollFd::new(socket, PollFlags::IN)];
        let _ = poll(&mut ready, Some(&LOOK));
        let Some(listener) = listener.upgrade() else { return };
        match socket.accept() {
            Ok((caller, peer)) => answer(&listener, caller, peer),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                tracing::debug!(%error, "an RTMP caller could not be accepted");
                std::thread::park_timeout(RECOVER);
            }
        }
    }
}

fn answer(listener: &Arc<Listener>, caller: TcpStream, peer: SocketAddr) {
    if listener.callers.fetch_add(1, Ordering::Relaxed) >= MOST_CALLERS {
        listener.callers.fetch_sub(1, Ordering::Relaxed);
        tracing::debug!(%peer, "too many RTMP callers at a time; hung up");
        return;
    }
    // The dialogue must not keep the port open: it holds a weak reference, too.
    let seat = Seat(Arc::downgrade(listener));
    let talk = move || {
        dialogue::hold(&caller, peer, &seat.0);
        let _ = caller.shutdown(std::net::Shutdown::Both);
        drop(seat);
    };
    if let Err(error) = std::thread::Builder::new().name("rtmp caller".to_owned()).spawn(talk) {
        tracing::warn!(%error, "the box could not start a thread for an RTMP caller");
    }
}

/// One of the [`MOST_CALLERS`]; given back however the thread ends.
struct Seat(Weak<Listener>);

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(listener) = self.0.upgrade() {
            listener.callers.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
