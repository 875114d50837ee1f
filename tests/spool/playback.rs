//! What the spool and the playlists say is what ffprobe plays.

use std::fs;
use std::process::Command;
use std::time::Duration;

use uplink::hls::{AudioRendition, MediaPlaylist, MultivariantPlaylist, SegmentRates, Variant};
use uplink::model::{MediaTime, RenditionId};
use uplink::spool::Spool;

use crate::fixture::{ffmpeg_segments, grid, id};

#[test]
fn ffprobe_plays_what_the_playlists_name() {
    let dir = tempfile::tempdir().unwrap();
    if !ffmpeg_segments(dir.path()) {
        eprintln!("SKIPPED ffprobe_plays_what_the_playlists_name: no ffmpeg with libx264 here");
        return;
    }
    let ids = [id("video"), id("audio")];
    let now = MediaTime::from_secs(9);
    let (spool, _) = Spool::open(dir.path(), 1 << 30, Duration::from_secs(60), grid(), &ids, now).unwrap();
    let rates = |id: &RenditionId| {
        let segments = spool.segments(id);
        let playlist =
            MediaPlaylist::new(&grid().into(), 10, &segments.iter().cloned().map(Into::into).collect::<Vec<_>>());
        fs::write(spool.path(id, "media.m3u8"), playlist.unwrap().ended().to_string()).unwrap();
        let sizes: Vec<_> = segments.iter().map(|segment| (segment.bytes, segment.duration)).collect();
        (SegmentRates::measure(&sizes, grid().duration()).unwrap(), spool.codec(id, &segments[0].init).unwrap())
    };
    let ((picture, video_codec), (sound, audio_codec)) = (rates(&ids[0]), rates(&ids[1]));
    let multivariant = MultivariantPlaylist {
        video: vec![Variant {
            id: ids[0].clone(),
            size: "64x64".parse().unwrap(),
            frame_rate: "25".parse().unwrap(),
            codec: video_codec,
            peak: picture.peak,
            average: picture.average,
        }],
        audio: vec![AudioRendition {
            id: ids[1].clone(),
            name: "Main".into(),
            language: None,
            channels: 1,
            codec: audio_codec,
            peak: sound.peak,
            average: sound.average,
        }],
        captions: None,
    };
    let path = dir.path().join("multivariant.m3u8");
    fs::write(&path, multivariant.to_string()).unwrap();
    let probed = Command::new("timeout")
        .args(["30", "ffprobe", "-v", "error", "-count_frames", "-of", "csv=p=0"])
        .args(["-show_entries", "stream=codec_name,nb_read_frames"])
        .arg(&path)
        .output()
        .unwrap();
    let (text, errors) = (String::from_utf8_lossy(&probed.stdout), String::from_utf8_lossy(&probed.stderr));
    assert!(probed.status.success() && errors.is_empty(), "{errors}");
    assert!(text.lines().any(|line| line.starts_with("h264,150")), "all pictures of 6 s at 25 a second: {text}");
    assert!(text.lines().any(|line| line.starts_with("aac,")), "{text}");
}
