//! What may stand in `hardware-profiles/*.toml`.

use crate::document::{Key, Kind, Need, Shape};

/// A hardware profile file.
pub static HARDWARE_PROFILE: Shape = Shape::plain(
    "What is known of an encoder or a capture card. A technician adds a card by adding a file.",
    &[
        Key {
            name: "name",
            kind: Kind::Id,
            need: Need::Required("\"my-card\""),
            about: "The name channels refer to; equals the name of the file",
        },
        Key {
            name: "priority",
            kind: Kind::Integer(1, 999, "steps"),
            need: Need::Required("100"),
            about: "Lower is tried first; hardware 100 to 499, software 900 and above",
        },
        Key {
            name: "description",
            kind: Kind::Text(500),
            need: Need::Required("\"Encoder of …\""),
            about: "What it is for",
        },
        Key {
            name: "tested",
            kind: Kind::Text(500),
            need: Need::Required("\"not run yet\""),
            about: "Where it was run, and what was only looked up",
        },
        Key {
            name: "source",
            kind: Kind::Text(500),
            need: Need::Required("\"…\""),
            about: "Where what it says comes from: documents, source files, listings of the machine",
        },
        Key {
            name: "accelerator",
            kind: Kind::Tables(&ACCELERATOR),
            need: Need::Optional,
            about: "Hardware that the encoders run on; where none of it is found in the box, they are not tried",
        },
        Key { name: "encoder", kind: Kind::Tables(&ENCODER), need: Need::Optional, about: "Encoders, best first" },
        Key { name: "card", kind: Kind::Tables(&CARD), need: Need::Optional, about: "Capture cards" },
    ],
);

static H264_PROFILE: Kind = Kind::Word(super::resolve::H264_PROFILES);
static CODECS: &[(&str, &str)] = &[("h264", "H.264 / AVC"), ("hevc", "HEVC / H.265"), ("av1", "AV1")];
static BUSES: &[(&str, &str)] = &[("pci", "PCI Express"), ("usb", "USB"), ("platform", "on board, or virtual")];
static QUIRK: Kind = Kind::Text(500);
static WORD: Kind = Kind::Text(40);

static ENCODER: Shape = Shape::plain(
    "One encoder element. It is used if it is registered on the box and works; the worker finds that out at run time.",
    &[
        Key { name: "codec", kind: Kind::Word(CODECS), need: Need::Required("\"h264\""), about: "What it encodes to" },
        Key {
            name: "element",
            kind: Kind::Text(60),
            need: Need::Required("\"x264enc\""),
            about: "GStreamer element factory",
        },
        Key {
            name: "input_format",
            kind: Kind::Word(&[("I420", "planar 4:2:0"), ("NV12", "4:2:0 with interleaved chroma")]),
            need: Need::Required("\"NV12\""),
            about: "Raw format the element takes",
        },
        Key {
            name: "memory",
            kind: Kind::Word(&[
                ("system", "ordinary memory"),
                ("VAMemory", "surfaces of VA-API"),
                ("CUDAMemory", "of an NVIDIA card"),
                ("NVMM", "of an NVIDIA Jetson"),
                ("DMABuf", "buffers shared between drivers"),
            ]),
            need: Need::Default("\"system\""),
            about: "Memory in which the element gets its pictures; other than system needs `upload`. Where that does not work, the element gets them in ordinary memory",
        },
        Key {
            name: "upload",
            kind: Kind::List(&WORD),
            need: Need::Optional,
            about: "Elements between raw pictures in ordinary memory and the encoder, such as [\"cudaupload\"]",
        },
        Key {
            name: "upload_converts",
            kind: Kind::Truth,
            need: Need::Default("false"),
            about: "Whether the elements of `upload` scale and convert, too: then they are given the program's pictures as they \
                    are, and the processor does neither",
        },
        Key {
            name: "keyframes",
            kind: Kind::Word(&[
                ("forced", "it puts one where it is asked to"),
                ("counted", "it cannot be asked, but puts one every `{segment_frames}`; needs a whole number of them"),
            ]),
            need: Need::Default("\"forced\""),
            about: "How it comes to begin each segment with a key frame",
        },
        Key {
            name: "bitrate_unit",
            kind: Kind::Word(&[("kbit/s", "thousands of bits per second"), ("bit/s", "bits per second")]),
            need: Need::Required("\"kbit/s\""),
            about: "Unit in which `{bitrate}`, `{max_bitrate}` and `{vbv_size}` are filled in",
        },
        Key {
            name: "h264_profiles",
            kind: Kind::List(&H264_PROFILE),
            need: Need::Optional,
            about: "H.264 profiles it can be asked for; needed for H.264, of no meaning for other codecs",
        },
        Key { name: "min_size", kind: Kind::Size, need: Need::Optional, about: "Smallest picture" },
        Key { name: "max_size", kind: Kind::Size, need: Need::Optional, about: "Largest picture" },
        Key {
            name: "max_sessions",
            kind: Kind::Integer(1, 1000, "sessions"),
            need: Need::Optional,
            about: "Encoding sessions the hardware or its driver allows at a time",
        },
        Key {
            name: "sessions_of",
            kind: Kind::Word(&[("card", "each card has so many"), ("box", "all cards of the box together")]),
            need: Need::Default("\"card\""),
            about: "What `max_sessions` counts for",
        },
        Key {
            name: "properties",
            kind: Kind::Names(&Kind::Scalar),
            need: Need::Optional,
            about: "Properties of the element; one that the element lacks is left out. Placeholders: `{bitrate}`, `{max_bitrate}`, `{target_percent}` (average of peak), `{vbv_size}` (in bits), `{vbv_ms}`, \
                    `{gop_frames}` (ten segments), `{segment_frames}`, `{threads}`",
        },
        Key {
            name: "effort",
            kind: Kind::Words(super::resolve::EFFORTS, &Kind::Scalar),
            need: Need::Optional,
            about: "Properties that a rendition's effort adds or replaces",
        },
        Key {
            name: "latency",
            kind: Kind::Words(super::resolve::LATENCIES, &Kind::Scalar),
            need: Need::Optional,
            about: "Properties that a rendition's latency adds or replaces, after those of its effort",
        },
        Key {
            name: "cost",
            kind: Kind::Words(super::resolve::EFFORTS, &Kind::Scalar),
            need: Need::Optional,
            about: "Processor seconds per thousand megapixels by effort, on the machine named in `tested`; \
                    `uplinkctl capacity` scales it",
        },
        Key { name: "quirks", kind: Kind::List(&QUIRK), need: Need::Optional, about: "What to know about it" },
    ],
);

static ACCELERATOR: Shape = Shape::plain(
    "One piece of hardware that encodes. It is recognised when everything that is given is so.",
    &[
        Key { name: "name", kind: Kind::Text(80), need: Need::Required("\"Intel Arc\""), about: "For people" },
        Key { name: "bus", kind: Kind::Word(BUSES), need: Need::Required("\"pci\""), about: "How it is connected" },
        Key {
            name: "vendor",
            kind: Kind::Text(40),
            need: Need::Optional,
            about: "Vendor number, four hexadecimal digits as in lspci",
        },
        Key {
            name: "products",
            kind: Kind::List(&WORD),
            need: Need::Optional,
            about: "Product numbers, or what they begin with; every product of the vendor if missing",
        },
        Key { name: "driver", kind: Kind::Text(60), need: Need::Optional, about: "Kernel driver" },
        Key {
            name: "model",
            kind: Kind::Text(80),
            need: Need::Optional,
            about: "What the name that the driver gives begins with (`Model:` below /proc/driver/nvidia, or the board's)",
        },
    ],
);

static CARD: Shape = Shape::plain(
    "One capture card: how it is recognised and what it can do.",
    &[
        Key {
            name: "name",
            kind: Kind::Text(80),
            need: Need::Required("\"Magewell Pro Capture\""),
            about: "For people",
        },
        Key { name: "bus", kind: Kind::Word(BUSES), need: Need::Required("\"usb\""), about: "How it is connected" },
        Key {
            name: "vendor",
            kind: Kind::Text(40),
            need: Need::Optional,
            about: "Vendor number, four hexadecimal digits as in lspci and lsusb",
        },
        Key {
            name: "product",
            kind: Kind::Text(40),
            need: Need::Optional,
            about: "Product number, four hexadecimal digits; every product of the vendor if missing",
        },
        Key { name: "driver", kind: Kind::Text(60), need: Need::Optional, about: "Kernel driver" },
        Key {
            name: "connectors",
            kind: Kind::List(&WORD),
            need: Need::Required("[\"sdi\"]"),
            about: "Connectors, as printed on the card",
        },
        Key {
            name: "formats",
            kind: Kind::List(&WORD),
            need: Need::Required("[\"1080p50\"]"),
            about: "Formats it delivers",
        },
        Key { name: "quirks", kind: Kind::List(&QUIRK), need: Need::Optional, about: "What to know about it" },
    ],
);
