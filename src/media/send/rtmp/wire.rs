//! A TCP connection, with TLS or without, that never waits: what the network does not take stays here.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};

use super::super::blame;
use super::super::carrier::Broken;
use crate::model::Fault;
use crate::system::{TcpProgress, tcp_progress};

/// All addresses of a peer together.
const CONNECT: Duration = Duration::from_secs(8);
/// The kernel may hold at least so much.
const LEAST_BUFFER: usize = 128 << 10;

/// See the module's header.
pub(in crate::media::send) struct Wire {
    socket: TcpStream,
    tls: Option<Box<rustls::ClientConnection>>,
    out: Vec<u8>,
    /// Bytes handed to the kernel.
    sent: u64,
    /// What had been sent and acknowledged when media began.
    base: (u64, u64),
}

impl Wire {
    /// Connects; the kernel holds about `buffer` bytes.
    pub(super) fn open(url: &url::Url, ca: Option<&Path>, buffer: u64) -> Result<Self, Broken> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let tls = url.scheme() == "rtmps";
        let port = url.port().unwrap_or(if tls { 443 } else { 1935 });
        let addresses = (host.as_str(), port).to_socket_addrs();
        let addresses: Vec<_> = addresses.map_err(|error| blame::name(&host, &error.to_string()))?.collect();
        let until = Instant::now() + CONNECT;
        let mut last = blame::name(&host, "it has no address");
        for address in addresses {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            match TcpStream::connect_timeout(&address, left) {
                Ok(socket) => return Self::around(socket, tls.then_some(host.as_str()), ca, buffer),
                Err(error) => last = blame::socket(&error, &format!("no connection to {address}")),
            }
        }
        Err(last)
    }

    fn around(socket: TcpStream, host: Option<&str>, ca: Option<&Path>, buffer: u64) -> Result<Self, Broken> {
        let set = |error: io::Error| blame::socket(&error, "the connection cannot be set up");
        socket.set_nodelay(true).map_err(set)?;
        socket.set_nonblocking(true).map_err(set)?;
        let buffer = usize::try_from(buffer).unwrap_or(usize::MAX).max(LEAST_BUFFER);
        // Otherwise the kernel makes it several seconds long before anybody notices a peer that reads too slowly.
        rustix::net::sockopt::set_socket_send_buffer_size(&socket, buffer).map_err(|error| set(error.into()))?;
        let tls = host.map(|host| client(host, ca)).transpose()?.map(Box::new);
        Ok(Self { socket, tls, out: Vec::new(), sent: 0, base: (0, 0) })
    }

    /// From here on it is media that counts.
    pub(super) fn begin(&mut self) {
        let acknowledged = tcp_progress(&self.socket).map_or(0, |figures| figures.acknowledged);
        self.base = (self.sent, acknowledged);
    }

    /// Bytes sent since media began, of these acknowledged, and figures.
    pub(super) fn progress(&self) -> (u64, Option<u64>, Option<TcpProgress>) {
        let figures = tcp_progress(&self.socket).ok();
        let sent = self.sent - self.base.0;
        (sent, figures.map(|figures| figures.acknowledged.saturating_sub(self.base.1).min(sent)), figures)
    }

    /// Bytes that the network has not taken.
    pub(super) fn waiting(&self) -> usize {
        self.out.len()
    }

    /// Takes bytes, and sends what it can.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.extend_from_slice(bytes);
        self.flush()
    }

    /// Sends what it can.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self.tls.is_some() {
            true => self.flush_tls(),
            false => self.flush_plain(),
        }
    }

    fn flush_plain(&mut self) -> io::Result<()> {
        while !self.out.is_empty() {
            match self.socket.write(&self.out) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => {
                    self.out.drain(..sent);
                    self.sent += sent as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn flush_tls(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        loop {
            if !tls.wants_write() {
                if self.out.is_empty() || tls.is_handshaking() {
                    return Ok(());
                }
                // A record at a time: what waits is to be seen here.
                let piece = self.out.len().min(16 << 10);
                let taken = tls.writer().write(&self.out[..piece])?;
                self.out.drain(..taken);
            }
            match tls.write_tls(&mut &self.socket) {
                Ok(sent) => self.sent += sent as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads what has come; none at the end of the connection.
    pub(super) fn read(&mut self, into: &mut impl Extend<u8>) -> io::Result<Option<usize>> {
        let mut piece = [0; 4096];
        let mut count = 0;
        loop {
            let read = match &mut self.tls {
                None => self.socket.read(&mut piece),
                Some(tls) => match tls.reader().read(&mut piece) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => match tls.read_tls(&mut &self.socket) {
                        Ok(0) => Ok(0),
                        Ok(_) => {
                            tls.process_new_packets()
                                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                            continue;
                        }
                        Err(error) => Err(error),
                    },
                    other => other,
                },
            };
            match read {
                Ok(0) => return Ok(None),
                Ok(length) => {
                    into.extend(piece[..length].iter().copied());
                    count += length;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Some(count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until there is something to do, for at most `bound`.
    pub(super) fn wait(&self, bound: Duration) {
        let writes = !self.out.is_empty() && self.tls.as_ref().is_none_or(|tls| !tls.is_handshaking());
        let writes = writes || self.tls.as_ref().is_some_and(|tls| tls.wants_write());
        let events = if writes { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        let mut sockets = [PollFd::from_borrowed_fd(self.socket.as_fd(), events)];
        let limit = rustix::time::Timespec { tv_sec: bound.as_secs() as i64, tv_nsec: i64::from(bound.subsec_nanos()) };
        // A signal ends it early, which is as good.
        let _ = poll(&mut sockets, Some(&limit));
    }
}

fn client(host: &str, ca: Option<&Path>) -> Result<rustls::ClientConnection, Broken> {
    let fault = |reason: String| Broken {
        fault: Fault::Configuration,
        ..Broken::refused(reason, "check the certificates that this destination is to trust")
    };
    let mut roots = rustls::RootCertStore::empty();
    match ca {
        Some(path) => {
            let certificates = CertificateDer::pem_file_iter(path);
            let certificates = certificates.map_err(|error| fault(format!("{}: {error}", path.display())))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| fault(format!("{}: {error}", path.display())))?;
                roots.add(certificate).map_err(|error| fault(format!("{}: {error}", path.display())))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let settings = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let settings = settings.map_err(|error| Broken::ours(error.to_string()))?;
    let settings = settings.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|error| fault(format!("`{host}`: {error}")))?;
    rustls::ClientConnection::new(Arc::new(settings), name).map_err(|error| Broken::ours(error.to_string()))
}
