//! Renditions that come, go and change their encoder while others run: each with a segment, and none loses a picture.

use std::time::{Duration, Instant};

use uplink::model::BitRate;
use uplink::plan::impact;

use crate::rig::{BOUNDARY, Harvest, Rig, plan, rendition};

const NUMBER: u64 = BOUNDARY / 2;

/// Segment numbers from the first of the feed, and samples; what follows in time is whole.
fn told(harvest: &Harvest, id: &str) -> (Vec<u64>, u64) {
    let chunks = harvest.chunks(id);
    for pair in chunks.windows(2) {
        let end = pair[0].start + pair[0].duration;
        let off = pair[1].start.since(end).max(end.since(pair[1].start));
        assert!(
            off < Duration::from_micros(50),
            "{id}: {off:?} between segments {} and {}",
            pair[0].number,
            pair[1].number
        );
    }
    let numbers = harvest.segments(id).iter().map(|segment| segment.0 - NUMBER).collect();
    (numbers, chunks.iter().map(|chunk| u64::from(chunk.samples)).sum())
}

#[test]
fn renditions_come_go_and_change_with_a_segment() {
    let old = plan("30");
    let mut new = old.clone();
    new.video = vec![rendition("v180", "320x180"), rendition("v45", "80x46")];
    new.video[0].encoders[0].properties.push(("key-int-max".into(), 240.into()));
    new.audio[0].bitrate = BitRate(64_000);
    let mut more = old.audio[0].clone();
    more.id = "a48".parse().unwrap();
    new.audio.push(more);
    let impact = impact(&old, &new);
    assert!(impact.is_live(), "{impact:?}");

    let rig = Rig::start(&old);
    let mut frames = rig.feed(0, 3_000);
    let number = std::thread::scope(|scope| {
        let changing = scope.spawn(|| rig.encoders.change(&new, &impact.live));
        let until = Instant::now() + Duration::from_secs(20);
        // What comes is there: from now on it is the segments that count.
        while rig.encoders.counters().renditions.len() < 7 || rig.encoders.chosen().len() < 4 {
            assert!(Instant::now() < until && !changing.is_finished(), "nothing comes");
            std::thread::sleep(Duration::from_millis(1));
        }
        frames += rig.feed(3_000, 9_000);
        changing.join().unwrap().unwrap().unwrap()
    });
    assert_eq!(number - NUMBER, 2, "the next boundary");
    frames += rig.feed(9_000, 12_000);
    assert_eq!(rig.encoders.chosen().len(), 2, "who left is gone");
    let harvest = rig.finish();

    assert_eq!(told(&harvest, "v180"), ((0..6).collect(), frames));
    assert_eq!(told(&harvest, "v45"), ((2..6).collect(), 8 * 30));
    assert_eq!(told(&harvest, "v90"), ((0..2).collect(), 4 * 30));
    assert!(harvest.ended("v90"));
    let sound = told(&harvest, "a96");
    assert_eq!(sound.0, (0..6).collect::<Vec<_>>());
    // 12 s are 562.5 frames; the encoder's priming at the beginning is not heard.
    assert!((560..=563).contains(&sound.1), "{}", sound.1);
    assert_eq!(told(&harvest, "a48").0, (2..6).collect::<Vec<_>>());
    // The encoder that left was the first to speak, and spoke to its end.
    let inits = harvest.outputs.iter().filter(
        |output| matches!(output, uplink::media::encode::Output::Init(init) if init.rendition.as_str() == "v180"),
    );
    assert_eq!(inits.count(), 2);
}

#[test]
fn what_cannot_be_opened_changes_nothing() {
    let old = plan("30");
    let mut new = old.clone();
    let mut broken = rendition("v45", "80x46");
    broken.encoders[0].element = "no-such-element".into();
    new.video.push(broken);
    let rig = Rig::start(&old);
    let frames = rig.feed(0, 3_000);
    assert!(rig.encoders.change(&new, &impact(&old, &new).live).is_err());
    let frames = frames + rig.feed(3_000, 5_000);
    let harvest = rig.finish();
    for id in ["v180", "v90"] {
        assert_eq!(told(&harvest, id), ((0..3).collect(), frames), "{id}");
    }
}
