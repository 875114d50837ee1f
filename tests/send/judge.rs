//! What arrived, as tools see it that are not ours.

use std::path::Path;
use std::process::Command;

/// One packet, in ticks of 90 kHz where it is a transport stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    pub pts: i64,
    pub dts: i64,
    pub key: bool,
}

fn probe(arguments: &[&str], file: &Path) -> String {
    let output = Command::new("timeout").args(["60", "ffprobe", "-v", "error"]).args(arguments).arg(file).output();
    let output = output.expect("ffprobe runs");
    assert!(output.status.success(), "ffprobe: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Packets of one stream, such as `v:0`.
pub fn packets(file: &Path, stream: &str) -> Vec<Packet> {
    let list = ["-select_streams", stream, "-show_entries", "packet=pts,dts,flags", "-of", "csv=p=0"];
    let packet = |line: &str| {
        let mut fields = line.split(',');
        let mut number = || fields.next()?.parse().ok();
        Some(Packet { pts: number()?, dts: number()?, key: line.contains('K') })
    };
    probe(&list, file).lines().filter_map(packet).collect()
}

/// Frames that can be decoded, and what the decoder complains of. The last ones, which were cut off with the connection,
/// are not judged.
pub fn decoded(file: &Path) -> (usize, String) {
    let whole = packets(file, "v:0").len().saturating_sub(8).to_string();
    let output = Command::new("timeout")
        .args(["60", "ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-i"])
        .arg(file)
        .args(["-map", "0:v:0", "-frames:v", &whole, "-f", "framecrc", "-"])
        .output()
        .expect("ffmpeg runs");
    let frames = String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.starts_with("0,")).count();
    (frames, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// One video frame per tick without a gap, beginning with a keyframe; and sound without a gap. How many frames.
pub fn unbroken(file: &Path, step: i64, sound_step: i64) -> usize {
    let video = packets(file, "v:0");
    assert!(video.first().is_some_and(|first| first.key), "it begins with {:?}", video.first());
    for pair in video.windows(2) {
        assert!((pair[1].pts - pair[0].pts - step).abs() <= 1, "a gap between {:?} and {:?}", pair[0], pair[1]);
    }
    let sound = packets(file, "a:0");
    for pair in sound.windows(2) {
        assert!((pair[1].pts - pair[0].pts - sound_step).abs() <= 1, "a gap in sound: {pair:?}");
    }
    let (frames, complaints) = decoded(file);
    assert_eq!(complaints.trim(), "", "the decoder complains");
    assert!(frames + 8 >= video.len(), "{frames} of {} decode", video.len());
    assert!(sound.len() * 30 + 150 > video.len() * 46, "{} frames of sound to {} pictures", sound.len(), video.len());
    frames
}

/// The same of what a receiver took that was not there for the first packets: from its first keyframe on. How many frames
/// from there on.
pub fn unbroken_once_begun(file: &Path, step: i64, sound_step: i64) -> usize {
    let video = packets(file, "v:0");
    let begin = video.iter().position(|packet| packet.key).expect("a keyframe");
    let video = &video[begin..];
    for pair in video.windows(2) {
        assert!((pair[1].pts - pair[0].pts - step).abs() <= 1, "a gap between {:?} and {:?}", pair[0], pair[1]);
    }
    let sound = packets(file, "a:0");
    let sound: Vec<Packet> = sound.into_iter().filter(|packet| packet.pts >= video[0].pts).collect();
    for pair in sound.windows(2) {
        assert!((pair[1].pts - pair[0].pts - sound_step).abs() <= 1, "a gap in sound: {pair:?}");
    }
    let (frames, _) = decoded(file);
    assert!(frames + 8 >= video.len(), "{frames} of {} decode", video.len());
    video.len()
}

/// What a decoder makes of the captions.
pub fn captions(file: &Path) -> String {
    let name = file.file_name().unwrap().to_str().unwrap();
    let output = Command::new("timeout")
        .args(["60", "ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i"])
        .arg(format!("movie={name}[out0+subcc]"))
        .args(["-map", "0:s", "-f", "srt", "-"])
        .current_dir(file.parent().unwrap())
        .output()
        .expect("ffmpeg runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn streams(file: &Path) -> String {
    probe(
        &["-show_entries", "stream=codec_name,id:stream_tags=language:program_tags=service_name", "-of", "csv=p=0"],
        file,
    )
}
