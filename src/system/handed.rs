//! Listening sockets that the service manager kept over a restart (FDSTORE of sd_notify(3)), or has opened for this service
//! (systemd.socket(5)). Who connects meanwhile waits for the next daemon and is not refused.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::net::sockopt::socket_acceptconn;
use rustix::net::{SocketAddrUnix, getsockname};

/// What was handed over at the start and nobody has asked for yet.
#[derive(Debug, Default)]
pub struct HandedOver(Vec<(String, OwnedFd)>);

impl HandedOver {
    /// Takes what is there. To be called once, at the beginning.
    pub fn take() -> Self {
        let named = match sd_notify::listen_fds_with_names() {
            Ok(named) => named,
            Err(error) => {
                tracing::warn!(%error, "the service manager's sockets cannot be taken over; new ones are opened");
                return Self::default();
            }
        };
        #[allow(unsafe_code, reason = "a number in the environment becomes a descriptor")]
        // SAFETY: systemd opened these for this process, as its environment says, and nothing else here owns them: this
        // runs once.
        let owned = named.map(|(number, name)| (name, unsafe { OwnedFd::from_raw_fd(number) }));
        Self(owned.collect())
    }

    /// The listener at this address.
    pub fn network(&mut self, address: SocketAddr) -> Option<TcpListener> {
        let listener = TcpListener::from(self.find(|socket| address_of(socket) == Some(address))?);
        listener.set_nonblocking(true).is_ok().then_some(listener)
    }

    /// The listener at this path.
    pub fn local(&mut self, path: &Path) -> Option<UnixListener> {
        let listener = UnixListener::from(self.find(|socket| is_at(socket, path))?);
        listener.set_nonblocking(true).is_ok().then_some(listener)
    }

    /// Closes what nobody has asked for, and returns what it is called.
    pub fn close(self) -> Vec<String> {
        self.0.into_iter().map(|(name, _)| name).collect()
    }

    fn find(&mut self, wanted: impl Fn(&OwnedFd) -> bool) -> Option<OwnedFd> {
        let place = self.0.iter().position(|(_, socket)| listens(socket) && wanted(socket))?;
        Some(self.0.swap_remove(place).1)
    }
}

fn listens(socket: &OwnedFd) -> bool {
    socket_acceptconn(socket).unwrap_or(false)
}

fn address_of(socket: &OwnedFd) -> Option<SocketAddr> {
    SocketAddr::try_from(getsockname(socket.as_fd()).ok()?).ok()
}

fn is_at(socket: &OwnedFd, path: &Path) -> bool {
    let address = getsockname(socket.as_fd()).ok().and_then(|address| SocketAddrUnix::try_from(address).ok());
    // Somebody may have removed it.
    address.as_ref().and_then(SocketAddrUnix::path_bytes) == Some(path.as_os_str().as_bytes()) && path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_where_it_listens() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("api.sock");
        let (network, local) = (TcpListener::bind("127.0.0.1:0").unwrap(), UnixListener::bind(&path).unwrap());
        let (address, other) = (network.local_addr().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let elsewhere = other.local_addr().unwrap();
        let silent = std::net::UdpSocket::bind(elsewhere).unwrap();
        let mut handed = HandedOver(vec![
            ("a".into(), silent.into()),
            ("b".into(), network.into()),
            ("c".into(), local.into()),
            ("d".into(), other.into()),
        ]);
        assert!(handed.network("127.0.0.1:1".parse().unwrap()).is_none());
        assert_eq!(handed.network(address).unwrap().local_addr().unwrap(), address);
        assert!(handed.network(address).is_none(), "it was given away");
        assert!(handed.local(&directory.path().join("other.sock")).is_none());
        assert!(handed.local(&path).is_some());
        assert_eq!(handed.network(elsewhere).unwrap().local_addr().unwrap(), elsewhere);
        assert_eq!(handed.close(), ["a"]);
    }

    #[test]
    fn a_path_whose_file_is_gone_leads_nowhere() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("api.sock");
        let mut handed = HandedOver(vec![("a".into(), UnixListener::bind(&path).unwrap().into())]);
        std::fs::remove_file(&path).unwrap();
        assert!(handed.local(&path).is_none());
    }
}
