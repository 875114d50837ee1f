//! What may stand in `[destinations.<id>]`: first what all kinds share, then what each kind has of its own. Keys of an
//! endpoint are constants: they stand in the variant, for the primary, and in its `backups`.

use super::budget::BUDGET_KEY;
use super::encryption_keys::ENCRYPTION;
use super::keys::key;
use super::pair;
use super::recordings::{RECORDING, RECORDING_KIND};
use super::sender_keys;
use super::upload_keys::upload_keys;
use super::whip;
use crate::document::{Key, Kind, Need, Shape, Variant};

pub(super) static DESTINATION: Shape = Shape {
    about: "Where channels are sent.",
    keys: &[
        key("kind", Kind::Word(KINDS), Need::Required("\"hls-push\""), "How to deliver"),
        key(
            "enabled",
            Kind::Truth,
            Need::Default("true"),
            "Whether it is used; `uplinkctl destination enable` and `disable` overrule it",
        ),
        key(
            "on_slate",
            Kind::Word(&[
                ("emit", "the slate, like everything else"),
                (
                    "pause",
                    "nothing: playlists stand still and go on with the program; senders of streams hang up meanwhile",
                ),
            ]),
            Need::Optional,
            "What it gets while the program is on slate. As the stream class says if missing",
        ),
        key(
            "policy",
            Kind::Word(&[
                ("failover", "one endpoint at a time: the primary, or a backup while the primary is bad"),
                ("mirror", "primary and backups all the time"),
            ]),
            Need::Default("\"failover\""),
            "How primary and `backups` share the work",
        ),
        key(
            "failover",
            Kind::Table(&FAILOVER),
            Need::Optional,
            "When a backup takes over, and when it is the primary's turn again",
        ),
        BUDGET_KEY,
    ],
    tag: "kind",
    variants: &[
        Variant {
            word: KINDS[0].0,
            about: "HLS to an origin or a bucket: segments first, then the playlists that name them.",
            keys: upload_keys!(
                key(
                    "encryption",
                    Kind::Table(&ENCRYPTION),
                    Need::Optional,
                    "How segments are encrypted, at all of its endpoints"
                ),
                key(
                    "audio",
                    Kind::List(&ID),
                    Need::Optional,
                    "Audio renditions of the stream class that go to all of its endpoints, the default first; all if missing"
                ),
                key("backups", Kind::Tables(&HLS_BACKUP), Need::Optional, "Other origins, best first"),
                pair::PAIR,
            ),
        },
        Variant {
            word: WHIP_KIND.0,
            about: "WebRTC: pictures as they are encoded anyway (H.264; with `renditions` in several sizes) or, with \
                    `own_rendition`, for this destination alone, sound as Opus, a quarter of a second behind the program. While \
                    the program is on slate and `on_slate` is `pause`, the session stays and is silent.",
            keys: whip::WHIP,
        },
        sender_keys::SRT,
        sender_keys::RTMP,
        sender_keys::RIST,
        sender_keys::UDP,
        Variant {
            word: RECORDING_KIND.0,
            about: "Files on the box's own disk: they play while they are made, and a power cut costs less than a second. \
                    What the slate shows is recorded, too, whatever `on_slate` says.",
            keys: RECORDING,
        },
    ],
};

static ID: Kind = Kind::Id;

const WHIP_KIND: (&str, &str) = ("whip", "WebRTC (WHIP, RFC 9725), for viewers within half a second");

const KINDS: &[(&str, &str)] = &[
    ("hls-push", "HLS by HTTP PUT (DASH-IF Live Media Ingest, Interface-2)"),
    WHIP_KIND,
    sender_keys::SRT_KIND,
    sender_keys::RTMP_KIND,
    sender_keys::RIST_KIND,
    sender_keys::UDP_KIND,
    RECORDING_KIND,
];

static FAILOVER: Shape = Shape::plain(
    "When a backup takes over, and when it is the primary's turn again (terms of ITU-T G.808.1). What an operator forces \
     (`uplinkctl failover`) stands above all of it.",
    &[
        key(
            "hold_off_ms",
            Kind::Integer(0, 60_000, "milliseconds"),
            Need::Default("300"),
            "How long an endpoint must be bad before it is left",
        ),
        key(
            "wait_to_restore_ms",
            Kind::Integer(0, 3_600_000, "milliseconds"),
            Need::Default("30000"),
            "How long the primary must be good before it is used again",
        ),
        key(
            "revert",
            Kind::Word(&[("auto", "by itself"), ("manual", "by `uplinkctl failover` only")]),
            Need::Default("\"auto\""),
            "How the primary gets its place back",
        ),
        key(
            "silence_ms",
            Kind::Integer(500, 60_000, "milliseconds"),
            Need::Default("1500"),
            "Nothing acknowledged for this long although something is under way that does not move: bad",
        ),
        key(
            "slow_segments",
            Kind::Integer(0, 100, "segments"),
            Need::Default("3"),
            "So many segments in a row took longer to send than they last, or so many wait at the live edge: bad. 0: never",
        ),
    ],
);

static HLS_BACKUP: Shape = Shape::plain("Another origin of the same destination.", upload_keys!());

pub(super) const TOKEN_FILE: Key = key(
    "token_file",
    Kind::Path,
    Need::Optional,
    "File that holds the bearer token, as one line or as JSON with `access_token`; read again when it changes",
);

pub(super) const TOKEN_CREDENTIAL: Key = key(
    "token_credential",
    Kind::Text(100),
    Need::Optional,
    "The bearer token as a systemd credential (`LoadCredential=`)",
);
