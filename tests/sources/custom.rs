//! What a technician has that nobody thought of.

use std::time::Duration;

use uplink::model::status::{ProgramOrder, SourceState};
use uplink::plan::SourceKind;

use crate::rig::{Rig, clip, live, quiet_ticks, watch};

fn custom(fragment: &str) -> SourceKind {
    SourceKind::Custom { fragment: fragment.to_owned() }
}

#[test]
fn fragments_of_every_shape_are_sources() {
    let arguments = live("320x180", 30, 30, &["-t", "8"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).filter(|a| *a != "-re").collect();
    let file = clip("custom.mp4", &arguments);
    let later = format!("uridecodebin uri=file://{}", file.display());
    let coded =
        format!("filesrc location={} ! qtdemux name=d d.video_0 ! h264parse d.audio_0 ! aacparse", file.display());
    for (fragment, sound) in [
        // Raw and live; not live; coded and named, beside something that is not wanted; pads that come later.
        ("videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=30/1 audiotestsrc is-live=true", true),
        ("videotestsrc ! video/x-raw,framerate=30/1", false),
        (
            "videotestsrc is-live=true ! x264enc tune=zerolatency speed-preset=ultrafast ! h264parse name=picture \
             audiotestsrc is-live=true wave=silence audiotestsrc is-live=true ! identity name=sound",
            true,
        ),
        (later.as_str(), true),
        (coded.as_str(), true),
    ] {
        let rig = Rig::start((30, 1), &[custom(fragment)], ProgramOrder::Auto);
        assert_eq!(watch(&rig, 75), 0, "{fragment}: {}", rig.told());
        rig.assert_unbroken();
        let quiet = quiet_ticks(&rig, 30);
        assert!(if sound { quiet <= 1 } else { quiet == 30 }, "{fragment}: {quiet} of 30 ticks are silent");
        // What is not live is held back: it must not run through the memory.
        assert!(rig.program().sources()[0].frames < 200, "{fragment}: {}", rig.program().sources()[0].frames);
    }
}

#[test]
fn a_fragment_that_cannot_work_says_why_and_the_program_goes_on() {
    let sources = [
        custom("videotestsrc ! nosuchelement"),
        custom("videotestsrc ! ("),
        custom("videotestsrc ! fakesink"),
        custom("filesrc location=/nonexistent/file ! decodebin"),
        custom("fakesrc is-live=true ! video/x-h264"),
        custom("videotestsrc is-live=true ! identity error-after=20"),
    ];
    let rig = Rig::start((30, 1), &sources, ProgramOrder::Slate);
    let judged = || {
        let broken = rig.program().sources();
        broken.iter().all(|s| matches!(s.state, SourceState::Failed | SourceState::Lost))
    };
    assert!(rig.recorder.wait(Duration::from_secs(15), |r| r.pictures.len() > 60 && judged()), "{}", rig.told());
    rig.assert_unbroken();
    let reasons: Vec<String> = rig.program().sources().into_iter().map(|s| s.health.reason).collect();
    for (reason, part) in reasons.iter().zip(["nosuchelement", "cannot be parsed", "no source pad", "nonexistent"]) {
        assert!(reason.contains(part), "{reason}");
    }
}
