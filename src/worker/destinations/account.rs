//! What a destination says of itself: one account of all its endpoints. Pure.

use crate::model::status::{DestinationState, DestinationStatus};
use crate::model::{
    BudgetOrder, DeliveryKind, DrillReport, Duty, EndpointStatus, Event, EventCode, Fault, Health, HealthReport, Hold,
    MediaTime, Severity,
};
use crate::plan::DestinationPlan;

/// The status of a destination whose endpoints are as they say; none of them while it is disabled.
pub(super) fn combine(
    plan: &DestinationPlan,
    endpoints: Vec<EndpointStatus>,
    paused_since: Option<MediaTime>,
    now: MediaTime,
) -> DestinationStatus {
    let active: Vec<&EndpointStatus> = endpoints.iter().filter(|one| one.duty == Duty::Active).collect();
    let best = active.iter().copied().min_by_key(|one| (rank(one.state), std::cmp::Reverse(one.position)));
    let health = match best {
        None => HealthReport::new(Health::Inactive, "disabled", "not used, as ordered", now),
        Some(best) => judge(plan, &endpoints, best, paused_since, now),
    };
    let line = best.and_then(|best| best.line.clone());
    DestinationStatus {
        id: plan.id.clone(),
        url: best.map_or_else(String::new, |best| best.url.clone()),
        state: best.map_or(DestinationState::Disabled, |best| best.state),
        fault: best.and_then(|best| best.fault),
        bytes_sent: endpoints.iter().map(|one| one.bytes_sent).sum(),
        bytes_acknowledged: endpoints.iter().map(|one| one.bytes_acknowledged).sum(),
        position: best.and_then(|best| best.position),
        queue_segments: active.iter().map(|one| one.queue_segments).max().unwrap_or(0),
        queue_seconds: active.iter().map(|one| one.queue_seconds).fold(0.0, f64::max),
        reconnects: endpoints.iter().map(|one| one.reconnects).sum(),
        last_error: best.and_then(|best| best.last_error.clone()),
        health,
        endpoints,
        forced: None,
        last_switch: None,
        last_drill: None,
        recording: None,
        line,
        paused_since,
    }
}

/// Says what a spent budget makes of it.
pub(super) fn look_at_budget(status: &mut DestinationStatus, order: BudgetOrder, now: MediaTime) {
    let (code, month) = ("budget_spent", order.month);
    match order.hold {
        Hold::Stopped if status.state == DestinationState::Disabled => {
            let reason = format!("not used: its budget for {month} is spent");
            status.health = HealthReport::new(Health::Inactive, code, reason, now);
        }
        Hold::Lowest if status.health.health == Health::Healthy => {
            let reason = format!("gets the lowest rendition only: its budget for {month} is spent");
            status.health = HealthReport::new(Health::PartiallyHealthy, code, reason, now);
        }
        Hold::Stopped | Hold::Lowest | Hold::Lifted => {}
    }
}

/// A pair without a right clock is not well, however much is delivered.
pub(super) fn look_at_clock(status: &mut DestinationStatus, now: MediaTime) {
    let wrong = |endpoint: &EndpointStatus| {
        endpoint.pair.as_ref().and_then(|pair| pair.clock).is_some_and(|clock| !clock.synchronised)
    };
    if status.health.health == Health::Healthy && status.endpoints.iter().any(wrong) {
        let reason = "nothing keeps the clock of this box right, and its pair relies on it: run chrony or the like";
        status.health = HealthReport::new(Health::PartiallyHealthy, "clock_unsynchronised", reason, now);
    }
}

fn rank(state: DestinationState) -> u8 {
    match state {
        DestinationState::Streaming => 0,
        DestinationState::Connecting => 1,
        DestinationState::Interrupted => 2,
        DestinationState::Failed => 3,
        DestinationState::Disabled => 4,
    }
}

/// Health of a destination by its best active endpoint and what stands behind that.
fn judge(
    plan: &DestinationPlan,
    endpoints: &[EndpointStatus],
    best: &EndpointStatus,
    paused_since: Option<MediaTime>,
    now: MediaTime,
) -> HealthReport {
    if best.health.health == Health::Unhealthy || endpoints.len() < 2 && best.health.health > Health::Healthy {
        return best.health.clone();
    }
    let partly = |code: &str, reason: String| HealthReport::new(Health::PartiallyHealthy, code, reason, now);
    let failover = plan.policy.kind == DeliveryKind::Failover;
    if failover && plan.endpoints.first().is_some_and(|primary| primary.name != best.name) {
        let primary = endpoints.first().map_or("", |primary| primary.health.reason.as_str());
        return partly("on_backup", format!("{} is in use; the primary: {primary}", best.name));
    }
    let bad = endpoints.iter().find(|one| one.name != best.name && one.health.health == Health::Unhealthy);
    if let Some(bad) = bad {
        let code = if failover { "backup_lost" } else { "mirror_lost" };
        return partly(code, format!("{}: {}", bad.name, bad.health.reason));
    }
    match paused_since {
        Some(since) if best.health.health <= Health::Healthy => {
            let reason = "paused while the program is on slate, as configured";
            HealthReport::new(Health::Healthy, "paused_on_slate", reason, since)
        }
        _ => best.health.clone(),
    }
}

/// What a drill came to.
pub(super) fn drilled(report: &DrillReport, now: MediaTime) -> Event {
    match (&report.trouble, report.first_segment_seconds, report.playable_seconds) {
        (None, Some(first), Some(playable)) => {
            let text = format!(
                "drill: {} had a first segment after {first:.1} s and a whole window after {playable:.1} s",
                report.endpoint
            );
            Event::new(now, Severity::Info, EventCode::DrillEnded, text)
        }
        (trouble, ..) => {
            let why = trouble.as_deref().unwrap_or("nothing was measured");
            let text = format!("drill: {} could not take over: {why}", report.endpoint);
            Event::new(now, Severity::Warning, EventCode::DrillEnded, text)
                .blame(Fault::Destination, "look at the backup before it is needed")
        }
    }
}
