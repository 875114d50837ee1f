//! Captions on the program's pictures reach the H.264 of every rendition, and a decoder reads them there.

use std::process::Command;

use gstreamer as gst;
use gstreamer_video as gst_video;

use super::rig::{Rig, plan};

/// Roll-up, row 15, "HELLO", with parity; in the form of `cc_data`.
const HELLO: [[u8; 3]; 9] = [
    [0xfc, 0x94, 0x26],
    [0xfc, 0x94, 0x26],
    [0xfc, 0x94, 0xad],
    [0xfc, 0x94, 0xad],
    [0xfc, 0x94, 0x70],
    [0xfc, 0x94, 0x70],
    [0xfc, 0xc8, 0x45],
    [0xfc, 0x4c, 0x4c],
    [0xfc, 0x4f, 0x80],
];

/// What a decoder makes of the captions of a file.
fn text(file: &[u8]) -> String {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("captioned.mp4"), file).unwrap();
    let output = Command::new("timeout")
        .args(["60", "ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i"])
        .args(["movie=captioned.mp4[out0+subcc]", "-map", "0:s", "-f", "srt", "-"])
        .current_dir(directory.path())
        .output()
        .expect("ffmpeg runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn captions_are_in_the_h264_of_every_rendition() {
    let rig = Rig::start(&plan("30"));
    rig.feed_pictures(0, 6000, |index, picture: &mut gst::BufferRef| {
        // Again after three seconds, so that the first text is over.
        if let Some(triplet) = HELLO.get(index as usize % 90) {
            gst_video::VideoCaptionMeta::add(picture, gst_video::VideoCaptionType::Cea708Raw, triplet);
        }
    });
    let harvest = rig.finish();
    for id in ["v180", "v90"] {
        let text = text(&harvest.file(id));
        assert!(text.contains("HELLO"), "{id}: {text:?}");
    }
}
