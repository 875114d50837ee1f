//! `kind = "rtmp"`: who may publish to the box.

use std::net::SocketAddr;

use super::Findings;
use super::checked::SourceKind;
use super::files::Base;
use super::secrets::{self, Credentials, Rule};
use crate::document::Section;

pub(crate) fn read(
    section: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Option<SourceKind> {
    let faults = &mut findings.faults;
    let before = faults.len();
    let mut keys = Vec::from_iter(secrets::read(section, "stream_key", Rule::StreamKey, base, credentials, faults));
    keys.extend(secrets::read_list(section, "stream_key", Rule::StreamKey, base, credentials, faults));
    let named = ["stream_key_file", "stream_key_credential", "stream_key_files", "stream_key_credentials"];
    if !named.into_iter().any(|name| section.has(name) && !section.is_empty(name)) {
        let fix = "add `stream_key_file = \"…\"`, made for example with `openssl rand -hex 16`";
        faults.add(&section.spot("stream_key_file"), "must be given: whoever knows the key may publish", fix);
    }
    let app = section.get::<String>("app")?;
    if !app.value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b)) || app.value.ends_with('/') {
        faults.add(&app.spot, "is no application name", "use letters, digits, ., _ and -, such as \"live\"");
    }
    let listen = section.get::<SocketAddr>("listen")?;
    if listen.value.port() == 0 {
        faults.add(&listen.spot, "must name a port", "write for example \"0.0.0.0:1935\"");
    }
    let replace = section.value::<String>("on_second_publisher")? == "replace";
    (faults.len() == before).then_some(SourceKind::Rtmp { listen: listen.value, app: app.value, keys, replace })
}
