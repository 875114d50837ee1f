//! What was seen of a peer, judged.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;

use super::super::Finding;
use super::peers::{Peer, Spoken};
use super::reach::{FirstByte, Seen};
use super::route::Route;

/// A certificate that is renewed by a program is so a month ahead.
const DAYS: i64 = 14;
const SLOW_NAME: Duration = Duration::from_millis(500);
const SLOW_BYTE: Duration = Duration::from_millis(1000);

pub(super) fn judge(peer: &Peer, seen: &Seen) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(seen.resolved.as_ref().map(|resolved| match resolved {
        Ok(_) if peer.host.parse::<IpAddr>().is_ok() => {
            Finding::ok("dns", format!("{} needs no name server", peer.host))
        }
        Ok((addresses, took)) => {
            let list: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
            let text = format!("{} is {} ({} ms)", peer.host, unique(list).join(", "), took.as_millis());
            let todo = "another name server, or a cache on the box: each retry resolves the name anew";
            if *took > SLOW_NAME { Finding::warn("dns", text, todo) } else { Finding::ok("dns", text) }
        }
        Err(why) => {
            let todo = "`resolvectl query` the name; check /etc/resolv.conf and the address in the configuration";
            Finding::fault("dns", format!("{} cannot be resolved: {why}", peer.host), todo)
        }
    }));
    findings.extend(seen.route.as_ref().map(interface));
    findings.extend(seen.route.as_ref().and_then(packets));
    match &seen.connected {
        Some(Err(why)) => {
            let todo = "is the server up, the port right, and the firewall open for this box?";
            findings.push(Finding::fault("first_byte", format!("no connection to port {}: {why}", peer.port), todo));
        }
        Some(Ok(took)) if matches!(peer.spoken, Spoken::Tcp(None)) => {
            findings.push(Finding::ok("first_byte", format!("connected in {} ms", took.as_millis())));
        }
        _ => {}
    }
    findings.extend(seen.tls.as_ref().map(|tls| match tls {
        Ok((verdict, took)) => certificate(verdict.fault.as_deref(), verdict.ends, *took, Timestamp::now()),
        Err(why) => {
            Finding::fault("tls", format!("no TLS there: {why}"), "https on the right port? a proxy in between?")
        }
    }));
    findings.extend(seen.first_byte.as_ref().map(|first| first_byte(peer, first)));
    findings
}

fn unique(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list.dedup();
    list.truncate(6);
    list
}

fn interface(route: &Route) -> Finding {
    let speed = route.speed.map(|speed| format!(", {speed} Mbit/s")).unwrap_or_default();
    let duplex = route.duplex.as_ref().map(|duplex| format!(", {duplex} duplex")).unwrap_or_default();
    let (broken, all) = route.broken;
    let text = format!("by {}{speed}{duplex}, {broken} of {all} packets came broken", route.interface);
    if route.duplex.as_deref() == Some("half") || route.speed.is_some_and(|speed| speed < 100) {
        Finding::warn("interface", text, "check cable and switch port: both ends have to negotiate")
    } else if broken > 0 && broken > all / 10_000 {
        Finding::warn("interface", text, "replace the cable or the SFP")
    } else {
        Finding::ok("interface", text)
    }
}

fn packets(route: &Route) -> Option<Finding> {
    let mtu = route.path_mtu.into_iter().chain(route.mtu).min()?;
    let text = format!("packets of {mtu} bytes fit");
    let todo = "a tunnel takes its share; below 1280 IPv6 and WebRTC fail. `ip link`, `ip route get`";
    Some(match mtu {
        0..1280 => Finding::fault("mtu", text, todo),
        1280..1400 => Finding::warn("mtu", text, todo),
        _ => Finding::ok("mtu", text),
    })
}

fn certificate(fault: Option<&str>, ends: Option<Timestamp>, took: Duration, now: Timestamp) -> Finding {
    let days = ends.map(|ends| (ends.as_second() - now.as_second()).div_euclid(24 * 3600));
    let left = match days {
        Some(days) if days < 0 => format!("it ended {} day(s) ago", -days),
        Some(days) => format!("good for {days} more day(s)"),
        None => "its end cannot be read".to_owned(),
    };
    match fault {
        Some(why) => {
            let todo = "whoever runs the server has to renew it, or its authority goes into `ca_file`; a clock that is wrong \
                        has the same effect";
            Finding::fault("tls", format!("the certificate is not good: {why}; {left}"), todo)
        }
        None if days.is_some_and(|days| days < DAYS) => {
            Finding::warn("tls", format!("the certificate is {left}"), "whoever runs the server has to renew it")
        }
        None => Finding::ok("tls", format!("the certificate is good, {left}; handshake {} ms", took.as_millis())),
    }
}

fn first_byte(peer: &Peer, first: &FirstByte) -> Finding {
    match first {
        FirstByte::Came(line, took) => {
            let text =
                format!("first byte after {} ms (`{}`, asked without credentials)", took.as_millis(), line.trim());
            let todo = "the server or the line is slow: a nearer ingest point, or ask whoever runs it";
            if *took > SLOW_BYTE { Finding::warn("first_byte", text, todo) } else { Finding::ok("first_byte", text) }
        }
        FirstByte::SmallOnly => {
            let todo = "a firewall drops ICMP, so that no end learns the size: let it through, or lower the MTU (`ip link set … \
                        mtu 1400`)";
            Finding::fault(
                "mtu",
                "large packets vanish on the way: a request of 3 kB got no answer, a small one did",
                todo,
            )
        }
        FirstByte::None(why) if wants_ours(peer) => {
            Finding::not_here("first_byte", format!("it wants this box's certificate, which is not shown here ({why})"))
        }
        FirstByte::None(why) => {
            let todo = "something listens and does not speak HTTP: is the address right? is the server overloaded?";
            Finding::fault("first_byte", format!("no answer to a request: {why}"), todo)
        }
    }
}

fn wants_ours(peer: &Peer) -> bool {
    matches!(&peer.spoken, Spoken::Http(_, Some(tls)) if tls.wants_ours)
}

#[cfg(test)]
mod tests {
    use super::super::super::State;
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_certificate_is_judged_by_its_chain_and_its_days() {
        let now = at("2026-11-21T12:00:00Z");
        let state = |fault, ends: &str| certificate(fault, Some(at(ends)), Duration::ZERO, now);
        assert_eq!(state(None, "2027-02-01T00:00:00Z").state, State::Ok);
        let soon = state(None, "2026-11-25T00:00:00Z");
        assert_eq!((soon.state, soon.seen.as_str()), (State::Warn, "the certificate is good for 3 more day(s)"));
        let over = state(Some("certificate expired"), "2026-11-19T12:00:00Z");
        assert_eq!(over.state, State::Fault);
        assert!(over.seen.ends_with("it ended 2 day(s) ago"), "{over:?}");
        assert_eq!(certificate(None, None, Duration::ZERO, now).state, State::Ok);
    }

    #[test]
    fn packets_and_interfaces_are_judged() {
        let route = Route { interface: "eth0".to_owned(), mtu: Some(1500), ..Route::default() };
        let state = |route: &Route| (interface(route).state, packets(route).unwrap().state);
        assert_eq!(state(&route), (State::Ok, State::Ok));
        assert_eq!(state(&Route { path_mtu: Some(1300), ..route.clone() }), (State::Ok, State::Warn));
        assert_eq!(state(&Route { mtu: Some(1000), ..route.clone() }), (State::Ok, State::Fault));
        assert_eq!(state(&Route { duplex: Some("half".to_owned()), ..route.clone() }).0, State::Warn);
        assert_eq!(state(&Route { broken: (50, 1000), ..route }).0, State::Warn);
    }
}
