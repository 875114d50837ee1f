//! Whether the box can carry one more channel. Refusing is better than stuttering: a channel that does not fit would
//! cost those on air their frames, too.
//!
//! What counts is what is ordered on air. A channel that was on air when the daemon ended is not judged again: the
//! estimate may err, and it has been admitted, or forced, before.

use std::collections::BTreeMap;

use super::claims::{Outfit, because};
use super::handle::Refusal;
use super::root::Root;
use super::seat::Seat;
use super::settings::{Budget, ClassNeeds};
use crate::model::{CapacityStatus, ChannelId, ChannelNeeds, ClassFit, Resources, SessionRoom};
use crate::plan::{Held, Taken};

/// More of a class than this are not counted.
const MANY: u32 = 99;

/// How many more of each class fit, and beside what.
#[derive(Debug, Default)]
pub(super) struct Fits {
    beside: Option<(Resources, Resources, Taken)>,
    classes: Vec<ClassFit>,
}

impl Root {
    /// Refuses a channel that does not fit beside those that are on air.
    pub(super) fn admit(&self, id: &ChannelId, outfit: &Outfit) -> Result<(), Refusal> {
        let refuse = |lacks: String| Err(Refusal::NoRoom { channel: id.clone(), lacks });
        if !outfit.lacking.is_empty() {
            return refuse(outfit.lacking.join("; "));
        }
        let Some(room) = self.budget.room else { return Ok(()) };
        let taken = self.taken(Some(id));
        let Some(lacks) = room.lacks(taken, outfit.needs) else { return Ok(()) };
        let lacks = because(&lacks, outfit);
        let short = taken.and(outfit.needs).disk_bytes_per_second > room.disk_bytes_per_second;
        refuse(if short { format!("{lacks}; {}", self.about_disk()) } else { lacks })
    }

    /// Where the figure of the disk comes from.
    fn about_disk(&self) -> String {
        match &self.budget.disk {
            Some(rate) => {
                let megabytes = rate.bytes_per_second as f64 / 1e6;
                format!(
                    "the disk took {megabytes:.1} MB a second, synced, when it was measured at {}",
                    rate.measured_at
                )
            }
            None => "the disk was not measured: uplinkd does that when it starts and nothing is on air".to_owned(),
        }
    }

    /// What those take that are ordered on air, without `but`.
    fn taken(&self, but: Option<&ChannelId>) -> Resources {
        let on_air = |seat: &&Seat| seat.wanted && Some(&seat.plan.channel) != but;
        self.seats.iter().filter(on_air).map(|seat| seat.needs).fold(Resources::default(), Resources::and)
    }

    /// Sessions of hardware that is known to be there; others are held in case it is.
    fn shown(&self, held: &Held) -> BTreeMap<String, u32> {
        let mut taken = Taken::default();
        taken.add(held);
        let count = |profile: &String| (profile.clone(), taken.of(profile));
        self.budget.sessions.keys().map(count).filter(|(_, count)| *count > 0).collect()
    }

    /// What the status says of it.
    pub(super) fn capacity(&mut self) -> CapacityStatus {
        let (room, taken) = (self.budget.room.unwrap_or_default(), self.taken(None));
        let sessions = self.sessions_taken(None);
        let of_profile = |(profile, there): (&String, &u32)| SessionRoom {
            profile: profile.clone(),
            sessions: *there,
            taken: sessions.of(profile),
        };
        let beside = (room, taken, sessions.clone());
        if self.fits.beside.as_ref() != Some(&beside) {
            let class = |class: &ClassNeeds| {
                let (fit, held) = fit(&self.budget, class, (room, taken), sessions.clone());
                ClassFit { sessions: self.shown(&held), ..fit }
            };
            let classes = self.budget.classes.iter().map(class).collect();
            self.fits = Fits { beside: Some(beside), classes };
        }
        let channel = |seat: &Seat| ChannelNeeds {
            channel: seat.plan.channel.clone(),
            on_air: seat.wanted,
            needs: seat.needs,
            sessions: self.shown(&seat.held),
        };
        CapacityStatus {
            room,
            taken,
            sessions: self.budget.sessions.iter().map(of_profile).collect(),
            channels: self.seats.iter().map(channel).collect(),
            classes: self.fits.classes.clone(),
            measured: self.budget.measured,
            disk: self.budget.disk.clone(),
        }
    }
}

/// How many more of a class fit, and what the next one would hold: as long as there are sessions with those, then with what
/// else encodes.
fn fit(
    budget: &Budget,
    class: &ClassNeeds,
    (room, mut taken): (Resources, Resources),
    mut sessions: Taken,
) -> (ClassFit, Held) {
    let fit = |needs, more| ClassFit { stream_class: class.name.clone(), needs, more, sessions: BTreeMap::new() };
    let Some(plan) = &class.plan else {
        return (fit(class.needs, room.fits(taken, class.needs)), Held::new());
    };
    let mut next = Outfit::of(budget, plan, class.needs, &Held::new(), &sessions);
    let (needs, held, mut more) = (next.needs, next.held.clone(), 0);
    while more < MANY && next.lacking.is_empty() && room.lacks(taken, next.needs).is_none() {
        if next.held.values().all(Vec::is_empty) {
            more = MANY.min(more + room.fits(taken, next.needs));
            break;
        }
        more += 1;
        taken = taken.and(next.needs);
        sessions.add(&next.held);
        next = Outfit::of(budget, plan, class.needs, &Held::new(), &sessions);
    }
    (fit(needs, more), held)
}
