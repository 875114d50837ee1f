//! All users, sessions and tokens, in memory. Pure: time is passed in, and each change says what is to be kept of it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::accounts::{SESSIONS, Session, SessionView, TOKENS, Token, TokenView, USERS, User, UserView};
use super::chance;
use super::role::Role;
use crate::model::MediaTime;
use crate::store::{AccountChange, AccountPages};

const USER: &str = "user";
const SESSION: &str = "session";
const TOKEN: &str = "token";

/// When somebody was last seen is kept to this.
const SEEN: Duration = Duration::from_secs(60);

/// Why a change is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The name is taken.
    #[error("there is a user `{0}` already")]
    Exists(String),
    /// Not there.
    #[error("there is no user `{0}`")]
    NoUser(String),
    /// Not there.
    #[error("there is no session `{0}`")]
    NoSession(String),
    /// Not there.
    #[error("there is no token `{0}`")]
    NoToken(String),
    /// Nobody would be left to let others in.
    #[error("`{0}` is the last admin: make another one first")]
    LastAdmin(String),
    /// Someone was quicker.
    #[error("this box has users already: an admin makes more")]
    SetUp,
    /// Enough of them.
    #[error("{0} are the most that this box keeps: remove one first")]
    TooMany(usize),
}

/// What is to be kept.
pub(super) type Changes = Vec<AccountChange>;

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Registry {
    users: BTreeMap<String, User>,
    /// By the digest of what the cookie says.
    sessions: HashMap<String, Session>,
    tokens: BTreeMap<String, Token>,
}

impl Registry {
    /// What was kept. A row that nobody can read lets nobody in.
    pub(super) fn of(pages: AccountPages) -> Self {
        let mut registry = Self::default();
        for ((kind, id), document) in pages {
            match kind.as_str() {
                USER => registry.users.extend(read(&kind, &document).map(|user| (id, user))),
                SESSION => registry.sessions.extend(read(&kind, &document).map(|session| (id, session))),
                TOKEN => registry.tokens.extend(read(&kind, &document).map(|token| (id, token))),
                _ => {}
            }
        }
        registry
    }

    pub(super) fn has_users(&self) -> bool {
        !self.users.is_empty()
    }

    pub(super) fn user(&self, name: &str) -> Option<&User> {
        self.users.get(name)
    }

    pub(super) fn users(&self) -> Vec<UserView> {
        self.users.values().map(User::view).collect()
    }

    pub(super) fn add_user(&mut self, user: User) -> Result<Changes, Conflict> {
        if self.users.contains_key(&user.name) {
            return Err(Conflict::Exists(user.name));
        }
        if self.users.len() >= USERS {
            return Err(Conflict::TooMany(USERS));
        }
        let change = put(USER, &user.name, &user);
        self.users.insert(user.name.clone(), user);
        Ok(vec![change])
    }

    /// Whoever has the user's sessions has to log in again, but for the session `keep`.
    pub(super) fn change_user(
        &mut self,
        name: &str,
        keep: Option<&str>,
        change: impl FnOnce(&mut User),
    ) -> Result<Changes, Conflict> {
        let mut user = self.users.get(name).cloned().ok_or_else(|| Conflict::NoUser(name.to_owned()))?;
        let before = user.clone();
        change(&mut user);
        if is_admin(&before) && !is_admin(&user) && self.admins() == 1 {
            return Err(Conflict::LastAdmin(name.to_owned()));
        }
        let mut changes = vec![put(USER, name, &user)];
        self.users.insert(name.to_owned(), user);
        changes.extend(self.end_sessions(|session| session.user == name && Some(session.id.as_str()) != keep));
        Ok(changes)
    }

    pub(super) fn remove_user(&mut self, name: &str) -> Result<Changes, Conflict> {
        let user = self.users.get(name).ok_or_else(|| Conflict::NoUser(name.to_owned()))?;
        if is_admin(user) && self.admins() == 1 {
            return Err(Conflict::LastAdmin(name.to_owned()));
        }
        self.users.remove(name);
        let mut changes = vec![gone(USER, name)];
        changes.extend(self.end_sessions(|session| session.user == name));
        Ok(changes)
    }

    fn admins(&self) -> usize {
        self.users.values().filter(|user| is_admin(user)).count()
    }

    /// `secret` is what the cookie will say.
    pub(super) fn open_session(&mut self, secret: &str, session: Session) -> Changes {
        let now = session.created;
        let mut changes = self.end_sessions(|session| session.is_over(now));
        let mut own: Vec<(MediaTime, String)> = self
            .sessions
            .iter()
            .filter(|(_, other)| other.user == session.user)
            .map(|(digest, other)| (other.used, digest.clone()))
            .collect();
        own.sort();
        for (_, digest) in own.iter().take((own.len() + 1).saturating_sub(SESSIONS)) {
            self.sessions.remove(digest);
            changes.push(gone(SESSION, digest));
        }
        let digest = chance::digest(secret);
        changes.push(put(SESSION, &digest, &session));
        self.sessions.insert(digest, session);
        changes
    }

    /// The session of this cookie and its user, if both are good now; and what is to be kept of that it was used.
    pub(super) fn session(&mut self, secret: &str, now: MediaTime) -> Option<(Session, User, Option<AccountChange>)> {
        let digest = chance::digest(secret);
        let session = self.sessions.get_mut(&digest).filter(|session| !session.is_over(now))?;
        let user = self.users.get(&session.user).filter(|user| !user.disabled)?;
        let seen = now.since(session.used) >= SEEN;
        if seen {
            session.used = now;
        }
        let change = seen.then(|| put(SESSION, &digest, session));
        Some((session.clone(), user.clone(), change))
    }

    /// Whether the session of this public id is good.
    pub(super) fn is_session(&self, id: &str, now: MediaTime) -> bool {
        self.sessions.values().any(|session| session.id == id && !session.is_over(now))
    }

    /// Those of `user`, or all; the newest first.
    pub(super) fn sessions(&self, user: Option<&str>, own: Option<&str>, now: MediaTime) -> Vec<SessionView> {
        let wanted = self.sessions.values().filter(|session| !session.is_over(now));
        let wanted = wanted.filter(|session| user.is_none_or(|user| session.user == user));
        let mut views: Vec<SessionView> = wanted.map(|session| session.view(own)).collect();
        views.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
        views
    }

    /// How many sessions there are of each role.
    pub(super) fn sessions_by_role(&self, now: MediaTime) -> BTreeMap<Role, usize> {
        let mut counts =
            BTreeMap::from([Role::Viewer, Role::Operator, Role::Engineer, Role::Admin].map(|role| (role, 0)));
        let alive = self.sessions.values().filter(|session| !session.is_over(now));
        for user in alive.filter_map(|session| self.users.get(&session.user)) {
            *counts.entry(user.role).or_default() += 1;
        }
        counts
    }

    /// Ends the session of this public id; one of `user` if that is given.
    pub(super) fn end_session(&mut self, id: &str, user: Option<&str>) -> Result<Changes, Conflict> {
        let fits = |session: &Session| session.id == id && user.is_none_or(|user| session.user == user);
        match self.end_sessions(fits) {
            changes if changes.is_empty() => Err(Conflict::NoSession(id.to_owned())),
            changes => Ok(changes),
        }
    }

    fn end_sessions(&mut self, over: impl Fn(&Session) -> bool) -> Changes {
        let digests = self.sessions.iter().filter(|(_, session)| over(session)).map(|(digest, _)| digest.clone());
        let digests: Vec<String> = digests.collect();
        let end = |digest: &String| {
            self.sessions.remove(digest);
            gone(SESSION, digest)
        };
        digests.iter().map(end).collect()
    }

    pub(super) fn tokens(&self) -> Vec<TokenView> {
        self.tokens.values().map(Token::view).collect()
    }

    pub(super) fn add_token(&mut self, token: Token, now: MediaTime) -> Result<Changes, Conflict> {
        let over: Vec<String> = self.tokens.values().filter(|one| one.is_over(now)).map(|one| one.id.clone()).collect();
        if self.tokens.len() - over.len() >= TOKENS {
            return Err(Conflict::TooMany(TOKENS));
        }
        let mut changes = Changes::new();
        // Kept until there is need of room, so that people see what has expired.
        if self.tokens.len() >= TOKENS {
            over.iter().for_each(|id| drop(self.tokens.remove(id)));
            changes.extend(over.iter().map(|id| gone(TOKEN, id)));
        }
        changes.push(put(TOKEN, &token.id, &token));
        self.tokens.insert(token.id.clone(), token);
        Ok(changes)
    }

    pub(super) fn remove_token(&mut self, id: &str) -> Result<Changes, Conflict> {
        self.tokens.remove(id).ok_or_else(|| Conflict::NoToken(id.to_owned()))?;
        Ok(vec![gone(TOKEN, id)])
    }

    /// The token of `upl_<id>_<secret>`, if it is good now; and what is to be kept of that it was used.
    pub(super) fn token(&mut self, text: &str, now: MediaTime) -> Option<(Token, Option<AccountChange>)> {
        let (id, secret) = text.strip_prefix("upl_")?.split_once('_')?;
        let token = self.tokens.get_mut(id)?;
        if !chance::same(&chance::digest(secret), &token.digest) || token.is_over(now) {
            return None;
        }
        let seen = token.used.is_none_or(|used| now.since(used) >= SEEN);
        if seen {
            token.used = Some(now);
        }
        let change = seen.then(|| put(TOKEN, id, token));
        Some((token.clone(), change))
    }

    /// Whether the token of this id is good.
    pub(super) fn is_token(&self, id: &str, now: MediaTime) -> bool {
        self.tokens.get(id).is_some_and(|token| !token.is_over(now))
    }
}

fn is_admin(user: &User) -> bool {
    user.role == Role::Admin && !user.disabled
}

fn read<T: DeserializeOwned>(kind: &str, document: &str) -> Option<T> {
    // Its text may hold what nobody is to read in a log.
    let read = serde_json::from_str(document);
    read.inspect_err(|_| tracing::error!(kind, "a row of the database of users cannot be read and is left out")).ok()
}

fn put<T: Serialize>(kind: &str, id: &str, document: &T) -> AccountChange {
    ((kind.to_owned(), id.to_owned()), serde_json::to_string(document).ok())
}

fn gone(kind: &str, id: &str) -> AccountChange {
    ((kind.to_owned(), id.to_owned()), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::accounts::{IDLE, LIFETIME};
    use crate::access::password::Hashed;

    fn start() -> MediaTime {
        MediaTime::from_secs(1_790_000_000)
    }

    fn user(name: &str, role: Role) -> User {
        User { name: name.into(), role, password: Hashed::of_nobody(), created: start(), disabled: false }
    }

    fn session(id: &str, user: &str, at: MediaTime) -> Session {
        Session {
            id: id.into(),
            user: user.into(),
            created: at,
            used: at,
            from: "127.0.0.1".into(),
            agent: "test".into(),
        }
    }

    fn token(id: &str, secret: &str, expires: Option<MediaTime>) -> Token {
        Token {
            id: id.into(),
            name: "robot".into(),
            digest: chance::digest(secret),
            role: Some(Role::Operator),
            scopes: Vec::new(),
            created: start(),
            created_by: "ada".into(),
            expires,
            used: None,
        }
    }

    /// What the store holds after these changes.
    fn kept(pages: &mut AccountPages, changes: Changes) {
        for (key, document) in changes {
            match document {
                Some(document) => drop(pages.insert(key, document)),
                None => drop(pages.remove(&key)),
            }
        }
    }

    #[test]
    fn somebody_can_always_let_others_in() {
        let mut registry = Registry::default();
        registry.add_user(user("ada", Role::Admin)).unwrap();
        registry.add_user(user("bob", Role::Engineer)).unwrap();
        let last = Conflict::LastAdmin("ada".into());
        assert_eq!(registry.remove_user("ada").unwrap_err(), last);
        assert_eq!(registry.change_user("ada", None, |user| user.role = Role::Viewer).unwrap_err(), last);
        assert_eq!(registry.change_user("ada", None, |user| user.disabled = true).unwrap_err(), last);
        assert_eq!(registry.user("ada").map(|user| user.role), Some(Role::Admin), "a refused change changes nothing");
        registry.change_user("bob", None, |user| user.role = Role::Admin).unwrap();
        registry.remove_user("ada").unwrap();
        assert_eq!(registry.add_user(user("bob", Role::Viewer)).unwrap_err(), Conflict::Exists("bob".into()));
    }

    #[test]
    fn what_is_kept_is_what_is_known_and_holds_no_secret() {
        let (mut registry, mut pages) = (Registry::default(), AccountPages::new());
        kept(&mut pages, registry.add_user(user("ada", Role::Admin)).unwrap());
        kept(&mut pages, registry.open_session("cookie-canary", session("s1", "ada", start())));
        kept(&mut pages, registry.add_token(token("t1", "token-canary", None), start()).unwrap());
        let all = format!("{pages:?}");
        assert!(!all.contains("canary"), "{all}");
        let mut again = Registry::of(pages.clone());
        assert!(again.session("cookie-canary", start()).is_some());
        assert!(again.token("upl_t1_token-canary", start()).is_some());
        pages.insert(("user".into(), "eve".into()), "{}".into());
        assert!(Registry::of(pages).user("eve").is_none());
    }

    #[test]
    fn sessions_end_by_time_by_order_and_with_their_user() {
        let mut registry = Registry::default();
        registry.add_user(user("ada", Role::Admin)).unwrap();
        registry.add_user(user("bob", Role::Viewer)).unwrap();
        for (secret, id, name) in [("one", "s1", "ada"), ("two", "s2", "ada"), ("three", "s3", "bob")] {
            registry.open_session(secret, session(id, name, start()));
        }
        let counted: Vec<usize> = registry.sessions_by_role(start()).into_values().collect();
        assert_eq!(counted, [1, 0, 0, 2], "viewer, operator, engineer, admin");
        assert_eq!(registry.sessions_by_role(start() + LIFETIME)[&Role::Admin], 0, "they are over");
        assert!(registry.session("forged", start()).is_none() && registry.session("", start()).is_none());
        let (_, _, change) = registry.session("one", start() + Duration::from_secs(30)).unwrap();
        assert_eq!(change, None, "not every request is written");
        let later = start() + (IDLE - Duration::from_secs(1));
        assert!(registry.session("one", later).unwrap().2.is_some());
        assert!(registry.session("one", later + Duration::from_secs(60)).is_some(), "use prolongs it");
        assert!(registry.session("two", later + Duration::from_secs(60)).is_none());
        registry.end_session("s1", Some("bob")).unwrap_err();
        registry.end_session("s1", Some("ada")).unwrap();
        assert!(registry.session("one", later).is_none());
        assert!(registry.session("three", start()).is_some());
        registry.change_user("bob", None, |user| user.disabled = true).unwrap();
        assert!(registry.session("three", start()).is_none());
        assert!(!registry.is_session("s3", start()));
        registry.open_session("four", session("s4", "ada", start() + LIFETIME));
        assert_eq!(registry.sessions(None, Some("s4"), start() + LIFETIME).len(), 1);
    }

    #[test]
    fn a_changed_password_ends_the_other_sessions() {
        let mut registry = Registry::default();
        registry.add_user(user("ada", Role::Admin)).unwrap();
        registry.open_session("one", session("s1", "ada", start()));
        registry.open_session("two", session("s2", "ada", start()));
        registry.change_user("ada", Some("s2"), |_| {}).unwrap();
        assert!(registry.session("one", start()).is_none() && registry.session("two", start()).is_some());
    }

    #[test]
    fn the_oldest_session_makes_room() {
        let mut registry = Registry::default();
        registry.add_user(user("ada", Role::Admin)).unwrap();
        for n in 0..SESSIONS + 2 {
            let at = start() + Duration::from_secs(n as u64);
            registry.open_session(&format!("{n}"), session(&format!("s{n}"), "ada", at));
        }
        let now = start() + Duration::from_secs(60);
        assert_eq!(registry.sessions(Some("ada"), None, now).len(), SESSIONS);
        assert!(registry.session("1", now).is_none() && registry.session("2", now).is_some());
    }

    #[test]
    fn tokens_are_good_until_they_expire_or_are_revoked() {
        let mut registry = Registry::default();
        let expires = start() + Duration::from_secs(60);
        registry.add_token(token("t1", "secret", Some(expires)), start()).unwrap();
        for bad in ["", "upl_", "upl_t1", "upl_t1_", "upl_t1_Secret", "upl_t2_secret", "t1_secret", "upl_t1_secret "] {
            assert!(registry.token(bad, start()).is_none(), "{bad}");
        }
        assert!(registry.token("upl_t1_secret", start()).unwrap().1.is_some(), "its use is kept");
        assert!(registry.token("upl_t1_secret", expires).is_none() && !registry.is_token("t1", expires));
        registry.add_token(token("t2", "secret", None), start()).unwrap();
        registry.remove_token("t2").unwrap();
        assert!(registry.token("upl_t2_secret", start()).is_none());
        assert_eq!(registry.remove_token("t2").unwrap_err(), Conflict::NoToken("t2".into()));
    }
}
