//! The face of the graph: start, push, finish.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gstreamer as gst;

use super::choose::Choice;
use super::failure::EncodeFailure;
use super::format::{picture_caps, sound_caps};
use super::ledger::{Counters, Ledger};
use super::line::Line;
use super::lines::Lines;
use super::output::Output;
use super::parts::Parts;
use super::picture::Pictures;
use super::sound::Sound;
use super::tap::{Mouth, Tap};
use super::text::Text;
use super::watch::{Watch, notes};
use crate::media::MediaError;
use crate::media::captions;
use crate::media::init::init;
use crate::model::{BitRate, Cued, FrameGrid, LiveTimeline, MediaTime, RenditionId, Timeline};
use crate::plan::ChannelPlan;

/// The running encoders and segmenters of one channel. Dropping it stops them without flushing.
pub struct Encoders {
    pub(super) parts: Parts,
    pub(super) pictures: Option<Pictures>,
    pub(super) sound: Sound,
    text: Option<Text>,
    counts: Counts,
    /// Time of the newest picture or sound, nanoseconds.
    pub(super) newest: AtomicU64,
    pub(super) ledger: Arc<Ledger>,
    /// Where program sound is told, and what it is.
    heard: (Mouth, gst::Caps),
    /// The same for program pictures.
    seen: (Mouth, gst::Caps),
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
        Self::start_with(plan, timeline, output, false)
    }

    /// As [`Encoders::start_on`], for what is not on air: its threads let those of other graphs go first.
    pub fn start_beside(
        plan: &ChannelPlan,
        timeline: &LiveTimeline,
        output: Arc<dyn Fn(Output) + Send + Sync>,
    ) -> Result<Self, MediaError> {
        Self::start_with(plan, timeline, output, true)
    }

    fn start_with(
        plan: &ChannelPlan,
        timeline: &LiveTimeline,
        output: Arc<dyn Fn(Output) + Send + Sync>,
        stands_back: bool,
    ) -> Result<Self, MediaError> {
        init()?;
        let ledger = Arc::new(Ledger::new(output));
        let (notes, ears) = notes(stands_back);
        let text = plan.captions.as_ref().and_then(|captions| Text::new(captions, &plan.program, timeline, &ledger));
        let (program, pace) = (plan.program, plan.parts);
        let (timeline, beside) = (timeline.clone(), Arc::clone(ledger.tap().captions()));
        let parts = Parts { program, pace, timeline, ledger: Arc::clone(&ledger), notes, beside };
        let pictures = match plan.video.is_empty() {
            true => None,
            false => Some(Pictures::build(&parts, &plan.video)?),
        };
        let sound = Sound::build(&parts, plan)?;
        let lines = pictures.as_ref().map_or_else(Lines::default, |pictures| pictures.lines.clone());
        let watch = Watch::start(ears, lines, Arc::clone(&ledger))
            .map_err(|error| MediaError::graph("the encoders' bus thread", error))?;
        let (counts, newest) = (Counts::default(), AtomicU64::new(0));
        let heard = (ledger.tap().sound(), sound_caps(&plan.program.audio));
        let seen = (ledger.tap().pictures(), picture_caps(&plan.program));
        let encoders = Self { parts, pictures, sound, text, counts, newest, ledger, heard, seen, _watch: watch };
        encoders.play()?;
        Ok(encoders)
    }

    fn play(&self) -> Result<(), MediaError> {
        for line in self.lines() {
            line.play()?;
        }
        for branch in self.sound.branches() {
            branch.play()?;
        }
        // An encoder may have failed already while others were opened.
        self.ledger.failure().map_or(Ok(()), |failure| Err(MediaError::graph("the encoders", failure)))
    }

    /// Takes a program picture: caps as `picture_caps`, PTS = media time of its tick. Never blocks.
    pub fn push_picture(&self, mut picture: gst::Buffer) {
        let Some(pictures) = &self.pictures else { return };
        let triplets = captions::take(&mut picture);
        if let Some(time) = picture.pts().map(|pts| MediaTime::from_nanos(pts.nseconds())) {
            self.note(time);
            if let Some(text) = &self.text {
                text.push(time, &triplets);
            }
            if !triplets.is_empty() {
                self.parts.beside.keep(time, triplets);
            }
        }
        self.seen.0.tell(&picture, || Some(self.seen.1.clone()));
        let counter = if pictures.push(&picture) { &self.counts.pictures } else { &self.counts.pictures_dropped };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes program sound: caps as `sound_caps`, PTS = media time of its first sample, any length. Never blocks.
    pub fn push_sound(&self, sound: gst::Buffer) {
        self.heard.0.tell(&sound, || Some(self.heard.1.clone()));
        let (Some(pts), Ok(data)) = (sound.pts(), sound.map_readable()) else { return };
        let time = MediaTime::from_nanos(pts.nseconds());
        self.note(time);
        let blocks = self.sound.push(time, &data);
        self.counts.sound_blocks.fetch_add(blocks.taken, Ordering::Relaxed);
        self.counts.sound_dropped.fetch_add(blocks.dropped, Ordering::Relaxed);
    }

    fn note(&self, time: MediaTime) {
        self.newest.fetch_max(time.as_nanos(), Ordering::Relaxed);
    }

    /// Pictures and sound blocks that wait for the slowest encoder.
    pub fn backlog(&self) -> u64 {
        let pictures = self.lines().iter().map(|line| line.backlog()).max().unwrap_or(0);
        pictures.max(self.sound.level())
    }

    /// Where encoded units can be had. Outlives the encoders; its subscriptions end with them.
    pub fn tap(&self) -> Tap {
        self.ledger.tap().clone()
    }

    /// Which encoder each video rendition uses now, and why not a better one.
    pub fn chosen(&self) -> Vec<Choice> {
        self.lines().iter().map(|line| line.choice()).collect()
    }

    /// Changes the average bit rate of a video rendition on air, its peak with it; no picture is lost. A sentence if
    /// there is no such rendition, or its encoder cannot.
    pub fn set_bitrate(&self, rendition: &RenditionId, bitrate: BitRate) -> Result<(), String> {
        let line = self.pictures.as_ref().and_then(|pictures| pictures.lines.of(rendition));
        line.ok_or_else(|| format!("there is no video rendition {rendition}"))?.set_bitrate(bitrate)
    }

    pub(super) fn lines(&self) -> Vec<Arc<Line>> {
        self.pictures.as_ref().map_or_else(Vec::new, |pictures| pictures.lines.get())
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
        (counters.sound_filled, counters.sound_trimmed) = self.sound.filled_and_trimmed();
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
        if let Some(text) = &self.text {
            text.end();
        }
        self.sound.end();
        self.ledger.wait_for_end(deadline)
    }
}

impl Drop for Encoders {
    fn drop(&mut self) {
        self.ledger.tap().close();
        let closing: Vec<_> = self.lines().iter().filter_map(|line| line.close()).collect();
        let until = Instant::now() + Duration::from_secs(2);
        let left = |until: Instant| until.saturating_duration_since(Instant::now());
        let quiet = self.sound.branches().iter().all(|branch| branch.close(left(until).max(Duration::from_millis(1))));
        // A driver that does not close is left behind: the process ends soon after its graph.
        let closed = closing
            .iter()
            .all(|closed| !matches!(closed.recv_timeout(left(until)), Err(std::sync::mpsc::RecvTimeoutError::Timeout)));
        if !quiet || !closed {
            tracing::warn!("the encoders did not stop within 2 s; the driver may hang");
        }
    }
}
