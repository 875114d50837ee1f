//! Every segment reaches the origin, in the end.

use nix::sys::signal::Signal;
use uplink::model::status::DestinationState;
use uplink::model::{Fault, Health};

use crate::delivered::{is_gap, media, object};
use crate::rig::{PLAIN, RENDITIONS, Rig};

#[test]
fn an_origin_that_was_away_gets_every_segment() {
    let mut rig = Rig::on_air(&[("a", PLAIN)]);
    let worker = rig.worker("a");
    rig.end_origin(Signal::SIGKILL);
    let away = rig.wait_destination("a", "ten seconds waiting", |one| one.queue_seconds >= 10.0);
    assert_eq!((away.state, away.fault), (DestinationState::Interrupted, Some(Fault::Destination)));
    assert_eq!(away.health.health, Health::Unhealthy);
    assert!(away.health.reason.contains("check that the origin runs"), "{}", away.health.reason);
    let channel = rig.channel("a");
    assert!(!channel.on_air && channel.health.code == "push_interrupted", "{:?}", channel.health);
    assert!(rig.get("/readyz").text().contains("push_interrupted"));
    rig.wait_event("push_interrupted", Some("a"));

    rig.start_origin();
    rig.wait_destination("a", "nothing waits", |one| {
        one.state == DestinationState::Streaming && one.queue_segments == 0 && one.reconnects == 1
    });
    rig.wait_on_air("a");
    let caught_up = rig.wait_event("push_caught_up", Some("a"));
    eprintln!("away with {:.1} s waiting; {}", away.queue_seconds, caught_up["text"]);
    everything_is_there(&rig, "a");
    assert_eq!(rig.worker("a"), worker);
    assert_eq!(rig.report("a").spool.lost_segments, 0);
}

/// Every complete segment of the spool is at the origin, byte by byte, and the playlists have no hole.
pub fn everything_is_there(rig: &Rig, channel: &str) {
    for rendition in RENDITIONS {
        let directory = rig.spool(channel).join(rendition);
        let names = std::fs::read_dir(&directory).unwrap().flatten();
        let mut numbers: Vec<u64> =
            names.filter_map(|name| name.file_name().to_str()?.strip_suffix(".m4s")?.parse().ok()).collect();
        numbers.sort_unstable();
        let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
        assert_eq!(numbers, (first..=last).collect::<Vec<_>>(), "{rendition}: a hole in the spool");
        let listed = || media(rig, channel, rendition);
        rig.until("the newest one of the spool is listed", || {
            let playlist = listed();
            playlist.media_sequence + playlist.segments.len() as u64 > last
        });
        for number in &numbers {
            let there = object(rig, &format!("{channel}/{rendition}/{number}.m4s"));
            let here = std::fs::read(directory.join(format!("{number}.m4s"))).unwrap();
            assert!(here == there, "{rendition}: segment {number} differs");
        }
        let playlist = listed();
        assert!(!playlist.segments.iter().any(is_gap), "{rendition}: gaps are left");
        assert_eq!(playlist.discontinuity_sequence, 0);
        assert!(!playlist.segments.iter().any(|segment| segment.discontinuity));
        eprintln!("{rendition}: {} segments, all at the origin", numbers.len());
    }
}
