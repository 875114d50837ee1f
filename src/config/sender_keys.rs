//! What may stand in `[destinations.<id>]` of the kinds that send a stream. Keys of an address stand in `backups`, too.

use super::keys::key;
use crate::document::{Key, Kind, Need, Shape, Variant};

static ID: Kind = Kind::Id;

const RENDITION: Key =
    key("rendition", Kind::Id, Need::Optional, "Video rendition of the stream class; the best if missing");
const AUDIO: Key = key(
    "audio",
    Kind::List(&ID),
    Need::Optional,
    "Audio renditions of the stream class, the default first; the first of the class if missing",
);
const STALL: Key = key(
    "stall_ms",
    Kind::Integer(1000, 60_000, "milliseconds"),
    Need::Default("5000"),
    "A connection in which nothing is acknowledged for this long, though sent, is opened anew",
);

const PROGRAM: Key =
    key("program", Kind::Integer(1, 65_535, "number"), Need::Default("1"), "`program_number` of the transport stream");
const SERVICE: Key =
    key("service_name", Kind::Text(60), Need::Optional, "Name of the programme; the channel's title if missing");
const MAP_PID: Key = key("map_pid", Kind::Integer(32, 8190, "PID"), Need::Default("4096"), "PID of the programme map");
const VIDEO_PID: Key = key("video_pid", Kind::Integer(32, 8190, "PID"), Need::Default("256"), "PID of the pictures");
const AUDIO_PID: Key = key(
    "audio_pid",
    Kind::Integer(32, 8190, "PID"),
    Need::Default("272"),
    "PID of the first audio rendition; the others have the next ones",
);
const SCTE35: Key = key(
    "scte35",
    Kind::Word(&[
        ("off", "cues are not told"),
        ("splice-insert", "as `splice_insert`"),
        ("time-signal", "as `time_signal` with a segmentation descriptor (provider placement opportunity)"),
    ]),
    Need::Default("\"splice-insert\""),
    "How cues are told (ANSI/SCTE 35)",
);
const SCTE35_PID: Key =
    key("scte35_pid", Kind::Integer(32, 8190, "PID"), Need::Default("500"), "PID of splice information");
const BITRATE: Key = key(
    "bitrate",
    Kind::BitRate,
    Need::Optional,
    "Constant rate of the transport stream, filled up with null packets; as much as there is if missing. More than the \
     peaks of its renditions together",
);

const SRT_URL: Key = key(
    "url",
    Kind::Text(500),
    Need::Optional,
    "All in one: `srt://host:port?mode=caller&latency=120&streamid=…`, or `srt://:port?mode=listener`. Instead of the keys below",
);
const SRT_MODE: Key = key(
    "mode",
    Kind::Word(&[("caller", "connects to a listener"), ("listener", "waits for callers, and serves them all")]),
    Need::Optional,
    "Role; must be given without `url`",
);
const SRT_HOST: Key = key(
    "host",
    Kind::Text(253),
    Need::Optional,
    "Peer to call; for a listener the local address, `0.0.0.0` if missing",
);
const SRT_PORT: Key =
    key("port", Kind::Integer(1, 65_535, "UDP port"), Need::Optional, "UDP port; must be given without `url`");
const SRT_LATENCY: Key = key(
    "latency_ms",
    Kind::Integer(20, 8000, "milliseconds"),
    Need::Default("120"),
    "Time to repeat lost packets in, four times the round trip is usual; the greater one of both sides counts",
);
const PASSPHRASE_FILE: Key =
    key("passphrase_file", Kind::Path, Need::Optional, "File that holds the passphrase, 10 to 79 characters");
const PASSPHRASE_CREDENTIAL: Key = key(
    "passphrase_credential",
    Kind::Text(100),
    Need::Optional,
    "The passphrase as a systemd credential (`LoadCredential=`)",
);
const STREAM_ID: Key =
    key("stream_id", Kind::Text(512), Need::Optional, "Stream id that is sent (caller) or demanded (listener)");
const KEY_LENGTH: Key = key(
    "encryption",
    Kind::Word(&[("aes-128", "a key of 16 bytes"), ("aes-192", "of 24 bytes"), ("aes-256", "of 32 bytes")]),
    Need::Default("\"aes-128\""),
    "Length of the key, where there is a passphrase",
);
const OVERHEAD: Key = key(
    "overhead_percent",
    Kind::Integer(5, 100, "percent"),
    Need::Default("25"),
    "What may be added to the stream for repeating what was lost",
);
const MAX_BANDWIDTH: Key = key(
    "max_bandwidth",
    Kind::BitRate,
    Need::Optional,
    "Most that is sent at any moment, whatever is to be repeated. Keyframes are held back by it",
);

const RTMP_URL: Key = key(
    "url",
    Kind::Url(&["rtmp", "rtmps"]),
    Need::Required("\"rtmps://live.example/app\""),
    "Server and application, without the stream key",
);
const KEY_FILE: Key = key("stream_key_file", Kind::Path, Need::Optional, "File that holds the stream key");
const KEY_CREDENTIAL: Key = key(
    "stream_key_credential",
    Kind::Text(100),
    Need::Optional,
    "The stream key as a systemd credential (`LoadCredential=`)",
);
const CA_FILE: Key = key(
    "ca_file",
    Kind::Path,
    Need::Optional,
    "Certificates (PEM) to trust instead of those that the box trusts, for `rtmps`",
);

const HOST: Key = key("host", Kind::Text(253), Need::Required("\"receiver.example\""), "Receiver, or multicast group");
const RIST_PORT: Key =
    key("port", Kind::Integer(2, 65_534, "UDP port"), Need::Required("5000"), "UDP port, even; RTCP uses the next one");
const RIST_BUFFER: Key = key(
    "buffer_ms",
    Kind::Integer(50, 30_000, "milliseconds"),
    Need::Default("1200"),
    "How long packets are kept to be repeated; no less than the receiver's buffer",
);
const UDP_PORT: Key = key("port", Kind::Integer(1, 65_535, "UDP port"), Need::Required("5000"), "UDP port");
const TTL: Key = key("ttl", Kind::Integer(1, 255, "hops"), Need::Default("16"), "Routers that packets may pass");
const INTERFACE: Key = key(
    "interface",
    Kind::Text(100),
    Need::Optional,
    "Interface for a multicast group, by name or IPv4 address; as the box routes it if missing",
);

static SRT_BACKUP: Shape = Shape::plain(
    "Another SRT peer of the same destination.",
    &[SRT_URL, SRT_MODE, SRT_HOST, SRT_PORT, SRT_LATENCY, PASSPHRASE_FILE, PASSPHRASE_CREDENTIAL, STREAM_ID],
);
static RTMP_BACKUP: Shape =
    Shape::plain("Another RTMP server of the same destination.", &[RTMP_URL, KEY_FILE, KEY_CREDENTIAL, CA_FILE]);
static RIST_BACKUP: Shape =
    Shape::plain("Another RIST receiver of the same destination.", &[HOST, RIST_PORT, RIST_BUFFER]);
static UDP_BACKUP: Shape = Shape::plain("Another receiver of the same destination.", &[HOST, UDP_PORT, TTL, INTERFACE]);

const BACKUPS: &str = "Other endpoints, best first";

/// The words and what they mean.
pub(super) const SRT_KIND: (&str, &str) = ("srt", "MPEG-TS over SRT, as caller or listener");
pub(super) const RTMP_KIND: (&str, &str) = ("rtmp", "RTMP or RTMPS, as publisher");
pub(super) const RIST_KIND: (&str, &str) = ("rist", "MPEG-TS over RIST, simple profile");
pub(super) const UDP_KIND: (&str, &str) = ("udp-ts", "MPEG-TS over UDP, unicast or multicast");

pub(super) const SRT: Variant = Variant {
    word: SRT_KIND.0,
    about: SRT_KIND.1,
    keys: &[
        SRT_URL,
        SRT_MODE,
        SRT_HOST,
        SRT_PORT,
        SRT_LATENCY,
        PASSPHRASE_FILE,
        PASSPHRASE_CREDENTIAL,
        KEY_LENGTH,
        STREAM_ID,
        OVERHEAD,
        MAX_BANDWIDTH,
        RENDITION,
        AUDIO,
        STALL,
        SERVICE,
        PROGRAM,
        MAP_PID,
        VIDEO_PID,
        AUDIO_PID,
        SCTE35,
        SCTE35_PID,
        BITRATE,
        key("backups", Kind::Tables(&SRT_BACKUP), Need::Optional, BACKUPS),
    ],
};

pub(super) const RTMP: Variant = Variant {
    word: RTMP_KIND.0,
    about: "RTMP or RTMPS, as publisher. HEVC goes by enhanced RTMP, which the server has to know. AV1 does not arrive with GStreamer 1.22; newer ones are not tried.",
    keys: &[
        RTMP_URL,
        KEY_FILE,
        KEY_CREDENTIAL,
        CA_FILE,
        RENDITION,
        AUDIO,
        STALL,
        key("backups", Kind::Tables(&RTMP_BACKUP), Need::Optional, BACKUPS),
    ],
};

pub(super) const RIST: Variant = Variant {
    word: RIST_KIND.0,
    about: RIST_KIND.1,
    keys: &[
        HOST,
        RIST_PORT,
        RIST_BUFFER,
        RENDITION,
        AUDIO,
        STALL,
        SERVICE,
        PROGRAM,
        MAP_PID,
        VIDEO_PID,
        AUDIO_PID,
        SCTE35,
        SCTE35_PID,
        BITRATE,
        key("backups", Kind::Tables(&RIST_BACKUP), Need::Optional, BACKUPS),
    ],
};

pub(super) const UDP: Variant = Variant {
    word: UDP_KIND.0,
    about: "MPEG-TS over UDP, unicast or multicast. Nobody tells whether it is received: a backup only makes sense as `mirror`.",
    keys: &[
        HOST,
        UDP_PORT,
        TTL,
        INTERFACE,
        RENDITION,
        AUDIO,
        STALL,
        SERVICE,
        PROGRAM,
        MAP_PID,
        VIDEO_PID,
        AUDIO_PID,
        SCTE35,
        SCTE35_PID,
        BITRATE,
        key("backups", Kind::Tables(&UDP_BACKUP), Need::Optional, BACKUPS),
    ],
};
