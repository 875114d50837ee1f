//! A channel as the root sees it: its actor, and what it has of the box.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::channel::Mail;
use super::claims::Outfit;
use crate::model::Resources;
use crate::model::status::ChannelStatus;
use crate::plan::{ChannelPlan, Held};

/// A channel as the root sees it.
pub(super) struct Seat {
    /// As configured, with every encoder that fits.
    pub(super) wish: Arc<ChannelPlan>,
    /// With those that it may use; what its actor has.
    pub(super) plan: Arc<ChannelPlan>,
    /// Encoder sessions that are given to it.
    pub(super) held: Held,
    /// What cannot be encoded: it was forced.
    pub(super) lacking: Vec<String>,
    pub(super) mailbox: mpsc::Sender<Mail>,
    pub(super) status: watch::Receiver<Arc<ChannelStatus>>,
    /// What it takes of the box.
    pub(super) needs: Resources,
    /// The same with the encoders it prefers.
    pub(super) asked: Resources,
    /// It is to be on air: it counts.
    pub(super) wanted: bool,
}

impl Seat {
    /// Goes on with another plan.
    pub(super) fn wear(&mut self, outfit: Outfit) {
        let Outfit { plan, held, lacking, needs } = outfit;
        (self.plan, self.held, self.lacking, self.needs) = (plan, held, lacking, needs);
    }

    /// Off air: what it held is free, its last plan stays until the next start.
    pub(super) fn release(&mut self) {
        self.wanted = false;
        self.held.clear();
        self.lacking.clear();
        self.needs = self.asked;
    }
}
