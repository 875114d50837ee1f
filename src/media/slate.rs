//! The slate: what is shown when no source is healthy.
//!
//! Owns: its picture, drawn at each start and change. Must not: fail. Without fonts or Pango it is the same picture with
//! plain bars instead of words. Never black: a technician must see that the channel is alive. The digits of a count-down
//! are an overlay that is there with the slate only (`overlay`).

use std::path::Path;
use std::time::Duration;

use gst::prelude::*;
use gst_video::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::MediaError;
use super::encode::picture_caps;
use super::init::{bounded, element, init};
use crate::model::{ImageName, ProgramFormat};

/// Loading fonts for the first time on a cold machine takes a second or so.
const TEXT_BOUND: Duration = Duration::from_secs(3);

/// Dark slate blue, lighter towards the top (Y, U, V in BT.709 limited range).
const TOP: (u8, u8, u8) = (58, 140, 118);
const BOTTOM: (u8, u8, u8) = (34, 138, 120);
/// The line between title and text, and the bars.
const ACCENT: (u8, u8, u8) = (150, 112, 140);

/// A picture of program format.
pub type Picture = gst::Buffer;

/// An image, cut to fill the program. The error is a sentence.
pub fn backdrop(format: &ProgramFormat, directory: &Path, name: &ImageName) -> Result<Picture, String> {
    super::overlay::backdrop(format, directory, name)
}

/// Draws the slate at program size: caps as `picture_caps`, no timestamp. Takes at most some 3 s.
pub fn render(format: &ProgramFormat, title: &str, text: &str) -> Picture {
    render_over(format, None, title, text)
}

/// The same over an image, which [`backdrop`] reads.
pub fn render_over(format: &ProgramFormat, backdrop: Option<Picture>, title: &str, text: &str) -> Picture {
    let (format, title, text, behind) = (*format, title.to_owned(), text.to_owned(), backdrop.clone());
    let reason = match bounded(TEXT_BOUND, move || with_words(&format, behind, &title, &text)) {
        Some(Ok(buffer)) => return buffer,
        Some(Err(error)) => error.to_string(),
        None => format!("drawing them took more than {} s", TEXT_BOUND.as_secs()),
    };
    tracing::warn!("the slate goes without words: {reason}");
    backdrop.unwrap_or_else(|| with_bars(&format))
}

fn with_words(
    format: &ProgramFormat,
    backdrop: Option<Picture>,
    title: &str,
    text: &str,
) -> Result<gst::Buffer, MediaError> {
    init()?;
    let failed = |reason: &str| MediaError::graph("the slate", reason);
    let pipeline = gst::Pipeline::with_name("slate");
    let caps = picture_caps(format);
    let source = gst_app::AppSrc::builder().caps(&caps).format(gst::Format::Time).build();
    let sink = gst_app::AppSink::builder().sync(false).caps(&caps).build();
    let height = format.size.height();
    // Sizes follow the height; the text stays within the inner 80 % (EBU R 95 graphics safe area).
    let small = words("slate-title", title, "Sans", (height / 20).max(9), 0.36)?;
    let big = words("slate-text", text, "Sans Bold", (height / 11).max(14), 0.56)?;
    if backdrop.is_some() {
        // Whatever is behind them, they can be read.
        for words in [&small, &big] {
            words.set_property("draw-outline", true);
            words.set_property("draw-shadow", true);
        }
    }
    let chain = [source.upcast_ref(), &small, &big, sink.upcast_ref()];
    pipeline.add_many(chain).map_err(|error| failed(&error.to_string()))?;
    gst::Element::link_many(chain).map_err(|error| failed(&error.to_string()))?;
    let result = (|| {
        pipeline.set_state(gst::State::Playing).map_err(|error| failed(&error.to_string()))?;
        let mut picture = backdrop.or_else(|| background(format)).ok_or_else(|| failed("no memory for the picture"))?;
        picture.make_mut().set_pts(gst::ClockTime::ZERO);
        source.push_buffer(picture).map_err(|error| failed(&error.to_string()))?;
        let sample = sink.try_pull_sample(gst::ClockTime::from_mseconds(TEXT_BOUND.as_millis() as u64));
        sample.as_ref().and_then(|sample| sample.buffer_owned()).ok_or_else(|| failed("no picture came out"))
    })();
    // Stopping elements that hold nothing but memory does not fail.
    let _ = pipeline.set_state(gst::State::Null);
    let mut buffer = result?;
    let bare = buffer.make_mut();
    bare.set_pts(None);
    bare.set_duration(None);
    Ok(buffer)
}

fn words(name: &str, text: &str, face: &str, pixels: u32, at: f64) -> Result<gst::Element, MediaError> {
    let overlay = element("textoverlay", name)?;
    overlay.set_property("text", gst::glib::markup_escape_text(text).as_str());
    overlay.set_property("font-desc", format!("{face} {pixels}px"));
    overlay.set_property("auto-resize", false);
    overlay.set_property("draw-shadow", false);
    overlay.set_property("draw-outline", false);
    overlay.set_property("color", 0xffe8_ecf0_u32);
    for (property, value) in
        [("halignment", "center"), ("valignment", "position"), ("line-alignment", "center"), ("wrap-mode", "wordchar")]
    {
        overlay.set_property_from_str(property, value);
    }
    overlay.set_property("ypos", at);
    Ok(overlay)
}

fn with_bars(format: &ProgramFormat) -> gst::Buffer {
    let Some(mut buffer) = background(format) else { return gst::Buffer::new() };
    let (width, height) = (format.size.width(), format.size.height());
    if let Some(info) = info(format)
        && let Some(buffer) = buffer.get_mut()
        && let Ok(mut frame) = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer, &info)
    {
        for bar in 0..5 {
            let left = width / 10 + bar * width * 8 / 50;
            fill(&mut frame, (left, height / 2), (width / 9, height / 6), |_| ACCENT);
        }
    }
    buffer
}

fn info(format: &ProgramFormat) -> Option<gst_video::VideoInfo> {
    gst_video::VideoInfo::from_caps(&picture_caps(format)).ok()
}

fn background(format: &ProgramFormat) -> Option<gst::Buffer> {
    let info = info(format)?;
    let mut buffer = gst::Buffer::with_size(info.size()).ok()?;
    let (width, height) = (format.size.width(), format.size.height());
    {
        let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer.get_mut()?, &info).ok()?;
        let mix = |a: u8, b: u8, y: u32| (u32::from(a) + (u32::from(b)) * y / height - u32::from(a) * y / height) as u8;
        fill(&mut frame, (0, 0), (width, height), |y| {
            (mix(TOP.0, BOTTOM.0, y), mix(TOP.1, BOTTOM.1, y), mix(TOP.2, BOTTOM.2, y))
        });
        let line = (height / 180).max(1) * 2;
        fill(&mut frame, (width * 2 / 5, height * 45 / 100), (width / 5, line), |_| ACCENT);
    }
    Some(buffer)
}

/// Fills a rectangle; the colour depends on the row. Positions are rounded to whole chroma samples.
fn fill(
    frame: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
    (left, top): (u32, u32),
    (width, height): (u32, u32),
    colour: impl Fn(u32) -> (u8, u8, u8),
) {
    for (plane, shift) in [(0u32, 0u32), (1, 1), (2, 1)] {
        let stride = frame.plane_stride()[plane as usize] as usize;
        let Ok(data) = frame.plane_data_mut(plane) else { return };
        let (from, until) = ((left >> shift) as usize, ((left + width) >> shift) as usize);
        for row in (top >> shift)..((top + height) >> shift) {
            let (y, u, v) = colour(row << shift);
            let start = row as usize * stride;
            if let Some(pixels) = data.get_mut(start + from..start + until) {
                pixels.fill([y, u, v][plane as usize]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AudioFormat, FrameRate, PictureSize};

    fn format(width: u32, height: u32) -> ProgramFormat {
        ProgramFormat {
            size: PictureSize::new(width, height).unwrap(),
            frame_rate: FrameRate::new(25, 1).unwrap(),
            audio: AudioFormat { sample_rate: 48_000, channels: 2 },
        }
    }

    fn luma(format: &ProgramFormat, buffer: &gst::Buffer) -> Vec<u8> {
        let info = info(format).unwrap();
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info).unwrap();
        frame.plane_data(0).unwrap().to_vec()
    }

    #[test]
    fn a_slate_is_bright_enough_and_carries_words_whatever_they_are() {
        for (width, height) in [(1280, 720), (320, 180), (854, 480), (16, 16)] {
            let format = format(width, height);
            let buffer = render(&format, "Studio <A> & Sons", "We will be right back");
            assert_eq!((buffer.size(), buffer.pts()), (info(&format).unwrap().size(), None));
            let luma = luma(&format, &buffer);
            assert!(luma.iter().filter(|y| **y >= 30).count() * 10 > luma.len() * 9, "{width}x{height} is too dark");
            let bright = luma.iter().filter(|y| **y > 190).count();
            assert!(width < 100 || bright > luma.len() / 500, "{width}x{height} says nothing: {bright}");
        }
    }

    #[test]
    fn without_words_there_are_bars() {
        init().unwrap();
        let format = format(320, 180);
        let luma = luma(&format, &with_bars(&format));
        assert!(luma.iter().filter(|y| **y == ACCENT.0).count() > luma.len() / 20);
    }

    #[test]
    fn what_is_shown_can_be_saved_to_look_at() {
        let Some(directory) = std::env::var_os("SLATE_PNG_DIR") else { return };
        for (width, height) in [(1280, 720), (320, 180)] {
            let format = format(width, height);
            let mut buffer = render(&format, "Demo channel", "We will be right back");
            buffer.make_mut().set_pts(gst::ClockTime::ZERO);
            let path = Path::new(&directory).join(format!("slate-{width}x{height}.raw"));
            std::fs::write(path, buffer.map_readable().unwrap().as_slice()).unwrap();
        }
    }
}
