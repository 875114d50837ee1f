//! How far the peer of a TCP connection has come, as the kernel knows it.

use std::io;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::time::Duration;

/// Figures of one connection (`TCP_INFO`, Linux 4.6 and later).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpProgress {
    /// Bytes that the peer's kernel has acknowledged.
    pub acknowledged: u64,
    /// Smoothed round trip.
    pub rtt: Duration,
    /// Segments sent again.
    pub retransmitted: u64,
}

/// Places in `struct tcp_info` of linux/tcp.h, which only ever grows.
const RTT: usize = 68;
const TOTAL_RETRANS: usize = 100;
const BYTES_ACKED: usize = 120;
const SIZE: usize = 128;

/// Asks the kernel.
pub fn tcp_progress(socket: &TcpStream) -> io::Result<TcpProgress> {
    let mut info = [0u8; SIZE];
    let mut length = SIZE as nix::libc::socklen_t;
    #[allow(unsafe_code, reason = "the safe wrappers know an older, shorter structure")]
    // SAFETY: `info` is as long as `length` says; the kernel writes at most that much and says how much it was.
    let result = unsafe {
        nix::libc::getsockopt(
            socket.as_raw_fd(),
            nix::libc::IPPROTO_TCP,
            nix::libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    if (length as usize) < SIZE {
        return Err(io::Error::from(io::ErrorKind::Unsupported));
    }
    let word = |at: usize| u32::from_ne_bytes([info[at], info[at + 1], info[at + 2], info[at + 3]]);
    let (low, high) = (u64::from(word(BYTES_ACKED)), u64::from(word(BYTES_ACKED + 4)));
    let acknowledged = if cfg!(target_endian = "big") { low << 32 | high } else { high << 32 | low };
    Ok(TcpProgress {
        acknowledged,
        rtt: Duration::from_micros(word(RTT).into()),
        retransmitted: word(TOTAL_RETRANS).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Instant;

    #[test]
    fn what_the_peer_has_is_acknowledged() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let before = tcp_progress(&socket).unwrap().acknowledged;
        socket.write_all(&[7; 5000]).unwrap();
        peer.read_exact(&mut [0; 5000]).unwrap();
        let until = Instant::now() + Duration::from_secs(5);
        while tcp_progress(&socket).unwrap().acknowledged < before + 5000 {
            assert!(Instant::now() < until, "{:?}", tcp_progress(&socket));
            std::thread::yield_now();
        }
        assert_eq!(tcp_progress(&socket).unwrap().acknowledged, before + 5000);
        assert!(tcp_progress(&socket).unwrap().rtt > Duration::ZERO);
    }
}
