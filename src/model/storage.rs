//! How long what is recorded now still fits on its disk.

use std::path::Path;
use std::time::Duration;

use super::id::{ChannelId, DestinationId};
use super::recording::RecordingStatus;
use super::status::ApplianceStatus;

/// A recording that is shorter says nothing of its rate.
const SHORTEST: Duration = Duration::from_secs(10);

/// Bytes a second of one that runs, with its companions; none if that is not known.
fn rate(one: &RecordingStatus) -> Option<f64> {
    let long = one.synced?.since(one.began?);
    let own = (one.running && long >= SHORTEST).then(|| one.bytes as f64 / long.as_secs_f64())?;
    Some(own + one.companions.iter().filter_map(rate).sum::<f64>())
}

/// Where recordings are: a recording is in `<root>/<channel>/<id>`. Those of one root share its room.
fn root(one: &RecordingStatus) -> Option<&Path> {
    Path::new(one.directory.as_deref()?).parent()?.parent()
}

impl ApplianceStatus {
    /// For each recording that runs, how many seconds of it still fit.
    pub fn recording_times(&self) -> Vec<(&ChannelId, &DestinationId, f64)> {
        let reports = self.channels.iter().filter_map(|channel| Some((&channel.id, channel.report.as_ref()?)));
        let all = reports.flat_map(|(channel, report)| {
            report.destinations.iter().filter_map(move |one| Some((channel, &one.id, one.recording.as_ref()?)))
        });
        let running: Vec<_> = all.filter_map(|one| Some((one, root(one.2)?, rate(one.2)?))).collect();
        let taken =
            |here: &Path| running.iter().filter(|(_, root, _)| *root == here).map(|(.., rate)| rate).sum::<f64>();
        let mut left = Vec::new();
        for ((channel, destination, one), root, _) in &running {
            let seconds = one.room_bytes.map(|room| room as f64 / taken(root)).filter(|seconds| seconds.is_finite());
            left.extend(seconds.map(|seconds| (*channel, *destination, seconds)));
        }
        left
    }
}
