//! Servers that help two sides to find each other: STUN tells the own public address, TURN relays.

use serde::{Deserialize, Serialize};
use url::Url;

use super::secret::Secret;

/// One server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "server", rename_all = "snake_case")]
pub enum IceServer {
    /// Tells the own public address.
    Stun {
        /// Name or address.
        host: String,
        /// UDP port.
        port: u16,
    },
    /// Relays.
    Turn {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
        /// Whether by TCP.
        tcp: bool,
        /// Whether encrypted.
        tls: bool,
        /// User.
        user: String,
        /// Password.
        password: Secret,
    },
}

/// Servers, configured or learned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceServers(pub Vec<IceServer>);

impl IceServer {
    /// Reads `stun:host[:port]` (RFC 7064) or `turn[s]:host[:port][?transport=udp|tcp]` (RFC 7065), which wants a user.
    pub fn read(uri: &str, user: Option<String>, password: Option<Secret>) -> Option<Self> {
        let (scheme, rest) = uri.split_once(':')?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let tls = matches!(scheme, "stuns" | "turns");
        let (host, port) = place_of(place, if tls { 5349 } else { 3478 })?;
        match scheme {
            "stun" => Some(Self::Stun { host, port }),
            "turn" | "turns" => {
                let tcp = tls || query.split('&').any(|part| part == "transport=tcp");
                Some(Self::Turn { host, port, tcp, tls, user: user?, password: password? })
            }
            _ => None,
        }
    }

    /// As webrtcbin wants it. Holds the password: not for a log.
    pub(crate) fn uri(&self) -> String {
        match self {
            Self::Stun { host, port } => format!("stun://{}:{port}", bracketed(host)),
            Self::Turn { host, port, tcp, tls, user, password } => {
                let scheme = if *tls { "turns" } else { "turn" };
                let transport = if *tcp { "tcp" } else { "udp" };
                let (user, password) = (escaped(user), escaped(password.reveal()));
                format!("{scheme}://{user}:{password}@{}:{port}?transport={transport}", bracketed(host))
            }
        }
    }
}

impl IceServers {
    /// Those of both, each once.
    pub(crate) fn with(&self, others: &Self) -> Self {
        let mut all = self.0.clone();
        for other in &others.0 {
            if !all.contains(other) {
                all.push(other.clone());
            }
        }
        Self(all)
    }
}

fn place_of(place: &str, port: u16) -> Option<(String, u16)> {
    // The URL parser knows about IPv6 and ports.
    let url = Url::parse(&format!("ice://{place}")).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some((host.to_owned(), url.port().unwrap_or(port)))
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// Everything that has a meaning in a URI as `%xx`.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_and_handed_on() {
        let read = |uri: &str| {
            let server = IceServer::read(uri, Some("1:u".into()), Some(Secret::new("p@/")));
            server.map(|server| server.uri())
        };
        for (uri, expected) in [
            ("stun:stun.example", "stun://stun.example:3478"),
            ("stun:192.0.2.1:19302", "stun://192.0.2.1:19302"),
            ("stun:[2001:db8::1]:99", "stun://[2001:db8::1]:99"),
            ("turn:t.example?transport=udp", "turn://1%3Au:p%40%2F@t.example:3478?transport=udp"),
            ("turn:t.example?transport=tcp", "turn://1%3Au:p%40%2F@t.example:3478?transport=tcp"),
            ("turns:t.example", "turns://1%3Au:p%40%2F@t.example:5349?transport=tcp"),
        ] {
            assert_eq!(read(uri).as_deref(), Some(expected), "{uri}");
        }
        for none in ["", "stun:", "http://a", "turn", "stun:a b:c"] {
            assert_eq!(read(none), None, "{none}");
        }
        assert_eq!(IceServer::read("turn:a", None, None), None, "without a user");
    }

    #[test]
    fn a_password_is_not_printed() {
        let server = IceServer::read("turn:a", Some("u".into()), Some(Secret::new("hunter2")));
        assert!(!format!("{server:?}").contains("hunter2"));
    }
}
