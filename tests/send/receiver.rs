//! A socket of the test that takes datagrams.

use std::net::UdpSocket;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Takes down what comes, with the time of each datagram.
pub struct Receiver {
    port: u16,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<(Instant, Vec<u8>)>>,
}

impl Receiver {
    pub fn start() -> Self {
        Self::on(UdpSocket::bind("127.0.0.1:0").unwrap())
    }

    /// On a socket that is bound, and perhaps in a group.
    pub fn on(socket: UdpSocket) -> Self {
        let port = socket.local_addr().unwrap().port();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (mut all, mut datagram) = (vec![], [0; 2048]);
            while !stopping.load(Ordering::Relaxed) {
                if let Ok(length) = socket.recv(&mut datagram) {
                    all.push((Instant::now(), datagram[..length].to_vec()));
                }
            }
            all
        });
        Self { port, stop, thread }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn finish(self) -> Vec<(Instant, Vec<u8>)> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

pub fn saved(datagrams: &[(Instant, Vec<u8>)], file: &Path) {
    let bytes: Vec<u8> = datagrams.iter().flat_map(|(_, datagram)| datagram.clone()).collect();
    std::fs::write(file, bytes).unwrap();
}
