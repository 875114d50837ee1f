//! Decoding a local file of any container and codec that GStreamer knows.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::outlet::{Clocking, drain, make, picture_sink, sound_sink};
use super::{DecodeError, Picture, Sound};

const STALL: Duration = Duration::from_secs(20);

type Sinks = (Option<gst::Element>, Option<gst::Element>);

/// Decodes the first picture and the first sound track of `path` as fast as this machine can, and returns at its end.
/// Timestamps are running time: zero is where the file begins.
///
/// # Errors
/// When GStreamer lacks something, the file is no media, or decoding stands still for 20 s.
pub fn play_file(
    path: &Path,
    mut on_picture: impl FnMut(Picture<'_>) + Send + 'static,
    mut on_sound: impl FnMut(Sound<'_>) + Send + 'static,
) -> Result<(), DecodeError> {
    gst::init().map_err(|error| DecodeError::Start { reason: error.to_string() })?;
    let path = path.canonicalize().map_err(|error| DecodeError::Media { reason: error.to_string() })?;
    let uri =
        gst::glib::filename_to_uri(&path, None).map_err(|error| DecodeError::Media { reason: error.to_string() })?;
    let decoded = Arc::new(AtomicU64::new(0));
    let (pictures, sounds) = (Arc::clone(&decoded), Arc::clone(&decoded));
    let picture = picture_sink(Clocking::Running, move |picture| {
        pictures.fetch_add(1, Ordering::Relaxed);
        on_picture(picture);
    });
    let sound = sound_sink(Clocking::Running, move |sound| {
        sounds.fetch_add(1, Ordering::Relaxed);
        on_sound(sound);
    });

    let pipeline = gst::Pipeline::new();
    let source = make("uridecodebin")?;
    source.set_property("uri", uri.as_str());
    pipeline.add(&source).map_err(|error| DecodeError::Start { reason: error.to_string() })?;
    // Either sink is used for the first pad of its kind, and goes away with the callback.
    let sinks: Mutex<Sinks> = Mutex::new((Some(picture.upcast()), Some(sound.upcast())));
    let target = pipeline.downgrade();
    source.connect_pad_added(move |_, pad| {
        let Some(pipeline) = target.upgrade() else { return };
        let mut sinks = sinks.lock().unwrap_or_else(PoisonError::into_inner);
        attach(&pipeline, pad, &mut sinks);
    });
    let result = match pipeline.set_state(gst::State::Playing) {
        // The reason of a failed start is on the bus, too.
        Ok(_) | Err(_) => drain(&pipeline, STALL, || decoded.load(Ordering::Relaxed)),
    };
    // Nothing is left to do about a pipeline that refuses to stop.
    let _ = pipeline.set_state(gst::State::Null);
    result
}

/// Links a decoded pad to its sink; pads beyond the first of a kind are drained unseen.
fn attach(pipeline: &gst::Pipeline, pad: &gst::Pad, sinks: &mut Sinks) {
    let kind = pad.current_caps().and_then(|caps| caps.structure(0).map(|s| s.name().to_string())).unwrap_or_default();
    let (converter, sink) = match kind.as_str() {
        "video/x-raw" => ("videoconvert", sinks.0.take()),
        "audio/x-raw" => ("audioconvert", sinks.1.take()),
        _ => ("identity", None),
    };
    let Some(sink) = sink.or_else(|| gst::ElementFactory::make("fakesink").property("async", false).build().ok())
    else {
        return;
    };
    let Ok(converter) = make(converter) else { return };
    let linked = pipeline.add_many([&converter, &sink]).is_ok() && converter.link(&sink).is_ok();
    let started = linked && sink.sync_state_with_parent().is_ok() && converter.sync_state_with_parent().is_ok();
    if let Some(inlet) = converter.static_pad("sink").filter(|_| started)
        && let Err(error) = pad.link(&inlet)
    {
        tracing::warn!(?error, kind, "a track of the file cannot be decoded");
    }
}
