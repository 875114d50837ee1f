//! Users, sessions and tokens as they are kept, and as others see them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::password::{Hashed, LONG};
use super::role::{Role, Scope};
use crate::model::MediaTime;

/// A session that nobody uses ends.
pub const IDLE: Duration = Duration::from_secs(12 * 3600);
/// A session ends.
pub const LIFETIME: Duration = Duration::from_secs(7 * 86_400);
/// Sessions of one user; the one that was used least lately ends for the next.
pub const SESSIONS: usize = 20;
/// Tokens of the box.
pub const TOKENS: usize = 200;
/// Users of the box.
pub const USERS: usize = 500;

/// Who may log in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) password: Hashed,
    pub(super) created: MediaTime,
    #[serde(default)]
    pub(super) disabled: bool,
}

/// A user as others see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct UserView {
    /// Its name.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// Since when it is there.
    pub created: MediaTime,
    /// Whether it is kept from logging in.
    pub disabled: bool,
}

impl User {
    pub(super) fn view(&self) -> UserView {
        UserView { name: self.name.clone(), role: self.role, created: self.created, disabled: self.disabled }
    }
}

/// What is changed of a user; what is missing stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UserChange {
    /// What it may.
    pub role: Option<Role>,
    /// Whether it is kept from logging in.
    pub disabled: Option<bool>,
    /// A new password.
    pub password: Option<String>,
}

/// Somebody who has logged in. Kept by the digest of what the cookie says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) user: String,
    pub(super) created: MediaTime,
    pub(super) used: MediaTime,
    pub(super) from: String,
    pub(super) agent: String,
}

impl Session {
    pub(super) fn is_over(&self, now: MediaTime) -> bool {
        now.since(self.used) >= IDLE || now.since(self.created) >= LIFETIME
    }
}

/// A session as others see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SessionView {
    /// Names it; no secret.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// Since when.
    pub created: MediaTime,
    /// When it was last used, to the minute.
    pub last_used: MediaTime,
    /// When it ends at the latest.
    pub ends: MediaTime,
    /// From where it was opened.
    pub from: String,
    /// What the browser called itself then.
    pub agent: String,
    /// Whether it is the one that asks.
    pub own: bool,
    /// Event streams that it has open now: panels that show this box.
    #[serde(default)]
    pub connected: usize,
}

impl Session {
    pub(super) fn view(&self, own: Option<&str>) -> SessionView {
        SessionView {
            id: self.id.clone(),
            user: self.user.clone(),
            created: self.created,
            last_used: self.used,
            ends: (self.created + LIFETIME).min(self.used + IDLE),
            from: self.from.clone(),
            agent: self.agent.clone(),
            own: own == Some(self.id.as_str()),
            connected: 0,
        }
    }
}

/// What a machine shows for itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Token {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) digest: String,
    pub(super) role: Option<Role>,
    pub(super) scopes: Vec<Scope>,
    pub(super) created: MediaTime,
    pub(super) created_by: String,
    pub(super) expires: Option<MediaTime>,
    pub(super) used: Option<MediaTime>,
}

/// A token as others see it: never its secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TokenView {
    /// The middle of `upl_<id>_<secret>`.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it may; none if its scopes are all.
    pub role: Option<Role>,
    /// What it may beside.
    pub scopes: Vec<Scope>,
    /// Since when it is there.
    pub created: MediaTime,
    /// Who made it.
    pub created_by: String,
    /// Until when it is good; none for ever.
    pub expires: Option<MediaTime>,
    /// When it was last used, to the minute.
    pub last_used: Option<MediaTime>,
}

impl Token {
    pub(super) fn is_over(&self, now: MediaTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    pub(super) fn view(&self) -> TokenView {
        TokenView {
            id: self.id.clone(),
            name: self.name.clone(),
            role: self.role,
            scopes: self.scopes.clone(),
            created: self.created,
            created_by: self.created_by.clone(),
            expires: self.expires,
            last_used: self.used,
        }
    }
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// What it may.
    pub role: Option<Role>,
    /// What it may beside.
    pub scopes: Vec<Scope>,
    /// Until when it is good.
    pub expires: Option<MediaTime>,
}

/// Why a name or password is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEntry {
    /// Not a name.
    #[error("`{0}` is no name: 1 to 40 of a-z, 0-9, ., _ and -, beginning with a letter")]
    Name(String),
    /// Too short, too long, or what everybody tries first.
    #[error("{0}")]
    Password(&'static str),
    /// Of a token.
    #[error("{0}")]
    Token(&'static str),
}

/// The name as it is kept.
pub(super) fn name(text: &str) -> Result<String, BadEntry> {
    let name = text.trim().to_lowercase();
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    let good = (1..=40).contains(&name.len()) && name.bytes().all(fits) && name.as_bytes()[0].is_ascii_lowercase();
    // What was sent may be anything, and goes into logs.
    good.then_some(name).ok_or_else(|| BadEntry::Name(text.chars().filter(|c| !c.is_control()).take(40).collect()))
}

pub(super) fn password<'a>(text: &'a str, name: &str) -> Result<&'a str, BadEntry> {
    let length = text.chars().count();
    let plain = text.to_lowercase();
    let first = plain.chars().next();
    match () {
        () if length < *LONG.start() => Err(BadEntry::Password("a password has at least 10 characters")),
        () if length > *LONG.end() => Err(BadEntry::Password("a password has at most 200 characters")),
        () if plain.contains(name) && length < name.chars().count() + 6 => {
            Err(BadEntry::Password("the password is little more than the name"))
        }
        () if plain.chars().all(|c| Some(c) == first) => {
            Err(BadEntry::Password("the password is one character again and again"))
        }
        () => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_passwords_have_rules() {
        assert_eq!(name(" Ada.L-1 ").unwrap(), "ada.l-1");
        for bad in ["", "1a", "a b", "ada\n", "../etc", "é", "-a", &"a".repeat(41)] {
            let good = name(bad);
            assert!(good.is_err() || bad == "ada\n", "{bad}");
        }
        assert!(password("long enough to be one", "ada").is_ok());
        for bad in ["", "short", "aaaaaaaaaaaaaaa", "administrator1", &"ab".repeat(101)] {
            assert!(password(bad, "administrator").is_err(), "{bad}");
        }
    }

    #[test]
    fn sessions_and_tokens_end() {
        let (start, hour) = (MediaTime::from_secs(1_000_000), Duration::from_secs(3600));
        let at = |used| Session {
            id: "1".into(),
            user: "ada".into(),
            created: start,
            used,
            from: String::new(),
            agent: String::new(),
        };
        assert!(!at(start).is_over(start + hour * 11) && at(start).is_over(start + hour * 12), "idle");
        assert!(
            !at(start + hour * 160).is_over(start + hour * 167) && at(start + hour * 167).is_over(start + hour * 168)
        );
        assert!(!at(start + hour).is_over(start), "the clock was set back");
        assert_eq!(at(start).view(None).ends, start + hour * 12);
    }
}
