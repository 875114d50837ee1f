//! Starts GStreamer once per process.

use std::sync::OnceLock;

use gstreamer as gst;

use super::MediaError;

/// Starts GStreamer, registers the elements linked into the binary and sends GStreamer's log to `tracing`. Cheap when
/// called again.
pub fn init() -> Result<(), MediaError> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    DONE.get_or_init(start).clone().map_err(MediaError::Unusable)
}

fn start() -> Result<(), String> {
    gst::init().map_err(|error| error.to_string())?;
    if std::env::var_os("GST_DEBUG").is_none() {
        gst::log::remove_default_log_function();
        gst::log::set_default_threshold(gst::DebugLevel::Warning);
        gst::log::add_log_function(forward);
    }
    gstndi::plugin_register_static().map_err(|error| error.to_string())?;
    gstfmp4::plugin_register_static().map_err(|error| error.to_string())
}

/// GStreamer logs an error wherever an element gives up, also when the graph copes with it: what matters arrives on
/// the bus. So its errors are warnings here and its warnings are for debugging.
fn forward(
    category: gst::DebugCategory,
    level: gst::DebugLevel,
    _file: &gst::glib::GStr,
    _function: &gst::glib::GStr,
    _line: u32,
    object: Option<&gst::log::LoggedObject>,
    message: &gst::log::DebugMessage,
) {
    let text = message.get();
    let (text, object) = (text.as_deref().map_or("", |t| t.as_str()), object.map(ToString::to_string));
    let category = category.name();
    match level {
        gst::DebugLevel::Error => tracing::warn!(target: "gstreamer", category, object, "{text}"),
        _ => tracing::debug!(target: "gstreamer", category, object, "{text}"),
    }
}

/// Whether an element is registered on this box. Hardware encoders are only where their hardware is.
pub fn has_element(factory: &str) -> bool {
    gst::ElementFactory::find(factory).is_some()
}

/// Makes an element that every installation has to have; a missing one names its Debian package.
pub(crate) fn element(factory: &'static str, name: &str) -> Result<gst::Element, MediaError> {
    gst::ElementFactory::make(factory)
        .name(name)
        .build()
        .map_err(|_| MediaError::MissingElement { element: factory, package: package_of(factory) })
}

fn package_of(factory: &str) -> &'static str {
    match factory {
        "avenc_aac" | "avdec_h264" => "gstreamer1.0-libav",
        "x264enc" => "gstreamer1.0-plugins-ugly",
        "h264parse" => "gstreamer1.0-plugins-bad",
        "aacparse" | "jpegenc" | "pngenc" => "gstreamer1.0-plugins-good",
        "textoverlay" => "gstreamer1.0-plugins-base (with gstreamer1.0-x)",
        "queue" | "tee" | "capsfilter" => "libgstreamer1.0-0",
        "cmafmux" => "uplink (the element is linked into it)",
        _ => "gstreamer1.0-plugins-base",
    }
}

/// Runs `work` on a thread of its own and waits for at most `bound`; `None` when it takes longer (the thread is left
/// to its fate: a driver that hangs cannot be interrupted).
pub(crate) fn bounded<T: Send + 'static>(
    bound: std::time::Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let spawned = std::thread::Builder::new().name("media-bounded".into()).spawn(move || {
        // The receiver is gone when the bound has passed; there is nobody left to tell.
        let _ = sender.send(work());
    });
    spawned.ok()?;
    receiver.recv_timeout(bound).ok()
}
