//! What admins do with users, sessions and tokens, and everybody with their own.

use std::collections::BTreeMap;

use super::accounts::{self, BadEntry, NewToken, SessionView, Token, TokenView, UserChange, UserView};
use super::caller::Caller;
use super::chance;
use super::password::Hashed;
use super::porter::{Access, Denied, now};
use super::registry::Conflict;
use super::role::Role;
use crate::model::Secret;

impl Access {
    /// All users.
    pub fn users(&self) -> Result<Vec<UserView>, Denied> {
        self.look(|registry| registry.users())
    }

    /// One user.
    pub fn user(&self, name: &str) -> Result<UserView, Denied> {
        let user = self.look(|registry| registry.user(name).map(|user| user.view()))?;
        Ok(user.ok_or_else(|| Conflict::NoUser(name.to_owned()))?)
    }

    /// Adds a user.
    pub async fn add_user(&self, name: &str, password: Secret, role: Role) -> Result<UserView, Denied> {
        let user = self.made(name, password, role).await?;
        let view = user.view();
        self.change(|registry| Ok((registry.add_user(user)?, ()))).await?;
        self.no_more_first();
        Ok(view)
    }

    /// Changes a user, whose sessions end: before, and after.
    pub async fn change_user(&self, name: &str, change: UserChange) -> Result<(UserView, UserView), Denied> {
        let before = self.user(name)?;
        let password = match change.password {
            Some(password) => {
                accounts::password(&password, name)?;
                Some(self.hashing(move || Hashed::of(&password)).await?)
            }
            None => None,
        };
        let changed = |user: &mut accounts::User| {
            user.role = change.role.unwrap_or(user.role);
            user.disabled = change.disabled.unwrap_or(user.disabled);
            if let Some(password) = password {
                user.password = password;
            }
        };
        self.change(|registry| Ok((registry.change_user(name, None, changed)?, ()))).await?;
        Ok((before, self.user(name)?))
    }

    /// Removes a user and ends its sessions.
    pub async fn remove_user(&self, name: &str) -> Result<UserView, Denied> {
        let before = self.user(name)?;
        self.change(|registry| Ok((registry.remove_user(name)?, ()))).await?;
        Ok(before)
    }

    /// Somebody who is logged in takes another password; its other sessions end.
    pub async fn change_password(&self, caller: &Caller, current: Secret, new: Secret) -> Result<(), Denied> {
        let Some(session) = caller.session() else { return Err(Denied::LoginRequired) };
        let name = caller.name.as_str();
        let known = self.look(|registry| registry.user(name).map(|user| user.password.clone()))?;
        let known = known.ok_or(Denied::Wrong)?;
        self.proven(name, &caller.via, known, current).await?;
        self.forget_tries(name, &caller.via);
        accounts::password(new.reveal(), name)?;
        let hashed = self.hashing(move || Hashed::of(new.reveal())).await?;
        let changed = |user: &mut accounts::User| user.password = hashed;
        self.change(|registry| Ok((registry.change_user(name, Some(session), changed)?, ()))).await
    }

    /// Ends the session of who asks.
    pub async fn logout(&self, caller: &Caller) -> Result<(), Denied> {
        let Some(session) = caller.session() else { return Ok(()) };
        self.change(|registry| Ok((registry.end_session(session, None)?, ()))).await
    }

    /// The sessions of who asks; of everybody, for an admin.
    pub fn sessions(&self, caller: &Caller) -> Result<Vec<SessionView>, Denied> {
        let mut sessions = self.look(|registry| registry.sessions(whose(caller), caller.session(), now()))?;
        sessions.iter_mut().for_each(|session| session.connected = self.streams_of(&session.id));
        Ok(sessions)
    }

    /// How many are logged in, by role; none if that cannot be looked at.
    pub fn sessions_by_role(&self) -> BTreeMap<Role, usize> {
        self.look(|registry| registry.sessions_by_role(now())).unwrap_or_default()
    }

    /// Ends a session: one's own, or anybody's for an admin.
    pub async fn end_session(&self, caller: &Caller, id: &str) -> Result<(), Denied> {
        self.change(|registry| Ok((registry.end_session(id, whose(caller))?, ()))).await
    }

    /// All tokens.
    pub fn tokens(&self) -> Result<Vec<TokenView>, Denied> {
        self.look(|registry| registry.tokens())
    }

    /// Makes a token: what it is, and its text, which is never shown again.
    pub async fn make_token(&self, caller: &Caller, new: NewToken) -> Result<(TokenView, Secret), Denied> {
        let now = now();
        let name = accounts::name(&new.name)?;
        let mut scopes = new.scopes;
        scopes.sort();
        scopes.dedup();
        if new.role.is_none() && scopes.is_empty() {
            return Err(BadEntry::Token("a token needs a role, a scope, or both").into());
        }
        if new.expires.is_some_and(|expires| expires <= now) {
            return Err(BadEntry::Token("the token would be expired already").into());
        }
        let (id, secret) = (chance::id()?, chance::secret()?);
        let token = Token {
            id: id.clone(),
            name,
            digest: chance::digest(&secret),
            role: new.role,
            scopes,
            created: now,
            created_by: caller.name.clone(),
            expires: new.expires,
            used: None,
        };
        let view = token.view();
        self.change(|registry| Ok((registry.add_token(token, now)?, ()))).await?;
        Ok((view, Secret::new(format!("upl_{id}_{secret}"))))
    }

    /// Revokes a token.
    pub async fn remove_token(&self, id: &str) -> Result<(), Denied> {
        self.change(|registry| Ok((registry.remove_token(id)?, ()))).await
    }
}

/// Whose sessions somebody sees: nobody has the name "", everybody's if none.
fn whose(caller: &Caller) -> Option<&str> {
    match (caller.may(Role::Admin), caller.session()) {
        (true, _) => None,
        (false, Some(_)) => Some(caller.name.as_str()),
        // A token or a user of this box may be called like a user.
        (false, None) => Some(""),
    }
}
