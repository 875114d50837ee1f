//! Two boxes with the same channel at one origin: one is killed, cut off, or hands over, and a viewer notices nothing.

use std::time::Instant;

use nix::sys::signal::Signal;
use serde_json::json;
use uplink::measure::FaultCode::{SourceFramesMissing, SourceFramesRepeated};
use uplink::measure::Report;
use uplink::model::pair::{PairRole, PairStatus};

use crate::browser::plays_across;
use crate::delivered::{assert_only, is_gap, measure, media, newest};
use crate::process;
use crate::rig::{PLAIN, RENDITIONS, Rig};

/// Two boxes, the first of which has the origin and delivers.
fn pair(mode: &str) -> [Rig; 2] {
    let mut boxes = [Rig::new(&[("a", PLAIN)]), Rig::new(&[("a", PLAIN)])];
    boxes[0].start_origin();
    boxes[1].origin = boxes[0].origin;
    let url = format!("http://{}/live/", boxes[0].origin);
    for (rig, member) in boxes.iter_mut().zip(["one", "two"]) {
        rig.edit(|text| {
            let own = text.lines().find(|line| line.starts_with("url = ")).expect("an address").to_owned();
            let paired =
                format!("url = \"{url}\"\npair = {{ member = \"{member}\", mode = \"{mode}\", clock = \"any\" }}");
            text.replacen(&own, &paired, 1)
        });
        rig.start_daemon();
        rig.wait_on_air("a");
        let wanted = if member == "one" { PairRole::Holder } else { beside(mode) };
        wait_role(rig, wanted);
    }
    boxes
}

fn beside(mode: &str) -> PairRole {
    if mode == "active-active" { PairRole::Active } else { PairRole::Standby }
}

fn wait_role(rig: &Rig, wanted: PairRole) -> PairStatus {
    let of = |one: &uplink::model::status::DestinationStatus| one.endpoints.first()?.pair.clone();
    let found = rig.wait_destination("a", &format!("{wanted:?}"), |one| of(one).is_some_and(|p| p.role == wanted));
    of(&found).expect("a pair")
}

/// `kill -9` of everything that is a box: daemon and worker. Its origin is another machine.
fn kill(rig: &mut Rig) {
    let worker = rig.worker("a");
    rig.end_daemon(Signal::SIGKILL);
    process::signal(worker, Signal::SIGKILL);
    process::until("the box is dead", crate::rig::SOON, || !process::lives(worker));
}

/// Nothing is missing in the media: neither between the boxes nor in what the playlists say. Each box has test sources of
/// its own, so the marks may step where they meet.
fn assert_seamless(report: &Report) {
    assert_only(report, &[SourceFramesMissing, SourceFramesRepeated]);
    for stream in &report.streams {
        let playlist = stream.playlist.expect("a playlist");
        assert_eq!(playlist.discontinuities, 0, "{}: both encode alike", stream.name);
        assert_eq!((playlist.sequence_gaps, playlist.sequence_backwards), (0, 0), "{}", stream.name);
        assert_eq!((playlist.changed_segments, playlist.discontinuity_sequence_faults), (0, 0), "{}", stream.name);
    }
}

#[test]
fn a_box_is_killed_hands_over_and_is_cut_off_without_a_gap() {
    let [mut one, two] = pair("active-standby");
    let measured = measure(&one, "a", 9);
    let killed_at = newest(&one, "a", RENDITIONS[0]);
    let at = Instant::now();
    kill(&mut one);
    let taken = wait_role(&two, PairRole::Holder);
    let told = newest(&two, "a", RENDITIONS[0]);
    eprintln!("killed: the other delivers after {:.2} s, told up to {told}", at.elapsed().as_secs_f64());
    assert_eq!((taken.takeovers, taken.holder.as_deref()), (1, Some("two")));
    two.wait_event("lease_taken", Some("a"));
    assert_seamless(&measured.report());
    for rendition in RENDITIONS {
        let playlist = media(&one, "a", rendition);
        assert!(newest(&one, "a", rendition) > killed_at);
        assert!(!playlist.segments.iter().any(is_gap), "{rendition}");
    }

    // It comes back and only stands by; then the other hands over to it on purpose.
    one.start_daemon();
    one.wait_on_air("a");
    wait_role(&one, PairRole::Standby);
    let measured = measure(&one, "a", 6);
    let answer = two.post("/api/v1/channels/a/hand-over", &json!({ "destination": "origin" }));
    assert_eq!(answer.status, 200, "{}", answer.text());
    wait_role(&one, PairRole::Holder);
    wait_role(&two, PairRole::Standby);
    assert_seamless(&measured.report());
    assert_eq!(wait_role(&two, PairRole::Standby).fenced, 0);
    let refused = two.post("/api/v1/channels/a/hand-over", &json!({ "destination": "origin" }));
    assert!(refused.status >= 400 && refused.text().contains("nothing to hand over"), "{}", refused.text());

    // Cut off as it stands, in the middle of whatever it sends; it does not know when it wakes up.
    let worker = one.worker("a");
    one.signal_daemon(Signal::SIGSTOP);
    process::signal(worker, Signal::SIGSTOP);
    wait_role(&two, PairRole::Holder);
    process::signal(worker, Signal::SIGCONT);
    one.signal_daemon(Signal::SIGCONT);
    wait_role(&one, PairRole::Standby);
    let seen = newest(&two, "a", RENDITIONS[0]);
    two.until("it goes on", || newest(&two, "a", RENDITIONS[0]) >= seen + 3);
    let holder = wait_role(&two, PairRole::Holder);
    assert_eq!(holder.fenced, 0, "who has the lease is not disturbed");
    for rendition in RENDITIONS {
        assert!(!media(&two, "a", rendition).segments.iter().any(is_gap), "{rendition}");
    }
}

#[test]
fn a_player_in_a_browser_goes_on_when_a_box_is_killed() {
    let [mut one, two] = pair("active-active");
    let (signs, base) = (one.path("signs"), format!("http://{}", one.origin));
    let played = plays_across(&signs, &[base], || {
        kill(&mut one);
        wait_role(&two, PairRole::Holder);
    });
    for rendition in RENDITIONS.iter().filter(|_| played) {
        let playlist = media(&two, "a", rendition);
        let broken = playlist.segments.iter().filter(|segment| is_gap(segment) || segment.discontinuity).count();
        assert_eq!(broken, 0, "{rendition}");
    }
}
