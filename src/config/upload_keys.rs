//! What may stand in an endpoint of HLS push: where it is, what it wants to see, whom to trust, what objects are called.

use super::keys::key;
use crate::document::{Key, Kind, Need, Shape};

static WORD_OF_COMMAND: Kind = Kind::Text(1000);
static HEADER: Kind = Kind::Text(1000);
static FILE: Kind = Kind::Path;
static CREDENTIAL: Kind = Kind::Text(100);

pub(super) const URL: Key = key(
    "url",
    Kind::Url(&["http", "https", "s3", "gs", "az"]),
    Need::Required("\"https://origin.example/live/\""),
    "Base; `<channel>/multivariant.m3u8` and the directories of renditions go below it. Buckets: `s3://bucket/prefix/`, `gs://bucket/prefix/` (Google), `az://container/prefix/` (Azure)",
);

pub(super) const STORE: Key = key(
    "store",
    Kind::Word(&[
        ("origin", "PUT; directories come about by themselves"),
        ("webdav", "PUT; directories are made by MKCOL (RFC 4918)"),
    ]),
    Need::Default("\"origin\""),
    "What receives, at `http` and `https`",
);

pub(super) const ENDPOINT: Key = key(
    "endpoint",
    Kind::Url(&["http", "https"]),
    Need::Optional,
    "Where a bucket is, if not at Amazon, Google or Microsoft: `https://minio.example:9000`; for Azure with the account, if that is part of the path",
);

pub(super) const REGION: Key =
    key("region", Kind::Text(60), Need::Default("\"us-east-1\""), "Region of an S3 bucket; part of what is signed");

pub(super) const ADDRESSING: Key = key(
    "addressing",
    Kind::Word(&[("path", "`https://endpoint/bucket/…`"), ("virtual-host", "`https://bucket.endpoint/…`")]),
    Need::Default("\"path\""),
    "How an S3 bucket is addressed",
);

pub(super) const ACCESS_KEY_ID: Key =
    key("access_key_id", Kind::Text(128), Need::Optional, "Of an S3 bucket: the public half of its key");

pub(super) const ACCOUNT: Key =
    key("account", Kind::Text(63), Need::Optional, "Of an Azure container: the storage account");

pub(super) const SECRET_KEY_FILE: Key = key(
    "secret_key_file",
    Kind::Path,
    Need::Optional,
    "File that holds the secret access key (S3) or the account's key (Azure)",
);

pub(super) const SECRET_KEY_CREDENTIAL: Key = key(
    "secret_key_credential",
    Kind::Text(100),
    Need::Optional,
    "The same as a systemd credential (`LoadCredential=`)",
);

pub(super) const SERVICE_ACCOUNT_FILE: Key = key(
    "service_account_file",
    Kind::Path,
    Need::Optional,
    "Of a Google bucket: the key file of a service account (JSON)",
);

pub(super) const SERVICE_ACCOUNT_CREDENTIAL: Key = key(
    "service_account_credential",
    Kind::Text(100),
    Need::Optional,
    "The same as a systemd credential (`LoadCredential=`)",
);

pub(super) const AUTH: Key = key(
    "auth",
    Kind::Word(&[
        ("bearer", "the token in a header (RFC 6750)"),
        ("query", "the token in the query of every address"),
        ("basic", "`user` and password (RFC 7617)"),
        ("signed-url", "expiry and signature in the query of every address"),
    ]),
    Need::Default("\"bearer\""),
    "What an origin wants to see. `bearer` without a token: nothing",
);

pub(super) const TOKEN_FILE: Key = key(
    "token_file",
    Kind::Path,
    Need::Optional,
    "File that holds the token, as one line or as JSON with `access_token`; read again when it changes. For S3: a temporary key as JSON, with `AccessKeyId`, `SecretAccessKey`, `SessionToken`",
);

pub(super) const TOKEN_CREDENTIAL: Key =
    key("token_credential", Kind::Text(100), Need::Optional, "The token as a systemd credential (`LoadCredential=`)");

pub(super) const TOKEN_COMMAND: Key = key(
    "token_command",
    Kind::List(&WORD_OF_COMMAND),
    Need::Optional,
    "Program and arguments that print the token, as one line or as JSON with `access_token` and `expires_in`. Run without a shell and with an empty environment, for at most 10 s; again before the token expires, every 5 min if that is not known, and when the token is refused",
);

pub(super) const TOKEN_URL: Key = key(
    "token_url",
    Kind::Url(&["http", "https"]),
    Need::Optional,
    "Token endpoint (OAuth 2.0 client credentials, RFC 6749 section 4.4); asked before the token expires and when it is refused",
);

pub(super) const CLIENT_ID: Key = key("client_id", Kind::Text(300), Need::Optional, "Client at the token endpoint");

pub(super) const CLIENT_SECRET_FILE: Key =
    key("client_secret_file", Kind::Path, Need::Optional, "File that holds the client's secret");

pub(super) const CLIENT_SECRET_CREDENTIAL: Key = key(
    "client_secret_credential",
    Kind::Text(100),
    Need::Optional,
    "The same as a systemd credential (`LoadCredential=`)",
);

pub(super) const SCOPE: Key = key(
    "scope",
    Kind::Text(500),
    Need::Optional,
    "What the token shall be good for, if the token endpoint wants that said",
);

pub(super) const AUDIENCE: Key = key(
    "audience",
    Kind::Text(500),
    Need::Optional,
    "Whom the token shall be good for, if the token endpoint wants that said",
);

pub(super) const TOKEN_PARAMETER: Key =
    key("token_parameter", Kind::Text(60), Need::Default("\"token\""), "The parameter's name for `auth = \"query\"`");

pub(super) const USER: Key = key("user", Kind::Text(200), Need::Optional, "User for `auth = \"basic\"`");

pub(super) const PASSWORD_FILE: Key =
    key("password_file", Kind::Path, Need::Optional, "File that holds the password for `auth = \"basic\"`");

pub(super) const PASSWORD_CREDENTIAL: Key =
    key("password_credential", Kind::Text(100), Need::Optional, "The same as a systemd credential (`LoadCredential=`)");

pub(super) const SIGNING_KEY_FILE: Key = key(
    "signing_key_file",
    Kind::Path,
    Need::Optional,
    "File that holds the key for `auth = \"signed-url\"`. Added to each address are `expires` (seconds since 1970) and `signature`: HMAC-SHA256 in hexadecimal over method, path and expiry, each on a line",
);

pub(super) const SIGNING_KEY_CREDENTIAL: Key = key(
    "signing_key_credential",
    Kind::Text(100),
    Need::Optional,
    "The same as a systemd credential (`LoadCredential=`)",
);

pub(super) const SIGNATURE_VALID: Key =
    key("signature_valid", Kind::Span, Need::Default("\"5min\""), "How long a signature is good for; 10 s to 1 d");

pub(super) const HEADERS: Key =
    key("headers", Kind::Names(&HEADER), Need::Optional, "Headers of every request to an origin");

pub(super) const HEADER_FILES: Key = key(
    "header_files",
    Kind::Names(&FILE),
    Need::Optional,
    "Headers whose values are secrets, each by the file that holds it",
);

pub(super) const HEADER_CREDENTIALS: Key = key(
    "header_credentials",
    Kind::Names(&CREDENTIAL),
    Need::Optional,
    "The same, each by its systemd credential (`LoadCredential=`)",
);

pub(super) const CA_FILE: Key = key(
    "ca_file",
    Kind::Path,
    Need::Optional,
    "The only authorities that are trusted for it, PEM; those of the box if missing",
);

pub(super) const CLIENT_CERTIFICATE_FILE: Key = key(
    "client_certificate_file",
    Kind::Path,
    Need::Optional,
    "Certificate chain of this box, PEM, where the receiver wants one",
);

pub(super) const CLIENT_KEY_FILE: Key =
    key("client_key_file", Kind::Path, Need::Optional, "The key of `client_certificate_file`, PEM");

pub(super) const CLIENT_KEY_CREDENTIAL: Key = key(
    "client_key_credential",
    Kind::Text(100),
    Need::Optional,
    "The same as a systemd credential (`LoadCredential=`)",
);

pub(super) const PATHS: Key = key(
    "paths",
    Kind::Text(300),
    Need::Default("\"{channel}/{rendition}/{name}\""),
    "What objects are called below `url`. Also known are `{date}` and `{hour}`, of a segment's start in UTC; playlists and initialisations, which have none, lie where the template leads without those elements",
);

pub(super) const OLD_OBJECTS: Key = key(
    "old_objects",
    Kind::Word(&[("keep", "they stay"), ("delete", "they are deleted, behind everything else")]),
    Need::Default("\"keep\""),
    "What becomes of segments that have left the playlist",
);

pub(super) const DELETE_AFTER: Key = key(
    "delete_after",
    Kind::Span,
    Need::Default("\"1h\""),
    "How long after that, for `old_objects = \"delete\"`; at least as long as a player may still ask for them",
);

pub(super) const PARTS: Key = key(
    "parts",
    Kind::Truth,
    Need::Default("true"),
    "Whether it gets the parts of a low-latency stream class: some requests a second for each rendition. `false` for a bucket that charges for each; it has whole segments then",
);

pub(super) const BACKFILL_SHARE: Key = key(
    "backfill_share",
    Kind::Integer(1, 100, "percent"),
    Need::Default("50"),
    "Most that backfill takes of the measured upload rate while there is a live edge to deliver. It stands still while a segment of the live edge is under way. 100: it takes what it can get",
);

pub(super) const RATE: Key =
    key("rate", Kind::Table(&RATE_SHAPE), Need::Optional, "What is done when the line cannot carry the ladder");

static RATE_SHAPE: Shape = Shape::plain(
    "What is done when the line cannot carry the ladder. An interruption, however long, does not count.",
    &[
        key(
            "when_slow",
            Kind::Word(&[
                (
                    "drop_renditions",
                    "renditions are left out, the highest first, and players are told to take another; sound always goes",
                ),
                ("wait", "everything waits in the spool: players fall behind"),
            ]),
            Need::Default("\"drop_renditions\""),
            "What is done",
        ),
        key(
            "enter_ms",
            Kind::Integer(1000, 600_000, "milliseconds"),
            Need::Default("10000"),
            "How long the line must be too slow before a rendition is left out; never less than four segment durations",
        ),
        key(
            "clear_ms",
            Kind::Integer(1000, 3_600_000, "milliseconds"),
            Need::Default("60000"),
            "How long it must have been good for one more, with a fifth to spare, before that comes back",
        ),
        key(
            "backfill_dropped",
            Kind::Truth,
            Need::Default("false"),
            "Whether segments of a rendition that is left out are delivered behind everything else; else they are skipped",
        ),
    ],
);

/// The keys of an endpoint, and those that are given. A slice of constants cannot be put together in another way.
macro_rules! upload_keys {
    ($($more:expr),* $(,)?) => {
        &[
            $crate::config::upload_keys::URL,
            $crate::config::upload_keys::PARTS,
            $crate::config::upload_keys::BACKFILL_SHARE,
            $crate::config::upload_keys::RATE,
            $crate::config::upload_keys::STORE,
            $crate::config::upload_keys::ENDPOINT,
            $crate::config::upload_keys::REGION,
            $crate::config::upload_keys::ADDRESSING,
            $crate::config::upload_keys::ACCESS_KEY_ID,
            $crate::config::upload_keys::ACCOUNT,
            $crate::config::upload_keys::SECRET_KEY_FILE,
            $crate::config::upload_keys::SECRET_KEY_CREDENTIAL,
            $crate::config::upload_keys::SERVICE_ACCOUNT_FILE,
            $crate::config::upload_keys::SERVICE_ACCOUNT_CREDENTIAL,
            $crate::config::upload_keys::AUTH,
            $crate::config::upload_keys::TOKEN_FILE,
            $crate::config::upload_keys::TOKEN_CREDENTIAL,
            $crate::config::upload_keys::TOKEN_COMMAND,
            $crate::config::upload_keys::TOKEN_URL,
            $crate::config::upload_keys::CLIENT_ID,
            $crate::config::upload_keys::CLIENT_SECRET_FILE,
            $crate::config::upload_keys::CLIENT_SECRET_CREDENTIAL,
            $crate::config::upload_keys::SCOPE,
            $crate::config::upload_keys::AUDIENCE,
            $crate::config::upload_keys::TOKEN_PARAMETER,
            $crate::config::upload_keys::USER,
            $crate::config::upload_keys::PASSWORD_FILE,
            $crate::config::upload_keys::PASSWORD_CREDENTIAL,
            $crate::config::upload_keys::SIGNING_KEY_FILE,
            $crate::config::upload_keys::SIGNING_KEY_CREDENTIAL,
            $crate::config::upload_keys::SIGNATURE_VALID,
            $crate::config::upload_keys::HEADERS,
            $crate::config::upload_keys::HEADER_FILES,
            $crate::config::upload_keys::HEADER_CREDENTIALS,
            $crate::config::upload_keys::CA_FILE,
            $crate::config::upload_keys::CLIENT_CERTIFICATE_FILE,
            $crate::config::upload_keys::CLIENT_KEY_FILE,
            $crate::config::upload_keys::CLIENT_KEY_CREDENTIAL,
            $crate::config::upload_keys::PATHS,
            $crate::config::upload_keys::OLD_OBJECTS,
            $crate::config::upload_keys::DELETE_AFTER,
            $($more,)*
        ]
    };
}
pub(super) use upload_keys;
