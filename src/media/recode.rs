//! A few coded pictures decoded and encoded anew: the edges of an exact cut.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::MediaError;
use super::init::element;
use crate::model::edge::{EdgeAnswer, EdgeOrder, EdgePicture};

/// A group of pictures takes seconds at most, on the slowest box.
const BOUND: Duration = Duration::from_secs(60);
/// How long to wait for a picture before the bus is looked at.
const LOOK: gst::ClockTime = gst::ClockTime::from_mseconds(200);
/// The largest coded picture that is read.
const PICTURE_LIMIT: u32 = 64 << 20;
/// Close to lossless: nobody shall see where the cut is.
const QUANTIZER: u32 = 17;

/// Encodes what `order` says into its output.
///
/// # Errors
/// When an element is missing, a file cannot be read or written, or the pictures cannot be decoded.
pub fn encode_edge(order: &EdgeOrder) -> Result<EdgeAnswer, MediaError> {
    super::init()?;
    let failed = |error: gst::glib::BoolError| refused(error.to_string());
    let source = source(order)?;
    let (decoder, converter) = (element("avdec_h264", "decode")?, element("videoconvert", "convert")?);
    keep(&decoder, order)?;
    let raw = caps_filter("raw", gst::Caps::builder("video/x-raw").field("format", "I420"))?;
    let coded = gst::Caps::builder("video/x-h264").field("stream-format", "avc").field("alignment", "au");
    let coded = caps_filter("coded", coded.field("profile", profile(order)))?;
    let encoder = encoder(order)?;
    let sink = gst_app::AppSink::builder().sync(false).build();
    let pipeline = gst::Pipeline::new();
    let all = [source.upcast_ref(), &decoder, &converter, &raw, &encoder, &coded, sink.upcast_ref()];
    pipeline.add_many(all).map_err(failed)?;
    gst::Element::link_many(all).map_err(failed)?;
    let stopped = Stopped(&pipeline);
    pipeline.set_state(gst::State::Playing).map_err(|error| refused(error.to_string()))?;
    feed(&source, order)?;
    let answer = drain(&pipeline, &sink, order);
    drop(stopped);
    answer
}

fn refused(reason: String) -> MediaError {
    MediaError::Graph { part: "the edge of the cut".to_owned(), reason }
}

/// Takes a pipeline down, however its work ends.
struct Stopped<'a>(&'a gst::Pipeline);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        // Nothing is left to do about a pipeline that refuses to stop.
        let _ = self.0.set_state(gst::State::Null);
    }
}

fn caps_filter(name: &str, caps: gst::caps::Builder<gst::caps::NoFeature>) -> Result<gst::Element, MediaError> {
    let filter = element("capsfilter", name)?;
    filter.set_property("caps", caps.build());
    Ok(filter)
}

fn config(order: &EdgeOrder) -> Result<Vec<u8>, MediaError> {
    hex::decode(&order.config).map_err(|error| refused(format!("the decoder's configuration: {error}")))
}

/// The profile to ask for: that of the pictures beside.
fn profile(order: &EdgeOrder) -> &'static str {
    match config(order).ok().and_then(|config| config.get(1).copied()) {
        Some(66) => "constrained-baseline",
        Some(77) => "main",
        _ => "high",
    }
}

fn source(order: &EdgeOrder) -> Result<gst_app::AppSrc, MediaError> {
    let [width, height] = order.size.map(|pixels| pixels as i32);
    let caps = gst::Caps::builder("video/x-h264")
        .field("stream-format", "avc")
        .field("alignment", "au")
        .field("width", width)
        .field("height", height)
        .field("framerate", gst::Fraction::new(order.rate[0] as i32, order.rate[1] as i32))
        .field("codec_data", gst::Buffer::from_slice(config(order)?))
        .build();
    Ok(gst_app::AppSrc::builder().caps(&caps).format(gst::Format::Time).max_bytes(0).build())
}

fn encoder(order: &EdgeOrder) -> Result<gst::Element, MediaError> {
    let encoder = element("x264enc", "encode")?;
    for (name, value) in [
        ("pass", "qual"),
        ("speed-preset", "medium"),
        ("threads", "1"),
        ("bframes", "0"),
        ("b-adapt", "false"),
        ("key-int-max", "100000"),
    ] {
        encoder.set_property_from_str(name, value);
    }
    encoder.set_property("quantizer", QUANTIZER);
    encoder.set_property("option-string", format!("sps-id={}:scenecut=0", order.number));
    Ok(encoder)
}

/// Lets through what is kept.
fn keep(decoder: &gst::Element, order: &EdgeOrder) -> Result<(), MediaError> {
    let base = base(order);
    let kept = order.from.saturating_sub(base)..order.until.saturating_sub(base);
    let pad = decoder.static_pad("src").ok_or_else(|| refused("the decoder has no output".to_owned()))?;
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let time = info.buffer().and_then(|buffer| buffer.pts()).map(|time| time.nseconds() as i64);
        if time.is_some_and(|time| kept.contains(&time)) { gst::PadProbeReturn::Ok } else { gst::PadProbeReturn::Drop }
    });
    Ok(())
}

/// The pipeline's time 0: times since the epoch are near no limit, but far from what decoders are tried with.
fn base(order: &EdgeOrder) -> i64 {
    order.pictures.iter().map(|picture| picture.dts.min(picture.pts)).min().unwrap_or(0)
}

fn feed(source: &gst_app::AppSrc, order: &EdgeOrder) -> Result<(), MediaError> {
    let base = base(order);
    for (index, picture) in order.pictures.iter().enumerate() {
        let mut buffer = gst::Buffer::from_slice(read(picture)?);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_nseconds((picture.pts - base) as u64));
            buffer.set_dts(gst::ClockTime::from_nseconds((picture.dts - base) as u64));
            if index > 0 {
                buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
            }
        }
        // A pipeline that has failed says why on its bus.
        if source.push_buffer(buffer).is_err() {
            break;
        }
    }
    let _ = source.end_of_stream();
    Ok(())
}

fn read(picture: &EdgePicture) -> Result<Vec<u8>, MediaError> {
    let failed = |cause| refused(format!("{}: {cause}", picture.file.display()));
    if picture.bytes > PICTURE_LIMIT {
        return Err(failed(std::io::Error::other("no picture is that large")));
    }
    let mut bytes = vec![0; picture.bytes as usize];
    File::open(&picture.file).and_then(|file| file.read_exact_at(&mut bytes, picture.offset)).map_err(failed)?;
    Ok(bytes)
}

fn drain(pipeline: &gst::Pipeline, sink: &gst_app::AppSink, order: &EdgeOrder) -> Result<EdgeAnswer, MediaError> {
    let failed = |cause| refused(format!("{}: {cause}", order.output.display()));
    let mut output = File::create(&order.output).map_err(failed)?;
    let mut answer = EdgeAnswer { config: String::new(), pictures: Vec::new() };
    let begun = Instant::now();
    loop {
        if let Some(sample) = sink.try_pull_sample(LOOK) {
            if answer.config.is_empty() {
                answer.config = coded_config(&sample).unwrap_or_default();
            }
            let Some(buffer) = sample.buffer() else { continue };
            let map = buffer.map_readable().map_err(|error| refused(error.to_string()))?;
            output.write_all(&map).map_err(failed)?;
            answer.pictures.push((map.len() as u32, !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT)));
            continue;
        }
        let bus = pipeline.bus().and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
        if let Some(gst::MessageView::Error(error)) = bus.as_ref().map(|message| message.view()) {
            return Err(refused(error.error().to_string()));
        }
        if sink.is_eos() {
            break;
        }
        if begun.elapsed() > BOUND {
            return Err(refused(format!("it takes more than {} s", BOUND.as_secs())));
        }
    }
    output.sync_data().map_err(failed)?;
    Ok(answer)
}

fn coded_config(sample: &gst::Sample) -> Option<String> {
    let buffer = sample.caps()?.structure(0)?.get::<gst::Buffer>("codec_data").ok()?;
    Some(hex::encode(buffer.map_readable().ok()?.as_slice()))
}
