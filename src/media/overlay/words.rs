//! Words, drawn by Pango by way of `textoverlay`: any script, any installed font.

use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use super::canvas::Canvas;
use crate::media::MediaError;
use crate::media::init::{bounded, element, init};

/// Loading fonts for the first time on a cold machine takes a second or so.
const BOUND: Duration = Duration::from_secs(3);

/// How words look.
#[derive(Debug, Clone)]
pub(super) struct Style {
    /// Pango's name of the face.
    pub(super) face: &'static str,
    /// Height of a line, pixels.
    pub(super) pixels: usize,
    /// Width at which lines are broken.
    pub(super) width: usize,
    /// Height at which they are cut.
    pub(super) height: usize,
    /// Where lines stand to each other.
    pub(super) align: &'static str,
}

/// `text` in white on nothing; the canvas is as large as the style says. Takes at most some 3 s.
pub(super) fn words(text: &str, style: &Style) -> Result<Canvas, MediaError> {
    let (text, style) = (text.to_owned(), style.clone());
    let drawn = bounded(BOUND, move || draw(&text, &style));
    drawn.unwrap_or(Err(MediaError::Deadline { part: "drawing words".to_owned(), millis: BOUND.as_millis() as u64 }))
}

fn draw(text: &str, style: &Style) -> Result<Canvas, MediaError> {
    init()?;
    let failed = |reason: &str| MediaError::graph("words", reason);
    let (width, height) = (style.width.max(2), style.height.max(2));
    let caps = gst::Caps::builder("video/x-raw")
        .field("format", "BGRA")
        .field("width", width as i32)
        .field("height", height as i32)
        .field("framerate", gst::Fraction::new(0, 1))
        .build();
    let overlay = element("textoverlay", "words")?;
    overlay.set_property("text", gst::glib::markup_escape_text(text).as_str());
    overlay.set_property("font-desc", format!("{} {}px", style.face, style.pixels));
    for (property, value) in [
        ("auto-resize", "false"),
        ("draw-shadow", "false"),
        ("draw-outline", "false"),
        ("halignment", style.align),
        ("valignment", "top"),
        ("line-alignment", style.align),
        ("wrap-mode", "wordchar"),
        ("xpad", "0"),
        ("ypad", "0"),
    ] {
        overlay.set_property_from_str(property, value);
    }
    let blank = gst::Buffer::from_mut_slice(vec![0u8; width * height * 4]);
    let sample = through(&caps, blank, &[overlay], BOUND)?.ok_or_else(|| failed("no picture came out"))?;
    let buffer = sample.buffer().ok_or_else(|| failed("no picture came out"))?;
    let map = buffer.map_readable().map_err(|error| failed(&error.to_string()))?;
    Ok(Canvas::from_straight(width, height, &map))
}

/// Sends one buffer through `elements`; what comes out, or the reason of the first error on the bus.
pub(super) fn through(
    caps: &gst::Caps,
    buffer: gst::Buffer,
    elements: &[gst::Element],
    bound: Duration,
) -> Result<Option<gst::Sample>, MediaError> {
    let failed = |reason: &str| MediaError::graph("a drawing", reason);
    let pipeline = gst::Pipeline::with_name("drawing");
    let source = gst_app::AppSrc::builder().caps(caps).format(gst::Format::Time).build();
    let raw = gst::Caps::builder("video/x-raw").field("format", "BGRA").build();
    let sink = gst_app::AppSink::builder().sync(false).caps(&raw).build();
    let first = source.upcast_ref::<gst::Element>();
    let chain: Vec<&gst::Element> = std::iter::once(first).chain(elements).chain([sink.upcast_ref()]).collect();
    pipeline.add_many(&chain).map_err(|error| failed(&error.to_string()))?;
    gst::Element::link_many(&chain).map_err(|error| failed(&error.to_string()))?;
    let result = (|| {
        pipeline.set_state(gst::State::Playing).map_err(|error| failed(&error.to_string()))?;
        let mut buffer = buffer;
        buffer.make_mut().set_pts(gst::ClockTime::ZERO);
        source.push_buffer(buffer).map_err(|error| failed(&error.to_string()))?;
        // A decoder that gives up says so on the bus and nothing comes out.
        let _ = source.end_of_stream();
        Ok(sink.try_pull_sample(gst::ClockTime::from_mseconds(bound.as_millis() as u64)))
    })();
    let told = pipeline.bus().and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
    // Stopping elements that hold nothing but memory does not fail.
    let _ = pipeline.set_state(gst::State::Null);
    match (result, told.as_ref().map(|message| message.view())) {
        (Ok(None), Some(gst::MessageView::Error(error))) => Err(failed(&error.error().to_string())),
        (result, _) => result,
    }
}
