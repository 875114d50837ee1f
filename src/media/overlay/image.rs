//! Image files: read, decoded, scaled. Whatever they hold, this ends, in bounded time and memory.

use std::path::Path;
use std::time::Duration;

use gst_video::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;

use super::canvas::Canvas;
use super::words::through;
use crate::media::init::{bounded, element, init};
use crate::media::normal::Normaliser;
use crate::model::image::{IMAGE_BYTES, ImageKind, ImageName, image_head};
use crate::model::{Fit, ProgramFormat};

/// Decoding 4096 × 4096 pixels takes half a second.
const BOUND: Duration = Duration::from_secs(5);

/// Reads and decodes an image. The error is a sentence.
fn decode(directory: &Path, name: &ImageName) -> Result<gst::Sample, String> {
    let refused = |reason: String| format!("the image {name} cannot be shown: {reason}");
    let path = directory.join(name.as_str());
    let size = std::fs::metadata(&path).map_err(|error| refused(format!("{}: {error}", path.display())))?.len();
    if size > IMAGE_BYTES as u64 {
        return Err(refused(format!("it has {size} bytes; {IMAGE_BYTES} are the most")));
    }
    let data = std::fs::read(&path).map_err(|error| refused(format!("{}: {error}", path.display())))?;
    let (kind, _, _) = image_head(&data).map_err(&refused)?;
    let sample = bounded(BOUND, move || pixels(kind, data)).unwrap_or_else(|| Err("decoding hangs".to_owned()));
    sample.map_err(refused)
}

fn pixels(kind: ImageKind, data: Vec<u8>) -> Result<gst::Sample, String> {
    let said = |error: crate::media::MediaError| error.to_string();
    init().map_err(said)?;
    let (caps, decoder) = match kind {
        ImageKind::Png => ("image/png", element("pngdec", "png")),
        ImageKind::Jpeg => ("image/jpeg", element("jpegdec", "jpeg")),
    };
    let convert = element("videoconvert", "convert").map_err(said)?;
    let caps = gst::Caps::builder(caps).field("framerate", gst::Fraction::new(0, 1)).build();
    let decoder = decoder.map_err(said)?;
    match through(&caps, gst::Buffer::from_mut_slice(data), &[decoder, convert], BOUND) {
        Ok(Some(sample)) => Ok(sample),
        Ok(None) => Err("it is damaged or cut off".to_owned()),
        Err(error) => Err(format!("it is damaged ({error})")),
    }
}

/// A decoded image, `width` pixels wide, at most `height` high.
pub(super) fn scaled(directory: &Path, name: &ImageName, width: usize, height: usize) -> Result<Canvas, String> {
    let sample = decode(directory, name)?;
    let failed = |error: gst::glib::BoolError| format!("the image {name} cannot be scaled: {error}");
    let no_memory = || format!("there is no memory for the image {name}");
    let buffer = sample.buffer().ok_or_else(no_memory)?;
    let info =
        sample.caps().ok_or_else(no_memory).and_then(|caps| gst_video::VideoInfo::from_caps(caps).map_err(failed))?;
    let (own_width, own_height) = (info.width() as usize, info.height() as usize);
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info).map_err(failed)?;
    let stride = frame.plane_stride()[0] as usize;
    let data = frame.plane_data(0).map_err(failed)?;
    let rows: Vec<u8> = data.chunks(stride).flat_map(|row| row[..own_width * 4].iter().copied()).collect();
    let canvas = Canvas::from_straight(own_width, own_height, &rows);
    let (mut w, mut h) = (width.max(2), (own_height * width).div_ceil(own_width).max(2));
    if h > height {
        (w, h) = ((own_width * height).div_ceil(own_height).max(2), height.max(2));
    }
    resize(&canvas, w, h).map_err(failed)
}

/// Colours are multiplied by alpha already, so that the edges do not take on the colour of what cannot be seen.
fn resize(canvas: &Canvas, width: usize, height: usize) -> Result<Canvas, gst::glib::BoolError> {
    let info = |width: usize, height: usize| {
        gst_video::VideoInfo::builder(gst_video::VideoFormat::Bgra, width as u32, height as u32).build()
    };
    let (from, into) = (info(canvas.width, canvas.height)?, info(width, height)?);
    let mut config = gst_video::VideoConverterConfig::new();
    config.set_resampler_method(gst_video::VideoResamplerMethod::Cubic);
    let converter = gst_video::VideoConverter::new(&from, &into, Some(config))?;
    let source = gst::Buffer::from_mut_slice(canvas.bytes());
    let mut target = gst::Buffer::with_size(into.size())?;
    {
        let target = target.get_mut().ok_or_else(|| gst::glib::bool_error!("no memory"))?;
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(&source, &from)?;
        converter.frame_ref(&frame, &mut gst_video::VideoFrameRef::from_buffer_ref_writable(target, &into)?);
    }
    let map = target.map_readable()?;
    let pixels = map.as_chunks::<4>().0.iter().map(|[b, g, r, a]| [*b.min(a), *g.min(a), *r.min(a), *a]).collect();
    Ok(Canvas { width, height, pixels })
}

/// An image that fills the program, in program format.
pub(crate) fn backdrop(format: &ProgramFormat, directory: &Path, name: &ImageName) -> Result<gst::Buffer, String> {
    let sample = decode(directory, name)?;
    let mut normaliser = Normaliser::new(format, Fit::Crop).map_err(|error| error.to_string())?;
    let mut picture = normaliser.picture(&sample).map_err(|error| format!("the image {name}: {error}"))?;
    let bare = picture.make_mut();
    bare.set_pts(None);
    bare.set_duration(None);
    Ok(picture)
}
