//! A recording as an endpoint.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, FutureExt, join_all};
use tokio::sync::oneshot;

use super::Setting;
use super::endpoint::Endpoint;
use crate::model::status::DestinationState;
use crate::model::{
    BitRate, Duty, EndpointName, EndpointStatus, Fault, Health, HealthReport, MediaTime, RecordedOf, RecordingAsk,
    RecordingStatus, RenditionId,
};
use crate::plan::{AudioRenditionPlan, ChannelPlan, DestinationPlan, EndpointPlan, RecordingPlan, VideoRenditionPlan};
use crate::push::Left;
use crate::record::{Recorded, RecordedRendition, Recorder, RecorderSetting, RecorderStatus, RenditionKind};

/// What players are told of text before it is measured.
const TEXT_RATE: BitRate = BitRate(1000);

struct Recording {
    name: EndpointName,
    plan: RecordingPlan,
    url: String,
    /// One for each thing that is recorded, in the order of the plan; none where the box could not start its thread.
    recorders: Vec<(RecordedOf, Option<Recorder>)>,
    since: MediaTime,
}

/// Starts to record, or waits until somebody says so.
pub(super) fn open(
    setting: &Setting,
    destination: &DestinationPlan,
    endpoint: &EndpointPlan,
    plan: &RecordingPlan,
) -> Box<dyn Endpoint> {
    let recorders = plan.record.iter().map(|of| (of.clone(), recorder(setting, destination, plan, of))).collect();
    let above = plan.directory.join(setting.plan.channel.as_str());
    Box::new(Recording {
        name: endpoint.name.clone(),
        plan: plan.clone(),
        url: format!("file://{}", above.display()),
        recorders,
        since: setting.clock.now(),
    })
}

fn recorder(
    setting: &Setting,
    destination: &DestinationPlan,
    plan: &RecordingPlan,
    of: &RecordedOf,
) -> Option<Recorder> {
    let (clock, events) = (setting.clock, Arc::clone(&setting.events));
    let spool = match of {
        RecordedOf::Program => setting.spool.clone(),
        companion => setting.companions.spool(companion)?,
    };
    let told = RecorderSetting {
        channel: setting.plan.channel.clone(),
        of: of.clone(),
        destination: destination.id.clone(),
        directory: plan.directory.clone(),
        start: plan.start,
        title: plan.title.clone(),
        limits: plan.limits,
        renditions: renditions(&setting.plan, plan, of),
        timeline: setting.timeline.clone(),
        now: Box::new(move || clock.now()),
        events: Box::new(move |event| events(event)),
    };
    Recorder::start(told, spool)
        .inspect_err(|error| tracing::error!(destination = %destination.id, %error, "a recorder cannot be started"))
        .ok()
}

fn renditions(plan: &ChannelPlan, recording: &RecordingPlan, of: &RecordedOf) -> Vec<RecordedRendition> {
    if of.is_program() {
        return recorded(plan, recording);
    }
    let Some(companion) = plan.companions.iter().find(|one| one.of == *of) else { return Vec::new() };
    let video = companion.video.iter().map(|video| pictures(plan, video));
    video.chain([sound(plan, &companion.audio)]).collect()
}

fn pictures(plan: &ChannelPlan, video: &VideoRenditionPlan) -> RecordedRendition {
    RecordedRendition {
        bandwidth: video.max_bitrate,
        average_bandwidth: video.bitrate,
        size: Some(video.size),
        frame_rate: Some(plan.program.frame_rate),
        ..RecordedRendition::new(video.id.clone(), RenditionKind::Video)
    }
}

fn sound(plan: &ChannelPlan, audio: &AudioRenditionPlan) -> RecordedRendition {
    RecordedRendition {
        bandwidth: audio.bitrate,
        average_bandwidth: audio.bitrate,
        name: Some(audio.name.clone()),
        language: audio.language.clone(),
        channels: Some(audio.channels(plan.program.audio.channels)),
        ..RecordedRendition::new(audio.id.clone(), RenditionKind::Audio)
    }
}

/// The renditions of a channel that are recorded, by rank.
fn recorded(plan: &ChannelPlan, recording: &RecordingPlan) -> Vec<RecordedRendition> {
    let video = plan.video.iter().map(|video| RecordedRendition {
        captions: plan.captions.is_some(),
        language: plan.captions.as_ref().and_then(|captions| captions.language.clone()),
        ..pictures(plan, video)
    });
    let audio = plan.audio.iter().map(|audio| sound(plan, audio));
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

impl Recording {
    fn recorders(&self) -> impl Iterator<Item = &Recorder> {
        self.recorders.iter().filter_map(|(_, recorder)| recorder.as_ref())
    }

    /// How all of it is: what is worst, and where the program stands (or what is named first).
    fn summary(&self) -> Option<RecorderStatus> {
        let mut all: Vec<RecorderStatus> = self.recorders().map(Recorder::status).collect();
        let complete = all.len() == self.recorders.len();
        let badness = |status: &RecorderStatus| match status.health.health {
            Health::Unhealthy => 2,
            Health::PartiallyHealthy => 1,
            Health::Healthy | Health::Inactive => 0,
        };
        let worst = all.iter().enumerate().max_by_key(|(place, status)| (badness(status), usize::MAX - place))?;
        let (health, fault, last_error) = (worst.1.health.clone(), worst.1.fault, worst.1.last_error.clone());
        let bytes = all.iter().map(|status| status.bytes).sum();
        let recoveries = all.iter().map(|status| status.recoveries).sum();
        let first = all.swap_remove(0);
        // A state that says less than its health would hide what is wrong.
        let bad = health.health == Health::Unhealthy;
        let state = if bad { DestinationState::Interrupted } else { first.state };
        let missing = || {
            let reason = "not everything is recorded: see the channel's events";
            HealthReport::new(Health::PartiallyHealthy, "companion_failed", reason, self.since)
        };
        let health = if complete || bad { health } else { missing() };
        Some(RecorderStatus { state, health, fault, last_error, bytes, recoveries, ..first })
    }
}

/// One answer of many: that of the first, with the recordings of the others; what one could not do, if one could not.
async fn together(asked: Vec<(RecordedOf, oneshot::Receiver<Recorded>)>) -> Recorded {
    let mut answers = Vec::new();
    let many = asked.len() > 1;
    for (of, answer) in asked {
        let answer = answer.await.unwrap_or_else(|_| Err("the recorder has ended".to_owned()));
        answers.push(answer.map_err(|reason| if many { format!("{of}: {reason}") } else { reason }));
    }
    let mut answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter();
    let (text, mut unchanged, mut status) = answers.next().ok_or("nothing is recorded")?;
    for (_, was_so, companion) in answers {
        unchanged &= was_so;
        status.companions.push(companion);
    }
    Ok((text, unchanged, status))
}

impl Endpoint for Recording {
    fn status(&self) -> EndpointStatus {
        let status = self.summary();
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
        for (of, recorder) in &self.recorders {
            if let Some(recorder) = recorder {
                recorder.list(renditions(&setting.plan, &self.plan, of));
            }
        }
    }

    fn delivered(&self, rendition: &RenditionId, number: u64) -> bool {
        let program = self.recorders.iter().filter(|(of, _)| of.is_program());
        program.filter_map(|(_, recorder)| recorder.as_ref()).all(|recorder| recorder.delivered(rendition, number))
    }

    fn needs(&self, rendition: &RenditionId, number: u64) -> bool {
        let companions = self.recorders.iter().filter(|(of, _)| !of.is_program());
        companions.filter_map(|(_, recorder)| recorder.as_ref()).any(|one| !one.delivered(rendition, number))
    }

    fn recording(&self) -> Option<RecordingStatus> {
        let mut all = self.recorders().map(|recorder| recorder.status().recording);
        let first = all.next().unwrap_or_default();
        Some(RecordingStatus { companions: all.collect(), ..first })
    }

    fn record(&self, ask: RecordingAsk) -> Option<oneshot::Receiver<Recorded>> {
        let asked: Vec<_> = self
            .recorders
            .iter()
            .filter_map(|(of, recorder)| Some((of.clone(), recorder.as_ref()?.ask(ask.clone()))))
            .collect();
        let (answer, answered) = oneshot::channel();
        if !asked.is_empty() {
            tokio::spawn(async move {
                let _ = answer.send(together(asked).await);
            });
        }
        Some(answered)
    }

    fn leave_to_next(&self) {
        self.recorders().for_each(Recorder::hand_over);
    }

    fn stop(mut self: Box<Self>, limit: Duration) -> BoxFuture<'static, Left> {
        let until = Instant::now() + limit;
        let recorders: Vec<Recorder> = self.recorders.drain(..).filter_map(|(_, recorder)| recorder).collect();
        async move {
            let each = recorders.into_iter().map(|recorder| {
                tokio::task::spawn_blocking(move || recorder.stop(until.saturating_duration_since(Instant::now())))
            });
            for stopped in join_all(each).await {
                if !stopped.unwrap_or(false) {
                    tracing::warn!("a recording is not closed in time: it is when a worker starts again");
                }
            }
            Left::default()
        }
        .boxed()
    }
}
