//! Where recordings can be uploaded to.

use url::Url;

use crate::model::upload::Upload;
use crate::model::{ChannelId, DestinationId, EndpointName};

/// An endpoint of a destination that takes objects over HTTP.
#[derive(Debug, Clone, PartialEq)]
pub struct UploadTarget {
    /// The channel it belongs to.
    pub channel: ChannelId,
    /// The destination.
    pub destination: DestinationId,
    /// Its endpoint.
    pub endpoint: EndpointName,
    /// Its address.
    pub url: Url,
    /// How objects get there.
    pub upload: Box<Upload>,
}

/// Finds the target called `name`, `<destination>` (its first endpoint) or `<destination>/<endpoint>`, among those of
/// `channel`.
pub(crate) fn find<'a>(
    targets: &'a [UploadTarget],
    channel: &ChannelId,
    name: &str,
) -> Result<&'a UploadTarget, String> {
    let own = || targets.iter().filter(|target| target.channel == *channel);
    let found = match name.split_once('/') {
        None => own().find(|target| target.destination.as_str() == name),
        Some((destination, endpoint)) => {
            own().find(|target| target.destination.as_str() == destination && target.endpoint.as_str() == endpoint)
        }
    };
    if found.is_some_and(|target| target.upload.encryption.is_some()) {
        return Err(format!(
            "destination `{name}` encrypts what it gets, and recordings lie in the clear: they are not uploaded there"
        ));
    }
    found.ok_or_else(|| {
        let mut known: Vec<String> =
            own().map(|target| format!("{}/{}", target.destination, target.endpoint)).collect();
        known.sort();
        match known.is_empty() {
            true => format!("channel `{channel}` has no destination that takes files (kind hls-push)"),
            false => format!(
                "channel `{channel}` has no destination `{name}` that takes files; it has: {}",
                known.join(", ")
            ),
        }
    })
}
