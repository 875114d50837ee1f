//! What a box says of its pair: status, health and events.

use crate::model::pair::{PairRole, PairStatus};
use crate::model::{Event, EventCode, Fault, Health, HealthReport, MediaTime, Severity};

use super::super::delivery::{Continued, Post};
use super::super::description::PushDescription;
use super::super::report;
use super::Pair;

/// Why a box does not take its turn.
pub(crate) const WRONG_CLOCK: &str = "nothing keeps the clock of this box right, so it does not begin to deliver: run chrony \
     or the like, or set `clock = \"any\"` in [destinations.<id>.pair]";

impl Pair {
    /// As it stands, at `post`.
    pub(crate) fn status(&self, post: Post) -> PairStatus {
        let role = match post {
            Post::Deliver => PairRole::Holder,
            _ if !self.tenure.knows() => PairRole::Asking,
            Post::Watch { share: true } => PairRole::Active,
            Post::Watch { share: false } | Post::Survey => PairRole::Standby,
        };
        let own = || Some(self.settings.member.clone());
        PairStatus {
            mode: self.settings.mode,
            member: self.settings.member.clone(),
            role,
            holder: if self.tenure.token().is_some() { own() } else { self.tenure.other().map(str::to_owned) },
            since: self.since,
            takeovers: self.takeovers,
            fenced: self.fenced,
            trouble: self.trouble.clone(),
            clock: None,
        }
    }

    /// The health of an endpoint that acknowledges, if the pair has anything to say to it.
    pub(crate) fn health(&self, post: Post, now: MediaTime) -> Option<HealthReport> {
        if let Some(trouble) = &self.trouble {
            let health = if self.tenure.knows() { Health::PartiallyHealthy } else { Health::Unhealthy };
            return Some(HealthReport::new(health, "pair_trouble", trouble.clone(), now));
        }
        let standby = |reason: String| Some(HealthReport::new(Health::Healthy, "pair_standby", reason, now));
        match (post, self.tenure.other()) {
            (Post::Deliver, _) => None,
            (Post::Watch { share: true }, Some(other)) => {
                standby(format!("delivers media beside {other}, which tells players"))
            }
            (_, Some(other)) => standby(format!("stands by: {other} delivers")),
            (_, None) => {
                let reason = "nobody delivers: this box waits for its turn";
                Some(HealthReport::new(Health::PartiallyHealthy, "pair_waiting", reason, now))
            }
        }
    }
}

fn event(description: &PushDescription, severity: Severity, code: EventCode, text: String, now: MediaTime) -> Event {
    report::event(description, severity, code, text, now)
}

/// This box goes on.
pub(crate) fn taken(description: &PushDescription, pair: &Pair, how: Continued, now: MediaTime) -> Event {
    let member = &pair.settings.member;
    let after = pair.previous.as_deref().filter(|previous| previous != member);
    let from = match how.seam {
        None => "nothing was told before".to_owned(),
        Some(seam) if how.differs => format!("from segment {seam} on, behind a discontinuity: the encoders differ"),
        Some(seam) => format!("from segment {seam} on, without a discontinuity"),
    };
    let owed = report::counted(how.owed);
    match after {
        Some(other) => {
            let text = format!("{member} delivers after {other}, {from}; {owed} to make up for");
            event(description, Severity::Warning, EventCode::LeaseTaken, text, now)
                .blame(Fault::Destination, "look at the other box, unless it was to hand over")
        }
        None => event(description, Severity::Info, EventCode::LeaseTaken, format!("{member} delivers: {from}"), now),
    }
}

/// This box does not deliver any more.
pub(crate) fn lost(description: &PushDescription, why: &str, now: MediaTime) -> Event {
    let text = format!("the lease of the channel is lost: {why}");
    event(description, Severity::Warning, EventCode::LeaseLost, text, now)
        .blame(Fault::Destination, "look at the network between this box and the origin, and at the other box")
}

/// This box has given the channel back.
pub(crate) fn released(description: &PushDescription, now: MediaTime) -> Event {
    let text = "the lease of the channel is given back: the other box may deliver".to_owned();
    event(description, Severity::Info, EventCode::LeaseLost, text, now)
}

/// Something is not as a pair needs it.
pub(crate) fn trouble(description: &PushDescription, why: &str, now: MediaTime) -> Event {
    event(description, Severity::Warning, EventCode::PairTrouble, why.to_owned(), now)
        .blame(Fault::Configuration, "compare the destination and the stream class on both boxes")
}
