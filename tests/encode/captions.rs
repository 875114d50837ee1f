//! Captions on the program's pictures reach the H.264 and HEVC of every rendition, whatever encodes it, and WebVTT: what
//! goes in is what decoders and parsers that are not ours read.

use std::process::Command;

use gstreamer as gst;
use gstreamer_video as gst_video;
use uplink::model::{MediaTime, RenditionId, VideoCodec};
use uplink::plan::{CaptionsPlan, EncoderPlan};

use super::rig::{BOUNDARY, Harvest, Rig, plan};
use crate::shipped::shipped;

/// Pairs with odd parity, one per picture; commands twice.
#[derive(Default)]
struct Script(Vec<[u8; 2]>);

impl Script {
    fn commands(mut self, codes: &[[u8; 2]]) -> Self {
        let odd = |byte: u8| if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte };
        self.0.extend(codes.iter().flat_map(|code| [code.map(odd); 2]));
        self
    }

    fn text(mut self, text: &str) -> Self {
        let odd = |byte: u8| if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte };
        let pairs = text.as_bytes().chunks(2).map(|pair| [pair[0], pair.get(1).copied().unwrap_or(0)].map(odd));
        self.0.extend(pairs);
        self
    }

    /// Nothing until picture `index`.
    fn until(mut self, index: usize) -> Self {
        assert!(self.0.len() <= index, "there is more to say than time");
        self.0.resize(index, [0x80, 0x80]);
        self
    }
}

const ROW_14: [u8; 2] = [0x14, 0x40];
const ROW_15: [u8; 2] = [0x14, 0x60];

/// At 30 pictures per second: pop-on from 1 to 3 s, roll-up from 4 s on, off again at 7 s.
fn script() -> Script {
    Script::default()
        .commands(&[[0x14, 0x20], [0x14, 0x2e], ROW_14])
        .text("HELLO & <WORLD>")
        .commands(&[ROW_15])
        .text("second row")
        .until(30)
        .commands(&[[0x14, 0x2f]])
        .until(90)
        .commands(&[[0x14, 0x2c]])
        .until(120)
        .commands(&[[0x14, 0x25], [0x14, 0x2d], ROW_15])
        .text("Rolling up")
        .until(150)
        .commands(&[[0x14, 0x25], [0x14, 0x2d], ROW_15])
        .text("and on")
        .until(210)
        .commands(&[[0x14, 0x2c]])
        .until(240)
}

fn run(encoders: &[EncoderPlan]) -> Harvest {
    let mut plan = plan("30");
    for (rendition, encoder) in plan.video.iter_mut().zip(encoders) {
        rendition.encoders = vec![encoder.clone()];
    }
    plan.video.truncate(encoders.len());
    let webvtt = Some(RenditionId::new("captions").unwrap());
    plan.captions = Some(CaptionsPlan { name: "English".into(), language: Some("en".into()), webvtt });
    let rig = Rig::start(&plan);
    let pairs = script().0;
    rig.feed_pictures(0, 8000, |index, picture: &mut gst::BufferRef| {
        let [a, b] = pairs[index as usize];
        gst_video::VideoCaptionMeta::add(picture, gst_video::VideoCaptionType::Cea708Raw, &[0xfc, a, b]);
    });
    rig.finish()
}

/// What ffmpeg makes of it as SubRip.
fn subrip(name: &str, file: &[u8], arguments: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(name), file).unwrap();
    let output = Command::new("timeout")
        .args(["60", "ffmpeg", "-nostdin", "-loglevel", "error"])
        .args(arguments)
        .args(["-f", "srt", "-"])
        .current_dir(directory.path())
        .output()
        .expect("ffmpeg runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a decoder makes of the captions in the pictures of a file.
fn in_pictures(file: &[u8]) -> String {
    subrip("captioned.mp4", file, &["-f", "lavfi", "-i", "movie=captioned.mp4[out0+subcc]", "-map", "0:s"])
}

/// The texts of SubRip, without fonts and places, each once in a row.
fn texts(subrip: &str) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for block in subrip.trim().split("\n\n") {
        let lines = block.lines().skip(2).map(|line| {
            let mut bare = String::new();
            let mut inside = false;
            for sign in line.replace("{\\an7}", "").replace("\\h", " ").chars() {
                match sign {
                    '<' if line.contains("<font") => inside = true,
                    '>' if inside => inside = false,
                    sign if !inside => bare.push(sign),
                    _ => {}
                }
            }
            bare.trim().to_owned()
        });
        let text = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("/");
        if texts.last() != Some(&text) {
            texts.push(text);
        }
    }
    texts
}

fn check_pictures(harvest: &Harvest, id: &str) {
    let said = in_pictures(&harvest.file(id));
    let found = said.replace("<font face=\"Monospace\">", "").replace("</font>", "").replace("\\h", " ");
    for wanted in ["HELLO & <WORLD>", "second row", "Rolling up", "and on"] {
        assert!(found.contains(wanted), "{id}: {wanted} is missing in {said}");
    }
    assert_eq!(found.matches("HELLO").count(), 1, "{id}: once, not by the encoder as well: {said}");
}

#[test]
fn captions_are_in_the_pictures_of_every_encoder() {
    let h264 = super::rig::x264(300);
    let mut encoders = vec![h264];
    for (codec, profile) in [(VideoCodec::H264, "software-openh264"), (VideoCodec::Hevc, "software-x265")] {
        let encoder = shipped(codec, "160x90", Some(profile));
        if gst::init().is_ok() && gst::ElementFactory::find(&encoder.element).is_none() {
            println!("SKIPPED: {} is not registered here", encoder.element);
            continue;
        }
        encoders = vec![encoders[0].clone(), encoder];
        let harvest = run(&encoders);
        ["v180", "v90"].iter().for_each(|id| check_pictures(&harvest, id));
    }
}

#[test]
fn captions_are_webvtt_on_the_grid_of_the_pictures() {
    let harvest = run(&[super::rig::x264(300)]);
    assert!(harvest.ended("captions"));
    let init = harvest.init("captions");
    assert_eq!((init.codec.as_str(), init.data.len()), ("wvtt", 0));
    let numbers = |id| harvest.segments(id).iter().map(|segment| (segment.0, segment.1)).collect::<Vec<_>>();
    assert_eq!(numbers("captions"), numbers("v180"));
    assert_eq!(numbers("captions").len(), 4);
    let chunks = harvest.chunks("captions");
    assert!(chunks.iter().all(|chunk| chunk.last && chunk.independent && chunk.duration.as_millis() == 2000));

    let text = |n: usize| String::from_utf8(chunks[n].data.to_vec()).unwrap();
    // 2025-11-21 began with this tick of a clock of 33 bits.
    let map = format!("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:{},LOCAL:00:00:00.000\n", BOUNDARY * 90_000 % (1 << 33));
    (0..4).for_each(|n| assert!(text(n).starts_with(&map), "{}", text(n)));
    assert_eq!(
        text(0)[map.len()..],
        *"\n00:00:01.000 --> 00:00:02.000 line:79% position:10% align:start\nHELLO &amp; &lt;WORLD&gt;\nsecond row\n"
    );
    assert_eq!(
        text(1)[map.len()..],
        *"\n00:00:02.000 --> 00:00:03.000 line:79% position:10% align:start\nHELLO &amp; &lt;WORLD&gt;\nsecond row\n"
    );
    let all: Vec<String> = (0..4).flat_map(|n| texts(&subrip("x.vtt", text(n).as_bytes(), &["-i", "x.vtt"]))).collect();
    let whole: Vec<&String> = all.iter().filter(|text| text.contains("Rolling up")).collect();
    assert_eq!(whole.last().map(|text| text.as_str()), Some("Rolling up/and on"), "{all:?}");
    assert!(text(3).contains("--> 00:00:07.000 "), "{}", text(3));
}

#[test]
fn a_text_segment_is_there_even_if_nobody_speaks_and_the_last_is_short() {
    let mut plan = plan("30");
    plan.video.truncate(1);
    let webvtt = Some(RenditionId::new("captions").unwrap());
    plan.captions = Some(CaptionsPlan { name: "English".into(), language: None, webvtt });
    let rig = Rig::start(&plan);
    rig.feed(500, 2500);
    let harvest = rig.finish();
    let segments = harvest.segments("captions");
    let at = |millis: u64| MediaTime::from_nanos((BOUNDARY * 1000 + millis) * 1_000_000);
    let found: Vec<_> = segments.iter().map(|segment| (segment.1, segment.2.as_millis(), segment.3)).collect();
    assert_eq!(found, [(at(0), 2000, 0), (at(2000), 500, 0)]);
    assert_eq!(subrip("x.vtt", &harvest.chunks("captions")[0].data, &["-i", "x.vtt"]), "");
}

#[test]
fn garbage_makes_no_webvtt_that_cannot_be_read() {
    let mut plan = plan("30");
    plan.video.truncate(1);
    let webvtt = Some(RenditionId::new("captions").unwrap());
    plan.captions = Some(CaptionsPlan { name: "English".into(), language: None, webvtt });
    let rig = Rig::start(&plan);
    let odd = |byte: u8| if byte.count_ones().is_multiple_of(2) { byte ^ 0x80 } else { byte };
    let mut noise = fastrand::Rng::with_seed(608);
    let triplets: Vec<Vec<u8>> = (0..600)
        .map(|n| {
            // Marked as good, with the right parity: only what they say makes no sense. Now and then a command that does.
            let pair = match n % 20 {
                0 => [0xfc, 0x94, 0x26],
                _ => [0xfc, odd(noise.u8(..)), odd(noise.u8(..))],
            };
            let packets = (0..8).flat_map(|_| [0xfe | noise.u8(0..2), noise.u8(..), noise.u8(..)]).collect::<Vec<_>>();
            [&pair[..], &packets].concat()
        })
        .collect();
    rig.feed_pictures(0, 20_000, |index, picture: &mut gst::BufferRef| {
        gst_video::VideoCaptionMeta::add(picture, gst_video::VideoCaptionType::Cea708Raw, &triplets[index as usize]);
    });
    let harvest = rig.finish();
    assert_eq!(super::probe::decoded_frames(&harvest.file("v180")), 600);
    let chunks = harvest.chunks("captions");
    assert_eq!(chunks.len(), 10);
    for chunk in &chunks {
        let text = String::from_utf8(chunk.data.to_vec()).unwrap();
        let cues = text.matches(" --> ").count();
        // The reader is not ours: it finds as many cues as were written, and has nothing to complain of.
        let read = subrip("x.vtt", text.as_bytes(), &["-i", "x.vtt"]);
        assert_eq!(read.matches(" --> ").count(), cues, "{text}\n{read}");
    }
    assert!(chunks.iter().any(|chunk| chunk.samples > 0), "some of it looks like words");
}
