//! What went wrong with a connection, in words, and whose fault it is.

use std::io;

use gstreamer as gst;

use super::carrier::Broken;
use crate::model::{Fault, RenditionId};

const REFUSED: &str = "failed to authenticate";

/// What GStreamer's element says when it gives up; decided by its code.
pub(super) fn element(error: &gst::glib::Error, encrypted: bool) -> Broken {
    let text = plain(&error.to_string());
    // GStreamer 1.22 keeps the code of an error that it passes on, but only in these words.
    let refused = text.starts_with(REFUSED);
    match error.kind::<gst::ResourceError>() {
        kind if refused || kind == Some(gst::ResourceError::NotAuthorized) => Broken::refused(
            if encrypted {
                "the peer refuses the passphrase".to_owned()
            } else {
                "the peer demands a passphrase".to_owned()
            },
            "compare the passphrase and the length of the key with those of the peer",
        ),
        Some(gst::ResourceError::OpenWrite | gst::ResourceError::Settings) => {
            Broken::passing(format!("it cannot be opened: {text}"), "check host and port, and that the port is free")
        }
        _ => Broken::passing(
            format!("the connection broke, or did not come about: {text}"),
            "check that the peer runs and listens, its stream id, and the network between",
        ),
    }
}

/// Without the words that the element puts in front of the cause.
fn plain(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let text = ["Failed to write to SRT socket: ", "Failed to open SRT: ", "Error on SRT socket: "]
        .iter()
        .fold(text, |text, prefix| text.strip_prefix(prefix).unwrap_or(text));
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

/// A socket of our own.
pub(super) fn socket(error: &io::Error, what: &str) -> Broken {
    let reason = format!("{what}: {error}");
    match error.kind() {
        io::ErrorKind::PermissionDenied => Broken {
            fault: Fault::Configuration,
            ..Broken::refused(reason, "check the address and the firewall of this box")
        },
        _ => Broken::passing(reason, "check that the peer runs and listens, and the network between"),
    }
}

/// The name of a peer.
pub(super) fn name(host: &str, error: &str) -> Broken {
    Broken::passing(
        format!("the name `{host}` does not resolve: {error}"),
        "check the host name of the destination, and the DNS servers of this box",
    )
}

/// A rendition that this protocol cannot carry.
pub(super) fn unfit(rendition: &RenditionId) -> Broken {
    Broken {
        fault: Fault::Configuration,
        ..Broken::refused(
            format!("the rendition {rendition} cannot be carried by this protocol"),
            "name another rendition for the destination",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_passphrase_is_for_a_person() {
        let refused = gst::glib::Error::new(gst::ResourceError::NotAuthorized, "Failed to authenticate: whatever");
        assert!(element(&refused, true).by_hand && element(&refused, true).reason.contains("refuses the passphrase"));
        assert!(element(&refused, false).reason.contains("demands a passphrase"));
        let passed_on = "Failed to write to SRT socket: Failed to authenticate: Incorrect passphrase";
        assert!(element(&gst::glib::Error::new(gst::ResourceError::Write, passed_on), true).by_hand);
        let text = "Failed to write to SRT socket: Error on SRT socket: Connection timeout.";
        let gone = element(&gst::glib::Error::new(gst::ResourceError::Write, text), true);
        assert!(!gone.by_hand && gone.reason.ends_with(": connection timeout"), "{}", gone.reason);
    }
}
