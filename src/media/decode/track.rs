//! A decoder for one track of a fragmented MP4, fed sample by sample.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::fmp4::{Sample, Track, TrackKind};
use super::outlet::{Clocking, drain, make, media_error, picture_sink, sound_sink};
use super::{DecodeError, Picture, Sound};

/// No decoder stands still that long, even on a loaded machine.
const STALL: Duration = Duration::from_secs(20);
/// Coded bytes that may wait in front of the decoder.
const QUEUE_BYTES: u64 = 4_000_000;

/// Decodes one track. What comes out goes to the callback, on a thread of the decoder's own.
#[derive(Debug)]
pub struct TrackDecoder {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    base: u64,
    decoded: Arc<AtomicU64>,
}

impl TrackDecoder {
    /// A decoder of pictures. `first` is a time not later than any sample's; the track must carry pictures.
    ///
    /// # Errors
    /// When GStreamer or its H.264 decoder is not there.
    pub fn pictures(
        track: &Track,
        first: u64,
        mut take: impl FnMut(Picture<'_>) + Send + 'static,
    ) -> Result<Self, DecodeError> {
        let decoded = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&decoded);
        start(track, first, decoded, move || {
            picture_sink(Clocking::Since(first), move |picture| {
                counter.fetch_add(1, Ordering::Relaxed);
                take(picture);
            })
        })
    }

    /// A decoder of sound; the track must carry sound.
    ///
    /// # Errors
    /// When GStreamer or its AAC decoder is not there.
    pub fn sound(
        track: &Track,
        first: u64,
        mut take: impl FnMut(Sound<'_>) + Send + 'static,
    ) -> Result<Self, DecodeError> {
        let decoded = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&decoded);
        start(track, first, decoded, move || {
            sound_sink(Clocking::Since(first), move |sound| {
                counter.fetch_add(1, Ordering::Relaxed);
                take(sound);
            })
        })
    }

    /// Feeds the bytes of `sample`. Blocks, with a bound, while the decoder is behind.
    ///
    /// # Errors
    /// When the decoder failed or stands still.
    pub fn push(&mut self, sample: &Sample, bytes: Bytes) -> Result<(), DecodeError> {
        let waiting = Instant::now();
        while self.source.current_level_bytes() > QUEUE_BYTES {
            self.check()?;
            if waiting.elapsed() > STALL {
                return Err(DecodeError::Stalled { bound: STALL });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut buffer = gst::Buffer::from_slice(bytes);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_nseconds(sample.pts.saturating_sub(self.base)));
            buffer.set_dts(gst::ClockTime::from_nseconds(sample.dts.saturating_sub(self.base)));
            buffer.set_duration(gst::ClockTime::from_nseconds(sample.duration));
            if !sample.key {
                buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
            }
        }
        match self.source.push_buffer(buffer) {
            Ok(_) => Ok(()),
            Err(flow) => {
                self.check()?;
                Err(DecodeError::Media { reason: format!("the decoder refuses data ({flow:?})") })
            }
        }
    }

    /// Decodes what was fed and ends. Blocks until the last picture is out.
    ///
    /// # Errors
    /// When the decoder failed or stands still.
    pub fn finish(self) -> Result<(), DecodeError> {
        // A source that refuses the end has failed; the bus says why.
        let _ = self.source.end_of_stream();
        drain(&self.pipeline, STALL, || self.decoded.load(Ordering::Relaxed))
    }

    fn check(&self) -> Result<(), DecodeError> {
        match self.pipeline.bus().and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error])) {
            Some(message) => match message.view() {
                gst::MessageView::Error(error) => Err(media_error(error)),
                _ => Ok(()),
            },
            None => Ok(()),
        }
    }
}

impl Drop for TrackDecoder {
    fn drop(&mut self) {
        // Nothing is left to do about a pipeline that refuses to stop.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

fn start(
    track: &Track,
    base: u64,
    decoded: Arc<AtomicU64>,
    sink: impl FnOnce() -> gst_app::AppSink,
) -> Result<TrackDecoder, DecodeError> {
    gst::init().map_err(|error| DecodeError::Start { reason: error.to_string() })?;
    let (decoder, converter) = match track.kind {
        TrackKind::Picture { .. } => (make("avdec_h264")?, make("videoconvert")?),
        TrackKind::Sound { .. } => (make("avdec_aac")?, make("audioconvert")?),
    };
    // A damaged picture is a finding, not the end of the measurement.
    if decoder.has_property("max-errors") {
        decoder.set_property("max-errors", -1i32);
    }
    let source = gst_app::AppSrc::builder()
        .caps(&caps(&track.kind))
        .format(gst::Format::Time)
        .stream_type(gst_app::AppStreamType::Stream)
        .max_bytes(0)
        .build();
    let sink = sink();
    let pipeline = gst::Pipeline::new();
    let refused = |reason: gst::glib::BoolError| DecodeError::Start { reason: reason.to_string() };
    pipeline.add_many([source.upcast_ref(), &decoder, &converter, sink.upcast_ref()]).map_err(refused)?;
    gst::Element::link_many([source.upcast_ref(), &decoder, &converter, sink.upcast_ref()]).map_err(refused)?;
    let decoder = TrackDecoder { pipeline, source, base, decoded };
    match decoder.pipeline.set_state(gst::State::Playing) {
        Ok(_) => Ok(decoder),
        Err(_) => {
            decoder.check()?;
            Err(DecodeError::Start { reason: "the decoding pipeline does not start".to_owned() })
        }
    }
}

fn caps(kind: &TrackKind) -> gst::Caps {
    match kind {
        TrackKind::Picture { width, height, config } => gst::Caps::builder("video/x-h264")
            .field("stream-format", "avc")
            .field("alignment", "au")
            .field("width", i32::from(*width))
            .field("height", i32::from(*height))
            .field("codec_data", gst::Buffer::from_slice(config.clone()))
            .build(),
        TrackKind::Sound { rate, channels, config } => gst::Caps::builder("audio/mpeg")
            .field("mpegversion", 4i32)
            .field("stream-format", "raw")
            .field("framed", true)
            .field("rate", *rate as i32)
            .field("channels", i32::from(*channels))
            .field("codec_data", gst::Buffer::from_slice(config.clone()))
            .build(),
    }
}
