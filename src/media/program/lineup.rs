//! Other sources, and other rules between them, while the program runs.
//!
//! ```text
//! new sources are opened ─▶ on a tick: new ranks; who leaves counts as lost ─▶ the program has left them, sound and all
//!                                                                                 ─▶ on a tick: gone ─▶ closed
//! ```
//!
//! A source that needs what another one holds (a device, a port) is opened when that one is closed; so is one that is
//! opened anew. Other stream keys admit at once. Whoever changes the sources waits; the program does not.

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use super::{Shared, lock};
use crate::media::EventSink;
use crate::media::clock::HouseClock;
use crate::media::source::Source;
use crate::model::{MediaTime, ProgramFormat, SignalThresholds, SourceId};
use crate::plan::{ChannelPlan, SoundPlan, SourcePlan, ThresholdPlan, opened_alike, reopens};
use crate::policy;

/// The program takes things over at its next tick, and needs some more to fade.
const TAKEN_OVER: Duration = Duration::from_secs(2);
/// How long a source may take to close; a driver that hangs keeps its thread.
const CLOSED: Duration = Duration::from_secs(3);

/// Sources by rank and what goes with them, to be taken over at a tick.
pub(super) struct Lineup {
    /// Those that stay, then those that leave.
    pub(super) sources: Vec<Arc<Source>>,
    /// How many stay.
    pub(super) staying: usize,
    pub(super) thresholds: ThresholdPlan,
    pub(super) sound: SoundPlan,
    /// Orders that name one of these are void.
    pub(super) void: Vec<SourceId>,
    /// Told once nothing of those that leave is seen or heard.
    pub(super) done: mpsc::Sender<MediaTime>,
}

/// Opens sources like those that the program began with.
#[derive(Clone)]
pub(super) struct Opener {
    pub(super) format: ProgramFormat,
    pub(super) clock: HouseClock,
    pub(super) events: EventSink,
}

impl Opener {
    pub(super) fn open(&self, plan: &SourcePlan, thresholds: &ThresholdPlan) -> Arc<Source> {
        let (loss, signal) = limits(thresholds);
        let source = Source::start(plan.clone(), self.format, self.clock, loss, signal, Arc::clone(&self.events));
        Arc::new(source)
    }
}

fn limits(thresholds: &ThresholdPlan) -> (Duration, &SignalThresholds) {
    (Duration::from_millis(thresholds.loss_ms.into()), &thresholds.signal)
}

impl Shared {
    /// Puts the sources of `plan` in place of those that are there, with its rules; gives the first frame that has all
    /// of it. Blocks for as long as sources take to close.
    pub(super) fn rearrange(
        &self,
        old: &ChannelPlan,
        plan: &ChannelPlan,
        opener: &Opener,
    ) -> Result<MediaTime, String> {
        // One after the other.
        let _turn = lock(&self.rearranging);
        let before = lock(&self.sources).clone();
        let known = |planned: &SourcePlan| {
            before.iter().find(|one| one.plan().id == planned.id && !reopens(one.plan(), planned)).cloned()
        };
        for planned in &plan.sources {
            known(planned).iter().for_each(|source| source.admit_by(&planned.kind));
        }
        let leaving: Vec<Arc<Source>> =
            before.iter().filter(|one| !plan.sources.iter().any(|p| keeps(one, p))).cloned().collect();
        let (loss, signal) = limits(&plan.thresholds);
        if (loss, signal) != limits(&old.thresholds) {
            before.iter().for_each(|source| source.feed().rewatch(loss, signal));
        }
        // Never two at once that claim the same.
        let waits = |planned: &SourcePlan| {
            leaving.iter().any(|one| one.plan().id == planned.id || opened_alike(&one.plan().kind, &planned.kind))
        };
        let mut opened: Vec<(SourceId, Arc<Source>)> = Vec::new();
        for planned in plan.sources.iter().filter(|planned| known(planned).is_none() && !waits(planned)) {
            opened.push((planned.id.clone(), opener.open(planned, &plan.thresholds)));
        }
        let arranged = |opened: &[(SourceId, Arc<Source>)]| -> Vec<Arc<Source>> {
            let new =
                |planned: &SourcePlan| opened.iter().find(|(id, _)| *id == planned.id).map(|(_, one)| one.clone());
            plan.sources.iter().filter_map(|planned| known(planned).or_else(|| new(planned))).collect()
        };
        let mut since = self.take_over(plan, arranged(&opened), &leaving)?;
        let until = Instant::now() + CLOSED;
        leaving.iter().for_each(|source| source.stop());
        leaving.iter().for_each(|source| source.join(until));
        let late: Vec<&SourcePlan> = plan.sources.iter().filter(|p| known(p).is_none() && waits(p)).collect();
        if !late.is_empty() {
            opened.extend(late.into_iter().map(|p| (p.id.clone(), opener.open(p, &plan.thresholds))));
            since = self.take_over(plan, arranged(&opened), &[])?;
        }
        Ok(since)
    }

    /// Has the tick thread take over `staying`, and waits until it has left those that leave.
    fn take_over(
        &self,
        plan: &ChannelPlan,
        staying: Vec<Arc<Source>>,
        leaving: &[Arc<Source>],
    ) -> Result<MediaTime, String> {
        let (done, taken_over) = mpsc::channel();
        let gone = |one: &&Arc<Source>| !plan.sources.iter().any(|planned| planned.id == one.plan().id);
        let all: Vec<Arc<Source>> = staying.iter().chain(leaving).cloned().collect();
        lock(&self.sources).clone_from(&all);
        *lock(&self.lineup) = Some(Lineup {
            sources: all,
            staying: staying.len(),
            thresholds: plan.thresholds.clone(),
            sound: plan.sound.clone(),
            void: leaving.iter().filter(gone).map(|one| one.plan().id.clone()).collect(),
            done,
        });
        let since = taken_over.recv_timeout(TAKEN_OVER).map_err(|_| "the program does not tick".to_owned())?;
        *lock(&self.sources) = staying;
        Ok(since)
    }
}

fn keeps(source: &Source, planned: &SourcePlan) -> bool {
    source.plan().id == planned.id && !reopens(source.plan(), planned)
}

/// Where everything of rank `n` is now.
pub(super) struct Places(pub(super) Vec<Option<usize>>);

impl Places {
    /// From one list to another.
    pub(super) fn between(old: &[Arc<Source>], new: &[Arc<Source>]) -> Self {
        Self(old.iter().map(|one| new.iter().position(|other| Arc::ptr_eq(one, other))).collect())
    }

    pub(super) fn of(&self, rank: usize) -> Option<usize> {
        self.0.get(rank).copied().flatten()
    }

    /// What was kept by rank, by the new ranks.
    pub(super) fn sort<T: Clone>(&self, old: &[T], count: usize, blank: &T) -> Vec<T> {
        let mut new = vec![blank.clone(); count];
        for (rank, one) in old.iter().enumerate() {
            if let Some(slot) = self.of(rank).and_then(|place| new.get_mut(place)) {
                slot.clone_from(one);
            }
        }
        new
    }
}

/// The rules of `thresholds`, for the selector.
pub(super) fn rules(thresholds: &ThresholdPlan) -> (Duration, crate::model::FailoverRules) {
    (Duration::from_millis(thresholds.wait_to_restore_ms.into()), thresholds.failover)
}

/// The grade of a source that leaves.
pub(super) const LEAVING: policy::Grade = policy::Grade::Lost;
