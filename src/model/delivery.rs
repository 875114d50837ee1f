//! Delivery to a destination: its endpoints, how they share the work, and what operators and drills made of it.

use serde::{Deserialize, Serialize};

use super::cost::{BudgetOrder, Hold};
use super::event::Fault;
use super::health::HealthReport;
use super::id::EndpointName;
use super::line::LineStatus;
use super::pair::PairStatus;
use super::status::{DestinationState, LinkFigures};
use super::time::MediaTime;

/// What a destination gets while the program is on slate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnSlate {
    /// The slate.
    #[default]
    Emit,
    /// Nothing: what is slate from end to end is withheld.
    Pause,
}

/// Which endpoints of a destination are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryKind {
    /// All of them, all the time.
    Mirror,
    /// One at a time.
    #[default]
    Failover,
}

/// How the primary gets its place back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Revert {
    /// By itself, when it was good for the wait-to-restore time.
    #[default]
    Auto,
    /// By an operator only.
    Manual,
}

/// How the endpoints of a destination share the work (terms of ITU-T G.808.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct DeliveryPolicy {
    /// Which are used.
    pub kind: DeliveryKind,
    /// An endpoint must be bad for this long before it is left.
    pub hold_off_ms: u32,
    /// The primary must be good for this long before it is used again.
    pub wait_to_restore_ms: u32,
    /// How the primary gets its place back.
    pub revert: Revert,
    /// Nothing acknowledged for this long although something is under way: bad.
    pub silence_ms: u32,
    /// So many segments in a row took longer to send than they last, or so many wait at the live edge: bad. Never if 0.
    pub slow_segments: u32,
}

impl Default for DeliveryPolicy {
    fn default() -> Self {
        Self {
            kind: DeliveryKind::Failover,
            hold_off_ms: 300,
            wait_to_restore_ms: 30_000,
            revert: Revert::Auto,
            silence_ms: 1_500,
            slow_segments: 3,
        }
    }
}

/// What an endpoint is there for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// Gets everything; players are told of it.
    #[default]
    Active,
    /// Gets media, but players are told of nothing: a primary that is to take over again.
    Restoring,
    /// Gets nothing but a look now and then.
    Standby,
}

/// One endpoint of a destination: the primary or a backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EndpointStatus {
    /// `primary`, `backup-1`, ….
    pub name: EndpointName,
    /// Where it goes, without secrets.
    pub url: String,
    /// What it is there for now.
    pub duty: Duty,
    /// Where it stands.
    pub state: DestinationState,
    /// Health with reason.
    pub health: HealthReport,
    /// Whose fault, if it does not stream.
    pub fault: Option<Fault>,
    /// Bytes sent, acknowledged or not.
    pub bytes_sent: u64,
    /// Media bytes acknowledged.
    pub bytes_acknowledged: u64,
    /// End of the last media acknowledged in every rendition.
    pub position: Option<MediaTime>,
    /// Segments waiting in the spool.
    pub queue_segments: u64,
    /// Program time waiting, seconds.
    pub queue_seconds: f64,
    /// Times it was lost and came back.
    pub reconnects: u64,
    /// It acknowledges, but more slowly than the program goes on.
    #[serde(default)]
    pub slow: bool,
    /// Old segments deleted there since the worker started.
    #[serde(default)]
    pub deleted_segments: u64,
    /// It has everything that players need to begin: a whole window, and playlists if it is active.
    #[serde(default)]
    pub playable: bool,
    /// The last error in plain words.
    pub last_error: Option<String>,
    /// Pictures and AAC frames that a stream left out because the network did not take them.
    #[serde(default)]
    pub lost_units: u64,
    /// The line of segments: its rate, what it carries, when all that waits is delivered; none for a stream.
    #[serde(default)]
    pub line: Option<LineStatus>,
    /// What the protocol of a stream tells of the way; none for segments.
    #[serde(default)]
    pub link: Option<LinkFigures>,
    /// This box in its pair, if two boxes deliver to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<PairStatus>,
}

/// What operators have set of a destination; what is missing is as configured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct DestinationOrder {
    /// Whether it is used at all.
    pub enabled: Option<bool>,
    /// The endpoint to use, whatever its state: a forced switch. By the policy if none.
    pub endpoint: Option<EndpointName>,
    /// What a spent budget makes of it. Set by the supervisor, lifted by who enables the destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetOrder>,
}

impl DestinationOrder {
    /// How a spent budget holds the destination back.
    pub fn hold(&self) -> Option<Hold> {
        self.budget.map(|order| order.hold)
    }

    /// Somebody wants it used or not, or as configured if none. Who enables what a spent budget holds back lifts that for
    /// the rest of the month; any other word takes the permission back.
    pub fn enable(&mut self, enabled: Option<bool>) {
        self.enabled = enabled;
        self.budget = match (enabled, self.budget) {
            (Some(true), Some(order)) => Some(BudgetOrder { hold: Hold::Lifted, ..order }),
            (_, Some(BudgetOrder { hold: Hold::Lifted, .. })) => None,
            (_, order) => order,
        };
    }
}

/// A change from one endpoint to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SwitchReport {
    /// When.
    pub at: MediaTime,
    /// The endpoint that was left.
    pub from: EndpointName,
    /// The endpoint that is used since.
    pub to: EndpointName,
    /// Why, one sentence.
    pub why: String,
    /// From the decision to the first segment acknowledged there, seconds; none as long as there is none.
    pub first_segment_seconds: Option<f64>,
    /// From the decision to a whole window that players can have, seconds; none as long as there is none.
    pub playable_seconds: Option<f64>,
}

/// What a drill measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DrillReport {
    /// When it was ordered.
    pub at: MediaTime,
    /// The endpoint that was tried.
    pub endpoint: EndpointName,
    /// From the order to the first segment acknowledged there, seconds.
    pub first_segment_seconds: Option<f64>,
    /// From the order to a whole window that players can have, seconds.
    pub playable_seconds: Option<f64>,
    /// Why it failed, if it did.
    pub trouble: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_version_wrote_is_read() {
        assert_eq!(serde_json::from_str::<DeliveryPolicy>("{}").unwrap(), DeliveryPolicy::default());
        assert_eq!(serde_json::from_str::<DestinationOrder>("{}").unwrap(), DestinationOrder::default());
    }

    #[test]
    fn who_enables_what_a_budget_holds_back_lifts_that() {
        let held = BudgetOrder { month: "2026-11".parse().unwrap(), hold: Hold::Stopped };
        let mut order = DestinationOrder { budget: Some(held), ..DestinationOrder::default() };
        order.enable(Some(false));
        assert_eq!(order.hold(), Some(Hold::Stopped), "disabled by hand and by its budget");
        order.enable(Some(true));
        assert_eq!((order.hold(), order.enabled), (Some(Hold::Lifted), Some(true)));
        order.enable(None);
        assert_eq!(order, DestinationOrder::default(), "the budget is to be judged again");
    }
}
