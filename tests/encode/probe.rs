//! Looks at what was made with tools that are not ours.

use std::io::Write;
use std::process::Command;

/// One packet as ffprobe sees it, in ticks of the track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    pub pts: u64,
    pub duration: u64,
    pub key: bool,
}

fn saved(data: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    file.write_all(data).unwrap();
    file
}

fn run(program: &str, arguments: &[&str], data: &[u8]) -> Vec<u8> {
    let file = saved(data);
    let path = file.path().to_str().unwrap();
    let arguments = arguments.iter().map(|a| if *a == "FILE" { path } else { a });
    let out = Command::new("timeout").arg("60").arg(program).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{program}: {errors}");
    assert!(errors.trim().is_empty(), "{program} complains: {errors}");
    out.stdout
}

/// Packets by ffprobe.
pub fn packets(data: &[u8]) -> Vec<Packet> {
    let list = ["-v", "error", "-show_entries", "packet=pts,duration,flags", "-of", "compact=p=0:nk=1", "FILE"];
    let text = String::from_utf8(run("ffprobe", &list, data)).unwrap();
    let packet = |line: &str| {
        let mut field = line.split('|');
        let mut number = || field.next()?.parse().ok();
        let pts = number()?;
        Some(Packet { pts, duration: number().unwrap_or(0), key: line.contains('K') })
    };
    text.lines().map(|line| packet(line).unwrap_or_else(|| panic!("{line}"))).collect()
}

/// Frames that ffmpeg decodes, without a single complaint.
pub fn decoded_frames(data: &[u8]) -> usize {
    let list = ["-v", "warning", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", "FILE"];
    String::from_utf8(run("ffprobe", &list, data)).unwrap().trim().parse().unwrap()
}

/// Sound decoded to mono samples.
pub fn decoded_sound(data: &[u8]) -> Vec<f32> {
    let list = ["-v", "error", "-i", "FILE", "-ac", "1", "-f", "f32le", "-"];
    let raw = run("ffmpeg", &list, data);
    raw.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

/// Sound decoded to samples, by channel; it has to have so many.
pub fn decoded_channels(data: &[u8], channels: usize) -> Vec<Vec<f32>> {
    let list = ["-v", "error", "-show_entries", "stream=channels", "-of", "csv=p=0", "FILE"];
    assert_eq!(String::from_utf8(run("ffprobe", &list, data)).unwrap().trim(), channels.to_string());
    let raw = run("ffmpeg", &["-v", "error", "-i", "FILE", "-f", "f32le", "-"], data);
    let samples: Vec<f32> = raw.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    (0..channels).map(|channel| samples.iter().skip(channel).step_by(channels).copied().collect()).collect()
}

/// The channel layout by ffprobe.
pub fn sound_layout(data: &[u8]) -> String {
    let list = ["-v", "error", "-show_entries", "stream=channel_layout", "-of", "csv=p=0", "FILE"];
    String::from_utf8(run("ffprobe", &list, data)).unwrap().trim().to_owned()
}
