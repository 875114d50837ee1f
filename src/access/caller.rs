//! Who asks, and by which way.

use std::fmt;
use std::net::IpAddr;

use super::role::{Role, Scope};

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Peer {
    /// Nothing is known of it: it is trusted with nothing.
    #[default]
    Unknown,
    /// By TCP.
    Network(IpAddr),
    /// By the unix socket, as this user (SO_PEERCRED).
    Socket {
        /// Of the process that connected.
        uid: u32,
    },
}

/// The way a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Via {
    /// From where.
    pub peer: Peer,
    /// By TLS of this daemon.
    pub encrypted: bool,
}

impl Via {
    /// Whether the other end is on this box, as far as the connection shows: a proxy on this box is, too.
    pub fn is_local(&self) -> bool {
        match self.peer {
            Peer::Unknown => false,
            Peer::Network(ip) => ip.to_canonical().is_loopback(),
            Peer::Socket { .. } => true,
        }
    }

    /// Whether nobody on the way can read a password.
    pub fn is_private(&self) -> bool {
        self.encrypted || self.is_local()
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.peer {
            Peer::Unknown => f.write_str("unknown"),
            Peer::Network(ip) => write!(f, "{}", ip.to_canonical()),
            Peer::Socket { uid } => write!(f, "socket, uid {uid}"),
        }
    }
}

/// What a request shows for itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credentials<'a> {
    /// Nothing.
    None,
    /// `Authorization: Bearer …`.
    Bearer(&'a str),
    /// The session's cookie.
    Cookie(&'a str),
}

/// By what somebody is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// Everybody may everything here.
    Open,
    /// A session, by its public id.
    Session(String),
    /// A token, by its id.
    Token {
        /// The middle of `upl_<id>_<secret>`.
        id: String,
        /// What it may beside its role.
        scopes: Vec<Scope>,
    },
    /// The unix socket.
    Socket,
    /// An address that the configuration lets send OSC.
    Osc,
}

impl By {
    /// As in the audit log.
    pub fn as_str(&self) -> &'static str {
        match self {
            By::Open => "open",
            By::Session(_) => "session",
            By::Token { .. } => "token",
            By::Socket => "socket",
            By::Osc => "osc",
        }
    }
}

/// Who asks: what handlers and the audit log go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user's name, that of the token, or who it is on this box.
    pub name: String,
    /// What it may; none for a token that has scopes alone.
    pub role: Option<Role>,
    /// By what it is known.
    pub by: By,
    /// The way it came.
    pub via: Via,
}

impl Caller {
    /// Whether it may what `role` may.
    pub fn may(&self, role: Role) -> bool {
        self.role.is_some_and(|own| own >= role)
    }

    /// Whether it is a token with this scope.
    pub fn has(&self, scope: Scope) -> bool {
        matches!(&self.by, By::Token { scopes, .. } if scopes.contains(&scope))
    }

    /// The public id of its session, if it is known by one.
    pub fn session(&self) -> Option<&str> {
        match &self.by {
            By::Session(id) => Some(id),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_contain_those_before_them() {
        let caller = |role| Caller { name: "x".into(), role, by: By::Open, via: Via::default() };
        assert!(caller(Some(Role::Engineer)).may(Role::Operator) && !caller(Some(Role::Engineer)).may(Role::Admin));
        assert!(!caller(None).may(Role::Viewer));
    }

    #[test]
    fn local_is_loopback_or_the_socket_and_nothing_unknown() {
        let via = |peer| Via { peer, encrypted: false };
        assert!(via(Peer::Network("127.0.0.1".parse().unwrap())).is_local());
        assert!(via(Peer::Network("::ffff:127.0.0.1".parse().unwrap())).is_local());
        assert!(via(Peer::Socket { uid: 1000 }).is_private());
        assert!(!via(Peer::Network("192.0.2.7".parse().unwrap())).is_private());
        assert!(!Via::default().is_private());
    }
}
