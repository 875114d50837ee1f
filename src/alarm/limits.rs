//! What channels are measured against, as their stream classes say.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::ChannelId;

/// Of one channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChannelLimits {
    /// Integrated loudness that it is mixed to, LUFS; none to leave loudness unjudged.
    pub loudness_target: Option<f64>,
    /// A destination that is this far behind is a warning.
    pub behind: Duration,
    /// And this far is critical.
    pub far_behind: Duration,
}

impl Default for ChannelLimits {
    fn default() -> Self {
        Self { loudness_target: None, behind: Duration::from_secs(30), far_behind: Duration::from_secs(300) }
    }
}

/// By channel.
pub type Limits = BTreeMap<ChannelId, ChannelLimits>;
