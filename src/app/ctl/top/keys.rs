//! Keys, out of the bytes that a terminal sends for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::mpsc;

/// How soon the thread that reads sees that it is over.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Quit,
    /// So many lines down.
    Move(i16),
}

/// A thread that reads keys; it ends soon after this is gone.
pub(super) struct Keys {
    heard: mpsc::UnboundedReceiver<Wish>,
    over: Arc<AtomicBool>,
}

impl Keys {
    pub(super) fn listen() -> Self {
        let (tell, heard) = mpsc::unbounded_channel();
        let over = Arc::new(AtomicBool::new(false));
        let done = over.clone();
        std::thread::spawn(move || read(&tell, &done));
        Self { heard, over }
    }

    /// None if the terminal is gone.
    pub(super) async fn next(&mut self) -> Option<Wish> {
        self.heard.recv().await
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn read(tell: &mpsc::UnboundedSender<Wish>, over: &AtomicBool) {
    let terminal = std::io::stdin();
    let mut bytes = [0; 64];
    while !over.load(Ordering::Relaxed) {
        let ready = poll(&mut [PollFd::new(&terminal, PollFlags::IN)], Some(&LOOK));
        let length = match ready {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => rustix::io::read(&terminal, &mut bytes),
            Err(error) => Err(error),
        };
        match length {
            Ok(0) | Err(_) => return,
            Ok(length) => {
                if wishes(&bytes[..length]).into_iter().any(|wish| tell.send(wish).is_err()) {
                    return;
                }
            }
        }
    }
}

/// A terminal sends a key whole.
fn wishes(bytes: &[u8]) -> Vec<Wish> {
    let (mut found, mut rest) = (Vec::new(), bytes);
    while let [first, behind @ ..] = rest {
        let (wish, behind) = match (first, behind) {
            (0x1b, [b'[' | b'O', behind @ ..]) => special(behind),
            (b'q' | b'Q' | 0x03, _) => (Some(Wish::Quit), behind),
            (b'k', _) => (Some(Wish::Move(-1)), behind),
            (b'j', _) => (Some(Wish::Move(1)), behind),
            (b' ', _) => (Some(Wish::Move(10)), behind),
            _ => (None, behind),
        };
        found.extend(wish);
        rest = behind;
    }
    found
}

/// What stands behind the introducer: numbers, then a letter or a tilde.
fn special(bytes: &[u8]) -> (Option<Wish>, &[u8]) {
    let Some(end) = bytes.iter().position(|byte| (0x40..=0x7e).contains(byte)) else { return (None, &[]) };
    let wish = match &bytes[..=end] {
        b"A" => Some(Wish::Move(-1)),
        b"B" => Some(Wish::Move(1)),
        b"5~" => Some(Wish::Move(-10)),
        b"6~" => Some(Wish::Move(10)),
        b"H" | b"1~" => Some(Wish::Move(i16::MIN)),
        b"F" | b"4~" => Some(Wish::Move(i16::MAX)),
        _ => None,
    };
    (wish, &bytes[end + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_by_their_bytes() {
        assert_eq!(wishes(b"q"), [Wish::Quit]);
        assert_eq!(wishes(b"\x03"), [Wish::Quit]);
        assert_eq!(wishes(b"\x1b[A\x1bOBjx"), [Wish::Move(-1), Wish::Move(1), Wish::Move(1)]);
        assert_eq!(wishes(b"\x1b[5~\x1b[6~\x1b[H\x1b[F"), [-10, 10, i16::MIN, i16::MAX].map(Wish::Move));
        for other in [&b"\x1b"[..], b"\x1b[", b"\x1b[1;5", b"\x1b[1;5C", b"\x1b[200~", "ä".as_bytes()] {
            assert_eq!(wishes(other), [], "{other:?}");
        }
    }
}
