//! Tables and properties of the worker's life.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Action, Input, Lifecycle, Limits, Note, Stand};
use crate::model::MediaTime;
use crate::system::Exit;

const STALL: Duration = Duration::from_secs(4);
const DEAD: Input = Input::Ended(Exit::Signal(9));

struct Run {
    life: Lifecycle,
    now: Instant,
}

impl Run {
    fn new(wanted: bool) -> Self {
        let now = Instant::now();
        Self { life: Lifecycle::new(Limits::default(), STALL, wanted, now), now }
    }

    fn up() -> Self {
        let mut run = Self::new(false);
        assert_eq!(run.tell(Input::Want(true)), [Action::Launch, Action::Link]);
        assert_eq!(run.tell(Input::Linked), [Action::Start]);
        assert_eq!(run.tell(Input::Ready), [Action::Note(Note::Up)]);
        assert_eq!(run.life.stand(), Stand::Up);
        run
    }

    fn tell(&mut self, input: Input) -> Vec<Action> {
        self.life.step(input, self.now)
    }

    fn after(&mut self, millis: u64) -> &mut Self {
        self.now += Duration::from_millis(millis);
        self
    }

    /// Goes to the deadline, `late` milliseconds too late, and ticks.
    fn tick(&mut self, late: u64) -> Vec<Action> {
        self.now = self.life.deadline().expect("something is due") + Duration::from_millis(late);
        self.tell(Input::Tick)
    }
}

fn at(millis: u64) -> Input {
    Input::Beat(MediaTime::from_nanos(millis * 1_000_000))
}

#[test]
fn a_death_is_answered_at_once_then_with_backoff_then_slowly() {
    let mut run = Run::up();
    let died = |wait| Action::Note(Note::Died(Exit::Signal(9), Duration::from_millis(wait)));
    assert_eq!(run.tell(DEAD), [died(0), Action::Launch, Action::Link]);
    assert_eq!(run.tell(DEAD), [died(250)]);
    assert_eq!((run.life.stand(), run.tick(0)), (Stand::Starting, vec![Action::Launch, Action::Link]));
    let mut last = Vec::new();
    for _ in 0..9 {
        last = run.tell(DEAD);
        if run.life.stand() != Stand::GivenUp {
            run.tick(0);
        }
    }
    assert_eq!(last, [died(30_000), Action::Note(Note::GaveUp(Duration::from_secs(30)))]);
    assert_eq!(run.life.stand(), Stand::GivenUp);
    assert_eq!(run.tick(0), [Action::Launch, Action::Link]);
    assert_eq!(run.tell(DEAD), [died(30_000)], "giving up is told once");
    assert_eq!(run.tell(Input::Want(true)), [Action::Launch, Action::Link], "an order forgives");
    assert_eq!(run.tell(DEAD)[0], died(0));
}

#[test]
fn a_healthy_run_earns_an_immediate_restart() {
    let mut run = Run::up();
    run.tell(DEAD);
    for _ in 0..3 {
        run.tell(Input::Linked);
        run.tell(Input::Ready);
        run.after(10_000);
        assert!(run.tell(DEAD).contains(&Action::Launch));
    }
}

#[test]
fn a_stop_escalates_at_every_deadline() {
    let mut run = Run::up();
    assert_eq!(run.tell(Input::Want(false)), [Action::Stop(Duration::from_secs(5))]);
    assert_eq!((run.tick(0), run.tick(0)), (vec![Action::Terminate], vec![Action::Kill]));
    assert_eq!(run.tick(0), [Action::Note(Note::Unkillable), Action::Kill]);
    assert_eq!(run.tell(DEAD), [Action::Note(Note::Gone)]);
    assert_eq!((run.life.stand(), run.life.deadline()), (Stand::Idle, None));
}

#[test]
fn a_worker_without_a_connection_is_stopped_by_signal() {
    let mut run = Run::up();
    assert_eq!(run.tell(Input::Unlinked), [Action::Link]);
    assert_eq!(run.tell(Input::Want(false)), [Action::Terminate]);
}

#[test]
fn a_start_during_the_stop_follows_it() {
    let mut run = Run::up();
    run.tell(Input::Want(false));
    assert_eq!(run.tell(Input::Want(true)), []);
    assert_eq!(run.tell(Input::Ended(Exit::Code(0))), [Action::Launch, Action::Link]);
}

#[test]
fn a_new_plan_stops_the_old_worker_first() {
    let mut run = Run::up();
    assert_eq!(run.tell(Input::Renew), [Action::Stop(Duration::from_secs(5))]);
    assert_eq!(run.tell(Input::Ended(Exit::Code(0))), [Action::Launch, Action::Link]);
}

#[test]
fn silence_is_a_stall_and_so_is_a_program_that_stands_still() {
    let mut run = Run::up();
    run.after(3900).tell(at(1));
    run.after(3900).tell(at(2));
    assert_eq!(run.after(100).tell(Input::Tick), []);
    assert_eq!(run.tick(0), [Action::Note(Note::Stalled("it sent no heartbeat", STALL)), Action::Kill]);

    let mut run = Run::up();
    run.tell(at(1));
    for _ in 0..7 {
        run.after(500).tell(at(1));
        assert_eq!(run.tell(Input::Tick), []);
    }
    run.after(499).tell(at(1));
    assert_eq!(run.tick(0), [Action::Note(Note::Stalled("its program did not move", STALL)), Action::Kill]);
    // Killed after a stall: replaced at once, and the death itself is no second story.
    assert_eq!(run.tell(DEAD), [Action::Launch, Action::Link]);
}

#[test]
fn our_own_absence_is_forgiven_once() {
    let mut run = Run::up();
    assert_eq!(run.tick(1500), []);
    assert_eq!(run.life.stand(), Stand::Up);
    assert!(run.tick(1500).contains(&Action::Kill));
}

#[test]
fn a_worker_that_never_goes_on_air_is_replaced() {
    let mut run = Run::new(false);
    run.tell(Input::Want(true));
    let stalled = Note::Stalled("it did not go on air", Duration::from_secs(10));
    assert_eq!(run.tick(0), [Action::Note(stalled), Action::Kill]);
    assert!(run.tell(DEAD).contains(&Action::Launch));
}

#[test]
fn a_refused_start_uses_up_the_budget() {
    let mut run = Run::new(false);
    run.tell(Input::Want(true));
    run.tell(Input::Linked);
    let actions = run.tell(Input::Refused("no encoder".into()));
    assert_eq!(actions, [Action::Note(Note::Refused("no encoder".into())), Action::Terminate]);
    assert_eq!(run.tell(Input::Ended(Exit::Code(1))), [Action::Launch, Action::Link]);
    run.tell(Input::Linked);
    run.tell(Input::Refused("no encoder".into()));
    assert_eq!(run.tell(Input::Ended(Exit::Code(1))), []);
    assert_eq!(run.life.stand(), Stand::Starting);
}

#[test]
fn what_is_found_is_adopted_or_replaced() {
    let table = [
        (Input::FoundFit, true, Action::Start, Stand::Starting),
        (Input::FoundUnfit, true, Action::Stop(Duration::from_secs(5)), Stand::Ending),
        (Input::FoundUnfit, false, Action::Stop(Duration::from_secs(5)), Stand::Ending),
        (Input::FoundForeign, true, Action::Terminate, Stand::Ending),
        (Input::FoundHung, true, Action::Kill, Stand::Ending),
    ];
    for (found, wanted, action, stand) in table {
        let mut run = Run::new(wanted);
        let actions = run.tell(found.clone());
        assert_eq!((actions.len(), actions.last(), run.life.stand()), (2, Some(&action), stand), "{found:?}");
        if stand == Stand::Ending {
            let next = run.tell(DEAD);
            assert_eq!(next.contains(&Action::Launch), wanted, "{found:?}");
        }
    }
}

#[test]
fn no_common_protocol_is_a_fault_of_the_process() {
    let mut run = Run::new(false);
    run.tell(Input::Want(true));
    assert_eq!(run.tell(Input::Incompatible), [Action::Kill]);
    assert_eq!(run.tell(DEAD), [Action::Launch, Action::Link]);
}

#[test]
fn hurry_kills_whatever_there_is() {
    let mut run = Run::up();
    run.tell(Input::Want(false));
    assert_eq!(run.tell(Input::Hurry), [Action::Kill]);
    let mut run = Run::up();
    assert_eq!(run.tell(Input::Hurry), [Action::Kill]);
    assert_eq!(run.tell(DEAD), [Action::Note(Note::Gone)]);
}

/// A channel off air, and a worker that delivers what is left.
fn delivering() -> Run {
    let mut run = Run::up();
    run.tell(Input::Want(false));
    run.life.set_owed(true);
    let next = run.tell(Input::Ended(Exit::Code(0)));
    assert_eq!(next, [Action::Note(Note::Gone), Action::Launch, Action::Link]);
    assert_eq!(run.tell(Input::Linked), [Action::Deliver]);
    assert_eq!(run.tell(Input::Ready), [Action::Note(Note::Up)]);
    assert_eq!(run.life.stand(), Stand::Delivering);
    run
}

#[test]
fn what_is_left_is_delivered_by_another_worker_until_nothing_is() {
    let mut run = delivering();
    for _ in 0..20 {
        run.after(1000).tell(Input::Pulse);
        assert_eq!(run.tell(Input::Tick), [], "a program that stands still is none");
    }
    assert_eq!(run.tell(Input::Want(false)), [], "off air once more changes nothing");
    // Ended from outside, and there is still something left.
    let ended = Action::Note(Note::Died(Exit::Code(0), Duration::ZERO));
    assert_eq!(run.tell(Input::Ended(Exit::Code(0))), [ended, Action::Launch, Action::Link]);
    run.tell(Input::Linked);
    run.tell(Input::Ready);
    run.life.set_owed(false);
    assert_eq!(run.tell(Input::Ended(Exit::Code(0))), [Action::Note(Note::Rested(true))]);
    assert_eq!((run.life.stand(), run.life.deadline()), (Stand::Idle, None));
}

#[test]
fn a_start_ends_at_once_what_only_delivers() {
    let mut run = delivering();
    assert_eq!(run.tell(Input::Want(true)), [Action::Stop(Duration::ZERO)]);
    assert_eq!(run.tell(Input::Ended(Exit::Code(0))), [Action::Launch, Action::Link]);
    assert_eq!(run.tell(Input::Linked), [Action::Start]);
}

#[test]
fn a_start_taken_back_goes_on_delivering() {
    let mut run = delivering();
    run.tell(Input::Want(true));
    assert_eq!(run.tell(Input::Want(false)), []);
    assert_eq!(run.tell(Input::Ended(Exit::Code(0))), [Action::Launch, Action::Link]);
    assert_eq!(run.tell(Input::Linked), [Action::Deliver]);
}

#[test]
fn a_worker_that_dies_delivering_is_replaced_and_so_is_one_that_is_silent() {
    let mut run = delivering();
    let died = Action::Note(Note::Died(Exit::Signal(9), Duration::ZERO));
    assert_eq!(run.tell(DEAD), [died, Action::Launch, Action::Link]);
    run.tell(Input::Linked);
    run.tell(Input::Ready);
    assert_eq!(run.tick(0), [Action::Note(Note::Stalled("it sent no heartbeat", STALL)), Action::Kill]);
    run.tell(DEAD);
    assert_eq!((run.life.stand(), run.life.wanted()), (Stand::Delivering, false), "after a pause");
    assert_eq!(run.tick(0), [Action::Launch, Action::Link]);
}

#[test]
fn what_is_left_can_be_given_up() {
    let mut run = delivering();
    assert_eq!(run.tell(Input::Owe(false)), [Action::Stop(Duration::ZERO)]);
    assert_eq!(run.tell(Input::Ended(Exit::Code(0))), [Action::Note(Note::Rested(false))]);
    let mut run = delivering();
    run.tell(DEAD);
    run.tell(DEAD);
    assert_eq!(run.tell(Input::Owe(false)), [Action::Note(Note::Rested(false))], "nothing runs just now");
    assert_eq!(run.tell(Input::Want(true)), [Action::Launch, Action::Link]);
    assert_eq!(run.tell(Input::Linked), [Action::Start]);
}

#[test]
fn a_daemon_that_comes_up_has_what_is_left_delivered() {
    let mut run = Run::new(false);
    assert_eq!(run.tell(Input::Owe(true)), [Action::Launch, Action::Link]);
    assert_eq!(run.tell(Input::Linked), [Action::Deliver]);
    let mut found = Run::new(false);
    assert_eq!(found.tell(Input::FoundDelivering), [Action::Note(Note::Adopted), Action::Deliver]);
    assert_eq!(found.life.stand(), Stand::Delivering);
    let mut run = Run::new(true);
    assert_eq!(run.tell(Input::Owe(true)), [], "on air everything is delivered anyway");
}

#[test]
fn another_plan_takes_another_worker_for_what_is_left() {
    let mut run = delivering();
    assert_eq!(run.tell(Input::Renew), [Action::Stop(Duration::ZERO)]);
    assert_eq!(run.tell(Input::Ended(Exit::Code(0))), [Action::Launch, Action::Link]);
    assert_eq!(run.tell(Input::Linked), [Action::Deliver]);
}

/// Ordered on air while the worker that was to deliver the rest could not be started, and then the rest is given up.
#[test]
fn what_is_given_up_keeps_no_channel_off_air() {
    let mut run = Run::new(false);
    run.tell(Input::Owe(true));
    run.tell(DEAD);
    run.tell(Input::Want(true));
    run.tell(Input::LaunchFailed);
    assert_eq!(run.tell(Input::Owe(false)), []);
    assert_ne!(run.life.stand(), Stand::Idle);
    assert_eq!(run.tick(0), [Action::Launch, Action::Link]);
    assert_eq!(run.tell(Input::Linked), [Action::Start]);
}

fn inputs() -> impl Strategy<Value = Input> {
    prop_oneof![
        any::<bool>().prop_map(Input::Want),
        any::<bool>().prop_map(Input::Owe),
        Just(Input::Pulse),
        Just(Input::Renew),
        Just(Input::LaunchFailed),
        Just(Input::Linked),
        Just(Input::Unlinked),
        Just(Input::Incompatible),
        Just(Input::Ready),
        (0u64..100_000).prop_map(at),
        Just(Input::Refused("no".into())),
        Just(DEAD),
        Just(Input::Tick),
        Just(Input::Hurry),
    ]
}

proptest! {
    #[test]
    fn there_is_at_most_one_process_and_a_deadline_whenever_there_is_one(
        steps in prop::collection::vec((inputs(), 0u64..6000), 1..200),
    ) {
        let mut run = Run::new(false);
        let mut alive = false;
        for (input, wait) in steps {
            let gone = matches!(input, Input::Ended(_) | Input::LaunchFailed);
            // The actor says that a process ended, or could not be started, only while it holds one.
            if gone && !alive {
                continue;
            }
            alive &= !gone;
            for action in run.after(wait).tell(input) {
                if action == Action::Launch {
                    prop_assert!(!alive, "a second process beside the first");
                    alive = true;
                }
            }
            prop_assert_eq!(run.life.deadline().is_none(), run.life.stand() == Stand::Idle);
            prop_assert!(!alive || run.life.stand() != Stand::Idle, "a forgotten process");
            prop_assert!(!run.life.wanted() || run.life.stand() != Stand::Idle, "wanted and idle");
        }
    }

    #[test]
    fn whatever_happened_deaths_and_ticks_lead_to_rest_once_unwanted(
        steps in prop::collection::vec((inputs(), 0u64..6000), 0..50),
    ) {
        let mut run = Run::new(false);
        for (input, wait) in steps {
            run.after(wait).tell(input);
        }
        run.tell(Input::Owe(false));
        run.tell(Input::Want(false));
        let mut killed = run.life.stand() == Stand::Idle;
        for _ in 0..4 {
            if run.life.deadline().is_some() {
                killed |= run.tick(0).contains(&Action::Kill);
            }
        }
        prop_assert!(killed, "no kill after every deadline passed");
        run.tell(DEAD);
        prop_assert_eq!(run.life.stand(), Stand::Idle);
    }
}
