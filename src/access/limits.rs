//! Guessing passwords: ten wrong ones of one user from one address, and that pair has to wait, longer each time. Nobody
//! else has to, so nobody can keep others out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::caller::{Peer, Via};

/// Wrong ones before the first wait.
const FREE: u32 = 10;
const FIRST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(3600);
/// After so long without a try, it is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(12 * 3600);
/// Pairs that are remembered: a few hundred kilobytes.
const PAIRS: usize = 4096;
/// Failed logins that the audit log takes in a minute; the rest is only counted.
const NOTED: u32 = 30;

#[derive(Debug, Clone, Copy)]
struct Tries {
    count: u32,
    last: Instant,
    until: Option<Instant>,
}

/// See the module. Pure: time is passed in.
#[derive(Debug, Default)]
pub(super) struct Limits {
    tries: HashMap<(String, String), Tries>,
    minute: Option<(Instant, u32)>,
    failures: u64,
}

impl Limits {
    /// To be asked before a password is looked at, and counted as wrong until [`Limits::right`] is told. What has to be
    /// waited, if anything.
    pub(super) fn begin(&mut self, who: &str, via: &Via, now: Instant) -> Result<(), Duration> {
        let key = (who.to_owned(), place(via));
        self.make_room(&key, now);
        let tries = self.tries.entry(key).or_insert(Tries { count: 0, last: now, until: None });
        if now.saturating_duration_since(tries.last) >= FORGOTTEN {
            *tries = Tries { count: 0, last: now, until: None };
        }
        if let Some(left) = tries.until.map(|until| until.saturating_duration_since(now)).filter(|left| !left.is_zero())
        {
            return Err(left);
        }
        tries.count = tries.count.saturating_add(1);
        tries.last = now;
        tries.until = tries.count.checked_sub(FREE).map(|over| now + wait(over));
        self.failures += 1;
        Ok(())
    }

    /// It was right.
    pub(super) fn right(&mut self, who: &str, via: &Via) {
        self.tries.remove(&(who.to_owned(), place(via)));
        self.failures = self.failures.saturating_sub(1);
    }

    /// Logins that failed.
    pub(super) fn failures(&self) -> u64 {
        self.failures
    }

    /// Whether one more failure of somebody unknown goes into the audit log: a flood must not wash out what is in it.
    pub(super) fn may_note(&mut self, now: Instant) -> bool {
        let (since, count) =
            self.minute.filter(|(since, _)| now.saturating_duration_since(*since).as_secs() < 60).unwrap_or((now, 0));
        self.minute = Some((since, count.saturating_add(1)));
        count < NOTED
    }

    /// Whoever floods this with names makes room at the cost of the least suspicious.
    fn make_room(&mut self, key: &(String, String), now: Instant) {
        if self.tries.len() < PAIRS || self.tries.contains_key(key) {
            return;
        }
        self.tries.retain(|_, tries| now.saturating_duration_since(tries.last) < FORGOTTEN);
        if self.tries.len() >= PAIRS {
            let least = self.tries.iter().min_by_key(|(_, tries)| (tries.count, tries.last));
            if let Some(least) = least.map(|(key, _)| key.clone()) {
                self.tries.remove(&least);
            }
        }
    }
}

fn wait(over: u32) -> Duration {
    FIRST.saturating_mul(1 << over.min(16)).min(LONGEST)
}

/// Whoever has one address of an IPv6 network has all of it.
pub(super) fn place(via: &Via) -> String {
    match via.peer {
        Peer::Network(ip) => match ip.to_canonical() {
            IpAddr::V6(ip) => format!("{:x?}", &ip.segments()[..4]),
            ip => ip.to_string(),
        },
        Peer::Socket { .. } | Peer::Unknown => via.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(ip: &str) -> Via {
        Via { peer: Peer::Network(ip.parse().unwrap()), encrypted: true }
    }

    #[test]
    fn ten_wrong_ones_wait_longer_and_longer() {
        let (mut limits, start, here) = (Limits::default(), Instant::now(), from("192.0.2.7"));
        for n in 0..10 {
            assert_eq!(limits.begin("ada", &here, start), Ok(()), "{n}");
        }
        assert_eq!(limits.begin("ada", &here, start), Err(FIRST));
        let mut now = start + FIRST;
        for seconds in [120, 240, 480, 960, 1920, 3600, 3600] {
            assert_eq!(limits.begin("ada", &here, now), Ok(()));
            assert_eq!(limits.begin("ada", &here, now), Err(Duration::from_secs(seconds)));
            now += Duration::from_secs(seconds);
        }
        assert_eq!(limits.begin("ada", &here, now + FORGOTTEN), Ok(()));
        assert_eq!(limits.begin("ada", &here, now + FORGOTTEN), Ok(()), "it was forgotten");
    }

    #[test]
    fn nobody_keeps_others_out() {
        let (mut limits, now) = (Limits::default(), Instant::now());
        for _ in 0..20 {
            let _ = limits.begin("ada", &from("192.0.2.7"), now);
        }
        assert_eq!(limits.begin("ada", &from("192.0.2.8"), now), Ok(()), "the same user elsewhere");
        assert_eq!(limits.begin("bob", &from("192.0.2.7"), now), Ok(()), "another user here");
        for n in 0..20 {
            let _ = limits.begin("eve", &from(&format!("2001:db8::{n}")), now);
        }
        assert!(limits.begin("eve", &from("2001:db8::ffff"), now).is_err(), "one network");
    }

    #[test]
    fn a_right_one_forgets_the_wrong_ones() {
        let (mut limits, now, here) = (Limits::default(), Instant::now(), from("192.0.2.7"));
        for _ in 0..30 {
            for _ in 0..9 {
                limits.begin("ada", &here, now).unwrap();
            }
            limits.right("ada", &here);
        }
        assert_eq!(limits.failures(), 30 * 8);
    }

    #[test]
    fn a_flood_of_names_neither_grows_nor_frees_who_has_to_wait() {
        let (mut limits, now, here) = (Limits::default(), Instant::now(), from("192.0.2.7"));
        for _ in 0..11 {
            let _ = limits.begin("ada", &here, now);
        }
        for n in 0..2 * PAIRS {
            let _ = limits.begin(&format!("name-{n}"), &here, now);
        }
        assert!(limits.tries.len() <= PAIRS);
        assert!(limits.begin("ada", &here, now).is_err());
        assert_eq!((0..100).filter(|_| limits.may_note(now)).count(), 30);
        assert!(limits.may_note(now + Duration::from_secs(60)));
    }
}
