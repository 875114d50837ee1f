//! What other kinds of delivery over HTTP take from here: tokens that are good when they are needed, and whom to trust.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use rustls::ClientConfig;

use super::credential::{Credential, TokenTrouble};
use super::store;
use crate::model::upload::{TokenSource, Trust};
use crate::model::{Bearer, NoToken, Tokens};
use crate::policy::Vouching;

/// Sets the source of a token to work, until the last clone is dropped. Needs a tokio runtime; `trust` is for a token
/// endpoint. A sentence if that cannot be.
pub fn tokens(source: &TokenSource, trust: &Trust) -> Result<Arc<dyn Tokens>, String> {
    let credential = Credential::open(source, trust).map_err(|error| error.to_string())?;
    Ok(Arc::new(Kept(credential)))
}

/// The TLS of a client that trusts whom `trust` says; `https` if that will be needed. Reads files.
pub fn tls_settings(trust: &Trust, https: bool) -> Result<ClientConfig, String> {
    store::settings(trust, https).map_err(|error| error.to_string())
}

struct Kept(Credential);

impl Tokens for Kept {
    fn current(&self) -> BoxFuture<'_, Result<Bearer, NoToken>> {
        async { self.0.current().await.map(Bearer::from).map_err(NoToken::from) }.boxed()
    }

    fn instead_of<'a>(&'a self, refused: &'a Bearer) -> BoxFuture<'a, Result<Option<Bearer>, NoToken>> {
        let newer = async {
            let newer = self.0.newer_than(&refused.clone().into()).await;
            newer.map(|newer| newer.map(Bearer::from)).map_err(NoToken::from)
        };
        newer.boxed()
    }
}

impl From<TokenTrouble> for NoToken {
    fn from(trouble: TokenTrouble) -> Self {
        Self { text: trouble.text, heals: trouble.vouching == Vouching::Away }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    #[tokio::test]
    async fn a_file_that_changes_gives_another_token_when_the_first_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        std::fs::write(&path, "one").unwrap();
        let tokens = tokens(&TokenSource::File { path: path.clone() }, &Trust::default()).unwrap();
        let first = tokens.current().await.unwrap();
        assert_eq!(first.reveal(), "one");
        assert_eq!(tokens.instead_of(&first).await.unwrap(), None, "the same token is no other");
        std::fs::write(&path, "another").unwrap();
        assert_eq!(tokens.instead_of(&first).await.unwrap().unwrap().reveal(), "another");
    }

    #[tokio::test]
    async fn a_fixed_token_has_no_other_and_a_missing_file_is_a_fault_of_the_configuration() {
        let fixed = tokens(&TokenSource::Fixed { token: Secret::new("t") }, &Trust::default()).unwrap();
        let first = fixed.current().await.unwrap();
        assert_eq!(fixed.instead_of(&first).await.unwrap(), None);
        let missing = TokenSource::File { path: "/nowhere/token".into() };
        let trouble = tokens(&missing, &Trust::default()).unwrap().current().await.unwrap_err();
        assert!(!trouble.heals && trouble.text.contains("/nowhere/token"), "{trouble:?}");
    }
}
