//! What all kinds of delivery have in common, and how an endpoint of each kind comes about.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::oneshot;

use super::{Setting, hls, record, stream, whip};
use crate::model::{Duty, EndpointStatus, RecordingAsk, RecordingStatus, RenditionId};
use crate::plan::{DestinationKind, DestinationPlan, EndpointPlan};
use crate::push::Left;
use crate::record::Recorded;

/// One endpoint at work: fails, retries and reconnects alone. Nothing here blocks. Dropping it ends it at once.
pub(super) trait Endpoint: Send {
    /// The newest status.
    fn status(&self) -> EndpointStatus;

    /// What it is there for from now on. A sender of a stream runs while active or restoring, and rests on standby.
    fn assign(&self, duty: Duty);

    /// The program went to slate or left it, and the destination is to be paused meanwhile. Endpoints that deliver
    /// segments look at [`Setting::slates`] instead, which is exact.
    fn pause(&self, _paused: bool) {}

    /// The channel has other renditions, or other words for them.
    fn list(&self, _setting: &Setting) {}

    /// Its budget is spent: it gets the lowest video rendition only, or all of them again. Streams have one anyway.
    fn ration(&self, _lowest_only: bool) {}

    /// Whether nothing is owed for a segment any more; asked before the spool deletes it.
    fn delivered(&self, _rendition: &RenditionId, _number: u64) -> bool {
        true
    }

    /// Whether it still needs a segment of a companion; asked before that one's spool deletes it.
    fn needs(&self, _rendition: &RenditionId, _number: u64) -> bool {
        false
    }

    /// Whether nothing is left to be delivered; asked where nothing new will come.
    fn is_done(&self) -> bool {
        true
    }

    /// What it records; none if it is no recording.
    fn recording(&self) -> Option<RecordingStatus> {
        None
    }

    /// Begins or ends a recording, or marks it; none if it is no recording.
    fn record(&self, _ask: RecordingAsk) -> Option<oneshot::Receiver<Recorded>> {
        None
    }

    /// Before [`stop`](Self::stop): another worker takes over at once, so nothing is to be ended that goes on.
    fn leave_to_next(&self) {}

    /// Gives its place to the other box of a pair; says what came of it.
    fn hand_over(&self) -> BoxFuture<'static, Result<String, String>> {
        Box::pin(std::future::ready(Err("this kind of destination has no pairs".to_owned())))
    }

    /// Delivers what is left, for at most `limit`; says what was not.
    fn stop(self: Box<Self>, limit: Duration) -> BoxFuture<'static, Left>;
}

/// Starts an endpoint of its kind; `lowest_only` as [`Endpoint::ration`] says.
pub(super) fn open(
    setting: &Setting,
    destination: &DestinationPlan,
    endpoint: &EndpointPlan,
    (duty, lowest_only): (Duty, bool),
) -> Box<dyn Endpoint> {
    match &endpoint.kind {
        DestinationKind::HlsPush { url, upload } => {
            hls::open(setting, destination, endpoint, (url, upload), (duty, lowest_only))
        }
        DestinationKind::Whip(plan) => whip::open(setting, destination, endpoint, plan, duty),
        DestinationKind::Send(plan) => stream::open(setting, destination, endpoint, plan, duty),
        DestinationKind::Recording(plan) => record::open(setting, destination, endpoint, plan),
    }
}
