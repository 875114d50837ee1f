//! The end of a decoding pipeline: raw pictures and sound out of an appsink, handed to a callback.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_audio as gst_audio;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use super::{DecodeError, Picture, Sound};

/// How a buffer's timestamp becomes the caller's: relative to what was pushed, or the pipeline's running time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Clocking {
    /// Buffers carry time since this many nanoseconds.
    Since(u64),
    /// Running time (a demuxer's segment applies).
    Running,
}

impl Clocking {
    fn pts(self, sample: &gst::Sample) -> Option<u64> {
        let pts = sample.buffer()?.pts()?;
        match self {
            Self::Since(base) => Some(base + pts.nseconds()),
            Self::Running => {
                let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
                segment.to_running_time(pts).map(gst::ClockTime::nseconds)
            }
        }
    }
}

pub(crate) fn make(element: &'static str) -> Result<gst::Element, DecodeError> {
    gst::ElementFactory::make(element).build().map_err(|_| DecodeError::Missing { element })
}

fn sink(caps: &gst::Caps, mut take: impl FnMut(&gst::Sample) + Send + 'static) -> gst_app::AppSink {
    let callbacks = gst_app::AppSinkCallbacks::builder()
        .new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            take(&sample);
            Ok(gst::FlowSuccess::Ok)
        })
        .build();
    gst_app::AppSink::builder().caps(caps).sync(false).async_(false).max_buffers(8).callbacks(callbacks).build()
}

/// An appsink that hands out limited-range luma.
pub(crate) fn picture_sink(clocking: Clocking, mut take: impl FnMut(Picture<'_>) + Send + 'static) -> gst_app::AppSink {
    let caps = gst_video::VideoCapsBuilder::new().format(gst_video::VideoFormat::I420).build();
    sink(&caps, move |sample| {
        let Some(pts) = clocking.pts(sample) else { return };
        let Some(info) = sample.caps().and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok()) else { return };
        let Some(buffer) = sample.buffer() else { return };
        let Ok(frame) = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info) else { return };
        if let Ok(luma) = frame.plane_data(0) {
            let stride = frame.plane_stride()[0].unsigned_abs() as usize;
            take(Picture { pts, luma, stride, width: info.width() as usize, height: info.height() as usize });
        }
    })
}

/// An appsink that hands out the first channel of the sound.
pub(crate) fn sound_sink(clocking: Clocking, mut take: impl FnMut(Sound<'_>) + Send + 'static) -> gst_app::AppSink {
    let caps = gst_audio::AudioCapsBuilder::new_interleaved().format(gst_audio::AUDIO_FORMAT_F32).build();
    let mut first_channel = Vec::new();
    sink(&caps, move |sample| {
        let Some(pts) = clocking.pts(sample) else { return };
        let Some(info) = sample.caps().and_then(|caps| gst_audio::AudioInfo::from_caps(caps).ok()) else { return };
        let Some(map) = sample.buffer().and_then(|buffer| buffer.map_readable().ok()) else { return };
        first_channel.clear();
        first_channel.extend(
            map.chunks_exact(info.bpf() as usize)
                .filter_map(|frame| frame.first_chunk::<4>())
                .map(|bytes| f32::from_ne_bytes(*bytes)),
        );
        take(Sound { pts, rate: info.rate(), samples: &first_channel });
    })
}

/// Waits until the pipeline has drained. `progress` says how much has come out so far: only a standstill is an error.
pub(crate) fn drain(
    pipeline: &gst::Pipeline,
    bound: std::time::Duration,
    progress: impl Fn() -> u64,
) -> Result<(), DecodeError> {
    let bus = pipeline.bus().ok_or_else(|| DecodeError::Start { reason: "a pipeline without a bus".to_owned() })?;
    let step = gst::ClockTime::from_mseconds(100);
    let (mut last, mut since) = (progress(), std::time::Instant::now());
    loop {
        let message = bus.timed_pop_filtered(step, &[gst::MessageType::Eos, gst::MessageType::Error]);
        match message.as_ref().map(|message| message.view()) {
            Some(gst::MessageView::Error(error)) => return Err(media_error(error)),
            Some(_) => return Ok(()),
            None => {}
        }
        let now = progress();
        if now != last {
            (last, since) = (now, std::time::Instant::now());
        } else if since.elapsed() > bound {
            return Err(DecodeError::Stalled { bound });
        }
    }
}

pub(crate) fn media_error(error: &gst::message::Error) -> DecodeError {
    DecodeError::Media { reason: error.error().message().trim_end_matches('.').to_lowercase() }
}
