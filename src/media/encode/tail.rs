//! The end of each branch: stamps samples on the grid, tells the muxer where to cut, hands chunks out.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use super::beside::Inserter;
use super::codec::codec_string;
use super::cut::{Cut, Cutter, TrackGrid};
use super::emsg::{self, Told};
use super::gate::Gate;
use super::ledger::Tally;
use super::output::{ChunkOut, InitOut, Output};
use super::tap::Mouth;
use super::{fragment, movie};
use crate::media::MediaError;
use crate::media::init::element;
use crate::model::{LiveTimeline, MediaTime, RenditionId};

/// The muxer lengthens the last sample before a gap up to the next one. Past the end of its segment by more than this
/// it ends with the segment instead, and there is a seam: a segment must not outlast its playlist's target duration
/// (rfc8216bis 4.4.3.1, rounded to the second).
const LONGEST_HOLD: Duration = Duration::from_millis(400);

/// One track and where it is cut.
#[derive(Debug, Clone)]
pub(super) struct Track {
    pub rendition: RenditionId,
    pub grid: TrackGrid,
    pub timescale: u32,
    /// Samples in a part; none without low latency.
    pub part: Option<u64>,
    /// Samples by which the encoder's timestamps are late.
    pub delay: u64,
    pub timeline: LiveTimeline,
    /// Whether timed metadata goes into its media.
    pub events: bool,
    /// Samples outside of it are of no use.
    pub window: Arc<Window>,
    /// What puts captions into its pictures.
    pub captions: Option<Inserter>,
}

/// From when on, and until when, samples are passed on; nanoseconds.
#[derive(Debug)]
pub(super) struct Window {
    pub from: AtomicU64,
    pub until: AtomicU64,
}

impl Default for Window {
    fn default() -> Self {
        Self { from: AtomicU64::new(0), until: AtomicU64::new(u64::MAX) }
    }
}

impl Window {
    fn has(&self, time: MediaTime) -> bool {
        let get = |bound: &AtomicU64| bound.load(Ordering::Relaxed);
        (get(&self.from)..get(&self.until)).contains(&time.as_nanos())
    }
}

/// The muxer and the sink behind it, to be linked in this order. What the muxer gets is told to `mouth`.
pub(super) fn build(
    track: Track,
    tally: &Arc<Tally>,
    gate: &Arc<Gate>,
    mouth: &Arc<Mouth>,
) -> Result<Vec<gst::Element>, MediaError> {
    let id = &track.rendition;
    let mux = element("cmafmux", &format!("mux-{id}"))?;
    mux.set_property("manual-split", true);
    mux.set_property("send-force-keyunit", false);
    mux.set_property("write-mehd", false);
    mux.set_property_from_str("write-edts-mode", "never");
    mux.set_property("movie-timescale", track.timescale);
    let pad = mux.static_pad("sink").ok_or_else(|| MediaError::graph(mux.name(), "has no pad `sink`"))?;
    pad.set_property("trak-timescale", track.timescale);
    stamp_and_cut(&pad, track.clone(), Arc::clone(tally), Arc::clone(gate), Arc::clone(mouth));
    let sink =
        gst_app::AppSink::builder().name(format!("sink-{id}")).sync(false).async_(false).buffer_list(true).build();
    hand_out(&sink, &pad, track, tally, gate);
    Ok(vec![mux, sink.upcast()])
}

/// Puts every sample's times on its grid, to the nanosecond, and the cut events in front of it.
fn stamp_and_cut(pad: &gst::Pad, track: Track, tally: Arc<Tally>, gate: Arc<Gate>, mouth: Arc<Mouth>) {
    let cutter = Mutex::new(Cutter::with_parts(track.grid, track.part));
    let begin = Mutex::new(None);
    let captions = Mutex::new(track.captions.clone());
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let Some(buffer) = info.buffer_mut() else { return gst::PadProbeReturn::Ok };
        let Some(time) = stamp(buffer.make_mut(), &track) else { return gst::PadProbeReturn::Ok };
        let first = *lock(&begin).get_or_insert(time.encoder);
        if time.stamped < first || !track.window.has(time.stamped) {
            // Priming of the encoder: it would play before the program begins. Or another encoder's turn. (Not `Drop`: the bindings have freed
            // the buffer by then, and GStreamer would free it again.)
            return gst::PadProbeReturn::Handled;
        }
        if let Some(inserter) = lock(&captions).as_mut() {
            inserter.insert(time.stamped, buffer);
        }
        Tally::add(&tally.encoded, 1);
        Tally::add(&gate.encoded, 1);
        mouth.tell(buffer, || pad.current_caps());
        let keyframe = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let cut = lock(&cutter).before(time.stamped, track.timeline.get().boundaries());
        if let Some(cut) = cut {
            if cut == Cut::Segment && !keyframe {
                Tally::add(&tally.unaligned, 1);
            }
            let split = gst::Structure::builder("FMP4MuxSplitNow").field("chunk", cut == Cut::Chunk).build();
            pad.send_event(gst::event::CustomDownstream::new(split));
        }
        gst::PadProbeReturn::Ok
    });
}

struct Stamp {
    encoder: MediaTime,
    stamped: MediaTime,
}

fn stamp(buffer: &mut gst::BufferRef, track: &Track) -> Option<Stamp> {
    let time = |time: gst::ClockTime| MediaTime::from_nanos(time.nseconds());
    let pts = buffer.pts()?;
    let encoder = track.grid.snap(time(pts));
    let stamped = track.grid.back(encoder, track.delay);
    let decoded = track.grid.back(time(buffer.dts().unwrap_or(pts)), track.delay);
    let next = track.grid.first_from(MediaTime::from_nanos(stamped.as_nanos() + 1));
    buffer.set_pts(gst::ClockTime::from_nseconds(stamped.as_nanos()));
    buffer.set_dts(gst::ClockTime::from_nseconds(decoded.as_nanos()));
    buffer.set_duration(gst::ClockTime::from_nseconds(next.since(stamped).as_nanos() as u64));
    Some(Stamp { encoder, stamped })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hand_out(sink: &gst_app::AppSink, pad: &gst::Pad, track: Track, tally: &Arc<Tally>, gate: &Arc<Gate>) {
    let (pad, tally) = (pad.downgrade(), Arc::clone(tally));
    let (rendition, at_end, gate) = (track.rendition.clone(), Arc::clone(gate), Arc::clone(gate));
    let (lead, told) = (AtomicU32::new(0), Mutex::new(Told::default()));
    let callbacks = gst_app::AppSinkCallbacks::builder()
        .new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            let Some(list) = sample.buffer_list() else { return Err(gst::FlowError::Error) };
            let is_init = |b: &gst::BufferRef| b.flags().contains(gst::BufferFlags::HEADER | gst::BufferFlags::DISCONT);
            if let Some(header) = list.get(0).filter(|b| is_init(b)) {
                let caps = pad.upgrade().and_then(|pad| pad.current_caps());
                let mut data = header.map_readable().map_err(|_| gst::FlowError::Error)?.to_vec();
                movie::forget_creation_time(&mut data);
                let codec = caps.and_then(|caps| codec_string(&caps, &mut data));
                let codec = codec.ok_or(gst::FlowError::NotNegotiated)?;
                let data = data.into();
                gate.emit(Output::Init(InitOut { rendition: track.rendition.clone(), codec, data }));
            }
            let data = joined(|| list.iter().filter(|b| !is_init(b)))?;
            if !data.is_empty() {
                let chunk = chunk(&track, data, &lead, &mut lock(&told)).ok_or(gst::FlowError::Error)?;
                Tally::add(&tally.chunks, 1);
                Tally::add(&tally.bytes, chunk.data.len() as u64);
                if !gate.emit(Output::Chunk(chunk)) {
                    return Err(gst::FlowError::Flushing);
                }
            }
            Ok(gst::FlowSuccess::Ok)
        })
        .eos(move |_| {
            at_end.emit(Output::Ended(rendition.clone()));
        })
        .build();
    sink.set_callbacks(callbacks);
}

fn joined<'a, I: Iterator<Item = &'a gst::BufferRef>>(buffers: impl Fn() -> I) -> Result<Vec<u8>, gst::FlowError> {
    let mut data = Vec::with_capacity(buffers().map(gst::BufferRef::size).sum());
    for buffer in buffers() {
        data.extend_from_slice(&buffer.map_readable().map_err(|_| gst::FlowError::Error)?);
    }
    Ok(data)
}

/// Describes a chunk by what its bytes say. `lead` is how much earlier than presentation this track is decoded.
fn chunk(track: &Track, mut data: Vec<u8>, lead: &AtomicU32, told: &mut Told) -> Option<ChunkOut> {
    let fragment = fragment::read(&data)?;
    // Reordered pictures have negative composition offsets. That is correct, but ffmpeg and its kin play such a track
    // late by them; so decoding begins earlier instead. It never goes back, or decode times would overlap.
    let lead = lead.fetch_max(fragment.early, Ordering::Relaxed).max(fragment.early);
    if lead > 0 {
        fragment::decode_earlier(&mut data, lead)?;
    }
    // Rounded up, as the grids are.
    let time =
        |ticks: u64| MediaTime::from_nanos((u128::from(ticks) * 1_000_000_000).div_ceil(track.timescale.into()) as u64);
    let (start, mut end) = (time(fragment.start), time(fragment.start + fragment.duration));
    let timeline = track.timeline.get();
    let boundaries = timeline.boundaries();
    let number = boundaries.number_at(start);
    let next = track.grid.first_from(boundaries.start_of(number + 1));
    // A segment that was lengthened for a cue has used some of it up.
    let longer = boundaries.duration_of(number).saturating_sub(boundaries.grid().duration());
    if end > next + LONGEST_HOLD.saturating_sub(longer) {
        let over = (end.since(next).as_nanos() * u128::from(track.timescale) / 1_000_000_000) as u64;
        fragment::shorten_last(&mut data, over)?;
        end = time(fragment.start + fragment.duration - over);
    }
    if track.events && !timeline.cued().metadata.is_empty() {
        emsg::insert(&mut data, told.due(timeline.cued(), (start, end), track.timescale));
    }
    Some(ChunkOut {
        rendition: track.rendition.clone(),
        number,
        start,
        duration: Duration::from_nanos(end.since(start).as_nanos() as u64),
        samples: fragment.samples,
        independent: fragment.independent,
        last: end >= next,
        data: data.into(),
    })
}
