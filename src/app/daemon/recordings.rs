//! What the desk for recordings has to know of a configuration: where recordings are, where they can be sent.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::broadcast;

use crate::config::{self, Checked};
use crate::model::EventCode;
use crate::plan::{ChannelPlan, DestinationKind};
use crate::replay::{Desk, UploadTarget, UploadWish};
use crate::supervisor::{Configuration, StampedEvent};

/// The desk, and where recordings are unless the configuration says otherwise.
#[derive(Clone)]
pub(super) struct Shelf {
    pub(super) desk: Desk,
    pub(super) place: PathBuf,
}

impl Shelf {
    /// The desk works with this configuration from now on.
    pub(super) fn learn(&self, checked: &Checked, configuration: &Configuration) {
        self.desk.wish(checked.channels.iter().flat_map(wishes).collect());
        let plans = || configuration.channels.iter().map(|channel| &channel.plan);
        let mut roots = vec![self.place.clone()];
        for root in plans().flat_map(directories) {
            if !roots.contains(&root) {
                roots.push(root);
            }
        }
        self.desk.learn(roots, plans().flat_map(targets).collect());
    }
}

/// Where a channel's recordings are.
fn directories(plan: &ChannelPlan) -> Vec<PathBuf> {
    let endpoints = plan.destinations.iter().flat_map(|destination| &destination.endpoints);
    let recorded = endpoints.filter_map(|endpoint| match &endpoint.kind {
        DestinationKind::Recording(recording) => Some(recording.directory.clone()),
        _ => None,
    });
    recorded.collect()
}

/// Where a channel's recordings can be sent.
fn targets(plan: &ChannelPlan) -> Vec<UploadTarget> {
    let endpoints = plan
        .destinations
        .iter()
        .flat_map(|destination| destination.endpoints.iter().map(move |endpoint| (&destination.id, endpoint)));
    let taking = endpoints.filter_map(|(destination, endpoint)| match &endpoint.kind {
        DestinationKind::HlsPush { url, upload } => Some(UploadTarget {
            channel: plan.channel.clone(),
            destination: destination.clone(),
            endpoint: endpoint.name.clone(),
            url: url.clone(),
            upload: upload.clone(),
        }),
        _ => None,
    });
    taking.collect()
}

/// Where a channel's recordings go by themselves.
fn wishes(channel: &config::Channel) -> impl Iterator<Item = UploadWish> {
    channel.destinations.iter().filter_map(|destination| match destination.endpoints.first() {
        Some(config::DestinationKind::Recording(recorded)) => Some(UploadWish {
            channel: channel.id.clone(),
            destination: destination.id.clone(),
            to: recorded.upload_to.clone()?,
        }),
        _ => None,
    })
}

/// Has the desk look at a channel's recordings when one of them begins or ends. Ends with the supervisor.
pub(super) async fn attend(desk: Desk, mut events: broadcast::Receiver<Arc<StampedEvent>>) {
    loop {
        let channel = match events.recv().await {
            Ok(stamped) if is_turn(stamped.event.code) => stamped.event.channel.clone(),
            Ok(_) => continue,
            // Which ones were missed is not known.
            Err(broadcast::error::RecvError::Lagged(_)) => None,
            Err(broadcast::error::RecvError::Closed) => return,
        };
        let desk = desk.clone();
        let looked = tokio::task::spawn_blocking(move || desk.look(channel.as_ref())).await;
        if let Err(error) = looked {
            tracing::error!(%error, "recordings were not looked at");
        }
    }
}

fn is_turn(code: EventCode) -> bool {
    use EventCode::{RecordingEnded, RecordingMended, RecordingResumed, RecordingStarted};
    matches!(code, RecordingStarted | RecordingEnded | RecordingMended | RecordingResumed)
}
