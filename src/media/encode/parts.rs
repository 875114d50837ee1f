//! What every rendition of a graph is built with.

use std::sync::Arc;

use super::beside::Beside;
use super::ledger::Ledger;
use super::watch::Notes;
use crate::model::{LiveTimeline, PartPace, ProgramFormat};

/// See the module.
pub(super) struct Parts {
    pub program: ProgramFormat,
    pub pace: Option<PartPace>,
    pub timeline: LiveTimeline,
    pub ledger: Arc<Ledger>,
    pub notes: Notes,
    pub beside: Arc<Beside>,
}
