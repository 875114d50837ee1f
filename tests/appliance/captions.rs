//! Captions over the whole chain: from a source's pictures and from the API to the pictures of every rendition and to
//! WebVTT at the origin, read there by ffmpeg and shown by a browser.

use std::path::Path;
use std::process::Command;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::browser::node;
use crate::cues::hls_parser;
use crate::delivered::{media, multivariant, named, newest, object};
use crate::process;
use crate::rig::Rig;

const SPOKEN: &str = "HELLO & <VIEWERS>";

/// Pop-on captions at 25 pictures per second: loaded at the beginning, shown from 2 to 6 s of 8.
fn pairs() -> Vec<[u8; 2]> {
    let odd = |byte: u8| if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte };
    let twice = |code: [u8; 2]| [code.map(odd); 2];
    let text = SPOKEN.as_bytes().chunks(2).map(|pair| [pair[0], pair.get(1).copied().unwrap_or(0)].map(odd));
    let mut pairs: Vec<[u8; 2]> = [[0x14, 0x20], [0x14, 0x2e], [0x14, 0x60]].into_iter().flat_map(twice).collect();
    pairs.extend(text);
    pairs.resize(50, [0x80, 0x80]);
    pairs.extend(twice([0x14, 0x2f]));
    pairs.resize(150, [0x80, 0x80]);
    pairs.extend(twice([0x14, 0x2c]));
    pairs.resize(200, [0x80, 0x80]);
    pairs
}

/// A file with these captions.
fn clip(path: &Path) {
    gst::init().unwrap();
    let line = format!(
        "videotestsrc num-buffers=200 ! video/x-raw,format=I420,width=320,height=180,framerate=25/1 ! \
         x264enc name=encoder speed-preset=ultrafast tune=zerolatency ! h264parse ! mp4mux ! filesink location={}",
        path.display()
    );
    let pipeline = gst::parse::launch(&line).unwrap().downcast::<gst::Pipeline>().unwrap();
    let (pairs, count) = (pairs(), std::sync::atomic::AtomicUsize::new(0));
    let pad = pipeline.by_name("encoder").unwrap().static_pad("sink").unwrap();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if let (Some(buffer), Some([a, b])) = (info.buffer_mut(), pairs.get(n)) {
            let form = gst_video::VideoCaptionType::Cea708Raw;
            gst_video::VideoCaptionMeta::add(buffer.make_mut(), form, &[0xfc, *a, *b]);
        }
        gst::PadProbeReturn::Ok
    });
    pipeline.set_state(gst::State::Playing).unwrap();
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let end = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds).unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    assert_eq!(end.type_(), gst::MessageType::Eos, "{end:?}");
}

/// A channel that has them, on air.
fn on_air() -> Rig {
    let mut rig = Rig::new(&[("a", "sources = [\"clip\"]")]);
    let class = std::fs::read_to_string(rig.path("pipelines/rig.toml")).unwrap();
    let class = class
        .replace("name = \"rig\"", "name = \"captioned\"")
        .replace("playlist_segments = 10", "playlist_segments = 30");
    let captions = "\n[captions]\nname = \"English\"\nlanguage = \"en\"\n";
    std::fs::write(rig.path("pipelines/captioned.toml"), class + captions).unwrap();
    let file = rig.path("clip.mp4");
    clip(&file);
    rig.edit(|text| {
        let source = format!("[sources.clip]\nkind = \"file\"\npath = \"{}\"\n[sources.test]", file.display());
        text.replace("[sources.test]", &source).replace("stream_class = \"rig\"", "stream_class = \"captioned\"")
    });
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    rig.until("the captions' playlist", || {
        crate::http::get(rig.origin, "/live/a/captions/media.m3u8").is_ok_and(|a| a.status == 200)
    });
    rig
}

fn text(rig: &Rig, number: u64) -> String {
    String::from_utf8(object(rig, &format!("a/captions/{number}.vtt"))).unwrap()
}

/// Waits until `words` are in the WebVTT of a segment; its number.
fn wait_words(rig: &Rig, words: &str) -> u64 {
    let mut found = None;
    rig.until(&format!("`{words}` as WebVTT"), || {
        let numbers: Vec<u64> = named(rig, "a", "captions", 0).into_iter().map(|(number, _)| number).collect();
        found = numbers.into_iter().find(|number| text(rig, *number).contains(words));
        found.is_some()
    });
    found.unwrap()
}

/// What a decoder reads from the pictures of `rendition` in these segments.
fn spoken(rig: &Rig, rendition: &str, numbers: std::ops::RangeInclusive<u64>) -> String {
    let name = fetched(rig, rendition, numbers);
    subrip(rig, &["-f", "lavfi", "-i", &format!("movie={name}[out0+subcc]"), "-map", "0:s"])
}

/// What service 1 of CEA-708 says in these segments: ffmpeg takes the triplets off the decoded pictures, a reader of its
/// own takes them apart.
fn service(rig: &Rig, rendition: &str, numbers: std::ops::RangeInclusive<u64>) -> Value {
    let name = fetched(rig, rendition, numbers);
    let movie = format!("movie={name}[out0+subcc]");
    let raw = rig.path("cc_data");
    let taken = Command::new("timeout")
        .args(["60", "ffmpeg", "-y", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", &movie])
        .args(["-map", "0:s", "-c", "copy", "-f", "data"])
        .arg(&raw)
        .current_dir(rig.path(""))
        .status();
    assert!(taken.expect("ffmpeg is installed (packaging/install-dependencies test)").success());
    let read = Command::new("timeout")
        .args(["60", "python3", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/appliance/service708.py")])
        .arg(&raw)
        .output()
        .expect("python3 is installed (packaging/install-dependencies test)");
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    serde_json::from_slice(&read.stdout).unwrap()
}

/// These segments as one file, by name.
fn fetched(rig: &Rig, rendition: &str, numbers: std::ops::RangeInclusive<u64>) -> String {
    rig.until("these segments", || newest(rig, "a", rendition) >= *numbers.end());
    let wanted: Vec<(u64, String)> = named(rig, "a", rendition, *numbers.start())
        .into_iter()
        .filter(|(number, _)| numbers.contains(number))
        .collect();
    assert!(!wanted.is_empty());
    let mut bytes = object(rig, &format!("a/{rendition}/{}", wanted[0].1));
    for (number, _) in &wanted {
        bytes.extend(object(rig, &format!("a/{rendition}/{number}.m4s")));
    }
    let name = format!("spoken-{rendition}.mp4");
    std::fs::write(rig.path(&name), bytes).unwrap();
    name
}

fn subrip(rig: &Rig, arguments: &[&str]) -> String {
    let output = Command::new("timeout")
        .args(["60", "ffmpeg", "-nostdin", "-loglevel", "error"])
        .args(arguments)
        .args(["-f", "srt", "-"])
        .current_dir(rig.path(""))
        .output()
        .expect("ffmpeg is installed (packaging/install-dependencies test)");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Where a segment begins, and whether behind a discontinuity.
#[derive(Debug, PartialEq)]
struct Place {
    number: u64,
    at: String,
    discontinuity: bool,
}

fn places(rig: &Rig, rendition: &str) -> Vec<Place> {
    let playlist = media(rig, "a", rendition);
    let place = |(number, segment): (u64, &m3u8_rs::MediaSegment)| Place {
        number,
        at: segment.program_date_time.map(|at| at.to_rfc3339()).unwrap_or_default(),
        discontinuity: segment.discontinuity,
    };
    (playlist.media_sequence..).zip(&playlist.segments).map(place).collect()
}

#[test]
fn what_is_said_reaches_viewers_in_pictures_and_as_webvtt() {
    let rig = on_air();
    let shown = wait_words(&rig, "HELLO &amp; &lt;VIEWERS&gt;");
    std::fs::write(rig.path("x.vtt"), text(&rig, shown)).unwrap();
    assert!(subrip(&rig, &["-i", "x.vtt"]).contains(SPOKEN));
    // It was loaded at most two seconds before.
    for rendition in ["180p", "144p"] {
        let said = spoken(&rig, rendition, shown - 4..=shown + 1);
        assert!(said.contains(SPOKEN), "{rendition}: {said}");
    }
    let answer = rig.post("/api/v1/channels/a/captions", &json!({"text": "Inserted by hand"}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let shown = wait_words(&rig, "Inserted by hand");
    // Until the source speaks again: that decoder tells of a text when it goes.
    for rendition in ["180p", "144p"] {
        let said = spoken(&rig, rendition, shown - 2..=shown + 9);
        assert!(said.contains("Inserted by hand"), "{rendition}: {said}");
        let read = service(&rig, rendition, shown - 2..=shown + 9);
        assert_eq!((&read["rows"], &read["services"]), (&json!(["Inserted by hand"]), &json!([1])), "{rendition}");
        assert_eq!(read["lost"], 0, "{rendition}");
    }

    let offered = multivariant(&rig, "a");
    let kinds: Vec<String> = offered.alternatives.iter().map(|media| media.media_type.to_string()).collect();
    assert_eq!(kinds, ["AUDIO", "CLOSED-CAPTIONS", "SUBTITLES"]);
    assert!(offered.variants.iter().all(|variant| variant.subtitles.as_deref() == Some("subtitles")));
    let playlist = String::from_utf8(object(&rig, "a/captions/media.m3u8")).unwrap();
    assert!(!playlist.contains("EXT-X-MAP"), "{playlist}");
    hls_parser(&rig, "captions", &playlist, 0);
    let status = rig.report("a");
    let rendition = status.renditions.iter().find(|rendition| rendition.id.as_str() == "captions").unwrap();
    assert!(rendition.encoder == "webvtt" && rendition.segments > 0, "{rendition:?}");
}

#[test]
fn a_killed_worker_does_not_disturb_the_numbers_of_the_text() {
    let rig = on_air();
    let (old, last) = (rig.worker("a"), newest(&rig, "a", "captions"));
    process::signal(old, Signal::SIGKILL);
    let seam = |places: &[Place]| places.iter().find(|place| place.discontinuity).map(|place| place.number);
    let settled = |rendition: &str| {
        let places = places(&rig, rendition);
        seam(&places).is_some_and(|seam| places.last().is_some_and(|newest| newest.number > seam + 4))
    };
    rig.until("text and pictures of the next worker", || ["180p", "captions"].iter().all(|id| settled(id)));
    let (text, pictures) = (places(&rig, "captions"), places(&rig, "180p"));
    assert_eq!(seam(&text), seam(&pictures), "the discontinuity is at the same number");
    let begin = seam(&text).unwrap();
    assert!(text.iter().any(|place| place.number == last), "what was there stays there");
    // The first segment of a run may begin late in the pictures; the text has the whole second.
    for behind in text.iter().filter(|place| place.number > begin) {
        if let Some(same) = pictures.iter().find(|place| place.number == behind.number) {
            assert_eq!(behind, same);
        }
    }
}

#[test]
fn a_browser_shows_them_when_they_are_said() {
    let rig = on_air();
    wait_words(&rig, "HELLO");
    let settings = [
        ("UPLINK_BASE", format!("http://{}", rig.origin)),
        ("UPLINK_CHANNEL", "a".to_owned()),
        ("UPLINK_WORDS", SPOKEN.to_owned()),
    ];
    node("tests/captions.mjs", &settings);
}
