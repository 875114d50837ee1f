//! The head of a source's pipeline: from the device, the network or a file to decoded streams.

use std::path::Path;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::Context;
use super::branch::Branches;
use super::input::{Opened, follow_sender};
use super::{custom, decklink, mode, ndi, rtsp, srt, test_signal};
use crate::hardware::find;
use crate::model::{DeviceName, MediaTime, PictureSize};
use crate::plan::SourceKind;

pub(super) type Built = Result<(), gst::glib::BoolError>;

/// Builds the head of `context`'s source into `pipeline`; decoded streams go to `branches`. Says which capture device was
/// opened, if it is one.
pub(super) fn build(
    context: &Context,
    pipeline: &gst::Pipeline,
    branches: &Branches,
    origin: MediaTime,
) -> Result<Option<Opened>, gst::glib::BoolError> {
    let built = match &context.plan.kind {
        SourceKind::V4l2 { device, sound, size } => {
            let opened = v4l2(context, pipeline, branches, device, *size)?;
            match sound {
                Some(device) => alsa(pipeline, branches, device)?,
                None => branches.set_complete(),
            }
            return Ok(Some(opened));
        }
        SourceKind::Test => test_signal::build(context, pipeline, branches, origin),
        SourceKind::Alsa { device } => alsa(pipeline, branches, device),
        // What a publisher brings is built when it is there.
        SourceKind::Rtmp { .. } => Ok(()),
        SourceKind::Rtsp { .. } => rtsp::build(context, pipeline, branches),
        SourceKind::Custom { fragment } => custom::build(fragment, pipeline, branches),
        SourceKind::File { .. } | SourceKind::Playlist { .. } => {
            Err(gst::glib::bool_error!("files are played in turn"))
        }
        SourceKind::Srt { .. } => {
            let source = srt::source(context, branches)?;
            decoded(pipeline, branches, &source)
        }
        SourceKind::Ndi { .. } => ndi::build(&context.plan.kind, pipeline, branches),
        SourceKind::DeckLink { .. } => decklink::build(&context.plan.kind, pipeline, branches),
        // A guest's pipeline is built around its offer, see `guest`.
        SourceKind::Whip { .. } => Err(gst::glib::bool_error!("no guest is there")),
    };
    built.map(|()| None)
}

/// A media file.
pub(super) fn file(path: &Path, pipeline: &gst::Pipeline, branches: &Branches) -> Built {
    let source = gst::ElementFactory::make("filesrc").property("location", path.to_string_lossy().as_ref()).build()?;
    decoded(pipeline, branches, &source)
}

/// `source` → decodebin → branches.
fn decoded(pipeline: &gst::Pipeline, branches: &Branches, source: &gst::Element) -> Built {
    pipeline.add(source)?;
    let decode = decoder(pipeline, branches)?;
    let complete = branches.clone();
    decode.connect_no_more_pads(move |_| complete.set_complete());
    source.link(&decode)
}

/// A decodebin in `pipeline` whose streams go to `branches`. Its caller starts it, and knows when all streams are there.
pub(super) fn decoder(pipeline: &gst::Pipeline, branches: &Branches) -> Result<gst::Element, gst::glib::BoolError> {
    let decode = gst::ElementFactory::make("decodebin").build()?;
    pipeline.add(&decode)?;
    attach(&decode, branches);
    if let Some(bin) = decode.downcast_ref::<gst::Bin>() {
        bin.connect_deep_element_added(|_, _, element| tune(element));
    }
    Ok(decode)
}

fn attach(decode: &gst::Element, branches: &Branches) {
    let linked = branches.clone();
    decode.connect_pad_added(move |element, pad| {
        if let Err(error) = linked.link(pad) {
            gst::element_error!(element, gst::CoreError::Pad, ("cannot use a stream of this source: {}", error));
        }
    });
}

/// Settings of the elements that decodebin chose, by factory.
pub(super) fn tune(element: &gst::Element) {
    let factory = element.factory().map(|f| f.name().to_string()).unwrap_or_default();
    if factory == "tsdemux" {
        // The default of 700 ms is for players.
        element.set_property("latency", 50i32);
    }
    if factory.starts_with("avdec_") {
        if element.find_property("max-threads").is_some() {
            element.set_property("max-threads", 1i32);
        }
        if element.find_property("output-corrupt").is_some() {
            // Joining in the middle of a GOP: no grey pictures before the first key frame.
            element.set_property("output-corrupt", false);
        }
    }
    if factory == "rtpvp8depay" || factory == "rtph264depay" {
        // What could not be had again is not shown broken: a new key frame is asked for.
        element.set_property("request-keyframe", true);
        element.set_property("wait-for-keyframe", true);
    }
    if factory == "opusdec" {
        element.set_property("use-inband-fec", true);
        element.set_property("plc", true);
    }
    if factory == "aacparse" {
        feed_tiny_frames(element);
    }
}

/// aacparse holds back the tiny frames of digital silence for 600 ms, because it wants more than a header's worth of
/// bytes at once: a smaller minimum frame size lets them through.
fn feed_tiny_frames(parser: &gst::Element) {
    let Some(pad) = parser.static_pad("sink") else {
        return;
    };
    pad.add_probe(gst::PadProbeType::BUFFER, |pad, _| {
        if let Some(parser) = pad.parent_element()
            && let Ok(parser) = parser.downcast::<gstreamer_base::BaseParse>()
        {
            gstreamer_base::prelude::BaseParseExt::set_min_frame_size(&parser, 10);
        }
        gst::PadProbeReturn::Remove
    });
}

/// Camera formats, raw or compressed, by way of decodebin. The device is opened here, to choose among what it offers; a
/// size that it does not offer is asked for nevertheless, so that the refusal is the device's own.
fn v4l2(
    context: &Context,
    pipeline: &gst::Pipeline,
    branches: &Branches,
    device: &DeviceName,
    size: Option<PictureSize>,
) -> Result<Opened, gst::glib::BoolError> {
    let found = find(Path::new("/"), device).map_err(|error| gst::glib::bool_error!("{error}"))?;
    let format = follow_sender(Path::new(&found.kernel));
    let source = gst::ElementFactory::make("v4l2src").property("device", &found.kernel).build()?;
    pipeline.add(&source)?;
    source.set_state(gst::State::Ready).map_err(|_| gst::glib::bool_error!("it could not be opened"))?;
    let offered = source.static_pad("src").map(|pad| pad.query_caps(None)).unwrap_or_else(gst::Caps::new_any);
    let chosen = mode::choose(&offered, context.format.size, context.format.frame_rate, size);
    let caps = chosen.or_else(|| size.map(any_of)).unwrap_or_else(gst::Caps::new_any);
    tracing::debug!(source = %context.plan.id, %caps, %offered, "the format that is asked of the device");
    let filter = gst::ElementFactory::make("capsfilter").property("caps", caps).build()?;
    pipeline.add(&filter)?;
    let decode = decoder(pipeline, branches)?;
    let complete = branches.clone();
    decode.connect_no_more_pads(move |_| complete.set_complete());
    gst::Element::link_many([&source, &filter, &decode])?;
    Ok(Opened { format })
}

/// Any format of this size.
fn any_of(size: PictureSize) -> gst::Caps {
    let mut caps = gst::Caps::new_empty();
    for media in ["video/x-raw", "image/jpeg", "video/x-h264"] {
        let structure = gst::Structure::builder(media)
            .field("width", size.width() as i32)
            .field("height", size.height() as i32)
            .build();
        caps.merge_structure(structure);
    }
    caps
}

fn alsa(pipeline: &gst::Pipeline, branches: &Branches, device: &str) -> Built {
    let source = gst::ElementFactory::make("alsasrc")
        .property("device", device)
        .property("buffer-time", 200_000i64)
        .property("latency-time", 10_000i64)
        // The pipeline's clock is the house clock; the card's crystal is followed by the feed.
        .property("provide-clock", false)
        .property_from_str("slave-method", "none")
        .build()?;
    pipeline.add(&source)?;
    let pad = source.static_pad("src").ok_or_else(|| gst::glib::bool_error!("alsasrc without a pad"))?;
    branches.link(&pad)?;
    branches.set_complete();
    Ok(())
}
