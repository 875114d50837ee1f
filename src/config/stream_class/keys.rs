//! What may stand in `pipelines/*.toml`.

use super::signal::{BLACK, FAILOVER, FORMAT, FREEZE, MANUAL, SILENCE};
use crate::document::{Key, Kind, Need, Shape};
use crate::profile::{EFFORTS, H264_PROFILES};

/// A stream class file.
pub static STREAM_CLASS: Shape = Shape::plain(
    "A stream class: the release artefact of one kind of stream. Engineers review and version it; a channel names one.",
    &[
        Key {
            name: "name",
            kind: Kind::Id,
            need: Need::Required("\"talk-720p30\""),
            about: "The name channels refer to; equals the name of the file",
        },
        Key {
            name: "version",
            kind: Kind::Version,
            need: Need::Required("\"1.0.0\""),
            about: "Raised with every change: major if players notice, minor if only the picture does, patch otherwise",
        },
        Key {
            name: "owner",
            kind: Kind::Text(120),
            need: Need::Required("\"Streaming engineering\""),
            about: "Who answers for it",
        },
        Key {
            name: "description",
            kind: Kind::Text(500),
            need: Need::Required("\"Talk shows, one presenter\""),
            about: "What it is for",
        },
        table("program", &PROGRAM, "The program format"),
        table("segments", &SEGMENTS, "Segments and playlists"),
        table("gop", &GOP, "Key frames"),
        Key {
            name: "video",
            kind: Kind::Tables(&VIDEO),
            need: Need::Required(""),
            about: "Video renditions, best first",
        },
        Key {
            name: "audio",
            kind: Kind::Tables(&AUDIO),
            need: Need::Required(""),
            about: "Audio renditions; the first is the default",
        },
        optional_table("captions", &CAPTIONS, "What players are told of captions; without it, that there are none"),
        table("audio_policy", &AUDIO_POLICY, "Sound of the program"),
        table("fallback", &FALLBACK, "What happens without a healthy source"),
        optional_table("failover", &FAILOVER, "How the program leaves a source and returns to it"),
        optional_table("destination_policy", &DESTINATION_POLICY, "What destinations get"),
        optional_table("sound_alarms", &SOUND_ALARMS, "When sound is faulty"),
        optional_table("thresholds", &THRESHOLDS, "When to act and when to warn"),
        table("envelope", &ENVELOPE, "What the network must carry"),
    ],
);

const fn table(name: &'static str, shape: &'static Shape, about: &'static str) -> Key {
    Key { name, kind: Kind::Table(shape), need: Need::Required(""), about }
}

const fn optional_table(name: &'static str, shape: &'static Shape, about: &'static str) -> Key {
    Key { name, kind: Kind::Table(shape), need: Need::Optional, about }
}

const fn key(name: &'static str, kind: Kind, need: Need, about: &'static str) -> Key {
    Key { name, kind, need, about }
}

static PROGRAM: Shape = Shape::plain(
    "What every source is normalised to before the switch: progressive, 4:2:0, 8 bit.",
    &[
        key("size", Kind::Size, Need::Required("\"1280x720\""), "Picture size; no rendition is larger"),
        key("frame_rate", Kind::FrameRate, Need::Required("30"), "Ticks of the house clock; every rendition has it"),
    ],
);

static SEGMENTS: Shape = Shape::plain(
    "Boundaries fall on multiples of the duration since the Unix epoch, so that two boxes cut alike.",
    &[
        key(
            "duration_ms",
            Kind::Integer(500, 10_000, "milliseconds"),
            Need::Required("1000"),
            "Duration of a segment; divides an hour without remainder",
        ),
        key(
            "playlist_segments",
            Kind::Integer(3, 7200, "segments"),
            Need::Default("6"),
            "Segments in a live media playlist; at least three target durations (RFC 8216, 6.2.2)",
        ),
        key(
            "part_ms",
            Kind::Integer(200, 500, "milliseconds"),
            Need::Optional,
            "Low latency: duration of the parts in which a segment is delivered while it is made, rounded up to whole \
             pictures; at most half a segment. Takes twice the upload rate. No parts if missing",
        ),
    ],
);

static GOP: Shape = Shape::plain(
    "One closed GOP per segment: an IDR frame on the first frame of every segment of every rendition, and nowhere else.",
    &[
        key(
            "duration_ms",
            Kind::Integer(500, 10_000, "milliseconds"),
            Need::Required("1000"),
            "Distance of key frames; equals the duration of a segment",
        ),
        key(
            "structure",
            Kind::Word(&[("closed", "no frame refers across a key frame")]),
            Need::Default("\"closed\""),
            "How a GOP is built; HLS players switch renditions at key frames, so it is closed",
        ),
        key("b_frames", Kind::Integer(0, 0, "frames"), Need::Default("0"), "B-frames; none, for latency"),
    ],
);

static VIDEO: Shape = Shape::plain(
    "One video rendition.",
    &[
        key("id", Kind::Id, Need::Required("\"720p\""), "Names its directory and playlist"),
        key("size", Kind::Size, Need::Required("\"1280x720\""), "Picture size"),
        key("bitrate", Kind::BitRate, Need::Required("\"2.5M\""), "Average bit rate"),
        key("max_bitrate", Kind::BitRate, Need::Required("\"3.5M\""), "Bit rate that no segment exceeds"),
        key(
            "codec",
            Kind::Word(&[
                ("h264", "H.264: every player"),
                ("hevc", "HEVC: Apple devices and televisions; half to two thirds of the bit rate"),
                ("av1", "AV1: browsers and new devices; in software far too slow for more than small pictures"),
            ]),
            Need::Default("\"h264\""),
            "What it is encoded to; keep one H.264 rendition for players that know no other",
        ),
        key(
            "h264_profile",
            Kind::Word(H264_PROFILES),
            Need::Default("\"high\""),
            "H.264 profile; of no meaning for other codecs",
        ),
        key("effort", Kind::Word(EFFORTS), Need::Default("\"low\""), "Picture quality against load"),
        key(
            "latency",
            Kind::Word(crate::profile::LATENCIES),
            Need::Default("\"low\""),
            "How long the encoder may hold a picture back",
        ),
    ],
);

static ROW: Kind = Kind::Text(100);

static AUDIO: Shape = Shape::plain(
    "One audio rendition, AAC-LC.",
    &[
        key("id", Kind::Id, Need::Required("\"sound\""), "Names its directory and playlist"),
        key(
            "name",
            Kind::Text(60),
            Need::Required("\"Programme sound\""),
            "Shown by players; differs from the others'",
        ),
        key("language", Kind::Language, Need::Optional, "Spoken language"),
        key("bitrate", Kind::BitRate, Need::Required("\"128k\""), "Bit rate, 16k to 512k"),
        key(
            "map",
            Kind::List(&ROW),
            Need::Optional,
            "What each of its channels is made of, by channels of the program: `[\"3\", \"4\"]` is the second pair, \
             `[\"1@-6 + 2@-6\"]` a mono mix (gains in dB behind the @), `\"-\"` silence. All of the program's channels if missing",
        ),
        key(
            "loudness_target",
            Kind::Number(-40.0, -10.0, "LUFS"),
            Need::Optional,
            "Loudness that this rendition is corrected to, whatever `audio_policy.correction` says; for a destination with a \
             target of its own",
        ),
    ],
);

static CAPTIONS: Shape = Shape::plain(
    "Captions of the sources (CEA-608 CC1, or CEA-708 service 1) and what is inserted go into the pictures of every H.264 \
     and HEVC rendition in any case. This table tells players of them and makes a WebVTT rendition.",
    &[
        key("name", Kind::Text(60), Need::Required("\"English captions\""), "Shown by players"),
        key("language", Kind::Language, Need::Optional, "Language they are in"),
        key("webvtt", Kind::Truth, Need::Default("true"), "Whether there is a WebVTT rendition of them"),
        key("id", Kind::Id, Need::Default("\"captions\""), "Names the directory and playlist of the WebVTT rendition"),
    ],
);

static AUDIO_POLICY: Shape = Shape::plain(
    "The sound of the program and what it is mixed to.",
    &[
        key("sample_rate", Kind::Integer(44_100, 48_000, "hertz"), Need::Default("48000"), "48000, or 44100 for radio"),
        key(
            "channels",
            Kind::Integer(1, 16, "channels"),
            Need::Required("2"),
            "1 (mono), 2 (stereo), 6 (5.1), or 4 to 16 in stereo pairs",
        ),
        key(
            "channel_map",
            Kind::Word(&[
                ("mono", "the first two channels of the source, half of each; 5.1 is mixed down"),
                ("stereo", "the first two channels; a mono source on both; 5.1 is mixed down (ITU-R BS.775)"),
                (
                    "pairs",
                    "stereo pairs, each a mix of its own, such as a language; a pair that the source lacks has its first",
                ),
                ("5.1", "left, right, centre, LFE, left and right surround; a stereo source on left and right"),
            ]),
            Need::Required("\"stereo\""),
            "How the channels of a source become those of the program, unless the source says so itself (`audio.map`)",
        ),
        key(
            "loudness_target",
            Kind::Number(-40.0, -10.0, "LUFS"),
            Need::Required("-23.0"),
            "Integrated loudness the programme is mixed to (EBU R 128: -23; streaming, EBU R 128 s2: -20 to -16)",
        ),
        key(
            "true_peak_max",
            Kind::Number(-12.0, 0.0, "dBTP"),
            Need::Default("-1.0"),
            "True peak not to be exceeded (EBU R 128: -1)",
        ),
        key(
            "correction",
            Kind::Word(&[
                ("off", "the sound leaves as it is mixed; what exceeds the limit is told"),
                ("on", "a slow gain brings it to `loudness_target`, a limiter keeps it below `true_peak_max`"),
            ]),
            Need::Default("\"off\""),
            "Loudness correction",
        ),
        key(
            "max_gain_db",
            Kind::Number(1.0, 20.0, "dB"),
            Need::Default("9.0"),
            "Most that the correction raises or lowers",
        ),
    ],
);

static SOUND_ALARMS: Shape = Shape::plain(
    "When the sound of the program counts as faulty. A true peak above `audio_policy.true_peak_max` counts at once.",
    &[
        key(
            "silence_dbfs",
            Kind::Number(-90.0, -20.0, "dBFS"),
            Need::Default("-60.0"),
            "A channel whose mean level is below this is silent",
        ),
        key(
            "silence_ms",
            Kind::Integer(0, 600_000, "milliseconds"),
            Need::Default("5000"),
            "Silence of this length is a fault; 0 for never",
        ),
        key(
            "phase_correlation",
            Kind::Number(-1.0, 0.0, "correlation"),
            Need::Default("-0.7"),
            "Left and right below this cancel each other in mono: inverted phase",
        ),
        key(
            "phase_ms",
            Kind::Integer(0, 600_000, "milliseconds"),
            Need::Default("3000"),
            "Inverted phase of this length is a fault; 0 for never",
        ),
        key(
            "missing_ms",
            Kind::Integer(0, 600_000, "milliseconds"),
            Need::Default("10000"),
            "One channel of a mix silent, and another not, for this long is a fault; 0 for never",
        ),
        key(
            "clear_ms",
            Kind::Integer(0, 600_000, "milliseconds"),
            Need::Default("2000"),
            "A fault is over when it has been gone for this long",
        ),
    ],
);

static FALLBACK: Shape = Shape::plain(
    "The program goes to the next healthy source, else to the slate.",
    &[
        key(
            "slate_text",
            Kind::Text(120),
            Need::Required("\"{title}: we will be right back\""),
            "What the slate says; `{title}` is the channel's title. A channel may have its own",
        ),
        key(
            "loss_ms",
            Kind::Integer(100, 10_000, "milliseconds"),
            Need::Default("250"),
            "A source without a decoded picture for this long is lost (hold-off included)",
        ),
        key(
            "wait_to_restore_ms",
            Kind::Integer(0, 300_000, "milliseconds"),
            Need::Default("2000"),
            "A lost source must deliver this long before the program returns to it (ITU-T G.808.1)",
        ),
        MANUAL,
    ],
);

static DESTINATION_POLICY: Shape = Shape::plain(
    "What destinations get.",
    &[key(
        "on_slate",
        Kind::Word(&[
            ("emit", "the slate is delivered like any source"),
            ("pause", "playlists stand still and go on with the program"),
        ]),
        Need::Default("\"emit\""),
        "What a destination gets while the program is on slate, unless its own table says otherwise",
    )],
);

static THRESHOLDS: Shape = Shape::plain(
    "When to act and when to warn.",
    &[
        key(
            "stall_ms",
            Kind::Integer(1000, 60_000, "milliseconds"),
            Need::Default("4000"),
            "A worker whose output stands still for this long is killed and replaced",
        ),
        key(
            "backlog_warn_s",
            Kind::Integer(1, 86_400, "seconds"),
            Need::Default("10"),
            "A destination this far behind the live edge is a warning",
        ),
        key(
            "backlog_alarm_s",
            Kind::Integer(1, 86_400, "seconds"),
            Need::Default("60"),
            "A destination this far behind the live edge is an alarm; more than `backlog_warn_s`",
        ),
        key(
            "bitrate_min_percent",
            Kind::Integer(0, 100, "percent"),
            Need::Default("10"),
            "A rendition below this share of its average bit rate for a minute is a warning",
        ),
        key(
            "bitrate_max_percent",
            Kind::Integer(100, 400, "percent"),
            Need::Default("150"),
            "A rendition above this share of its average bit rate for a minute is a warning",
        ),
        BLACK,
        FREEZE,
        SILENCE,
        FORMAT,
    ],
);

static ENVELOPE: Shape = Shape::plain(
    "What the network to a destination must carry, all renditions together, without the overhead of containers and HTTP.",
    &[
        key("min", Kind::BitRate, Need::Required("\"2M\""), "The sum of the averages is not below it"),
        key("max", Kind::BitRate, Need::Required("\"6M\""), "The sum of the peaks is not above it"),
    ],
);
