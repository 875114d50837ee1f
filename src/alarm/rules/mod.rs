//! What counts as wrong. Each rule reads a snapshot and says what it sees, how urgent that is, and how long it must last;
//! `policy` makes alarms of it.
//!
//! | rules about | in |
//! |---|---|
//! | being on air, the worker | `channel` |
//! | sources | `sources` |
//! | destinations, recordings | `delivery` |
//! | spool, encoders | `output` |
//! | sound of the program | `sound` |
//! | the box itself, budgets | `appliance` |

mod appliance;
mod channel;
mod delivery;
mod output;
mod sound;
mod sources;

use super::limits::{ChannelLimits, Limits};
use crate::model::cost::CostStatus;
use crate::model::pair::ClockState;
use crate::model::status::{ApplianceStatus, ChannelOrder};
use crate::model::{Alarm, AlarmCode, ChannelId, MediaTime, Validity};
use crate::policy::{Sighting, Unseen};

/// What is looked at.
pub(super) struct Look<'a> {
    pub(super) status: &'a ApplianceStatus,
    pub(super) limits: &'a Limits,
    pub(super) now: MediaTime,
    pub(super) clock: Option<ClockState>,
    /// What is wrong with the store.
    pub(super) trouble: Option<String>,
    /// What is wrong with the certificate of the API.
    pub(super) certificate: Option<&'a str>,
    /// How long its certificates are good.
    pub(super) validities: &'a [Validity],
    /// None before anybody asked.
    pub(super) costs: Option<&'a CostStatus>,
}

impl Look<'_> {
    fn limits_of(&self, channel: &ChannelId) -> ChannelLimits {
        self.limits.get(channel).copied().unwrap_or_default()
    }
}

/// What one snapshot alone does not tell.
#[derive(Debug, Default)]
pub(super) struct Memory {
    channels: channel::Past,
    spools: output::Past,
}

/// Everything that is wrong.
pub(super) fn sightings(look: &Look<'_>, memory: &mut Memory) -> Vec<Sighting> {
    let mut seen = Vec::new();
    appliance::see(look, &mut seen);
    delivery::see_room(look.status, &mut seen);
    for one in &look.status.channels {
        memory.channels.see(one, look.now, &mut seen);
        let Some(report) = one.report.as_ref().filter(|_| one.order == ChannelOrder::OnAir) else { continue };
        channel::see(one, report, look.now, &mut seen);
        sources::see(&one.id, report, &mut seen);
        delivery::see(&one.id, report, look.limits_of(&one.id), &mut seen);
        memory.spools.see(&one.id, report, look.now, &mut seen);
        output::see(&one.id, report, &mut seen);
        sound::see(&one.id, report, look.limits_of(&one.id), look.now, &mut seen);
    }
    seen
}

/// What is known of an alarm that is not seen.
pub(super) fn unseen(look: &Look<'_>, alarm: &Alarm) -> Unseen {
    let unknown_budget = look.costs.is_none() && matches!(alarm.code, AlarmCode::BudgetNear | AlarmCode::BudgetSpent);
    let Some(id) = &alarm.channel else { return if unknown_budget { Unseen::Unknown } else { Unseen::Absent } };
    match look.status.channels.iter().find(|one| one.id == *id) {
        None => Unseen::Moot,
        Some(one) if one.order == ChannelOrder::OffAir => Unseen::Moot,
        Some(one) if one.report.is_none() && !channel::needs_no_report(alarm.code) => Unseen::Unknown,
        Some(_) => Unseen::Absent,
    }
}
