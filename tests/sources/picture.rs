//! Pictures of any shape, and what is laid over them.

use std::path::PathBuf;
use std::time::Duration;

use uplink::media::overlay::Artist;
use uplink::model::overlay::{Overlay, OverlayKind, Place, Zone};
use uplink::model::status::ProgramOrder;
use uplink::plan::{SourceKind, SrtMode};

use super::recorder;
use super::rig::{Rig, Sender, clip, free_port};

const SOON: Duration = Duration::from_secs(20);

fn made(name: &str, input: &str, arguments: &[&str]) -> PathBuf {
    let all = [&["-f", "lavfi", "-i", input, "-t", "2"], arguments].concat();
    clip(name, &all)
}

const H264: [&str; 8] = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25"];

fn shown(count: usize) -> impl Fn(&recorder::Record) -> bool {
    move |record| record.pictures.iter().filter(|picture| !picture.is_slate).count() >= count
}

/// Plays a file until `count` of its pictures were shown.
fn play(rate: u32, path: PathBuf, count: usize) -> Rig {
    let rig = Rig::start((rate, 1), &[SourceKind::File { path }], ProgramOrder::Auto);
    assert!(rig.recorder.wait(SOON, shown(count)), "{}", rig.told());
    rig.assert_unbroken();
    rig
}

fn luma(rig: &Rig, x: usize, y: usize) -> u8 {
    rig.recorder.last.lock().unwrap()[y * 320 + x]
}

#[test]
fn bars_stand_where_the_shape_asks_for_them() {
    let white = "color=white:size=320x240:rate=25";
    let rig = play(25, made("four-three.mp4", white, &H264), 10);
    assert!(luma(&rig, 10, 90) < 20 && luma(&rig, 310, 90) < 20 && luma(&rig, 160, 90) > 200);
    drop(rig);
    // The same pixels, twice as wide as high: 8:3, bars above and below.
    let wide = [&H264[..], &["-vf", "setsar=2/1"]].concat();
    let rig = play(25, made("wide-pixels.mp4", white, &wide), 10);
    assert!(luma(&rig, 160, 10) < 20 && luma(&rig, 160, 170) < 20 && luma(&rig, 3, 90) > 200);
    drop(rig);
    // Held upright: stored lying, to be turned.
    let lying = made("lying.mp4", "color=white:size=320x180:rate=25", &H264);
    let lying = lying.to_str().unwrap().to_owned();
    let upright = clip("upright.mp4", &["-i", &lying, "-c", "copy", "-metadata:s:v:0", "rotate=90"]);
    let rig = play(25, upright, 10);
    assert!(luma(&rig, 90, 90) < 20 && luma(&rig, 230, 90) < 20 && luma(&rig, 160, 5) > 200, "{}", luma(&rig, 90, 90));
}

#[test]
fn both_fields_of_an_interlaced_source_are_pictures_of_their_own() {
    let interlaced = [
        "-vf",
        "interlace=scan=tff",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-pix_fmt",
        "yuv420p",
        "-flags",
        "+ilme+ildct",
        "-x264opts",
        "tff=1",
    ];
    let rig = play(50, made("fields.mp4", "testsrc2=size=320x180:rate=50", &interlaced), 80);
    let record = rig.recorder.record.lock().unwrap();
    let pictures: Vec<_> = record.pictures.iter().skip_while(|picture| picture.is_slate).take(70).collect();
    let new = pictures.windows(2).filter(|pair| pair[0].sum != pair[1].sum).count();
    assert!(new > 60, "{new} of 69 pictures differ from the one before");
}

#[test]
fn a_source_that_changes_in_mid_stream_goes_on() {
    let ts = |name: &str, input: &str, more: &[&str]| {
        std::fs::read(made(name, input, &[&H264[..], more, &["-f", "mpegts"]].concat())).unwrap()
    };
    let parts = [
        ts("a.ts", "testsrc2=size=640x360:rate=30", &[]),
        ts("b.ts", "color=white:size=200x300:rate=15", &["-vf", "setsar=3/2", "-output_ts_offset", "2"]),
        ts("c.ts", "testsrc2=size=1920x1080:rate=60", &["-flags", "+ilme+ildct", "-output_ts_offset", "4"]),
    ];
    let path = std::env::temp_dir().join(format!("uplink-clip-{}-changes.ts", std::process::id()));
    std::fs::write(&path, parts.concat()).unwrap();
    let port = free_port();
    let listener = SourceKind::Srt {
        mode: SrtMode::Listener,
        host: "127.0.0.1".to_owned(),
        port,
        latency_ms: 100,
        passphrase: None,
        stream_id: None,
    };
    let rig = Rig::start((30, 1), &[listener], ProgramOrder::Auto);
    let path = path.to_str().unwrap();
    let _sender = Sender::srt(&["-re", "-i", path, "-c", "copy"].map(str::to_owned), port);
    assert!(rig.recorder.wait(SOON, shown(20)), "{}", rig.told());
    // White, as wide as high: bars at the sides.
    let square = || luma(&rig, 20, 90) < 20 && luma(&rig, 160, 90) > 200 && luma(&rig, 300, 90) < 20;
    assert!(rig.recorder.wait(SOON, |_| square()), "{}", rig.told());
    assert!(rig.recorder.wait(SOON, |_| !square()), "{}", rig.told());
    rig.assert_unbroken();
}

#[test]
fn very_slow_and_very_fast_sources_are_shown_at_the_programs_rate() {
    for rate in [5, 240] {
        let input = format!("testsrc2=size=160x90:rate={rate}");
        let rig = play(30, made(&format!("rate-{rate}.mp4"), &input, &H264), 45);
        let record = rig.recorder.record.lock().unwrap();
        let pictures: Vec<_> = record.pictures.iter().skip_while(|picture| picture.is_slate).collect();
        assert!(pictures.iter().all(|picture| !picture.is_slate), "{rate}: slate between pictures");
    }
}

#[test]
fn an_overlay_is_on_the_frame_that_the_answer_names_and_costs_none() {
    let rig = Rig::start((30, 1), &[SourceKind::Test], ProgramOrder::Slate);
    assert!(rig.recorder.wait(SOON, |record| record.pictures.len() > 5));
    let mut artist = Artist::new(&rig.recorder.format, PathBuf::from("/nowhere"));
    let controls = rig.program().controls();
    let mut answers = Vec::new();
    for n in 0..24 {
        let clock = Overlay::Clock { place: Place::TopLeft, zone: Zone::Utc };
        let text = Overlay::Text { text: format!("number {n}"), place: Place::TopLeft, height_percent: 6 };
        let overlays = match n % 3 {
            0 => [(OverlayKind::Clock, clock)].into(),
            1 => [(OverlayKind::Text, text)].into(),
            _ => std::collections::BTreeMap::new(),
        };
        let (artwork, unfit) = artist.draw(&overlays, None);
        assert_eq!(unfit, []);
        let (at, frame) = controls.set_overlays(artwork).recv_timeout(Duration::from_secs(2)).unwrap();
        answers.push((at.as_nanos(), frame, n % 3 != 2));
    }
    let last = answers.last().unwrap().0;
    assert!(rig.recorder.wait(SOON, |record| record.pictures.last().is_some_and(|picture| picture.pts > last)));
    rig.assert_unbroken();
    let record = rig.recorder.record.lock().unwrap();
    let mut dark = false;
    for (at, frame, covers) in answers {
        let here = record.pictures.iter().position(|picture| picture.pts == at).unwrap();
        let is_dark = |n: usize| record.pictures[n].corner < recorder::SLATE_LUMA - 50;
        assert_eq!((is_dark(here - 1), is_dark(here)), (dark, covers), "frame {frame}");
        dark = covers;
    }
}

/// A file with CEA-608 pairs 1 to 100 in field 1, one per picture, then nothing.
fn captioned() -> PathBuf {
    carrying("captioned", |n| pair(n).to_vec())
}

/// A file whose pictures 1 to 100 carry what `captions` says; 30 pictures per second.
fn carrying(name: &str, captions: impl Fn(u8) -> Vec<u8> + Send + Sync + 'static) -> PathBuf {
    use gstreamer::prelude::*;
    let path = std::env::temp_dir().join(format!("uplink-clip-{}-{name}.mp4", std::process::id()));
    gstreamer::init().unwrap();
    let line = format!(
        "videotestsrc num-buffers=150 ! video/x-raw,format=I420,width=320,height=180,framerate=30/1 ! \
         x264enc name=encoder speed-preset=ultrafast tune=zerolatency ! h264parse ! mp4mux ! filesink location={}",
        path.display()
    );
    let pipeline = gstreamer::parse::launch(&line).unwrap().downcast::<gstreamer::Pipeline>().unwrap();
    let count = std::sync::atomic::AtomicU8::new(0);
    let pad = pipeline.by_name("encoder").unwrap().static_pad("sink").unwrap();
    pad.add_probe(gstreamer::PadProbeType::BUFFER, move |_, info| {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if let (Some(gstreamer::PadProbeData::Buffer(buffer)), 1..=100) = (&mut info.data, n) {
            let form = gstreamer_video::VideoCaptionType::Cea708Raw;
            gstreamer_video::VideoCaptionMeta::add(buffer.make_mut(), form, &captions(n));
        }
        gstreamer::PadProbeReturn::Ok
    });
    pipeline.set_state(gstreamer::State::Playing).unwrap();
    let kinds = [gstreamer::MessageType::Eos, gstreamer::MessageType::Error];
    let end = pipeline.bus().unwrap().timed_pop_filtered(gstreamer::ClockTime::from_seconds(60), &kinds).unwrap();
    pipeline.set_state(gstreamer::State::Null).unwrap();
    assert_eq!(end.type_(), gstreamer::MessageType::Eos, "{end:?}");
    path
}

/// A number as a pair of letters with odd parity.
fn pair(n: u8) -> [u8; 3] {
    let odd = |byte: u8| if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte };
    [0xfc, odd(0x20 + n / 10), odd(0x20 + n % 10)]
}

#[test]
fn captions_of_a_source_pass_the_switch_whole_and_in_order() {
    let path = captioned();
    // Slower, as fast and faster than the source.
    for rate in [25, 30, 60] {
        let rig = Rig::start((rate, 1), &[SourceKind::File { path: path.clone() }], ProgramOrder::Auto);
        let enough = |record: &recorder::Record| record.captions.len() >= 3 * 101;
        assert!(rig.recorder.wait(SOON, enough), "{rate}: {}", rig.told());
        rig.assert_unbroken();
        let record = rig.recorder.record.lock().unwrap();
        let found: Vec<&[u8]> = record.captions.chunks_exact(3).skip_while(|triplet| **triplet != pair(10)).collect();
        let wanted: Vec<[u8; 3]> = (10..=60).map(pair).collect();
        assert_eq!(found[..wanted.len()], wanted, "at {rate} frames per second");
    }
}

#[test]
fn captions_that_are_none_are_told_and_left_out_and_the_program_goes_on() {
    // Even parity, in what is marked as captions.
    let path = carrying("garbage", |n| vec![0xfc, 0x03, n & 0x7f | u8::from(n.count_ones() % 2 == 1) << 7]);
    let rig = Rig::start((30, 1), &[SourceKind::File { path }], ProgramOrder::Auto);
    let told = |record: &recorder::Record| {
        record.events.iter().any(|event| event.code == uplink::model::EventCode::CaptionsFaulty)
    };
    assert!(rig.recorder.wait(SOON, told), "{}", rig.told());
    let seen = rig.recorder.record.lock().unwrap().pictures.len();
    assert!(rig.recorder.wait(SOON, |record| record.pictures.len() > seen + 30), "{}", rig.told());
    assert!(rig.recorder.record.lock().unwrap().captions.is_empty(), "none of it leaves");
    rig.assert_unbroken();
}

#[test]
fn inserted_captions_begin_on_the_frame_that_is_named() {
    let rig = Rig::start((30, 1), &[SourceKind::Test], ProgramOrder::Auto);
    assert!(rig.recorder.wait(SOON, shown(5)), "{}", rig.told());
    let controls = rig.program().controls();
    let first = controls.insert_captions(Some("Good evening")).recv_timeout(Duration::from_secs(2)).unwrap();
    let second = controls.insert_captions(None).recv_timeout(Duration::from_secs(2)).unwrap();
    // Six control codes and six pairs of letters, then what takes them off.
    assert!((11..=12).contains(&(second.1 - first.1)), "{first:?} {second:?}");
    let line21 = |record: &recorder::Record| -> Vec<[u8; 2]> {
        let pairs = record.captions.chunks_exact(3).filter(|triplet| triplet[0] == 0xfc);
        pairs.map(|triplet| [triplet[1] & 0x7f, triplet[2] & 0x7f]).collect()
    };
    assert!(rig.recorder.wait(SOON, |record| line21(record).len() >= 14), "{}", rig.told());
    let pairs = line21(&rig.recorder.record.lock().unwrap());
    let text: String = pairs[6..12].iter().flatten().copied().map(char::from).collect();
    assert_eq!(text, "Good evening");
    rig.assert_unbroken();
}
