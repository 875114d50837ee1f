//! Two boxes with the same channel: how they share one destination, and what they say to its origin about it.

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::time::MediaTime;

/// The last element of a lease's address, behind the channel's.
pub const LEASE: &str = "lease";
/// Carries the token of a lease, and in a refusal the one that is in force.
pub const LEASE_HEADER: &str = "uplink-lease";
/// How long a lease may last, milliseconds.
pub const LEASE_MS: RangeInclusive<u64> = 500..=30_000;

/// How two boxes share a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PairMode {
    /// One delivers; the other is ready to go on.
    #[default]
    ActiveStandby,
    /// Both deliver media, the first of a name wins; one tells players.
    ActiveActive,
}

impl fmt::Display for PairMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ActiveStandby => "active-standby",
            Self::ActiveActive => "active-active",
        })
    }
}

/// This box in its pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairing {
    /// How the two share the destination.
    pub mode: PairMode,
    /// This box, by a name that the other does not have.
    pub member: String,
    /// How long the destination waits for a box that is silent, milliseconds.
    pub lease_ms: u32,
    /// It begins to deliver also while nothing keeps its clock right.
    #[serde(default)]
    pub any_clock: bool,
}

/// A box asks the origin for a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseAsk {
    /// Who asks.
    pub member: String,
    /// Which run of it: two boxes that were given one name are still two.
    pub instance: String,
    /// How long the lease shall last.
    pub ttl_ms: u64,
    /// A lease that nobody renews shall be this old before it is given to who asks.
    pub wait_ms: u64,
    /// Media may come from others, too.
    pub shared: bool,
    /// The token of the lease that is to be renewed; none for a new one.
    pub token: Option<u64>,
    /// The lease is given back.
    pub release: bool,
}

/// What the origin says to that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeaseAnswer {
    /// The token, if the lease is theirs.
    pub token: Option<u64>,
    /// It was given back.
    pub released: bool,
    /// Who had the channel before, if it has changed hands.
    pub previous: Option<String>,
    /// Who has it, if it is somebody else.
    pub holder: Option<String>,
    /// For how long at least, milliseconds.
    pub left_ms: u64,
}

impl LeaseAnswer {
    /// Whether what was asked for was done.
    pub fn is_good(&self) -> bool {
        self.token.is_some() || self.released
    }
}

/// What a box of a pair does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PairRole {
    /// It has not heard from the origin yet.
    #[default]
    Asking,
    /// It delivers, and tells players.
    Holder,
    /// It delivers media; the other box tells players.
    Active,
    /// It is ready to go on.
    Standby,
}

/// How the clock of the box is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ClockState {
    /// Whether something keeps it right: NTP, PTP.
    pub synchronised: bool,
    /// How wrong it may be, milliseconds, by what keeps it right.
    pub error_ms: f64,
}

/// The clock of the box, and who keeps it right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ClockStatus {
    /// Whether something keeps it right: NTP, PTP.
    pub synchronised: bool,
    /// How wrong it may be, milliseconds, by what keeps it right.
    pub error_ms: f64,
    /// What keeps it right: `chrony`, `ptp4l`, `systemd-timesyncd`; none if nothing of that is found.
    pub program: Option<String>,
    /// What that goes by: an address, or a reference clock; none if it has none, or does not say.
    pub source: Option<String>,
    /// How far from a reference clock the source is.
    pub stratum: Option<u8>,
    /// By how much the clock is ahead, milliseconds; none if that is not told.
    pub offset_ms: Option<f64>,
}

/// A box in its pair, at one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PairStatus {
    /// As configured.
    pub mode: PairMode,
    /// This box.
    pub member: String,
    /// What it does.
    pub role: PairRole,
    /// Who tells players, as far as this box knows.
    pub holder: Option<String>,
    /// Since when.
    pub since: MediaTime,
    /// Times that it went on after the other box, since the worker started.
    pub takeovers: u64,
    /// Writes of this box that were refused because the other box had the lease, since the worker started.
    pub fenced: u64,
    /// What is not as it should be.
    pub trouble: Option<String>,
    /// The clock that the pair relies on; none where it cannot be told.
    #[serde(default)]
    pub clock: Option<ClockState>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_ask_is_read() {
        let ask: LeaseAsk = serde_json::from_str(r#"{"member":"a","instance":"1","ttl_ms":2000}"#).unwrap();
        assert_eq!((ask.token, ask.release, ask.wait_ms), (None, false, 0));
        assert!(serde_json::from_str::<LeaseAsk>(r#"{"mumber":"a"}"#).is_err());
    }
}
