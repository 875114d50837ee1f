//! How objects get to an endpoint of HLS push: keys of one table → [`Upload`].

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::Findings;
use super::access;
use super::address::{self, is_loopback};
use super::files::Base;
use super::secrets::{self, Credentials, Rule};
use crate::document::{Faults, Placed, Section};
use crate::model::path_template::{PathTemplate, Placed as Object};
use crate::model::upload::{Access, Identity, StoreKind, TokenSource, Trust, Upload};
use crate::model::{ChannelId, LinePolicy, Secret, WhenSlow};

/// Keys that mean nothing at an origin.
const OF_BUCKETS: &[&str] = &[
    "endpoint",
    "region",
    "addressing",
    "access_key_id",
    "account",
    "secret_key_file",
    "secret_key_credential",
    "service_account_file",
    "service_account_credential",
];

/// Keys that mean nothing at a bucket.
const OF_ORIGINS: &[&str] = &[
    "store",
    "auth",
    "token_parameter",
    "user",
    "password_file",
    "password_credential",
    "signing_key_file",
    "signing_key_credential",
    "signature_valid",
    "headers",
    "header_files",
    "header_credentials",
];

/// Reads one endpoint. None if there is a fault, which is recorded.
pub(crate) fn read(
    section: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Option<(Url, Upload)> {
    let before = findings.faults.len();
    let placed = section.get::<Url>("url");
    // Everything is read, whatever the address is, so that all faults are told.
    let secure = Reader { section, base, credentials };
    let faults = &mut findings.faults;
    let (headers, trust, paths) = (secure.headers(faults), secure.trust(faults), secure.paths(faults));
    let delete_after_seconds = match section.value::<String>("old_objects").as_deref() {
        Some("delete") => section.value::<Duration>("delete_after").map(|after| after.as_secs()),
        _ => None,
    };
    let line = line(section);
    let placed = placed?;
    let access = access::read(&secure, placed.value.scheme(), findings);
    let store = store(section, placed.value.scheme());
    check_keys(section, placed.value.scheme(), &mut findings.faults);
    let fix = "use `token_file`, or `auth = \"basic\"`";
    let bare = address::without_credentials(section, "url", fix, &mut findings.faults);
    let url = bare.and_then(|bare| check_url(&bare, &mut findings.faults));
    if findings.faults.len() > before {
        return None;
    }
    let upload = Upload {
        store,
        access,
        headers: headers.into_iter().collect(),
        trust,
        paths: paths?,
        delete_after_seconds,
        whole_segments_only: section.value("parts") == Some(false),
        encryption: None,
        line: line?,
        audio: Vec::new(),
    };
    warn_of_plain_text(&placed, &upload, findings);
    Some((url?, upload))
}

/// How the line is shared, and what is done when it is too slow.
fn line(section: &Section<'_>) -> Option<LinePolicy> {
    let rate = section.table("rate")?;
    Some(LinePolicy {
        backfill_share: u8::try_from(section.value::<u32>("backfill_share")?).ok()?,
        when_slow: match rate.value::<String>("when_slow")?.as_str() {
            "wait" => WhenSlow::Wait,
            _ => WhenSlow::DropRenditions,
        },
        enter_ms: rate.value("enter_ms")?,
        clear_ms: rate.value("clear_ms")?,
        backfill_dropped: rate.value("backfill_dropped")?,
    })
}

/// Where the multivariant playlist of `channel` goes: what only one endpoint may write to.
pub(crate) fn target(url: &Url, upload: &Upload, channel: &ChannelId) -> String {
    let directory = upload.paths.path(Object { channel, rendition: None, name: "", start: None });
    let at = match &upload.store {
        StoreKind::S3 { endpoint: Some(at), .. }
        | StoreKind::Gcs { endpoint: Some(at) }
        | StoreKind::Azure { endpoint: Some(at), .. } => format!(" at {at}"),
        StoreKind::Azure { endpoint: None, account } => format!(" of {account}"),
        _ => String::new(),
    };
    format!("{url}{directory}{at}")
}

/// A table of keys, and what its secrets are read with.
pub(crate) struct Reader<'a, 'b> {
    pub(crate) section: &'b Section<'a>,
    pub(crate) base: &'b Base<'b>,
    pub(crate) credentials: &'b Credentials,
}

impl Reader<'_, '_> {
    /// `<name>_file` or `<name>_credential`.
    pub(crate) fn secret(&self, name: &str, rule: Rule, faults: &mut Faults) -> Option<Secret> {
        secrets::read(self.section, name, rule, self.base, self.credentials, faults)
    }

    fn headers(&self, faults: &mut Faults) -> Vec<(String, Secret)> {
        let mut headers = Vec::new();
        for (name, value) in self.section.names::<String>("headers") {
            if let Some(why) = bad_header(&name) {
                faults.add(&value.spot, why, "use another header");
            } else if !value.value.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
                faults.add(&value.spot, "is no value of a header: printable ASCII only", "remove what is not");
            }
            headers.push((name.to_ascii_lowercase(), Secret::new(value.value)));
        }
        for (name, secret) in
            secrets::read_table(self.section, "header", Rule::Password, self.base, self.credentials, faults)
        {
            if let Some(why) = bad_header(&name.value) {
                faults.add(&name.spot, why, "use another header");
            }
            headers.extend(secret.map(|secret| (name.value.to_ascii_lowercase(), secret)));
        }
        headers
    }

    /// Whom to trust in TLS, and who this box is.
    pub(crate) fn trust(&self, faults: &mut Faults) -> Trust {
        let mut file = |(name, credential): (&str, &str), what: &str| {
            let placed = secrets::place(self.section, (name, credential), self.base, self.credentials, faults)?;
            let path = placed.value;
            match std::fs::read_to_string(&path) {
                Ok(text) if text.contains("-----BEGIN ") && text.contains(what) => {}
                Ok(_) => {
                    let files = self.base.files;
                    files.absent(&placed.spot, format!("holds no {what} in PEM"), "name a PEM file", faults);
                }
                Err(error) => {
                    let why = format!("{}: cannot be read: {error}", path.display());
                    self.base.files.absent(&placed.spot, why, "name a file that this user may read", faults);
                }
            }
            Some(absolute(path))
        };
        let ca_file = file(("ca_file", ""), "CERTIFICATE-----");
        let certificate = file(("client_certificate_file", ""), "CERTIFICATE-----");
        let key = file(("client_key_file", "client_key_credential"), "PRIVATE KEY-----");
        let unseen = self.section.has("client_key_credential") && *self.credentials == Credentials::NotHere;
        let alone = match (&certificate, &key) {
            (Some(_), None) if !unseen => Some(("client_certificate_file", "client_key_file")),
            (None, Some(_)) => Some(("client_key_file", "client_certificate_file")),
            _ => None,
        };
        if let Some((one, other)) = alone {
            faults.add(&self.section.spot(one), format!("is of no use without `{other}`"), "give both or none");
        }
        let identity = certificate.zip(key).map(|(certificate_file, key_file)| Identity { certificate_file, key_file });
        Trust { ca_file, identity }
    }

    fn paths(&self, faults: &mut Faults) -> Option<PathTemplate> {
        let placed = self.section.get::<String>("paths")?;
        match placed.value.parse() {
            Ok(paths) => Some(paths),
            Err(fault) => {
                let fix = format!("write something like \"{}\"", PathTemplate::DEFAULT);
                faults.add(&placed.spot, format!("{fault}"), fix);
                None
            }
        }
    }
}

/// Why a header of this name cannot be set.
fn bad_header(name: &str) -> Option<&'static str> {
    const TAKEN: &[&str] = &[
        "authorization",
        "cache-control",
        "connection",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
    ];
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        return Some("is no name of a header (RFC 9110, section 5.1)");
    }
    TAKEN.contains(&name.to_ascii_lowercase().as_str()).then_some("is set by Uplink itself")
}

fn store(section: &Section<'_>, scheme: &str) -> StoreKind {
    let endpoint = section.value::<Url>("endpoint");
    match scheme {
        "s3" => StoreKind::S3 {
            endpoint,
            region: section.value("region").unwrap_or_default(),
            virtual_host: section.value::<String>("addressing").as_deref() == Some("virtual-host"),
        },
        "gs" => StoreKind::Gcs { endpoint },
        "az" => StoreKind::Azure { endpoint, account: section.value("account").unwrap_or_default() },
        _ if section.value::<String>("store").as_deref() == Some("webdav") => StoreKind::Webdav,
        _ => StoreKind::Origin,
    }
}

fn check_keys(section: &Section<'_>, scheme: &str, faults: &mut Faults) {
    let bucket = is_bucket(scheme);
    let (foreign, rule) = match bucket {
        true => (OF_ORIGINS, "is for origins (http, https), and this is a bucket"),
        false => (OF_BUCKETS, "is for buckets (s3, gs, az), and this is an origin"),
    };
    for name in foreign.iter().filter(|name| section.has(name)) {
        faults.add(&section.spot(name), rule, "remove it, or change `url`");
    }
    if scheme == "az" && !section.has("account") {
        faults.add(&section.spot("account"), "is missing: an Azure container is in a storage account", "name it");
    }
}

/// The address, ending with a slash.
fn check_url(placed: &Placed<Url>, faults: &mut Faults) -> Option<Url> {
    let mut url = placed.value.clone();
    if url.query().is_some() || url.fragment().is_some() {
        faults.add(&placed.spot, "must not have a ? or # part: file names are put behind it", "remove that part");
        return None;
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Some(url)
}

fn warn_of_plain_text(placed: &Placed<Url>, upload: &Upload, findings: &mut Findings) {
    let exposed = |url: &Url| url.scheme() == "http" && !is_loopback(url);
    if exposed(&placed.value) && !matches!(upload.access, Access::Open | Access::SignedUrl { .. }) {
        let what = match upload.access {
            Access::Basic { .. } => "carries the password unencrypted",
            _ => "carries the token unencrypted",
        };
        findings.warnings.add(&placed.spot, what, "use https");
    }
    if let Access::Token { source: TokenSource::Endpoint { url, .. } }
    | Access::Query { source: TokenSource::Endpoint { url, .. }, .. } = &upload.access
        && exposed(url)
    {
        findings.warnings.add(
            &placed.spot,
            "has a token endpoint that is asked unencrypted",
            "use https for `token_url`",
        );
    }
}

/// The worker reads it, from wherever it runs.
pub(crate) fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

fn is_bucket(scheme: &str) -> bool {
    matches!(scheme, "s3" | "gs" | "az")
}
