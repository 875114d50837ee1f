//! Captions beside the encoders: taken off each picture in front of them, put into what comes out behind them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gstreamer as gst;

use crate::media::captions::{Triplet, sei};
use crate::model::{MediaTime, VideoCodec};

/// How long captions are kept: longer than pictures wait for an encoder, or for another one in its place.
const KEPT: Duration = Duration::from_secs(30);

/// The captions of the latest pictures, by time.
#[derive(Debug, Default)]
pub(super) struct Beside(Mutex<VecDeque<(MediaTime, Vec<Triplet>)>>);

impl Beside {
    /// Keeps what the picture at `time` carries.
    pub(super) fn keep(&self, time: MediaTime, triplets: Vec<Triplet>) {
        let mut all = self.lock();
        while all.front().is_some_and(|(earlier, _)| time.since(*earlier) > KEPT) {
            all.pop_front();
        }
        all.push_back((time, triplets));
    }

    /// What came after `after` up to `time`; of that very picture alone if there is no `after`.
    fn between(&self, after: Option<MediaTime>, time: MediaTime) -> Vec<u8> {
        let wanted = |at: MediaTime| at <= time && after.map_or(at == time, |after| at > after);
        let all = self.lock();
        let found = all.iter().rev().take_while(|(at, _)| after.is_none_or(|after| *at > after) && *at + KEPT > time);
        let mut found: Vec<&[u8]> =
            found.filter(|(at, _)| wanted(*at)).map(|(_, triplets)| triplets.as_flattened()).collect();
        found.reverse();
        found.concat()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(MediaTime, Vec<Triplet>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where one encoder's pictures get their captions back.
#[derive(Debug, Clone)]
pub(super) struct Inserter {
    beside: Arc<Beside>,
    codec: VideoCodec,
    /// The last picture that came out.
    done: Option<MediaTime>,
}

impl Inserter {
    /// Of an encoder of this codec; none if its pictures cannot carry any.
    pub(super) fn new(beside: &Arc<Beside>, codec: VideoCodec) -> Option<Self> {
        sei::carries(codec).then(|| Self { beside: Arc::clone(beside), codec, done: None })
    }

    /// Puts captions into the access unit of the picture at `time`: its own, and those of pictures that were dropped
    /// before it. Media is not copied.
    pub(super) fn insert(&mut self, time: MediaTime, picture: &mut gst::Buffer) {
        let triplets = self.beside.between(self.done, time);
        self.done = self.done.max(Some(time));
        if triplets.is_empty() {
            return;
        }
        let place = picture.map_readable().ok().and_then(|unit| sei::place(self.codec, &unit));
        let Some(place) = place else { return };
        if let Some(captioned) = with(picture, place, sei::units(self.codec, &triplets)) {
            *picture = captioned;
        }
    }
}

/// `picture` with `units` at `place`.
fn with(picture: &gst::Buffer, place: usize, units: Vec<u8>) -> Option<gst::Buffer> {
    let whole = gst::BufferCopyFlags::FLAGS | gst::BufferCopyFlags::TIMESTAMPS | gst::BufferCopyFlags::META;
    let mut made = picture.copy_region(whole | gst::BufferCopyFlags::MEMORY, 0..place).ok()?;
    made.make_mut().append_memory(gst::Memory::from_mut_slice(units));
    let rest = picture.copy_region(gst::BufferCopyFlags::MEMORY, place..).ok()?;
    made.append(rest);
    Some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> gst::Buffer {
        let mut buffer = gst::Buffer::from_slice([0u8, 0, 0, 2, 9, 0xf0, 0, 0, 0, 3, 0x65, 1, 2]);
        buffer.make_mut().set_pts(gst::ClockTime::from_seconds(7));
        buffer
    }

    fn inserted(inserter: &mut Inserter, seconds: u64) -> Vec<u8> {
        let mut made = picture();
        inserter.insert(MediaTime::from_secs(seconds), &mut made);
        assert_eq!(made.pts(), Some(gst::ClockTime::from_seconds(7)));
        let bytes = made.map_readable().unwrap().to_vec();
        assert!(bytes.starts_with(&[0, 0, 0, 2, 9, 0xf0]) && bytes.ends_with(&[0, 0, 0, 3, 0x65, 1, 2]));
        bytes[6..bytes.len() - 7].to_vec()
    }

    #[test]
    fn no_letter_is_lost_with_a_dropped_picture_and_none_comes_twice() {
        crate::media::init().unwrap();
        let beside = Arc::new(Beside::default());
        let of = |n: u8| vec![[0xfc, 0x80 | n, 0x80]];
        (10..=14).for_each(|n| beside.keep(MediaTime::from_secs(n), of(n as u8)));
        let unit = |numbers: &[u8]| {
            sei::units(VideoCodec::H264, numbers.iter().flat_map(|n| of(*n)).flatten().collect::<Vec<u8>>().as_slice())
        };
        let mut inserter = Inserter::new(&beside, VideoCodec::H264).unwrap();
        assert_eq!(inserted(&mut inserter, 11), unit(&[11]), "what was before an encoder began is not its own");
        assert_eq!(inserted(&mut inserter, 13), unit(&[12, 13]));
        assert!(inserted(&mut inserter, 13).is_empty());
        assert_eq!(inserted(&mut inserter, 20), unit(&[14]));
        let mut successor = Inserter::new(&beside, VideoCodec::H264).unwrap();
        assert_eq!(inserted(&mut successor, 13), unit(&[13]), "another encoder gets the pictures once more");
        assert!(Inserter::new(&beside, VideoCodec::Av1).is_none());
        beside.keep(MediaTime::from_secs(60), of(1));
        assert_eq!(beside.lock().len(), 1);
    }
}
