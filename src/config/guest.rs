//! `kind = "whip"`: a guest's browser publishes to the box.

use std::path::Path;

use super::Findings;
use super::checked::SourceKind;
use super::keys::key;
use super::secrets::{self, Credentials, Rule};
use crate::document::{Key, Kind, Need, Section};

pub(super) const WHIP: &[Key] = &[
    key(
        "key_file",
        Kind::Path,
        Need::Optional,
        "File that holds the key of the guest's link: 16 to 200 letters, digits, `.`, `_` and `-`. Whoever has it may publish",
    ),
    key("key_credential", Kind::Text(100), Need::Optional, "The key as a systemd credential (`LoadCredential=`)"),
    key(
        "latency_ms",
        Kind::Integer(20, 2000, "milliseconds"),
        Need::Default("120"),
        "Receive latency: time to ask again for lost packets, four times the round trip is usual",
    ),
    key(
        "on_second_publisher",
        Kind::Word(&[
            ("refuse", "the first one stays, as long as it delivers"),
            ("replace", "the newest one takes over"),
        ]),
        Need::Default("\"refuse\""),
        "What happens to a guest who comes with the good key while another one is there",
    ),
    key(
        "stun",
        Kind::Text(253),
        Need::Optional,
        "STUN server, `host:port`, for a box behind NAT that guests on other networks shall reach. None is asked if missing",
    ),
];

pub(crate) fn read(
    section: &Section<'_>,
    base: &Path,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Option<SourceKind> {
    let faults = &mut findings.faults;
    let key = secrets::read(section, "key", Rule::GuestKey, base, credentials, faults);
    if !section.has("key_file") && !section.has("key_credential") {
        let fix = "add `key_file = \"…\"`; `openssl rand -hex 16` makes a key";
        faults.add(&section.spot("key_file"), "must be given: whoever knows the key may publish", fix);
    }
    let stun = section.get::<String>("stun");
    if let Some(stun) = &stun {
        let named = stun.value.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && super::srt::check_host(host).is_ok() && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
        if !named {
            faults.add(&stun.spot, "is no address of a STUN server", "write host:port, such as stun.example:3478");
            return None;
        }
    }
    Some(SourceKind::Whip {
        key,
        latency_ms: section.value("latency_ms")?,
        replace: section.value::<String>("on_second_publisher")? == "replace",
        stun: stun.map(|stun| stun.value),
    })
}
