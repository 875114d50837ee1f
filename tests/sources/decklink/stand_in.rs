//! `decklinkvideosrc` without a card: its properties by the same names, frames at the pace of a mode, and what it says of
//! the signal in the same order: nothing before the first frame, `notify::signal` with each change.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

/// Of all its pictures.
pub const LUMA: u8 = 90;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Pal,
    Ntsc,
}

impl Mode {
    fn caps(self) -> gst::Caps {
        let (height, rate) = match self {
            Mode::Pal => (576, "25/1"),
            Mode::Ntsc => (486, "30000/1001"),
        };
        let caps = format!(
            "video/x-raw,format=UYVY,width=720,height={height},framerate={rate},pixel-aspect-ratio=64/45,\
             interlace-mode=interleaved,field-order=top-field-first,colorimetry=bt601,chroma-site=mpeg2"
        );
        caps.parse().unwrap()
    }

    fn bytes(self) -> usize {
        720 * 2 * if self == Mode::Pal { 576 } else { 486 }
    }
}

/// The box that the card is in, and what hangs at it.
#[derive(Debug, Clone, Copy)]
struct Card {
    present: bool,
    held: bool,
    signal: bool,
    mode: Mode,
}

static CARD: Mutex<Card> = Mutex::new(Card { present: false, held: false, signal: false, mode: Mode::Pal });

fn state() -> MutexGuard<'static, Card> {
    CARD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whoever plugs and unplugs.
pub struct Bench;

impl Bench {
    /// Takes the place of the real element in this process.
    pub fn set_up() -> Self {
        gst::init().unwrap();
        gst::Element::register(None, "decklinkvideosrc", gst::Rank::NONE, StandIn::static_type()).unwrap();
        Self
    }

    pub fn plug(&self) {
        state().present = true;
    }

    pub fn unplug(&self) {
        state().present = false;
    }

    /// Another program takes the input.
    pub fn hold(&self) {
        state().held = true;
    }

    pub fn signal(&self, there: bool) {
        state().signal = there;
    }

    pub fn mode(&self, mode: Mode) {
        state().mode = mode;
    }

    /// The signal goes and comes, for longer than some frames each.
    pub fn wiggle(&self) {
        for there in [false, true] {
            self.signal(there);
            std::thread::park_timeout(Duration::from_millis(150));
        }
    }
}

glib::wrapper! {
    pub struct StandIn(ObjectSubclass<imp::StandIn>)
        @extends gstreamer_base::PushSrc, gstreamer_base::BaseSrc, gst::Element, gst::Object;
}

mod imp {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    use gstreamer::subclass::prelude::*;
    use gstreamer_base::prelude::*;
    use gstreamer_base::subclass::base_src::CreateSuccess;
    use gstreamer_base::subclass::prelude::*;

    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
    #[enum_type(name = "UplinkStandInConnection")]
    enum Connection {
        #[default]
        #[enum_value(name = "Auto", nick = "auto")]
        Auto,
        #[enum_value(name = "SDI", nick = "sdi")]
        Sdi,
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
    #[enum_type(name = "UplinkStandInMode")]
    enum ModeWord {
        #[default]
        #[enum_value(name = "Automatic detection", nick = "auto")]
        Auto,
        #[enum_value(name = "PAL", nick = "pal")]
        Pal,
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
    #[enum_type(name = "UplinkStandInTimecode")]
    enum Timecode {
        #[enum_value(name = "VITC", nick = "vitc")]
        Vitc,
        #[default]
        #[enum_value(name = "RP188 any", nick = "rp188any")]
        Rp188Any,
    }

    #[derive(Default)]
    pub struct StandIn {
        signal: Mutex<Option<bool>>,
        sent: Mutex<Option<Mode>>,
        flushing: AtomicBool,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for StandIn {
        const NAME: &'static str = "UplinkStandInDeckLink";
        type Type = super::StandIn;
        type ParentType = gstreamer_base::PushSrc;
    }

    impl ObjectImpl for StandIn {
        fn properties() -> &'static [glib::ParamSpec] {
            static ALL: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
                vec![
                    glib::ParamSpecBoolean::builder("signal").read_only().build(),
                    glib::ParamSpecString::builder("hw-serial-number").read_only().build(),
                    glib::ParamSpecInt64::builder("persistent-id").minimum(-1).default_value(-1).build(),
                    glib::ParamSpecInt::builder("device-number").build(),
                    glib::ParamSpecUInt::builder("buffer-size").default_value(5).build(),
                    glib::ParamSpecBoolean::builder("drop-no-signal-frames").build(),
                    glib::ParamSpecBoolean::builder("output-cc").build(),
                    glib::ParamSpecEnum::builder::<Connection>("connection").build(),
                    glib::ParamSpecEnum::builder::<ModeWord>("mode").build(),
                    glib::ParamSpecEnum::builder::<Timecode>("timecode-format").build(),
                ]
            });
            &ALL
        }

        fn constructed(&self) {
            self.parent_constructed();
            let element = self.obj();
            element.set_live(true);
            element.set_format(gst::Format::Time);
            element.set_do_timestamp(true);
        }

        fn set_property(&self, _id: usize, _value: &glib::Value, _spec: &glib::ParamSpec) {}

        fn property(&self, _id: usize, spec: &glib::ParamSpec) -> glib::Value {
            match spec.name() {
                "signal" => (*self.signal.lock().unwrap() == Some(true)).to_value(),
                "hw-serial-number" => {
                    let open = self.obj().current_state() > gst::State::Null;
                    open.then(|| "0A1B2C3D".to_owned()).to_value()
                }
                _ => spec.default_value().clone(),
            }
        }
    }

    impl GstObjectImpl for StandIn {}

    impl ElementImpl for StandIn {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static WORDS: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                gst::subclass::ElementMetadata::new("Stand-in", "Video/Src", "No card is needed", "Uplink's tests")
            });
            Some(&WORDS)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static ALL: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                let caps = gst::Caps::new_empty_simple("video/x-raw");
                let (direction, always) = (gst::PadDirection::Src, gst::PadPresence::Always);
                vec![gst::PadTemplate::new("src", direction, always, &caps).unwrap()]
            });
            &ALL
        }

        fn change_state(&self, change: gst::StateChange) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
            if change == gst::StateChange::NullToReady && !state().present {
                return Err(gst::StateChangeError);
            }
            self.parent_change_state(change)
        }
    }

    impl BaseSrcImpl for StandIn {
        fn negotiate(&self) -> Result<(), gst::LoggableError> {
            Ok(())
        }

        fn is_seekable(&self) -> bool {
            false
        }

        fn unlock(&self) -> Result<(), gst::ErrorMessage> {
            self.flushing.store(true, Ordering::SeqCst);
            Ok(())
        }

        fn unlock_stop(&self) -> Result<(), gst::ErrorMessage> {
            self.flushing.store(false, Ordering::SeqCst);
            Ok(())
        }
    }

    impl PushSrcImpl for StandIn {
        fn create(&self, _buffer: Option<&mut gst::BufferRef>) -> Result<CreateSuccess, gst::FlowError> {
            loop {
                std::thread::park_timeout(Duration::from_millis(if state().mode == Mode::Pal { 40 } else { 33 }));
                if self.flushing.load(Ordering::SeqCst) {
                    return Err(gst::FlowError::Flushing);
                }
                let card = *state();
                if card.held {
                    // As the real one: it cannot be enabled.
                    return Err(gst::FlowError::NotNegotiated);
                }
                if !card.present {
                    gst::element_imp_error!(self, gst::StreamError::Failed, ["Failed to start streams"]);
                    return Err(gst::FlowError::Error);
                }
                self.say(card.signal);
                if card.signal {
                    return self.frame(card.mode);
                }
            }
        }
    }

    impl StandIn {
        fn say(&self, signal: bool) {
            if self.signal.lock().unwrap().replace(signal) != Some(signal) {
                self.obj().notify("signal");
            }
        }

        fn frame(&self, mode: Mode) -> Result<CreateSuccess, gst::FlowError> {
            if self.sent.lock().unwrap().replace(mode) != Some(mode) {
                self.obj().set_caps(&mode.caps()).map_err(|_| gst::FlowError::NotNegotiated)?;
            }
            let pixels: Vec<u8> = [128, LUMA].into_iter().cycle().take(mode.bytes()).collect();
            Ok(CreateSuccess::NewBuffer(gst::Buffer::from_mut_slice(pixels)))
        }
    }
}
