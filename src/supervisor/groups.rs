//! What each channel's worker may take of the box, where systemd lets us say so.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::ChannelId;
use crate::system::{ControlGroup, Share};

/// Shares of channels, put in force by control groups if there are any. Cheap to clone; all are one.
#[derive(Debug, Clone, Default)]
pub struct Groups(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    group: Option<ControlGroup>,
    shares: Mutex<BTreeMap<ChannelId, Share>>,
}

impl Groups {
    /// Inside `group`; without one nothing is limited.
    pub fn new(group: Option<ControlGroup>) -> Self {
        Self(Arc::new(Inner { group, shares: Mutex::default() }))
    }

    /// From now on `channel` has this share; its worker, if it has one, at once.
    pub(super) fn set(&self, channel: &ChannelId, share: Share) {
        let mut shares = self.0.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let before = shares.insert(channel.clone(), share);
        if before.is_some_and(|before| before != share) {
            self.put(channel, |group| group.share(channel.as_str(), share));
        }
    }

    /// Process `pid` is the worker of `channel`.
    pub(super) fn hold(&self, channel: &ChannelId, pid: u32) {
        let share = self.0.shares.lock().unwrap_or_else(PoisonError::into_inner).get(channel).copied();
        if let Some(share) = share {
            self.put(channel, |group| group.hold(channel.as_str(), pid, share));
        }
    }

    fn put(&self, channel: &ChannelId, change: impl Fn(&ControlGroup) -> std::io::Result<()>) {
        if let Some(Err(error)) = self.0.group.as_ref().map(change) {
            tracing::warn!(%channel, %error, "the worker has no limits of its own");
        }
    }
}
