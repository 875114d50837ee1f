//! Our tokens in the forms that object_store wants.

use std::sync::Arc;

use async_trait::async_trait;
use object_store::aws::AwsCredential;
use object_store::azure::AzureCredential;
use object_store::gcp::GcpCredential;
use object_store::{CredentialProvider, Error, Result};

use crate::push::credential::{Credential, Token, temporary_key};

/// A token, in the form that the bucket wants.
#[derive(Debug)]
pub(super) struct FromToken(pub(super) Credential);

impl FromToken {
    async fn token(&self) -> Result<Token> {
        self.0.current().await.map_err(|trouble| refused(trouble.text))
    }
}

/// Gives each kind of bucket its own form of the token.
macro_rules! provider {
    ($credential:ty, $from:expr) => {
        #[async_trait]
        impl CredentialProvider for In<$credential> {
            type Credential = $credential;

            async fn get_credential(&self) -> Result<Arc<$credential>> {
                let token = self.0.token().await?;
                let form: fn(&str) -> Option<$credential> = $from;
                form(token.reveal()).map(Arc::new).ok_or_else(|| refused("the token is of no use here".to_owned()))
            }
        }
    };
}

/// A token that becomes a `C`.
#[derive(Debug)]
pub(super) struct In<C>(FromToken, std::marker::PhantomData<C>);

impl<C> In<C> {
    /// From `credential`.
    pub(super) fn of(credential: &Credential) -> Arc<Self> {
        Arc::new(Self(FromToken(credential.clone()), std::marker::PhantomData))
    }
}

provider!(GcpCredential, |token| Some(GcpCredential { bearer: token.to_owned() }));
provider!(AzureCredential, |token| Some(AzureCredential::BearerToken(token.to_owned())));
provider!(AwsCredential, |token| {
    let key = temporary_key(token)?;
    Some(AwsCredential { key_id: key.access_key_id, secret_key: key.secret_access_key, token: key.session_token })
});

fn refused(text: String) -> Error {
    Error::Unauthenticated { path: String::new(), source: text.into() }
}
