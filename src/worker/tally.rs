//! What has been written: per rendition the last segment and the measured bit rate.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::{BitRate, MediaTime, RenditionId};
use crate::spool::Segment;

/// Bit rates are measured over this many segments.
const MEASURED: usize = 10;

#[derive(Debug)]
struct Written {
    rendition: RenditionId,
    recent: VecDeque<(u64, Duration)>,
    position: Option<MediaTime>,
    number: Option<u64>,
    segments: u64,
    ended: bool,
}

impl Written {
    fn nothing(rendition: &RenditionId) -> Self {
        Self {
            rendition: rendition.clone(),
            recent: VecDeque::with_capacity(MEASURED + 1),
            position: None,
            number: None,
            segments: 0,
            ended: false,
        }
    }
}

/// One rendition's figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) measured: BitRate,
    pub(super) position: Option<MediaTime>,
    pub(super) number: Option<u64>,
    pub(super) segments: u64,
}

/// Figures of all renditions; written by the writer's thread, read by heartbeats.
#[derive(Debug)]
pub(super) struct Tally(Mutex<Vec<Written>>);

impl Tally {
    pub(super) fn new(renditions: &[RenditionId]) -> Self {
        Self(Mutex::new(renditions.iter().map(Written::nothing).collect()))
    }

    /// One more rendition.
    pub(super) fn add(&self, rendition: &RenditionId) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|written| written.rendition != *rendition);
        all.push(Written::nothing(rendition));
    }

    /// Its encoder is going to end.
    pub(super) fn expect_end(&self, rendition: &RenditionId) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter_mut().filter(|written| written.rendition == *rendition).for_each(|written| written.ended = false);
    }

    /// Everything that its encoder handed out is written.
    pub(super) fn end(&self, rendition: &RenditionId) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter_mut().filter(|written| written.rendition == *rendition).for_each(|written| written.ended = true);
    }

    /// Whether that is the case.
    pub(super) fn has_ended(&self, rendition: &RenditionId) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().all(|written| written.rendition != *rendition || written.ended)
    }

    /// One rendition less.
    pub(super) fn remove(&self, rendition: &RenditionId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|written| written.rendition != *rendition);
    }

    pub(super) fn note(&self, rendition: &RenditionId, segment: &Segment) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(written) = all.iter_mut().find(|w| w.rendition == *rendition) else {
            return;
        };
        written.recent.push_back((segment.bytes, segment.duration));
        if written.recent.len() > MEASURED {
            written.recent.pop_front();
        }
        written.position = Some(segment.start + segment.duration);
        written.number = Some(segment.number);
        written.segments += 1;
    }

    pub(super) fn figures(&self, rendition: &RenditionId) -> Option<Figures> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = all.iter().find(|w| w.rendition == *rendition)?;
        let (bytes, time) =
            written.recent.iter().fold((0, Duration::ZERO), |(bytes, time), (b, t)| (bytes + b, time + *t));
        let measured = if time.is_zero() { 0.0 } else { bytes as f64 * 8.0 / time.as_secs_f64() };
        Some(Figures {
            measured: BitRate(measured as u64),
            position: written.position,
            number: written.number,
            segments: written.segments,
        })
    }
}
