//! A bad network: a UDP relay that loses packets exactly and delays them.

use std::collections::VecDeque;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub struct Relay {
    port: u16,
    dropped: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Path {
    caller: Option<SocketAddr>,
    front: UdpSocket,
    back: UdpSocket,
    waiting: VecDeque<(Instant, Vec<u8>)>,
    packets: u64,
}

impl Relay {
    /// To 127.0.0.1:`port`; loses every `nth` packet towards it and delays the others by up to `jitter`.
    pub fn start(port: u16, nth: u64, jitter: Duration) -> Self {
        Self::between(0, port, nth, jitter)
    }

    /// The same from a port that is given.
    pub fn between(own: u16, port: u16, nth: u64, jitter: Duration) -> Self {
        let front = UdpSocket::bind(("127.0.0.1", own)).unwrap();
        let back = UdpSocket::bind("127.0.0.1:0").unwrap();
        back.connect(("127.0.0.1", port)).unwrap();
        for socket in [&front, &back] {
            socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        }
        let own = front.local_addr().unwrap().port();
        let (dropped, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, stopping) = (Arc::clone(&dropped), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut path = Path { caller: None, front, back, waiting: VecDeque::new(), packets: 0 };
            while !stopping.load(Ordering::Relaxed) {
                path.forward(nth, jitter, &count);
                path.back();
            }
        });
        Self { port: own, dropped, stop, thread: Some(thread) }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Path {
    fn forward(&mut self, nth: u64, jitter: Duration, dropped: &AtomicU64) {
        let mut packet = [0; 2048];
        while let Ok((length, from)) = self.front.recv_from(&mut packet) {
            self.caller = Some(from);
            self.packets += 1;
            if self.packets.is_multiple_of(nth) {
                dropped.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let late = jitter * (self.packets * 7 % 11) as u32 / 10;
            self.waiting.push_back((Instant::now() + late, packet[..length].to_vec()));
            self.release();
        }
        self.release();
    }

    fn release(&mut self) {
        let now = Instant::now();
        let (due, waiting) = std::mem::take(&mut self.waiting).into_iter().partition(|(at, _)| *at <= now);
        self.waiting = waiting;
        let due: VecDeque<(Instant, Vec<u8>)> = due;
        for (_, packet) in due {
            let _ = self.back.send(&packet);
        }
    }

    fn back(&mut self) {
        let mut packet = [0; 2048];
        while let Ok(length) = self.back.recv(&mut packet) {
            if let Some(caller) = self.caller {
                let _ = self.front.send_to(&packet[..length], caller);
            }
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
