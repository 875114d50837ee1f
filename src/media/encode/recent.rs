//! The pictures that a replaced encoder may need again: those of every segment that it has not completed yet.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gstreamer as gst;

use crate::model::{MediaTime, ProgramFormat};

/// Most memory that they may take. 1.6 s of 1080p50; what is larger or longer begins anew with the next segment.
const BYTES: u64 = 256 << 20;

/// References to program pictures, oldest first. One for all renditions of a channel: a picture is in memory once.
#[derive(Debug)]
pub(super) struct Recent {
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    pictures: VecDeque<(MediaTime, gst::Buffer)>,
    /// Pictures up to this time are not here any more.
    gone: Option<MediaTime>,
}

impl Recent {
    pub(super) fn new(program: &ProgramFormat) -> Self {
        let picture = u64::from(program.size.width()) * u64::from(program.size.height()) * 3 / 2;
        Self { most: (BYTES / picture.max(1)) as usize, kept: Mutex::default() }
    }

    /// Keeps a picture, and forgets what nobody needs: everything before `needed`, or all of it where that is none.
    pub(super) fn push(&self, time: MediaTime, picture: &gst::Buffer, needed: Option<MediaTime>) {
        let mut kept = self.lock();
        if needed.is_some() {
            kept.pictures.push_back((time, picture.clone()));
        } else {
            kept.gone = Some(time);
        }
        let excess = kept.pictures.len().saturating_sub(self.most);
        let old = kept.pictures.iter().take_while(|(at, _)| needed.is_none_or(|needed| *at < needed)).count();
        for _ in 0..old.max(excess) {
            let oldest = kept.pictures.pop_front();
            kept.gone = kept.gone.max(oldest.map(|(at, _)| at));
        }
    }

    /// Every picture from `start` on; none if one of them is gone already.
    pub(super) fn since(&self, start: MediaTime) -> Option<Vec<(MediaTime, gst::Buffer)>> {
        let kept = self.lock();
        if kept.gone.is_some_and(|gone| gone >= start) {
            return None;
        }
        Some(kept.pictures.iter().filter(|(at, _)| *at >= start).cloned().collect())
    }

    /// Pictures that are kept.
    pub(super) fn len(&self) -> usize {
        self.lock().pictures.len()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AudioFormat, FrameRate, PictureSize};

    fn program(size: &str) -> ProgramFormat {
        ProgramFormat {
            size: size.parse::<PictureSize>().unwrap(),
            frame_rate: FrameRate::new(30, 1).unwrap(),
            audio: AudioFormat { sample_rate: 48_000, channels: 2 },
        }
    }

    fn times(recent: &Recent, start: u64) -> Option<Vec<u64>> {
        let pictures = recent.since(MediaTime::from_secs(start))?;
        Some(pictures.iter().map(|(at, _)| at.as_nanos() / 1_000_000_000).collect())
    }

    #[test]
    fn what_is_needed_is_kept_and_what_is_gone_is_known() {
        gst::init().unwrap();
        let recent = Recent::new(&program("320x180"));
        for n in 1..=9 {
            recent.push(MediaTime::from_secs(n), &gst::Buffer::new(), Some(MediaTime::from_secs(4)));
        }
        assert_eq!(times(&recent, 5), Some(vec![5, 6, 7, 8, 9]));
        assert_eq!(times(&recent, 4), Some(vec![4, 5, 6, 7, 8, 9]));
        assert_eq!(times(&recent, 3), None);
        recent.push(MediaTime::from_secs(10), &gst::Buffer::new(), None);
        assert_eq!((times(&recent, 10), times(&recent, 11)), (None, Some(vec![])));
    }

    #[test]
    fn memory_is_bounded() {
        gst::init().unwrap();
        let recent = Recent::new(&program("3840x2160"));
        for n in 1..=40 {
            recent.push(MediaTime::from_secs(n), &gst::Buffer::new(), Some(MediaTime::from_secs(1)));
        }
        assert_eq!((times(&recent, 1), times(&recent, 20)), (None, Some((20..=40).collect())));
    }
}
