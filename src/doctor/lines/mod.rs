//! The way to each destination: name, connection, certificate, first byte, interface, packet size.
//!
//! ```text
//! configuration ─▶ peers ─▶ a thread each: reach ─ resolve ─ connect ─ tls (witness) ─ first byte ─▶ Seen ─▶ judge
//!                                            └ route: interface, MTU of the path
//! ```
//!
//! Peers are asked without credentials and without the query of their address: what they answer does not matter, only that
//! they do. A certificate that is not good ends the conversation.

mod certificate;
mod handshake;
mod judge;
mod peers;
mod reach;
mod route;
mod tls;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::{Finding, Ground};
use crate::config::DestinationKind;

pub(super) use handshake::shake_hands;

/// More are not looked at.
const MOST: usize = 24;
/// Of all of them, together.
const WITHIN: Duration = Duration::from_secs(14);

/// The way to one endpoint; nothing of one that is nowhere else.
pub(super) fn to(endpoint: &DestinationKind) -> Vec<Finding> {
    let peer = peers::of_endpoint(endpoint);
    peer.map(|peer| judge::judge(&peer, &reach::look(&peer, reach::USUAL))).unwrap_or_default()
}

pub(super) fn examine(ground: &Ground) -> Vec<Finding> {
    let Ok(checked) = &ground.checked else {
        return vec![Finding::not_here("dns", "destinations are not known: the configuration is faulty")];
    };
    let mut peers = peers::of(checked);
    let left_out = peers.len().saturating_sub(MOST);
    peers.truncate(MOST);
    if peers.is_empty() {
        return vec![Finding::not_here("dns", "no destination has an address")];
    }
    let begun = Instant::now();
    let (tell, told) = mpsc::channel();
    for (number, peer) in peers.iter().cloned().enumerate() {
        let tell = tell.clone();
        // Nobody listens any more when it was late.
        std::thread::spawn(move || drop(tell.send((number, reach::look(&peer, reach::USUAL)))));
    }
    drop(tell);
    let mut seen: Vec<Option<reach::Seen>> = peers.iter().map(|_| None).collect();
    while seen.iter().any(Option::is_none) {
        match told.recv_timeout(WITHIN.saturating_sub(begun.elapsed())) {
            Ok((number, found)) => seen[number] = Some(found),
            Err(_) => break,
        }
    }
    let mut findings = Vec::new();
    for (peer, seen) in peers.iter().zip(seen) {
        let found = match seen {
            Some(seen) => judge::judge(peer, &seen),
            None => vec![Finding::fault("hangs", "it was not reached in time", "check name server and network")],
        };
        findings.extend(found.into_iter().map(|finding| finding.of(&peer.about)));
    }
    if left_out > 0 {
        findings.push(Finding::not_here("dns", format!("{left_out} more addresses were not looked at")));
    }
    findings
}
