//! A loss is told once.

use std::sync::{Arc, Mutex};

use super::status::Condition;
use crate::media::EventSink;
use crate::media::clock::HouseClock;
use crate::model::EventCode;
use crate::plan::{SourceKind, SourcePlan};

type Told = Arc<Mutex<Vec<EventCode>>>;

fn condition(kind: SourceKind) -> (Condition, Told) {
    let plan = SourcePlan { id: "s".parse().unwrap(), kind, expect: Default::default(), fit: Default::default() };
    let told = Told::default();
    let sink = Arc::clone(&told);
    let events: EventSink = Arc::new(move |event| sink.lock().unwrap().push(event.code));
    (Condition::new(plan, HouseClock::start(), events), told)
}

fn camera() -> SourceKind {
    SourceKind::V4l2 { device: "serial:A1".parse().unwrap(), sound: None, size: None }
}

/// What of a loss may come first: the end of the stream, the word of the driver.
type Loss = fn(&Condition);

#[test]
fn a_device_that_is_unplugged_is_one_loss_however_it_shows() {
    let ends: Loss = |c| c.lost("the device is gone [v4l2src]");
    let absent: Loss = |c| c.no_signal("no capture device is serial:A1");
    let failed: Loss = |c| c.failed("no capture device is serial:A1");
    let other: Loss = |c| c.failed("it is busy");
    for steps in [[ends, absent, failed, other], [absent, ends, failed, absent], [ends, failed, absent, failed]] {
        let (condition, told) = condition(camera());
        for _ in 0..2 {
            condition.delivering();
            steps.iter().for_each(|step| step(&condition));
        }
        let loss = [EventCode::SourceConnected, EventCode::SourceLost];
        assert_eq!(*told.lock().unwrap(), [loss, loss].concat());
    }
}

#[test]
fn one_that_never_delivered_says_each_new_reason_once() {
    let (condition, told) = condition(camera());
    for reason in ["it is not there", "it is not there", "it is busy", "it is busy"] {
        condition.failed(reason);
    }
    assert_eq!(*told.lock().unwrap(), [EventCode::SourceLost; 2]);
}

#[test]
fn behind_an_address_a_sender_that_fails_after_another_was_lost_is_told() {
    let (condition, told) = condition(SourceKind::Test);
    condition.delivering();
    condition.lost("the stream ended");
    condition.failed("the publisher sends nothing that can be shown");
    assert_eq!(told.lock().unwrap()[1..], [EventCode::SourceLost; 2]);
}
