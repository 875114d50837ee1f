//! Who may write to a channel that several boxes are set up for: one lease per channel, with a token that only grows.
//!
//! ```text
//!            claim                       until                     wait of the claimant
//! (nobody) ────────▶ held by a, token n ───────▶ open, token n ────────────────────────▶ held by b, token n + 1
//!                       │  ▲ renewed with n        ▲   │ renewed with n: nobody has it meanwhile
//!                       └──┘      released ────────┘   └──▶ held by a, token n
//! ```
//!
//! - A write that carries an older token is refused, however late it comes: a box that was cut off and does not know it
//!   cannot write over its successor.
//! - A write without a token is refused while a lease is in force. Where the boxes share, media that is not there yet is
//!   taken from any of them: names are places in time, so the first of two is as good as the second.
//! - Tokens outlive the origin: each is on disk before its holder hears of it. After a restart the last holder has as
//!   long as its lease lasts to come back.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::model::ChannelId;
use crate::model::pair::{LeaseAnswer, LeaseAsk};

/// What a write carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The token of its lease.
    pub(crate) token: Option<u64>,
    /// It is not to replace anything (If-None-Match: *).
    pub(crate) create: bool,
}

/// What is kept on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Deed {
    token: u64,
    member: String,
    instance: String,
    shared: bool,
    ttl_ms: u64,
}

#[derive(Debug, Clone)]
struct Lease {
    deed: Deed,
    until: Instant,
}

/// All leases of an origin.
#[derive(Debug)]
pub(crate) struct Leases {
    dir: PathBuf,
    most: usize,
    held: Mutex<HashMap<ChannelId, Lease>>,
}

impl Leases {
    /// Those that an earlier run gave, kept in `dir`; at most `most` channels have one.
    pub(crate) fn open(dir: PathBuf, most: usize, now: Instant) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        let mut held = HashMap::new();
        for entry in fs::read_dir(&dir)?.flatten() {
            let name = entry.file_name();
            let Some(channel) = name.to_str().and_then(|name| ChannelId::new(name).ok()) else { continue };
            let read = fs::read(entry.path()).ok().and_then(|bytes| serde_json::from_slice::<Deed>(&bytes).ok());
            if let Some(deed) = read {
                let until = now + Duration::from_millis(deed.ttl_ms);
                held.insert(channel, Lease { deed, until });
            } else {
                tracing::warn!(path = %entry.path().display(), "a lease cannot be read: the next one begins anew");
            }
        }
        Ok(Self { dir, most, held: Mutex::new(held) })
    }

    /// Gives, renews, ends or refuses a lease. Blocks for the disk when it changes hands.
    pub(crate) fn ask(&self, channel: &ChannelId, ask: &LeaseAsk, now: Instant) -> Result<LeaseAnswer, Problem> {
        let mut held = self.lock();
        let known = held.get_mut(channel);
        if let (Some(lease), true) = (known, ask.token.is_some()) {
            return Ok(renew(lease, ask, now));
        }
        let known = held.get(channel);
        let refused = known.and_then(|lease| refusal(lease, ask, now));
        if let Some(answer) = refused {
            return Ok(answer);
        }
        if ask.release {
            return Ok(LeaseAnswer::default());
        }
        if known.is_none() && held.len() >= self.most {
            return Err(Problem::TooManyChannels(self.most));
        }
        let previous = known.map(|lease| lease.deed.member.clone());
        let deed = Deed {
            token: known.map_or(0, |lease| lease.deed.token) + 1,
            member: ask.member.clone(),
            instance: ask.instance.clone(),
            shared: ask.shared,
            ttl_ms: ask.ttl_ms,
        };
        keep(&self.dir, channel, &deed).map_err(Problem::storage)?;
        let was = previous.as_deref().unwrap_or("nobody");
        tracing::info!("channel {channel}: {} has the lease now (token {}), after {was}", deed.member, deed.token);
        let answer = LeaseAnswer { token: Some(deed.token), previous, ..LeaseAnswer::default() };
        held.insert(channel.clone(), Lease { deed, until: now + Duration::from_millis(ask.ttl_ms) });
        Ok(answer)
    }

    /// Whether a write may be done.
    pub(crate) fn admit(&self, channel: &ChannelId, terms: Terms, playlist: bool, now: Instant) -> Result<(), Problem> {
        let held = self.lock();
        match (held.get(channel), terms.token) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(Problem::LeaseOver { token: 0, holder: "nobody".to_owned() }),
            (Some(lease), Some(token)) if token == lease.deed.token => Ok(()),
            (Some(lease), None) if now >= lease.until => Ok(()),
            (Some(lease), None) if lease.deed.shared && terms.create && !playlist => Ok(()),
            (Some(lease), _) => Err(Problem::LeaseOver { token: lease.deed.token, holder: lease.deed.member.clone() }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ChannelId, Lease>> {
        self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// What is said to somebody who has a lease, or thinks so.
fn renew(lease: &mut Lease, ask: &LeaseAsk, now: Instant) -> LeaseAnswer {
    if ask.token != Some(lease.deed.token) || ask.instance != lease.deed.instance {
        return taken(lease, now);
    }
    if ask.release {
        lease.until = now;
        return LeaseAnswer::default();
    }
    lease.until = now + Duration::from_millis(ask.ttl_ms);
    LeaseAnswer { token: ask.token, ..LeaseAnswer::default() }
}

/// Why a newcomer does not get it (yet).
fn refusal(lease: &Lease, ask: &LeaseAsk, now: Instant) -> Option<LeaseAnswer> {
    // Its own, of which it has not heard; unless it is the one that lets others go first.
    if ask.instance == lease.deed.instance && ask.wait_ms == 0 {
        return None;
    }
    let free = lease.until + Duration::from_millis(ask.wait_ms);
    (now < free).then(|| taken(lease, now))
}

fn taken(lease: &Lease, now: Instant) -> LeaseAnswer {
    let left = lease.until.saturating_duration_since(now);
    LeaseAnswer {
        holder: (!left.is_zero()).then(|| lease.deed.member.clone()),
        left_ms: left.as_millis() as u64,
        ..LeaseAnswer::default()
    }
}

fn keep(dir: &Path, channel: &ChannelId, deed: &Deed) -> io::Result<()> {
    // No channel's name holds a dot.
    let mut draft = tempfile::Builder::new().prefix(".lease").tempfile_in(dir)?;
    draft.write_all(&serde_json::to_vec(deed)?)?;
    draft.as_file().sync_data()?;
    draft.persist(dir.join(channel.as_str())).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(2);

    fn ask(member: &str) -> LeaseAsk {
        LeaseAsk {
            member: member.to_owned(),
            instance: format!("{member}-1"),
            ttl_ms: TTL.as_millis() as u64,
            ..LeaseAsk::default()
        }
    }

    fn with_token(member: &str, token: u64) -> LeaseAsk {
        LeaseAsk { token: Some(token), ..ask(member) }
    }

    fn channel() -> ChannelId {
        ChannelId::new("a").unwrap()
    }

    fn open(dir: &Path, now: Instant) -> Leases {
        Leases::open(dir.to_owned(), 2, now).unwrap()
    }

    fn token(token: u64) -> Terms {
        Terms { token: Some(token), create: false }
    }

    #[test]
    fn one_box_has_it_until_it_stops_to_renew() {
        let (dir, now) = (tempfile::tempdir().unwrap(), Instant::now());
        let leases = open(dir.path(), now);
        let said = |ask: &LeaseAsk, at: Duration| leases.ask(&channel(), ask, now + at).unwrap();
        assert_eq!(said(&ask("a"), Duration::ZERO).token, Some(1));
        let refused = said(&ask("b"), TTL / 2);
        assert_eq!((refused.token, refused.holder.as_deref(), refused.left_ms), (None, Some("a"), 1000));
        assert_eq!(said(&with_token("a", 1), TTL / 2).token, Some(1));
        assert_eq!(said(&ask("b"), TTL).token, None, "renewed");
        let given = said(&ask("b"), TTL * 3 / 2);
        assert_eq!((given.token, given.previous.as_deref()), (Some(2), Some("a")));
        assert_eq!(said(&with_token("a", 1), TTL * 3 / 2).holder.as_deref(), Some("b"));
    }

    #[test]
    fn an_old_token_writes_nothing_and_none_writes_only_where_nobody_holds() {
        let (dir, now) = (tempfile::tempdir().unwrap(), Instant::now());
        let leases = open(dir.path(), now);
        let may = |terms, playlist, at| leases.admit(&channel(), terms, playlist, at).is_ok();
        assert!(may(Terms::default(), true, now), "no pair, no lease");
        assert!(!may(token(1), false, now), "an origin that lost its leases knows no token");
        leases.ask(&channel(), &ask("a"), now).unwrap();
        assert!(may(token(1), true, now) && !may(Terms::default(), false, now));
        assert!(may(token(1), true, now + TTL * 2), "late, but nobody else has it");
        assert!(may(Terms::default(), true, now + TTL));
        leases.ask(&channel(), &ask("b"), now + TTL).unwrap();
        assert!(!may(token(1), false, now + TTL) && may(token(2), false, now + TTL));
    }

    #[test]
    fn those_who_share_add_what_is_not_there_but_tell_nothing() {
        let (dir, now) = (tempfile::tempdir().unwrap(), Instant::now());
        let leases = open(dir.path(), now);
        leases.ask(&channel(), &LeaseAsk { shared: true, ..ask("a") }, now).unwrap();
        let create = Terms { token: None, create: true };
        assert!(leases.admit(&channel(), create, false, now).is_ok());
        assert!(leases.admit(&channel(), create, true, now).is_err());
        assert!(leases.admit(&channel(), Terms::default(), false, now).is_err());
    }

    #[test]
    fn who_has_holes_or_stands_aside_lets_others_go_first() {
        let (dir, now) = (tempfile::tempdir().unwrap(), Instant::now());
        let leases = open(dir.path(), now);
        leases.ask(&channel(), &ask("a"), now).unwrap();
        let patient = LeaseAsk { wait_ms: 500, ..ask("b") };
        let said = |ask: &LeaseAsk, at: Duration| leases.ask(&channel(), ask, now + at).unwrap();
        assert_eq!(said(&LeaseAsk { release: true, ..with_token("a", 1) }, TTL / 2), LeaseAnswer::default());
        assert_eq!(said(&patient, TTL / 2), LeaseAnswer::default());
        let aside = LeaseAsk { wait_ms: 10_000, ..ask("a") };
        assert_eq!(said(&aside, TTL / 2), LeaseAnswer::default(), "who gave it back does not take it again at once");
        assert_eq!(said(&ask("c"), TTL / 2).token, Some(2));
        assert_eq!(said(&patient, TTL * 3 / 2).token, None);
        assert_eq!(said(&patient, TTL * 3 / 2 + Duration::from_millis(500)).token, Some(3));
    }

    #[test]
    fn tokens_outlive_the_origin_and_its_channels_are_bounded() {
        let (dir, now) = (tempfile::tempdir().unwrap(), Instant::now());
        open(dir.path(), now).ask(&channel(), &ask("a"), now).unwrap();
        let leases = open(dir.path(), now);
        assert!(leases.admit(&channel(), token(1), true, now).is_ok());
        assert_eq!(leases.ask(&channel(), &ask("b"), now).unwrap().holder.as_deref(), Some("a"));
        assert_eq!(leases.ask(&channel(), &with_token("a", 1), now).unwrap().token, Some(1));
        let ask_of = |name: &str| leases.ask(&ChannelId::new(name).unwrap(), &ask("a"), now);
        assert!(ask_of("b").is_ok() && ask_of("c").is_err());
    }

    #[test]
    fn a_lost_answer_costs_nothing() {
        let (dir, now) = (tempfile::tempdir().unwrap(), Instant::now());
        let leases = open(dir.path(), now);
        leases.ask(&channel(), &ask("a"), now).unwrap();
        assert_eq!(leases.ask(&channel(), &ask("a"), now).unwrap().token, Some(2));
    }
}
