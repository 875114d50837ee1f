//! The tick: one picture and its sound, whatever the sources do.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gstreamer as gst;
use gstreamer_video as gst_video;

use super::blend;
use super::desk::Turn;
use super::isolate::Isolator;
use super::labels::{Labelled, Labels};
use super::lineup::{self, Lineup, Places};
use super::mixer::{CUT, Mixer, Voice};
use super::scene::Scenes;
use super::select::{Arrangement, Selector, View, Wanted};
use super::{CATCH_UP, Outlet, Shared, lock};
use crate::media::EventSink;
use crate::media::captions::{self, Line};
use crate::media::clock::HouseClock;
use crate::media::companion::Offered;
use crate::media::encode::picture_caps;
use crate::media::feed::Taken;
use crate::media::overlay::Keyer;
use crate::media::source::Source;
use crate::model::status::{ProgramOrder, Showing};
use crate::model::{
    Event, EventCode, Fault, FrameGrid, MediaTime, SampleGrid, Scene, Severity, SignalStatus, SignalThresholds,
    SourceId,
};
use crate::plan::ChannelPlan;
use crate::policy::Grade;

/// Sound begins on the frame grid of AAC, so that every box cuts it alike.
const AAC_FRAME: u64 = 1024;
/// Each of two sources that are heard together is lowered by 3 dB.
const OF_TWO: f32 = std::f32::consts::FRAC_1_SQRT_2;

/// A dissolve under way.
#[derive(Debug, Clone, Copy)]
struct Dissolve {
    from: View,
    /// Frames that have left, and that there are.
    done: u32,
    total: u32,
}

impl Dissolve {
    /// Weight of the new picture in the frame that is due, of [`blend::WHOLE`]. Neither the first nor the last frame
    /// shows one picture alone.
    fn weight(self) -> u32 {
        blend::WHOLE * (self.done + 1) / (self.total + 1)
    }
}

/// The tick thread's state.
pub(super) struct Ticker {
    clock: HouseClock,
    frames: FrameGrid,
    samples: SampleGrid,
    pub(super) sources: Vec<Arc<Source>>,
    /// Sources from this rank on leave, and who is told when they have.
    staying: usize,
    leaving: Option<std::sync::mpsc::Sender<MediaTime>>,
    shared: Arc<Shared>,
    pub(super) selector: Selector,
    pub(super) thresholds: SignalThresholds,
    mixer: Mixer,
    isolator: Isolator,
    /// Whether each source delivers at this tick.
    delivers: Vec<bool>,
    keyer: Keyer,
    line: Line,
    labels: Labels,
    /// Timecode of this tick, where it is not the clock's alone.
    label: Option<Labelled>,
    info: Option<gst_video::VideoInfo>,
    scenes: Scenes,
    slate: gst::Buffer,
    /// What each source had for this tick.
    taken: Vec<Taken>,
    /// Faults of each source's signal that were told.
    pub(super) signals: Vec<SignalStatus>,
    shown: View,
    since: (MediaTime, u64),
    dissolve: Option<Dissolve>,
    /// Edition of preview and schedule that the status has.
    edition: u64,
    /// Whether the slate was reported; the one before the first source is not.
    pub(super) slate_told: bool,
    /// Where the sound goes on; none before the first AAC frame boundary.
    next_sample: Option<u64>,
    outlet: Arc<dyn Outlet>,
    pub(super) events: EventSink,
}

impl Ticker {
    pub(super) fn new(
        plan: &ChannelPlan,
        clock: HouseClock,
        sources: Vec<Arc<Source>>,
        shared: Arc<Shared>,
        slate: gst::Buffer,
        outlet: Arc<dyn Outlet>,
        events: EventSink,
    ) -> Self {
        let (wait, failover) = lineup::rules(&plan.thresholds);
        let info = gst_video::VideoInfo::from_caps(&picture_caps(&plan.program)).ok();
        let count = sources.len();
        let feeds = sources.iter().map(|source| Arc::clone(source.feed())).collect();
        let mixer = Mixer::new(plan, feeds, Arc::clone(&shared.sound), Arc::clone(&events), clock.now());
        let keyer = Keyer::new(&plan.program, Arc::clone(&shared.overlays));
        Self {
            clock,
            frames: FrameGrid::new(plan.program.frame_rate),
            samples: SampleGrid::new(plan.program.audio.sample_rate),
            sources,
            staying: count,
            leaving: None,
            shared,
            selector: Selector::new(count, wait, failover),
            thresholds: plan.thresholds.signal.clone(),
            mixer,
            isolator: Isolator::new(plan),
            delivers: vec![false; count],
            keyer,
            line: Line::new(plan.program.frame_rate),
            labels: Labels::new(plan.program.frame_rate),
            label: None,
            scenes: Scenes::new(info.clone()),
            info,
            slate,
            taken: vec![Taken::Nothing; count],
            signals: vec![SignalStatus::default(); count],
            shown: View::Slate,
            since: (MediaTime::from_nanos(0), 0),
            dissolve: None,
            edition: 0,
            slate_told: false,
            next_sample: None,
            outlet,
            events,
        }
    }

    pub(super) fn run(&mut self) {
        let mut index = self.frames.index_from(self.clock.now());
        while !self.shared.stop.load(Ordering::Relaxed) {
            let at = self.frames.time_of(index);
            self.clock.sleep_until(at);
            let late = self.clock.now().since(at);
            if late > CATCH_UP {
                index = self.skip(index, late);
            }
            self.tick(index);
            index += 1;
        }
    }

    /// Gives up the ticks between `index` and now.
    fn skip(&mut self, index: u64, late: Duration) -> u64 {
        let next = self.frames.index_from(self.clock.now());
        let missed = next - index;
        lock(&self.shared.status).missed += missed;
        self.next_sample = None;
        let text = format!("{missed} frames were not made: the process stood still for {:.1} s", late.as_secs_f32());
        let event = Event::new(self.clock.now(), Severity::Error, EventCode::TicksMissed, text).blame(
            Fault::Hardware,
            "look for overload, a stopped process or a suspended machine at this time (journal, dmesg)",
        );
        (self.events)(event);
        next
    }

    /// Makes frame `index`.
    pub(super) fn tick(&mut self, index: u64) {
        let at = self.frames.time_of(index);
        self.rearrange(at);
        let turn = lock(&self.shared.desk).turn(at);
        // Before the slate, which is set first: so both are new on the tick that is named.
        self.keyer.renew(at);
        if let Some(slate) = lock(&self.shared.slate).take() {
            self.slate = slate;
        }
        let before = self.shown;
        self.choose(at, &turn);
        let switched = self.shown != before;
        if switched {
            self.since = (at, index);
            self.line.clear();
        }
        self.gather(at);
        self.label(index, at);
        let repeated = self.show_picture(index, at) && !switched;
        self.show_preview(index, at);
        let sounded = self.play_sound(index);
        self.isolate(index, at, sounded);
        if let Some(dissolve) = &mut self.dissolve {
            dissolve.done += 1;
            self.dissolve = self.dissolve.filter(|dissolve| dissolve.done < dissolve.total);
        }
        self.note(at, &turn, switched.then_some(before), repeated);
        if self.carried_out(&turn.order) {
            let since = (!switched).then_some(self.since);
            lock(&self.shared.desk).answer(&turn, (at, index), since);
        }
    }

    /// Takes over other sources, if there are; drops those that leave, once nothing of them is seen or heard.
    fn rearrange(&mut self, at: MediaTime) {
        if self.staying < self.sources.len() && !self.shows_leaving() {
            self.sort(self.sources[..self.staying].to_vec());
        }
        if self.staying == self.sources.len()
            && let Some(told) = self.leaving.take()
        {
            // Whoever asked may have given up waiting.
            let _ = told.send(at);
        }
        // One after the other.
        if self.staying < self.sources.len() {
            return;
        }
        let Some(next) = lock(&self.shared.lineup).take() else { return };
        let Lineup { sources, staying, thresholds, sound, void, done } = next;
        let (wait, failover) = lineup::rules(&thresholds);
        self.selector.set_rules(wait, failover);
        self.thresholds = thresholds.signal;
        self.staying = staying;
        self.sort(sources);
        self.isolator.replan(sound.clone());
        self.mixer.rearrange(&self.sources, sound, at);
        lock(&self.shared.desk).forget(|id| void.contains(id));
        self.leaving = Some(done);
    }

    /// Whether something of a source that leaves is still seen or heard.
    fn shows_leaving(&self) -> bool {
        let leaves = |rank: usize| rank >= self.staying;
        let views = [Some(self.shown), self.dissolve.map(|dissolve| dissolve.from)];
        let seen = views.into_iter().flatten().any(|view| view.ranks().any(leaves));
        seen || (self.staying..self.sources.len()).any(|rank| !self.mixer.is_out(rank))
    }

    /// Gives every source its new rank.
    fn sort(&mut self, sources: Vec<Arc<Source>>) {
        let (places, count) = (Places::between(&self.sources, &sources), sources.len());
        self.selector.rearrange(&places, count, self.staying);
        self.taken = places.sort(&self.taken, count, &Taken::Nothing);
        self.signals = places.sort(&self.signals, count, &SignalStatus::default());
        self.shown = self.shown.moved(|rank| places.of(rank));
        self.dissolve = self.dissolve.map(|old| Dissolve { from: old.from.moved(|rank| places.of(rank)), ..old });
        self.mixer.keep(&sources);
        self.sources = sources;
    }

    /// Decides what this tick shows, and whether it is dissolved to.
    fn choose(&mut self, at: MediaTime, turn: &Turn) {
        let mut grades = Vec::with_capacity(self.sources.len());
        self.delivers.clear();
        for rank in 0..self.sources.len() {
            let delivers = self.sources[rank].tick(at);
            self.delivers.push(delivers);
            let signal = self.sources[rank].feed().signal();
            self.tell_signal(at, rank, signal);
            let grade = Grade::of(delivers, &signal, &self.thresholds);
            grades.push(if rank < self.staying { grade } else { lineup::LEAVING });
        }
        if turn.fresh.is_some() && turn.order == ProgramOrder::Auto {
            self.selector.release();
        }
        let view = self.selector.choose(at, self.wanted(&turn.order), |rank| grades[rank]);
        if view != self.shown {
            let rate = self.frames.rate();
            let total = |millis: u32| u64::from(millis) * u64::from(rate.num()) / (1000 * u64::from(rate.den()));
            let total = turn.fresh.map_or(0, |transition| total(transition.millis()) as u32);
            self.dissolve = (total > 0).then_some(Dissolve { from: self.shown, done: 0, total });
            self.shown = view;
        }
        let alive = |dissolve: &Dissolve| dissolve.from.ranks().all(|rank| self.selector.delivers(rank));
        self.dissolve = self.dissolve.filter(alive);
    }

    fn wanted(&self, order: &ProgramOrder) -> Wanted {
        let rank = |id: &SourceId| self.sources.iter().position(|source| source.plan().id == *id);
        match order {
            ProgramOrder::Auto => Wanted::Auto,
            ProgramOrder::Slate => Wanted::Slate,
            ProgramOrder::Source { source } => rank(source).map_or(Wanted::Nobody, Wanted::Rank),
            ProgramOrder::Scene { scene } => {
                let Scene { layout, corner, size_percent, sources: [first, second] } = scene;
                let arrangement = Arrangement { layout: *layout, corner: *corner, size_percent: *size_percent };
                match (rank(first), rank(second)) {
                    (Some(first), Some(second)) => Wanted::Pair(first, second, arrangement),
                    (Some(one), None) | (None, Some(one)) => Wanted::Rank(one),
                    (None, None) => Wanted::Nobody,
                }
            }
        }
    }

    /// Whether the order is shown as it was given. Auto is carried out by whatever it shows.
    fn carried_out(&self, order: &ProgramOrder) -> bool {
        match (self.wanted(order), self.shown) {
            (Wanted::Auto, _) | (Wanted::Slate, View::Slate) => true,
            (Wanted::Rank(wanted), View::Source(shown)) => wanted == shown,
            (Wanted::Pair(..), View::Pair(..)) => true,
            _ => false,
        }
    }

    /// Every feed moves on, shown or not: a source that is taken later shows its newest picture at once.
    fn gather(&mut self, at: MediaTime) {
        // Captions follow the first source of what is shown.
        let speaks = self.shown.ranks().next();
        for (rank, (taken, source)) in self.taken.iter_mut().zip(self.sources.iter()).enumerate() {
            *taken = source.feed().take_picture(at);
            let captions = source.feed().take_captions(at);
            if speaks == Some(rank) {
                self.line.push(captions);
            }
        }
    }

    /// Timecode follows the first source of what is shown, as captions do.
    fn label(&mut self, index: u64, at: MediaTime) {
        if !self.shared.follows.load(Ordering::Relaxed) {
            self.label = None;
            return;
        }
        let first = self.shown.ranks().next();
        let shown = first.and_then(|rank| Some((&self.sources.get(rank)?.plan().id, self.taken.get(rank)?)));
        self.label = Some(self.labels.next((index, at), shown));
    }

    fn picture_of(&self, rank: usize) -> &gst::Buffer {
        match &self.taken[rank] {
            Taken::New(picture) | Taken::Again(picture) => picture,
            Taken::Nothing => &self.slate,
        }
    }

    fn draw(&mut self, view: View) -> gst::Buffer {
        match view {
            View::Slate => self.slate.clone(),
            View::Source(rank) => self.picture_of(rank).clone(),
            View::Pair(first, second, arrangement) => {
                let pictures = [self.picture_of(first).clone(), self.picture_of(second).clone()];
                let drawn = self.scenes.compose(arrangement, [&pictures[0], &pictures[1]]);
                let [first, _] = pictures;
                drawn.unwrap_or(first)
            }
        }
    }

    /// Sends the picture of tick `index`; true if its sources had no newer one than at the last tick.
    fn show_picture(&mut self, index: u64, at: MediaTime) -> bool {
        let view = self.shown;
        let mut picture = self.draw(view);
        if let Some(dissolve) = self.dissolve {
            let old = self.draw(dissolve.from);
            if let Some(info) = &self.info {
                picture = blend::blend(info, &old, &picture, dissolve.weight()).unwrap_or(picture);
            }
        }
        if self.outlet.wants_clean() {
            self.outlet.clean(self.stamped(&picture, index, at));
        }
        let label = self.label.as_ref().map(|label| label.timecode);
        let picture = self.keyer.apply(picture, at, view == View::Slate, label);
        let mut picture = self.stamped(&picture, index, at);
        for (speech, sender) in std::mem::take(&mut *lock(&self.shared.captions)) {
            let first = index + self.line.delay();
            self.line.insert(speech);
            // Whoever asked may have given up waiting.
            let _ = sender.send((self.frames.time_of(first), first));
        }
        let captions = self.line.next(index);
        if let Some(buffer) = picture.get_mut() {
            captions::put(buffer, &captions);
        }
        self.outlet.picture(picture);
        let again = |rank: usize| matches!(self.taken[rank], Taken::Again(_));
        view != View::Slate && view.ranks().all(again)
    }

    /// Sends a picture of what is in preview, now and then.
    fn show_preview(&mut self, index: u64, at: MediaTime) {
        let order = lock(&self.shared.desk).preview().cloned();
        let scenes = [Some(self.shown), self.dissolve.map(|dissolve| dissolve.from)];
        let pair = |view: &Option<View>| matches!(view, Some(View::Pair(..)));
        if order.is_none() && !scenes.iter().any(pair) {
            self.scenes.rest();
        }
        let Some(order) = order.filter(|_| self.outlet.wants_preview()) else { return };
        let view = match self.wanted(&order) {
            Wanted::Auto => self.selector.auto().map_or(View::Slate, View::Source),
            Wanted::Slate | Wanted::Nobody => View::Slate,
            Wanted::Rank(rank) => View::Source(rank),
            Wanted::Pair(first, second, arrangement) => View::Pair(first, second, arrangement),
        };
        let picture = self.draw(view);
        self.outlet.preview(self.stamped(&picture, index, at));
    }

    /// A reference to `picture` with the time of tick `index`; no pixel is copied.
    fn stamped(&self, picture: &gst::Buffer, index: u64, at: MediaTime) -> gst::Buffer {
        let mut picture = picture.copy();
        if let Some(buffer) = picture.get_mut() {
            let next = self.frames.time_of(index + 1);
            buffer.set_pts(gst::ClockTime::from_nseconds(at.as_nanos()));
            buffer.set_dts(gst::ClockTime::NONE);
            buffer.set_duration(gst::ClockTime::from_nseconds(next.as_nanos() - at.as_nanos()));
            buffer.set_flags(gst::BufferFlags::empty());
        }
        picture
    }

    /// How loud each source shall be at the end of this tick.
    fn gain(&self, rank: usize) -> f32 {
        let within = |view: View| match view {
            View::Pair(first, second, _) if rank == first || rank == second => OF_TWO,
            View::Source(shown) if shown == rank => 1.0,
            _ => 0.0,
        };
        let new = self.dissolve.map_or(1.0, |dissolve| dissolve.weight() as f32 / blend::WHOLE as f32);
        let old = self.dissolve.map_or(0.0, |dissolve| within(dissolve.from) * (1.0 - new));
        within(self.shown) * new + old
    }

    /// Offers what each source has for tick `index` to who wants it by itself.
    fn isolate(&mut self, index: u64, at: MediaTime, sounded: Option<(u64, u64)>) {
        for rank in 0..self.staying.min(self.sources.len()) {
            let source = Arc::clone(&self.sources[rank]);
            let id = &source.plan().id;
            if !self.outlet.isolates(id) {
                continue;
            }
            let picture = Some(self.stamped(self.picture_of(rank), index, at));
            let sound = sounded.map(|(begin, end)| {
                let time = self.samples.time_of(begin);
                let mut sound = gst::Buffer::from_mut_slice(self.isolator.sound(&source, time, (end - begin) as usize));
                if let Some(buffer) = sound.get_mut() {
                    buffer.set_pts(gst::ClockTime::from_nseconds(time.as_nanos()));
                }
                sound
            });
            let delivers = self.delivers.get(rank).copied().unwrap_or(false);
            self.outlet.isolated(id, Offered { at, picture, sound, delivers });
        }
    }

    /// Sends the sound of tick `index`, and tells which samples these were. Gains move with the picture: over the tick in
    /// a dissolve, quickly at a cut.
    fn play_sound(&mut self, index: u64) -> Option<(u64, u64)> {
        let first_at = |index: u64| self.samples.index_at(self.frames.time_of(index));
        let end = first_at(index + 1);
        let begin = self.next_sample.or_else(|| {
            let aligned = first_at(index).next_multiple_of(AAC_FRAME);
            (aligned < end).then_some(aligned)
        })?;
        let voice = |rank| Voice { rank, level: self.gain(rank) };
        let on_air: Vec<Voice> = (0..self.sources.len()).map(voice).filter(|voice| voice.level > 0.0).collect();
        let fade = if self.dissolve.is_some() { Duration::from_nanos(self.frames.rate().frame_nanos()) } else { CUT };
        let bytes = self.mixer.mix(self.samples.time_of(begin), (end - begin) as usize, &on_air, fade);
        // What the mixer holds back is stamped when it came in.
        let time_of = |index: u64| self.samples.time_of(index - self.mixer.latency());
        let (from, until) = (time_of(begin), time_of(end));
        let mut sound = gst::Buffer::from_mut_slice(bytes);
        if let Some(buffer) = sound.get_mut() {
            buffer.set_pts(gst::ClockTime::from_nseconds(from.as_nanos()));
            buffer.set_duration(gst::ClockTime::from_nseconds(until.as_nanos() - from.as_nanos()));
        }
        self.next_sample = Some(end);
        self.outlet.sound(sound);
        Some((begin, end))
    }

    fn showing(&self) -> Showing {
        let id = |rank: usize| self.sources[rank].plan().id.clone();
        match self.shown {
            View::Slate => Showing::Slate,
            View::Source(rank) => Showing::Source { source: id(rank) },
            View::Pair(first, second, Arrangement { layout, corner, size_percent }) => {
                Showing::Scene { scene: Scene { layout, corner, size_percent, sources: [id(first), id(second)] } }
            }
        }
    }

    fn note(&mut self, at: MediaTime, turn: &Turn, left: Option<View>, repeated: bool) {
        let auto = self.selector.auto().map(|rank| self.sources[rank].plan().id.clone());
        let showing = left.map(|_| self.showing());
        let news = {
            let desk = lock(&self.shared.desk);
            let news = (desk.edition() != self.edition).then(|| (desk.preview().cloned(), desk.scheduled().to_vec()));
            self.edition = desk.edition();
            news
        };
        {
            let mut status = lock(&self.shared.status);
            status.order.clone_from(&turn.order);
            status.position = at;
            status.frames += 1;
            status.repeated += u64::from(repeated);
            status.peak_dbfs = self.mixer.peaks();
            status.auto = auto;
            status.dissolving = self.dissolve.is_some();
            status.timecode = self.label.as_ref().map(Labelled::status);
            if let Some((preview, scheduled)) = news {
                (status.preview, status.scheduled) = (preview, scheduled);
            }
            if let Some(showing) = &showing {
                status.since = at;
                status.showing = showing.clone();
            }
        }
        for (held, peak) in lock(&self.shared.meters).iter_mut().zip(self.mixer.newest_peaks()) {
            *held = held.max(*peak);
        }
        if let (Some(left), Some(showing)) = (left, showing) {
            self.report(at, turn, left, &showing);
        }
    }
}
