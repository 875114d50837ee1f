//! What may stand in `uplinkd.toml`.

use super::companions::{CLEAN_FEED, ISO};
use super::destination_keys::DESTINATION;
use super::notify::NOTIFY;
use super::recordings::RECORDINGS;
use super::source_keys::{CUSTOM, FILE, RTMP, RTSP};
use super::surfaces::SURFACES;
use super::{cards, guest};
use crate::document::{Key, Kind, Need, Shape, Variant};

/// The daemon's configuration file.
pub static UPLINKD: Shape = Shape::plain(
    "The configuration of one appliance. Identifiers of sources, destinations and channels are the keys of their tables.",
    &[
        key("appliance", Kind::Table(&APPLIANCE), Need::Required(""), "This box"),
        key("api", Kind::Table(&API), Need::Optional, "API and panel"),
        key("paths", Kind::Table(&PATHS), Need::Optional, "Where the other files are"),
        key("spool", Kind::Table(&SPOOL), Need::Optional, "Segments on disk, of each channel"),
        key("recordings", Kind::Table(&RECORDINGS), Need::Optional, "Recordings on disk, of all channels together"),
        key("notify", Kind::Table(&NOTIFY), Need::Optional, "Who is told of alarms"),
        key("surfaces", Kind::Table(&SURFACES), Need::Optional, "Control surfaces beside the panel"),
        key("sources", Kind::Map(&SOURCE), Need::Required(""), "Where channels take pictures and sound"),
        key("destinations", Kind::Map(&DESTINATION), Need::Optional, "Where channels are sent"),
        key("channels", Kind::Map(&CHANNEL), Need::Required(""), "Channels"),
    ],
);

pub(super) const fn key(name: &'static str, kind: Kind, need: Need, about: &'static str) -> Key {
    Key { name, kind, need, about }
}

static APPLIANCE: Shape = Shape::plain(
    "This box.",
    &[key("name", Kind::Text(60), Need::Required("\"studio-a\""), "Shown in the panel and the logs")],
);

static API: Shape = Shape::plain(
    "API and panel.",
    &[
        key(
            "listen",
            Kind::Address,
            Need::Default("\"127.0.0.1:8080\""),
            "Address and port to listen on. Beyond loopback everything is encrypted (`[api.tls]`)",
        ),
        key(
            "access",
            Kind::Word(&[
                ("login", "people log in, programs show a token; the first admin is made with a one-time code"),
                (
                    "open",
                    "everybody who can reach it may everything; only on loopback, and the panel says so all the time",
                ),
            ]),
            Need::Default("\"login\""),
            "Who may use it",
        ),
        key("tls", Kind::Table(&TLS), Need::Optional, "The certificate to show"),
    ],
);

static TLS: Shape = Shape::plain(
    "The certificate that API and panel show: `certificate` and `key`, or `acme`. Without this table, one of the box's own \
     is made where it is needed: beyond loopback. Read again with the configuration; connections go on.",
    &[
        key(
            "certificate",
            Kind::Path,
            Need::Optional,
            "Certificate and what leads to its authority, PEM, such as `/etc/uplink/tls/certificate.pem`",
        ),
        key("key", Kind::Path, Need::Optional, "Its private key, PEM; a file such as `/etc/uplink/tls/key.pem`"),
        key("key_credential", Kind::Text(100), Need::Optional, "The same as a systemd credential (`LoadCredential=`)"),
        key("acme", Kind::Table(&ACME), Need::Optional, "An authority that issues and renews it"),
    ],
);

static DOMAIN: Kind = Kind::Text(253);

static ACME: Shape = Shape::plain(
    "A certificate from an authority (ACME, RFC 8555), renewed when a third of its time is left. The authority asks the box \
     itself (TLS-ALPN-01): port 443 of every domain has to lead to `listen`. Whoever comes by another name or by address, and \
     everybody until there is one, is shown the box's own. Who writes this table agrees to the authority's terms.",
    &[
        key(
            "domains",
            Kind::List(&DOMAIN),
            Need::Required("[\"studio-a.example\"]"),
            "Names of the box that it is for",
        ),
        key("contact", Kind::Text(200), Need::Optional, "Address of e-mail that the authority may write to"),
        key(
            "directory",
            Kind::Url(&["https"]),
            Need::Default("\"https://acme-v02.api.letsencrypt.org/directory\""),
            "Where the authority says what it offers",
        ),
        key(
            "ca_file",
            Kind::Path,
            Need::Optional,
            "What vouches for the authority's own server, PEM, and nothing else does; what the box trusts if missing",
        ),
    ],
);

static PATHS: Shape = Shape::plain(
    "Where the other files are. Relative paths, here and elsewhere, are relative to this file.",
    &[
        key(
            "pipelines",
            Kind::Path,
            Need::Optional,
            "Directory of stream classes; `pipelines` beside this file if there is one, else `/usr/share/uplink/pipelines`",
        ),
        key(
            "hardware_profiles",
            Kind::Path,
            Need::Optional,
            "Directory of hardware profiles; `hardware-profiles` beside this file if there is one, else \
             `/usr/share/uplink/hardware-profiles`",
        ),
    ],
);

static SPOOL: Shape = Shape::plain(
    "Segments on disk. Each channel has a spool of its own with these limits.",
    &[
        key("quota", Kind::Bytes, Need::Default("\"20G\""), "Most it may take; at least 50M"),
        key("retain", Kind::Span, Need::Default("\"1h\""), "How long segments stay at least, if the quota allows"),
        key(
            "when_full",
            Kind::Word(WHEN_FULL),
            Need::Default("\"drop_oldest\""),
            "What goes first when the quota is used up and everything that is left, but for what playlists name, is owed \
             to a destination",
        ),
    ],
);

const WHEN_FULL: &[(&str, &str)] = &[
    ("drop_oldest", "the oldest, of all renditions"),
    ("drop_renditions", "what waits of the highest rendition, then of the next: the lower ones reach back further"),
];

static CHANNEL_SPOOL: Shape = Shape::plain(
    "Overrides `[spool]` for this channel.",
    &[
        key("quota", Kind::Bytes, Need::Optional, "Most it may take; at least 50M. That of `[spool]` if missing"),
        key("retain", Kind::Span, Need::Optional, "How long segments stay at least. That of `[spool]` if missing"),
        key("when_full", Kind::Word(WHEN_FULL), Need::Optional, "What goes first. As `[spool]` says if missing"),
    ],
);

static ID: Kind = Kind::Id;

static CHANNEL: Shape = Shape::plain(
    "One channel.",
    &[
        key("title", Kind::Text(80), Need::Required("\"Studio A\""), "Name for people; shown on the slate"),
        key("stream_class", Kind::Id, Need::Required("\"talk-720p30\""), "A file in the directory of stream classes"),
        key("sources", Kind::List(&ID), Need::Required("[\"cam\"]"), "Sources by rank, best first"),
        key("destinations", Kind::List(&ID), Need::Default("[]"), "Destinations"),
        key(
            "hardware_profile",
            Kind::Id,
            Need::Default("\"auto\""),
            "Where encoders come from: `auto` tries every hardware profile in the order of priority, a name only that one",
        ),
        key(
            "order",
            Kind::Word(&[("on-air", "start at once"), ("off-air", "wait for a command")]),
            Need::Default("\"on-air\""),
            "What is ordered when the channel is seen for the first time; later the last order stands",
        ),
        key("slate_text", Kind::Text(120), Need::Optional, "What the slate says; that of the stream class if missing"),
        key(
            "timecode",
            Kind::Word(&[
                ("utc", "midnight of UTC"),
                ("local", "midnight of the box's time zone"),
                ("source", "as the source on air does, from midnight of UTC while it carries no timecode"),
            ]),
            Need::Default("\"utc\""),
            "When timecode (SMPTE ST 12-1) begins to count; drop-frame at 30000/1001 and 60000/1001 frames per second, \
             or as the source does",
        ),
        key(
            "slate_image",
            Kind::Text(64),
            Need::Optional,
            "What the slate shows behind its words: an image of the box (`uplinkctl image`), such as `studio.jpg`",
        ),
        key(
            "overlays",
            Kind::Table(&OVERLAYS),
            Need::Optional,
            "What is laid over the program until operators change it",
        ),
        key(
            "memory_max",
            Kind::Bytes,
            Need::Optional,
            "Most memory that its worker may take; one that takes more is killed and started again, whatever others have. \
             Four times what its plan needs and at least 1G if missing",
        ),
        key(
            "cpu_weight",
            Kind::Integer(1, 10_000, "100 is what others have"),
            Need::Default("100"),
            "Its share of the processors when they are short, in relation to other channels",
        ),
        key("spool", Kind::Table(&CHANNEL_SPOOL), Need::Optional, "Segments on disk"),
        key("clean_feed", Kind::Table(&CLEAN_FEED), Need::Optional, "The clean feed, where it is recorded"),
        key("iso", Kind::Table(&ISO), Need::Optional, "Sources by themselves, where they are recorded"),
    ],
);

const PLACES: Kind = Kind::Word(&[
    ("top-left", "in the corner"),
    ("top", "in the middle above"),
    ("top-right", "in the corner"),
    ("middle", "in the middle"),
    ("bottom-left", "in the corner"),
    ("bottom", "in the middle below"),
    ("bottom-right", "in the corner"),
]);

static OVERLAYS: Shape = Shape::plain(
    "What is laid over the program until operators change it, inside the graphics safe area (EBU R 95).",
    &[
        key("logo", Kind::Text(64), Need::Optional, "An image of the box, PNG with alpha or JPEG (`uplinkctl image`)"),
        key("logo_place", PLACES, Need::Default("\"top-right\""), "Where the logo stands"),
        key("logo_width", Kind::Integer(1, 50, "percent"), Need::Default("12"), "Its width, percent of the program's"),
        key("logo_opacity", Kind::Integer(1, 100, "percent"), Need::Default("100"), "100 hides what is behind it"),
        key(
            "clock",
            Kind::Word(&[("off", "none"), ("local", "the box's time of day"), ("utc", "UTC")]),
            Need::Default("\"off\""),
            "A clock, top left",
        ),
        key(
            "timecode",
            Kind::Word(&[("off", "none"), ("local", "the box's time of day"), ("utc", "UTC")]),
            Need::Default("\"off\""),
            "Time of day and frame of each picture, burnt in at the bottom; for line-up",
        ),
    ],
);

static ROW: Kind = Kind::Text(100);

static SOURCE_AUDIO: Shape = Shape::plain(
    "How the sound of a source is taken. Operators can change gain, mute and delay while on air.",
    &[
        key(
            "map",
            Kind::List(&ROW),
            Need::Optional,
            "What each channel of the program is made of, by channels of the source: `[\"1\", \"1\"]` is mono to both, \
             `[\"1@-6 + 2@-6\", \"3\"]` mixes (gains in dB behind the @), `\"-\"` is silence. As the stream class says if missing",
        ),
        key("gain_db", Kind::Number(-60.0, 20.0, "dB"), Need::Default("0.0"), "Gain"),
        key("mute", Kind::Truth, Need::Default("false"), "Whether it is silent"),
        key(
            "delay_ms",
            Kind::Integer(-200, 1000, "milliseconds"),
            Need::Default("0"),
            "How much later the sound is than it comes with its picture, for lip-sync. Below zero it is earlier: the \
             picture waits",
        ),
    ],
);

static SOURCE: Shape = Shape {
    about: "Where channels take pictures and sound.",
    keys: &[
        key("kind", Kind::Word(SOURCE_KINDS), Need::Required("\"auto\""), "What it is"),
        key("expect_size", Kind::Size, Need::Optional, "Size its picture shall have; another is told as wrong format"),
        key(
            "expect_rate",
            Kind::FrameRate,
            Need::Optional,
            "Rate its picture shall have; another is told as wrong format",
        ),
        key("audio", Kind::Table(&SOURCE_AUDIO), Need::Optional, "How its sound is taken"),
        key(
            "fit",
            Kind::Word(&[
                ("letterbox", "all of it, with black bars"),
                ("crop", "the middle of it, without bars"),
                ("stretch", "all of it, out of shape"),
            ]),
            Need::Default("\"letterbox\""),
            "How a picture of another shape than the program's fills it",
        ),
    ],
    tag: "kind",
    variants: &[
        Variant { word: "auto", about: SOURCE_KINDS[0].1, keys: &[] },
        Variant { word: "test", about: SOURCE_KINDS[1].1, keys: &[] },
        Variant {
            word: "v4l2",
            about: SOURCE_KINDS[2].1,
            keys: &[
                key(
                    "device",
                    Kind::Text(200),
                    Need::Required("\"serial:D206\""),
                    "Which device, by a name that stays: `serial:…` for the device in whatever port, `path:…` for whatever is in this port, either with `/INPUT` where a device has several; or a link in `/dev/v4l` or `/dev/uplink`. `uplinkctl devices` lists them",
                ),
                key(
                    "sound",
                    Kind::Text(100),
                    Need::Optional,
                    "ALSA device of its sound, such as `hw:1`; silence if missing",
                ),
                key(
                    "size",
                    Kind::Size,
                    Need::Optional,
                    "Picture size to ask of the device; of what it offers, the nearest to the program if missing",
                ),
            ],
        },
        Variant {
            word: "alsa",
            about: SOURCE_KINDS[3].1,
            keys: &[key(
                "device",
                Kind::Text(100),
                Need::Required("\"hw:1\""),
                "ALSA device, as `arecord -L` lists it",
            )],
        },
        Variant { word: "file", about: SOURCE_KINDS[4].1, keys: FILE },
        Variant { word: "srt", about: SOURCE_KINDS[5].1, keys: SRT },
        Variant { word: "rtmp", about: SOURCE_KINDS[6].1, keys: RTMP },
        Variant { word: "rtsp", about: SOURCE_KINDS[7].1, keys: RTSP },
        Variant { word: "custom", about: SOURCE_KINDS[8].1, keys: CUSTOM },
        Variant { word: "whip", about: WHIP_ABOUT, keys: guest::WHIP },
        Variant { word: "ndi", about: NDI_ABOUT, keys: cards::NDI },
        Variant { word: "decklink", about: DECKLINK_ABOUT, keys: cards::DECKLINK },
    ],
};

const SOURCE_KINDS: &[(&str, &str)] = &[
    ("auto", "every capture device in turn, the first that delivers wins; a test source as the last resort"),
    ("test", "a moving picture with frame counter and UTC, and a tone with a tick each second"),
    ("v4l2", "a capture device, with its sound"),
    ("alsa", "sound only, from a sound device"),
    ("file", "a media file or several in turn, played over and over or once"),
    ("srt", "a sender on the network, as caller or listener"),
    ("rtmp", "an encoder (OBS, hardware) that publishes to this box with a stream key"),
    ("rtsp", "a network camera or RTSP server; ONVIF cameras deliver by RTSP, too"),
    ("custom", "a piece of pipeline in the language of gst-launch, for what no other kind opens"),
    ("whip", WHIP_ABOUT),
    ("ndi", NDI_ABOUT),
    ("decklink", DECKLINK_ABOUT),
];

const WHIP_ABOUT: &str = "a guest's browser, by the page that this box serves, or another WHIP publisher";
const NDI_ABOUT: &str = "an NDI sender on the network; needs the NDI runtime library";
const DECKLINK_ABOUT: &str = "an input of a Blackmagic DeckLink card; needs the vendor's driver";

const SRT: &[Key] = &[
    key(
        "url",
        Kind::Text(500),
        Need::Optional,
        "All in one: `srt://host:port?mode=caller&latency=120&streamid=…`, or `srt://:port?mode=listener`. Instead of the keys below",
    ),
    key(
        "mode",
        Kind::Word(&[("caller", "connects to a listener"), ("listener", "waits for a caller")]),
        Need::Optional,
        "Role; must be given without `url`",
    ),
    key(
        "host",
        Kind::Text(253),
        Need::Optional,
        "Peer to call; for a listener the local address, `0.0.0.0` if missing",
    ),
    key("port", Kind::Integer(1, 65_535, "UDP port"), Need::Optional, "UDP port; must be given without `url`"),
    key(
        "latency_ms",
        Kind::Integer(20, 8000, "milliseconds"),
        Need::Default("120"),
        "Receive latency: time to ask again for lost packets, four times the round trip is usual",
    ),
    key("passphrase_file", Kind::Path, Need::Optional, "File that holds the passphrase, 10 to 79 characters"),
    key(
        "passphrase_credential",
        Kind::Text(100),
        Need::Optional,
        "The passphrase as a systemd credential (`LoadCredential=`)",
    ),
    key("stream_id", Kind::Text(512), Need::Optional, "Stream id that is sent (caller) or demanded (listener)"),
];
