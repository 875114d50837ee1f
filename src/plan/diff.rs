//! What a reload touches: channels whose plan changed, and no other.

use super::graph::ChannelPlan;
use crate::model::ChannelId;

/// Channels by what a reload means to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// Only in the new configuration.
    pub added: Vec<ChannelId>,
    /// Only in the old one.
    pub removed: Vec<ChannelId>,
    /// In both, with another plan.
    pub changed: Vec<ChannelId>,
    /// In both, with the same plan.
    pub unchanged: Vec<ChannelId>,
}

/// Compares by channel; the order of channels does not matter.
pub fn diff(old: &[ChannelPlan], new: &[ChannelPlan]) -> Diff {
    let mut diff = Diff::default();
    for plan in new {
        let list = match old.iter().find(|before| before.channel == plan.channel) {
            None => &mut diff.added,
            Some(before) if before == plan => &mut diff.unchanged,
            Some(_) => &mut diff.changed,
        };
        list.push(plan.channel.clone());
    }
    let gone = old.iter().filter(|before| !new.iter().any(|plan| plan.channel == before.channel));
    diff.removed = gone.map(|plan| plan.channel.clone()).collect();
    diff
}
