//! What the task takes over: segments and parts from the spool, another duty, other renditions.

use std::time::Instant;

use crate::spool::Spool;

use super::super::delivery::Delivery;
use super::super::description::{Medium, PushDescription};
use super::super::edge::Edge;
use super::super::lane::Lane;
use super::super::protect::Protection;
use super::super::record::Delivered;
use super::super::requests::Requests;
use super::{DRAIN, Task, note};

impl Task {
    /// Takes over what is new in the spool.
    pub(super) fn refresh(&mut self) {
        for lane in &mut self.delivery.lanes {
            // The list may be long, and each rendition's turn comes once per segment duration.
            if self.spool.last(&lane.id).map(|segment| segment.number) != lane.newest() {
                take_segments(lane, &self.spool, self.protection.as_ref());
            }
            take_parts(lane, &self.spool, &self.description, self.protection.as_ref());
        }
        self.look_at_keys();
        self.leave_out();
        self.withhold();
    }

    /// Gives up what is owed of renditions that are left out.
    pub(super) fn leave_out(&mut self) {
        let lanes = &mut self.delivery.lanes;
        let budget = self.flow.keep_to_budget(lanes, &self.description.video);
        for index in budget.into_iter().chain(self.flow.pass_over(lanes)) {
            note(&lanes[index], &self.settled, &mut self.record);
        }
    }

    /// Gives up what a pause covers.
    fn withhold(&mut self) {
        let pauses = &self.description.pauses;
        for lane in &mut self.delivery.lanes {
            if lane.withhold(|segment| pauses.cover(segment.start, segment.duration)) {
                note(lane, &self.settled, &mut self.record);
            }
        }
    }

    pub(super) fn assign(&mut self) {
        let duty = *self.duty.borrow_and_update();
        self.delivery.assign(duty, self.description.grid.duration(), Instant::now());
        for lane in &self.delivery.lanes {
            note(lane, &self.settled, &mut self.record);
        }
    }

    /// Takes over other renditions once nothing is under way, which is numbered by the old ones.
    pub(super) fn list_if_due(&mut self, now: Instant) {
        let Some(since) = self.listing_since else { return };
        if !self.requests.is_idle() && now < since + DRAIN {
            return;
        }
        self.listing_since = None;
        self.requests = Requests::default();
        self.flow.begin_again(now);
        self.description.list(self.listing.borrow_and_update().clone());
        let mut before = std::mem::take(&mut self.delivery.lanes);
        let mut lanes = Vec::new();
        for (id, medium) in self.description.renditions() {
            let known = before.iter().position(|lane| lane.id == *id).map(|place| before.swap_remove(place));
            let new = || Lane::new(id.clone(), medium, Delivered::default(), Delivery::object_backoff());
            let mut lane = known.unwrap_or_else(new);
            // Of parts on their way nothing is known any more.
            lane.parts = edge(&self.description, medium);
            lane.sweeps = self.description.upload.delete_after_seconds.is_some();
            lanes.push(lane);
        }
        if let Some(sweep) = &mut self.sweep {
            sweep.forget_request();
        }
        self.delivery.list(lanes, self.description.playlist_segments);
        self.ladder.begin_again();
        self.refresh();
        self.ladder.refresh(&self.description, &self.delivery.lanes, &self.spool, now);
    }
}

/// The live edge of a rendition; text has no parts.
pub(super) fn edge(description: &PushDescription, medium: Medium) -> Edge {
    Edge::new(description.part_target.filter(|_| medium != Medium::Text))
}

/// Takes over what the spool has now.
pub(super) fn take_segments(lane: &mut Lane, spool: &Spool, protection: Option<&Protection>) {
    let mut segments = spool.segments(&lane.id);
    if let Some(protection) = protection {
        lane.renamed.clear();
        let names = segments.iter_mut().map(|segment| (&mut segment.init, segment.number));
        protection.rename(lane.medium, names, &mut lane.renamed);
    }
    lane.refresh(segments);
}

/// Takes over the parts that are new in the spool, unless a pause covers them.
pub(super) fn take_parts(
    lane: &mut Lane,
    spool: &Spool,
    description: &PushDescription,
    protection: Option<&Protection>,
) {
    if lane.parts.target().is_some() {
        let mut parted = spool.parted(&lane.id);
        parted.retain(|segment| !description.pauses.cover(segment.start, segment.duration()));
        if let Some(protection) = protection {
            let names = parted.iter_mut().map(|segment| (&mut segment.init, segment.number));
            protection.rename(lane.medium, names, &mut lane.renamed);
        }
        lane.parts.refresh(parted, lane.newest());
    }
}
