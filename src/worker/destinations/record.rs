//! A recording as an endpoint.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use tokio::sync::oneshot;

use super::Setting;
use super::endpoint::Endpoint;
use crate::model::status::DestinationState;
use crate::model::{
    BitRate, Duty, EndpointName, EndpointStatus, Fault, Health, HealthReport, MediaTime, RecordingAsk, RecordingStatus,
    RenditionId,
};
use crate::plan::{ChannelPlan, DestinationPlan, EndpointPlan, RecordingPlan};
use crate::push::Left;
use crate::record::{Recorded, RecordedRendition, Recorder, RecorderSetting, RenditionKind};

/// What players are told of text before it is measured.
const TEXT_RATE: BitRate = BitRate(1000);

struct Recording {
    name: EndpointName,
    plan: RecordingPlan,
    url: String,
    /// None if the box could not start its thread.
    recorder: Option<Recorder>,
    since: MediaTime,
}

/// Starts to record, or waits until somebody says so.
pub(super) fn open(
    setting: &Setting,
    destination: &DestinationPlan,
    endpoint: &EndpointPlan,
    plan: &RecordingPlan,
) -> Box<dyn Endpoint> {
    let (clock, events) = (setting.clock, Arc::clone(&setting.events));
    let recorder = RecorderSetting {
        channel: setting.plan.channel.clone(),
        destination: destination.id.clone(),
        directory: plan.directory.clone(),
        start: plan.start,
        title: plan.title.clone(),
        limits: plan.limits,
        renditions: recorded(&setting.plan, plan),
        timeline: setting.timeline.clone(),
        now: Box::new(move || clock.now()),
        events: Box::new(move |event| events(event)),
    };
    let recorder = Recorder::start(recorder, setting.spool.clone())
        .inspect_err(|error| tracing::error!(destination = %destination.id, %error, "a recorder cannot be started"));
    let above = plan.directory.join(setting.plan.channel.as_str());
    Box::new(Recording {
        name: endpoint.name.clone(),
        plan: plan.clone(),
        url: format!("file://{}", above.display()),
        recorder: recorder.ok(),
        since: clock.now(),
    })
}

/// The renditions of a channel that are recorded, by rank.
fn recorded(plan: &ChannelPlan, recording: &RecordingPlan) -> Vec<RecordedRendition> {
    let video = plan.video.iter().map(|r| RecordedRendition {
        bandwidth: r.max_bitrate,
        average_bandwidth: r.bitrate,
        size: Some(r.size),
        frame_rate: Some(plan.program.frame_rate),
        captions: plan.captions.is_some(),
        language: plan.captions.as_ref().and_then(|captions| captions.language.clone()),
        ..RecordedRendition::new(r.id.clone(), RenditionKind::Video)
    });
    let audio = plan.audio.iter().map(|r| RecordedRendition {
        bandwidth: r.bitrate,
        average_bandwidth: r.bitrate,
        name: Some(r.name.clone()),
        language: r.language.clone(),
        channels: Some(r.channels(plan.program.audio.channels)),
        ..RecordedRendition::new(r.id.clone(), RenditionKind::Audio)
    });
    let text = plan.captions.iter().filter_map(|captions| {
        Some(RecordedRendition {
            bandwidth: TEXT_RATE,
            average_bandwidth: TEXT_RATE,
            name: Some(captions.name.clone()),
            language: captions.language.clone(),
            ..RecordedRendition::new(captions.webvtt.clone()?, RenditionKind::Text)
        })
    });
    let wanted = |r: &RecordedRendition| recording.renditions.is_empty() || recording.renditions.contains(&r.id);
    video.chain(audio).chain(text).filter(wanted).collect()
}

impl Endpoint for Recording {
    fn status(&self) -> EndpointStatus {
        let status = self.recorder.as_ref().map(Recorder::status);
        let failed = || {
            let reason = "the box could not start a thread: look at its load and limits";
            HealthReport::new(Health::Unhealthy, "not_started", reason, self.since)
        };
        let bytes = status.as_ref().map_or(0, |status| status.bytes);
        EndpointStatus {
            name: self.name.clone(),
            url: self.url.clone(),
            duty: Duty::Active,
            state: status.as_ref().map_or(DestinationState::Failed, |status| status.state),
            health: status.as_ref().map_or_else(failed, |status| status.health.clone()),
            fault: status.as_ref().map_or(Some(Fault::Hardware), |status| status.fault),
            bytes_sent: bytes,
            bytes_acknowledged: bytes,
            position: status.as_ref().and_then(|status| status.position),
            queue_segments: status.as_ref().map_or(0, |status| status.queue_segments),
            queue_seconds: status.as_ref().map_or(0.0, |status| status.queue.as_secs_f64()),
            reconnects: status.as_ref().map_or(0, |status| status.recoveries),
            slow: false,
            deleted_segments: 0,
            playable: status.as_ref().is_some_and(|status| status.position.is_some()),
            lost_units: 0,
            link: None,
            line: None,
            pair: None,
            last_error: status.and_then(|status| status.last_error),
        }
    }

    /// There is one place to record to: it is always active.
    fn assign(&self, _duty: Duty) {}

    fn list(&self, setting: &Setting) {
        if let Some(recorder) = &self.recorder {
            recorder.list(recorded(&setting.plan, &self.plan));
        }
    }

    fn delivered(&self, rendition: &RenditionId, number: u64) -> bool {
        self.recorder.as_ref().is_none_or(|recorder| recorder.delivered(rendition, number))
    }

    fn recording(&self) -> Option<RecordingStatus> {
        Some(self.recorder.as_ref().map(|recorder| recorder.status().recording).unwrap_or_default())
    }

    fn record(&self, ask: RecordingAsk) -> Option<oneshot::Receiver<Recorded>> {
        self.recorder.as_ref().map(|recorder| recorder.ask(ask))
    }

    fn leave_to_next(&self) {
        if let Some(recorder) = &self.recorder {
            recorder.hand_over();
        }
    }

    fn stop(mut self: Box<Self>, limit: Duration) -> BoxFuture<'static, Left> {
        let recorder = self.recorder.take();
        async move {
            let stopping = tokio::task::spawn_blocking(move || recorder.is_none_or(|recorder| recorder.stop(limit)));
            if !stopping.await.unwrap_or(false) {
                tracing::warn!("a recording is not closed in time: it is when a worker starts again");
            }
            Left::default()
        }
        .boxed()
    }
}
