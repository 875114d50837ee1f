//! Encoder sessions as claims of channels that are on air, or are to be.
//!
//! ```text
//! plan as configured (all candidates) ─┐
//! what this channel holds already ─────┼─ grant ─▶ plan to carry out, what it holds then, what it lacks
//! what all others hold ────────────────┘
//! ```
//!
//! A plan is derived with every encoder that fits. When its channel is to go on air, it gets sessions of what is free then,
//! the ladder first, best renditions first; a rendition that gets none goes to the next encoder. What a channel on air
//! holds goes before everything, so none is ever taken from it. Pure: who holds what is known to the supervisor.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{ChannelPlan, DestinationKind, EncoderPlan, VideoRenditionPlan};
use crate::model::HardwareDevice;
use crate::profile::{Candidate, Profile, Profiles};

/// What a channel holds: for each encode with limited candidates the hardware profiles of which it has a session. With
/// none of them, it was passed over.
pub type Held = BTreeMap<String, Vec<String>>;

/// Sessions that are taken, by hardware profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken(BTreeMap<String, u32>);

impl Taken {
    /// Counts what a channel holds.
    pub fn add(&mut self, held: &Held) {
        held.values().flatten().for_each(|profile| self.take(profile));
    }

    /// Sessions of a profile.
    pub fn of(&self, profile: &str) -> u32 {
        self.0.get(profile).copied().unwrap_or_default()
    }

    fn take(&mut self, profile: &str) {
        *self.0.entry(profile.to_owned()).or_default() += 1;
    }
}

/// A plan with the encoders that it may use.
#[derive(Debug, Clone, PartialEq)]
pub struct Granted {
    /// To be carried out.
    pub plan: ChannelPlan,
    /// What the channel holds with it.
    pub held: Held,
    /// What cannot be encoded at all, in words: it has no other candidates than those whose sessions are taken. In the
    /// plan they stand all the same, for a channel that is forced.
    pub lacking: Vec<String>,
}

/// Gives `wish`, which is as configured, the sessions that are free beside `taken`, what others hold. What it has `kept`
/// it keeps, also that it was passed over: nothing on air changes its encoder because others come and go.
pub fn grant(wish: &ChannelPlan, kept: &Held, taken: &Taken) -> Granted {
    let (mut plan, mut taken) = (wish.clone(), taken.clone());
    let (mut held, mut lacking) = (Held::new(), Vec::new());
    let mut kept = still_held(wish, kept);
    taken.add(&kept);
    for (place, rendition) in places(&mut plan) {
        if !limited(rendition) {
            continue;
        }
        let mine = kept.remove(&place).unwrap_or_else(|| claim(rendition, &mut taken));
        lacking.extend(narrow(rendition, &mine));
        held.insert(place, mine);
    }
    Granted { plan, held, lacking }
}

/// What of `held` counts with another plan: renditions that it has, too, and profiles that are still candidates.
pub fn still_held(wish: &ChannelPlan, held: &Held) -> Held {
    let mut wish = wish.clone();
    let still = |(place, rendition): (String, &mut VideoRenditionPlan)| {
        let before = held.get(&place).filter(|_| limited(rendition))?;
        let mine: Vec<String> = before.iter().filter(|profile| offers(rendition, profile)).cloned().collect();
        (before.is_empty() || !mine.is_empty()).then_some((place, mine))
    };
    places(&mut wish).into_iter().filter_map(still).collect()
}

/// All plans, as if their channels went on air together in this order.
pub fn grant_all(plans: Vec<ChannelPlan>) -> Vec<ChannelPlan> {
    let mut taken = Taken::default();
    let one = |plan: ChannelPlan| {
        let granted = grant(&plan, &Held::new(), &taken);
        taken.add(&granted.held);
        granted.plan
    };
    plans.into_iter().map(one).collect()
}

/// Sessions that there are of each profile whose hardware is in the box, or that is `named` by a channel, where they are
/// limited.
pub fn session_limits(profiles: &Profiles, devices: &[HardwareDevice], named: &[&str]) -> BTreeMap<String, u32> {
    let limit = |profile: &Profile| {
        let least = profile.encoders.iter().filter_map(|one| Some((one.max_sessions?, one.sessions_of_box))).min()?;
        let cards = cards(profile, devices).max(named.contains(&profile.name.as_str()).into());
        (cards > 0).then(|| (profile.name.clone(), together(least, cards)))
    };
    profiles.iter().filter_map(limit).collect()
}

/// Sessions that there are of what a candidate runs on; none without a limit. Hardware that is not known by its numbers,
/// or named by a technician, counts as one card.
pub(super) fn there_are(candidate: &Candidate, profiles: &Profiles, devices: &[HardwareDevice]) -> Option<u32> {
    let found = profiles.get(&candidate.profile).map_or(0, |profile| cards(profile, devices));
    Some(together(candidate.sessions?, found.max(1)))
}

/// The codec of a board shows as several nodes of one driver.
fn cards(profile: &Profile, devices: &[HardwareDevice]) -> u32 {
    let found = devices.iter().filter(|device| profile.accelerators.iter().any(|a| a.is(device)));
    let place = |device: &HardwareDevice| match device.bus.as_str() {
        "platform" => device.driver.clone(),
        _ => Some(device.place.clone()),
    };
    u32::try_from(found.map(place).collect::<BTreeSet<_>>().len()).unwrap_or(u32::MAX)
}

fn together((each, of_box): (u32, bool), cards: u32) -> u32 {
    if of_box { each } else { each.saturating_mul(cards) }
}

/// Everything in the plan that encodes pictures: what everybody sees has the first choice, what only recordings see the
/// last. In failover two endpoints may encode at a time, too: the backup, and a primary that is to take over again.
fn places(plan: &mut ChannelPlan) -> Vec<(String, &mut VideoRenditionPlan)> {
    let ladder = plan.video.iter_mut().map(|rendition| (format!("ladder/{}", rendition.id), rendition));
    let mut places: Vec<_> = ladder.collect();
    for destination in &mut plan.destinations {
        for endpoint in &mut destination.endpoints {
            if let DestinationKind::Whip(whip) = &mut endpoint.kind
                && let Some(own) = &mut whip.own
            {
                places.push((format!("destination/{}/{}", destination.id, endpoint.name), &mut own.rendition));
            }
        }
    }
    for companion in &mut plan.companions {
        let place = format!("companion/{}", companion.of);
        places.extend(companion.video.as_mut().map(|rendition| (place, rendition)));
    }
    places
}

fn limited(rendition: &VideoRenditionPlan) -> bool {
    rendition.encoders.iter().any(|encoder| encoder.sessions.is_some())
}

fn offers(rendition: &VideoRenditionPlan, profile: &str) -> bool {
    rendition.encoders.iter().any(|encoder| encoder.profile == profile && encoder.sessions.is_some())
}

/// Takes a session for the first candidate that has a limit and one free. Of hardware that was not found in the box, and
/// may be there all the same, one is taken beside it: otherwise a guess would stand in the way of the next guess.
fn claim(rendition: &VideoRenditionPlan, taken: &mut Taken) -> Vec<String> {
    let mut mine: Vec<String> = Vec::new();
    let mut sure = false;
    for encoder in &rendition.encoders {
        let Some(most) = encoder.sessions.filter(|_| !sure && !mine.contains(&encoder.profile)) else { continue };
        if taken.of(&encoder.profile) < most {
            taken.take(&encoder.profile);
            mine.push(encoder.profile.clone());
            sure = encoder.found;
        }
    }
    mine
}

/// Leaves the rendition the encoders that it may use, and notes which better ones it may not. If none is left, it keeps
/// them all and this says what it lacks.
fn narrow(rendition: &mut VideoRenditionPlan, mine: &[String]) -> Option<String> {
    let may = |encoder: &EncoderPlan| encoder.sessions.is_none() || mine.contains(&encoder.profile);
    let lacks = !rendition.encoders.iter().any(may);
    let sure = |encoder: &&EncoderPlan| !(may(encoder) && encoder.found && encoder.sessions.is_some());
    let mut texts: Vec<String> = Vec::new();
    for encoder in rendition.encoders.iter().take_while(sure).filter(|encoder| !may(encoder)) {
        // Of hardware that nobody has seen here it would be said in vain.
        let text = all_taken(encoder);
        if (encoder.found || lacks) && !texts.contains(&text) {
            texts.push(text);
        }
    }
    rendition.passed_over = texts;
    if lacks {
        let texts = rendition.passed_over.join(", ");
        return Some(format!("{texts}, and rendition {} may use no other encoder", rendition.id));
    }
    rendition.encoders.retain(may);
    None
}

fn all_taken(encoder: &EncoderPlan) -> String {
    match encoder.sessions.unwrap_or_default() {
        1 => format!("the only session of {} is taken", encoder.profile),
        most => format!("all {most} sessions of {} are taken", encoder.profile),
    }
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
