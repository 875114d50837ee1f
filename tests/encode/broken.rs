//! An encoder that works, until it does not: x264 behind an element that fails, or swallows pictures, after a while.

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gstreamer as gst;

/// Encodes this many pictures, the three of the trial not counted.
pub const WORKS_FOR: u64 = 45;

/// Pictures of a trial.
const TRIAL: u64 = 3;

mod imp {
    use super::*;

    #[derive(Default)]
    pub struct Broken;

    #[glib::object_subclass]
    impl ObjectSubclass for Broken {
        const NAME: &'static str = "UplinkTestBrokenEncoder";
        type Type = super::Broken;
        type ParentType = gst::Bin;
    }

    impl ObjectImpl for Broken {
        fn properties() -> &'static [glib::ParamSpec] {
            static PROPERTIES: std::sync::OnceLock<Vec<glib::ParamSpec>> = std::sync::OnceLock::new();
            PROPERTIES.get_or_init(|| vec![glib::ParamSpecBoolean::builder("silent").construct().build()])
        }

        fn set_property(&self, _: usize, value: &glib::Value, _: &glib::ParamSpec) {
            build(&self.obj(), value.get().unwrap());
        }
    }

    impl GstObjectImpl for Broken {}

    impl ElementImpl for Broken {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: std::sync::OnceLock<gst::subclass::ElementMetadata> = std::sync::OnceLock::new();
            Some(METADATA.get_or_init(|| {
                gst::subclass::ElementMetadata::new("Broken encoder", "Codec/Encoder/Video", "For tests", "Uplink")
            }))
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: std::sync::OnceLock<Vec<gst::PadTemplate>> = std::sync::OnceLock::new();
            TEMPLATES.get_or_init(|| {
                let raw = gst::Caps::builder("video/x-raw").field("format", "I420").build();
                let encoded = gst::Caps::new_empty_simple("video/x-h264");
                let always = gst::PadPresence::Always;
                vec![
                    gst::PadTemplate::new("sink", gst::PadDirection::Sink, always, &raw).unwrap(),
                    gst::PadTemplate::new("src", gst::PadDirection::Src, always, &encoded).unwrap(),
                ]
            })
        }
    }

    impl BinImpl for Broken {}
}

glib::wrapper! {
    pub struct Broken(ObjectSubclass<imp::Broken>) @extends gst::Bin, gst::Element, gst::Object;
}

fn build(bin: &Broken, silent: bool) {
    if !bin.children().is_empty() {
        return;
    }
    let first = gst::ElementFactory::make("identity").build().unwrap();
    let encoder = gst::ElementFactory::make("x264enc")
        .property_from_str("speed-preset", "ultrafast")
        .property_from_str("tune", "zerolatency")
        .property("key-int-max", 1_000_000u32)
        .property("bitrate", 250u32)
        .property_from_str("option-string", "scenecut=0")
        .build()
        .unwrap();
    bin.add_many([&first, &encoder]).unwrap();
    first.link(&encoder).unwrap();
    for (name, of) in [("sink", &first), ("src", &encoder)] {
        let target = of.static_pad(name).unwrap();
        bin.add_pad(&gst::GhostPad::builder_with_target(&target).unwrap().name(name).build()).unwrap();
    }
    let (count, weak) = (AtomicU64::new(0), bin.downgrade());
    encoder.static_pad("sink").unwrap().add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        if count.fetch_add(1, Ordering::Relaxed) < TRIAL + WORKS_FOR {
            return gst::PadProbeReturn::Ok;
        }
        if !silent && let Some(bin) = weak.upgrade() {
            gst::element_error!(bin, gst::ResourceError::Failed, ("The GPU has fallen off the bus"));
        }
        gst::PadProbeReturn::Handled
    });
}

/// Makes the element known to this process; its factory.
pub fn factory() -> &'static str {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        uplink::media::init().unwrap();
        gst::Element::register(None, "brokenh264enc", gst::Rank::NONE, Broken::static_type()).unwrap();
    });
    "brokenh264enc"
}
