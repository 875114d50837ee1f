//! Encoders and segmenter with real elements: what comes out lies on the epoch grids and is complete.

mod probe;
mod rig;

use std::time::Duration;

use rig::{BOUNDARY, Harvest, Rig, plan};
use uplink::model::{FrameGrid, MediaTime};

fn run(rate: &str, from_millis: u64, to_millis: u64) -> (Harvest, u64) {
    let rig = Rig::start(&plan(rate));
    let frames = rig.feed(from_millis, to_millis);
    (rig.finish(), frames)
}

fn first_number() -> u64 {
    BOUNDARY / 2
}

#[test]
fn explore() {
    let (harvest, frames) = run("30", 0, 11_000);
    for id in ["v180", "v90", "a96"] {
        println!("{id} {} {frames}", harvest.init(id).codec);
        for c in harvest.chunks(id) {
            println!(
                "  {} {} {:?} n={} ind={} last={} {}",
                c.number,
                c.start.as_nanos(),
                c.duration,
                c.samples,
                c.independent,
                c.last,
                c.data.len()
            );
        }
        let p = probe::packets(&harvest.file(id));
        println!(
            "  packets {} first {:?} keys {:?}",
            p.len(),
            p[0],
            p.iter().enumerate().filter(|p| p.1.key).map(|p| p.0).take(20).collect::<Vec<_>>()
        );
        println!("  decoded {}", probe::decoded_frames(&harvest.file(id)));
    }
}
