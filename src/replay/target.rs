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
            "destination `{name}` encrypts what it gets, and recordings lie in the clear: they are not uploaded there; \
             name one without `encryption` (on the box, recordings are stitched, cut and played as any other)"
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

#[cfg(test)]
mod tests {
    use super::*;

    fn target(destination: &str, endpoint: &str, encrypts: bool) -> UploadTarget {
        let encryption = serde_json::json!({
            "method": "aes-128", "rotate_segments": null, "key_uri": "https://keys.example/{channel}/{key_id}",
            "keys": {"from": "secret", "secret": "0123456789abcdef", "store": {"kind": "directory", "path": "/keys"}},
        });
        let upload = Upload {
            encryption: encrypts.then(|| serde_json::from_value(encryption).expect("an encryption")),
            ..Upload::default()
        };
        UploadTarget {
            channel: "a".parse().unwrap(),
            destination: destination.parse().unwrap(),
            endpoint: EndpointName::new(endpoint).unwrap(),
            url: "https://origin.example/".parse().unwrap(),
            upload: Box::new(upload),
        }
    }

    #[test]
    fn what_encrypts_gets_no_recordings_and_says_what_to_do() {
        let targets =
            [target("cdn", "primary", false), target("cdn", "backup-1", false), target("drm", "primary", true)];
        let channel = "a".parse().unwrap();
        let found = |name: &str| find(&targets, &channel, name).map(|target| target.endpoint.as_str());
        assert_eq!((found("cdn"), found("cdn/backup-1")), (Ok("primary"), Ok("backup-1")));
        let refused = found("drm").unwrap_err();
        assert!(refused.contains("`drm` encrypts what it gets") && refused.contains("name one without"), "{refused}");
        assert!(found("moon").unwrap_err().contains("it has: cdn/backup-1, cdn/primary, drm/primary"));
        assert!(find(&targets, &"b".parse().unwrap(), "cdn").unwrap_err().contains("takes files"));
    }
}
