//! A DeckLink card from absent to locked and back. The card's element is a stand-in with the real one's properties and
//! manners (GStreamer 1.22, `sys/decklink`); all of Uplink is the real thing.

mod stand_in;

use std::time::Duration;

use uplink::model::status::{ProgramOrder, Showing, SourceState, SourceStatus};
use uplink::model::{EventCode, ExpectedFormat, Health, InputState, InputStatus, PictureSize};
use uplink::plan::{DeckLinkInput, SourceKind};

use self::stand_in::{Bench, LUMA, Mode};
use crate::recorder::Picture;
use crate::rig::{Rig, again, thresholds};

/// Long enough for any of this on a busy machine.
const SOON: Duration = Duration::from_secs(45);

fn card(mode: &str) -> SourceKind {
    SourceKind::DeckLink {
        input: DeckLinkInput::Number(0),
        connection: "sdi".to_owned(),
        mode: mode.to_owned(),
        sound: None,
        sound_channels: 2,
        captions: true,
    }
}

fn status(rig: &Rig) -> SourceStatus {
    rig.program().sources().remove(0)
}

/// Waits until the card's input is in this state; what is known of it then.
fn input(rig: &Rig, state: InputState, format: Option<&str>) -> InputStatus {
    let now = || status(rig).input;
    let right = |input: &InputStatus| input.state == state && input.format.as_deref() == format;
    assert!(
        rig.recorder.wait(SOON, |_| now().as_ref().is_some_and(right)),
        "not {state:?} {format:?}: {:?}\n{}",
        status(rig),
        rig.told()
    );
    now().unwrap()
}

/// Waits until the program shows the source of this rank, and its picture.
fn showing(rig: &Rig, rank: usize) {
    let source = format!("s{rank}");
    let shown = || matches!(rig.program().status().showing, Showing::Source { source: id } if id.as_str() == source);
    // The test source counts its pictures, the card's are grey.
    let seen = |picture: &Picture| if rank == 0 { picture.luma.abs_diff(LUMA) < 4 } else { picture.mark.is_some() };
    assert!(rig.recorder.wait(SOON, |r| shown() && r.pictures.last().is_some_and(seen)), "{source}: {}", rig.told());
}

#[test]
fn the_input_of_a_card_is_absent_without_signal_locked_unstable_and_absent_again() {
    let here =
        concat!(module_path!(), "::the_input_of_a_card_is_absent_without_signal_locked_unstable_and_absent_again");
    let library = tempfile::tempdir().unwrap();
    std::fs::write(library.path().join("libDeckLinkAPI.so"), "").unwrap();
    // The elements are stood in for, and the vendor's library is looked for, in that process alone.
    if !again(here.split_once("::").unwrap().1, &[("LD_LIBRARY_PATH", library.path())]) {
        return;
    }
    let bench = Bench::set_up();
    let rig = Rig::start((25, 1), &[card("auto"), SourceKind::Test], ProgramOrder::Auto);
    let absent = input(&rig, InputState::Absent, None);
    assert!(absent.reason.contains("no such input") && absent.device.is_none(), "{absent:?}");
    showing(&rig, 1);

    bench.plug();
    let dark = input(&rig, InputState::NoSignal, None);
    assert_eq!((dark.reason.as_str(), dark.device.as_deref()), ("no signal at the input", Some("DeckLink 0A1B2C3D")));
    assert!(dark.since > absent.since, "{absent:?} {dark:?}");
    let health = status(&rig).health;
    assert_eq!((health.health, health.code.as_str()), (Health::Unhealthy, "no_signal"), "{health:?}");

    bench.signal(true);
    let locked = input(&rig, InputState::Locked, Some("720x576i50"));
    assert!(locked.since > dark.since && locked.reason == "the device reads the signal", "{locked:?}");
    showing(&rig, 0);
    assert_eq!(status(&rig).state, SourceState::Delivering);
    assert_eq!(status(&rig).input.unwrap().since, locked.since, "as long as it holds, it holds since then");

    // Whoever pulls the cable sees the backup at once; the card stays open.
    let connects = status(&rig).connects;
    bench.signal(false);
    input(&rig, InputState::NoSignal, None);
    showing(&rig, 1);
    bench.signal(true);
    input(&rig, InputState::Locked, Some("720x576i50"));
    assert_eq!(status(&rig).connects, connects, "it was not opened anew");

    // A cable that is being wiggled, until the card has seen enough of it; then it holds.
    let unstable = || status(&rig).input.is_some_and(|input| input.state == InputState::Unstable);
    let wiggled = rig.recorder.wait(SOON, |_| {
        bench.wiggle();
        unstable()
    });
    assert!(wiggled, "{:?}\n{}", status(&rig), rig.told());
    let reason = status(&rig).input.unwrap().reason;
    assert!(reason.contains("broke off"), "{reason}");
    input(&rig, InputState::Locked, Some("720x576i50"));

    // Another signal: followed, and told.
    bench.mode(Mode::Ntsc);
    input(&rig, InputState::Locked, Some("720x486i59.94"));

    bench.unplug();
    let absent = input(&rig, InputState::Absent, None);
    assert!(absent.reason.contains("no such input"), "{absent:?}");
    showing(&rig, 1);
    rig.assert_unbroken();
    let record = rig.recorder.record.lock().unwrap();
    let told: Vec<&str> =
        record.events.iter().filter(|e| e.code == EventCode::InputChanged).map(|e| e.text.as_str()).collect();
    for words in
        ["no signal at the input", "reads the signal (720x576i50)", "broke off", "(720x486i59.94)", "no such input"]
    {
        assert!(told.iter().any(|text| text.contains(words)), "{words}: {told:#?}");
    }
    drop(record);
    drop(rig);

    // Another format than expected, and a mode that is asked for by name.
    bench.plug();
    bench.mode(Mode::Pal);
    let expect = ExpectedFormat { size: PictureSize::new(1920, 1080), ..Default::default() };
    let rig = Rig::expecting(thresholds(), &[card("pal"), SourceKind::Test], ProgramOrder::Auto, expect);
    let mismatch = input(&rig, InputState::Mismatch, Some("720x576i50"));
    assert_eq!(mismatch.reason, "the picture is not in the expected format");
    bench.signal(false);
    let dark = input(&rig, InputState::NoSignal, None);
    assert!(dark.reason.contains("mode pal"), "{dark:?}");
    // And one that another program holds.
    bench.hold();
    bench.signal(true);
    let says = |words: &str| status(&rig).input.is_some_and(|input| input.reason.contains(words));
    assert!(rig.recorder.wait(SOON, |_| says("in use by another program")), "{:?}\n{}", status(&rig), rig.told());
    rig.assert_unbroken();
}
