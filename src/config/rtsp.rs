//! `kind = "rtsp"`: which camera is asked, and how.

use super::checked::SourceKind;
use super::files::Base;
use super::secrets::{self, Credentials, Rule};
use super::{Findings, address};
use crate::document::Section;

pub(crate) fn read(
    section: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Option<SourceKind> {
    let faults = &mut findings.faults;
    let before = faults.len();
    let password = secrets::read(section, "password", Rule::Password, base, credentials, faults);
    let user = section.value::<String>("user");
    let asked = ["password_file", "password_credential"].into_iter().find(|name| section.has(name));
    if let (Some(asked), None) = (asked, &user) {
        faults.add(&section.spot(asked), "stands without `user`", "add `user = \"…\"`");
    }
    let fix = "write `user = \"…\"` and `password_file = \"…\"`";
    let url = address::without_credentials(section, "url", fix, faults)?;
    let udp = section.value::<String>("transport")? == "udp";
    let latency_ms = section.value("latency_ms")?;
    (faults.len() == before).then_some(SourceKind::Rtsp { url: url.value, user, password, udp, latency_ms })
}
