//! How objects are uploaded to what receives them: its kind, what it wants to see, whom to trust, and what becomes of
//! old objects. Written by a technician, carried by the plan, used by `push`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

use super::encryption::{Encryption, EncryptionMethod};
use super::id::RenditionId;
use super::line::LinePolicy;
use super::path_template::PathTemplate;
use super::secret::Secret;

/// All that an upload needs beside the address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// What receives.
    #[serde(default)]
    pub store: StoreKind,
    /// What it wants to see.
    #[serde(default)]
    pub access: Access,
    /// Headers of every request, by name; a value may be a secret.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// Whom to trust in TLS, and who this box is.
    #[serde(default)]
    pub trust: Trust,
    /// What objects are called.
    #[serde(default)]
    pub paths: PathTemplate,
    /// How long a segment stays there after it has left the playlist, seconds; none: for ever.
    #[serde(default)]
    pub delete_after_seconds: Option<u64>,
    /// No parts of segments go there, also with low latency.
    #[serde(default)]
    pub whole_segments_only: bool,
    /// How segments are encrypted, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Box<Encryption>>,
    /// How the line is shared, and what is done when it is too slow.
    #[serde(default)]
    pub line: LinePolicy,
    /// Audio renditions that go there, the default first; all of the channel if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audio: Vec<RenditionId>,
}

impl Upload {
    /// An origin that wants `token`, and is otherwise as plain as can be.
    pub fn with_token(token: Secret) -> Self {
        Self { access: Access::Token { source: TokenSource::Fixed { token } }, ..Self::default() }
    }

    /// Whether parts of segments may go there. AES-128 begins anew with each object, so the parts of a segment would not
    /// be its bytes.
    pub fn takes_parts(&self) -> bool {
        let whole = |encryption: &Encryption| encryption.method == EncryptionMethod::Aes128;
        !self.whole_segments_only && !self.encryption.as_deref().is_some_and(whole)
    }
}

/// What receives. Buckets have their names in the address: `s3://bucket/prefix/`, `gs://…`, `az://container/…`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StoreKind {
    /// HTTP PUT; directories come about by themselves (DASH-IF Live Media Ingest, Interface-2).
    #[default]
    Origin,
    /// HTTP PUT; directories are made by MKCOL (RFC 4918).
    Webdav,
    /// S3 and its kin.
    S3 {
        /// Where it is; Amazon's in `region` if missing.
        endpoint: Option<Url>,
        /// Part of what is signed.
        region: String,
        /// The bucket is part of the host name instead of the path.
        virtual_host: bool,
    },
    /// Google Cloud Storage.
    Gcs {
        /// Where it is, if not at Google.
        endpoint: Option<Url>,
    },
    /// Azure Blob Storage.
    Azure {
        /// Where it is, if not at Microsoft; includes the account where that is part of the path.
        endpoint: Option<Url>,
        /// The storage account.
        account: String,
    },
}

/// What the receiver wants to see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Access {
    /// Nothing.
    #[default]
    Open,
    /// A token: Bearer (RFC 6750) at origins, Google and Microsoft; at S3 temporary credentials, as a JSON document with
    /// `AccessKeyId`, `SecretAccessKey` and `SessionToken`.
    Token {
        /// Where it comes from.
        source: TokenSource,
    },
    /// A token in the query of every address.
    Query {
        /// The parameter's name.
        parameter: String,
        /// Where it comes from.
        source: TokenSource,
    },
    /// User and password (RFC 7617).
    Basic {
        /// User.
        user: String,
        /// Password.
        password: Secret,
    },
    /// Each address carries its expiry and an HMAC-SHA256 over method, path and expiry.
    SignedUrl {
        /// Shared with the receiver.
        key: Secret,
        /// How long a signature is good for.
        valid_seconds: u32,
    },
    /// S3: an access key. Azure: the account's key; `id` is the account.
    Key {
        /// Its public half.
        id: String,
        /// Its secret half.
        secret: Secret,
    },
    /// Google: the key file of a service account.
    ServiceAccount {
        /// The file's content, JSON.
        key: Secret,
    },
}

/// Where a token comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TokenSource {
    /// It does not change.
    Fixed {
        /// The token.
        token: Secret,
    },
    /// A file, read again when it changes.
    File {
        /// Its path.
        path: PathBuf,
    },
    /// What a command prints. No shell is involved.
    Command {
        /// Program and arguments.
        command: Vec<String>,
    },
    /// An OAuth 2.0 token endpoint, asked with client credentials (RFC 6749, section 4.4).
    Endpoint {
        /// Its address.
        url: Url,
        /// Client.
        client_id: String,
        /// Its secret.
        client_secret: Secret,
        /// What the token shall be good for, if the endpoint wants that said.
        scope: Option<String>,
        /// Whom it shall be good for, if the endpoint wants that said.
        audience: Option<String>,
    },
}

/// Whom to trust in TLS, and who this box is. Paths, so that keys do not travel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    /// PEM: the only authorities that are trusted; those of the box if missing.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// PEM: certificate chain and key of this box, where the receiver wants them.
    #[serde(default)]
    pub identity: Option<Identity>,
}

/// A client certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// PEM: the chain, leaf first.
    pub certificate_file: PathBuf,
    /// PEM: its key.
    pub key_file: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_printed() {
        let secret = || Secret::new("hunter2");
        let endpoint = TokenSource::Endpoint {
            url: "https://id.example/token".parse().unwrap(),
            client_id: "uplink".to_owned(),
            client_secret: secret(),
            scope: None,
            audience: None,
        };
        for access in [
            Access::Token { source: TokenSource::Fixed { token: secret() } },
            Access::Query { parameter: "t".to_owned(), source: endpoint },
            Access::Basic { user: "u".to_owned(), password: secret() },
            Access::SignedUrl { key: secret(), valid_seconds: 60 },
            Access::Key { id: "i".to_owned(), secret: secret() },
            Access::ServiceAccount { key: secret() },
        ] {
            let headers = BTreeMap::from([("x-api-key".to_owned(), secret())]);
            let upload = Upload { access, headers, ..Upload::default() };
            assert!(!format!("{upload:?} {upload:#?}").contains("hunter2"), "{upload:?}");
            let there: Upload = serde_json::from_str(&serde_json::to_string(&upload).unwrap()).unwrap();
            assert_eq!(there, upload);
        }
    }
}
