//! From what is configured to a bucket that can be used.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AwsCredential};
use object_store::azure::{AzureCredential, MicrosoftAzureBuilder};
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, RetryConfig, StaticCredentialProvider};
use url::Url;

use super::BucketStore;
use super::connector::Connector;
use super::keys::In;
use crate::model::upload::{Access, StoreKind, Upload};
use crate::push::credential::Credential;
use crate::push::store::wire::Wire;
use crate::push::store::{StoreError, tls};

/// The bucket at `url`: its host is the bucket's name, its path a prefix.
pub(super) fn open(url: &Url, upload: &Upload, answer: Duration) -> Result<BucketStore, StoreError> {
    let bucket = url.host_str().ok_or_else(|| StoreError::Url(url.scheme().to_owned() + "://…"))?;
    let prefix = Path::from_url_path(url.path()).map_err(|_| StoreError::Url(url.scheme().to_owned() + "://…"))?;
    if !upload.headers.is_empty() {
        return Err(StoreError::Unfit("headers cannot be added to the requests of a bucket".to_owned()));
    }
    let endpoint = match &upload.store {
        StoreKind::S3 { endpoint, .. } | StoreKind::Gcs { endpoint } | StoreKind::Azure { endpoint, .. } => endpoint,
        StoreKind::Origin | StoreKind::Webdav => return Err(StoreError::Url(url.scheme().to_owned() + "://…")),
    };
    let https = endpoint.as_ref().is_none_or(|endpoint| endpoint.scheme() == "https");
    let wire = Wire::new(tls::settings(&upload.trust, https)?, answer)?;
    let credential = match &upload.access {
        Access::Token { source } => Some(Credential::open(source, &upload.trust)?),
        _ => None,
    };
    let store = match &upload.store {
        StoreKind::S3 { .. } => s3(bucket, upload, credential.as_ref(), &wire),
        StoreKind::Gcs { .. } => gcs(bucket, upload, credential.as_ref(), &wire),
        _ => azure(bucket, upload, credential.as_ref(), &wire),
    };
    // What the crate says may quote a key.
    let store = store?.map_err(|_| {
        StoreError::Unfit("the bucket's name, its endpoint or its key has not the right form".to_owned())
    })?;
    Ok(BucketStore { store, prefix, wire, credential })
}

type Built = Result<object_store::Result<Arc<dyn ObjectStore>>, StoreError>;

/// The task decides about the next attempt.
fn once() -> RetryConfig {
    RetryConfig { max_retries: 0, retry_timeout: Duration::ZERO, ..RetryConfig::default() }
}

fn options() -> ClientOptions {
    ClientOptions::new().with_allow_http(true)
}

fn s3(bucket: &str, upload: &Upload, credential: Option<&Credential>, wire: &Wire) -> Built {
    let StoreKind::S3 { endpoint, region, virtual_host } = &upload.store else { return Err(unfit()) };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region)
        .with_virtual_hosted_style_request(*virtual_host)
        .with_disable_bulk_delete(true)
        .with_client_options(options())
        .with_retry(once())
        .with_http_connector(Connector(wire.clone()));
    if let Some(endpoint) = endpoint {
        let mut endpoint = endpoint.clone();
        if *virtual_host {
            let host = format!("{bucket}.{}", endpoint.host_str().unwrap_or_default());
            endpoint.set_host(Some(&host)).map_err(|_| StoreError::Url(host))?;
        }
        builder = builder.with_endpoint(endpoint.as_str().trim_end_matches('/'));
    }
    builder = match (&upload.access, credential) {
        (Access::Key { id, secret }, _) => builder.with_access_key_id(id).with_secret_access_key(secret.reveal()),
        (_, Some(credential)) => builder.with_credentials(In::<AwsCredential>::of(credential)),
        (Access::Open, None) => builder.with_skip_signature(true),
        _ => return Err(unfit()),
    };
    Ok(builder.build().map(|store| Arc::new(store) as _))
}

fn gcs(bucket: &str, upload: &Upload, credential: Option<&Credential>, wire: &Wire) -> Built {
    let StoreKind::Gcs { endpoint } = &upload.store else { return Err(unfit()) };
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(bucket)
        .with_client_options(options())
        .with_retry(once())
        .with_http_connector(Connector(wire.clone()));
    if let Some(endpoint) = endpoint {
        builder = builder.with_base_url(endpoint.as_str().trim_end_matches('/'));
    }
    builder = match (&upload.access, credential) {
        (Access::ServiceAccount { key }, _) => builder.with_service_account_key(key.reveal()),
        (_, Some(credential)) => builder.with_credentials(In::<GcpCredential>::of(credential)),
        // Without credentials of ours it would look for some in this account's home directory.
        (Access::Open, None) => {
            let nothing = StaticCredentialProvider::new(GcpCredential { bearer: String::new() });
            builder.with_credentials(Arc::new(nothing)).with_skip_signature(true)
        }
        _ => return Err(unfit()),
    };
    Ok(builder.build().map(|store| Arc::new(store) as _))
}

fn azure(container: &str, upload: &Upload, credential: Option<&Credential>, wire: &Wire) -> Built {
    let StoreKind::Azure { endpoint, account } = &upload.store else { return Err(unfit()) };
    let mut builder = MicrosoftAzureBuilder::new()
        .with_account(account)
        .with_container_name(container)
        .with_client_options(options())
        .with_retry(once())
        .with_http_connector(Connector(wire.clone()));
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint.as_str().trim_end_matches('/').to_owned());
    }
    builder = match (&upload.access, credential) {
        (Access::Key { secret, .. }, _) => builder.with_access_key(secret.reveal()),
        (_, Some(credential)) => builder.with_credentials(In::<AzureCredential>::of(credential)),
        (Access::Open, None) => builder.with_skip_signature(true),
        _ => return Err(unfit()),
    };
    Ok(builder.build().map(|store| Arc::new(store) as _))
}

fn unfit() -> StoreError {
    StoreError::Unfit("this bucket cannot be used with such credentials".to_owned())
}
