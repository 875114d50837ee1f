//! Whether what is meant to be there is there, where a protocol begins with a handshake that changes nothing: SRT and RTMP.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::super::Finding;
use super::peers::{self, Peer, Spoken};
use super::reach::{self, USUAL};
use super::tls;
use crate::config::DestinationKind;
use crate::model::{Carrier, Fault, SrtMode};

/// UDP loses packets: it is asked so often.
const TRIES: usize = 4;
const ANSWER: Duration = Duration::from_millis(700);

/// Random data of an RTMP handshake, bytes (Adobe's RTMP 1.0, section 5.2).
const RTMP_BLOCK: usize = 1536;
const RTMP_VERSION: u8 = 3;

/// The packet of a handshake (draft-sharabayko-srt, section 3.2.1), bytes.
const SRT_PACKET: usize = 64;
/// Where a listener that speaks SRT says so in its answer to the first packet.
const SRT_MAGIC: [u8; 2] = [0x4a, 0x17];

/// Of an endpoint whose way is good.
pub(in super::super) fn shake_hands(endpoint: &DestinationKind) -> Finding {
    let DestinationKind::Send(sent) = endpoint else { return Finding::not_here("handshake", "none is needed") };
    let peer = peers::of_endpoint(endpoint);
    match (&sent.carrier, peer) {
        (Carrier::Srt { mode: SrtMode::Caller, .. }, Some(peer)) => SRT.found(peer.port, srt(&peer)),
        (Carrier::Rtmp { .. }, Some(peer)) => RTMP.found(peer.port, rtmp(&peer)),
        (Carrier::Srt { .. }, _) => Finding::not_here("handshake", "it is the other side that calls"),
        (carrier, _) => Finding::not_here(
            "handshake",
            format!("nobody answers {}: whether it arrives only the receiver can say", carrier.word()),
        ),
    }
}

/// What is said of a handshake.
struct Words {
    who: &'static str,
    /// What the handshake does not show, and when it does.
    later: &'static str,
    nobody: &'static str,
    todo: &'static str,
}

const SRT: Words = Words {
    who: "an SRT listener",
    later: "passphrase and stream id are right shows when it is called",
    nobody: "no SRT listener answers",
    todo: "does the listener run, is the port right, and does the firewall let UDP through both ways?",
};
const RTMP: Words = Words {
    who: "an RTMP server",
    later: "the stream key is right shows when it publishes",
    nobody: "no RTMP server answers",
    todo: "is the port right? rtmp and rtmps have ports of their own",
};

impl Words {
    fn found(&self, port: u16, took: io::Result<Duration>) -> Finding {
        let Self { who, later, nobody, todo } = self;
        match took {
            Ok(took) => {
                Finding::ok("handshake", format!("{who} answers after {} ms; whether {later}", took.as_millis()))
            }
            Err(error) => {
                let text = format!("{nobody} at port {port}: {}", plain(&error));
                Finding::fault("handshake", text, *todo).by(Fault::Destination)
            }
        }
    }
}

fn plain(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "nobody listens there (connection refused)".to_owned(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut => "no answer".to_owned(),
        ErrorKind::UnexpectedEof => "it hung up".to_owned(),
        _ => error.to_string(),
    }
}

fn addresses(peer: &Peer) -> io::Result<Vec<SocketAddr>> {
    reach::resolve(&peer.host, peer.port, USUAL.name).map(|(addresses, _)| addresses).map_err(io::Error::other)
}

/// The first two packets of a call. The listener keeps nothing of them: it wants its cookie back first.
fn srt(peer: &Peer) -> io::Result<Duration> {
    let to = *addresses(peer)?.first().ok_or(ErrorKind::AddrNotAvailable)?;
    let any: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any)?;
    socket.connect(to)?;
    socket.set_read_timeout(Some(ANSWER))?;
    let call = induction(fastrand::u32(1..0x4000_0000));
    let begun = Instant::now();
    let mut last = io::Error::from(ErrorKind::TimedOut);
    for _ in 0..TRIES {
        socket.send(&call)?;
        let mut answer = [0; 2048];
        match socket.recv(&mut answer) {
            Ok(length) if is_listener(&answer[..length], &call) => return Ok(begun.elapsed()),
            Ok(_) => last = io::Error::other("it speaks something else"),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return Err(error),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A caller's first packet, of its socket `id`.
fn induction(id: u32) -> [u8; SRT_PACKET] {
    let words: [u32; 12] = [
        0x8000_0000, // control, handshake
        0,
        0, // time
        0, // to a socket that is not known yet
        4, // version of the first packet
        2, // no encryption is told; a datagram socket, as UDT had it
        fastrand::u32(1..0x4000_0000),
        1500,
        8192,
        1, // induction
        id,
        0, // no cookie yet
    ];
    let mut packet = [0; SRT_PACKET];
    for (place, word) in packet.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    packet
}

/// Whether it is the answer of an SRT listener to `call`.
fn is_listener(answer: &[u8], call: &[u8; SRT_PACKET]) -> bool {
    answer.len() >= SRT_PACKET
        && answer[..4] == call[..4]
        && answer[12..16] == call[40..44]
        && answer[22..24] == SRT_MAGIC
}

/// What a publisher begins with, before it says what it wants.
fn rtmp(peer: &Peer) -> io::Result<Duration> {
    let Spoken::Tcp(secured) = &peer.spoken else { return Err(ErrorKind::Unsupported.into()) };
    let begun = Instant::now();
    let mut stream = reach::connect(&addresses(peer)?, USUAL.connect, USUAL.large)?;
    match secured {
        None => greet(&mut stream)?,
        Some(secured) => {
            let opened = tls::shake(&mut stream, &peer.host, secured.authorities.as_deref());
            let (mut connection, _) = opened.map_err(io::Error::other)?;
            greet(&mut rustls::Stream::new(&mut connection, &mut stream))?;
        }
    }
    Ok(begun.elapsed())
}

fn greet(stream: &mut (impl Read + Write)) -> io::Result<()> {
    let mut hello = [0; 1 + RTMP_BLOCK];
    hello[0] = RTMP_VERSION;
    // Time and four zeros come first.
    fastrand::Rng::new().fill(&mut hello[9..]);
    stream.write_all(&hello)?;
    stream.flush()?;
    let mut answer = [0; 1 + RTMP_BLOCK];
    stream.read_exact(&mut answer[..1])?;
    if answer[0] != RTMP_VERSION {
        return Err(io::Error::other("it speaks something else"));
    }
    stream.read_exact(&mut answer[1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_to_this_call_counts() {
        let call = induction(7);
        let mut answer = [0; SRT_PACKET];
        answer[0] = 0x80;
        answer[12..16].copy_from_slice(&7u32.to_be_bytes());
        answer[22..24].copy_from_slice(&SRT_MAGIC);
        assert!(is_listener(&answer, &call));
        assert!(!is_listener(&answer, &induction(8)), "it was meant for another caller");
        assert!(!is_listener(&answer[..40], &call) && !is_listener(&call, &call));
    }
}
