//! Bearer tokens that may change, as whoever sends requests asks for them. Where they come from is said in
//! [`TokenSource`](super::upload::TokenSource).

use std::fmt;

use futures::future::BoxFuture;

use super::Secret;

/// A token as it was when it was asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer {
    secret: Secret,
    generation: u64,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoToken {
    /// What happened, without a full stop; never a secret.
    pub text: String,
    /// Whether it heals by itself: the source is away. Otherwise somebody has to correct what is configured.
    pub heals: bool,
}

/// Where tokens are to be had. Every answer is bounded.
pub trait Tokens: Send + Sync {
    /// The one to use now.
    fn current(&self) -> BoxFuture<'_, Result<Bearer, NoToken>>;

    /// What is to be used instead of one that was refused; none if there is no other.
    fn instead_of<'a>(&'a self, refused: &'a Bearer) -> BoxFuture<'a, Result<Option<Bearer>, NoToken>>;
}

impl Bearer {
    /// The `generation`th token of its source.
    pub fn new(secret: Secret, generation: u64) -> Self {
        Self { secret, generation }
    }

    /// The token itself, for the request it is meant for.
    pub fn reveal(&self) -> &str {
        self.secret.reveal()
    }

    /// Which of its source's tokens it is.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token {}", self.generation)
    }
}
