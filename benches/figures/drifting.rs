//! A live sender whose clock is wrong: the marks and ticks of the test source, by SRT, a little too fast or too slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use uplink::lineup::{Mark, draw, tone};
use uplink::model::{FrameGrid, FrameRate, MediaTime, SampleGrid};

const WIDTH: usize = 640;
const HEIGHT: usize = 360;
const RATE: u32 = 48_000;
const FPS: u32 = 30;
/// What comes out of avenc_aac is late by a block: it is stamped earlier by as much. No timestamp is below zero, for all
/// begin a second later.
const AAC_FRAME: Duration = Duration::from_nanos(1024 * 1_000_000_000 / RATE as u64);
const PRIMING: Duration = Duration::from_secs(1);

/// Sends until it is dropped.
pub struct Drifting {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drifting {
    /// Calls `port` of this machine. Its clock is `ppm` millionths fast; slow below zero.
    pub fn start(port: u16, ppm: i32) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stop);
        let sending = move || {
            while !ended.load(Ordering::Relaxed) {
                // One that is turned away, or loses the connection, calls again.
                if let Err(error) = call(port, ppm, &ended) {
                    eprintln!("a sender {ppm} ppm fast calls again: {error:#}");
                    std::thread::sleep(Duration::from_millis(300));
                }
            }
        };
        let thread = std::thread::Builder::new().name("drifting".into()).spawn(sending)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Drifting {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn line(port: u16) -> String {
    format!(
        "appsrc name=picture is-live=true format=time caps=video/x-raw,format=I420,width={WIDTH},height={HEIGHT},\
         framerate={FPS}/1 ! x264enc speed-preset=ultrafast tune=zerolatency key-int-max={FPS} bitrate=1500 threads=1 ! \
         h264parse config-interval=-1 ! mpegtsmux name=mux alignment=7 ! srtsink name=sink \
         uri=srt://127.0.0.1:{port}?mode=caller latency=100 sync=false async=false \
         appsrc name=sound is-live=true format=time caps=audio/x-raw,format=F32LE,rate={RATE},channels=2,\
         layout=interleaved ! audioconvert ! avenc_aac ! aacparse ! mux."
    )
}

/// One connection, to its end.
fn call(port: u16, ppm: i32, ended: &AtomicBool) -> anyhow::Result<()> {
    let pipeline = gst::parse::launch(&line(port))?.downcast::<gst::Pipeline>().ok().context("no pipeline")?;
    let source = |name: &str| pipeline.by_name(name)?.downcast::<gst_app::AppSrc>().ok();
    let (picture, sound) = source("picture").zip(source("sound")).context("no appsrc")?;
    pipeline.set_state(gst::State::Playing)?;
    let sent = send(&pipeline, &picture, &sound, ppm, ended);
    pipeline.set_state(gst::State::Null)?;
    sent
}

fn send(
    pipeline: &gst::Pipeline,
    picture: &gst_app::AppSrc,
    sound: &gst_app::AppSrc,
    ppm: i32,
    ended: &AtomicBool,
) -> anyhow::Result<()> {
    let bus = pipeline.bus().context("no bus")?;
    let rate = FrameRate::new(FPS, 1).context("a frame rate")?;
    let (frames, samples) = (FrameGrid::new(rate), SampleGrid::new(RATE));
    // Its own idea of the time: right at first, from a whole second on.
    let now = MediaTime::from_system(std::time::SystemTime::now());
    let begin = MediaTime::from_secs(now.as_nanos() / 1_000_000_000 + 1);
    let began = Instant::now() + begin.since(now);
    let first = frames.index_at(begin);
    let pace = 1.0 / (1.0 + f64::from(ppm) * 1e-6);
    for index in first.. {
        let (at, next) = (frames.time_of(index), frames.time_of(index + 1));
        let due = began + at.since(begin).mul_f64(pace);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if ended.load(Ordering::Relaxed) {
            return Ok(());
        }
        if let Some(message) = bus.pop_filtered(&[gst::MessageType::Error])
            && let gst::MessageView::Error(error) = message.view()
        {
            anyhow::bail!("{}", error.error());
        }
        let (from, until) = (samples.index_at(at), samples.index_at(next));
        let wave: Vec<u8> = (from..until).flat_map(|n| [tone(n, RATE); 2]).flat_map(f32::to_le_bytes).collect();
        picture.push_buffer(stamped(drawn(index, at), PRIMING + at.since(begin), next.since(at)))?;
        let start = PRIMING + samples.time_of(from).since(begin);
        sound.push_buffer(stamped(wave, start - AAC_FRAME, samples.time_of(until).since(at)))?;
    }
    Ok(())
}

/// Stripes that move, and the mark.
fn drawn(index: u64, at: MediaTime) -> Vec<u8> {
    let mut data = vec![128; WIDTH * HEIGHT * 3 / 2];
    for (y, row) in data[..WIDTH * HEIGHT].chunks_exact_mut(WIDTH).enumerate() {
        row.fill(64 + ((y as u64 / 8 + index) % 16 * 8) as u8);
    }
    draw(&mut data, WIDTH, WIDTH, HEIGHT, &Mark::new(index, at.as_nanos() / 1_000_000));
    data
}

fn stamped(data: Vec<u8>, at: Duration, length: Duration) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_mut_slice(data);
    if let Some(buffer) = buffer.get_mut() {
        buffer.set_pts(gst::ClockTime::try_from(at).ok());
        buffer.set_duration(gst::ClockTime::try_from(length).ok());
    }
    buffer
}
