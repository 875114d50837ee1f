//! `uplink-measure` against real encodes: it finds nothing wrong with a good stream, and notices each kind of damage,
//! in the field that is meant for it and in no other.
#![expect(missing_docs, reason = "the parts of a test explain themselves by name")]

mod clip;
mod command;
mod damage;
mod live;
mod origin;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use clip::{Clip, EPOCH, FRAMES, Picture, pictures, sound};
use origin::{Origin, Stage};
use uplink::measure::{FaultCode, Options, Report, run};

/// The undamaged clips: two renditions of the same pictures, and the sound.
pub static SMALL: LazyLock<Clip> = LazyLock::new(|| pictures(&steady(), &Picture::default()));
pub static LARGE: LazyLock<Clip> =
    LazyLock::new(|| pictures(&steady(), &Picture { size: "426x240", ..Default::default() }));
pub static SOUND: LazyLock<Clip> = LazyLock::new(|| sound(0, EPOCH));

pub fn steady() -> Vec<u64> {
    (0..FRAMES).collect()
}

pub async fn measure(stage: Stage) -> Report {
    let origin = Origin::open(stage).await;
    run(Options::new(&origin.address)).await.unwrap()
}

/// Which kinds of fault were found.
pub fn codes(report: &Report) -> BTreeSet<String> {
    report.faults.iter().map(|fault| format!("{:?}", fault.code)).collect()
}

/// The report has exactly these kinds of fault.
pub fn assert_faults(report: &Report, expected: &[FaultCode]) {
    let expected: BTreeSet<String> = expected.iter().map(|code| format!("{code:?}")).collect();
    assert_eq!(codes(report), expected, "{}", uplink::measure::text(report));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_stream_has_no_fault() {
    let report = measure(Stage::of(&[("small", &SMALL), ("large", &LARGE), ("sound", &SOUND)])).await;
    println!("{}", uplink::measure::text(&report));
    assert_faults(&report, &[]);
    assert_eq!((report.live, report.streams.len()), (false, 3));
    for (stream, size) in report.streams.iter().zip([(320, 180), (426, 240)]) {
        let (video, counter) = (stream.video.unwrap(), stream.counter.unwrap());
        assert_eq!((video.width, video.height, video.frame_rate), (size.0, size.1, 30.0));
        assert_eq!((video.frames, video.decoded, counter.marks), (FRAMES, FRAMES, FRAMES));
        assert_eq!(video.first_pts, EPOCH * 1_000_000_000, "times since the epoch are exact");
        assert_eq!((counter.first, counter.last), (EPOCH * clip::RATE, EPOCH * clip::RATE + FRAMES - 1));
        assert!(counter.delay_ms.unwrap().abs() < 1.0, "timestamp and UTC in the picture are the same time");
        let playlist = stream.playlist.unwrap();
        assert_eq!((playlist.segments, playlist.off_epoch_segments), (6, Some(0)));
        assert!(playlist.program_date_time_error_ms.unwrap() <= 0.5);
    }
    let audio = report.streams[2].audio.unwrap();
    assert_eq!(audio.samples, audio.expected_samples);
    let offset = report.av_offset.unwrap();
    assert!(offset.ticks >= 4 && offset.min_ms > -2.0 && offset.max_ms < 2.0, "{offset:?}");
    let keyframes = report.keyframes.unwrap();
    assert_eq!((keyframes.renditions, keyframes.keyframes, keyframes.differing), (2, 6, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_survive_bit_rates_that_pictures_do_not() {
    let clip = pictures(&steady(), &Picture { kbps: 60, ..Default::default() });
    let bytes: usize = clip.segments.iter().map(Vec::len).sum();
    assert!(bytes < 70_000, "{bytes} bytes in 6 s: the encoder did not have to try");
    let report = measure(Stage::of(&[("small", &clip)])).await;
    assert_faults(&report, &[]);
    assert_eq!(report.streams[0].counter.unwrap().marks, FRAMES);
}
