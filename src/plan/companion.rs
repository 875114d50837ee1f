//! What is encoded beside the ladder, for recordings alone: the clean feed, and sources by themselves (ISO).

use serde::{Deserialize, Serialize};

use super::graph::{AudioRenditionPlan, ChannelPlan, SourcePlan, VideoRenditionPlan};
use crate::config;
use crate::model::{RecordedOf, RenditionId, SourceId};

/// One companion of the program. It shares the program's format, clock and segment boundaries, and nothing else: what
/// fails in it is nobody else's business.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompanionPlan {
    /// What it is; never the program.
    pub of: RecordedOf,
    /// Its pictures; none of a channel or source without.
    pub video: Option<VideoRenditionPlan>,
    /// Its sound.
    pub audio: AudioRenditionPlan,
}

impl CompanionPlan {
    /// Its renditions: pictures, then sound.
    pub fn renditions(&self) -> Vec<RenditionId> {
        self.video.iter().map(|video| video.id.clone()).chain([self.audio.id.clone()]).collect()
    }

    /// The source it is of; none of the clean feed.
    pub fn source(&self) -> Option<&SourceId> {
        match &self.of {
            RecordedOf::Source(source) => Some(source),
            RecordedOf::Program | RecordedOf::Clean => None,
        }
    }
}

impl ChannelPlan {
    /// The plan of what encodes `companion`: as if it were all there is. Without low latency, captions and destinations,
    /// which are the program's.
    pub fn of_companion(&self, companion: &CompanionPlan) -> Self {
        let mut plan = self.clone();
        plan.video = companion.video.iter().cloned().collect();
        plan.audio = vec![companion.audio.clone()];
        (plan.parts, plan.captions) = (None, None);
        (plan.destinations, plan.companions) = (Vec::new(), Vec::new());
        plan
    }
}

/// The sources that `of` means: `auto` is what it found.
pub(super) fn sources_of<'a>(
    id: &'a SourceId,
    channel: &'a config::Channel,
    sources: &'a [SourcePlan],
) -> impl Iterator<Item = &'a SourcePlan> {
    let is_auto = |one: &config::Source| one.id == *id && one.kind == config::SourceKind::Auto;
    let auto = channel.sources.iter().any(is_auto);
    let written = |plan: &SourcePlan| channel.sources.iter().any(|one| one.id == plan.id);
    sources.iter().filter(move |plan| if auto { !written(plan) } else { plan.id == *id })
}

/// What `record` of a destination means.
pub(super) fn recorded(
    record: &[config::Record],
    channel: &config::Channel,
    sources: &[SourcePlan],
) -> Vec<RecordedOf> {
    let mut all: Vec<RecordedOf> = Vec::new();
    for one in record {
        let of: Vec<RecordedOf> = match one {
            config::Record::Of(RecordedOf::Source(id)) => {
                sources_of(id, channel, sources).map(|plan| RecordedOf::Source(plan.id.clone())).collect()
            }
            config::Record::Of(of) => vec![of.clone()],
            config::Record::Sources => sources.iter().map(|plan| RecordedOf::Source(plan.id.clone())).collect(),
        };
        of.into_iter().for_each(|of| {
            if !all.contains(&of) {
                all.push(of);
            }
        });
    }
    all
}
