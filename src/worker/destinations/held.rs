//! What a spent budget makes of a destination. Pure.

use std::borrow::Cow;

use super::Setting;
use crate::model::status::{DestinationState, DestinationStatus};
use crate::model::{BudgetOrder, DestinationOrder, Health, HealthReport, Hold, MediaTime, RenditionId};
use crate::plan::{ChannelPlan, DestinationKind, DestinationPlan};

/// Video renditions of the channel that are withheld: all but the one with the smallest rate. Streams have one anyway.
pub(super) fn withheld(channel: &ChannelPlan, plan: &DestinationPlan, order: &DestinationOrder) -> Vec<RenditionId> {
    let segments = plan.endpoints.iter().all(|endpoint| matches!(endpoint.kind, DestinationKind::HlsPush { .. }));
    if order.hold() != Some(Hold::Lowest) || !segments {
        return Vec::new();
    }
    let lowest = channel.video.iter().min_by_key(|video| video.bitrate.bps()).map(|video| &video.id);
    channel.video.iter().map(|video| &video.id).filter(|id| Some(*id) != lowest).cloned().collect()
}

/// The setting as endpoints see it that do not get what is `withheld`.
pub(super) fn without<'a>(setting: &'a Setting, withheld: &[RenditionId]) -> Cow<'a, Setting> {
    if withheld.is_empty() {
        return Cow::Borrowed(setting);
    }
    let mut setting = setting.clone();
    setting.plan.video.retain(|video| !withheld.contains(&video.id));
    Cow::Owned(setting)
}

/// Says it in the destination's status.
pub(super) fn say(status: &mut DestinationStatus, order: BudgetOrder, now: MediaTime) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan(kind: serde_json::Value) -> ChannelPlan {
        let video = |id: &str, rate: u64| json!({"id": id, "size": "320x180", "bitrate": rate, "max_bitrate": rate, "encoders": []});
        let plan = json!({
            "channel": "demo", "title": "demo", "stream_class": "test 1.0.0",
            "program": {"size": "320x180", "frame_rate": "25", "audio": {"sample_rate": 48000, "channels": 2}},
            "segments": 1000, "sources": [], "slate": {"text": ""},
            "video": [video("high", 2_000_000), video("low", 300_000), video("middle", 800_000)], "audio": [],
            "destinations": [{"id": "cloud", "endpoints": [{"name": "primary", "kind": kind}]}],
            "spool": {"directory": "/nowhere", "quota_bytes": 1, "retain_seconds": 1, "playlist_segments": 5},
            "thresholds": {"loss_ms": 250, "wait_to_restore_ms": 2000, "stall_ms": 2000},
        });
        serde_json::from_value(plan).unwrap()
    }

    fn held(hold: Hold) -> DestinationOrder {
        let budget = Some(BudgetOrder { month: "2026-11".parse().unwrap(), hold });
        DestinationOrder { budget, ..DestinationOrder::default() }
    }

    #[test]
    fn the_smallest_rate_stays_wherever_it_stands() {
        let channel = plan(json!({"kind": "hls_push", "url": "http://127.0.0.1:9/", "upload": {}}));
        let names = |order: &DestinationOrder| -> Vec<String> {
            withheld(&channel, &channel.destinations[0], order).iter().map(ToString::to_string).collect()
        };
        assert_eq!(names(&held(Hold::Lowest)), ["high", "middle"]);
        for order in [held(Hold::Stopped), held(Hold::Lifted), DestinationOrder::default()] {
            assert!(names(&order).is_empty(), "{order:?}");
        }
    }
}
