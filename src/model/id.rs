//! Identifiers: stable slugs for everything that is configured.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A slug is 1 to 63 characters of `a-z`, `0-9` and `-`, beginning with a letter or digit (RFC 1123 label):
/// it serves as a directory, a URL path segment and a metric label without escaping.
pub const SLUG_RULE: &str = "1 to 63 characters of a-z, 0-9 and -, beginning with a letter or digit";

/// Whether `text` is a slug, see [`SLUG_RULE`].
pub fn is_slug(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes[0] != b'-'
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

/// A text that is no slug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an identifier: {SLUG_RULE}")]
pub struct NotASlug(pub String);

macro_rules! slug {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks `text` against [`SLUG_RULE`].
            pub fn new(text: impl Into<String>) -> Result<Self, NotASlug> {
                let text = text.into();
                if is_slug(&text) { Ok(Self(text)) } else { Err(NotASlug(text)) }
            }

            /// The identifier as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotASlug;
            fn try_from(text: String) -> Result<Self, NotASlug> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = NotASlug;
            fn from_str(text: &str) -> Result<Self, NotASlug> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

slug! {
    /// A channel: one programme output chain of the box.
    ChannelId
}
slug! {
    /// A source: where a channel takes pictures or sound.
    SourceId
}
slug! {
    /// A destination: where a channel is sent.
    DestinationId
}
slug! {
    /// An endpoint of a destination: `primary`, `backup-1`, ….
    EndpointName
}
slug! {
    /// A rendition: one encode of the programme, a rung of the ladder or an audio rendition.
    RenditionId
}
slug! {
    /// A cue or a piece of timed metadata: the ID of an EXT-X-DATERANGE.
    CueId
}

impl EndpointName {
    /// The endpoint at `place` in a destination's list: the primary, then the backups from 1.
    pub fn at(place: usize) -> Self {
        Self(if place == 0 { "primary".to_owned() } else { format!("backup-{place}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_rfc_1123_labels() {
        for good in ["a", "0", "studio-a", "video-720p", &"x".repeat(63)] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "-a", "A", "a_b", "a/b", "..", "é", &"x".repeat(64)] {
            assert!(!is_slug(bad), "{bad}");
        }
    }

    #[test]
    fn a_bad_identifier_is_refused_when_read() {
        assert!(serde_json::from_str::<ChannelId>("\"../etc\"").is_err());
        assert_eq!(serde_json::from_str::<ChannelId>("\"demo\"").unwrap().as_str(), "demo");
    }
}
