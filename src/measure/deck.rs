//! Plays segments: keeps a decoder per track, collects timing, marks and ticks. Blocks; lives on a blocking thread.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::Progress;
use super::recording::{Frame, Packet, Pictures, Seen, SoundTrack};
use crate::lineup::{self, TickDetector};
use crate::media::decode::fmp4::{Fmp4Error, Init, Sample, TrackKind, read_init, read_segment};
use crate::media::decode::{DecodeError, Picture, Sound, TrackDecoder};

/// What the decoders found; shared with their threads.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) seen: Vec<Seen>,
    pub(crate) decoded_samples: u64,
    pub(crate) ticks: Vec<u64>,
    detector: Option<TickDetector>,
    pub(crate) size: (u32, u32),
}

impl Found {
    pub(crate) fn picture(&mut self, picture: Picture<'_>, progress: &Progress) {
        let mark = lineup::read(picture.luma, picture.stride, picture.width, picture.height);
        self.seen.push(Seen { pts: picture.pts, mark });
        self.size = (picture.width as u32, picture.height as u32);
        progress.pictures.fetch_add(1, Ordering::Relaxed);
        progress.marks.fetch_add(u64::from(mark.is_some()), Ordering::Relaxed);
    }

    pub(crate) fn sound(&mut self, sound: Sound<'_>) {
        self.decoded_samples += sound.samples.len() as u64;
        let detector = self.detector.get_or_insert_with(|| TickDetector::new(sound.rate));
        self.ticks.extend(detector.feed(sound.pts, sound.samples));
    }
}

pub(crate) type Shared = Arc<Mutex<Found>>;

pub(crate) fn locked(found: &Shared) -> MutexGuard<'_, Found> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What became of one segment.
#[derive(Debug)]
pub(crate) struct Played {
    /// First presentation time and end of the first track.
    pub(crate) media: (u64, u64),
    /// Samples that were cut off.
    pub(crate) cut: usize,
}

/// Why a segment could not be played.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeckError {
    /// The bytes are no media.
    #[error(transparent)]
    Media(#[from] Fmp4Error),
    /// The decoder cannot be had or gave up.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// A player of one stream of segments.
#[derive(Debug)]
pub(crate) struct Deck {
    progress: Arc<Progress>,
    found: Shared,
    init: Option<(Bytes, Init)>,
    decoders: Vec<Option<TrackDecoder>>,
    pictures: Pictures,
    sound: SoundTrack,
}

impl Deck {
    pub(crate) fn new(progress: Arc<Progress>) -> Self {
        Self {
            progress,
            found: Shared::default(),
            init: None,
            decoders: Vec::new(),
            pictures: Pictures::default(),
            sound: SoundTrack::default(),
        }
    }

    /// Takes an initialisation segment; the same one again changes nothing.
    pub(crate) fn load(&mut self, bytes: &Bytes) -> Result<(), DeckError> {
        if self.init.as_ref().is_some_and(|(known, _)| known == bytes) {
            return Ok(());
        }
        let init = read_init(bytes)?;
        // What the old decoders could not finish shows up as pictures that were not decoded.
        let _ = self.drain();
        self.decoders = init.tracks.iter().map(|_| None).collect();
        self.init = Some((bytes.clone(), init));
        Ok(())
    }

    /// Plays a media segment; `index` is its place in the recording.
    pub(crate) fn play(&mut self, index: usize, bytes: &Bytes) -> Result<Played, DeckError> {
        let (_, init) = self.init.as_ref().ok_or(Fmp4Error::NoBox("moov"))?;
        let segment = read_segment(init, bytes)?;
        let first = segment.samples.first().ok_or(Fmp4Error::NoBox("mdat"))?.track;
        let of_first = || segment.samples.iter().filter(|sample| sample.track == first);
        let start = of_first().map(|sample| sample.pts).min().unwrap_or_default();
        let end = of_first().map(|sample| sample.pts + sample.duration).max().unwrap_or_default();
        for sample in &segment.samples {
            self.note(index, sample);
            self.decode(sample, bytes)?;
        }
        Ok(Played { media: (start, end), cut: segment.cut })
    }

    /// Forgets the decoders after one failed; the next segment opens new ones.
    pub(crate) fn reset(&mut self) {
        self.decoders.iter_mut().for_each(|decoder| *decoder = None);
    }

    /// Decodes what is left and hands out the tracks.
    pub(crate) fn finish(mut self) -> (Option<Pictures>, Option<SoundTrack>, Result<(), DeckError>) {
        let drained = self.drain();
        let found = std::mem::take(&mut *locked(&self.found));
        self.pictures.seen = found.seen;
        self.sound.decoded_samples = found.decoded_samples;
        self.sound.ticks = found.ticks;
        let pictures = (!self.pictures.frames.is_empty()).then_some(self.pictures);
        let sound = (!self.sound.packets.is_empty()).then_some(self.sound);
        (pictures, sound, drained)
    }

    fn drain(&mut self) -> Result<(), DeckError> {
        for decoder in self.decoders.drain(..).flatten() {
            decoder.finish()?;
        }
        Ok(())
    }

    fn note(&mut self, segment: usize, sample: &Sample) {
        let Some((_, init)) = &self.init else { return };
        match &init.tracks[sample.track].kind {
            TrackKind::Picture { width, height, .. } => {
                (self.pictures.width, self.pictures.height) = (u32::from(*width), u32::from(*height));
                self.pictures.frames.push(Frame { pts: sample.pts, key: sample.key, segment });
            }
            TrackKind::Sound { rate, .. } => {
                self.sound.rate = *rate;
                self.sound.packets.push(Packet { pts: sample.pts, duration: sample.duration, segment });
            }
        }
    }

    fn decode(&mut self, sample: &Sample, bytes: &Bytes) -> Result<(), DeckError> {
        let Some((_, init)) = &self.init else { return Ok(()) };
        let track = &init.tracks[sample.track];
        let slot = &mut self.decoders[sample.track];
        let decoder = match slot {
            Some(decoder) => decoder,
            None => {
                // Ten seconds of room for timestamps that go back.
                let first = sample.dts.min(sample.pts).saturating_sub(10_000_000_000);
                let found = Arc::clone(&self.found);
                let progress = Arc::clone(&self.progress);
                let opened = match track.kind {
                    TrackKind::Picture { .. } => {
                        TrackDecoder::pictures(track, first, move |picture| locked(&found).picture(picture, &progress))
                    }
                    TrackKind::Sound { .. } => {
                        TrackDecoder::sound(track, first, move |sound| locked(&found).sound(sound))
                    }
                };
                slot.insert(opened?)
            }
        };
        Ok(decoder.push(sample, bytes.slice(sample.bytes.clone()))?)
    }
}
