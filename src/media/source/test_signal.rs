//! The test source: a moving picture that carries the frame number and UTC, and a tone with a tick at each second.
//!
//! The marks are those of `lineup`, so that whatever plays the delivered stream can measure frames, latency and A/V
//! offset. Running time begins on a tick of the house clock: frame n of the source is frame n of the epoch grid.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;

use super::Context;
use super::branch::Branches;
use crate::lineup::{Mark, draw, tone};
use crate::model::{FrameGrid, MediaTime, ProgramFormat, SampleGrid};

type Built = Result<(), gst::glib::BoolError>;

/// Builds picture and tone; `origin` is running time zero on the house clock.
pub(super) fn build(context: &Context, pipeline: &gst::Pipeline, branches: &Branches, origin: MediaTime) -> Built {
    let format = context.format;
    let picture = gst::ElementFactory::make("videotestsrc")
        .property("is-live", true)
        .property_from_str("pattern", "smpte")
        .property("horizontal-speed", 2i32)
        .build()?;
    let caps = gst_video::VideoCapsBuilder::new()
        .format(gst_video::VideoFormat::I420)
        .width(format.size.width() as i32)
        .height(format.size.height() as i32)
        .framerate(gst::Fraction::new(format.frame_rate.num() as i32, format.frame_rate.den() as i32))
        .build();
    let picture_out = filtered(pipeline, &picture, caps)?;
    mark_picture(&picture_out, format, origin);

    let sound = gst::ElementFactory::make("audiotestsrc")
        .property("is-live", true)
        .property_from_str("wave", "silence")
        .property("samplesperbuffer", (format.audio.sample_rate / 100) as i32)
        .build()?;
    let caps = gst::Caps::builder("audio/x-raw")
        .field("format", "F32LE")
        .field("layout", "interleaved")
        .field("rate", format.audio.sample_rate as i32)
        .field("channels", i32::from(format.audio.channels))
        .build();
    let sound_out = filtered(pipeline, &sound, caps)?;
    mark_sound(&sound_out, format, origin);

    branches.link(&picture_out)?;
    branches.link(&sound_out)?;
    branches.set_complete();
    Ok(())
}

/// `source` with `caps`; the pad behind them.
fn filtered(pipeline: &gst::Pipeline, source: &gst::Element, caps: gst::Caps) -> Result<gst::Pad, gst::glib::BoolError> {
    let filter = gst::ElementFactory::make("capsfilter").property("caps", caps).build()?;
    pipeline.add_many([source, &filter])?;
    source.link(&filter)?;
    filter.static_pad("src").ok_or_else(|| gst::glib::bool_error!("capsfilter without a pad"))
}

fn mark_picture(pad: &gst::Pad, format: ProgramFormat, origin: MediaTime) {
    let grid = FrameGrid::new(format.frame_rate);
    let first = grid.index_at(origin);
    let (width, height) = (format.size.width() as usize, format.size.height() as usize);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data else {
            return gst::PadProbeReturn::Ok;
        };
        let since = buffer.pts().unwrap_or_default().nseconds();
        // Half a frame of grace: timestamps of a live source are rounded.
        let elapsed = MediaTime::from_nanos(since + format.frame_rate.frame_nanos() / 2);
        let index = first + grid.index_at(elapsed);
        let mark = Mark::new(index, grid.time_of(index).as_nanos() / 1_000_000);
        if let Ok(mut map) = buffer.make_mut().map_writable() {
            // I420 from videotestsrc: rows are padded to four bytes.
            let stride = width.next_multiple_of(4);
            draw(&mut map[..], stride, width, height, &mark);
        }
        gst::PadProbeReturn::Ok
    });
}

fn mark_sound(pad: &gst::Pad, format: ProgramFormat, origin: MediaTime) {
    let grid = SampleGrid::new(format.audio.sample_rate);
    let first = grid.index_at(origin);
    let channels = usize::from(format.audio.channels);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data else {
            return gst::PadProbeReturn::Ok;
        };
        let since = MediaTime::from_nanos(buffer.pts().unwrap_or_default().nseconds());
        // Buffers hold whole hundredths of a second; the rounding of their timestamps is below one sample.
        let index = first + grid.index_at(since + std::time::Duration::from_micros(10));
        if let Ok(mut map) = buffer.make_mut().map_writable() {
            for (n, frame) in map.chunks_exact_mut(4 * channels).enumerate() {
                let bytes = tone(index + n as u64, format.audio.sample_rate).to_le_bytes();
                frame.chunks_exact_mut(4).for_each(|sample| sample.copy_from_slice(&bytes));
            }
        }
        gst::PadProbeReturn::Ok
    });
}
