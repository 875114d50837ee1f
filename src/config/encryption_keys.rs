//! What may stand in `[destinations.<id>.encryption]`.

use super::destination_keys::{TOKEN_CREDENTIAL, TOKEN_FILE};
use super::keys::key;
use super::upload_keys::CA_FILE;
use crate::document::{Kind, Need, Shape};

static SYSTEM: Kind = Kind::Text(36);

pub(super) static ENCRYPTION: Shape = Shape::plain(
    "How segments are encrypted on their way to a destination. Keys are made from a secret and put where players can be \
     given them, or asked of a key server. The spool stays as it is.",
    &[
        key(
            "method",
            Kind::Word(&[
                ("aes-128", "whole segments, pictures, sound and text; no parts"),
                (
                    "sample-aes",
                    "samples of H.264, HEVC and AAC (`cbcs`, as DRM systems want it); text stays in the clear",
                ),
            ]),
            Need::Required("\"aes-128\""),
            "What is encrypted",
        ),
        key(
            "key_uri",
            Kind::Text(500),
            Need::Required("\"https://keys.example/{channel}/{key_id}\""),
            "Where players fetch a key: 16 bytes. `{key_id}` is 32 hexadecimal digits",
        ),
        key(
            "rotate_segments",
            Kind::Integer(0, 1_000_000, "segments"),
            Need::Default("0"),
            "So many segments share a key, at least 5; 0: all of a channel do",
        ),
        key(
            "secret_file",
            Kind::Path,
            Need::Optional,
            "File that holds the secret that keys are made from; the same on two boxes of a pair. `openssl rand -hex 32` makes one",
        ),
        key(
            "secret_credential",
            Kind::Text(100),
            Need::Optional,
            "The same as a systemd credential (`LoadCredential=`)",
        ),
        key(
            "key_directory",
            Kind::Path,
            Need::Optional,
            "Directory that a server gives keys out from: each a file `<channel>/<key id>` of 16 bytes",
        ),
        key(
            "key_store_url",
            Kind::Text(500),
            Need::Optional,
            "Where keys are put by HTTP PUT, such as `\"https://keys.example/store/{channel}/{key_id}\"`",
        ),
        key(
            "key_server_url",
            Kind::Url(&["http", "https"]),
            Need::Optional,
            "A key server that is asked by CPIX (POST of an XML document) for each key, in place of a secret. Its \
             HLSSignalingData goes into playlists, its PSSH into initialisations",
        ),
        key(
            "content_id",
            Kind::Text(200),
            Need::Default("\"{channel}\""),
            "What the content is called at the key server; `{channel}` stands for the channel. Whatever has the same name \
             there has the same keys",
        ),
        key(
            "drm_systems",
            Kind::List(&SYSTEM),
            Need::Optional,
            "DRM systems that the key server is asked to signal, by their UUID",
        ),
        TOKEN_FILE,
        TOKEN_CREDENTIAL,
        CA_FILE,
    ],
);
