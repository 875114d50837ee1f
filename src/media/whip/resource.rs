//! What a server answers to an offer: where the session is, and how it may be reached (RFC 9725, 4.2 and 4.6).

use reqwest::header::{ETAG, HeaderMap, LINK, LOCATION};
use url::Url;

use crate::model::{IceServer, IceServers, Secret};

/// A session at the server.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Resource {
    /// Where to change and end it.
    pub(super) url: Url,
    /// Of its ICE session; without one the server takes no changes.
    pub(super) etag: Option<String>,
    /// STUN and TURN servers that it offers.
    pub(super) servers: IceServers,
}

impl Resource {
    /// Reads the headers of an answer from `base`. None without a usable Location.
    pub(super) fn read(base: &Url, headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let url = base.join(text(LOCATION)?).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        // A token must not leave its encryption.
        let url = (base.scheme() == "http" || url.scheme() == "https").then_some(url)?;
        let links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
        let servers = IceServers(links.flat_map(links_of).filter_map(|link| server(&link)).collect());
        Some(Self { url, etag: text(ETAG).map(str::to_owned), servers })
    }
}

/// A link (RFC 8288, 3): its target and its parameters.
struct Link {
    target: String,
    parameters: Vec<(String, String)>,
}

/// The links of one header: `<target>; name=value; name="value", <target>…`.
fn links_of(header: &str) -> Vec<Link> {
    split(header, ',').into_iter().filter_map(link).collect()
}

fn link(text: &str) -> Option<Link> {
    let mut parts = split(text, ';').into_iter();
    let target = parts.next()?.trim().strip_prefix('<')?.strip_suffix('>')?.to_owned();
    let parameter = |part: &str| {
        let (name, value) = part.split_once('=')?;
        let value = value.trim();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        Some((name.trim().to_ascii_lowercase(), value.replace("\\\"", "\"").replace("\\\\", "\\")))
    };
    Some(Link { target, parameters: parts.filter_map(parameter).collect() })
}

/// Cuts `text` at `at`, but not inside quotes or angle brackets.
fn split(text: &str, at: char) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut bracket, mut escaped) = (Vec::new(), 0, false, false, false);
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if !bracket => quoted = !quoted,
            '<' if !quoted => bracket = true,
            '>' if !quoted => bracket = false,
            character if character == at && !quoted && !bracket => {
                parts.push(&text[start..index]);
                start = index + character.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn server(link: &Link) -> Option<IceServer> {
    let of = |name: &str| link.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    // A link may have several relations.
    of("rel")?.split_ascii_whitespace().find(|rel| rel.eq_ignore_ascii_case("ice-server"))?;
    let user = of("username").map(str::to_owned);
    IceServer::read(&link.target, user, of("credential").map(Secret::new))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn read(headers: &[(&'static str, &str)]) -> Option<Resource> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        Resource::read(&Url::parse("https://whip.example/live/one?x=1").unwrap(), &map)
    }

    #[test]
    fn a_location_may_be_relative() {
        for (location, url) in [
            ("https://other.example/s/1", "https://other.example/s/1"),
            ("/s/1", "https://whip.example/s/1"),
            ("s/1", "https://whip.example/live/s/1"),
            ("//edge.example/s/1", "https://edge.example/s/1"),
        ] {
            assert_eq!(read(&[("location", location)]).unwrap().url.as_str(), url);
        }
        assert_eq!(read(&[("location", "s"), ("etag", "\"abc\"")]).unwrap().etag.unwrap(), "\"abc\"");
        for none in [&[][..], &[("location", "ftp://a/b")], &[("location", "http://whip.example/s")]] {
            assert_eq!(read(none), None);
        }
    }

    #[test]
    fn links_name_stun_and_turn_servers() {
        let resource = read(&[
            ("location", "s"),
            ("link", "<stun:stun.example>; rel=\"ice-server\", </style.css>; rel=stylesheet"),
            (
                "link",
                "<turn:turn.example:3479?transport=tcp>; rel=\"ice-server\"; username=\"a, user\"; \
                 credential=\"pa\\\"ss;word\"; credential-type=\"password\"",
            ),
            ("link", "<turn:none.example>; rel=\"ice-server\""),
            ("link", "garbage; rel=ice-server, <unclosed"),
        ])
        .unwrap();
        let turn = IceServer::Turn {
            host: "turn.example".into(),
            port: 3479,
            tcp: true,
            tls: false,
            user: "a, user".into(),
            password: Secret::new("pa\"ss;word"),
        };
        let stun = IceServer::Stun { host: "stun.example".into(), port: 3478 };
        assert_eq!(resource.servers.0, [stun, turn]);
    }
}
