//! Audio renditions: program sound in blocks of one AAC frame, mapped to each rendition's channels, one encoder each.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;

use super::blocks::{Block, Blocks};
use super::chain::{add_linked, filter, unlimited_queue, way_out};
use super::cut::TrackGrid;
use super::entry::Entry;
use super::format::{AAC_FRAME, sound_caps};
use super::gate::Gate;
use super::ledger::Tally;
use super::parts::Parts;
use super::tail::{self, Track, Window};
use super::tap::Mouth;
use super::watch::Origin;
use crate::media::MediaError;
use crate::media::init::{bounded, element};
use crate::media::sound::{Corrector, Matrix};
use crate::model::{AudioFormat, MediaTime, RenditionId};
use crate::plan::{AudioRenditionPlan, ChannelPlan, CorrectionPlan};

/// Opening an encoder takes no time; one that hangs is not waited for.
const START_BOUND: Duration = Duration::from_secs(10);

/// Frames by which the decoded sound of avenc_aac lags behind its timestamps (its priming).
const ENCODER_DELAY: u64 = 1;

/// The property of avenc_aac.
const FORCED_MIDDLE_SIDE: &str = "aac-ms";

/// Blocks that an encoder gets before it has its turn, and after: a frame takes in what is around it.
const AROUND: u64 = 3;

/// The audio renditions of a channel.
pub(super) struct Sound {
    rate: u32,
    state: Mutex<State>,
}

struct State {
    /// Of the program, for the renditions that are not corrected.
    blocks: Blocks,
    branches: Vec<Arc<Branch>>,
}

/// Where one rendition's sound enters the graph: a pipeline of its own.
pub(super) struct Branch {
    id: RenditionId,
    pipeline: gst::Pipeline,
    entry: Entry,
    /// None if it carries the program as it is.
    map: Option<Matrix>,
    corrected: Option<Mutex<Corrected>>,
    tally: Arc<Tally>,
    gate: Arc<Gate>,
    mouth: Arc<Mouth>,
    window: Arc<Window>,
    ended: AtomicBool,
}

/// A rendition with a loudness of its own. Its blocks are cut from what its corrector has let go, at the times at which
/// that came in.
struct Corrected {
    corrector: Corrector,
    blocks: Blocks,
}

/// What became of some sound.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Taken {
    /// Blocks that a rendition took.
    pub taken: u64,
    /// Blocks that a rendition had no room for.
    pub dropped: u64,
}

impl Sound {
    /// Builds every audio branch.
    pub(super) fn build(parts: &Parts, plan: &ChannelPlan) -> Result<Self, MediaError> {
        let audio = parts.program.audio;
        let branches = plan.audio.iter().map(|rendition| Branch::build(parts, plan, rendition, false));
        let branches = branches.collect::<Result<_, _>>()?;
        let blocks = Blocks::new(audio.sample_rate, audio.channels);
        Ok(Self { rate: audio.sample_rate, state: Mutex::new(State { blocks, branches }) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn branches(&self) -> Vec<Arc<Branch>> {
        self.state().branches.clone()
    }

    pub(super) fn add(&self, branches: &[Arc<Branch>]) {
        self.state().branches.extend(branches.iter().cloned());
    }

    pub(super) fn remove(&self, branch: &Arc<Branch>) {
        self.state().branches.retain(|one| !Arc::ptr_eq(one, branch));
    }

    /// Takes program sound that begins at `time`.
    pub(super) fn push(&self, time: MediaTime, data: &[u8]) -> Taken {
        let mut state = self.state();
        let State { blocks, branches } = &mut *state;
        let mut taken = Taken::default();
        let mut count = |was_taken: bool| if was_taken { taken.taken += 1 } else { taken.dropped += 1 };
        for block in blocks.push(time, data) {
            let plain = stamped(&block, block.data.clone());
            let mapped = |map: &Matrix| stamped(&block, bytes(&map.apply(&samples(&block.data))));
            let wanted = |branch: &&Arc<Branch>| branch.corrected.is_none() && branch.wants(&block);
            for branch in branches.iter().filter(wanted) {
                count(branch.entry.push(branch.map.as_ref().map_or_else(|| plain.clone(), mapped)));
            }
        }
        let late = Duration::from_nanos(Corrector::latency(self.rate) as u64 * 1_000_000_000 / u64::from(self.rate));
        for branch in branches.iter() {
            let Some(corrected) = &branch.corrected else { continue };
            let mut corrected = lock(corrected);
            let sound = samples(data);
            let mut sound = branch.map.as_ref().map_or_else(|| sound.clone(), |map| map.apply(&sound));
            corrected.corrector.process(&mut sound);
            let came = MediaTime::from_nanos(time.as_nanos().saturating_sub(late.as_nanos() as u64));
            for block in corrected.blocks.push(came, &bytes(&sound)).iter().filter(|block| branch.wants(block)) {
                count(branch.entry.push(stamped(block, block.data.clone())));
            }
        }
        taken
    }

    /// Blocks that wait for the slowest encoder.
    pub(super) fn level(&self) -> u64 {
        self.state().branches.iter().map(|branch| branch.entry.level()).max().unwrap_or(0)
    }

    /// No more sound will come.
    pub(super) fn end(&self) {
        self.state().branches.iter().for_each(|branch| branch.end());
    }

    /// Samples made up as silence, and samples thrown away.
    pub(super) fn filled_and_trimmed(&self) -> (u64, u64) {
        let state = self.state();
        (state.blocks.filled(), state.blocks.trimmed())
    }
}

impl Branch {
    /// Builds a branch, which gets no sound yet; what it encodes may be `held`.
    pub(super) fn build(
        parts: &Parts,
        plan: &ChannelPlan,
        rendition: &AudioRenditionPlan,
        held: bool,
    ) -> Result<Arc<Self>, MediaError> {
        let id = &rendition.id;
        let pipeline = gst::Pipeline::with_name(&format!("encode-{id}"));
        let tally = parts.ledger.enter(id);
        let ((gate, mouth), window) = (way_out(&parts.ledger, &tally, held), Arc::<Window>::default());
        let built = assemble(&pipeline, parts, plan, rendition, (&tally, &gate, &mouth, &window));
        let (entry, map, corrected) = built.inspect_err(|_| parts.ledger.leave(&tally))?;
        parts.notes.hear(&pipeline, Origin::Sound(id.clone()));
        let (id, corrected, ended) = (id.clone(), corrected.map(Mutex::new), AtomicBool::new(false));
        Ok(Arc::new(Self { id, pipeline, entry, map, corrected, tally, gate, mouth, window, ended }))
    }

    pub(super) fn id(&self) -> &RenditionId {
        &self.id
    }

    pub(super) fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    /// Lets out what was held.
    pub(super) fn release(&self) {
        self.gate.release();
        self.mouth.speak_up();
    }

    /// Starts it.
    pub(super) fn play(&self) -> Result<(), MediaError> {
        let (pipeline, part) = (self.pipeline.clone(), || self.pipeline.name().to_string());
        match bounded(START_BOUND, move || pipeline.set_state(gst::State::Playing)) {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(MediaError::graph(part(), error)),
            None => Err(MediaError::Deadline { part: part(), millis: START_BOUND.as_millis() as u64 }),
        }
    }

    /// Its sound begins at this time, which is still to come.
    pub(super) fn begin_at(&self, time: MediaTime) {
        self.window.from.store(time.as_nanos(), Ordering::Relaxed);
    }

    /// Its sound ends before this time.
    pub(super) fn end_at(&self, time: MediaTime) {
        self.window.until.store(time.as_nanos(), Ordering::Relaxed);
    }

    /// Whether it takes this block; ends it when its time is over.
    fn wants(&self, block: &Block) -> bool {
        let around = AROUND * (block.end.as_nanos() - block.start.as_nanos());
        let until = self.window.until.load(Ordering::Relaxed).saturating_add(around);
        if block.start.as_nanos() >= until {
            self.end();
            return false;
        }
        block.start.as_nanos() + around >= self.window.from.load(Ordering::Relaxed)
    }

    fn end(&self) {
        if !self.ended.swap(true, Ordering::Relaxed) {
            self.entry.end();
        }
    }

    /// Stops without flushing; false if that took longer than `bound`.
    pub(super) fn close(&self, bound: Duration) -> bool {
        self.gate.shut();
        let pipeline = self.pipeline.clone();
        bounded(bound, move || pipeline.set_state(gst::State::Null)).is_some()
    }
}

fn assemble(
    pipeline: &gst::Pipeline,
    parts: &Parts,
    plan: &ChannelPlan,
    rendition: &AudioRenditionPlan,
    (tally, gate, mouth, window): (&Arc<Tally>, &Arc<Gate>, &Arc<Mouth>, &Arc<Window>),
) -> Result<(Entry, Option<Matrix>, Option<Corrected>), MediaError> {
    let id = &rendition.id;
    let program = parts.program.audio;
    let map = rendition.map.as_ref().map(|map| Matrix::mapped(map, program.channels)).filter(|map| !map.is_identity());
    let audio = AudioFormat { channels: rendition.channels(program.channels), ..program };
    let corrected = rendition.correction.map(|correction| Corrected::new(audio, correction, plan)).transpose();
    let corrected = corrected.map_err(|error| MediaError::graph(format!("the loudness correction of {id}"), error))?;
    let entry = Entry::new(&format!("sound-{id}"), &sound_caps(&audio), 2 * u64::from(audio.sample_rate) / AAC_FRAME)?;
    let queue = unlimited_queue(&format!("queue-{id}"))?;
    // Blocks when full: the entry in front of it drops then; encoding sound takes next to nothing.
    queue.set_property("max-size-buffers", 64u32);
    let encoder = element("avenc_aac", &format!("encoder-{id}"))?;
    encoder.set_property("bitrate", i32::try_from(rendition.bitrate.bps()).unwrap_or(i32::MAX));
    // GStreamer makes a truth value of libavcodec's "automatic" and so forces middle and side in every band: a tone on
    // the left comes out on the right, 5 dB down. Whoever carries two languages in one pair must not hear that. Newer
    // versions have a third value for it, which is the default.
    if encoder.find_property(FORCED_MIDDLE_SIDE).is_some_and(|known| known.value_type() == gst::glib::Type::BOOL) {
        encoder.set_property(FORCED_MIDDLE_SIDE, false);
    }
    let raw = gst::Caps::builder("audio/mpeg").field("mpegversion", 4i32).field("stream-format", "raw").build();
    let mut chain = vec![
        entry.element().clone(),
        queue,
        element("audioconvert", &format!("convert-{id}"))?,
        encoder,
        element("aacparse", &format!("parse-{id}"))?,
        filter(&format!("parsed-{id}"), &raw)?,
    ];
    let track = Track {
        rendition: id.clone(),
        grid: TrackGrid::AacFrames(audio.sample_rate),
        timescale: audio.sample_rate,
        part: parts.pace.map(|pace| pace.aac_frames(audio.sample_rate)),
        delay: ENCODER_DELAY,
        timeline: parts.timeline.clone(),
        // A channel without pictures has timed metadata in its sound.
        events: plan.video.is_empty(),
        window: Arc::clone(window),
        captions: None,
    };
    chain.extend(tail::build(track, tally, gate, mouth)?);
    add_linked(pipeline, &format!("rendition {id}"), &chain)?;
    Ok((entry, map, corrected))
}

impl Corrected {
    fn new(audio: AudioFormat, correction: CorrectionPlan, plan: &ChannelPlan) -> Result<Self, ebur128::Error> {
        let channels = usize::from(audio.channels);
        Ok(Self {
            corrector: Corrector::new(audio.sample_rate, channels, correction, plan.sound.true_peak_max)?,
            blocks: Blocks::new(audio.sample_rate, audio.channels),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn samples(data: &[u8]) -> Vec<f32> {
    data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

fn bytes(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

fn stamped(block: &Block, data: Vec<u8>) -> gst::Buffer {
    let (start, end) = (block.start.as_nanos(), block.end.as_nanos());
    let mut buffer = gst::Buffer::from_mut_slice(data);
    let made = buffer.make_mut();
    made.set_pts(gst::ClockTime::from_nseconds(start));
    made.set_duration(gst::ClockTime::from_nseconds(end - start));
    buffer
}
