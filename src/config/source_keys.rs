//! What may stand in `[sources.<id>]` of the kinds rtmp, rtsp, file and custom.

use super::keys::key;
use crate::document::{Key, Kind, Need};

static PATH: Kind = Kind::Path;
static CREDENTIAL: Kind = Kind::Text(100);

pub(super) const FILE: &[Key] = &[
    key(
        "path",
        Kind::Path,
        Need::Optional,
        "The file, or a list of files (`.m3u`, `.m3u8`: one path on each line, relative to the list). Must exist",
    ),
    key("paths", Kind::List(&PATH), Need::Optional, "Several files, played in this order. Instead of `path`"),
    key(
        "loop",
        Kind::Truth,
        Need::Default("true"),
        "Whether it begins again after the end; without, the source is lost then",
    ),
];

pub(super) const RTMP: &[Key] = &[
    key(
        "listen",
        Kind::Address,
        Need::Default("\"0.0.0.0:1935\""),
        "Address and TCP port. Sources of one channel may share it, each with an application or keys of its own; those of \
         different channels may not",
    ),
    key("app", Kind::Text(60), Need::Default("\"live\""), "Application: what the encoder writes behind the address"),
    key(
        "stream_key_file",
        Kind::Path,
        Need::Optional,
        "File that holds the stream key: 8 to 200 letters, digits, `.`, `_` and `-`",
    ),
    key(
        "stream_key_credential",
        Kind::Text(100),
        Need::Optional,
        "The stream key as a systemd credential (`LoadCredential=`)",
    ),
    key(
        "stream_key_files",
        Kind::List(&PATH),
        Need::Optional,
        "Files with further stream keys. Each admits, so that encoders can be moved from one to the next",
    ),
    key(
        "stream_key_credentials",
        Kind::List(&CREDENTIAL),
        Need::Optional,
        "Further stream keys as systemd credentials (`LoadCredential=`)",
    ),
    key(
        "on_second_publisher",
        Kind::Word(&[
            ("refuse", "the first one stays, as long as it delivers"),
            ("replace", "the newest one takes over"),
        ]),
        Need::Default("\"refuse\""),
        "What happens to an encoder that comes with a good key while another one is there",
    ),
];

pub(super) const RTSP: &[Key] = &[
    key(
        "url",
        Kind::Url(&["rtsp", "rtsps", "rtspt"]),
        Need::Required("\"rtsp://192.0.2.7/stream1\""),
        "Address as the camera's manual says, without user and password",
    ),
    key("user", Kind::Text(100), Need::Optional, "User, if the camera asks for one"),
    key("password_file", Kind::Path, Need::Optional, "File that holds the password"),
    key(
        "password_credential",
        Kind::Text(100),
        Need::Optional,
        "The password as a systemd credential (`LoadCredential=`)",
    ),
    key(
        "transport",
        Kind::Word(&[
            ("tcp", "within the connection: passes every firewall, nothing is lost"),
            ("udp", "packets of their own: no waiting for what was lost"),
        ]),
        Need::Default("\"tcp\""),
        "How picture and sound travel",
    ),
    key(
        "latency_ms",
        Kind::Integer(0, 8000, "milliseconds"),
        Need::Default("200"),
        "Receive latency: time for late and reordered packets",
    ),
];

pub(super) const CUSTOM: &[Key] = &[key(
    "fragment",
    Kind::Text(4000),
    Need::Required("\"videotestsrc is-live=true ! video/x-raw,width=640,height=360\""),
    "Elements and links as gst-launch-1.0 takes them. Every source pad that is left open is used: the first with a \
     picture, the first with sound; elements named `picture` and `sound` are preferred. It runs with the rights of the worker",
)];
