//! Every segment reaches the origin, in the end.

use nix::sys::signal::Signal;
use uplink::model::status::{ChannelState, ChannelStatus, DestinationState, DestinationStatus};
use uplink::model::{Fault, Health};

use crate::delivered::{is_gap, media, newest, object};
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
    assert_eq!(rig.get("/readyz").status, 200, "the daemon lacks nothing");
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

/// What the bench does at length (`--only outage`): a daemon and a worker die while the line is away.
#[test]
fn an_outage_with_a_killed_daemon_and_a_killed_worker_loses_no_segment() {
    let mut rig = Rig::on_air(&[("a", PLAIN)]);
    let worker = rig.worker("a");
    rig.end_origin(Signal::SIGKILL);
    rig.wait_destination("a", "three seconds waiting", |one| one.queue_seconds >= 3.0);
    rig.end_daemon(Signal::SIGKILL);
    rig.start_daemon();
    assert_eq!(rig.worker("a"), worker, "the daemon is another one, the worker is not");
    rig.wait_destination("a", "six seconds waiting", |one| one.queue_seconds >= 6.0);
    crate::process::signal(worker, Signal::SIGKILL);
    rig.wait_channel("a", "another worker", |channel| channel.worker.as_ref().is_some_and(|one| one.pid != worker));
    rig.wait_destination("a", "what the other one left waits, too", |one| one.queue_seconds >= 8.0);

    rig.start_origin();
    rig.wait_destination("a", "nothing waits", |one| {
        one.state == DestinationState::Streaming && one.queue_segments == 0
    });
    for rendition in RENDITIONS {
        // Between the workers there are numbers that nobody encoded; each one that somebody did is there.
        let numbers = delivered(&rig, "a", rendition);
        assert!(numbers.len() >= 8, "{rendition}: {numbers:?}");
    }
    assert_eq!(rig.report("a").spool.lost_segments, 0);
}

/// The show is over before the line is back; then the box is switched off and on, and nobody starts the channel.
#[test]
fn a_channel_that_was_stopped_delivers_the_rest_when_the_line_is_back() {
    let mut rig = Rig::on_air(&[("a", PLAIN)]);
    let on_air = rig.worker("a");
    rig.end_origin(Signal::SIGKILL);
    rig.wait_destination("a", "three seconds waiting", |one| one.queue_seconds >= 3.0);
    assert_eq!(rig.order("a", "stop")["state"], "delivering");
    let waits = |channel: &ChannelStatus| {
        let interrupted =
            |one: &DestinationStatus| one.queue_seconds >= 3.0 && one.state != DestinationState::Streaming;
        channel.state == ChannelState::Delivering && channel.destinations().iter().all(interrupted)
    };
    let off_air = rig.wait_channel("a", "the rest waits", |channel| channel.remainder.is_some() && waits(channel));
    assert!(!off_air.on_air && off_air.report.is_none() && off_air.worker.is_some_and(|one| one.pid != on_air));
    // All processes end, as when the box goes down.
    assert_eq!(rig.end_daemon(Signal::SIGTERM), Some(0));
    assert_eq!(rig.leftovers(), Vec::<u32>::new());
    rig.start_daemon();
    let worker = rig.wait_channel("a", "the rest waits again", |channel| channel.remainder.is_some() && waits(channel));
    // A daemon that dies is no reason to begin anew.
    rig.end_daemon(Signal::SIGKILL);
    rig.start_daemon();
    let pid = |channel: ChannelStatus| channel.worker.map(|one| one.pid);
    let again = rig.wait_channel("a", "the rest waits still", |channel| channel.remainder.is_some() && waits(channel));
    assert_eq!(pid(again), pid(worker));

    rig.start_origin();
    rig.wait_channel("a", "nothing is left", |channel| channel.state == ChannelState::Idle);
    rig.wait_event("remainder_delivered", Some("a"));
    everything_is_there(&rig, "a");
    // On air again it goes on behind that.
    rig.order("a", "start");
    rig.wait_on_air("a");
    for rendition in RENDITIONS {
        delivered(&rig, "a", rendition);
    }
}

/// Every complete segment of the spool is at the origin, without a hole, and the playlists have none.
pub fn everything_is_there(rig: &Rig, channel: &str) {
    for rendition in RENDITIONS {
        let numbers = delivered(rig, channel, rendition);
        let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
        assert_eq!(numbers, (first..=last).collect::<Vec<_>>(), "{rendition}: a hole in the spool");
        let playlist = media(rig, channel, rendition);
        assert!(!playlist.segments.iter().any(is_gap), "{rendition}: gaps are left");
        assert_eq!(playlist.discontinuity_sequence, 0);
        assert!(!playlist.segments.iter().any(|segment| segment.discontinuity));
    }
}

/// Asserts that every complete segment of the spool is at the origin, byte by byte, and listed; their numbers.
pub fn delivered(rig: &Rig, channel: &str, rendition: &str) -> Vec<u64> {
    let directory = rig.spool(channel).join(rendition);
    let names = std::fs::read_dir(&directory).unwrap().flatten();
    let mut numbers: Vec<u64> =
        names.filter_map(|name| name.file_name().to_str()?.strip_suffix(".m4s")?.parse().ok()).collect();
    numbers.sort_unstable();
    let last = *numbers.last().expect("segments in the spool");
    rig.until("the newest one of the spool is listed", || newest(rig, channel, rendition) >= last);
    for number in &numbers {
        let there = object(rig, &format!("{channel}/{rendition}/{number}.m4s"));
        let here = std::fs::read(directory.join(format!("{number}.m4s"))).unwrap();
        assert!(here == there, "{rendition}: segment {number} differs");
    }
    eprintln!("{rendition}: {} segments, all at the origin", numbers.len());
    numbers
}
