//! HLS push as an endpoint.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

/// A pusher, and what it gets of the channel.
struct Push {
    pusher: Pusher,
    /// Audio renditions, the default first; all if empty.
    audio: Vec<RenditionId>,
    /// All that it gets, as it was listed last.
    takes: Mutex<Vec<RenditionId>>,
}

/// Starts to push.
pub(super) fn open(
    setting: &Setting,
    destination: &DestinationPlan,
    endpoint: &EndpointPlan,
    (url, upload): (&url::Url, &Upload),
    (duty, lowest_only): (Duty, bool),
) -> Box<dyn Endpoint> {
    let plan = &setting.plan;
    let listing = listing(plan, &upload.audio);
    let takes = Mutex::new(ids(&listing));
    let Listing { video, audio, captions, playlist_segments } = listing;
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
    let pusher = match setting.ends {
        true => Pusher::deliver_rest(description, spool, events),
        false => Pusher::start(description, spool, events),
    };
    Box::new(Push { pusher, audio: upload.audio.clone(), takes })
}

/// The renditions of a channel with the audio renditions `chosen`, all if none is; also if none of them is left, since
/// a programme without its sound is worse than another mix.
fn listing(plan: &ChannelPlan, chosen: &[RenditionId]) -> Listing {
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
    let wanted: Vec<&AudioRenditionPlan> =
        chosen.iter().filter_map(|id| plan.audio.iter().find(|rendition| rendition.id == *id)).collect();
    Listing {
        video: plan.video.iter().map(video).collect(),
        audio: if wanted.is_empty() {
            plan.audio.iter().map(audio).collect()
        } else {
            wanted.into_iter().map(audio).collect()
        },
        captions: plan.captions.as_ref().map(|captions| PushedCaptions {
            name: captions.name.clone(),
            language: captions.language.clone(),
            text: captions.webvtt.clone(),
        }),
        playlist_segments: plan.spool.playlist_segments,
    }
}

fn ids(listing: &Listing) -> Vec<RenditionId> {
    let video = listing.video.iter().map(|one| one.id.clone());
    let text = listing.captions.iter().filter_map(|captions| captions.text.clone());
    video.chain(listing.audio.iter().map(|one| one.id.clone())).chain(text).collect()
}

impl Push {
    fn takes(&self) -> MutexGuard<'_, Vec<RenditionId>> {
        self.takes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Endpoint for Push {
    fn status(&self) -> EndpointStatus {
        self.pusher.status().borrow().clone()
    }

    fn assign(&self, duty: Duty) {
        self.pusher.assign(duty);
    }

    fn list(&self, setting: &Setting) {
        let listing = listing(&setting.plan, &self.audio);
        *self.takes() = ids(&listing);
        self.pusher.list(listing);
    }

    fn ration(&self, lowest_only: bool) {
        self.pusher.ration(lowest_only);
    }

    fn delivered(&self, rendition: &RenditionId, number: u64) -> bool {
        // Nothing is owed of what it does not get.
        !self.takes().contains(rendition) || self.pusher.delivered(rendition, number)
    }

    fn is_done(&self) -> bool {
        self.pusher.is_done()
    }

    fn hand_over(&self) -> BoxFuture<'static, Result<String, String>> {
        self.pusher.hand_over().boxed()
    }

    fn stop(self: Box<Self>, limit: Duration) -> BoxFuture<'static, Left> {
        self.pusher.stop(limit).boxed()
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

    #[test]
    fn a_destination_gets_the_audio_renditions_that_it_names() {
        let id = |text: &str| RenditionId::new(text).unwrap();
        let mut plan = plan();
        plan.audio.push(AudioRenditionPlan { id: id("r128"), ..plan.audio[0].clone() });
        let audio = |plan: &ChannelPlan, chosen: &[&str]| {
            let chosen: Vec<RenditionId> = chosen.iter().map(|text| id(text)).collect();
            let listing = listing(plan, &chosen);
            let audio: Vec<String> = listing.audio.iter().map(|one| one.id.to_string()).collect();
            assert_eq!(ids(&listing)[1..].iter().map(ToString::to_string).collect::<Vec<_>>(), audio);
            audio
        };
        assert_eq!(audio(&plan, &[]), ["sound", "r128"]);
        assert_eq!(audio(&plan, &["r128"]), ["r128"]);
        assert_eq!(audio(&plan, &["r128", "sound"]), ["r128", "sound"], "the first is the default");
        plan.audio.truncate(1);
        assert_eq!(audio(&plan, &["r128"]), ["sound"], "never without sound");
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
            let told = listing(&plan, &[]);
            let video: Vec<&str> = told.video.iter().map(|one| one.id.as_str()).collect();
            let audio: Vec<&str> = told.audio.iter().map(|one| one.id.as_str()).collect();
            prop_assert_eq!((video, audio), (vec!["180p"], vec!["sound"]));
        }
    }
}
