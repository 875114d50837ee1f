//! MPEG-TS over UDP, unicast or multicast: seven packets in a datagram. Nobody acknowledges anything.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant};

use rustix::net::sockopt;

use super::blame;
use super::carrier::{Broken, Progress};
use super::stream::Transport;
use super::ts::PACKET;
use crate::plan::{CarrierPlan, SendPlan};

/// What fits an Ethernet frame.
const DATAGRAM: usize = 7 * PACKET;
/// What does not fill a datagram waits no longer for more.
const HOLD: Duration = Duration::from_millis(30);
/// A network that takes nothing for this long is gone.
const BLOCKED: Duration = Duration::from_secs(2);

/// A socket towards one receiver or group.
pub(super) struct Udp {
    socket: UdpSocket,
    sent: u64,
    dropped: u64,
    /// Packets that do not fill a datagram yet.
    rest: Vec<u8>,
    /// Since when they wait for more.
    held: Option<Instant>,
    blocked: Option<Instant>,
}

impl Udp {
    pub(super) fn open(plan: &SendPlan) -> Result<Self, Broken> {
        let CarrierPlan::UdpTs { host, port, ttl, interface, .. } = &plan.carrier else {
            return Err(Broken::ours("this plan is not for UDP"));
        };
        let addresses = (host.as_str(), *port).to_socket_addrs();
        let peer = addresses.map_err(|error| blame::name(host, &error.to_string()))?.next();
        let peer = peer.ok_or_else(|| blame::name(host, "it has no address"))?;
        let opened = connect(peer, *ttl, interface.as_deref());
        let socket = opened.map_err(|error| blame::socket(&error, &format!("UDP {peer} cannot be opened")))?;
        Ok(Self { socket, sent: 0, dropped: 0, rest: Vec::new(), held: None, blocked: None })
    }
}

fn connect(peer: SocketAddr, ttl: u8, interface: Option<&str>) -> io::Result<UdpSocket> {
    let any: SocketAddr = if peer.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any)?;
    match peer.ip() {
        IpAddr::V4(group) if group.is_multicast() => {
            socket.set_multicast_ttl_v4(ttl.into())?;
            if let Some(interface) = interface {
                sockopt::set_ip_multicast_if(&socket, &address_of(interface)?)?;
            }
        }
        IpAddr::V6(group) if group.is_multicast() => {
            sockopt::set_ipv6_multicast_hops(&socket, ttl.into())?;
            if let Some(interface) = interface {
                sockopt::set_ipv6_multicast_if(&socket, index_of(interface)?)?;
            }
        }
        IpAddr::V4(_) => socket.set_ttl(ttl.into())?,
        IpAddr::V6(_) => sockopt::set_ipv6_unicast_hops(&socket, Some(ttl))?,
    }
    socket.connect(peer)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn unknown(interface: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("there is no interface `{interface}` with an address of this kind"))
}

/// The IPv4 address of an interface, which may be given itself.
fn address_of(interface: &str) -> io::Result<Ipv4Addr> {
    if let Ok(address) = interface.parse() {
        return Ok(address);
    }
    let all = nix::ifaddrs::getifaddrs().map_err(io::Error::from)?;
    let mut mine = all.filter(|found| found.interface_name == interface);
    mine.find_map(|found| found.address?.as_sockaddr_in().map(|address| address.ip())).ok_or_else(|| unknown(interface))
}

fn index_of(interface: &str) -> io::Result<u32> {
    nix::net::if_::if_nametoindex(interface).map_err(|_| unknown(interface))
}

impl Udp {
    fn datagram(&mut self, datagram: &[u8]) -> Result<(), Broken> {
        match self.socket.send(datagram) {
            Ok(sent) => {
                self.sent += sent as u64;
                self.blocked = None;
                return Ok(());
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory) => {
                let since = *self.blocked.get_or_insert_with(Instant::now);
                if since.elapsed() >= BLOCKED {
                    return Err(blame::socket(&error, "the network of this box takes nothing"));
                }
            }
            // Somebody on the way says that nobody listens (ICMP). A receiver may come at any time.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(error) => return Err(blame::socket(&error, "the datagram cannot be sent")),
        }
        self.dropped += (datagram.len() / PACKET) as u64;
        Ok(())
    }
}

impl Transport for Udp {
    fn send(&mut self, packets: &[u8]) -> Result<(), Broken> {
        self.held.get_or_insert_with(Instant::now);
        self.rest.extend_from_slice(packets);
        let mut packets = std::mem::take(&mut self.rest);
        let whole = packets.len() - packets.len() % DATAGRAM;
        self.rest = packets.split_off(whole);
        if whole > 0 {
            self.held = Some(Instant::now());
        }
        packets.chunks(DATAGRAM).try_for_each(|datagram| self.datagram(datagram))
    }

    fn is_full(&self) -> bool {
        false
    }

    fn progress(&mut self, now: Instant) -> Result<Progress, Broken> {
        if !self.rest.is_empty() && self.held.is_some_and(|held| now.saturating_duration_since(held) >= HOLD) {
            self.held = None;
            let rest = std::mem::take(&mut self.rest);
            self.datagram(&rest)?;
        }
        let mut progress = Progress { sent: self.sent, ..Progress::default() };
        progress.link.packets_dropped = Some(self.dropped);
        Ok(progress)
    }

    fn close(self: Box<Self>, _: Duration) {}
}
