//! Timecode of the source on air, tick by tick: as its pictures carry it, in the labels of the program. The clock's, with
//! the reason, while they carry none.
//!
//! A picture that is shown again keeps its label; one of a source with fewer frames than the program has as many labels
//! as the program shows frames of it. Where only some pictures are labelled, the others are counted, for a second.

use gstreamer as gst;
use gstreamer_video as gst_video;

use crate::media::feed::Taken;
use crate::model::status::ProgramTimecode;
use crate::model::timecode::{Timecode, TimecodeClock};
use crate::model::{FrameRate, MediaTime, SourceId};

/// The timecode of one tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Labelled {
    pub(super) timecode: Timecode,
    frame: u64,
    /// Whose it is, or why it is the clock's.
    from: Result<SourceId, String>,
}

impl Labelled {
    pub(super) fn status(&self) -> ProgramTimecode {
        ProgramTimecode {
            timecode: self.timecode.to_string(),
            frame: self.frame,
            source: self.from.as_ref().ok().cloned(),
            reason: self.from.as_ref().err().cloned(),
        }
    }
}

/// What is known of the source on air.
#[derive(Debug)]
struct Held {
    source: SourceId,
    /// The tick that showed its newest picture first, and that picture's label.
    frame: u64,
    label: Timecode,
    /// Ticks that each of its pictures is due for.
    span: u64,
    /// The tick of its last picture with a label of its own.
    labelled: u64,
}

/// See the module's header.
#[derive(Debug)]
pub(super) struct Labels {
    rate: FrameRate,
    held: Option<Held>,
}

impl Labels {
    pub(super) fn new(rate: FrameRate) -> Self {
        Self { rate, held: None }
    }

    /// The timecode of tick `index` at `at`, which shows this of a source; the slate if none.
    pub(super) fn next(&mut self, (index, at): (u64, MediaTime), shown: Option<(&SourceId, &Taken)>) -> Labelled {
        let from = match shown {
            Some((source, Taken::New(picture))) => self.take(index, source, picture, true),
            Some((source, Taken::Again(picture))) => self.take(index, source, picture, false),
            Some((source, Taken::Nothing)) => Err(format!("source {source} has no picture")),
            None => Err("the slate is on air".to_owned()),
        };
        match from {
            Ok((timecode, source)) => Labelled { timecode, frame: index, from: Ok(source) },
            Err(reason) => {
                self.held = None;
                let timecode = TimecodeClock::new(self.rate, 0).at(at).2;
                Labelled { timecode, frame: index, from: Err(reason) }
            }
        }
    }

    fn take(
        &mut self,
        index: u64,
        source: &SourceId,
        picture: &gst::Buffer,
        new: bool,
    ) -> Result<(Timecode, SourceId), String> {
        let second = u64::from(self.rate.num().div_ceil(self.rate.den()));
        let known = self.held.take().filter(|held| held.source == *source);
        let held = match (known, of_picture(picture, self.rate)) {
            (Some(held), _) if !new => held,
            (_, Some((label, span))) => Held { source: source.clone(), frame: index, label, span, labelled: index },
            (Some(held), None) if index.saturating_sub(held.labelled) <= second => {
                let label = held.label.later(index.saturating_sub(held.frame), self.rate);
                Held { frame: index, label, ..held }
            }
            _ => return Err(format!("source {source} carries no timecode")),
        };
        let held = self.held.insert(held);
        let shown = index.saturating_sub(held.frame).min(held.span - 1);
        Ok((held.label.later(shown, self.rate), source.clone()))
    }
}

/// The label of a source's picture at the program's `rate`, and for how many frames of that it stands.
fn of_picture(picture: &gst::BufferRef, rate: FrameRate) -> Option<(Timecode, u64)> {
    let meta = picture.meta::<gst_video::VideoTimeCodeMeta>()?;
    let code = meta.tc();
    let fps = code.fps();
    let labels = match (u32::try_from(fps.numer()), u32::try_from(fps.denom())) {
        (Ok(num), Ok(den)) if den > 0 => num.div_ceil(den),
        _ => 0,
    };
    let drop = code.flags().contains(gst_video::VideoTimeCodeFlags::DROP_FRAME);
    let fields = [code.hours(), code.minutes(), code.seconds(), code.frames()];
    let label = Timecode::of_source(fields, drop, labels, rate)?;
    let own = rate.num().div_ceil(rate.den());
    let span = if labels == 0 { 1 } else { u64::from(own.div_ceil(labels)) };
    Some((label, span.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FrameGrid;

    fn picture(frames: Option<u32>, fps: i32) -> gst::Buffer {
        let mut picture = gst::Buffer::new();
        if let Some(frames) = frames {
            let flags = gst_video::VideoTimeCodeFlags::empty();
            let code = gst_video::VideoTimeCode::new(gst::Fraction::new(fps, 1), None, flags, 10, 0, 0, frames, 0);
            let code = gst_video::ValidVideoTimeCode::try_from(code).unwrap();
            gst_video::VideoTimeCodeMeta::add(picture.get_mut().unwrap(), &code);
        }
        picture
    }

    /// The last digits of the labels, with a `c` for those of the clock.
    fn labels(rate: &str, shown: &[(&str, Taken)]) -> Vec<String> {
        crate::media::init().unwrap();
        let rate: FrameRate = rate.parse().unwrap();
        let (mut labels, grid) = (Labels::new(rate), FrameGrid::new(rate));
        // Midnight, and five seconds.
        let first = grid.index_at(MediaTime::from_secs(1_763_683_200 + 5));
        let said = shown.iter().enumerate().map(|(n, (source, taken))| {
            let index = first + n as u64;
            let source = SourceId::new(*source).unwrap();
            let labelled = labels.next((index, grid.time_of(index)), Some((&source, taken)));
            assert_eq!(labelled.status().frame, index);
            let text = labelled.timecode.to_string();
            match labelled.from {
                Ok(_) => text[6..].to_owned(),
                Err(_) => format!("c{}", &text[6..]),
            }
        });
        said.collect()
    }

    #[test]
    fn a_picture_has_its_own_label_as_long_as_it_is_shown() {
        let new = |n| Taken::New(picture(Some(n), 25));
        let again = |n| Taken::Again(picture(Some(n), 25));
        let shown = [("a", new(3)), ("a", again(3)), ("a", again(3)), ("a", new(4)), ("a", new(7))];
        assert_eq!(labels("25", &shown), ["00:03", "00:03", "00:03", "00:04", "00:07"]);
        // Each picture is due for two frames of the program, and no more.
        let shown = [("a", new(3)), ("a", again(3)), ("a", new(4)), ("a", again(4)), ("a", again(4))];
        assert_eq!(labels("50", &shown), ["00:06", "00:07", "00:08", "00:09", "00:09"]);
    }

    #[test]
    fn another_source_has_another_timecode_or_none() {
        let (tagged, bare) = (picture(Some(9), 25), picture(None, 25));
        let new = |picture: &gst::Buffer| Taken::New(picture.clone());
        let shown = [
            ("a", new(&tagged)),
            ("b", Taken::Again(picture(Some(20), 25))),
            ("b", Taken::Again(picture(Some(20), 25))),
            ("c", new(&bare)),
            ("a", Taken::Again(tagged.clone())),
            ("a", Taken::Nothing),
        ];
        assert_eq!(labels("25", &shown), ["00:09", "00:20", "00:20", "c05:03", "00:09", "c05:05"]);
    }

    #[test]
    fn what_is_not_labelled_is_counted_for_a_second() {
        let mut shown = vec![("a", Taken::New(picture(Some(0), 25)))];
        shown.extend((0..27).map(|_| ("a", Taken::New(picture(None, 25)))));
        let said = labels("25", &shown);
        assert_eq!((said[1].as_str(), said[24].as_str(), said[25].as_str()), ("00:01", "00:24", "01:00"));
        assert!(said[26].starts_with('c') && said[27].starts_with('c'), "{said:?}");
    }
}
