//! What an endpoint of HLS push wants to see: keys of one table → [`Access`].

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::Findings;
use super::secrets::{self, Rule};
use super::upload::{Reader, absolute};
use crate::document::Faults;
use crate::model::Secret;
use crate::model::upload::{Access, TokenSource};

/// Reads it for an address of this scheme. What is wrong is recorded.
pub(crate) fn read(reader: &Reader<'_, '_>, scheme: &str, findings: &mut Findings) -> Access {
    let faults = &mut findings.faults;
    let source = source(reader, scheme, faults);
    let key = reader.secret("secret_key", Rule::Password, faults);
    let account_key = reader.secret("service_account", Rule::ServiceAccount, faults);
    let access = match scheme {
        "s3" | "az" => bucket(reader, scheme, source, key, faults),
        "gs" => match (source, account_key) {
            (Some(source), None) => Some(Access::Token { source }),
            (None, Some(key)) => Some(Access::ServiceAccount { key }),
            _ => one_of(reader, "service_account_file", faults),
        },
        _ => origin(reader, source, faults),
    };
    access.unwrap_or_default()
}

fn bucket(
    reader: &Reader<'_, '_>,
    scheme: &str,
    source: Option<TokenSource>,
    key: Option<Secret>,
    faults: &mut Faults,
) -> Option<Access> {
    let name = if scheme == "s3" { "access_key_id" } else { "account" };
    let id = reader.section.value::<String>(name);
    match (source, id, key) {
        (Some(source), _, None) => Some(Access::Token { source }),
        (None, Some(id), Some(secret)) => Some(Access::Key { id, secret }),
        (None, None, Some(_)) if scheme == "s3" => {
            faults.add(&reader.section.spot(name), "is missing: a secret key goes with it", "name it");
            None
        }
        _ => one_of(reader, "secret_key_file", faults),
    }
}

/// Neither or both of two ways, unless a fault of one of them has been told.
fn one_of(reader: &Reader<'_, '_>, name: &str, faults: &mut Faults) -> Option<Access> {
    let given = |stem: &str| ["file", "credential"].iter().any(|kind| reader.section.has(&format!("{stem}_{kind}")));
    let key = given(name.trim_end_matches("_file"));
    let token = given("token") || reader.section.has("token_command") || reader.section.has("token_url");
    if key == token {
        let fix = format!("give `{name}`, or a token, but not both");
        faults.add(&reader.section.spot(name), "a bucket wants to see a key or a token", fix);
    }
    None
}

fn origin(reader: &Reader<'_, '_>, source: Option<TokenSource>, faults: &mut Faults) -> Option<Access> {
    let section = reader.section;
    let word = section.value::<String>("auth")?;
    let token = ["token_file", "token_credential", "token_command", "token_url"].iter().find(|name| section.has(name));
    if let (Some(name), "basic" | "signed-url") = (token, word.as_str()) {
        faults.add(&section.spot(name), format!("is of no use with `auth = \"{word}\"`"), "remove one of the two");
    }
    match word.as_str() {
        "basic" => {
            let password = reader.secret("password", Rule::Password, faults);
            let user = section.value::<String>("user");
            let given = section.has("password_file") || section.has("password_credential");
            if user.is_none() || !given {
                faults.add(&section.spot("auth"), "wants `user` and `password_file`", "give both");
            }
            Some(Access::Basic { user: user?, password: password? })
        }
        "query" => {
            if token.is_none() {
                faults.add(&section.spot("auth"), "wants a token", "give `token_file` or another source of one");
            }
            let placed = section.get::<String>("token_parameter")?;
            if !placed.value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b)) {
                faults.add(&placed.spot, "is no name of a parameter: letters, digits, _, - and .", "use another name");
            }
            Some(Access::Query { parameter: placed.value, source: source? })
        }
        "signed-url" => {
            let key = reader.secret("signing_key", Rule::Password, faults);
            if !section.has("signing_key_file") && !section.has("signing_key_credential") {
                faults.add(&section.spot("auth"), "wants `signing_key_file`", "give it");
            }
            let valid = section.get::<Duration>("signature_valid")?;
            if !(Duration::from_secs(10)..=Duration::from_secs(86_400)).contains(&valid.value) {
                faults.add(&valid.spot, "must be from 10 s to 1 d", "write something like \"5min\"");
            }
            let valid_seconds = u32::try_from(valid.value.as_secs()).ok()?;
            Some(Access::SignedUrl { key: key?, valid_seconds })
        }
        _ => source.map(|source| Access::Token { source }),
    }
}

/// Where the token comes from, if one is wanted.
pub(crate) fn source(reader: &Reader<'_, '_>, scheme: &str, faults: &mut Faults) -> Option<TokenSource> {
    let section = reader.section;
    let given: Vec<&str> = ["token_file", "token_credential", "token_command", "token_url"]
        .into_iter()
        .filter(|name| section.has(name))
        .collect();
    if let [first, second, ..] = given[..] {
        // Two of the first kind are told of where secrets are read.
        if second != "token_credential" {
            let rule = format!("cannot stand beside `{first}`");
            faults.add(&section.spot(second), rule, "keep one source of the token");
            return None;
        }
    }
    check_client(reader, faults);
    match *given.first()? {
        "token_command" => {
            let command =
                section.list::<String>("token_command").into_iter().map(|word| word.value).collect::<Vec<_>>();
            if command.is_empty() {
                faults.add(&section.spot("token_command"), "is empty", "name a program and its arguments");
            }
            Some(TokenSource::Command { command })
        }
        "token_url" => endpoint(reader, faults),
        "token_file" if given.len() == 1 => {
            let file = section.get::<PathBuf>("token_file")?;
            let path = reader.base.join(file.value);
            // It is read again by whoever uses it, and may come later.
            if let Err((why, fix)) = secrets::load(&path, Rule::Token) {
                reader.base.files.absent(&file.spot, format!("{}: {why}", path.display()), fix, faults)?;
            }
            Some(TokenSource::File { path: absolute(path) })
        }
        _ => {
            let rule = if scheme == "s3" { Rule::Token } else { Rule::BearerToken };
            reader.secret("token", rule, faults).map(|token| TokenSource::Fixed { token })
        }
    }
}

fn endpoint(reader: &Reader<'_, '_>, faults: &mut Faults) -> Option<TokenSource> {
    let section = reader.section;
    let client_secret = reader.secret("client_secret", Rule::Password, faults);
    let client_id = section.value::<String>("client_id");
    let given = section.has("client_secret_file") || section.has("client_secret_credential");
    if client_id.is_none() || !given {
        faults.add(&section.spot("token_url"), "wants `client_id` and `client_secret_file`", "give both");
    }
    Some(TokenSource::Endpoint {
        url: section.value::<Url>("token_url")?,
        client_id: client_id?,
        client_secret: client_secret?,
        scope: section.value("scope"),
        audience: section.value("audience"),
    })
}

/// What belongs to a token endpoint does not stand without one.
fn check_client(reader: &Reader<'_, '_>, faults: &mut Faults) {
    if reader.section.has("token_url") {
        return;
    }
    for name in ["client_id", "client_secret_file", "client_secret_credential", "scope", "audience"] {
        if reader.section.has(name) {
            faults.add(
                &reader.section.spot(name),
                "is of no use without `token_url`",
                "remove it, or give `token_url`",
            );
        }
    }
}
