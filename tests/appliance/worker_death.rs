//! A worker that dies or stalls is replaced, and no neighbour notices.

use nix::sys::signal::Signal;
use uplink::measure::FaultCode::{
    FramesMissing, GapEntry, MarksUnreadable, ProgramDateTimeGap, SoundGap, SourceFramesMissing, SourceFramesRepeated,
};
use uplink::measure::Report;

use crate::delivered::{assert_only, assert_whole, measure, newest, wait_picture};
use crate::process;
use crate::rig::{PLAIN, RENDITIONS, Rig};

/// Kills the worker of `a` and waits for the next one, on air.
fn replace(rig: &Rig, signal: Signal, code: &str) -> u32 {
    let old = rig.worker("a");
    let last = newest(rig, "a", RENDITIONS[0]);
    let seen = rig.events().iter().filter(|event| event["code"] == code && event["channel"] == "a").count();
    process::signal(old, signal);
    let new = rig.wait_channel("a", "another worker on air", |channel| {
        channel.on_air && channel.worker.as_ref().is_some_and(|worker| worker.pid != old)
    });
    rig.until("it is told", || {
        rig.events().iter().filter(|event| event["code"] == code && event["channel"] == "a").count() > seen
    });
    assert!(!process::lives(old), "{signal}: the old worker is gone");
    wait_picture(rig, "a", true);
    let numbers: Vec<u64> = RENDITIONS.iter().map(|rendition| newest(rig, "a", rendition)).collect();
    assert!(numbers.iter().all(|number| *number > last), "{signal}: {numbers:?} after {last}");
    new.worker.unwrap().pid
}

/// The seam may cost pictures and begin with the slate, never the order of numbers, nor may renditions tell it differently.
fn assert_seams(report: &Report, seams: u64) {
    let lost = [FramesMissing, SourceFramesMissing, SoundGap, GapEntry, ProgramDateTimeGap];
    assert_only(report, &[&lost[..], &[SourceFramesRepeated, MarksUnreadable]].concat());
    for stream in &report.streams {
        let playlist = stream.playlist.unwrap();
        assert_eq!(playlist.discontinuities, seams, "{}: {playlist:?}", stream.name);
        assert_eq!((playlist.sequence_gaps, playlist.sequence_backwards), (0, 0), "{}", stream.name);
        assert_eq!((playlist.changed_segments, playlist.discontinuity_sequence_faults), (0, 0), "{}", stream.name);
    }
}

#[test]
fn a_killed_worker_is_replaced_and_its_neighbour_goes_on() {
    let rig = Rig::on_air(&[("a", PLAIN), ("b", PLAIN)]);
    let neighbour = rig.worker("b");
    let (of_a, of_b) = (measure(&rig, "a", 20), measure(&rig, "b", 20));
    replace(&rig, Signal::SIGKILL, "worker_died");
    replace(&rig, Signal::SIGSEGV, "worker_died");
    let died = rig.wait_event("worker_died", Some("a"));
    assert!(died["text"].as_str().unwrap().contains("SIGSEGV"), "{died}");
    let (of_a, of_b) = (of_a.report(), of_b.report());
    assert_seams(&of_a, 2);
    assert_whole(&rig, "b", &of_b, 18);
    assert_eq!(rig.worker("b"), neighbour);
    assert_eq!(rig.channel("b").restarts, 0);
    assert_eq!(rig.channel("a").restarts, 2);
    let lost = of_a.streams[0].counter.expect("marks").missing;
    eprintln!("worker killed by SIGKILL and by SIGSEGV: {lost} frames lost in all");
}

#[test]
fn a_worker_that_stands_still_is_killed_and_replaced() {
    let rig = Rig::on_air(&[("a", PLAIN), ("b", PLAIN)]);
    let neighbour = rig.worker("b");
    let of_b = measure(&rig, "b", 15);
    replace(&rig, Signal::SIGSTOP, "worker_stalled");
    let stalled = rig.wait_event("worker_stalled", Some("a"));
    assert!(stalled["fault"].is_string() && stalled["hint"].is_string(), "{stalled}");
    assert_whole(&rig, "b", &of_b.report(), 13);
    assert_eq!(rig.worker("b"), neighbour);
}
