//! What a branch decides about pictures before they are converted: how many of them, from which fields, which way up.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;

use crate::media::normal::{Normaliser, Turn};
use crate::model::{FrameRate, MediaTime, PictureSize, ProgramFormat};

/// Leaves out pictures of a source that has many more than the program shows, before they cost a conversion. The frame
/// store chooses among twice as many as it needs.
pub(super) struct Thinning {
    distance: Duration,
    last: Mutex<Option<MediaTime>>,
}

impl Thinning {
    pub(super) fn new(program: &ProgramFormat) -> Self {
        Self { distance: Duration::from_nanos(program.frame_rate.frame_nanos() * 2 / 5), last: Mutex::new(None) }
    }

    pub(super) fn keeps(&self, stamp: MediaTime) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let keeps = last.is_none_or(|last| stamp <= last || stamp.since(last) >= self.distance);
        if keeps {
            *last = Some(stamp);
        }
        keeps
    }
}

/// Fields to make pictures of: both, unless the frames alone are as many as the program shows.
pub(super) fn fields(pad: &gst::Pad, program: FrameRate) -> &'static str {
    let rate = pad.current_caps().and_then(|caps| picture_format(&caps).1);
    if rate.is_some_and(|rate| rate.as_f64() >= program.as_f64() * 0.99) { "top" } else { "all" }
}

/// Follows the stream's orientation tag.
pub(super) fn turn_as_told(sink: &gst::Element, normaliser: Arc<Mutex<Normaliser>>) {
    let Some(pad) = sink.static_pad("sink") else { return };
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::EventView::Tag(tags)) = info.event().map(|event| event.view())
            && let Some(tag) = tags.tag().get::<gst::tags::ImageOrientation>()
        {
            let turn = Turn::from_tag(tag.get());
            normaliser.lock().unwrap_or_else(PoisonError::into_inner).set_turn(turn);
        }
        gst::PadProbeReturn::Ok
    });
}

/// What caps say of a picture.
pub(super) fn picture_format(caps: &gst::CapsRef) -> (Option<PictureSize>, Option<FrameRate>) {
    let Some(structure) = caps.structure(0) else {
        return (None, None);
    };
    let side = |name: &str| structure.get::<i32>(name).ok().and_then(|n| u32::try_from(n).ok());
    let size = side("width").zip(side("height")).and_then(|(w, h)| PictureSize::new(w, h));
    let rate = structure
        .get::<gst::Fraction>("framerate")
        .ok()
        .and_then(|f| FrameRate::new(f.numer().try_into().ok()?, f.denom().try_into().ok()?));
    (size, rate)
}

/// The size of pictures that are odd, tiny or huge, which is no [`PictureSize`].
pub(super) fn unusual_size(caps: &gst::CapsRef) -> Option<String> {
    let side = |name: &str| caps.structure(0)?.get::<i32>(name).ok();
    let size = format!("{}x{}", side("width")?, side("height")?);
    picture_format(caps).0.is_none().then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AudioFormat;

    #[test]
    fn a_fast_source_is_thinned_and_none_other() {
        let program = ProgramFormat {
            size: PictureSize::new(320, 180).unwrap(),
            frame_rate: FrameRate::new(30, 1).unwrap(),
            audio: AudioFormat { sample_rate: 48_000, channels: 2 },
        };
        for (rate, kept) in [(5, 5), (30, 30), (60, 60), (240, 60)] {
            let thinning = Thinning::new(&program);
            let stamp = |n: u64| MediaTime::from_nanos(1_763_000_000_000_000_000 + n * 1_000_000_000 / rate);
            assert_eq!((0..rate).filter(|n| thinning.keeps(stamp(*n))).count(), kept, "{rate}");
            assert!(thinning.keeps(stamp(0)), "time that jumps back begins anew");
        }
    }
}
