//! A bit rate that is changed on air: the next segments have it, and no picture is lost.

use uplink::model::{BitRate, RenditionId};

use crate::rig::{BOUNDARY, Rig, plan};

#[test]
fn a_bit_rate_changes_on_air_without_losing_a_picture() {
    let mut plan = plan("30");
    plan.audio.clear();
    for rendition in &mut plan.video {
        rendition.bitrate = BitRate(300_000);
        rendition.encoders[0].rates = vec!["bitrate".into()];
        rendition.encoders[0].properties.push(("pass".into(), "cbr".into()));
        rendition.encoders[0].properties.push(("vbv-buf-capacity".into(), 600.into()));
    }
    let id = RenditionId::new("v180").unwrap();
    let rig = Rig::start(&plan);
    let frames = rig.feed(0, 8_000);
    rig.encoders.set_bitrate(&id, BitRate(900_000)).unwrap();
    let frames = frames + rig.feed(8_000, 16_000);
    assert!(rig.encoders.set_bitrate(&RenditionId::new("none").unwrap(), BitRate(900_000)).is_err());
    let harvest = rig.finish();
    let rate = |id: &str, from: u64, to: u64| {
        let chunks = harvest.chunks(id).into_iter().filter(|c| (from..to).contains(&(c.number - BOUNDARY / 2)));
        let bytes: usize = chunks.map(|chunk| chunk.data.len()).sum();
        bytes as f64 * 8.0 / ((to - from) * 2) as f64
    };
    let (before, after) = (rate("v180", 1, 4), rate("v180", 5, 8));
    assert!(after > before * 1.4, "{before} {after}");
    let (before, after) = (rate("v90", 1, 4), rate("v90", 5, 8));
    assert!(after < before * 1.3, "its neighbour is as it was: {before} {after}");
    for id in ["v180", "v90"] {
        assert_eq!(harvest.chunks(id).iter().map(|c| u64::from(c.samples)).sum::<u64>(), frames, "{id}");
    }
}
