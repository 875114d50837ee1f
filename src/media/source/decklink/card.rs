//! Watches the element of a DeckLink input: whether there is a signal, in which format, on which card.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;

use super::super::input::Input;
use super::super::status::Condition;
use super::PICTURE;
use super::sight::Sight;
use crate::model::InputState;
use crate::plan::{DeckLinkInput, SourceKind};
use crate::system::SignalFormat;

/// The card behind one connection.
pub(in crate::media::source) struct Card {
    picture: gst::Element,
    sight: Arc<Mutex<Sight>>,
    input: DeckLinkInput,
    mode: String,
}

impl Card {
    /// Listens to the element in `pipeline`; none if that is no DeckLink's. To be called before it is started.
    pub(in crate::media::source) fn watch(pipeline: &gst::Pipeline, kind: &SourceKind) -> Option<Self> {
        let SourceKind::DeckLink { input, mode, .. } = kind else { return None };
        let picture = pipeline.by_name(PICTURE)?;
        let sight = Arc::<Mutex<Sight>>::default();
        let told = Arc::clone(&sight);
        picture.connect_notify(Some("signal"), move |picture, _| {
            lock(&told).signal(picture.property("signal"), Instant::now());
        });
        Some(Self { picture, sight, input: *input, mode: mode.clone() })
    }

    /// Says what is known now.
    pub(in crate::media::source) fn tell(&self, input: &Input, condition: &Condition) {
        let (format, now) = (self.format(), Instant::now());
        let mut sight = lock(&self.sight);
        if let Some(format) = format {
            sight.format(format, now);
        }
        let Some(seen) = sight.seen(&self.mode, condition.wrong_format() == Some(true), now) else { return };
        let dark = sight.is_dark();
        drop(sight);
        input.card_says(dark, &seen.reason);
        condition.input(seen.state, seen.format, &seen.reason, Some(&self.name()));
    }

    /// The element has failed.
    pub(in crate::media::source) fn failed(&self, error: &gst::glib::Error, condition: &Condition) {
        let (state, reason) = if error.matches(gst::CoreError::Negotiation) {
            (InputState::Mismatch, format!("the signal is not in mode {}, which is asked for", self.mode))
        } else if lock(&self.sight).has_spoken() {
            (InputState::NoSignal, format!("the card does not deliver any more: {error}"))
        } else {
            let reason =
                format!("the input cannot be read: in use by another program, or it knows no mode {}", self.mode);
            (InputState::NoSignal, reason)
        };
        condition.input(state, None, &reason, Some(&self.name()));
    }

    fn format(&self) -> Option<String> {
        format_of(self.picture.static_pad("src")?.current_caps()?.as_ref())
    }

    /// By what is printed on the card, if the driver tells.
    fn name(&self) -> String {
        let serial = self.picture.property::<Option<String>>("hw-serial-number").filter(|serial| !serial.is_empty());
        match (serial, self.input) {
            (Some(serial), _) => format!("DeckLink {serial}"),
            (None, DeckLinkInput::Id(id)) => format!("DeckLink with persistent id {id}"),
            (None, DeckLinkInput::Number(number)) => format!("DeckLink number {number}"),
        }
    }
}

fn lock(sight: &Mutex<Sight>) -> MutexGuard<'_, Sight> {
    sight.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As a signal's format is written.
fn format_of(caps: &gst::CapsRef) -> Option<String> {
    let info = gst_video::VideoInfo::from_caps(caps).ok()?;
    let interlaced = info.is_interlaced();
    let (pictures, seconds) = (u64::try_from(info.fps().numer()).ok()?, u64::try_from(info.fps().denom()).ok()?);
    let per_picture = if interlaced { 2 } else { 1 };
    let millihertz = (pictures * per_picture * 1000).checked_div(seconds)?;
    Some(SignalFormat { width: info.width(), height: info.height(), interlaced, millihertz }.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_written_as_on_the_signals_label() {
        gst::init().unwrap();
        for (size, scan, rate, expected) in [
            ("width=1920,height=1080", "interleaved", "25/1", "1920x1080i50"),
            ("width=1280,height=720", "progressive", "60000/1001", "1280x720p59.94"),
            ("width=720,height=486", "interleaved", "30000/1001", "720x486i59.94"),
        ] {
            let caps = format!("video/x-raw,format=UYVY,{size},framerate={rate},interlace-mode={scan}");
            let caps: gst::Caps = caps.parse().unwrap();
            assert_eq!(format_of(&caps).as_deref(), Some(expected));
        }
        assert_eq!(format_of(&gst::Caps::new_empty_simple("audio/x-raw")), None);
    }
}
