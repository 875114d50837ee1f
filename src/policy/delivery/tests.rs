//! Failover as tables, and under random faults.

use super::*;
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

fn policy() -> DeliveryPolicy {
    DeliveryPolicy { hold_off_ms: 300, wait_to_restore_ms: 10_000, ..DeliveryPolicy::default() }
}

fn good() -> Seen {
    Seen { standing: Standing::Good, ready: true }
}

fn bad() -> Seen {
    Seen { standing: Standing::Bad("it does not answer".to_owned()), ready: false }
}

fn unknown() -> Seen {
    Seen { standing: Standing::Unknown, ready: false }
}

/// Looks every 100 ms for `long`; the changes, with their time since the beginning.
fn watch(failover: &mut Failover, seen: &[Seen], start: Instant, long: Duration) -> Vec<(Duration, Switch)> {
    let mut told = Vec::new();
    let mut at = Duration::ZERO;
    while at <= long {
        told.extend(failover.look(seen, start + at).map(|switch| (at, switch)));
        at += 100 * MS;
    }
    told
}

#[test]
fn a_bad_primary_is_left_after_the_hold_off() {
    let (mut failover, start) = (Failover::new(policy(), 0), Instant::now());
    assert_eq!(watch(&mut failover, &[good(), good()], start, 5000 * MS), []);
    let told = watch(&mut failover, &[bad(), good()], start + 6000 * MS, 5000 * MS);
    let reason = Reason::Fault("it does not answer".to_owned());
    assert_eq!(told, [(300 * MS, Switch { from: 0, to: 1, reason })]);
    assert_eq!((failover.duty(0), failover.duty(1)), (Duty::Restoring, Duty::Active));
}

#[test]
fn a_fault_shorter_than_the_hold_off_is_no_fault() {
    let (mut failover, start) = (Failover::new(policy(), 0), Instant::now());
    for round in 0..20 {
        let at = start + 400 * MS * round;
        assert_eq!(watch(&mut failover, &[bad(), good()], at, 200 * MS), []);
        assert_eq!(failover.look(&[good(), good()], at + 300 * MS), None);
    }
}

#[test]
fn the_primary_returns_when_it_was_good_and_ready_for_long_enough() {
    let (mut failover, start) = (Failover::new(policy(), 1), Instant::now());
    assert_eq!(watch(&mut failover, &[bad(), good()], start, 20_000 * MS), []);
    let unready = Seen { ready: false, ..good() };
    assert_eq!(watch(&mut failover, &[unready, good()], start + 21_000 * MS, 20_000 * MS), []);
    let told = watch(&mut failover, &[good(), good()], start + 41_100 * MS, 1000 * MS);
    assert_eq!(told, [(Duration::ZERO, Switch { from: 1, to: 0, reason: Reason::Restored })]);
}

#[test]
fn it_does_not_return_where_an_operator_has_to_say_so() {
    let manual = DeliveryPolicy { revert: Revert::Manual, ..policy() };
    let (mut failover, start) = (Failover::new(manual, 1), Instant::now());
    assert_eq!(watch(&mut failover, &[good(), good()], start, 60_000 * MS), []);
    failover.force(Some(0));
    assert_eq!(failover.look(&[good(), good()], start).map(|switch| switch.reason), Some(Reason::Forced));
}

#[test]
fn what_is_forced_stands_whatever_happens() {
    let (mut failover, start) = (Failover::new(policy(), 0), Instant::now());
    failover.force(Some(1));
    let told = watch(&mut failover, &[good(), bad()], start, 60_000 * MS);
    assert_eq!(told, [(Duration::ZERO, Switch { from: 0, to: 1, reason: Reason::Forced })]);
    failover.force(None);
    let told = watch(&mut failover, &[good(), bad()], start + 61_000 * MS, 1000 * MS);
    assert_eq!(told.len(), 1, "released: {told:?}");
}

#[test]
fn a_dead_backup_is_no_refuge() {
    let (mut failover, start) = (Failover::new(policy(), 0), Instant::now());
    assert_eq!(watch(&mut failover, &[bad(), bad()], start, 20_000 * MS), []);
    let told = watch(&mut failover, &[bad(), bad(), good()], start + 20_000 * MS, 1000 * MS);
    assert_eq!(told.iter().map(|(_, switch)| switch.to).collect::<Vec<_>>(), [2]);
}

#[test]
fn endpoints_of_which_nothing_is_known_are_tried_in_turn() {
    let (mut failover, start) = (Failover::new(policy(), 0), Instant::now());
    let mut tried = Vec::new();
    for step in 0..200u32 {
        let at = start + 100 * MS * step;
        // What is used turns out to be bad; what is not used is not known.
        let seen: Vec<Seen> = (0..3).map(|place| if place == failover.active() { bad() } else { unknown() }).collect();
        tried.extend(failover.look(&seen, at).map(|switch| switch.to));
    }
    assert_eq!(tried, [1, 2, 0, 1], "one every five seconds");
}

#[test]
fn a_primary_that_fails_again_and_again_waits_longer() {
    let (mut failover, mut now) = (Failover::new(policy(), 0), Instant::now());
    let mut waits = Vec::new();
    for _ in 0..4 {
        let left = watch(&mut failover, &[bad(), good()], now, 1000 * MS);
        assert_eq!(left.len(), 1);
        now += 2000 * MS;
        let back = watch(&mut failover, &[good(), good()], now, 200_000 * MS);
        waits.push(back[0].0.as_secs());
        now += back[0].0;
    }
    assert_eq!(waits, [10, 20, 40, 80]);
}

/// What a step of a hostile world does to the endpoints.
fn worlds() -> impl Strategy<Value = Vec<(u8, Vec<Seen>, Option<Option<usize>>)>> {
    let seen = prop_oneof![3 => Just(good()), 3 => Just(bad()), 1 => Just(unknown()),
        1 => Just(Seen { ready: false, ..good() })];
    let force = prop::option::weighted(0.05, prop::option::of(0usize..3));
    prop::collection::vec((1u8..40, prop::collection::vec(seen, 3), force), 1..60)
}

proptest! {
    #[test]
    fn one_is_active_and_it_is_a_good_one(steps in worlds()) {
        let (mut failover, mut now) = (Failover::new(policy(), 0), Instant::now());
        let mut forced = None;
        let mut restored: Option<Instant> = None;
        let mut primary_good: Option<Instant> = None;
        for (length, seen, force) in steps {
            if let Some(force) = force {
                forced = force;
                failover.force(force);
            }
            let mut since_change = Duration::ZERO;
            for _ in 0..length {
                now += 100 * MS;
                since_change += 100 * MS;
                let was = failover.active();
                let good_primary = seen[0].standing == Standing::Good;
                primary_good = if good_primary && was != 0 { primary_good.or(Some(now)) } else { None };
                let switch = failover.look(&seen, now);
                let active = (0..3).filter(|place| failover.duty(*place) == Duty::Active).count();
                prop_assert_eq!(active, 1);
                if let Some(switch) = &switch {
                    prop_assert_eq!((switch.from, switch.to), (was, failover.active()));
                    match &switch.reason {
                        Reason::Forced => prop_assert_eq!(forced, Some(switch.to)),
                        Reason::Restored => {
                            prop_assert!(forced.is_none() && seen[0].ready);
                            let since = primary_good.expect("it was good");
                            prop_assert!(now - since >= Duration::from_secs(10) - 100 * MS);
                            prop_assert!(restored.is_none_or(|at| now - at >= Duration::from_secs(10)));
                            restored = Some(now);
                        }
                        Reason::Fault(_) => {
                            prop_assert!(forced.is_none());
                            prop_assert!(matches!(seen[switch.from].standing, Standing::Bad(_)));
                            prop_assert!(!matches!(seen[switch.to].standing, Standing::Bad(_)));
                        }
                    }
                }
                match forced {
                    Some(forced) => prop_assert_eq!(failover.active(), forced),
                    // The hold-off begins when the endpoint in use is first seen to be bad.
                    None if since_change > 500 * MS => {
                        let any = seen.iter().any(|seen| seen.standing == Standing::Good);
                        let active = &seen[failover.active()].standing;
                        prop_assert!(!any || !matches!(active, Standing::Bad(_)), "{active:?} of {seen:?}");
                    }
                    None => {}
                }
            }
        }
    }
}
