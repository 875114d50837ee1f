//! What a channel that is off air still owes: its pushers alone, without sources, program and encoders.
//!
//! ```text
//! on air ── mark set ──▶ stop in order, nothing left: mark taken away
//!                        anything else (the line is away, a crash, a power cut): the mark stays
//! off air, mark there ─▶ daemon starts a worker, deliver(plan) ─▶ remainder ── all delivered: mark taken away, exit 0
//!                                                                     └─ stop: exit 0 at once, the mark stays
//! ```
//!
//! - It is the same delivery as on air, from the same spool and the same record of what was acknowledged: failover, tokens,
//!   keys, order and playlists are as ever. Nothing new will come, so the whole line is for what is left.
//! - Only destinations that take segments have a remainder. Streams have none, recordings end with the channel.
//! - It has no end in time: what the spool keeps is delivered when the line is back, as on air. Nothing is written and
//!   nothing deleted meanwhile, so it takes no more of the disk than it has.
//! - A start ends it at once: what is under way is sent again by the next worker, under the same name, with the same bytes.
//! - Playlists have no EXT-X-ENDLIST afterwards: the next start goes on with the same playlists and numbers.

use std::sync::Arc;
use std::time::Instant;

use super::channel::open_spool;
use super::companions::{Companions, Ground};
use super::destinations::{Destinations, Setting};
use crate::ipc::owed_mark;
use crate::media::EventSink;
use crate::media::clock::HouseClock;
use crate::media::encode::Tap;
use crate::media::whip::OpusEncoders;
use crate::model::status::RemainderStatus;
use crate::model::{FrameGrid, LiveSettings, LiveTimeline, Timeline};
use crate::plan::{ChannelPlan, DestinationKind, EndpointPlan};
use crate::push::{PairClock, Pauses};
use crate::spool::{Spool, SpoolError};

/// See the module.
pub(super) struct Remainder {
    plan: ChannelPlan,
    live: LiveSettings,
    spool: Spool,
    destinations: Destinations,
}

impl Remainder {
    /// Begins to deliver what the spool has. Blocks for the disk; needs a tokio runtime around it.
    pub(super) fn start(
        plan: ChannelPlan,
        live: LiveSettings,
        clock: HouseClock,
        events: &EventSink,
    ) -> Result<Self, SpoolError> {
        let frames = FrameGrid::new(plan.program.frame_rate);
        let timeline = LiveTimeline::new(Timeline::new(plan.segments, frames, live.cued.clone()));
        let (spool, _) = open_spool(&plan, &timeline, clock)?;
        // What a crash left unfinished is as whole as it will ever be.
        spool.finish()?;
        let tap = Tap::default();
        let setting = Setting {
            plan: pushed(&plan),
            clock,
            timeline: timeline.clone(),
            spool: spool.clone(),
            events: Arc::clone(events),
            slates: Pauses::default(),
            opus: Arc::new(OpusEncoders::new(tap.clone(), plan.program.audio)),
            tap,
            companions: Companions::none(Ground { timeline, clock, events: Arc::clone(events) }),
            pair_clock: PairClock::default(),
            ends: true,
        };
        let destinations = Destinations::start(setting, &live.destinations);
        destinations.watch_rest();
        Ok(Self { plan, live, spool, destinations })
    }

    pub(super) fn plan(&self) -> &ChannelPlan {
        &self.plan
    }

    pub(super) fn live(&self) -> &LiveSettings {
        &self.live
    }

    pub(super) fn report(&self) -> RemainderStatus {
        RemainderStatus { destinations: self.destinations.status(), spool: self.spool.status() }
    }

    pub(super) fn is_done(&self) -> bool {
        self.destinations.are_done()
    }

    /// Ends; says what is left. What is done is noted.
    pub(super) async fn stop(self) -> String {
        let done = self.is_done();
        let (left, _) = self.destinations.stop(Instant::now(), !done).await;
        if done {
            forget(&self.plan);
            return "everything is delivered".to_owned();
        }
        left
    }
}

/// The destinations that take segments.
fn pushed(plan: &ChannelPlan) -> ChannelPlan {
    let mut plan = plan.clone();
    for destination in &mut plan.destinations {
        destination.endpoints.retain(takes_segments);
    }
    plan.destinations.retain(|destination| !destination.endpoints.is_empty());
    plan
}

fn takes_segments(endpoint: &EndpointPlan) -> bool {
    matches!(endpoint.kind, DestinationKind::HlsPush { .. })
}

/// Sets the mark: from now on there may be something undelivered. Without it only a crash would be forgotten, so a disk
/// that does not take it is no reason to stay off air.
pub(super) fn note(plan: &ChannelPlan) {
    if !pushed(plan).destinations.is_empty()
        && let Err(error) = std::fs::write(owed_mark(plan), "")
    {
        tracing::warn!(%error, "that something may be undelivered cannot be noted");
    }
}

/// Takes the mark away: everything is delivered.
pub(super) fn forget(plan: &ChannelPlan) {
    match std::fs::remove_file(owed_mark(plan)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, "that nothing is undelivered cannot be noted");
        }
        _ => {}
    }
}
