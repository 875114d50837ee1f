//! Cards and libraries that this machine does not have: a clear state, and the program goes on.

use std::time::Duration;

use uplink::media::clock::HouseClock;
use uplink::model::status::{ProgramOrder, SourceState};
use uplink::plan::{DeckLinkInput, SourceKind};

use crate::rig::Rig;

#[test]
fn a_decklink_without_driver_or_card_says_so_and_the_program_goes_on() {
    let decklink = SourceKind::DeckLink {
        input: DeckLinkInput::Number(0),
        connection: "sdi".to_owned(),
        mode: "auto".to_owned(),
        sound: Some("embedded".to_owned()),
        sound_channels: 8,
        captions: true,
    };
    let mut rig = Rig::start((25, 1), &[decklink, SourceKind::Test], ProgramOrder::Auto);
    let begun = HouseClock::start().now();
    assert!(rig.recorder.wait(Duration::from_secs(30), |r| {
        r.pictures.iter().filter(|p| p.mark.is_some()).count() > 50 && r.events.iter().any(|e| e.at > begun)
    }));
    let status = rig.program().sources().remove(0);
    if status.state == SourceState::Delivering {
        eprintln!("SKIPPED: DeckLink without a card: this machine has one, and a signal");
        return;
    }
    let reason = status.health.reason;
    let driver =
        reason.contains("the DeckLink driver (libDeckLinkAPI.so) is not installed") && reason.contains("Desktop Video");
    assert!(driver || reason.contains("decklink") || reason.contains("no signal"), "{reason}\n{}", rig.told());
    rig.stop();
    let record = rig.recorder.record.lock().unwrap();
    let told = record.events.iter().filter(|e| e.subject.as_deref() == Some("s0")).count();
    assert_eq!(told, 1, "once, however often it is tried");
    drop(record);
    assert_eq!((rig.recorder.wrong_picture_steps(), rig.recorder.wrong_samples()), (0, 0), "{}", rig.told());
}
