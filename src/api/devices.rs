//! What is plugged in now, and who uses it.

use std::path::Path;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::problem::Problem;
use super::routes::Api;
use crate::hardware::{inventory, rules};
use crate::model::status::ApplianceStatus;
use crate::model::{CaptureDevice, ChannelId, InputStatus, NodeRules, SoundDevice, SourceId};
use crate::supervisor::Cards;

/// What can be captured now.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Devices {
    /// Capture devices.
    capture: Vec<Capture>,
    /// Sound devices.
    sound: Vec<SoundDevice>,
    /// What the udev rules made of every node, of those that do not capture, too.
    nodes: Vec<NodeRules>,
}

/// A capture device.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Capture {
    #[serde(flatten)]
    device: CaptureDevice,
    /// Its name in the hardware profiles.
    card: Option<String>,
    /// Sources on air that use it.
    used_by: Vec<Use>,
}

/// A source that uses a device.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Use {
    /// The channel.
    channel: ChannelId,
    /// Its source.
    source: SourceId,
    /// What the device says of the signal.
    input: InputStatus,
}

/// `GET /api/v1/devices`: capture devices with names, card, sound, users and signal, and sound devices. Read at the time
/// of the question, from what kernel and udev publish as files; no device is opened.
pub(crate) async fn list(State(api): State<Api>) -> Result<Json<Devices>, Problem> {
    let look = || (inventory(Path::new("/")), rules(Path::new("/")));
    let found = tokio::task::spawn_blocking(look).await;
    let (found, nodes) = found.map_err(|error| Problem::internal(format!("cannot look for devices: {error}")))?;
    let status = api.handle.status().borrow().clone();
    let capture = found.capture.into_iter().map(|device| described(device, &status, &api.handle.cards)).collect();
    Ok(Json(Devices { capture, sound: found.sound, nodes }))
}

fn described(device: CaptureDevice, status: &ApplianceStatus, cards: &Cards) -> Capture {
    let sources = status.channels.iter().flat_map(|channel| {
        let sources = channel.report.iter().flat_map(|report| &report.sources);
        sources.map(|source| (channel.id.clone(), source))
    });
    let mine = |(channel, source): (ChannelId, &crate::model::status::SourceStatus)| {
        let input = source.input.clone().filter(|input| input.device.as_ref() == Some(&device.kernel))?;
        Some(Use { channel, source: source.id.clone(), input })
    };
    Capture { used_by: sources.filter_map(mine).collect(), card: cards.name(&device.driver), device }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::rig::appliance;
    use crate::model::{InputState, MediaTime};

    #[test]
    fn a_device_names_the_sources_that_use_it_now() {
        let mut status = appliance();
        let report = status.channels.iter_mut().find_map(|channel| channel.report.as_mut()).unwrap();
        report.sources[0].input = Some(InputStatus {
            state: InputState::Locked,
            format: Some("1920x1080p50".into()),
            reason: "the device reads the signal".into(),
            since: MediaTime::from_nanos(1),
            device: Some("/dev/video3".into()),
        });
        let device = |kernel: &str| CaptureDevice { kernel: kernel.into(), ..CaptureDevice::default() };
        let users = |kernel| described(device(kernel), &status, &Cards::default()).used_by;
        assert_eq!(users("/dev/video3").len(), 1);
        assert!(users("/dev/video0").is_empty());
        let text = serde_json::to_value(described(device("/dev/video3"), &status, &Cards::default())).unwrap();
        assert_eq!(text["used_by"][0]["input"]["state"], "locked");
        assert_eq!(text["kernel"], "/dev/video3");
    }
}
