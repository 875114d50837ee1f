//! Janus' recordings: RTP as it came, packet after packet, to be decoded here.
//!
//! ```text
//! "MJR00002"  length (2)  JSON     then for each packet:  "MEET"  milliseconds (4)  length (2)  RTP
//! ```

use std::path::Path;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

const HEAD: usize = 10;
const BEFORE: usize = 10;

/// The packets of a recording. One that was not closed may end within a packet.
fn packets(file: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(file).unwrap();
    assert!(bytes.starts_with(b"MJR00002"), "{} is no recording of Janus", file.display());
    let length = |at: usize| bytes.get(at..at + 2).map(|two| usize::from(u16::from_be_bytes([two[0], two[1]])));
    let mut at = HEAD + length(8).unwrap();
    let mut all = Vec::new();
    while let Some(packet) = length(at + 8).and_then(|length| bytes.get(at + BEFORE..at + BEFORE + length)) {
        assert_eq!(&bytes[at..at + 4], b"MEET", "a packet at {at}");
        all.push(packet.to_vec());
        at += BEFORE + packet.len();
    }
    all
}

/// How many packets of H.264 were recorded, and how many pictures a decoder makes of them.
pub fn decoded(file: &Path) -> (usize, usize) {
    let line = "appsrc name=in format=time caps=application/x-rtp,media=video,encoding-name=H264,clock-rate=90000,payload=96 \
                ! rtph264depay ! h264parse ! avdec_h264 max-threads=1 ! appsink name=out sync=false";
    let pipeline = gst::parse::launch(line).unwrap().downcast::<gst::Pipeline>().unwrap();
    let input = pipeline.by_name("in").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    let output = pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let packets = packets(file);
    let count = packets.len();
    for packet in packets {
        input.push_buffer(gst::Buffer::from_slice(packet)).unwrap();
    }
    input.end_of_stream().unwrap();
    let frames = std::iter::from_fn(|| output.try_pull_sample(gst::ClockTime::from_seconds(30))).count();
    pipeline.set_state(gst::State::Null).unwrap();
    (count, frames)
}
