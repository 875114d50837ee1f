//! Another plan for a channel on air: carried out part by part, beside the loop, while the program goes on.
//!
//! ```text
//! sources, rules ─▶ slate, overlays ─▶ new renditions are known to spool and destinations ─▶ encoders begin and end with
//!     a segment ─▶ what ended is written and delivered ─▶ destinations and spool forget it ─▶ destinations
//! ```
//!
//! The plan counts as the channel's from the first moment. If a part cannot be carried out, the answer says so, and the
//! supervisor replaces the worker.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use super::channel::{Channel, not_drawn, tell_chosen, yield_by};
use super::companions::Companions;
use super::destinations::Destinations;
use super::graphics::Graphics;
use super::tally::Tally;
use crate::media::clock::HouseClock;
use crate::media::program::Controls;
use crate::media::{EventSink, ProgramOutlet};
use crate::model::{Acted, Event, EventCode, FrameGrid, LiveSettings, LiveTimeline, MediaTime, RenditionId, Severity};
use crate::plan::{Change, ChannelPlan, impact};
use crate::spool::Spool;

/// What the disk, and then the destinations, may take for the last segments of a rendition.
const LAST_SEGMENTS: Duration = Duration::from_secs(3);

/// One plan in place of another.
struct Shift {
    old: ChannelPlan,
    plan: ChannelPlan,
    changes: Vec<Change>,
    live: LiveSettings,
    clock: HouseClock,
    program: Controls,
    graphics: Arc<Graphics>,
    outlet: Arc<ProgramOutlet>,
    timeline: LiveTimeline,
    spool: Spool,
    tally: Arc<Tally>,
    destinations: Destinations,
    companions: Companions,
    events: EventSink,
    turn: Arc<Mutex<()>>,
}

impl Channel {
    /// Becomes another plan without going off air; the answer comes when all of it holds. An error if the plan needs
    /// another worker, or if a part of it could not be carried out.
    pub(super) fn become_plan(&mut self, plan: ChannelPlan) -> BoxFuture<'static, Result<Acted, String>> {
        let impact = impact(&self.plan, &plan);
        if !impact.is_live() {
            let reasons: Vec<String> = impact.restart.iter().map(ToString::to_string).collect();
            return ready(Err(format!("it needs another worker: {}", reasons.join("; ")))).boxed();
        }
        if impact.is_nothing() {
            return ready(Ok(Acted { unchanged: true, ..Acted::said("it is so already") })).boxed();
        }
        self.live.keep_to(|id| plan.sources.iter().any(|source| source.id == *id));
        self.live.bitrates.retain(|id, _| plan.video.iter().any(|rendition| rendition.id == *id));
        self.watchers.keep_to(&plan);
        let shift = Shift {
            old: std::mem::replace(&mut self.plan, plan.clone()),
            plan,
            changes: impact.live,
            live: self.live(),
            clock: self.clock,
            program: self.program.controls(),
            graphics: Arc::clone(&self.graphics),
            outlet: Arc::clone(&self.outlet),
            timeline: self.timeline.clone(),
            spool: self.spool.clone(),
            tally: Arc::clone(&self.tally),
            destinations: self.destinations.clone(),
            companions: self.companions.clone(),
            events: Arc::clone(&self.events),
            turn: Arc::clone(&self.changing),
        };
        let carrying = tokio::task::spawn_blocking(move || shift.carry_out());
        async move { carrying.await.map_err(|error| format!("a part of the worker failed ({error})"))? }.boxed()
    }
}

impl Shift {
    fn carry_out(self) -> Result<Acted, String> {
        let turn = Arc::clone(&self.turn);
        // One after the other, in the order in which they were asked for.
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let at = self.arrange_sources()?;
        if self.changes.contains(&Change::Timecode) {
            self.program.set_timecode(self.plan.timecode);
        }
        if self.changes.contains(&Change::Graphics) {
            let unfit = self.graphics.replan(&self.plan, &self.live, &self.program);
            unfit.iter().for_each(|reason| (self.events)(not_drawn(reason, self.clock)));
        }
        if self.changes.contains(&Change::Retention) {
            let kept = &self.plan.spool;
            self.spool.keep(kept.quota_bytes, Duration::from_secs(kept.retain_seconds));
        }
        yield_by(&self.spool, &self.plan);
        // Before whoever records them, and until nobody does.
        self.companions.grow(&self.plan);
        self.companions.start(&self.plan, &self.destinations);
        self.shift_renditions()?;
        if self.changes.iter().any(is_of_destinations) {
            self.destinations.change(&self.plan.destinations, &self.live.destinations);
        }
        self.companions.shrink(&self.plan);
        let said: Vec<String> = self.changes.iter().map(ToString::to_string).collect();
        let text = format!("taken over on air: {}", said.join("; "));
        (self.events)(Event::new(self.clock.now(), Severity::Info, EventCode::PlanTakenOver, text.clone()));
        let frame = at.map(|at| FrameGrid::new(self.plan.program.frame_rate).index_at(at));
        Ok(Acted { at, frame, ..Acted::said(text) })
    }

    fn arrange_sources(&self) -> Result<Option<MediaTime>, String> {
        let concerned = |change: &Change| {
            matches!(
                change,
                Change::SourceAdded(_)
                    | Change::SourceRemoved(_)
                    | Change::SourceReopened(_)
                    | Change::SourceKeys(_)
                    | Change::SourcesRanked
                    | Change::SourceSound(_)
                    | Change::SoundAlarms
                    | Change::Failover
                    | Change::Signal
            )
        };
        if !self.changes.iter().any(concerned) {
            return Ok(None);
        }
        self.program.rearrange(&self.old, &self.plan).map(Some)
    }

    fn shift_renditions(&self) -> Result<(), String> {
        let each = |pick: fn(&Change) -> Option<&RenditionId>| -> Vec<RenditionId> {
            self.changes.iter().filter_map(pick).cloned().collect()
        };
        let added = each(|change| if let Change::RenditionAdded(id) = change { Some(id) } else { None });
        let removed = each(|change| if let Change::RenditionRemoved(id) = change { Some(id) } else { None });
        let handed = each(|change| if let Change::RenditionEncoder(id) = change { Some(id) } else { None });
        for id in &added {
            let boundaries = self.timeline.get().boundaries().clone();
            self.spool.add(id, boundaries, self.clock.now()).map_err(|error| error.to_string())?;
            self.tally.add(id);
        }
        removed.iter().for_each(|id| self.tally.expect_end(id));
        self.destinations.list(&self.with_removed(&removed));
        let planned = self.plan.at_bitrates(&self.live.bitrates);
        self.outlet.encoders.change(&planned, &self.changes).map_err(|error| error.to_string())?;
        let new = |id: &RenditionId| added.contains(id) || handed.contains(id);
        let chosen: Vec<_> = self.outlet.encoders.chosen().into_iter().filter(|one| new(&one.rendition)).collect();
        tell_chosen(&chosen, self.clock, &self.events);
        if removed.is_empty() {
            return Ok(());
        }
        self.wait(|| removed.iter().all(|id| self.tally.has_ended(id)));
        let delivered =
            |id: &RenditionId| self.spool.last(id).is_none_or(|last| self.destinations.delivered(id, last.number));
        self.wait(|| removed.iter().all(delivered));
        self.destinations.list(&self.plan);
        for id in &removed {
            self.tally.remove(id);
            // What is left on disk goes with the next start.
            if let Err(error) = self.spool.retire(id) {
                tracing::warn!(rendition = %id, %error, "its segments could not be deleted");
            }
        }
        Ok(())
    }

    /// The plan with the renditions that are about to end, behind the others.
    fn with_removed(&self, removed: &[RenditionId]) -> ChannelPlan {
        let mut plan = self.plan.clone();
        plan.video.extend(self.old.video.iter().filter(|one| removed.contains(&one.id)).cloned());
        plan.audio.extend(self.old.audio.iter().filter(|one| removed.contains(&one.id)).cloned());
        plan
    }

    fn wait(&self, done: impl Fn() -> bool) {
        let until = Instant::now() + LAST_SEGMENTS;
        while !done() && Instant::now() < until {
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

fn is_of_destinations(change: &Change) -> bool {
    matches!(change, Change::DestinationAdded(_) | Change::DestinationRemoved(_) | Change::DestinationChanged(_))
}
