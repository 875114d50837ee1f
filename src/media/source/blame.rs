//! Whose fault it is that a source does not deliver, and where to look: one sentence per kind.

use super::{decklink, ndi};
use crate::model::{Event, Fault};
use crate::plan::SourceKind;

/// `event` with the blame of a source of this `kind`.
pub(super) fn blame(kind: &SourceKind, event: Event) -> Event {
    match kind {
        SourceKind::Test => event.blame(Fault::Internal, "look at the worker's log"),
        SourceKind::V4l2 { device, .. } => event.blame(
            Fault::Hardware,
            format!("check the cable and the signal, then that {device} is there and free (uplinkctl devices)"),
        ),
        SourceKind::Alsa { device } => {
            event.blame(Fault::Hardware, format!("check that ALSA device {device} is there and free (arecord -l)"))
        }
        SourceKind::File { path } => {
            event.blame(Fault::Source, format!("check that {} can be read and is a media file", path.display()))
        }
        SourceKind::Playlist { paths, .. } => {
            event.blame(Fault::Source, format!("check that its {} can be read and hold media", count(paths.len())))
        }
        SourceKind::Rtmp { listen, app, .. } => event.blame(
            Fault::Source,
            format!(
                "check that the encoder runs and publishes to port {} of this box, application {app}",
                listen.port()
            ),
        ),
        SourceKind::Rtsp { url, .. } => event.blame(
            Fault::Source,
            format!(
                "check that {} is reachable, its address and path, user and password",
                url.host_str().unwrap_or("it")
            ),
        ),
        SourceKind::Custom { .. } => {
            event.blame(Fault::Configuration, "try the fragment with gst-launch-1.0, as the user that uplinkd runs as")
        }
        SourceKind::Srt { host, port, .. } => {
            let hint = format!("check the sender, passphrase and stream id, and the network to {host}:{port} (UDP)");
            event.blame(Fault::Source, hint)
        }
        SourceKind::Whip { .. } => event.blame(
            Fault::Source,
            "the guest's page connects again by itself; else send the guest the link again (uplinkctl guest-link)",
        ),
        SourceKind::Ndi { .. } => event.blame(Fault::Source, ndi::HINT),
        SourceKind::DeckLink { .. } => event.blame(Fault::Hardware, decklink::HINT),
    }
}

fn count(files: usize) -> String {
    if files == 1 { "file".to_owned() } else { format!("{files} files") }
}
