//! One peer is reached, step by step; every step is bounded and timed.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::peers::{Peer, Spoken, Tls};
use super::route::{self, Route};
use super::tls::{self, Verdict};

/// How long each step may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) name: Duration,
    pub(super) connect: Duration,
    /// Handshake, and the answer to a large request.
    pub(super) large: Duration,
    /// The answer to a small one, where there was none to a large one.
    small: Duration,
}

pub(super) const USUAL: Patience = Patience {
    name: Duration::from_secs(3),
    connect: Duration::from_secs(2),
    large: Duration::from_secs(3),
    small: Duration::from_secs(2),
};

/// Makes a request larger than any packet: where large packets vanish, it gets no answer, and a small one does.
const PADDING: usize = 2800;

/// What was seen; each step only if the one before went well.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) resolved: Option<Result<(Vec<SocketAddr>, Duration), String>>,
    pub(super) route: Option<Route>,
    pub(super) connected: Option<Result<Duration, String>>,
    pub(super) tls: Option<Result<(Verdict, Duration), String>>,
    pub(super) first_byte: Option<FirstByte>,
}

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FirstByte {
    /// The status line, and how long the request took.
    Came(String, Duration),
    /// A large request got no answer, a small one did.
    SmallOnly,
    /// Neither did.
    None(String),
}

pub(super) fn look(peer: &Peer, patience: Patience) -> Seen {
    let mut seen = Seen::default();
    let resolved = resolve(&peer.host, peer.port, patience.name);
    let addresses = resolved.as_ref().map(|(addresses, _)| addresses.clone()).unwrap_or_default();
    seen.resolved = Some(resolved);
    let Some(first) = addresses.first() else { return seen };
    seen.route = route::to(*first);
    let (path, secured) = match &peer.spoken {
        Spoken::Udp => return seen,
        Spoken::Tcp(tls) => (None, tls.as_ref()),
        Spoken::Http(path, tls) => (Some(path), tls.as_ref()),
    };
    let begun = Instant::now();
    let mut stream = match connect(&addresses, patience.connect, patience.large) {
        Ok(stream) => stream,
        Err(error) => {
            seen.connected = Some(Err(error.to_string()));
            return seen;
        }
    };
    seen.connected = Some(Ok(begun.elapsed()));
    let mut connection = None;
    if let Some(Tls { authorities, .. }) = secured {
        let begun = Instant::now();
        match tls::shake(&mut stream, &peer.host, authorities.as_deref()) {
            Ok((opened, verdict)) => {
                let good = verdict.fault.is_none();
                seen.tls = Some(Ok((verdict, begun.elapsed())));
                if !good {
                    return seen;
                }
                connection = Some(opened);
            }
            Err(why) => {
                seen.tls = Some(Err(why));
                return seen;
            }
        }
    }
    if let Some(path) = path {
        let first = match &mut connection {
            Some(connection) => ask(&mut rustls::Stream::new(connection, &mut stream), peer, path, PADDING),
            None => ask(&mut stream, peer, path, PADDING),
        };
        seen.first_byte = Some(first.unwrap_or_else(|error| again(peer, path, &addresses, secured, (error, patience))));
    }
    seen
}

/// The name server may hang, and nothing ends it: it is left behind.
pub(super) fn resolve(host: &str, port: u16, within: Duration) -> Result<(Vec<SocketAddr>, Duration), String> {
    let (tell, told) = mpsc::channel();
    let (host, begun) = (host.to_owned(), Instant::now());
    std::thread::spawn(move || {
        // Nobody listens any more when it was late.
        let _ = tell.send((host.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>));
    });
    match told.recv_timeout(within) {
        Ok(Ok(addresses)) if !addresses.is_empty() => Ok((addresses, begun.elapsed())),
        Ok(Ok(_)) => Err("the name has no address".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", within.as_secs())),
    }
}

pub(super) fn connect(addresses: &[SocketAddr], within: Duration, answer: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    // One of each family is enough to tell.
    let four = addresses.iter().find(|address| address.is_ipv4());
    let six = addresses.iter().find(|address| address.is_ipv6());
    for address in four.into_iter().chain(six) {
        match TcpStream::connect_timeout(address, within) {
            Ok(stream) => {
                stream.set_read_timeout(Some(answer))?;
                stream.set_write_timeout(Some(answer))?;
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The status line of the answer. No credentials are sent, so it may well be a refusal.
fn ask(stream: &mut (impl Read + Write), peer: &Peer, path: &str, padding: usize) -> io::Result<FirstByte> {
    let host = if peer.host.contains(':') { format!("[{}]", peer.host) } else { peer.host.clone() };
    let padding = if padding > 0 { format!("X-Padding: {}\r\n", "x".repeat(padding)) } else { String::new() };
    let port = peer.port;
    let request = format!(
        "HEAD {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: uplinkctl-doctor\r\n{padding}Connection: close\r\n\r\n"
    );
    let begun = Instant::now();
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let mut answer = [0; 64];
    match stream.read(&mut answer)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        length => {
            let line = String::from_utf8_lossy(&answer[..length]);
            let line = line.lines().next().unwrap_or_default().to_owned();
            Ok(FirstByte::Came(line, begun.elapsed()))
        }
    }
}

/// Once more on a connection of its own, with a small request, if the large one was lost on the way.
fn again(
    peer: &Peer,
    path: &str,
    addresses: &[SocketAddr],
    secured: Option<&Tls>,
    (error, patience): (io::Error, Patience),
) -> FirstByte {
    let lost = matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
    let small = || {
        let mut stream = connect(addresses, patience.connect, patience.small)?;
        match secured {
            None => ask(&mut stream, peer, path, 0),
            Some(Tls { authorities, .. }) => {
                let opened = tls::shake(&mut stream, &peer.host, authorities.as_deref());
                let (mut connection, _) = opened.map_err(io::Error::other)?;
                ask(&mut rustls::Stream::new(&mut connection, &mut stream), peer, path, 0)
            }
        }
    };
    match lost.then(small) {
        Some(Ok(_)) => FirstByte::SmallOnly,
        Some(Err(_)) => FirstByte::None(format!("no answer within {} s", patience.large.as_secs())),
        None => FirstByte::None(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const LONG: Patience = Patience {
        name: Duration::from_secs(60),
        connect: Duration::from_secs(60),
        large: Duration::from_secs(60),
        small: Duration::from_secs(60),
    };

    /// Answers each connection with what `answer` says to the size of its request; none is silence.
    fn server(connections: usize, answer: fn(usize) -> Option<&'static str>) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for _ in 0..connections {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let (mut request, mut piece) = (Vec::new(), [0; 4096]);
                while !request.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut piece) {
                        Ok(0) | Err(_) => break,
                        Ok(length) => request.extend_from_slice(&piece[..length]),
                    }
                }
                if let Some(answer) = answer(request.len()) {
                    let _ = stream.write_all(answer.as_bytes());
                }
                open.push(stream);
            }
            // Until the other side has gone.
            for mut stream in open {
                let _ = stream.read(&mut [0; 1]);
            }
        });
        Peer {
            about: "d".to_owned(),
            host: "127.0.0.1".to_owned(),
            port,
            spoken: Spoken::Http("/live/".to_owned(), None),
        }
    }

    #[test]
    fn a_refusal_is_an_answer() {
        let seen = look(&server(1, |size| (size > PADDING).then_some("HTTP/1.1 401 Unauthorized\r\n\r\n")), LONG);
        assert!(matches!(seen.resolved, Some(Ok(_))), "{seen:?}");
        assert!(matches!(seen.connected, Some(Ok(_))), "{seen:?}");
        let Some(FirstByte::Came(line, _)) = &seen.first_byte else { panic!("{seen:?}") };
        assert_eq!(line, "HTTP/1.1 401 Unauthorized");
    }

    #[test]
    fn large_requests_that_vanish_are_told_from_a_dead_server() {
        let patience = Patience { large: Duration::from_millis(100), ..LONG };
        let seen = look(&server(2, |size| (size < PADDING).then_some("HTTP/1.1 200 OK\r\n\r\n")), patience);
        assert_eq!(seen.first_byte, Some(FirstByte::SmallOnly));
    }

    #[test]
    fn nobody_there_is_told() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let peer =
            |host: &str| Peer { about: "d".to_owned(), host: host.to_owned(), port: closed, spoken: Spoken::Tcp(None) };
        let seen = look(&peer("127.0.0.1"), LONG);
        assert!(matches!(seen.connected, Some(Err(_))), "{seen:?}");
        let seen = look(&peer("no-such-host.invalid"), LONG);
        assert!(matches!(seen.resolved, Some(Err(_))) && seen.connected.is_none(), "{seen:?}");
    }
}
