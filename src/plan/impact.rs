//! What a changed plan costs a channel that is on air: what its worker takes over without losing a frame, and what needs
//! another worker. Pure, and the only place where that is decided.
//!
//! Every plan is taken apart without `..`, so that a new field does not compile before somebody has decided about it.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use super::companion::CompanionPlan;
use super::graph::{
    AudioRenditionPlan, CaptionsPlan, ChannelPlan, DestinationPlan, EncoderPlan, GraphicsPlan, SoundPlan, SourceKind,
    SourcePlan, SpoolPlan, ThresholdPlan, VideoRenditionPlan,
};
use crate::model::{DestinationId, RecordedOf, RenditionId, SourceId};

/// What a changed plan means.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Impact {
    /// What is taken over on air.
    pub live: Vec<Change>,
    /// Why that is not enough; empty if it is.
    pub restart: Vec<Reason>,
}

/// What a worker takes over on air.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Names that are shown: title, stream class, those of renditions.
    Names,
    /// Whose midnight timecode counts from.
    Timecode,
    /// Slate and overlays.
    Graphics,
    /// A new source.
    SourceAdded(SourceId),
    /// A source is closed; if it is on air, the program leaves it first.
    SourceRemoved(SourceId),
    /// A source is closed and opened anew.
    SourceReopened(SourceId),
    /// Other stream keys admit to a source; who publishes stays.
    SourceKeys(SourceId),
    /// Sources in another order.
    SourcesRanked,
    /// How the sound of a source is treated.
    SourceSound(SourceId),
    /// When the program leaves a source, and when it returns.
    Failover,
    /// What is watched in the signal of the sources.
    Signal,
    /// When the sound of the program counts as faulty.
    SoundAlarms,
    /// When a worker counts as hung.
    Stall,
    /// How much the spool keeps.
    Retention,
    /// How many segments a media playlist has.
    PlaylistWindow,
    /// A new rendition, from a segment on.
    RenditionAdded(RenditionId),
    /// A rendition ends with a segment.
    RenditionRemoved(RenditionId),
    /// Another bit rate by the encoder that runs.
    RenditionRate(RenditionId),
    /// Another encoder takes over with a segment.
    RenditionEncoder(RenditionId),
    /// Renditions in another order.
    RenditionsRanked,
    /// A new destination.
    DestinationAdded(DestinationId),
    /// A destination is not delivered to any more.
    DestinationRemoved(DestinationId),
    /// A destination is delivered to in another way.
    DestinationChanged(DestinationId),
    /// A companion of the program is encoded.
    CompanionAdded(RecordedOf),
    /// A companion of the program is not encoded any more.
    CompanionRemoved(RecordedOf),
    /// A companion of the program is encoded in another way.
    CompanionChanged(RecordedOf),
}

/// Why a worker has to be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Size, frame rate, sample rate or channels of the program.
    ProgramFormat,
    /// Where segments are cut.
    Segments,
    /// Where images are.
    ImageDirectory,
    /// Where segments are.
    SpoolDirectory,
    /// How the channels of the program belong together.
    SoundLayout,
    /// Loudness correction or peak limit of the program.
    SoundCorrection,
    /// A rendition of another size, codec or number of channels: players cannot go on with what they have of it.
    RenditionShape(RenditionId),
    /// The first video rendition, or none any more.
    Pictures,
    /// Captions as text, or not any more.
    Captions,
}

/// What `new` costs a channel that is on air with `old`. Both are of the same channel.
pub fn impact(old: &ChannelPlan, new: &ChannelPlan) -> Impact {
    let ChannelPlan {
        channel: _,
        title,
        stream_class,
        program,
        timecode,
        segments,
        parts,
        sources,
        slate,
        graphics,
        video,
        audio,
        captions,
        spool,
        destinations,
        thresholds,
        sound,
        companions,
    } = old;
    let mut impact = Impact::default();
    impact.live_if(*title != new.title || *stream_class != new.stream_class, Change::Names);
    impact.restart_if(*program != new.program, Reason::ProgramFormat);
    impact.live_if(*timecode != new.timecode, Change::Timecode);
    impact.restart_if(*segments != new.segments || *parts != new.parts, Reason::Segments);
    impact.sources(sources, &new.sources);
    impact.sound(sound, &new.sound);
    impact.thresholds(thresholds, &new.thresholds);
    // The title stands on the slate.
    impact.live_if(*slate != new.slate || *title != new.title, Change::Graphics);
    impact.graphics(graphics, &new.graphics);
    impact.restart_if(video.is_empty() != new.video.is_empty(), Reason::Pictures);
    impact.video(video, &new.video);
    impact.audio(audio, &new.audio, program.audio.channels);
    impact.captions(captions.as_ref(), new.captions.as_ref());
    impact.spool(spool, &new.spool);
    impact.destinations(destinations, &new.destinations);
    impact.companions(companions, &new.companions);
    impact
}

impl Impact {
    /// The plans are equal.
    pub fn is_nothing(&self) -> bool {
        self.live.is_empty() && self.restart.is_empty()
    }

    /// Whether a worker on air can take it over.
    pub fn is_live(&self) -> bool {
        self.restart.is_empty()
    }

    fn live_if(&mut self, differs: bool, change: Change) {
        if differs && !self.live.contains(&change) {
            self.live.push(change);
        }
    }

    fn restart_if(&mut self, differs: bool, reason: Reason) {
        if differs && !self.restart.contains(&reason) {
            self.restart.push(reason);
        }
    }

    fn sources(&mut self, old: &[SourcePlan], new: &[SourcePlan]) {
        let of = |plan: &SourcePlan| plan.id.clone();
        let listed = Listed::compare(old, new, of);
        self.live.extend(listed.removed.into_iter().map(Change::SourceRemoved));
        self.live.extend(listed.added.into_iter().map(Change::SourceAdded));
        for (old, new) in listed.both {
            let reopened = reopens(old, new);
            self.live_if(reopened, Change::SourceReopened(new.id.clone()));
            self.live_if(!reopened && old != new, Change::SourceKeys(new.id.clone()));
        }
        self.live_if(listed.ranked, Change::SourcesRanked);
    }

    fn sound(&mut self, old: &SoundPlan, new: &SoundPlan) {
        let SoundPlan { layout, sources, true_peak_max, loudness_target, correction, alarms } = old;
        self.restart_if(*layout != new.layout, Reason::SoundLayout);
        let corrected = *true_peak_max != new.true_peak_max || *correction != new.correction;
        self.restart_if(corrected, Reason::SoundCorrection);
        self.live_if(*alarms != new.alarms || *loudness_target != new.loudness_target, Change::SoundAlarms);
        let all: BTreeSet<&SourceId> = sources.keys().chain(new.sources.keys()).collect();
        for id in all {
            self.live_if(sources.get(id) != new.sources.get(id), Change::SourceSound(id.clone()));
        }
    }

    fn thresholds(&mut self, old: &ThresholdPlan, new: &ThresholdPlan) {
        let ThresholdPlan { loss_ms, wait_to_restore_ms, stall_ms, failover, signal } = old;
        let chooses = *wait_to_restore_ms != new.wait_to_restore_ms || *failover != new.failover;
        self.live_if(chooses, Change::Failover);
        self.live_if(*loss_ms != new.loss_ms || *signal != new.signal, Change::Signal);
        self.live_if(*stall_ms != new.stall_ms, Change::Stall);
    }

    fn graphics(&mut self, old: &GraphicsPlan, new: &GraphicsPlan) {
        let GraphicsPlan { images, slate_image, overlays } = old;
        self.restart_if(*images != new.images, Reason::ImageDirectory);
        self.live_if(*slate_image != new.slate_image || *overlays != new.overlays, Change::Graphics);
    }

    fn spool(&mut self, old: &SpoolPlan, new: &SpoolPlan) {
        let SpoolPlan { directory, quota_bytes, retain_seconds, playlist_segments, when_full } = old;
        self.restart_if(*directory != new.directory, Reason::SpoolDirectory);
        let keeps =
            *quota_bytes != new.quota_bytes || *retain_seconds != new.retain_seconds || *when_full != new.when_full;
        self.live_if(keeps, Change::Retention);
        self.live_if(*playlist_segments != new.playlist_segments, Change::PlaylistWindow);
    }

    fn video(&mut self, old: &[VideoRenditionPlan], new: &[VideoRenditionPlan]) {
        let listed = Listed::compare(old, new, |plan: &VideoRenditionPlan| plan.id.clone());
        self.live.extend(listed.removed.into_iter().map(Change::RenditionRemoved));
        self.live.extend(listed.added.into_iter().map(Change::RenditionAdded));
        for (old, new) in listed.both {
            let VideoRenditionPlan { id, size, bitrate, max_bitrate, encoders, passed_over: _ } = old;
            let codec = |plan: &VideoRenditionPlan| plan.encoders.first().map(|encoder| encoder.codec);
            self.restart_if(*size != new.size || codec(old) != codec(new), Reason::RenditionShape(id.clone()));
            let rates = (*bitrate, *max_bitrate) != (new.bitrate, new.max_bitrate);
            let follows = || same_encoders(&old.at_bitrate(new.bitrate).encoders, &new.encoders);
            let same = same_encoders(encoders, &new.encoders) || follows();
            self.live_if(!same, Change::RenditionEncoder(id.clone()));
            self.live_if(same && rates, Change::RenditionRate(id.clone()));
            // What was passed over, and what is known of the box, is told and changes nothing.
            let known = same && !rates && *encoders != new.encoders;
            self.live_if(known || old.passed_over != new.passed_over, Change::Names);
        }
        self.live_if(listed.ranked, Change::RenditionsRanked);
    }

    fn audio(&mut self, old: &[AudioRenditionPlan], new: &[AudioRenditionPlan], channels: u8) {
        let listed = Listed::compare(old, new, |plan: &AudioRenditionPlan| plan.id.clone());
        self.live.extend(listed.removed.into_iter().map(Change::RenditionRemoved));
        self.live.extend(listed.added.into_iter().map(Change::RenditionAdded));
        for (old, new) in listed.both {
            let AudioRenditionPlan { id, name, language, bitrate, map, correction } = old;
            self.live_if(*name != new.name || *language != new.language, Change::Names);
            self.restart_if(old.channels(channels) != new.channels(channels), Reason::RenditionShape(id.clone()));
            let encoded = *bitrate != new.bitrate || *map != new.map || *correction != new.correction;
            self.live_if(encoded, Change::RenditionEncoder(id.clone()));
        }
        self.live_if(listed.ranked, Change::RenditionsRanked);
    }

    fn captions(&mut self, old: Option<&CaptionsPlan>, new: Option<&CaptionsPlan>) {
        let text = |plan: Option<&CaptionsPlan>| plan.and_then(|plan| plan.webvtt.clone());
        self.restart_if(text(old) != text(new), Reason::Captions);
        self.live_if(old != new, Change::Names);
    }

    fn destinations(&mut self, old: &[DestinationPlan], new: &[DestinationPlan]) {
        // Their order means nothing.
        let listed = Listed::compare(old, new, |plan: &DestinationPlan| plan.id.clone());
        self.live.extend(listed.removed.into_iter().map(Change::DestinationRemoved));
        self.live.extend(listed.added.into_iter().map(Change::DestinationAdded));
        for (old, new) in listed.both {
            self.live_if(old != new, Change::DestinationChanged(new.id.clone()));
        }
        self.live_if(listed.ranked, Change::Names);
    }

    fn companions(&mut self, old: &[CompanionPlan], new: &[CompanionPlan]) {
        // Their order means nothing.
        let listed = Listed::compare(old, new, |plan: &CompanionPlan| plan.of.clone());
        self.live.extend(listed.removed.into_iter().map(Change::CompanionRemoved));
        self.live.extend(listed.added.into_iter().map(Change::CompanionAdded));
        for (old, new) in listed.both {
            let same = encoded_alike(old, new);
            self.live_if(!same, Change::CompanionChanged(new.of.clone()));
            // What was passed over, and what is known of the box, is told and changes nothing.
            self.live_if(same && old != new, Change::Names);
        }
        self.live_if(listed.ranked, Change::Names);
    }
}

/// Whether a source has to be closed and opened to be as `new` says.
pub fn reopens(old: &SourcePlan, new: &SourcePlan) -> bool {
    let SourcePlan { id: _, kind, expect, fit } = old;
    !opened_alike(kind, &new.kind) || *expect != new.expect || *fit != new.fit
}

/// Whether a source is opened alike. The stream keys that admit are exchanged while it is open.
pub fn opened_alike(old: &SourceKind, new: &SourceKind) -> bool {
    let SourceKind::Rtmp { listen, app, keys: _, second_publisher } = old else { return old == new };
    let SourceKind::Rtmp { keys, .. } = new else { return false };
    let (listen, app) = (*listen, app.clone());
    *new == SourceKind::Rtmp { listen, app, keys: keys.clone(), second_publisher: *second_publisher }
}

/// Whether a companion is encoded alike.
fn encoded_alike(old: &CompanionPlan, new: &CompanionPlan) -> bool {
    let CompanionPlan { of: _, video, audio } = old;
    let video = match (video, &new.video) {
        (Some(old), Some(new)) => {
            let VideoRenditionPlan { id, size, bitrate, max_bitrate, encoders, passed_over: _ } = old;
            (id, size, bitrate, max_bitrate) == (&new.id, &new.size, &new.bitrate, &new.max_bitrate)
                && same_encoders(encoders, &new.encoders)
        }
        (None, None) => true,
        _ => false,
    };
    video && *audio == new.audio
}

/// Whether pictures are encoded alike. What is known of the box is no part of that.
fn same_encoders(old: &[EncoderPlan], new: &[EncoderPlan]) -> bool {
    let same = |(old, new): (&EncoderPlan, &EncoderPlan)| {
        let EncoderPlan {
            profile,
            element,
            properties,
            input_format,
            h264_profile,
            codec,
            rates,
            found: _,
            cores: _,
            upload,
            memory,
            converts,
            sessions: _,
            counts,
            hardware,
        } = old;
        *profile == new.profile
            && *element == new.element
            && *properties == new.properties
            && *input_format == new.input_format
            && *h264_profile == new.h264_profile
            && *codec == new.codec
            && *rates == new.rates
            && *upload == new.upload
            && *memory == new.memory
            && *converts == new.converts
            && *counts == new.counts
            && *hardware == new.hardware
    };
    old.len() == new.len() && old.iter().zip(new).all(same)
}

/// Two lists by identifier.
struct Listed<'a, Id, Plan> {
    added: Vec<Id>,
    removed: Vec<Id>,
    both: Vec<(&'a Plan, &'a Plan)>,
    /// What is in both has another order.
    ranked: bool,
}

impl<'a, Id: PartialEq + Clone, Plan> Listed<'a, Id, Plan> {
    fn compare(old: &'a [Plan], new: &'a [Plan], id: impl Fn(&Plan) -> Id) -> Self {
        let places: Vec<(usize, &Plan)> =
            new.iter().filter_map(|plan| Some((old.iter().position(|one| id(one) == id(plan))?, plan))).collect();
        let missing = |plans: &[Plan], from: &[Plan]| {
            let gone = plans.iter().filter(|plan| !from.iter().any(|one| id(one) == id(plan)));
            gone.map(&id).collect()
        };
        Self {
            added: missing(new, old),
            removed: missing(old, new),
            ranked: !places.is_sorted_by_key(|(place, _)| *place),
            both: places.into_iter().map(|(place, plan)| (&old[place], plan)).collect(),
        }
    }
}

impl Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Names => f.write_str("names and descriptions"),
            Change::Timecode => f.write_str("timecode"),
            Change::Graphics => f.write_str("slate and overlays"),
            Change::SourceAdded(id) => write!(f, "source {id} is opened"),
            Change::SourceRemoved(id) => write!(f, "source {id} is closed"),
            Change::SourceReopened(id) => write!(f, "source {id} is closed and opened anew"),
            Change::SourceKeys(id) => write!(f, "the stream keys of source {id}; who publishes to it stays"),
            Change::SourcesRanked => f.write_str("the order of the sources"),
            Change::SourceSound(id) => write!(f, "the sound of source {id}"),
            Change::Failover => f.write_str("when the program leaves a source and returns"),
            Change::Signal => f.write_str("when a source counts as lost or faulty"),
            Change::SoundAlarms => f.write_str("when sound counts as faulty"),
            Change::Stall => f.write_str("when a worker counts as hung"),
            Change::Retention => f.write_str("what the spool keeps"),
            Change::PlaylistWindow => f.write_str("the length of media playlists"),
            Change::RenditionAdded(id) => write!(f, "rendition {id} begins with a segment"),
            Change::RenditionRemoved(id) => {
                write!(f, "rendition {id} ends with a segment; who plays it has to change to another")
            }
            Change::RenditionRate(id) => write!(f, "the bit rate of rendition {id}"),
            Change::RenditionEncoder(id) => write!(f, "rendition {id} gets another encoder with a segment"),
            Change::RenditionsRanked => f.write_str("the order of the renditions"),
            Change::DestinationAdded(id) => write!(f, "destination {id} is delivered to"),
            Change::DestinationRemoved(id) => write!(f, "destination {id} is not delivered to any more"),
            Change::DestinationChanged(id) => write!(f, "destination {id} is delivered to in another way"),
            Change::CompanionAdded(of) => write!(f, "{of} is encoded for recordings"),
            Change::CompanionRemoved(of) => write!(f, "{of} is not encoded for recordings any more"),
            Change::CompanionChanged(of) => write!(f, "{of} is encoded for recordings in another way"),
        }
    }
}

impl Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::ProgramFormat => f.write_str("the program gets another size, frame rate, sample rate or channels"),
            Reason::Segments => f.write_str("segments get another duration"),
            Reason::ImageDirectory => f.write_str("images are in another directory"),
            Reason::SpoolDirectory => f.write_str("segments are kept in another directory"),
            Reason::SoundLayout => f.write_str("the channels of the program belong together in another way"),
            Reason::SoundCorrection => f.write_str("the program's loudness correction or peak limit changes"),
            Reason::RenditionShape(id) => write!(
                f,
                "rendition {id} gets another size, codec or number of channels; under another name it would be added \
                 without an interruption"
            ),
            Reason::Captions => f.write_str("captions get another text rendition, or their first, or none"),
            Reason::Pictures => f.write_str("the channel gets its first picture, or loses its last"),
        }
    }
}

#[cfg(test)]
#[path = "impact_tests.rs"]
mod tests;
