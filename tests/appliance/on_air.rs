//! On air: what is said of two channels, and what a viewer gets of them.

use std::time::Duration;

use m3u8_rs::{AlternativeMediaType, MasterPlaylist, MediaPlaylist};
use serde_json::json;
use uplink::model::Health;
use uplink::model::status::{ChannelOrder, ChannelState, DestinationState, ProgramOrder, Showing, SourceState};

use crate::delivered::{
    assert_whole, measure, media, multivariant, named, newest, playable, probe, settle, wait_picture,
};
use crate::http;
use crate::rig::{PLAIN, RENDITIONS, Rig};

#[test]
fn two_channels_are_on_air_and_say_so_truthfully() {
    let rig = Rig::on_air(&[("a", PLAIN), ("b", PLAIN)]);
    for id in ["a", "b"] {
        rig.wait_channel(id, "healthy", |channel| channel.health.health == Health::Healthy);
    }
    assert_eq!(rig.get("/healthz").status, 200);
    assert_eq!(rig.get("/readyz").status, 200, "{}", rig.get("/readyz").text());
    status_is_what_the_origin_has(&rig, "a");
    confidence_is_a_recent_picture(&rig, "b");
    metrics_name_both(&rig);
    let measuring = measure(&rig, "a", 22);
    playlists_say_what_ffprobe_sees(&rig, "b");
    assert_ne!(rig.worker("a"), rig.worker("b"), "one channel, one process");
    let report = measuring.report();
    assert_whole(&rig, "a", &report, 20);
    let keyframes = report.keyframes.expect("two renditions");
    assert!(keyframes.seconds >= 20.0 && keyframes.keyframes >= 20, "{keyframes:?}");
    assert_eq!((keyframes.differing, keyframes.differing_segment_starts), (0, 0));
    for stream in &report.streams {
        let playlist = stream.playlist.expect("a playlist");
        assert_eq!(playlist.without_program_date_time, 0);
        assert!(playlist.program_date_time_error_ms.expect("timestamps count from the epoch") < 1.0, "{playlist:?}");
        if stream.video.is_some() {
            assert_eq!(playlist.off_epoch_segments, Some(0));
        }
    }
}

fn status_is_what_the_origin_has(rig: &Rig, id: &str) {
    let before = newest(rig, id, RENDITIONS[0]);
    let channel = rig.channel(id);
    assert_eq!((channel.order, channel.state), (ChannelOrder::OnAir, ChannelState::Running));
    assert!(channel.on_air && channel.on_air_since.is_some() && channel.restarts == 0);
    let worker = channel.worker.expect("a worker");
    assert!(crate::process::lives(worker.pid) && !worker.adopted);
    let report = channel.report.expect("a report");
    assert_eq!(report.program.order, ProgramOrder::Auto);
    assert!(matches!(&report.program.showing, Showing::Source { source } if source.as_str() == "test"));
    assert!(report.sources.iter().all(|source| source.state == SourceState::Delivering));
    let renditions: Vec<&str> = report.renditions.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(renditions, RENDITIONS);
    for rendition in &report.renditions {
        assert!(rendition.media_sequence.expect("a segment") + 1 >= before, "{rendition:?}, the origin has {before}");
        assert!(rendition.segments > 0 && rendition.measured.bps() > 0, "{rendition:?}");
    }
    assert_eq!(report.destinations[0].state, DestinationState::Streaming);
    assert!(report.destinations[0].bytes_acknowledged > 0);
    assert_eq!(report.spool.lost_segments, 0);
}

fn confidence_is_a_recent_picture(rig: &Rig, id: &str) {
    let path = format!("/api/v1/channels/{id}/confidence.jpg");
    rig.until("a confidence picture", || rig.get(&path).status == 200);
    let answer = rig.get(&path);
    assert_eq!(answer.header("content-type"), Some("image/jpeg"));
    assert!(answer.body.starts_with(&[0xFF, 0xD8]) && answer.body.ends_with(&[0xFF, 0xD9]), "no JPEG");
    assert_eq!(answer.header("x-frame-stale"), Some("false"));
    let file = rig.path("confidence.jpg");
    std::fs::write(&file, &answer.body).unwrap();
    let seen = probe(&file);
    assert_eq!(seen["codec_name"], "mjpeg");
    // Of now, not of the worker's first moment: another one with another time follows.
    let first = answer.header("last-modified").unwrap().to_owned();
    rig.until("a newer picture", || rig.get(&path).header("last-modified").is_some_and(|now| now != first));
}

fn metrics_name_both(rig: &Rig) {
    let metrics = rig.get("/metrics").text();
    for id in ["a", "b"] {
        let frames =
            metrics.lines().find(|line| line.contains("channel_frames") && line.contains(&format!("\"{id}\"")));
        let value: f64 = frames.and_then(|line| line.rsplit(' ').next()?.parse().ok()).expect("frames of the channel");
        assert!(value > 0.0);
    }
    assert_eq!(http::get(rig.origin, "/metrics").unwrap().status, 200);
}

/// Multivariant playlist, media playlists and media agree, with ffprobe as the judge of the media.
fn playlists_say_what_ffprobe_sees(rig: &Rig, id: &str) {
    settle(rig, id);
    let multivariant = multivariant(rig, id);
    let seen: Vec<serde_json::Value> = RENDITIONS
        .iter()
        .map(|rendition| {
            media_playlist_is_epoch_locked(&media(rig, id, rendition));
            let (number, init) = named(rig, id, rendition, 0).pop().unwrap();
            probe(&playable(rig, id, rendition, number, &init))
        })
        .collect();
    let sound = &seen[2];
    assert_eq!((sound["codec_name"].as_str(), sound["profile"].as_str()), (Some("aac"), Some("LC")));
    assert_eq!((sound["sample_rate"].as_str(), sound["channels"].as_i64()), (Some("48000"), Some(2)));
    for (rendition, video) in RENDITIONS.iter().zip(&seen[..2]) {
        variant_is(&multivariant, rendition, video);
        assert_eq!(video["nb_read_frames"], "25", "{rendition}: {video}");
    }
    let alternative = &multivariant.alternatives[0];
    assert_eq!(alternative.media_type, AlternativeMediaType::Audio);
    assert_eq!(alternative.uri.as_deref(), Some("sound/media.m3u8"));
}

fn variant_is(multivariant: &MasterPlaylist, rendition: &str, video: &serde_json::Value) {
    let uri = format!("{rendition}/media.m3u8");
    let variant = multivariant.variants.iter().find(|variant| variant.uri == uri).expect("the rendition is listed");
    let resolution = variant.resolution.expect("RESOLUTION");
    assert_eq!((json!(resolution.width), json!(resolution.height)), (video["width"].clone(), video["height"].clone()));
    assert_eq!(variant.frame_rate, Some(25.0));
    // An encoder without effort makes less of the profile than it may, and CODECS must say what is there.
    let profile = match video["profile"].as_str() {
        Some("Constrained Baseline") => "42",
        Some("Main") => "4d",
        other => panic!("profile {other:?} was not asked for"),
    };
    let level = video["level"].as_u64().expect("a level");
    let codecs = variant.codecs.as_deref().expect("CODECS");
    let (avc, aac) = codecs.split_once(',').expect("picture and sound");
    assert_eq!(aac, "mp4a.40.2");
    let (avc_profile, rest) = avc.strip_prefix("avc1.").expect("H.264").split_at(2);
    assert_eq!(avc_profile.to_ascii_lowercase(), profile, "{codecs}");
    assert_eq!(u64::from_str_radix(&rest[2..], 16).unwrap(), level, "{codecs}");
    assert!(variant.average_bandwidth.is_some_and(|average| average <= variant.bandwidth));
}

fn media_playlist_is_epoch_locked(playlist: &MediaPlaylist) {
    assert!(!playlist.end_list && playlist.target_duration >= 1);
    assert!(playlist.segments.len() >= 5);
    let mut before = None;
    // The first of all begins when the channel went on air.
    for (number, segment) in (playlist.media_sequence..).zip(&playlist.segments).skip(1) {
        assert_eq!(segment.uri, format!("{number}.m4s"));
        let at = segment.program_date_time.expect("PROGRAM-DATE-TIME").timestamp_millis();
        // Sound is cut at the packet next to the boundary.
        let off = at - i64::try_from(number).unwrap() * 1000;
        assert!(off.abs() <= 40, "segment {number} begins {off} ms off its second");
        if let Some(end) = before {
            assert!((at - end as i64).abs() <= 2, "segment {number} does not continue the one before");
        }
        before = Some((at as f64 + f64::from(segment.duration) * 1000.0).round());
    }
}

#[test]
fn events_follow_orders_and_the_viewer_sees_them() {
    let mut rig = Rig::new(&[("a", "sources = [\"clip\", \"test\"]")]);
    let clip = clip(&rig);
    rig.edit(|text| format!("{text}[sources.clip]\nkind = \"file\"\npath = \"{clip}\"\n"));
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    // On a busy machine the second source is there before the first, and a take of what is shown is no switch.
    rig.wait_channel("a", "the clip is shown", |channel| {
        let showing = channel.report.as_ref().map(|report| &report.program.showing);
        matches!(showing, Some(Showing::Source { source }) if source.as_str() == "clip")
    });
    let mut following = rig.follow();
    assert_eq!(following.next().kind, "snapshot");

    let taken = rig.post("/api/v1/channels/a/take", &json!({"source": "test"}));
    assert_eq!(taken.status, 200, "{}", taken.text());
    let switched = following.until("the switch", |sent| sent.data["code"] == "program_switched");
    assert_eq!(switched.data["channel"], "a");
    wait_picture(&rig, "a", true);

    rig.order("a", "slate");
    following.until("the slate", |sent| sent.data["code"] == "slate_on");
    wait_picture(&rig, "a", false);
    let channel = rig.channel("a");
    assert!(channel.state == ChannelState::Slate && channel.on_air, "{channel:?}");

    let taken = rig.post("/api/v1/channels/a/take", &json!({"source": "test"}));
    assert_eq!(taken.status, 200, "{}", taken.text());
    following.until("the end of the slate", |sent| sent.data["code"] == "slate_off");
    wait_picture(&rig, "a", true);

    rig.order("a", "release");
    wait_picture(&rig, "a", false);
    assert!(matches!(rig.report("a").program.showing, Showing::Source { source } if source.as_str() == "clip"));
    assert_eq!(rig.post("/api/v1/channels/a/take", &json!({"source": "nobody"})).status, 422);
    assert_eq!(rig.post("/api/v1/channels/nobody/stop", &json!({})).status, 404);
}

/// A short clip without marks.
fn clip(rig: &Rig) -> String {
    let path = rig.path("clip.mp4").display().to_string();
    let made = std::process::Command::new("timeout")
        .args("60 ffmpeg -v error -f lavfi -i testsrc2=s=320x180:r=25 -f lavfi -i sine -t 4 -shortest".split(' '))
        .args("-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac".split(' '))
        .arg(&path)
        .status()
        .expect("ffmpeg is installed (packaging/install-dependencies test)");
    assert!(made.success());
    path
}

#[test]
fn off_air_means_nothing_new_and_back_on_air_the_numbering_goes_on() {
    let rig = Rig::on_air(&[("a", PLAIN)]);
    let mut following = rig.follow();
    let pid = rig.worker("a");
    rig.order("a", "stop");
    following.until("the stop", |sent| sent.data["code"] == "channel_stopped");
    let channel = rig.channel("a");
    assert_eq!((channel.order, channel.state), (ChannelOrder::OffAir, ChannelState::Idle));
    assert!(!channel.on_air && channel.worker.is_none());
    assert!(!crate::process::lives(pid));
    assert_eq!(rig.get("/readyz").status, 200, "nothing that was ordered is missing");
    let last: Vec<u64> = RENDITIONS.iter().map(|rendition| newest(&rig, "a", rendition)).collect();
    assert_eq!(last, [last[0]; 3], "all renditions end with the same segment");

    rig.order("a", "start");
    following.until("the start", |sent| sent.data["code"] == "channel_started");
    rig.wait_on_air("a");
    wait_picture(&rig, "a", true);
    for rendition in RENDITIONS {
        let playlist = media(&rig, "a", rendition);
        let numbers = playlist.media_sequence..playlist.media_sequence + playlist.segments.len() as u64;
        assert!(numbers.end > last[0] + 1, "{rendition}: {numbers:?} after {last:?}");
        let seams = playlist.segments.iter().filter(|segment| segment.discontinuity).count();
        assert!(seams as u64 + playlist.discontinuity_sequence >= 1, "{rendition}: the seam is not told");
    }
    let at = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!(Duration::from_secs(newest(&rig, "a", RENDITIONS[0])) <= at, "a number of the future");
}
