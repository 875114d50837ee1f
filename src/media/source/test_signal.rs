//! The test source: a moving picture that carries the frame number and UTC, and a tone with a tick at each second.
//!
//! The marks are those of `lineup`, so that whatever plays the delivered stream can measure frames, latency and A/V
//! offset. Frames are put on the epoch grid: the frame number is the index of the grid.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::Context;
use super::branch::Branches;
use crate::lineup::{Mark, draw, tone};
use crate::media::encode::{picture_caps, sound_caps};
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
    let picture_out = filtered(pipeline, &picture, picture_caps(&format))?;
    mark_picture(&picture_out, format, origin);

    let sound = gst::ElementFactory::make("audiotestsrc")
        .property("is-live", true)
        .property_from_str("wave", "silence")
        .property("samplesperbuffer", (format.audio.sample_rate / 100) as i32)
        .build()?;
    let sound_out = filtered(pipeline, &sound, sound_caps(&format.audio))?;
    mark_sound(&sound_out, format, origin);

    branches.link(&picture_out)?;
    branches.link(&sound_out)?;
    branches.set_complete();
    Ok(())
}

/// `source` with `caps`; the pad behind them.
fn filtered(
    pipeline: &gst::Pipeline,
    source: &gst::Element,
    caps: gst::Caps,
) -> Result<gst::Pad, gst::glib::BoolError> {
    let filter = gst::ElementFactory::make("capsfilter").property("caps", caps).build()?;
    pipeline.add_many([source, &filter])?;
    source.link(&filter)?;
    filter.static_pad("src").ok_or_else(|| gst::glib::bool_error!("capsfilter without a pad"))
}

/// Counts cells of a grid along timestamps that begin anywhere and are rounded: the first is rounded down, the others
/// follow at whole distances, so that rounding never makes one cell of two or skips one.
struct Count {
    last: Option<(u64, u64)>,
}

impl Count {
    /// The index of the cell at `pts`, given how many cells (rounded to the nearest) lie between two timestamps.
    fn index(&mut self, pts: u64, first: impl Fn(u64) -> u64, cells: impl Fn(u64) -> u64) -> u64 {
        let index = match self.last {
            Some((last, index)) => index + cells(pts.saturating_sub(last)),
            None => first(pts),
        };
        self.last = Some((pts, index));
        index
    }
}

fn mark_picture(pad: &gst::Pad, format: ProgramFormat, origin: MediaTime) {
    let grid = FrameGrid::new(format.frame_rate);
    let (width, height) = (format.size.width() as usize, format.size.height() as usize);
    let half = format.frame_rate.frame_nanos() / 2;
    let count = Mutex::new(Count { last: None });
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data else {
            return gst::PadProbeReturn::Ok;
        };
        let pts = buffer.pts().unwrap_or_default().nseconds();
        let first = |pts| grid.index_at(origin + Duration::from_nanos(pts));
        let frames = |nanos| grid.index_at(MediaTime::from_nanos(nanos + half));
        let index = count.lock().unwrap_or_else(PoisonError::into_inner).index(pts, first, frames);
        let at = grid.time_of(index);
        let mark = Mark::new(index, at.as_nanos() / 1_000_000);
        let buffer = buffer.make_mut();
        buffer.set_pts(gst::ClockTime::from_nseconds(at.since(origin).as_nanos() as u64));
        if let Ok(mut map) = buffer.map_writable() {
            // I420 from videotestsrc: rows are padded to four bytes.
            draw(&mut map[..], width.next_multiple_of(4), width, height, &mark);
        }
        gst::PadProbeReturn::Ok
    });
}

fn mark_sound(pad: &gst::Pad, format: ProgramFormat, origin: MediaTime) {
    let grid = SampleGrid::new(format.audio.sample_rate);
    let channels = usize::from(format.audio.channels);
    let half = 500_000_000 / u64::from(format.audio.sample_rate);
    let count = Mutex::new(Count { last: None });
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data else {
            return gst::PadProbeReturn::Ok;
        };
        let pts = buffer.pts().unwrap_or_default().nseconds();
        let first = |pts| grid.index_at(origin + Duration::from_nanos(pts));
        let samples = |nanos| grid.index_at(MediaTime::from_nanos(nanos + half));
        let index = count.lock().unwrap_or_else(PoisonError::into_inner).index(pts, first, samples);
        if let Ok(mut map) = buffer.make_mut().map_writable() {
            for (n, frame) in map.chunks_exact_mut(4 * channels).enumerate() {
                let bytes = tone(index + n as u64, format.audio.sample_rate).to_le_bytes();
                frame.chunks_exact_mut(4).for_each(|sample| sample.copy_from_slice(&bytes));
            }
        }
        gst::PadProbeReturn::Ok
    });
}
