//! Clips with line-up marks, encoded by ffmpeg into fragmented MP4 and moved to where UTC says.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use uplink::lineup::{self, Mark};
use uplink::media::decode::fmp4;

/// 2025-11-21T00:00:00Z in seconds: where the recorded clips begin.
pub const EPOCH: u64 = 1_763_683_200;
pub const RATE: u64 = 30;
pub const SECONDS: u64 = 6;
pub const FRAMES: u64 = RATE * SECONDS;
const SOURCE: (usize, usize) = (640, 360);

/// An initialisation segment and media segments of one second.
#[derive(Clone)]
pub struct Clip {
    pub init: Vec<u8>,
    pub segments: Vec<Vec<u8>>,
}

/// How to encode pictures.
pub struct Picture<'a> {
    pub size: &'a str,
    pub kbps: u32,
    /// Forces a keyframe here beside those of the GOP, which is a second.
    pub extra_key: Option<u64>,
    /// Leaves these frames out, timestamps and all.
    pub without: &'a [u64],
    /// Where the clip begins, in seconds since the epoch.
    pub start: u64,
}

impl Default for Picture<'_> {
    fn default() -> Self {
        Self { size: "320x180", kbps: 300, extra_key: None, without: &[], start: EPOCH }
    }
}

/// The n-th picture shows source frame `shown[n]`; B-frames, a second per GOP.
pub fn pictures(shown: &[u64], how: &Picture<'_>) -> Clip {
    let dir = tempfile::tempdir().unwrap();
    let mut filter = how.size.replace('x', ":");
    filter.insert_str(0, "scale=");
    for frame in how.without {
        filter = format!("{filter},select=not(eq(n\\,{frame}))");
    }
    let mut keys: Vec<String> = (0..SECONDS).map(|second| second.to_string()).collect();
    keys.extend(how.extra_key.map(|frame| format!("{:.4}", frame as f64 / RATE as f64)));
    keys.sort_by(|a, b| a.parse::<f64>().unwrap().total_cmp(&b.parse::<f64>().unwrap()));
    let size = format!("{}x{}", SOURCE.0, SOURCE.1);
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", &size, "-r", "30", "-i", "-"]);
    command.args(["-vf", &filter, "-vsync", "passthrough", "-c:v", "libx264", "-preset", "veryfast", "-bf", "2"]);
    let rate = format!("{}k", how.kbps);
    command.args(["-b:v", &rate, "-maxrate", &rate, "-bufsize", &rate, "-x264-params"]);
    command.args(["keyint=9999:min-keyint=1:scenecut=0", "-force_key_frames", &keys.join(",")]);
    let mut luma = vec![0u8; SOURCE.0 * SOURCE.1];
    let chroma = vec![128u8; SOURCE.0 * SOURCE.1 / 2];
    encode(command, dir.path(), how.start, |pipe| {
        for &frame in shown {
            background(&mut luma, frame);
            let utc_ms = how.start * 1000 + frame * 1000 / RATE;
            let mark = Mark::new(how.start * RATE + frame, utc_ms);
            lineup::draw(&mut luma, SOURCE.0, SOURCE.0, SOURCE.1, &mark);
            pipe.write_all(&luma).and_then(|()| pipe.write_all(&chroma)).unwrap();
        }
    })
}

/// A moving gradient with a little noise: something to do for the encoder.
fn background(luma: &mut [u8], frame: u64) {
    for (y, line) in luma.chunks_mut(SOURCE.0).enumerate() {
        for (x, pixel) in line.iter_mut().enumerate() {
            let noise = (x * 7 + y * 13 + frame as usize * 31) % 11;
            *pixel = (40 + (x + y + frame as usize * 3) % 150 + noise) as u8;
        }
    }
}

/// Stereo AAC at 64 kbit/s; positive `late_ms` delays the sound against its timestamps.
pub fn sound(late_ms: i64, start: u64) -> Clip {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-f", "f32le", "-ar", "48000", "-ac", "1", "-i", "-"]);
    command.args(["-ac", "2", "-c:a", "aac", "-b:a", "64k"]);
    encode(command, dir.path(), start, |pipe| {
        let first = (start * 48_000).checked_add_signed(-late_ms * 48).unwrap();
        let bytes: Vec<u8> =
            (first..first + SECONDS * 48_000).flat_map(|index| lineup::tone(index, 48_000).to_le_bytes()).collect();
        pipe.write_all(&bytes).unwrap();
    })
}

fn encode(mut command: Command, dir: &Path, start: u64, feed: impl FnOnce(&mut dyn Write)) -> Clip {
    command.args(["-f", "hls", "-hls_time", "1", "-hls_segment_type", "fmp4", "-hls_playlist_type", "vod"]);
    command.args(["-hls_fmp4_init_filename", "init.mp4", "-hls_segment_filename"]);
    command.arg(dir.join("%d.m4s")).arg(dir.join("out.m3u8"));
    let mut child = command.stdin(Stdio::piped()).spawn().expect("ffmpeg is needed for this test");
    feed(&mut child.stdin.take().unwrap());
    assert!(child.wait().unwrap().success(), "ffmpeg failed");
    let init = std::fs::read(dir.join("init.mp4")).unwrap();
    let segments = (0..).map_while(|n| std::fs::read(dir.join(format!("{n}.m4s"))).ok());
    let mut clip = Clip { segments: segments.collect(), init };
    assert!(clip.segments.len() as u64 >= SECONDS);
    clip.shift(start);
    clip
}

impl Clip {
    /// Moves the clip to `seconds` since the epoch. ffmpeg delays pictures by what they are reordered and sound by what
    /// its encoder primes with, both 1024 ticks here, and says so inexactly in an edit list: off with it.
    fn shift(&mut self, seconds: u64) {
        let edits = self.init.windows(4).position(|four| four == b"edts");
        if let Some(at) = edits {
            self.init[at..at + 4].copy_from_slice(b"free");
        }
        let timescale = fmp4::read_init(&self.init).unwrap().tracks[0].timescale;
        for segment in &mut self.segments {
            let at = segment.windows(4).position(|four| four == b"tfdt").unwrap() + 8;
            let field: [u8; 8] = segment[at..at + 8].try_into().unwrap();
            let time = u64::from_be_bytes(field) + seconds * u64::from(timescale) - 1024;
            segment[at..at + 8].copy_from_slice(&time.to_be_bytes());
        }
    }

    /// Start and duration of segment `n` in nanoseconds.
    pub fn span(&self, n: usize) -> (u64, u64) {
        let init = fmp4::read_init(&self.init).unwrap();
        let samples = fmp4::read_segment(&init, &self.segments[n]).unwrap().samples;
        let start = samples.iter().map(|sample| sample.pts).min().unwrap();
        (start, samples.iter().map(|sample| sample.pts + sample.duration).max().unwrap() - start)
    }
}
