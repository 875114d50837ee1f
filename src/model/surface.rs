//! Control surfaces as they are configured: tally displays, and who may send OSC.

use std::net::{IpAddr, SocketAddr};

use super::id::{ChannelId, SourceId};

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surfaces {
    /// Who is told what is on air.
    pub tsl: Vec<TslTarget>,
    /// Where orders come in; none unless somebody wrote it.
    pub osc: Option<OscInput>,
}

/// A multiviewer or a row of displays that listens for TSL UMD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TslTarget {
    /// Its name.
    pub name: String,
    /// Where it listens (UDP).
    pub address: SocketAddr,
    /// The screen that is addressed.
    pub screen: u16,
    /// Index of the first display; the others follow.
    pub first_index: u16,
    /// What the displays stand for.
    pub displays: Vec<Display>,
}

/// What a display stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Display {
    /// A channel: whether it is on air.
    Channel(ChannelId),
    /// A source of it: whether it is in program or preview.
    Source(ChannelId, SourceId),
}

/// Where OSC comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OscInput {
    /// Where to listen (UDP).
    pub listen: SocketAddr,
    /// Who may send. Never empty.
    pub from: Vec<Network>,
}

/// Addresses that have their first bits in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether `address` is one of them. An IPv4 address is the same in its IPv6 form.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => same(own.to_bits().into(), other.to_bits().into(), self.bits, 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), self.bits, 128),
            _ => false,
        }
    }
}

fn same(own: u128, other: u128, bits: u8, of: u8) -> bool {
    let rest = u32::from(of.saturating_sub(bits));
    own.checked_shr(rest).unwrap_or(0) == other.checked_shr(rest).unwrap_or(0)
}

impl std::str::FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is neither an address nor a network such as 192.168.1.0/24");
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        match bits.map_or(Ok(most), str::parse::<u8>) {
            Ok(bits) if bits <= most => Ok(Self { address: address.to_canonical(), bits }),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_its_addresses_and_no_others() {
        for (network, inside, outside) in [
            ("192.168.1.0/24", "192.168.1.77", "192.168.2.1"),
            ("192.168.1.9", "::ffff:192.168.1.9", "192.168.1.8"),
            ("0.0.0.0/0", "8.8.8.8", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:7::1", "2001:db9::1"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{network:?} {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{network:?} {outside}");
        }
        for wrong in ["", "studio", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::/129"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
