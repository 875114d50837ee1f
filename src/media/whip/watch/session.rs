//! One session: who watches gets pictures and sound as long as they arrive there, and it is kept.
//!
//! ```text
//! connecting ──ICE, DTLS──▶ sending ──▶ over: left, not kept, nothing arrives any more, the connection failed
//!      └── not in time ──▶ over
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::super::feed::Feed;
use super::super::opus::Opus;
use super::super::peer::{Note, Peer};
use super::super::port::Port;
use super::place::Place;

/// From the answer to the connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Who has received nothing new for so long is gone: browsers report every second or two.
const SILENT: Duration = Duration::from_secs(10);
/// How often it is looked whether it shall end.
const LOOK: Duration = Duration::from_millis(250);

/// See the module's header.
pub(super) struct Session {
    pub(super) place: Place,
    pub(super) peer: Arc<Peer>,
    pub(super) pictures: Arc<Port>,
    pub(super) sound: Option<Arc<Port>>,
    /// What they are fed by, for as long as this is there.
    pub(super) _feeds: (Feed, Option<Arc<Opus>>),
    pub(super) course: Course,
}

/// What has become of it. Pure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    answered: Instant,
    /// When something new was last known to have arrived; the connection counts.
    arrived: Option<Instant>,
}

impl Course {
    pub(super) fn new(answered: Instant) -> Self {
        Self { answered, arrived: None }
    }

    fn over(&self, now: Instant) -> Option<&'static str> {
        match self.arrived {
            None if now.duration_since(self.answered) > CONNECT => Some("it did not connect"),
            Some(arrived) if now.duration_since(arrived) > SILENT => Some("nothing arrives there any more"),
            _ => None,
        }
    }
}

impl Session {
    /// Until it is over.
    pub(super) async fn run(mut self, mut noted: mpsc::Receiver<(u64, Note)>) {
        let reason = loop {
            let note = tokio::time::timeout(LOOK, noted.recv()).await.ok().flatten();
            if let Some(reason) = note.and_then(|(_, note)| self.hear(note)) {
                break reason;
            }
            let now = Instant::now();
            if let Some(reason) = self.place.over(now).or_else(|| self.course.over(now)) {
                break reason.to_owned();
            }
        };
        [Some(&self.pictures), self.sound.as_ref()].into_iter().flatten().for_each(|port| port.shut());
        tracing::info!(session = self.place.name(), reason, "somebody watches no longer");
        // The last one ends the encoder of the sound, which may take a moment.
        tokio::task::spawn_blocking(move || drop(self));
    }

    /// Why it is over, if it is.
    fn hear(&mut self, note: Note) -> Option<String> {
        match note {
            Note::Connected => {
                self.course.arrived = Some(Instant::now());
                self.open();
            }
            Note::Heard(heard) if heard.news => self.course.arrived = Some(Instant::now()),
            Note::Latency => {
                let peer = Arc::clone(&self.peer);
                tokio::task::spawn_blocking(move || peer.settle_latency());
            }
            Note::Failed(reason) => return Some(reason),
            // A keyframe that is asked for is the next of HLS: another one would take its bits from viewers.
            Note::Heard(_) | Note::KeyframeAsked(_) | Note::Sign | Note::Candidate(_) | Note::Gathered => {}
        }
        None
    }

    fn open(&self) {
        let inlet = |entrances: &super::super::track::Entrances| entrances.inlets.first().cloned();
        if let Some(inlet) = self.peer.video.as_ref().and_then(inlet) {
            self.pictures.open(inlet);
        }
        if let Some((port, inlet)) = self.sound.as_ref().zip(self.peer.sound.as_ref().and_then(inlet)) {
            port.open(inlet);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_never_comes_or_is_gone_is_found_out() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut course = Course::new(start);
        assert_eq!((course.over(at(9)), course.over(at(11))), (None, Some("it did not connect")));
        course.arrived = Some(at(9));
        assert_eq!((course.over(at(19)), course.over(at(20))), (None, Some("nothing arrives there any more")));
    }
}
