//! `kind = "whip"`: a guest's browser publishes to the box.

use super::Findings;
use super::checked::SourceKind;
use super::files::Base;
use super::keys::key;
use super::secrets::{self, Credentials, Rule};
use crate::document::{Faults, Key, Kind, Need, Placed, Section};
use crate::model::TurnServer;

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
    key(
        "turn",
        Kind::Text(253),
        Need::Optional,
        "TURN server, `host:port`, which relays where NAT or firewalls leave guest and box no direct way. Needs `turn_user` and its password",
    ),
    key("turn_user", Kind::Text(200), Need::Optional, "User of the TURN server"),
    key("turn_password_file", Kind::Path, Need::Optional, "File that holds the password of `turn_user`"),
    key(
        "turn_password_credential",
        Kind::Text(100),
        Need::Optional,
        "The password as a systemd credential (`LoadCredential=`)",
    ),
];

pub(crate) fn read(
    section: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Option<SourceKind> {
    let faults = &mut findings.faults;
    let before = faults.len();
    let key = secrets::read(section, "key", Rule::GuestKey, base, credentials, faults);
    if !section.has("key_file") && !section.has("key_credential") {
        let fix = "add `key_file = \"…\"`; `openssl rand -hex 16` makes a key";
        faults.add(&section.spot("key_file"), "must be given: whoever knows the key may publish", fix);
    }
    let stun = section.get::<String>("stun").and_then(|stun| server(stun, "STUN", faults));
    let turn = turn(section, base, credentials, faults);
    if faults.len() > before {
        return None;
    }
    Some(SourceKind::Whip {
        key,
        latency_ms: section.value("latency_ms")?,
        replace: section.value::<String>("on_second_publisher")? == "replace",
        stun,
        turn,
    })
}

/// The address of a server, if it is one.
fn server(address: Placed<String>, kind: &str, faults: &mut Faults) -> Option<String> {
    let named = address.value.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && super::srt::check_host(host).is_ok() && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if !named {
        let fix = format!("write host:port, such as {}.example:3478", kind.to_lowercase());
        faults.add(&address.spot, format!("is no address of a {kind} server"), fix);
    }
    named.then_some(address.value)
}

/// None, too, where the password cannot be looked at.
fn turn(section: &Section<'_>, base: &Base<'_>, credentials: &Credentials, faults: &mut Faults) -> Option<TurnServer> {
    let password = secrets::read(section, "turn_password", Rule::Password, base, credentials, faults);
    let secret = ["turn_password_file", "turn_password_credential"].into_iter().find(|name| section.has(name));
    let user = section.value::<String>("turn_user");
    let Some(address) = section.get::<String>("turn") else {
        if let Some(alone) = secret.or(section.has("turn_user").then_some("turn_user")) {
            faults.add(&section.spot(alone), "stands without `turn`", "add `turn = \"host:port\"`");
        }
        return None;
    };
    if user.is_none() || secret.is_none() {
        let fix = "add `turn_user = \"…\"` and `turn_password_file = \"…\"`";
        faults.add(&address.spot, "stands without its user and password: a relay knows whom it serves", fix);
    }
    let address = server(address, "TURN", faults)?;
    Some(TurnServer { address, user: user?, password: password? })
}
