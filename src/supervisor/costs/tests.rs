//! Counting over restarts of everything, budgets, shows.

use proptest::prelude::*;
use serde_json::json;

use super::ledger::{KEEP_DAYS, KEEP_SHOWS, Mark, Place};
use super::*;
use crate::model::cost::{Allowance, Counted, Day, Price};
use crate::store::Pages;

/// 2026-11-21T10:00:00Z.
const NOW: MediaTime = MediaTime::from_secs(1_795_255_200);

fn later(seconds: u64) -> MediaTime {
    NOW + Duration::from_secs(seconds)
}

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// What a worker reports of a destination whose endpoints have these counters.
fn reported(destination: &str, endpoints: &[(&str, u64)]) -> DestinationStatus {
    let health = json!({"health": "healthy", "code": "ok", "reason": "fine", "since": NOW});
    let endpoint = |(name, bytes): &(&str, u64)| {
        json!({
            "name": name, "url": "", "duty": "active", "state": "streaming", "health": health, "fault": null,
            "bytes_sent": bytes, "bytes_acknowledged": bytes, "position": null, "queue_segments": 0,
            "queue_seconds": 0.0, "reconnects": 0, "last_error": null,
        })
    };
    let endpoints: Vec<_> = endpoints.iter().map(endpoint).collect();
    let status = json!({
        "id": destination, "url": "", "state": "streaming", "health": health, "fault": null, "bytes_sent": 0,
        "bytes_acknowledged": 0, "position": null, "queue_segments": 0, "queue_seconds": 0.0, "reconnects": 0,
        "last_error": null, "endpoints": endpoints,
    });
    serde_json::from_value(status).unwrap()
}

fn see(ledger: &mut Ledger, worker: u64, bytes: u64, now: MediaTime) {
    ledger.see(&id("demo"), MediaTime::from_secs(worker), &[reported("cloud", &[("primary", bytes)])], now);
}

fn total(ledger: &Ledger) -> u64 {
    ledger.days.values().flat_map(BTreeMap::values).map(|traffic| traffic.acknowledged).sum()
}

fn on_show(ledger: &Ledger) -> u64 {
    let shows = ledger.shows.values().flatten();
    shows.flat_map(|show| show.traffic.values()).map(|traffic| traffic.acknowledged).sum()
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// The worker sends something.
    Send(u64),
    /// The daemon hears of it.
    Beat,
    /// What was counted is kept.
    Keep,
    /// The daemon is killed, and another one goes on with what was kept.
    Kill,
    /// Another worker.
    Replace,
    /// The endpoint begins anew in the same worker.
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1u64..5000).prop_map(Step::Send),
        4 => Just(Step::Beat),
        2 => Just(Step::Keep),
        1 => Just(Step::Kill),
        1 => Just(Step::Replace),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    /// Whatever is killed when: no byte is counted twice, and none is lost while the worker that sent it is there. A worker
    /// that is gone takes with it what it sent after it was last heard; a daemon, what was counted of such a worker after
    /// the last keeping.
    #[test]
    fn nothing_is_counted_twice_and_little_is_lost(steps in prop::collection::vec(step(), 0..120)) {
        let mut ledger = Ledger::default();
        let (mut worker, mut counter, mut sent) = (1u64, 0u64, 0u64);
        // What is to be counted, and how much of the present counter is in it; the same as it is kept.
        let (mut expected, mut counted) = (0, 0);
        let mut kept = (Pages::new(), 0, 0, 0);
        let lives = steps.iter().all(|step| !matches!(step, Step::Replace | Step::Reopen));
        let hear = |expected: &mut u64, counted: &mut u64, counter: u64| {
            *expected += if counter < *counted { counter } else { counter - *counted };
            *counted = counter;
        };
        for (at, step) in steps.into_iter().enumerate() {
            let now = later(at as u64 * 3600);
            match step {
                Step::Send(bytes) => (counter, sent) = (counter + bytes, sent + bytes),
                Step::Beat => {
                    see(&mut ledger, worker, counter, now);
                    hear(&mut expected, &mut counted, counter);
                }
                Step::Keep => kept = (pages::write(&ledger), expected, worker, counted),
                Step::Kill => {
                    ledger = Ledger::default();
                    ledger.join(pages::read(&kept.0), now);
                    expected = kept.1;
                    counted = if kept.2 == worker { kept.3 } else { 0 };
                }
                Step::Replace => (worker, counter, counted) = (worker + 1, 0, 0),
                Step::Reopen => {
                    // It is missing from one report.
                    ledger.see(&id("demo"), MediaTime::from_secs(worker), &[], now);
                    (counter, counted) = (0, 0);
                }
            }
            prop_assert_eq!(total(&ledger), expected);
            prop_assert!(expected <= sent, "counted twice");
        }
        see(&mut ledger, worker, counter, later(500_000));
        prop_assert!(!lives || total(&ledger) == sent, "{} of {sent}", total(&ledger));
        prop_assert_eq!(on_show(&ledger), total(&ledger), "the first bytes begin a show");
    }

    /// A ledger that can only be read when a daemon has counted for a while: the worker that both know counts once.
    #[test]
    fn what_is_read_late_is_joined(before in 0u64..10_000, between in 0u64..10_000, after in 0u64..10_000, same: bool) {
        let mut old = Ledger::default();
        see(&mut old, 1, before, NOW);
        let kept = pages::write(&old);
        let mut new = Ledger::default();
        let (worker, start) = if same { (1, before) } else { (2, 0) };
        see(&mut new, worker, start + between, later(5));
        new.join(pages::read(&kept), later(9));
        see(&mut new, worker, start + between + after, later(12));
        prop_assert_eq!(total(&new), before + between + after);
    }

    #[test]
    fn pages_say_all_of_a_ledger(
        days in prop::collection::btree_map((0usize..3, 0u64..800), (0u64..1 << 50, 0u64..1 << 50), 0..20),
        shows in prop::collection::vec(("[a-zA-Z /\"ä]{0,12}", 0u64..1 << 40), 0..5),
    ) {
        let place = |n: usize| Place {
            channel: id(["a", "b", "b"][n]), destination: id(["x", "x", "y"][n]), endpoint: id("backup-1"),
        };
        let mut ledger = Ledger::default();
        for ((n, day), (sent, acknowledged)) in days {
            let traffic = Traffic { sent, acknowledged };
            ledger.days.entry(place(n)).or_default().insert(Day::of(later(day * 86_400)), traffic);
            ledger.marks.insert(place(n), Mark { worker: later(day), shown: traffic });
        }
        for (title, bytes) in shows {
            ledger.begin(&id("b"), Some(title), NOW);
            let traffic = Traffic { sent: bytes, acknowledged: bytes };
            ledger.shows.get_mut(&id::<ChannelId>("b")).unwrap().last_mut().unwrap().traffic.insert(id("x"), traffic);
        }
        ledger.told.insert(id("x"), (Month::of(NOW), BudgetLevel::Spent));
        let mut pages = pages::write(&ledger);
        pages.extend([("day/a/b".into(), "?".into()), ("mark/a/x/primary".into(), "{".into()), ("zoo".into(), "1".into())]);
        prop_assert_eq!(pages::read(&pages), ledger);
    }
}

fn budget(gb: f64, when_spent: WhenSpent) -> Budget {
    Budget {
        price: Some(Price { per_gb: 0.1, currency: "EUR".into() }),
        allowance: Some(Allowance::Bytes((gb * 1e9) as u64)),
        counted: Counted::Acknowledged,
        alarm_percent: 80,
        when_spent,
    }
}

fn costs(directory: &std::path::Path) -> (Costs, Store) {
    let (store, _) = Store::open(&directory.join("uplink.db"), |_| {});
    (Costs::kept_by(store.clone(), NOW), store)
}

const GB: u64 = 1_000_000_000;

#[tokio::test]
async fn a_daemon_that_is_killed_goes_on_where_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let worker = MediaTime::from_secs(7);
    let beat = |costs: &Costs, bytes: u64| {
        costs.see(&id("demo"), worker, &[reported("cloud", &[("primary", bytes), ("backup-1", 5)])], NOW);
    };
    let spent =
        |costs: &Costs| costs.status(Month::of(NOW), NOW).channels[0].destinations[0].month.traffic.acknowledged;
    let (before, store) = costs(directory.path());
    beat(&before, 1000);
    // The first beat is written at once, the next ones a minute later.
    beat(&before, 3000);
    assert_eq!(spent(&before), 3005);
    store.flush().await;
    drop((before, store));
    let (after, store) = costs(directory.path());
    assert_eq!(spent(&after), 1005, "what was written");
    beat(&after, 4000);
    assert_eq!(spent(&after), 4005, "the worker was there all the time: so is what it sent");
    after.write();
    store.flush().await;
    drop((after, store));
    let (last, _store) = costs(directory.path());
    last.see(&id("demo"), MediaTime::from_secs(8), &[reported("cloud", &[("primary", 100)])], NOW);
    let status = last.status(Month::of(NOW), NOW);
    let cloud = &status.channels[0].destinations[0];
    assert!(status.complete);
    let endpoints: Vec<_> =
        cloud.endpoints.iter().map(|one| (one.endpoint.as_str(), one.amount.traffic.acknowledged)).collect();
    assert_eq!(endpoints, [("backup-1", 5), ("primary", 4100)]);
    assert_eq!((cloud.days.len(), status.channels[0].shows.len()), (1, 1));
}

#[tokio::test]
async fn a_spent_budget_stops_its_destination_and_no_other_until_the_month_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let (costs, _store) = costs(directory.path());
    let (a, b): (ChannelId, ChannelId) = (id("a"), id("b"));
    let budgets =
        Budgets::from([(id("cloud"), budget(10.0, WhenSpent::Stop)), (id("free"), budget(1e6, WhenSpent::Stop))]);
    costs.set_budgets(&a, budgets.clone());
    costs.set_budgets(&b, budgets);
    let mut orders = BTreeMap::new();
    let beat = |channel: &ChannelId, gb: u64, now: MediaTime| {
        costs.see(
            channel,
            NOW,
            &[reported("cloud", &[("primary", gb * GB)]), reported("free", &[("primary", 9)])],
            now,
        );
    };
    beat(&a, 5, NOW);
    let judged = costs.judge(&a, &orders, NOW);
    assert!(judged.orders.is_empty() && judged.events.is_empty());
    // Both channels are sent there: together they have 8 GB.
    beat(&b, 3, NOW);
    let judged = costs.judge(&b, &orders, NOW);
    assert_eq!(judged.events.iter().map(|event| event.code).collect::<Vec<_>>(), [EventCode::BudgetNear]);
    assert!(judged.events[0].text.contains("80 % of the budget for 2026-11 is spent: 8.00 GB, 0.80 EUR"), "{judged:?}");
    assert!(costs.judge(&a, &orders, NOW).events.is_empty(), "told once");

    beat(&a, 7, later(60));
    let judged = costs.judge(&a, &orders, later(60));
    let held = BudgetOrder { month: id("2026-11"), hold: Hold::Stopped };
    assert_eq!(judged.orders, [(id("cloud"), Some(held))]);
    assert_eq!((judged.events[0].code, judged.events[0].severity), (EventCode::BudgetSpent, Severity::Error));
    let also = costs.judge(&b, &orders, later(60));
    assert_eq!((also.orders, also.events.len()), (judged.orders, 0), "the other channel's, too, without another alarm");

    orders.insert(id("cloud"), DestinationOrder { budget: Some(held), ..DestinationOrder::default() });
    let judged = costs.judge(&a, &orders, later(120));
    assert!(judged.orders.is_empty() && judged.events.is_empty(), "it stands");
    // An operator wants it used.
    orders.get_mut(&id::<DestinationId>("cloud")).unwrap().enable(Some(true));
    let judged = costs.judge(&a, &orders, later(180));
    assert!(judged.orders.is_empty() && judged.events.is_empty(), "{judged:?}");
    // The first of December.
    let december = later(10 * 86_400);
    let judged = costs.judge(&a, &orders, december);
    assert_eq!(judged.orders, [(id("cloud"), None)]);
    orders.get_mut(&id::<DestinationId>("cloud")).unwrap().budget = Some(held);
    let judged = costs.judge(&a, &orders, december);
    assert_eq!((judged.orders.len(), judged.events[0].code), (1, EventCode::BudgetFreed));
}

#[tokio::test]
async fn alarms_are_not_given_again_by_the_next_daemon() {
    let directory = tempfile::tempdir().unwrap();
    let demo: ChannelId = id("demo");
    let budgets = Budgets::from([(id("cloud"), budget(10.0, WhenSpent::Keep))]);
    let orders = BTreeMap::new();
    let (before, store) = costs(directory.path());
    before.set_budgets(&demo, budgets.clone());
    before.see(&demo, NOW, &[reported("cloud", &[("primary", 9 * GB)])], NOW);
    assert_eq!(before.judge(&demo, &orders, NOW).events.len(), 1);
    before.write();
    store.flush().await;
    drop((before, store));
    let (after, _store) = costs(directory.path());
    after.set_budgets(&demo, budgets);
    assert!(after.judge(&demo, &orders, NOW).events.is_empty());
    after.see(&demo, NOW, &[reported("cloud", &[("primary", 10 * GB)])], NOW);
    let judged = after.judge(&demo, &orders, NOW);
    assert_eq!((judged.orders.len(), judged.events[0].code), (0, EventCode::BudgetSpent), "it goes on, as configured");
    // A larger budget: the next alarm is for that.
    after.set_budgets(&demo, Budgets::from([(id("cloud"), budget(20.0, WhenSpent::Keep))]));
    assert!(after.judge(&demo, &orders, NOW).events.is_empty());
    after.see(&demo, NOW, &[reported("cloud", &[("primary", 17 * GB)])], NOW);
    assert_eq!(after.judge(&demo, &orders, NOW).events[0].code, EventCode::BudgetNear);
}

#[tokio::test]
async fn without_its_ledger_a_daemon_lifts_no_hold() {
    let directory = tempfile::tempdir().unwrap();
    let (costs, _store) = costs(&directory.path().join("missing"));
    let demo: ChannelId = id("demo");
    costs.set_budgets(&demo, Budgets::from([(id("cloud"), budget(10.0, WhenSpent::Stop))]));
    let held = BudgetOrder { month: Month::of(NOW), hold: Hold::Stopped };
    let orders =
        BTreeMap::from([(id("cloud"), DestinationOrder { budget: Some(held), ..DestinationOrder::default() })]);
    assert!(costs.judge(&demo, &orders, NOW).orders.is_empty());
    assert!(!costs.status(Month::of(NOW), NOW).complete);
}

#[test]
fn a_show_counts_what_is_sent_while_it_is_on() {
    let demo: ChannelId = id("demo");
    let mut ledger = Ledger::default();
    ledger.begin(&demo, Some("first".into()), NOW);
    see(&mut ledger, 1, 100, later(1));
    ledger.begin(&demo, Some("second".into()), later(2));
    see(&mut ledger, 1, 250, later(3));
    let ended = ledger.end(&demo, later(4)).unwrap();
    assert_eq!((ended.title.as_deref(), ended.ended), (Some("second"), Some(later(4))));
    see(&mut ledger, 1, 1000, later(5));
    assert!(ledger.end(&demo, later(6)).is_none() && !ledger.is_on(&demo));
    let shares: Vec<u64> = ledger.shows[&demo].iter().map(|show| show.traffic[&id("cloud")].acknowledged).collect();
    assert_eq!((shares, total(&ledger)), (vec![100, 150], 1000), "between shows it is nobody's");
}

#[test]
fn a_show_that_was_on_goes_on_when_it_is_found() {
    let demo: ChannelId = id("demo");
    let mut old = Ledger::default();
    old.begin(&demo, Some("cup".into()), NOW);
    see(&mut old, 1, 100, later(1));
    let mut new = Ledger::default();
    see(&mut new, 2, 50, later(100));
    new.join(pages::read(&pages::write(&old)), later(101));
    see(&mut new, 2, 70, later(102));
    let shows = &new.shows[&demo];
    assert_eq!((shows.len(), shows[0].title.as_deref()), (1, Some("cup")));
    assert_eq!(shows[0].traffic[&id("cloud")].acknowledged, 170);
}

#[test]
fn a_year_is_kept_whatever_the_clock_says() {
    let demo: ChannelId = id("demo");
    let mut ledger = Ledger::default();
    see(&mut ledger, 1, 100, NOW);
    // Once it was another century.
    see(&mut ledger, 1, 300, later(100 * 365 * 86_400));
    ledger.prune();
    assert_eq!(ledger.spent(&id("cloud"), Month::of(NOW)).acknowledged, 100);
    (1..=KEEP_DAYS as u64).for_each(|day| see(&mut ledger, 1, 300 + day, later(day * 86_400)));
    (0..=KEEP_SHOWS as u64).for_each(|n| ledger.begin(&demo, None, later(n)));
    ledger.prune();
    let days = ledger.days.values().next().unwrap();
    assert_eq!((days.len(), ledger.shows[&demo].len()), (KEEP_DAYS, KEEP_SHOWS));
    assert!(!days.contains_key(&Day::of(NOW)) && ledger.is_on(&demo), "the oldest go first");
}
