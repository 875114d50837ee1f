//! What a plan takes of the box, from the costs in hardware profiles, scaled by what was measured here. Pure.
//!
//! An estimate on the safe side of the average: it counts processor time of encoders, scaling and the program, memory of
//! pictures that may wait, and the peak rate of segments. Its purpose is to refuse what would stutter.

use std::collections::BTreeSet;

use super::companion::CompanionPlan;
use super::graph::{ChannelPlan, DestinationKind, DestinationPlan, EncoderPlan, EndpointPlan, VideoRenditionPlan};
use crate::model::{DeliveryKind, Resources};

/// Cost of an encoder that its profile does not tell, processor seconds per thousand megapixels.
const UNKNOWN: f64 = 8.0;
/// Bringing a source to the program's format, for each source.
const SOURCE: f64 = 1.2;
/// Scaling, for each thousand megapixels of a rendition.
const SCALE: f64 = 0.8;
/// A channel without pictures: sound, segments, delivery.
const BASE_CORES: f64 = 0.04;
/// The process and its libraries.
const BASE_MEMORY: u64 = 90_000_000;
/// Pictures that an encoder holds, and that wait in front of it on a healthy box.
const HELD: u64 = 24;

/// What is known of costs on this box.
#[derive(Debug, Clone, PartialEq)]
pub struct Costs {
    /// Time that software takes here, in relation to the machine of the profiles.
    pub scale: f64,
    /// Encoders that are registered here; none if nobody has looked.
    pub registered: Option<BTreeSet<String>>,
}

impl Default for Costs {
    fn default() -> Self {
        Self { scale: 1.0, registered: None }
    }
}

impl Costs {
    /// The candidate that will probably be used. If nobody has looked what is registered: hardware that was found in
    /// the box, else software.
    fn probable<'a>(&self, rendition: &'a VideoRenditionPlan) -> Option<&'a EncoderPlan> {
        let usable = |encoder: &&EncoderPlan| match &self.registered {
            Some(registered) => registered.contains(&encoder.element),
            None => encoder.found || !encoder.hardware,
        };
        rendition.encoders.iter().find(usable).or_else(|| rendition.encoders.last())
    }
}

/// What a channel with this plan takes.
pub fn needs(plan: &ChannelPlan, costs: &Costs) -> Resources {
    let pixels = |width: u32, height: u32| u64::from(width) * u64::from(height);
    let rate = plan.program.frame_rate.as_f64();
    let program = pixels(plan.program.size.width(), plan.program.size.height());
    let thousand_megapixels = |pixels: u64| pixels as f64 * rate / 1e9;
    let mut software = BASE_CORES;
    let mut hardware = 0.0;
    let mut memory = BASE_MEMORY + program * 3 / 2 * HELD;
    if !plan.video.is_empty() {
        software += SOURCE * thousand_megapixels(program) * plan.sources.len().max(1) as f64;
    }
    for rendition in &plan.video {
        let size = pixels(rendition.size.width(), rendition.size.height());
        let Some(encoder) = costs.probable(rendition) else { continue };
        let cores = encoder.cores.unwrap_or(UNKNOWN * thousand_megapixels(size));
        match encoder.hardware {
            true => {
                hardware += cores;
                // Pictures of the segment that is not complete, in case it fails.
                memory += (program as f64 * 1.5 * rate * plan.segments.duration().as_secs_f64()) as u64
                    / plan.video.len() as u64;
            }
            false => software += cores,
        }
        software += SCALE * thousand_megapixels(size);
        memory += size * 3 / 2 * HELD;
    }
    let companions = plan.companions.iter().filter_map(|companion| companion.video.as_ref());
    for rendition in plan.destinations.iter().flat_map(own_renditions).chain(companions) {
        let size = pixels(rendition.size.width(), rendition.size.height());
        let Some(encoder) = costs.probable(rendition) else { continue };
        let cores = encoder.cores.unwrap_or(UNKNOWN * thousand_megapixels(size));
        *(if encoder.hardware { &mut hardware } else { &mut software }) += cores;
        software += SCALE * thousand_megapixels(size);
        memory += size * 3 / 2 * HELD;
    }
    let peak: u64 = plan.video.iter().map(|r| r.max_bitrate.bps()).sum::<u64>()
        + plan.audio.iter().map(|r| r.bitrate.bps()).sum::<u64>();
    // Recordings are made of hard links: what a companion takes of the disk, it takes once.
    let beside: u64 = plan.companions.iter().map(companion_rate).sum();
    Resources {
        cores: software * costs.scale + hardware,
        memory_bytes: memory,
        disk_bytes_per_second: peak / 8 * (1 + plan.destinations.iter().map(readers).sum::<u64>()) + beside / 8,
    }
}

fn companion_rate(companion: &CompanionPlan) -> u64 {
    companion.video.as_ref().map_or(0, |video| video.max_bitrate.bps()) + companion.audio.bitrate.bps()
}

/// What is encoded for its endpoints alone: for all of them at the same time in a mirror. In failover the primary and one
/// backup may be in use together for a while; a box that carries one carries that.
fn own_renditions(destination: &DestinationPlan) -> impl Iterator<Item = &VideoRenditionPlan> {
    let most = match destination.policy.kind {
        DeliveryKind::Mirror => usize::MAX,
        DeliveryKind::Failover => 1,
    };
    let own = destination.endpoints.iter().filter_map(|endpoint| match &endpoint.kind {
        DestinationKind::Whip(whip) => whip.own.as_ref().map(|own| &own.rendition),
        _ => None,
    });
    own.take(most)
}

/// Endpoints that read segments at the same time: in failover the active one, and a primary that is to take over again.
fn readers(destination: &DestinationPlan) -> u64 {
    let reads = |endpoint: &&EndpointPlan| matches!(endpoint.kind, DestinationKind::HlsPush { .. });
    let endpoints = destination.endpoints.iter().filter(reads).count() as u64;
    match destination.policy.kind {
        DeliveryKind::Mirror => endpoints,
        DeliveryKind::Failover => endpoints.min(2),
    }
}
