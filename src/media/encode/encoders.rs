//! The face of the graph: start, push, finish.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gst::prelude::*;
use gstreamer as gst;

use super::choose::Choice;
use super::failure::EncodeFailure;
use super::ledger::{Counters, Ledger};
use super::line::Line;
use super::output::Output;
use super::picture::{self, Pictures};
use super::sound::Sound;
use super::watch::{Origin, Watch, notes};
use crate::media::MediaError;
use crate::media::init::{bounded, init};
use crate::model::{BitRate, Cued, FrameGrid, LiveTimeline, MediaTime, RenditionId, Timeline};
use crate::plan::ChannelPlan;

/// Opening every encoder of a ladder takes well under a second; a driver may hang.
const START_BOUND: Duration = Duration::from_secs(10);

/// The running encoders and segmenters of one channel. Dropping it stops them without flushing.
pub struct Encoders {
    pipeline: gst::Pipeline,
    pictures: Option<Pictures>,
    sound: Option<Sound>,
    counts: Counts,
    ledger: Arc<Ledger>,
    _watch: Watch,
}

#[derive(Default)]
struct Counts {
    pictures: AtomicU64,
    pictures_dropped: AtomicU64,
    sound_blocks: AtomicU64,
    sound_dropped: AtomicU64,
}

impl Encoders {
    /// Builds and starts the graph of a plan. `output` is called on the graph's threads, in order per rendition, and
    /// has to return soon. Blocks for as long as drivers take to open, at most some 10 s.
    pub fn start(plan: &ChannelPlan, output: Arc<dyn Fn(Output) + Send + Sync>) -> Result<Self, MediaError> {
        let timeline = Timeline::new(plan.segments, FrameGrid::new(plan.program.frame_rate), Cued::default());
        Self::start_on(plan, &LiveTimeline::new(timeline), output)
    }

    /// As [`Encoders::start`]; segments are cut where `timeline` says, which may change on the way.
    pub fn start_on(
        plan: &ChannelPlan,
        timeline: &LiveTimeline,
        output: Arc<dyn Fn(Output) + Send + Sync>,
    ) -> Result<Self, MediaError> {
        init()?;
        let pipeline = gst::Pipeline::with_name("encode");
        let ledger = Arc::new(Ledger::new(output));
        let (notes, ears) = notes();
        notes.hear(&pipeline, Origin::Sound);
        let pictures = match plan.video.is_empty() {
            true => None,
            false => Some(picture::build(&plan.program, plan.parts, timeline, &plan.video, &ledger, &notes)?),
        };
        let sound = match plan.audio.is_empty() {
            true => None,
            false => Some(Sound::build(&pipeline, plan, timeline, &ledger)?),
        };
        let renditions: Vec<RenditionId> = plan.audio.iter().map(|r| r.id.clone()).collect();
        let lines = pictures.as_ref().map_or_else(Vec::new, |pictures| pictures.lines.clone());
        let watch = Watch::start(ears, lines, renditions, Arc::clone(&ledger))
            .map_err(|error| MediaError::graph("the encoders' bus thread", error))?;
        let encoders = Self { pipeline, pictures, sound, counts: Counts::default(), ledger, _watch: watch };
        encoders.play()?;
        Ok(encoders)
    }

    fn play(&self) -> Result<(), MediaError> {
        for line in self.lines() {
            line.play()?;
        }
        let pipeline = self.pipeline.clone();
        match bounded(START_BOUND, move || pipeline.set_state(gst::State::Playing)) {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => {
                let failure = self.ledger.failure().map(|failure| failure.to_string());
                Err(MediaError::graph("the encoders", failure.unwrap_or_else(|| error.to_string())))
            }
            None => Err(MediaError::Deadline { part: "the encoders".into(), millis: START_BOUND.as_millis() as u64 }),
        }
    }

    /// Takes a program picture: caps as `picture_caps`, PTS = media time of its tick. Never blocks.
    pub fn push_picture(&self, picture: gst::Buffer) {
        let Some(pictures) = &self.pictures else { return };
        let counter = if pictures.push(&picture) { &self.counts.pictures } else { &self.counts.pictures_dropped };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes program sound: caps as `sound_caps`, PTS = media time of its first sample, any length. Never blocks.
    pub fn push_sound(&self, sound: gst::Buffer) {
        let Some(renditions) = &self.sound else { return };
        let (Some(pts), Ok(data)) = (sound.pts(), sound.map_readable()) else { return };
        let blocks = renditions.push(MediaTime::from_nanos(pts.nseconds()), &data);
        self.counts.sound_blocks.fetch_add(blocks.taken, Ordering::Relaxed);
        self.counts.sound_dropped.fetch_add(blocks.dropped, Ordering::Relaxed);
    }

    /// Pictures and sound blocks that wait for the slowest encoder.
    pub fn backlog(&self) -> u64 {
        let pictures = self.lines().iter().map(|line| line.backlog()).max().unwrap_or(0);
        pictures.max(self.sound.as_ref().map_or(0, Sound::level))
    }

    /// Which encoder each video rendition uses now, and why not a better one.
    pub fn chosen(&self) -> Vec<Choice> {
        self.lines().iter().map(|line| line.choice()).collect()
    }

    /// Changes the average bit rate of a video rendition on air, its peak with it; no picture is lost. A sentence if
    /// there is no such rendition, or its encoder cannot.
    pub fn set_bitrate(&self, rendition: &RenditionId, bitrate: BitRate) -> Result<(), String> {
        let line = self.lines().iter().find(|line| line.id() == rendition);
        line.ok_or_else(|| format!("there is no video rendition {rendition}"))?.set_bitrate(bitrate)
    }

    fn lines(&self) -> &[Arc<Line>] {
        self.pictures.as_ref().map_or(&[], |pictures| &pictures.lines)
    }

    /// What was taken, dropped and delivered since the start.
    pub fn counters(&self) -> Counters {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut counters = Counters {
            pictures: get(&self.counts.pictures),
            pictures_dropped: get(&self.counts.pictures_dropped),
            sound_blocks: get(&self.counts.sound_blocks),
            sound_dropped: get(&self.counts.sound_dropped),
            renditions: self.ledger.renditions(),
            ..Counters::default()
        };
        if let Some(sound) = &self.sound {
            (counters.sound_filled, counters.sound_trimmed) = sound.filled_and_trimmed();
        }
        counters
    }

    /// The error that ended the graph, if one has.
    pub fn failure(&self) -> Option<EncodeFailure> {
        self.ledger.failure()
    }

    /// Encodes what has been pushed, hands out the last chunks ([`Output::Ended`] per rendition) and stops. False when
    /// `deadline` passed or the graph failed before everything was out. What is pushed from now on counts as dropped.
    /// Blocks: not for the async runtime.
    pub fn finish(&self, deadline: Duration) -> bool {
        self.lines().iter().for_each(|line| line.end());
        if let Some(sound) = &self.sound {
            sound.end();
        }
        self.ledger.wait_for_end(deadline)
    }
}

impl Drop for Encoders {
    fn drop(&mut self) {
        let pipeline = self.pipeline.clone();
        let closing: Vec<_> = self.lines().iter().filter_map(|line| line.close()).collect();
        let until = Instant::now() + Duration::from_secs(2);
        let sound = bounded(Duration::from_secs(2), move || pipeline.set_state(gst::State::Null));
        // A driver that does not close is left behind: the process ends soon after its graph.
        let left = |until: Instant| until.saturating_duration_since(Instant::now());
        let closed = closing
            .iter()
            .all(|closed| !matches!(closed.recv_timeout(left(until)), Err(std::sync::mpsc::RecvTimeoutError::Timeout)));
        if sound.is_none() || !closed {
            tracing::warn!("the encoders did not stop within 2 s; the driver may hang");
        }
    }
}
