//! The same ladder for `gst-launch-1.0` and ffmpeg.
//!
//! What cannot be the same: Debian has no cmafmux, so mp4mux writes the fragments; neither peer forces keyframes at
//! epoch multiples, so they come by distance (gst-launch) or expression (ffmpeg), equally many.

use std::path::Path;

use super::settings::{Ladder, Rung};

/// As in the worker, BT.709 at every size: left to themselves, caps of a small picture mean BT.601, and scaling would
/// convert colours, too.
const RAW: &str = "video/x-raw,format=I420,colorimetry=bt709,chroma-site=mpeg2";

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split_whitespace().map(str::to_owned)
}

/// The arguments of gst-launch-1.0: element for element what the worker builds.
pub fn gst_launch(ladder: &Ladder, output: &Path) -> Vec<String> {
    let (size, rate) = (ladder.size, ladder.rate);
    let program = format!("{RAW},width={},height={}", size.width(), size.height());
    let timed = format!("{program},framerate={}/{}", rate.num(), rate.den());
    let sound = "audio/x-raw,format=F32LE,rate=48000,channels=2";
    let mut line: Vec<String> = words("-q -e").collect();
    line.extend(words(&format!("filesrc location={} ! qtdemux name=demux", ladder.clip.display())));
    line.extend(words(
        "demux.video_0 ! queue ! h264parse ! avdec_h264 max-threads=1 output-corrupt=false ! \
         queue max-size-time=2000000000 max-size-buffers=0 max-size-bytes=0 ! videoconvertscale add-borders=true !",
    ));
    line.extend(words(&format!("{program} ! videorate ! {timed} ! clocksync ! tee name=picture")));
    line.extend(words("demux.audio_0 ! queue ! aacparse ! avdec_aac ! audioconvert ! audioresample !"));
    line.extend(words(&format!("{sound} ! clocksync ! tee name=sound")));
    for (n, rung) in ladder.rungs.iter().enumerate() {
        line.extend(words(&rendition(ladder, rung)));
        line.extend(words(&muxed(output, n)));
    }
    let aac = format!(
        "sound. ! queue ! audioconvert ! avenc_aac bitrate={} ! aacparse ! audio/mpeg,mpegversion=4,stream-format=raw !",
        ladder.sound
    );
    line.extend(words(&aac));
    line.extend(words(&muxed(output, ladder.rungs.len())));
    line
}

fn rendition(ladder: &Ladder, rung: &Rung) -> String {
    let settings: Vec<String> = rung
        .properties
        .iter()
        .map(|(name, value)| match name.as_str() {
            "key-int-max" => format!("key-int-max={}", ladder.gop),
            // Quoted for the parser of gst-launch, which ends a value at an equals sign.
            "option-string" => format!("option-string=\"{value}\""),
            _ => format!("{name}={value}"),
        })
        .collect();
    let (width, height) = (rung.size.width(), rung.size.height());
    let scale = match rung.size == ladder.size {
        true => String::new(),
        false => format!("videoconvertscale add-borders=false ! {RAW},width={width},height={height} ! "),
    };
    format!(
        "picture. ! queue ! {scale}x264enc {} ! video/x-h264,profile={} ! h264parse ! \
         video/x-h264,stream-format=avc,alignment=au !",
        settings.join(" "),
        rung.profile
    )
}

fn muxed(output: &Path, n: usize) -> String {
    format!(
        "mp4mux fragment-duration=1000 streamable=true ! filesink async=false location={}/gst-launch-1.0-{n}.mp4",
        output.display()
    )
}

/// The arguments of ffmpeg.
pub fn ffmpeg(ladder: &Ladder, output: &Path) -> Vec<String> {
    let (width, height) = (ladder.size.width(), ladder.size.height());
    let rate = format!("{}/{}", ladder.rate.num(), ladder.rate.den());
    let mut line: Vec<String> = words("-nostdin -loglevel error -y").collect();
    line.extend(words(&format!("-re -threads 1 -i {}", ladder.clip.display())));
    let picture = format!("[0:v]scale={width}:{height},fps={rate},format=yuv420p");
    let count = ladder.rungs.len();
    let split: String = (0..count).map(|n| format!("[s{n}]")).collect();
    let scaled = ladder.rungs.iter().enumerate().map(|(n, rung)| match rung.size == ladder.size {
        true => format!("[s{n}]null[v{n}]"),
        false => format!("[s{n}]scale={}:{}[v{n}]", rung.size.width(), rung.size.height()),
    });
    line.push("-filter_complex".to_owned());
    line.push(format!("{picture},split={count}{split};{}", scaled.collect::<Vec<_>>().join(";")));
    for (n, rung) in ladder.rungs.iter().enumerate() {
        line.extend(words(&format!("-map [v{n}]")));
        line.extend(x264(ladder, rung));
        line.extend(words(&format!(
            "-f mp4 -movflags +frag_keyframe+empty_moov+default_base_moof {}/ffmpeg-{n}.mp4",
            output.display()
        )));
    }
    line.extend(words(&format!("-map 0:a -ac 2 -ar 48000 -c:a aac -b:a {}", ladder.sound)));
    line.extend(words(&format!(
        "-f mp4 -movflags +empty_moov+default_base_moof -frag_duration 1000000 {}/ffmpeg-sound.mp4",
        output.display()
    )));
    line
}

/// x264's own names for what the properties of x264enc say.
fn x264(ladder: &Ladder, rung: &Rung) -> Vec<String> {
    let number = |name: &str| rung.value(name).parse::<u64>().unwrap_or(0);
    let flag = |name: &str| u8::from(rung.value(name) == "true");
    let kilobits = number("bitrate");
    // `pass=cbr` of x264enc: the buffer is filled at the average rate.
    let buffer = kilobits * number("vbv-buf-capacity") / 1000;
    let parameters = format!(
        "keyint={}:bframes={}:b-adapt={}:rc-lookahead={}:sync-lookahead={}:mbtree={}:sliced-threads={}:threads={}:aud={}:{}",
        ladder.gop,
        number("bframes"),
        flag("b-adapt"),
        number("rc-lookahead"),
        number("sync-lookahead"),
        flag("mb-tree"),
        flag("sliced-threads"),
        number("threads"),
        flag("aud"),
        rung.value("option-string")
    );
    words(&format!(
        "-c:v libx264 -preset {} -profile:v {} -b:v {kilobits}k -maxrate {kilobits}k -bufsize {buffer}k -x264-params {parameters}",
        rung.value("speed-preset"),
        rung.profile
    ))
    .collect()
}
