//! HLS push as an endpoint.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};

use super::Setting;
use super::endpoint::Endpoint;
use crate::model::upload::Upload;
use crate::model::{DeliveryKind, Duty, EndpointStatus, RenditionId};
use crate::plan::{AudioRenditionPlan, ChannelPlan, DestinationPlan, EndpointPlan, VideoRenditionPlan};
use crate::push::{
    Left, Limits, Listing, PairClock, PushDescription, PushedAudio, PushedCaptions, PushedVideo, Pusher,
};

/// Starts to push.
pub(super) fn open(
    setting: &Setting,
    destination: &DestinationPlan,
    endpoint: &EndpointPlan,
    (url, upload): (&url::Url, &Upload),
    (duty, lowest_only): (Duty, bool),
) -> Box<dyn Endpoint> {
    let plan = &setting.plan;
    let Listing { video, audio, captions, playlist_segments } = listing(plan);
    let policy = &destination.policy;
    let watched = destination.endpoints.len() > 1 && policy.kind == DeliveryKind::Failover;
    let description = PushDescription {
        channel: plan.channel.clone(),
        destination: destination.id.clone(),
        endpoint: endpoint.name.clone(),
        url: url.clone(),
        upload: upload.clone(),
        video,
        audio,
        captions,
        playlist_segments,
        part_target: plan.part_target().filter(|_| upload.takes_parts()),
        grid: plan.segments,
        timeline: setting.timeline.clone(),
        duty,
        limits: watched.then(|| Limits {
            silence: Duration::from_millis(policy.silence_ms.into()),
            slow_segments: policy.slow_segments,
        }),
        pauses: setting.pauses(destination),
        pair: destination.pair.clone(),
        clock: match &destination.pair {
            Some(pair) if !pair.any_clock => setting.pair_clock.clone(),
            _ => PairClock::default(),
        },
        lowest_only,
    };
    let (spool, sink) = (setting.spool.clone(), Arc::clone(&setting.events));
    let events = move |event| sink(event);
    Box::new(match setting.ends {
        true => Pusher::deliver_rest(description, spool, events),
        false => Pusher::start(description, spool, events),
    })
}

fn listing(plan: &ChannelPlan) -> Listing {
    let video = |r: &VideoRenditionPlan| PushedVideo {
        id: r.id.clone(),
        size: r.size,
        frame_rate: plan.program.frame_rate,
        bitrate: r.bitrate,
        max_bitrate: r.max_bitrate,
    };
    let audio = |r: &AudioRenditionPlan| PushedAudio {
        id: r.id.clone(),
        name: r.name.clone(),
        language: r.language.clone(),
        channels: r.channels(plan.program.audio.channels),
        bitrate: r.bitrate,
    };
    Listing {
        video: plan.video.iter().map(video).collect(),
        audio: plan.audio.iter().map(audio).collect(),
        captions: plan.captions.as_ref().map(|captions| PushedCaptions {
            name: captions.name.clone(),
            language: captions.language.clone(),
            text: captions.webvtt.clone(),
        }),
        playlist_segments: plan.spool.playlist_segments,
    }
}

impl Endpoint for Pusher {
    fn status(&self) -> EndpointStatus {
        Pusher::status(self).borrow().clone()
    }

    fn assign(&self, duty: Duty) {
        Pusher::assign(self, duty);
    }

    fn list(&self, setting: &Setting) {
        Pusher::list(self, listing(&setting.plan));
    }

    fn ration(&self, lowest_only: bool) {
        Pusher::ration(self, lowest_only);
    }

    fn delivered(&self, rendition: &RenditionId, number: u64) -> bool {
        Pusher::delivered(self, rendition, number)
    }

    fn is_done(&self) -> bool {
        Pusher::is_done(self)
    }

    fn hand_over(&self) -> BoxFuture<'static, Result<String, String>> {
        Pusher::hand_over(self).boxed()
    }

    fn stop(self: Box<Self>, limit: Duration) -> BoxFuture<'static, Left> {
        Pusher::stop(*self, limit).boxed()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{RecordedOf, SourceId};
    use crate::plan::CompanionPlan;

    fn plan() -> ChannelPlan {
        let video =
            serde_json::json!({"id": "180p", "size": "320x180", "bitrate": 1, "max_bitrate": 2, "encoders": []});
        let audio = serde_json::json!({"id": "sound", "name": "Sound", "language": null, "bitrate": 1, "map": null});
        let plan = serde_json::json!({
            "channel": "a", "title": "A", "stream_class": "rig 1.0.0",
            "program": {"size": "320x180", "frame_rate": "25", "audio": {"sample_rate": 48_000, "channels": 2}},
            "segments": 1000, "sources": [], "slate": {"text": ""}, "video": [video], "audio": [audio],
            "spool": {"directory": "/nowhere", "quota_bytes": 1, "retain_seconds": 1, "playlist_segments": 10},
            "destinations": [], "thresholds": {"loss_ms": 500, "wait_to_restore_ms": 500, "stall_ms": 3000},
        });
        serde_json::from_value(plan).unwrap()
    }

    proptest! {
        #[test]
        fn no_playlist_names_a_companion(clean in any::<bool>(), sources in prop::collection::btree_set("[a-z][a-z0-9-]{0,40}", 0..6)) {
            let mut plan = plan();
            let sources = sources.into_iter().map(|source| RecordedOf::Source(SourceId::new(source).unwrap()));
            for of in sources.chain(clean.then_some(RecordedOf::Clean)) {
                let slug = of.slug().unwrap();
                let mut companion =
                    CompanionPlan { of, video: Some(plan.video[0].clone()), audio: plan.audio[0].clone() };
                companion.audio.id = RenditionId::new(format!("{slug}-sound")).unwrap();
                companion.video.as_mut().unwrap().id = RenditionId::new(slug).unwrap();
                plan.companions.push(companion);
            }
            let told = listing(&plan);
            let video: Vec<&str> = told.video.iter().map(|one| one.id.as_str()).collect();
            let audio: Vec<&str> = told.audio.iter().map(|one| one.id.as_str()).collect();
            prop_assert_eq!((video, audio), (vec!["180p"], vec!["sound"]));
        }
    }
}
