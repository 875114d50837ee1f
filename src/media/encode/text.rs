//! The text rendition: the program's captions as WebVTT, cut where pictures are cut.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::ledger::Ledger;
use super::output::{ChunkOut, InitOut, Output};
use crate::media::captions::{Cues, Triplet, webvtt};
use crate::model::{FrameGrid, LiveTimeline, MediaTime, ProgramFormat, RenditionId};
use crate::plan::CaptionsPlan;

/// The codec string by which everybody knows text (RFC 6381 has none for bare WebVTT).
const CODEC: &str = "wvtt";

/// Written on the program's own thread: a segment of text takes microseconds.
pub(super) struct Text {
    rendition: RenditionId,
    timeline: LiveTimeline,
    frames: FrameGrid,
    ledger: Arc<Ledger>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    cues: Cues,
    /// The segment that pictures are in, and the newest of them.
    open: Option<(u64, MediaTime)>,
    told: bool,
    ended: bool,
}

impl Text {
    /// The text rendition of a plan, if it has one.
    pub(super) fn new(
        plan: &CaptionsPlan,
        program: &ProgramFormat,
        timeline: &LiveTimeline,
        ledger: &Arc<Ledger>,
    ) -> Option<Self> {
        let rendition = plan.webvtt.clone()?;
        let frames = FrameGrid::new(program.frame_rate);
        let (timeline, ledger) = (timeline.clone(), Arc::clone(ledger));
        Some(Self { rendition, timeline, frames, ledger, state: Mutex::default() })
    }

    /// Takes what the picture at `time` carries, which may be nothing.
    pub(super) fn push(&self, time: MediaTime, triplets: &[Triplet]) {
        let timeline = self.timeline.get();
        let boundaries = timeline.boundaries();
        let number = boundaries.number_at(time);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.ended {
            return;
        }
        match state.open {
            Some((open, _)) if number > open => self.hand_out(&mut state, open, boundaries.start_of(open + 1)),
            None => drop(state.cues.cut(boundaries.start_of(number))),
            Some(_) => {}
        }
        let open = state.open.map_or(number, |(open, _)| open.max(number));
        state.open = Some((open, time));
        state.cues.take(triplets, time);
    }

    /// Hands out the segment that is open, short as it is; nothing follows.
    pub(super) fn end(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut state.ended, true) {
            return;
        }
        if let Some((open, newest)) = state.open {
            let end = self.frames.time_of(self.frames.index_at(newest) + 1);
            self.hand_out(&mut state, open, end.min(self.timeline.get().boundaries().start_of(open + 1)));
        }
        self.ledger.emit(Output::Ended(self.rendition.clone()));
    }

    fn hand_out(&self, state: &mut State, number: u64, end: MediaTime) {
        if !std::mem::replace(&mut state.told, true) {
            let (rendition, codec) = (self.rendition.clone(), CODEC.to_owned());
            self.ledger.emit(Output::Init(InitOut { rendition, codec, data: bytes::Bytes::new() }));
        }
        let start = self.timeline.get().boundaries().start_of(number);
        let cues = state.cues.cut(end);
        self.ledger.emit(Output::Chunk(ChunkOut {
            rendition: self.rendition.clone(),
            number,
            start,
            duration: Duration::from_nanos(end.since(start).as_nanos() as u64),
            samples: cues.len() as u32,
            independent: true,
            last: true,
            data: webvtt::segment(start, &cues).into(),
        }));
    }
}
