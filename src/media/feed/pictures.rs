//! The frame store: pictures of one source waiting to be due.

use std::collections::VecDeque;

use gstreamer as gst;

/// Most pictures held; beyond it the oldest goes (a source that runs ahead must not fill the memory).
const CAPACITY: usize = 90;

/// Pictures in order of their stamps.
#[derive(Debug, Default)]
pub(crate) struct Pictures {
    queue: VecDeque<(i64, gst::Buffer)>,
    shown: Option<gst::Buffer>,
    arrived: u64,
    dropped: u64,
}

/// What a tick got.
#[derive(Debug, Clone)]
pub(crate) enum Taken {
    /// A new picture.
    New(gst::Buffer),
    /// The last picture again.
    Again(gst::Buffer),
    /// Nothing has been due yet.
    Nothing,
}

impl Pictures {
    /// Forgets all pictures; the counters stay.
    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.shown = None;
    }

    /// Forgets what is waiting, keeps what is shown.
    pub(crate) fn flush(&mut self) {
        self.queue.clear();
    }

    pub(crate) fn push(&mut self, stamp: i64, picture: gst::Buffer) {
        self.arrived += 1;
        // Decoders hand out pictures in presentation order; one that is not belongs where its stamp says.
        let at = self.queue.iter().rposition(|(s, _)| *s <= stamp).map_or(0, |i| i + 1);
        self.queue.insert(at, (stamp, picture));
        if self.queue.len() > CAPACITY {
            self.queue.pop_front();
            self.dropped += 1;
        }
    }

    /// The newest picture with a stamp of at most `limit`; older ones are dropped.
    pub(crate) fn take(&mut self, limit: i64) -> Taken {
        let mut newest = None;
        while self.queue.front().is_some_and(|(stamp, _)| *stamp <= limit) {
            if newest.is_some() {
                self.dropped += 1;
            }
            newest = self.queue.pop_front();
        }
        match newest {
            Some((_, picture)) => {
                self.shown = Some(picture.clone());
                Taken::New(picture)
            }
            None => self.shown.clone().map_or(Taken::Nothing, Taken::Again),
        }
    }

    /// Pictures that wait to be due.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Whether a picture has been due.
    pub(crate) fn has_shown(&self) -> bool {
        self.shown.is_some()
    }

    /// Whether a picture with a stamp of at most `limit` waits.
    pub(crate) fn is_due(&self, limit: i64) -> bool {
        self.queue.front().is_some_and(|(stamp, _)| *stamp <= limit)
    }

    pub(crate) fn arrived(&self) -> u64 {
        self.arrived
    }

    /// Pictures that were never shown: late, or more than the program's frame rate needs.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(tag: u64) -> gst::Buffer {
        let mut buffer = gst::Buffer::new();
        buffer.get_mut().unwrap().set_offset(tag);
        buffer
    }

    #[test]
    fn the_newest_due_picture_is_taken_and_then_repeated() {
        gst::init().unwrap();
        let mut pictures = Pictures::default();
        assert!(matches!(pictures.take(100), Taken::Nothing));
        for stamp in [10, 30, 20, 90] {
            pictures.push(stamp, picture(stamp as u64));
        }
        assert!(matches!(pictures.take(35), Taken::New(p) if p.offset() == 30));
        assert!(matches!(pictures.take(60), Taken::Again(p) if p.offset() == 30));
        assert!(matches!(pictures.take(90), Taken::New(p) if p.offset() == 90));
        assert_eq!((pictures.arrived(), pictures.dropped()), (4, 2));
    }

    #[test]
    fn a_source_that_runs_ahead_is_bounded() {
        gst::init().unwrap();
        let mut pictures = Pictures::default();
        (0..500).for_each(|n| pictures.push(n, picture(n as u64)));
        assert_eq!(pictures.queue.len(), CAPACITY);
    }
}
