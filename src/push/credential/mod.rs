//! The token of a destination: where it comes from, and that there is a good one when it is needed.
//!
//! Owns: one task per destination that fetches tokens, so that however many requests are refused, the source is asked
//! once. Must not: show a token to anything but the request it is for, nor hold up a request while there is a token that
//! may still be good.
//!
//! ```text
//!             fetched                  80 % of its life is over, or a request was refused
//!  none yet ───────────▶ have a token ────────────────────────────────────────────────▶ fetching
//!     │                      ▲  ▲                                                       │     │
//!     │ failed               │  └──────────────────── fetched ──────────────────────────┘     │ failed
//!     ▼                      │                                                                ▼
//!  trouble ── after a while: fetched                              trouble; the token is used until it expires
//! ```
//!
//! - A file is looked at once a second and read when it has changed; what it says is used from the next request on.
//! - A command and a token endpoint are asked again before the token expires, and when it was refused.
//! - Trouble says whose fault it is. It never holds a token, a secret or what a source has printed.

mod command;
mod endpoint;
mod file;
mod grant;
mod keeper;
mod source;

use std::fmt;
use std::sync::Arc;

use crate::model::upload::{TokenSource, Trust};
use crate::model::{Bearer, Secret};
use crate::policy::{HttpFailure, Vouching};

use super::store::StoreError;
pub(crate) use grant::temporary_key;
use keeper::Keeper;
use source::Source;

/// Why there is no (newer) token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenTrouble {
    /// What happened, without a full stop.
    pub(crate) text: String,
    /// Who has to see to it.
    pub(crate) vouching: Vouching,
}

impl TokenTrouble {
    /// Somebody has to correct the configuration, or what it names.
    pub(crate) fn set_up(text: impl Into<String>) -> Self {
        Self { text: text.into(), vouching: Vouching::SetUp }
    }

    /// The token endpoint or the way to it is away.
    pub(crate) fn away(text: impl Into<String>) -> Self {
        Self { text: text.into(), vouching: Vouching::Away }
    }
}

impl From<TokenTrouble> for HttpFailure {
    fn from(trouble: TokenTrouble) -> Self {
        Self::NoToken { cause: trouble.text, vouching: trouble.vouching }
    }
}

/// A token as it was when it was asked for.
#[derive(Clone)]
pub(crate) struct Token {
    secret: Secret,
    generation: u64,
}

impl Token {
    /// The token itself, for the request it is meant for.
    pub(crate) fn reveal(&self) -> &str {
        self.secret.reveal()
    }
}

impl From<Token> for Bearer {
    fn from(token: Token) -> Self {
        Self::new(token.secret, token.generation)
    }
}

impl From<Bearer> for Token {
    fn from(bearer: Bearer) -> Self {
        Self { secret: Secret::new(bearer.reveal()), generation: bearer.generation() }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token {}", self.generation)
    }
}

/// See the module's header. Cheap to clone; the last clone ends the task.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    /// It does not change.
    Fixed(Token),
    /// A task sees to it.
    Kept(Arc<Keeper>),
}

impl Credential {
    /// Sets the source to work. Needs a tokio runtime; `trust` is for a token endpoint.
    pub(crate) fn open(source: &TokenSource, trust: &Trust) -> Result<Self, StoreError> {
        if let TokenSource::Fixed { token } = source {
            return Ok(Self::Fixed(Token { secret: token.clone(), generation: 1 }));
        }
        Ok(Self::Kept(Arc::new(Keeper::start(Source::open(source, trust)?))))
    }

    /// The token to use now. Waits for the first one, and for one in place of one that has expired, but not longer than
    /// the source may take for one attempt.
    pub(crate) async fn current(&self) -> Result<Token, TokenTrouble> {
        match self {
            Self::Fixed(token) => Ok(token.clone()),
            Self::Kept(keeper) => keeper.current().await,
        }
    }

    /// `refused` was refused: the token that the source gives instead, none if it gives the same.
    pub(crate) async fn newer_than(&self, refused: &Token) -> Result<Option<Token>, TokenTrouble> {
        match self {
            Self::Fixed(_) => Ok(None),
            Self::Kept(keeper) => keeper.newer_than(refused.generation).await,
        }
    }

    /// Grows with each new token.
    pub(crate) fn generation(&self) -> u64 {
        match self {
            Self::Fixed(token) => token.generation,
            Self::Kept(keeper) => keeper.generation(),
        }
    }

    /// Why the last attempt to get a token failed, if it did.
    pub(crate) fn trouble(&self) -> Option<TokenTrouble> {
        match self {
            Self::Fixed(_) => None,
            Self::Kept(keeper) => keeper.trouble(),
        }
    }
}
