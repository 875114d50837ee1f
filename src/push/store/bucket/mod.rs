//! Buckets: S3 and its kin, Google Cloud Storage, Azure Blob Storage. The crate object_store knows their names, forms and
//! signatures; what it sends goes through our own wire, so that bounds, trust and counting are those of any origin.
//!
//! Owns: what a bucket's answer means. A bucket says 403, or 400 with a word for it, where an origin would say 401: a
//! key that has expired or a wrong clock must not cost segments, so these count as refused credentials, not as a refused
//! object.

mod connector;
mod keys;
mod open;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Attribute, Attributes, ObjectStore, ObjectStoreExt, PutOptions, PutPayload};
use url::Url;

use super::wire::Wire;
use super::{Label, Presence, StoreError};
use crate::model::upload::Upload;
use crate::policy::HttpFailure;
use crate::push::credential::{Credential, Token, TokenTrouble};
use connector::{Heard, Said};

/// See the module's header. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct BucketStore {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    wire: Wire,
    /// Where tokens come from, if the bucket wants one.
    credential: Option<Credential>,
}

impl BucketStore {
    /// The bucket at `url`.
    pub(crate) fn open(url: &Url, upload: &Upload, answer: Duration) -> Result<Self, StoreError> {
        open::open(url, upload, answer)
    }

    /// See [`super::Store::put`].
    pub(crate) async fn put(&self, path: &str, label: Label, body: Bytes) -> Result<(), HttpFailure> {
        let attributes = Attributes::from_iter([
            (Attribute::ContentType, label.content_type.to_owned()),
            (Attribute::CacheControl, label.cache_control()),
        ]);
        let path = &self.path(path);
        let put = || async {
            let options = PutOptions { attributes: attributes.clone(), ..PutOptions::default() };
            self.store.put_opts(path, PutPayload::from(body.clone()), options).await.map(|_| ())
        };
        self.attempt(put).await
    }

    /// See [`super::Store::has`].
    pub(crate) async fn has(&self, path: &str) -> Result<Option<bool>, HttpFailure> {
        let path = &self.path(path);
        match self.attempt(|| async { self.store.head(path).await.map(|_| ()) }).await {
            Ok(()) => Ok(Some(true)),
            Err(HttpFailure::Status(404)) => Ok(Some(false)),
            // Rights to write need not be rights to look.
            Err(HttpFailure::Status(_) | HttpFailure::Credentials(_)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// See [`super::Store::size`].
    pub(crate) async fn size(&self, path: &str) -> Result<Presence, HttpFailure> {
        let (path, bytes) = (&self.path(path), &AtomicU64::new(0));
        let head = || async {
            let found = self.store.head(path).await?;
            bytes.store(found.size, Ordering::Relaxed);
            Ok(())
        };
        match self.attempt(head).await {
            Ok(()) => Ok(Presence::Bytes(bytes.load(Ordering::Relaxed))),
            Err(HttpFailure::Status(404)) => Ok(Presence::Absent),
            // Rights to write need not be rights to look, and not every kin of S3 can be looked at.
            Err(HttpFailure::Status(status)) if status < 500 || status == 501 => Ok(Presence::Untold),
            Err(HttpFailure::Credentials(_)) => Ok(Presence::Untold),
            Err(failure) => Err(failure),
        }
    }

    /// See [`super::Store::delete`].
    pub(crate) async fn delete(&self, path: &str) -> Result<(), HttpFailure> {
        let path = &self.path(path);
        match self.attempt(|| async { self.store.delete(path).await }).await {
            Err(HttpFailure::Status(404)) => Ok(()),
            outcome => outcome,
        }
    }

    /// See [`super::Store::token_generation`].
    pub(crate) fn token_generation(&self) -> u64 {
        self.credential.as_ref().map_or(0, Credential::generation)
    }

    /// See [`super::Store::token_trouble`].
    pub(crate) fn token_trouble(&self) -> Option<TokenTrouble> {
        self.credential.as_ref().and_then(Credential::trouble)
    }

    /// What the bytes go through.
    pub(crate) fn wire(&self) -> &Wire {
        &self.wire
    }

    fn path(&self, path: &str) -> Path {
        path.split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }

    /// Does it; where a token is refused and there is a newer one, once more with that.
    async fn attempt<F>(&self, act: impl Fn() -> F) -> Result<(), HttpFailure>
    where
        F: Future<Output = object_store::Result<()>>,
    {
        // Asked for here as well as by the crate, so that a failing source is told as what it is.
        let token: Option<Token> = match &self.credential {
            Some(credential) => Some(credential.current().await?),
            None => None,
        };
        let outcome = once(act()).await;
        if let (Err(HttpFailure::Credentials(_)), Some(credential), Some(token)) = (&outcome, &self.credential, &token)
            && credential.newer_than(token).await?.is_some()
        {
            return once(act()).await;
        }
        outcome
    }
}

/// Does it, and says in our words how it failed.
async fn once(act: impl Future<Output = object_store::Result<()>>) -> Result<(), HttpFailure> {
    let (outcome, heard) = Heard::listen(act).await;
    let Err(error) = outcome else { return Ok(()) };
    if let (Some(Said::Status(200..=201, None)), object_store::Error::Generic { .. }) = (&heard, &error) {
        // Done: object_store misses an entity tag, which not every kin of S3 gives, and which nobody wants here.
        return Ok(());
    }
    Err(match heard {
        Some(Said::Failed(failure)) => failure,
        Some(Said::Status(status, code)) if !(200..300).contains(&status) => judge(status, code),
        // Nothing was sent, because there was nothing to sign with, or one answer was about several objects.
        _ => match error {
            object_store::Error::NotFound { .. } => HttpFailure::Status(404),
            object_store::Error::Unauthenticated { .. } | object_store::Error::PermissionDenied { .. } => {
                HttpFailure::Credentials("they cannot be used".to_owned())
            }
            // The rest of its text may hold an address with a signature.
            _ => HttpFailure::Broken("the bucket's answer makes no sense".to_owned()),
        },
    })
}

/// What a bucket means by `status` and the word in its answer.
fn judge(status: u16, code: Option<String>) -> HttpFailure {
    const ABOUT_CREDENTIALS: &[&str] = &[
        "AccessDenied",
        "AuthenticationFailed",
        "AuthorizationHeaderMalformed",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidAuthenticationInfo",
        "InvalidToken",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "invalid_client",
        "invalid_grant",
    ];
    let known = code.as_deref().is_some_and(|code| ABOUT_CREDENTIALS.contains(&code));
    match status {
        401 | 403 => HttpFailure::Credentials(code.unwrap_or_else(|| format!("HTTP {status}"))),
        400 if known => HttpFailure::Credentials(code.unwrap_or_default()),
        _ => HttpFailure::Status(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_credentials_do_not_cost_a_segment() {
        for (status, code) in
            [(403, Some("SignatureDoesNotMatch")), (403, None), (401, None), (400, Some("ExpiredToken"))]
        {
            let failure = judge(status, code.map(str::to_owned));
            assert!(matches!(&failure, HttpFailure::Credentials(_)), "{failure:?}");
            assert_ne!(crate::policy::judge(&failure).decision, crate::policy::RetryDecision::Never);
        }
        assert_eq!(judge(400, Some("EntityTooLarge".to_owned())), HttpFailure::Status(400));
        assert_eq!(judge(503, Some("SlowDown".to_owned())), HttpFailure::Status(503));
    }
}
