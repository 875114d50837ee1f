//! Takes: what is kept of them, and what the daemon learns of those that the worker carried out alone.

use std::time::{Duration, SystemTime};

use uplink::model::status::{ProgramOrder, Showing};
use uplink::model::{Corner, Layout, LiveChange, MediaTime, Scene, TakeOrder, Transition};
use uplink::supervisor::{Command, Refusal};

use super::rig::{Rig, id};

fn source(name: &str) -> ProgramOrder {
    ProgramOrder::Source { source: name.parse().unwrap() }
}

fn soon(millis: u64) -> MediaTime {
    MediaTime::from_system(SystemTime::now()) + Duration::from_millis(millis)
}

fn later(order: ProgramOrder, at: MediaTime) -> Command {
    Command::Show(id("a"), Box::new(TakeOrder { at: Some(at), ..TakeOrder::cut(order) }))
}

fn shows(name: &str) -> Showing {
    Showing::Source { source: name.parse().unwrap() }
}

#[test]
fn a_take_names_its_frame_and_without_a_source_it_takes_what_is_in_preview() {
    let rig = Rig::new(&["a"]);
    let daemon = rig.daemon();
    daemon.running("a");
    let take =
        || Command::Show(id("a"), Box::new(TakeOrder { transition: Transition::dissolve(500), ..Default::default() }));
    assert!(matches!(daemon.ask(take()).unwrap_err(), Refusal::Impossible(_)), "nothing is in preview");
    let preview = |order| Command::Change(id("a"), LiveChange::Preview { order });
    assert!(matches!(daemon.ask(preview(Some(source("nobody")))).unwrap_err(), Refusal::UnknownSource(..)));
    daemon.ask(preview(Some(source("two")))).unwrap();
    let taken = daemon.ask(take()).unwrap();
    assert_eq!((taken.changed, taken.showing), (true, Some(shows("two"))));
    let acted = taken.acted.unwrap();
    assert!(acted.at.is_some() && acted.frame.is_some(), "{acted:?}");
    assert_eq!(daemon.channel("a").live.preview, Some(ProgramOrder::Auto), "what was on air is next");
    let scene = |b: &str| ProgramOrder::Scene {
        scene: Scene {
            layout: Layout::Pip,
            corner: Corner::TopLeft,
            size_percent: 30,
            sources: ["one".parse().unwrap(), b.parse().unwrap()],
        },
    };
    let show = |order| Command::Show(id("a"), Box::new(TakeOrder::cut(order)));
    assert!(matches!(daemon.ask(show(scene("one"))).unwrap_err(), Refusal::Impossible(_)));
    assert!(matches!(daemon.ask(show(scene("nobody"))).unwrap_err(), Refusal::UnknownSource(..)));
    assert!(matches!(daemon.ask(show(scene("two"))).unwrap().showing, Some(Showing::Scene { .. })));
    daemon.stop();
}

#[test]
fn of_two_operators_who_take_neither_airs_what_the_other_has_chosen() {
    let rig = Rig::new(&["a"]);
    let daemon = rig.daemon();
    daemon.running("a");
    let preview = |order| Command::Change(id("a"), LiveChange::Preview { order });
    let take =
        |seen: &str| Command::Show(id("a"), Box::new(TakeOrder { expect: Some(source(seen)), ..Default::default() }));
    // Ada sees source two next; before she takes it, Bob puts source one there.
    daemon.ask(preview(Some(source("two")))).unwrap();
    let before = daemon.channel("a").report.unwrap().program.showing;
    daemon.ask(preview(Some(source("one")))).unwrap();
    let refusal = daemon.ask(take("two")).unwrap_err();
    assert!(matches!(refusal, Refusal::PreviewChanged { .. }), "{refusal:?}");
    let text = refusal.to_string();
    assert!(text.starts_with("source one is in preview of channel `a` now, and not source two"), "{text}");
    let channel = daemon.channel("a");
    assert_eq!(channel.report.unwrap().program.showing, before, "nothing was taken");
    assert_eq!(channel.live.preview, Some(source("one")), "Bob's choice is next all the same");
    // Nor does a take that names its source go past that, nor one for later.
    let named = TakeOrder { expect: Some(source("two")), ..TakeOrder::cut(source("two")) };
    let planned = TakeOrder { at: Some(soon(60_000)), ..named.clone() };
    for take in [named, planned] {
        let refusal = daemon.ask(Command::Show(id("a"), Box::new(take))).unwrap_err();
        assert!(matches!(refusal, Refusal::PreviewChanged { .. }), "{refusal:?}");
    }
    assert_eq!(daemon.ask(take("one")).unwrap().showing, Some(shows("one")), "Bob takes what he sees");
    daemon.ask(preview(None)).unwrap();
    let text = daemon.ask(take("two")).unwrap_err().to_string();
    assert!(text.starts_with("nothing is in preview"), "{text}");
    daemon.stop();
}

#[test]
fn a_scheduled_take_is_listed_carried_out_and_not_again_after_a_take_by_hand() {
    let rig = Rig::new(&["a"]);
    let daemon = rig.daemon();
    daemon.running("a");
    let past = MediaTime::from_secs(1_700_000_000);
    assert!(matches!(daemon.ask(later(source("two"), past)).unwrap_err(), Refusal::Impossible(_)));
    let far = soon(25 * 3_600_000);
    assert!(matches!(daemon.ask(later(source("two"), far)).unwrap_err(), Refusal::Impossible(_)));
    daemon.ask(later(source("two"), soon(700))).unwrap();
    daemon.ask(later(ProgramOrder::Slate, soon(3_600_000))).unwrap();
    let listed = daemon.channel("a").live.scheduled;
    assert_eq!(listed.iter().map(|take| take.order.clone()).collect::<Vec<_>>(), [source("two"), ProgramOrder::Slate]);
    daemon.wait("a", |channel| channel.report.as_ref().is_some_and(|report| report.program.showing == shows("two")));
    daemon.wait("a", |channel| channel.live.scheduled.len() == 1);
    daemon.ask(Command::Take(id("a"), "one".parse().unwrap())).unwrap();
    let cancel = |take| Command::Change(id("a"), LiveChange::CancelTake { id: take });
    daemon.ask(cancel(listed[1].id)).unwrap();
    assert!(matches!(daemon.ask(cancel(listed[1].id)).unwrap_err(), Refusal::Impossible(_)));
    assert!(daemon.channel("a").live.scheduled.is_empty());
    daemon.stop();
    let daemon = rig.daemon();
    daemon.wait("a", |channel| channel.report.as_ref().is_some_and(|report| report.program.order == source("one")));
    daemon.stop();
}

#[test]
fn a_take_that_came_due_while_the_worker_was_dead_is_what_the_next_one_shows() {
    let rig = Rig::new(&["a"]);
    let daemon = rig.daemon();
    daemon.running("a");
    daemon.ask(later(source("two"), soon(600))).unwrap();
    daemon.stop();
    std::thread::park_timeout(Duration::from_millis(700));
    let daemon = rig.daemon();
    daemon.wait("a", |channel| channel.report.as_ref().is_some_and(|report| report.program.order == source("two")));
    assert!(daemon.channel("a").live.scheduled.is_empty());
    daemon.stop();
}
