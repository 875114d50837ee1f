//! `[destinations.<id>.pair]`: two boxes with the same channel deliver to one origin.

use std::time::Duration;

use super::Findings;
use super::checked::DestinationKind;
use super::keys::key;
use crate::document::{Key, Kind, Need, Section, Shape};
use crate::model::pair::{LEASE_MS, PairMode, Pairing};
use crate::model::upload::StoreKind;

pub(super) const PAIR: Key = key(
    "pair",
    Kind::Table(&SHAPE),
    Need::Optional,
    "Two boxes with the same channel, stream class and synchronised clocks deliver here, and players see one. Only at `uplink-origin`, which gives the lease",
);

static SHAPE: Shape = Shape::plain(
    "This box in a pair. The other one has the same destination with another `member`. Cues and metadata have to be sent \
     to both.",
    &[
        key(
            "member",
            Kind::Text(40),
            Need::Required("\"a\""),
            "Name of this box in the pair: letters, digits, `-` and `_`; the other box has another one",
        ),
        key(
            "mode",
            Kind::Word(&[
                ("active-standby", "one delivers, the other is ready to go on"),
                (
                    "active-active",
                    "both deliver media, and the first of a name wins; one of them tells players. Takes the line twice",
                ),
            ]),
            Need::Default("\"active-standby\""),
            "How the two share the destination",
        ),
        key(
            "lease",
            Kind::Span,
            Need::Default("\"2s\""),
            "How long a box may be silent before the other one goes on; 500 ms to 30 s. Renewed three times as often: a line that is full for longer than a third of it may lose it",
        ),
        key(
            "clock",
            Kind::Word(&[
                (
                    "synchronised",
                    "while nothing keeps its clock right (NTP, PTP) this box does not begin to deliver; once it does, it goes on",
                ),
                ("any", "it does: the other box cuts its segments elsewhere if their clocks differ"),
            ]),
            Need::Default("\"synchronised\""),
            "What clock this box needs to take its turn",
        ),
    ],
);

/// Reads it; none if there is none, or it is faulty.
pub(super) fn read(
    section: &Section<'_>,
    primary: Option<&DestinationKind>,
    findings: &mut Findings,
) -> Option<Pairing> {
    if !section.has("pair") {
        return None;
    }
    let pair = section.table("pair")?;
    let faults = &mut findings.faults;
    if section.has("backups") {
        faults.add(&section.spot("pair"), "does not go together with `backups`", "use one of the two");
    }
    if section.has("encryption") {
        let why = "does not go together with `encryption`: a box that takes over does not know the keys of what the other told";
        faults.add(&section.spot("pair"), why, "use one of the two");
    }
    if let Some(DestinationKind::HlsPush { upload, .. }) = primary
        && upload.store != StoreKind::Origin
    {
        let why = "needs an origin that gives leases: no bucket and no WebDAV server does";
        faults.add(&section.spot("pair"), why, "push to an `uplink-origin`, or remove it");
    }
    let member = pair.get::<String>("member")?;
    let good = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if member.value.is_empty() || !member.value.bytes().all(good) {
        faults.add(&member.spot, "is no name of a box: letters, digits, `-` and `_`", "write for example \"a\"");
    }
    let lease = pair.get::<Duration>("lease")?;
    let millis = u64::try_from(lease.value.as_millis()).unwrap_or(u64::MAX);
    if !LEASE_MS.contains(&millis) {
        faults.add(&lease.spot, "must be 500 ms to 30 s", "write \"2s\"");
    }
    let mode = match pair.value::<String>("mode")?.as_str() {
        "active-active" => PairMode::ActiveActive,
        _ => PairMode::ActiveStandby,
    };
    let any_clock = pair.value::<String>("clock")? == "any";
    Some(Pairing { mode, member: member.value, lease_ms: u32::try_from(millis).unwrap_or(u32::MAX), any_clock })
}
