//! Uploads that nobody asks for: a recording's destination says where each of its recordings goes when it has ended.
//!
//! The wish is noted beside the recording as long as it runs. So it is not forgotten by a daemon that was not there at the
//! end; and what was recorded before somebody wished for uploads is left alone, as are clips. One that begins and ends while
//! no daemon is there has to be uploaded by hand.

use std::time::SystemTime;

use super::ask::Ask;
use super::catalog;
use super::desk::Desk;
use super::job::JobKind;
use super::notes::{self, UploadNote};
use crate::model::{ChannelId, DestinationId, Event, EventCode, Fault, MediaTime, Severity};
use crate::record::RecordingState;

/// Of a channel so many of the newest recordings are looked at.
const NEWEST: usize = 20;

/// Where the recordings of a destination go by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadWish {
    /// The channel.
    pub channel: ChannelId,
    /// The destination that records.
    pub destination: DestinationId,
    /// `<destination>`, or `<destination>/<endpoint>`.
    pub to: String,
}

/// What a wish comes to for a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Nothing,
    Note,
    Upload,
}

impl Desk {
    /// Notes wishes for the newest recordings of `channel` (of all channels if none), and begins the uploads of those
    /// that have ended. Blocks for the disk; needs a tokio runtime.
    pub fn look(&self, channel: Option<&ChannelId>) {
        for wish in self.wishes().into_iter().filter(|wish| channel.is_none_or(|channel| wish.channel == *channel)) {
            let mine = catalog::directories(&self.roots()).into_iter().filter(|(channel, ..)| *channel == wish.channel);
            for (channel, id, directory) in mine.take(NEWEST) {
                let Ok(manifest) = catalog::load(&id, &directory) else { continue };
                if manifest.destination != wish.destination {
                    continue;
                }
                let known = notes::read(&directory).into_iter().find(|note| note.to == wish.to);
                let uploads = self.jobs().iter().any(|job| {
                    job.kind == JobKind::Upload && job.channel == channel && job.recording == id && !job.is_over()
                });
                match turn(manifest.state, known.as_ref(), uploads) {
                    Turn::Nothing => {}
                    Turn::Note => notes::write(&directory, UploadNote::after(wish.to.clone())),
                    Turn::Upload => {
                        let ask = Ask::Upload { to: wish.to.clone(), limit: None };
                        if let Err(error) = self.ask(&channel, &id, ask) {
                            self.tell(not_begun(&channel, &format!("recording {id} cannot be uploaded: {error}")));
                        }
                    }
                }
            }
        }
    }
}

fn turn(state: RecordingState, known: Option<&UploadNote>, uploads: bool) -> Turn {
    match (state, known) {
        (RecordingState::Recording, None) => Turn::Note,
        (RecordingState::Recording, Some(_)) | (_, None) => Turn::Nothing,
        (_, Some(note)) if note.done || uploads => Turn::Nothing,
        (_, Some(_)) => Turn::Upload,
    }
}

fn not_begun(channel: &ChannelId, text: &str) -> Event {
    let at = MediaTime::from_system(SystemTime::now());
    let event = Event::new(at, Severity::Warning, EventCode::RecordingUploadFailed, text).channel(channel);
    event.blame(Fault::Configuration, "correct what it says, then upload it by hand: uplinkctl recording upload")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_noted_while_it_runs_and_uploaded_once_when_it_has_ended() {
        use RecordingState::{Finished, Interrupted, Recording};
        let note = UploadNote::after("cloud".to_owned());
        let done = UploadNote { done: true, ..note.clone() };
        let table = [
            (Recording, None, false, Turn::Note),
            (Recording, Some(&note), false, Turn::Nothing),
            (Finished, Some(&note), false, Turn::Upload),
            (Interrupted, Some(&note), false, Turn::Upload),
            (Finished, Some(&note), true, Turn::Nothing),
            (Finished, Some(&done), false, Turn::Nothing),
            (Finished, None, false, Turn::Nothing),
        ];
        for (state, known, uploads, expected) in table {
            assert_eq!(turn(state, known, uploads), expected, "{state:?} {known:?} {uploads}");
        }
    }
}
