//! A bit rate that is changed on air: the next segments have it, and no picture is lost.

use gstreamer as gst;
use uplink::model::{BitRate, RenditionId};

use crate::rig::{BOUNDARY, Rig, plan};

/// Noise costs whatever it may: how much comes out is the rate control's doing, not the picture's.
fn noise(n: u64, picture: &mut gst::BufferRef) {
    let mut random = fastrand::Rng::with_seed(n);
    let mut map = picture.map_writable().unwrap();
    map[..320 * 180].iter_mut().for_each(|pixel| *pixel = random.u8(96..160));
}

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
    rig.feed_pictures(0, 8_000, noise);
    rig.encoders.set_bitrate(&id, BitRate(900_000)).unwrap();
    rig.feed_pictures(8_000, 16_000, |n, picture| noise(n + 1000, picture));
    assert!(rig.encoders.set_bitrate(&RenditionId::new("none").unwrap(), BitRate(900_000)).is_err());
    let harvest = rig.finish();
    // Of the first segment of each half, the rate control takes a part to find its feet.
    let rate = |id: &str, from: u64, to: u64| {
        let chunks = harvest.chunks(id).into_iter().filter(|c| (from..to).contains(&(c.number - BOUNDARY / 2)));
        let bytes: usize = chunks.map(|chunk| chunk.data.len()).sum();
        bytes as f64 * 8.0 / ((to - from) * 2) as f64
    };
    let rates =
        [("v180", 1, 4, 300_000.0), ("v180", 5, 8, 900_000.0), ("v90", 1, 4, 300_000.0), ("v90", 5, 8, 300_000.0)];
    for (id, from, to, wanted) in rates {
        let measured = rate(id, from, to);
        eprintln!("{id}, segments {from} to {to}: {measured:.0} bit/s of {wanted}");
        assert!((measured / wanted - 1.0).abs() < 0.2, "{id}, segments {from} to {to}: {measured:.0} of {wanted}");
    }
    for id in ["v180", "v90"] {
        assert_eq!(harvest.chunks(id).iter().map(|c| u64::from(c.samples)).sum::<u64>(), 480, "{id}");
    }
}
