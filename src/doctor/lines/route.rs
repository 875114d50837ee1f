//! The interface that packets to a peer leave by, and how large they may be.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;

use nix::sys::socket::{getsockopt, sockopt};

/// The way to a peer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Route {
    /// Its name.
    pub(super) interface: String,
    /// Largest packet of the interface, bytes.
    pub(super) mtu: Option<u64>,
    /// Largest packet of the whole way, as far as the kernel has learned.
    pub(super) path_mtu: Option<u64>,
    /// Mbit/s.
    pub(super) speed: Option<u64>,
    /// `full` or `half`.
    pub(super) duplex: Option<String>,
    /// Packets that came broken, since the interface is up, and all that came.
    pub(super) broken: (u64, u64),
}

/// Asks the kernel; nothing is sent.
pub(super) fn to(peer: SocketAddr) -> Option<Route> {
    let any: SocketAddr = if peer.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }.parse().ok()?;
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(peer).ok()?;
    let path_mtu = peer.is_ipv4().then(|| getsockopt(&socket, sockopt::IpMtu).ok()).flatten();
    let interface = having(socket.local_addr().ok()?.ip())?;
    let at = Path::new("/sys/class/net").join(&interface);
    let word = |name: &str| {
        let text = std::fs::read_to_string(at.join(name)).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let number = |name: &str| word(name)?.parse::<u64>().ok();
    Some(Route {
        mtu: number("mtu"),
        path_mtu: path_mtu.and_then(|mtu| u64::try_from(mtu).ok()),
        speed: number("speed"),
        duplex: word("duplex").filter(|duplex| duplex != "unknown"),
        broken: (number("statistics/rx_errors").unwrap_or(0), number("statistics/rx_packets").unwrap_or(0)),
        interface,
    })
}

/// The interface with this address.
fn having(address: IpAddr) -> Option<String> {
    let mut all = nix::ifaddrs::getifaddrs().ok()?;
    let mine = all.find(|one| {
        one.address.as_ref().is_some_and(|found| match address {
            IpAddr::V4(wanted) => found.as_sockaddr_in().is_some_and(|found| found.ip() == wanted),
            IpAddr::V6(wanted) => found.as_sockaddr_in6().is_some_and(|found| found.ip() == wanted),
        })
    });
    mine.map(|one| one.interface_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_this_box_is_its_loopback() {
        let route = to("127.0.0.1:9".parse().unwrap()).unwrap();
        assert_eq!(route.interface, "lo");
        assert!(route.mtu.is_none_or(|mtu| mtu >= 1280), "{route:?}");
    }
}
