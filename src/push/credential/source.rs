//! The sources of a token, asked in one way.

use std::time::Duration;

use crate::model::upload::{TokenSource, Trust};
use crate::push::store::StoreError;

use super::TokenTrouble;
use super::command;
use super::endpoint::TokenEndpoint;
use super::file::TokenFile;
use super::grant::Grant;

/// Where tokens come from.
pub(crate) enum Source {
    /// A file.
    File(TokenFile),
    /// What a command prints.
    Command(Vec<String>),
    /// An OAuth 2.0 token endpoint.
    Endpoint(Box<TokenEndpoint>),
    /// As a test says.
    #[cfg(test)]
    Script(Script),
}

impl Source {
    /// Sets it up; `trust` is for a token endpoint.
    pub(super) fn open(source: &TokenSource, trust: &Trust) -> Result<Self, StoreError> {
        Ok(match source {
            TokenSource::Fixed { .. } => return Err(StoreError::Unfit("a fixed token has no source".to_owned())),
            TokenSource::File { path } => Self::File(TokenFile::new(path.clone())),
            TokenSource::Command { command } => Self::Command(command.clone()),
            TokenSource::Endpoint { url, client_id, client_secret, scope, audience } => {
                let asked = [("scope", scope), ("audience", audience)];
                let asked = asked.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
                Self::Endpoint(Box::new(TokenEndpoint::new(url, client_id, client_secret, asked, trust)?))
            }
        })
    }

    /// Asks it. Bounded.
    pub(super) async fn fetch(&mut self) -> Result<Grant, TokenTrouble> {
        match self {
            Self::File(file) => file.read().await,
            Self::Command(command) => command::run(command).await,
            Self::Endpoint(endpoint) => endpoint.ask().await,
            #[cfg(test)]
            Self::Script(script) => script.next(),
        }
    }

    /// Ends when it may say something else now; never, if that cannot be known.
    pub(super) async fn changed(&mut self) {
        /// A file is looked at so often.
        const LOOK: Duration = Duration::from_secs(1);
        /// A command that has not said when its token expires: programs that print tokens know when to get a new one.
        const AGAIN: Duration = Duration::from_secs(300);
        match self {
            Self::File(file) => loop {
                tokio::time::sleep(LOOK).await;
                if file.has_changed().await {
                    return;
                }
            },
            Self::Command(_) => tokio::time::sleep(AGAIN).await,
            _ => std::future::pending().await,
        }
    }
}

#[cfg(test)]
type Say = Box<dyn FnMut(u32) -> Result<Grant, TokenTrouble> + Send>;

/// Answers by number of the question, from 1.
#[cfg(test)]
pub(crate) struct Script(u32, Say);

#[cfg(test)]
impl Script {
    pub(super) fn new(say: impl FnMut(u32) -> Result<Grant, TokenTrouble> + Send + 'static) -> Self {
        Self(0, Box::new(say))
    }

    fn next(&mut self) -> Result<Grant, TokenTrouble> {
        self.0 += 1;
        (self.1)(self.0)
    }
}
