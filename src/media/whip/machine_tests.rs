//! Of the state machine of a session.

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn streaming() -> (Machine, Instant) {
    let (mut machine, now) = (Machine::new(), Instant::now());
    assert_eq!(machine.on(Event::Tick, now, 0.0), [Action::Offer]);
    assert_eq!(machine.on(Event::Offered(Ok(())), now, 0.0), [Action::Post]);
    assert_eq!(machine.on(Event::Answered(Ok(())), now, 0.0), []);
    assert_eq!(machine.on(Event::Connected, now, 0.0), [Action::Feed]);
    assert_eq!(machine.state(), DestinationState::Connecting, "connected is no evidence of media");
    assert_eq!(machine.on(Event::Acknowledged, now, 0.0), [Action::Tell(Told::Connected(None))]);
    assert_eq!(machine.state(), DestinationState::Streaming);
    (machine, now)
}

#[test]
fn another_offer_is_made_at_once_if_the_answer_wants_one() {
    let (mut machine, now) = (Machine::new(), Instant::now());
    machine.on(Event::Tick, now, 0.0);
    assert_eq!(machine.on(Event::Otherwise, now, 0.0), [], "there is no answer yet");
    machine.on(Event::Offered(Ok(())), now, 0.0);
    assert_eq!(machine.on(Event::Otherwise, now, 0.0), [Action::Drop, Action::Offer]);
    assert_eq!(machine.on(Event::Offered(Ok(())), now, 0.0), [Action::Post]);
    assert_eq!((machine.state(), machine.trouble()), (DestinationState::Connecting, None));
}

#[test]
fn a_peer_that_reports_nothing_new_is_lost_although_connected() {
    let (mut machine, start) = streaming();
    let due = machine.due().unwrap();
    assert_eq!(due, start + STALL);
    assert_eq!(machine.on(Event::Tick, due - Duration::from_millis(1), 0.0), []);
    let actions = machine.on(Event::Tick, due, 0.0);
    assert!(
        matches!(&actions[..], [Action::Doubt, Action::Restart, Action::Tell(Told::Interrupted(_))]),
        "{actions:?}"
    );
    assert_eq!(machine.state(), DestinationState::Interrupted, "a backup may take over at once");
}

/// Streaming, then silent.
fn restarting() -> (Machine, Instant, Instant) {
    let (mut machine, start) = streaming();
    let now = start + STALL;
    assert_eq!(machine.on(Event::Tick, now, 0.0).len(), 3);
    assert!(machine.doubts());
    (machine, start, now)
}

#[test]
fn a_session_that_can_be_mended_is_kept_through_a_cut() {
    let (mut machine, start, mut now) = restarting();
    while now < start + 10 * SECOND {
        assert_eq!(machine.on(Event::Restarted(Begun::Silent), now, 0.0), [], "nobody answers");
        let due = machine.due().unwrap();
        assert!(due - now <= ASK.cap);
        now = due;
        assert_eq!(machine.on(Event::Tick, now, 0.0), [Action::Restart]);
    }
    machine.on(Event::Restarted(Begun::Agreed), now, 0.0);
    now += SECOND;
    let back = machine.on(Event::Acknowledged, now, 0.0);
    assert_eq!(back, [Action::Trust, Action::Tell(Told::Connected(Some(now - start)))]);
    assert_eq!((machine.state(), machine.reconnects()), (DestinationState::Streaming, 1));
}

#[test]
fn a_session_that_goes_on_by_itself_is_left_alone() {
    let refused = || Event::Restarted(Begun::Refused(Verdict::lost("it takes no changes")));
    // Whether the sign or the refusal comes first, there is time for a report.
    for sign_first in [true, false] {
        let (mut machine, _, now) = restarting();
        let events = if sign_first { [Event::Sign, refused()] } else { [refused(), Event::Sign] };
        for event in events {
            assert_eq!(machine.on(event, now, 0.0), []);
        }
        assert_eq!(machine.due(), Some(now + STALL), "{sign_first}");
        assert_eq!(machine.on(Event::Restarted(Begun::Silent), now, 0.0), []);
        assert_eq!(machine.due(), Some(now + STALL), "nobody is asked any more");
        assert_eq!(machine.state(), DestinationState::Interrupted, "a sign is no report");
        let back = machine.on(Event::Acknowledged, now + SECOND, 0.0);
        assert_eq!(back[0], Action::Trust);
        assert_eq!(machine.state(), DestinationState::Streaming);
    }
    let (mut machine, _, now) = restarting();
    machine.on(Event::Sign, now, 0.0);
    machine.on(refused(), now, 0.0);
    assert_eq!(machine.on(Event::Tick, now + STALL, 0.0), [Action::Drop], "but not for ever");
}

#[test]
fn a_report_that_was_late_is_not_waited_for_for_ever() {
    let (mut machine, mut now) = streaming();
    now += 4 * SECOND;
    machine.on(Event::Acknowledged, now, 0.0);
    assert_eq!(machine.due(), Some(now + 9 * SECOND));
    for _ in 0..20 {
        now += SECOND;
        machine.on(Event::Acknowledged, now, 0.0);
    }
    assert_eq!(machine.due(), Some(now + 3 * SECOND));
}

#[test]
fn a_session_that_cannot_be_mended_is_replaced() {
    let (mut machine, _, now) = restarting();
    let gone = Event::Restarted(Begun::Gone(Verdict::lost("it is gone")));
    assert_eq!(machine.on(gone, now, 0.0), [Action::Drop], "told already");
    assert_eq!(machine.due(), Some(now + BACKOFF.first));
    let (mut machine, _, now) = restarting();
    let refused = Event::Restarted(Begun::Refused(Verdict::lost("it takes no changes")));
    assert_eq!(machine.on(refused.clone(), now, 0.0), [], "media may arrive by themselves");
    assert_eq!(machine.on(Event::Tick, now + BY_ITSELF, 0.0), [Action::Drop]);
    assert_eq!(machine.trouble().unwrap().text, "it takes no changes");
    let (mut machine, _, now) = restarting();
    machine.on(Event::Acknowledged, now, 0.0);
    assert_eq!(machine.on(refused, now, 0.0), [], "too late to matter");
    assert_eq!(machine.state(), DestinationState::Streaming);
    let (mut machine, _, now) = restarting();
    machine.on(Event::Restarted(Begun::Agreed), now, 0.0);
    assert_eq!(machine.due(), Some(now + RESTART));
    assert_eq!(machine.on(Event::Tick, now + RESTART, 0.0), [Action::Drop], "agreed, and nothing came of it");
    let (mut machine, _, now) = restarting();
    assert_eq!(machine.on(Event::Tick, now + LINGER, 0.0), [Action::Drop], "no answer at all");
}

#[test]
fn who_reports_seldom_is_given_two_of_its_intervals() {
    let (mut machine, start) = streaming();
    machine.on(Event::Acknowledged, start + 2 * SECOND, 0.0);
    assert_eq!(machine.due(), Some(start + 7 * SECOND));
    machine.on(Event::Acknowledged, start + 9 * SECOND, 0.0);
    assert_eq!(machine.due(), Some(start + 9 * SECOND + STALL_MOST));
}

#[test]
fn a_cut_of_ten_seconds_leaves_retries_close_together() {
    let (mut machine, start) = streaming();
    let mut now = start + STALL;
    machine.on(Event::Lost(Verdict::lost("closed")), now, 0.0);
    while now < start + 10 * SECOND {
        now = machine.due().unwrap();
        assert_eq!(machine.on(Event::Tick, now, 0.0), [Action::Offer]);
        machine.on(Event::Offered(Ok(())), now, 0.0);
        // As long as the connection may take.
        now += Duration::from_millis(1500);
        machine.on(Event::Answered(Err(Verdict::lost("no route"))), now, 0.0);
    }
    assert!(machine.due().unwrap() - now < Duration::from_millis(1200), "{:?}", machine.due().unwrap() - now);
}

#[test]
fn a_return_is_counted_and_says_how_long_it_was_away() {
    let (mut machine, start) = streaming();
    machine.on(Event::Lost(Verdict::lost("closed")), start + SECOND, 0.0);
    let now = machine.due().unwrap();
    machine.on(Event::Tick, now, 0.0);
    machine.on(Event::Offered(Ok(())), now, 0.0);
    machine.on(Event::Answered(Ok(())), now, 0.0);
    machine.on(Event::Connected, now, 0.0);
    let back = start + 4 * SECOND;
    assert_eq!(machine.on(Event::Acknowledged, back, 0.0), [Action::Tell(Told::Connected(Some(4 * SECOND)))]);
    assert_eq!((machine.reconnects(), machine.trouble()), (1, None));
}

#[test]
fn a_refusal_is_told_once_and_not_asked_for_again_and_again() {
    let (mut machine, start) = (Machine::new(), Instant::now());
    let refuse = |machine: &mut Machine, now, status| {
        machine.on(Event::Tick, now, 0.0);
        machine.on(Event::Offered(Ok(())), now, 0.0);
        machine.on(Event::Answered(Err(Verdict::refused(status, None))), now, 0.0)
    };
    assert!(matches!(&refuse(&mut machine, start, 401)[..], [Action::Drop, Action::Tell(Told::Refused(_))]));
    assert_eq!(machine.state(), DestinationState::Failed);
    assert_eq!(machine.due(), Some(start + SLOWLY));
    assert_eq!(refuse(&mut machine, start + SLOWLY, 401), [Action::Drop]);
    refuse(&mut machine, start + 2 * SLOWLY, 415);
    assert_eq!(machine.due(), None, "never again");
    assert_eq!(machine.on(Event::Tick, start + 1000 * SLOWLY, 0.0), []);
}

#[test]
fn nothing_is_missed_while_nothing_is_sent() {
    let (mut machine, start) = streaming();
    machine.on(Event::Paused(true), start, 0.0);
    assert_eq!(machine.due(), None);
    assert_eq!(machine.on(Event::Tick, start + 100 * SECOND, 0.0), []);
    machine.on(Event::Paused(false), start + 100 * SECOND, 0.0);
    assert_eq!(machine.due(), Some(start + 100 * SECOND + STALL));
}

fn any_event() -> impl Strategy<Value = Event> {
    let verdict = prop_oneof![
        Just(Verdict::lost("lost")),
        Just(Verdict::refused(503, Some(Duration::from_secs(3)))),
        Just(Verdict::refused(401, None)),
    ];
    prop_oneof![
        Just(Event::Tick),
        Just(Event::Connected),
        Just(Event::Acknowledged),
        Just(Event::Sign),
        Just(Event::Otherwise),
        any::<bool>().prop_map(Event::Paused),
        verdict.clone().prop_map(Event::Lost),
        proptest::option::of(verdict.clone()).prop_map(|v| Event::Offered(v.map_or(Ok(()), Err))),
        proptest::option::of(verdict).prop_map(|v| Event::Answered(v.map_or(Ok(()), Err))),
        prop_oneof![
            Just(Begun::Agreed),
            Just(Begun::Silent),
            Just(Begun::Refused(Verdict::lost("no"))),
            Just(Begun::Gone(Verdict::lost("gone"))),
        ]
        .prop_map(Event::Restarted),
    ]
}

proptest! {
    /// Whatever happens in whatever order: media are only sent into a session that was posted and answered, a side
    /// is not built beside another, and there is always a next step unless it is paused or refused for good.
    #[test]
    fn no_order_of_events_breaks_the_sequence(events in proptest::collection::vec((any_event(), 0u64..20_000), 0..200)) {
        let (mut machine, mut now) = (Machine::new(), Instant::now());
        let (mut built, mut posted, mut doubt) = (false, false, false);
        let start = machine.on(Event::Tick, now, 0.5);
        prop_assert_eq!(start, vec![Action::Offer]);
        built |= true;
        for (event, millis) in events {
            now += Duration::from_millis(millis);
            for action in machine.on(event, now, 0.5) {
                match action {
                    Action::Offer => { prop_assert!(!built); built = true; }
                    Action::Post => { prop_assert!(built && !posted); posted = true; }
                    Action::Feed | Action::Restart | Action::Trust => prop_assert!(built && posted),
                    Action::Doubt => { prop_assert!(posted && !doubt); doubt = true; }
                    Action::Drop => { (built, posted) = (false, false); }
                    Action::Tell(_) => {}
                }
            }
            doubt = machine.doubts();
            prop_assert!(machine.due().is_some() || machine.paused);
        }
    }
}
