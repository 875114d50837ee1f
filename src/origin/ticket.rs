//! Signed playback: a ticket in the path says which channel may be watched, until when, and by whom.
//!
//! ```text
//! /live/<ticket>/<channel>/multivariant.m3u8
//!        ticket = ~ b|s [p] <expiry, Unix seconds, hex> . <signature, 32 hex digits>
//!        b: to begin with, minutes; s: a session, handed out for a `b`; p: good from one peer address only
//!
//! signature = first 16 bytes of HMAC-SHA256(day key, "uplink playback 1\n<channel>\n<b|s[p]>\n<expiry, decimal>\n<address>")
//! day key   = HMAC-SHA256(master, "uplink playback key of day <expiry / 86400>"); the address is empty without `p`
//! ```
//!
//! It stands in the path, so the relative addresses of playlists carry it along: no cookie, no script, and a player knows
//! nothing of it. The key is derived for each day from a master key (HMAC-SHA256 of the number of the day on which the
//! ticket expires), so keys change daily by themselves; a ticket names its day, and those of the day before stay good
//! until they expire. Masters can be changed as well: the first signs, all of them are accepted.

use std::net::IpAddr;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::model::{ChannelId, Secret};

/// The longest that a ticket to begin with is accepted in advance; whoever signs cannot give more away by mistake.
pub const LONGEST_BEGIN: Duration = Duration::from_secs(30 * 60);
/// The longest session.
pub const LONGEST_SESSION: Duration = Duration::from_secs(24 * 3600);
const DAY: u64 = 86_400;
/// Bytes of the signature that are kept.
const SIGNATURE: usize = 16;

/// What a ticket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// To begin to watch.
    Begin,
    /// To go on watching.
    Session,
}

impl Use {
    fn letter(self) -> char {
        match self {
            Use::Begin => 'b',
            Use::Session => 's',
        }
    }

    fn longest(self) -> Duration {
        match self {
            Use::Begin => LONGEST_BEGIN,
            Use::Session => LONGEST_SESSION,
        }
    }
}

/// Why a ticket does not open a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TicketFault {
    #[error(
        "this origin's playback is signed, and the address carries no ticket: ask whoever gave it for a signed one"
    )]
    Missing,
    #[error("the ticket is none, or its signature is wrong: the address was changed, or signed with another key")]
    Wrong,
    #[error("the ticket has expired: ask for a new address")]
    Expired,
    #[error("the ticket lasts longer than this origin accepts: sign it for 30 minutes at most")]
    TooLong,
}

/// What a ticket opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Admission {
    pub(crate) purpose: Use,
    /// Bound to the address that asked.
    pub(crate) bound: bool,
}

/// Signs and checks tickets.
#[derive(Debug, Clone)]
pub struct Signer {
    masters: Vec<Secret>,
}

impl Signer {
    /// With the first of `masters`; all of them are accepted.
    pub(crate) fn new(masters: Vec<Secret>) -> Self {
        Self { masters }
    }

    /// A ticket for `channel` until `expires` (Unix seconds), good from `address` only if there is one.
    pub fn sign(&self, channel: &ChannelId, purpose: Use, expires: u64, address: Option<IpAddr>) -> String {
        let letters = format!("{}{}", purpose.letter(), if address.is_some() { "p" } else { "" });
        let signature = self.masters.first().map(|master| signature(master, channel, &letters, expires, address));
        format!("~{letters}{expires:x}.{}", hex::encode(signature.unwrap_or_default()))
    }

    /// Whether `ticket` opens `channel` to `address` at `now` (Unix seconds).
    pub(crate) fn check(
        &self,
        ticket: &str,
        channel: &ChannelId,
        address: Option<IpAddr>,
        now: u64,
    ) -> Result<Admission, TicketFault> {
        let (head, signed) = ticket.strip_prefix('~').and_then(|t| t.split_once('.')).ok_or(TicketFault::Wrong)?;
        let purpose = match head.chars().next() {
            Some('b') => Use::Begin,
            Some('s') => Use::Session,
            _ => return Err(TicketFault::Wrong),
        };
        let (letters, digits) = if head[1..].starts_with('p') { head.split_at(2) } else { head.split_at(1) };
        let bound = letters.len() == 2;
        let well_formed = !digits.is_empty() && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let expires = u64::from_str_radix(digits, 16).ok().filter(|_| well_formed).ok_or(TicketFault::Wrong)?;
        let signed = hex::decode(signed).map_err(|_| TicketFault::Wrong)?;
        let address = if bound { Some(address.ok_or(TicketFault::Wrong)?) } else { None };
        // Every master is tried, whatever the ones before it said.
        let fits = self.masters.iter().fold(subtle::Choice::from(0), |fits, master| {
            fits | subtle::ConstantTimeEq::ct_eq(
                &signature(master, channel, letters, expires, address)[..],
                &signed[..],
            )
        });
        if !bool::from(fits) {
            return Err(TicketFault::Wrong);
        }
        if expires <= now {
            return Err(TicketFault::Expired);
        }
        if expires - now > purpose.longest().as_secs() {
            return Err(TicketFault::TooLong);
        }
        Ok(Admission { purpose, bound })
    }
}

fn signature(
    master: &Secret,
    channel: &ChannelId,
    letters: &str,
    expires: u64,
    address: Option<IpAddr>,
) -> [u8; SIGNATURE] {
    let key = mac(master.reveal().as_bytes(), &format!("uplink playback key of day {}", expires / DAY));
    // A peer is known by its IPv4 address, whichever way the socket spells it.
    let address = address.map(|address| address.to_canonical().to_string()).unwrap_or_default();
    let whole = mac(&key, &format!("uplink playback 1\n{channel}\n{letters}\n{expires}\n{address}"));
    let mut kept = [0; SIGNATURE];
    kept.copy_from_slice(&whole[..SIGNATURE]);
    kept
}

fn mac(key: &[u8], text: &str) -> [u8; 32] {
    // Keys of any length fit (RFC 2104), so the other arm is never taken; an empty key would still be one nobody has.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_000_000;

    fn channel(name: &str) -> ChannelId {
        ChannelId::new(name).unwrap()
    }

    fn signer(masters: &[&str]) -> Signer {
        Signer::new(masters.iter().map(|master| Secret::new(*master)).collect())
    }

    #[test]
    fn a_ticket_opens_its_channel_until_it_expires() {
        let signer = signer(&["first"]);
        let ticket = signer.sign(&channel("demo"), Use::Begin, NOW + 600, None);
        let open = Admission { purpose: Use::Begin, bound: false };
        assert_eq!(signer.check(&ticket, &channel("demo"), None, NOW), Ok(open.clone()));
        assert_eq!(signer.check(&ticket, &channel("demo"), None, NOW + 599), Ok(open));
        assert_eq!(signer.check(&ticket, &channel("demo"), None, NOW + 600), Err(TicketFault::Expired));
        assert_eq!(signer.check(&ticket, &channel("other"), None, NOW), Err(TicketFault::Wrong));
    }

    #[test]
    fn a_changed_ticket_is_none() {
        let signer = signer(&["first"]);
        let ticket = signer.sign(&channel("demo"), Use::Begin, NOW + 600, None);
        for at in 0..ticket.len() {
            for with in ["0", "f", "~", "."] {
                let changed = format!("{}{with}{}", &ticket[..at], &ticket[at + 1..]);
                let found = signer.check(&changed, &channel("demo"), None, NOW);
                assert!(changed == ticket || found == Err(TicketFault::Wrong), "{changed}: {found:?}");
            }
            let cut = signer.check(&ticket[..at], &channel("demo"), None, NOW);
            assert_eq!(cut, Err(TicketFault::Wrong), "{}", &ticket[..at]);
        }
        for none in ["", "~", "~b", "~bp", "~b.", "~bp.", "~b1.", "~ü1.00", "demo", "~b+1.00", "~x1.00"] {
            assert_eq!(signer.check(none, &channel("demo"), None, NOW), Err(TicketFault::Wrong), "{none}");
        }
    }

    #[test]
    fn a_bound_ticket_is_good_from_its_address_only() {
        let signer = signer(&["first"]);
        let home: IpAddr = "192.0.2.7".parse().unwrap();
        let ticket = signer.sign(&channel("demo"), Use::Session, NOW + 600, Some(home));
        let open = Ok(Admission { purpose: Use::Session, bound: true });
        assert_eq!(signer.check(&ticket, &channel("demo"), Some(home), NOW), open);
        assert_eq!(signer.check(&ticket, &channel("demo"), "::ffff:192.0.2.7".parse().ok(), NOW), open);
        assert_eq!(signer.check(&ticket, &channel("demo"), "192.0.2.8".parse().ok(), NOW), Err(TicketFault::Wrong));
        assert_eq!(signer.check(&ticket, &channel("demo"), None, NOW), Err(TicketFault::Wrong));
    }

    #[test]
    fn no_ticket_lasts_longer_than_its_kind() {
        let signer = signer(&["first"]);
        let long = signer.sign(&channel("demo"), Use::Begin, NOW + 1801, None);
        assert_eq!(signer.check(&long, &channel("demo"), None, NOW), Err(TicketFault::TooLong));
        let session = signer.sign(&channel("demo"), Use::Session, NOW + DAY, None);
        assert!(signer.check(&session, &channel("demo"), None, NOW).is_ok());
    }

    #[test]
    fn keys_change_daily_and_masters_can() {
        let old = signer(&["old"]);
        let midnight = NOW / DAY * DAY + DAY;
        for expires in [midnight - 1, midnight, midnight + 1, midnight + 600] {
            let ticket = old.sign(&channel("demo"), Use::Begin, expires, None);
            assert!(old.check(&ticket, &channel("demo"), None, midnight - 2).is_ok(), "{expires}");
            assert!(signer(&["new", "old"]).check(&ticket, &channel("demo"), None, midnight - 2).is_ok());
            assert_eq!(signer(&["new"]).check(&ticket, &channel("demo"), None, midnight - 2), Err(TicketFault::Wrong));
        }
        let (before, after) = (midnight - 1, midnight + 1);
        let of = |expires| signature(&Secret::new("old"), &channel("demo"), "b", expires, None);
        assert_ne!(of(before), of(after));
    }
}
