//! The life of an alarm, on a clock that the test moves.

use proptest::prelude::*;

use super::*;
use crate::model::AlarmCounts;

fn at(secs: u64) -> MediaTime {
    MediaTime::from_secs(1_790_000_000 + secs)
}

fn key(code: AlarmCode, subject: &str) -> AlarmKey {
    AlarmKey { code, channel: "demo".parse().ok(), subject: Some(subject.into()) }
}

fn lost(priority: AlarmPriority) -> Sighting {
    Sighting {
        key: key(AlarmCode::SourceLost, "cam"),
        priority,
        reason: "no picture".into(),
        since: None,
        enter: Duration::from_secs(2),
        clear: Duration::from_secs(3),
    }
}

const ID: &str = "source_lost.demo.cam";

#[derive(Default)]
struct Desk(Annunciator);

impl Desk {
    fn seen(&mut self, secs: u64) -> Vec<AlarmNews> {
        self.step(secs, vec![lost(AlarmPriority::Warning)], Unseen::Absent)
    }

    fn absent(&mut self, secs: u64) -> Vec<AlarmNews> {
        self.step(secs, Vec::new(), Unseen::Absent)
    }

    fn step(&mut self, secs: u64, sightings: Vec<Sighting>, unseen: Unseen) -> Vec<AlarmNews> {
        self.0.see(at(secs), sightings, |_| unseen).into_iter().map(|(news, _)| news).collect()
    }

    fn one(&self) -> Alarm {
        self.0.list().remove(0)
    }
}

/// Raised, and seen by nobody.
fn raised() -> Desk {
    let mut desk = Desk::default();
    assert!(desk.seen(0).is_empty() && desk.seen(1).is_empty());
    assert_eq!(desk.seen(2), [AlarmNews::Raised]);
    desk
}

#[test]
fn what_does_not_last_is_no_alarm() {
    let mut desk = Desk::default();
    assert!(desk.seen(0).is_empty() && desk.seen(1).is_empty() && desk.absent(2).is_empty());
    assert!(desk.seen(3).is_empty() && desk.seen(4).is_empty(), "it has to last anew");
    assert_eq!(desk.seen(5), [AlarmNews::Raised]);
    assert_eq!((desk.one().since, desk.one().count), (at(3), 1));
    assert!(desk.seen(6).is_empty(), "once");
}

#[test]
fn what_is_known_to_last_already_counts_at_once() {
    let mut desk = Desk::default();
    let long = Sighting { since: Some(at(0)), ..lost(AlarmPriority::Warning) };
    assert_eq!(desk.step(100, vec![long], Unseen::Absent), [AlarmNews::Raised]);
    assert_eq!(desk.one().since, at(0));
}

#[test]
fn it_is_over_when_it_was_gone_for_a_while_and_stays_until_somebody_saw_it() {
    let mut desk = raised();
    assert!(desk.absent(10).is_empty() && desk.seen(12).is_empty() && desk.absent(13).is_empty());
    assert!(desk.absent(15).is_empty(), "the time begins anew");
    assert_eq!(desk.absent(16), [AlarmNews::Cleared]);
    let alarm = desk.one();
    assert_eq!((alarm.active, alarm.cleared, alarm.acked), (false, Some(at(13)), None));
    let (alarm, changed) = desk.0.ack(ID, Some("ada".into()), at(20)).unwrap();
    assert!(changed && alarm.acked.is_some() && desk.0.list().is_empty());
    assert_eq!(desk.0.ack(ID, None, at(21)), Err(AlarmRefusal::Unknown(ID.into())));
}

#[test]
fn one_that_was_seen_goes_when_it_is_over() {
    let mut desk = raised();
    assert!(desk.0.ack(ID, None, at(3)).unwrap().1);
    assert!(!desk.0.ack(ID, None, at(4)).unwrap().1, "it was so already");
    desk.absent(10);
    assert_eq!(desk.absent(13), [AlarmNews::Cleared]);
    assert!(desk.0.list().is_empty());
}

#[test]
fn one_that_gets_worse_has_to_be_seen_again() {
    let mut desk = raised();
    desk.0.ack(ID, None, at(3)).unwrap();
    let news = desk.step(4, vec![lost(AlarmPriority::Critical)], Unseen::Absent);
    assert_eq!((news, desk.one().acked), (vec![AlarmNews::Raised], None));
    assert!(desk.seen(5).is_empty(), "getting better is no news");
    assert_eq!(desk.one().priority, AlarmPriority::Warning);
}

#[test]
fn what_cannot_be_judged_stays_and_what_nobody_wants_ends() {
    let mut desk = raised();
    for secs in 10..100 {
        assert!(desk.step(secs, Vec::new(), Unseen::Unknown).is_empty());
    }
    assert!(desk.absent(100).is_empty(), "the time begins when it can be judged");
    assert_eq!(desk.step(101, Vec::new(), Unseen::Moot), [AlarmNews::Cleared]);
}

#[test]
fn one_that_chatters_holds() {
    let mut desk = raised();
    for round in 1..3 {
        let begin = round * 20;
        desk.absent(begin);
        assert_eq!(desk.absent(begin + 3), [AlarmNews::Cleared]);
        desk.seen(begin + 10);
        assert_eq!(desk.seen(begin + 12), [AlarmNews::Raised]);
    }
    assert_eq!(desk.one().count, 3);
    assert!(desk.absent(60).is_empty() && desk.absent(119).is_empty());
    assert_eq!(desk.absent(120), [AlarmNews::Cleared]);
}

#[test]
fn one_that_is_put_aside_comes_back() {
    let mut desk = raised();
    assert_eq!(desk.0.shelve(ID, 31, "rain".into(), None, at(3)), Err(AlarmRefusal::TooLong(31)));
    assert!(desk.0.shelve(ID, 30, "the camera is being moved".into(), None, at(3)).unwrap().1);
    assert_eq!(AlarmCounts::of(&desk.0.list()), AlarmCounts { shelved: 1, ..AlarmCounts::default() });
    assert!(desk.seen(3 + 1799).is_empty());
    assert_eq!(desk.seen(3 + 1800), [AlarmNews::Unshelved]);
    assert_eq!(AlarmCounts::of(&desk.0.list()).warning, 1);
    desk.0.shelve(ID, 1, "again".into(), None, at(2000)).unwrap();
    assert!(desk.0.unshelve(ID).unwrap().1 && !desk.0.unshelve(ID).unwrap().1);
}

#[test]
fn a_new_daemon_neither_forgets_nor_raises_again() {
    let mut desk = raised();
    desk.0.ack(ID, Some("ada".into()), at(3)).unwrap();
    let kept = desk.0.list();
    let mut next = Desk::default();
    next.0.restore(kept.clone());
    assert!(next.step(50, Vec::new(), Unseen::Unknown).is_empty() && next.seen(51).is_empty());
    assert_eq!(next.0.list(), kept);
    // The store could not be read at first.
    let mut late = raised();
    late.0.restore(kept);
    assert_eq!(late.one().acked.unwrap().by.as_deref(), Some("ada"));
}

#[test]
fn the_oldest_that_are_over_make_room() {
    let mut desk = Desk::default();
    for n in 0..MOST as u64 + 50 {
        let one = Sighting {
            key: key(AlarmCode::SourceLost, &format!("cam-{n}")),
            enter: Duration::ZERO,
            ..lost(AlarmPriority::Info)
        };
        desk.step(n, vec![one], Unseen::Moot);
    }
    assert_eq!(desk.0.list().len(), MOST);
    assert_eq!(desk.0.raised().values().sum::<u64>(), MOST as u64 + 50);
}

proptest! {
    /// Whatever is seen and whoever does what: an alarm is over only after it was raised, and is listed while it is active.
    #[test]
    fn news_alternate(steps in prop::collection::vec((0u8..6, 1u64..40), 1..200)) {
        let mut desk = Desk::default();
        let (mut secs, mut active) = (0, false);
        for (what, passes) in steps {
            secs += passes;
            let news = match what {
                0 | 1 => desk.seen(secs),
                2 => desk.absent(secs),
                3 => desk.step(secs, Vec::new(), Unseen::Unknown),
                4 => { let _ = desk.0.ack(ID, None, at(secs)); Vec::new() }
                _ => { let _ = desk.0.shelve(ID, 1, "x".into(), None, at(secs)); Vec::new() }
            };
            for one in news {
                match one {
                    AlarmNews::Raised => { prop_assert!(!active); active = true; }
                    AlarmNews::Cleared => { prop_assert!(active); active = false; }
                    _ => {}
                }
            }
            prop_assert_eq!(desk.0.list().iter().any(|alarm| alarm.active), active);
        }
    }
}
