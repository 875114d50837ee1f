//! What the desk for recordings has to know of a configuration: where recordings are, where they can be sent.

use std::path::PathBuf;

use crate::plan::{ChannelPlan, DestinationKind};
use crate::replay::{Desk, UploadTarget};
use crate::supervisor::Configuration;

/// The desk, and where recordings are unless the configuration says otherwise.
#[derive(Clone)]
pub(super) struct Shelf {
    pub(super) desk: Desk,
    pub(super) place: PathBuf,
}

impl Shelf {
    /// The desk works with this configuration from now on.
    pub(super) fn learn(&self, configuration: &Configuration) {
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
