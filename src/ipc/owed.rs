//! The mark of a spool that may have something undelivered: an empty file, which the worker on air sets and whoever has
//! delivered everything takes away. It outlives worker, daemon and box, so that the daemon knows without looking into the
//! spool which of the channels that are off air still need a worker.

use std::path::PathBuf;

use crate::plan::ChannelPlan;

/// Where the mark is.
pub fn owed_mark(plan: &ChannelPlan) -> PathBuf {
    plan.spool.directory.join("undelivered")
}
