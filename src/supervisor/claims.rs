//! Which channels hold which encoder sessions: given to who goes on air of what is free then, released by an order to be
//! off air, never taken from who is on air.
//!
//! It is written down beside the workers, so that the next daemon, which takes them over, knows it from its first moment.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::channel::Mail;
use super::handle::Refusal;
use super::root::Root;
use super::seat::Seat;
use super::settings::{Budget, Configuration};
use crate::model::{ChannelId, Resources};
use crate::plan::{ChannelPlan, Held, Taken, grant, needs, still_held};

/// In the runtime directory: it is as old as the workers are.
const FILE: &str = "sessions.json";

/// What a channel goes on air with.
#[derive(Debug)]
pub(super) struct Outfit {
    pub(super) plan: Arc<ChannelPlan>,
    pub(super) held: Held,
    /// What cannot be encoded at all.
    pub(super) lacking: Vec<String>,
    /// What it takes of the box.
    pub(super) needs: Resources,
}

impl Outfit {
    /// Of a channel that is off air: nothing is claimed.
    pub(super) fn none(wish: &Arc<ChannelPlan>, asked: Resources) -> Self {
        Self { plan: wish.clone(), held: Held::new(), lacking: Vec::new(), needs: asked }
    }

    /// Of one that is, or is to be, on air while others hold `taken`.
    pub(super) fn of(budget: &Budget, wish: &ChannelPlan, asked: Resources, kept: &Held, taken: &Taken) -> Self {
        let granted = grant(wish, kept, taken);
        let needs = weigh(budget, &granted.plan, asked);
        Self { plan: Arc::new(granted.plan), held: granted.held, lacking: granted.lacking, needs }
    }

    /// Sessions it would not get, in words.
    pub(super) fn passed_over(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.plan.video.iter().flat_map(|one| &one.passed_over).map(String::as_str).collect();
        all.dedup();
        all
    }
}

/// What a plan takes of the box; `asked` counts where no costs are known.
pub(super) fn weigh(budget: &Budget, plan: &ChannelPlan, asked: Resources) -> Resources {
    budget.costs.as_ref().map_or(asked, |costs| needs(plan, costs))
}

/// What was written down by the daemon before; nothing if that cannot be read: then sessions are given anew.
pub(super) fn recorded(runtime: &Path) -> BTreeMap<ChannelId, Held> {
    let text = std::fs::read_to_string(runtime.join(FILE)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

impl Root {
    /// What all channels hold, without `but`; also those that have no seat yet.
    pub(super) fn sessions_taken(&self, but: Option<&ChannelId>) -> Taken {
        let seats = self.seats.iter().map(|seat| (&seat.plan.channel, &seat.held));
        let mut taken = Taken::default();
        let others = seats.chain(&self.reserved).filter(|(id, _)| Some(*id) != but);
        others.for_each(|(_, held)| taken.add(held));
        taken
    }

    /// Gives the channel in this seat what is free now, tells its actor, and refuses it if that is not enough, unless it is
    /// forced.
    pub(super) fn equip(&mut self, place: usize, forced: bool) -> Result<(), Refusal> {
        let seat = &self.seats[place];
        let id = seat.plan.channel.clone();
        let outfit = Outfit::of(&self.budget, &seat.wish, seat.asked, &Held::new(), &self.sessions_taken(Some(&id)));
        if !forced {
            self.admit(&id, &outfit)?;
        }
        let seat = &mut self.seats[place];
        if *seat.plan != *outfit.plan {
            // Nobody waits for what comes of it: the start that follows is answered.
            let told = seat.mailbox.try_send(Mail::Plan(outfit.plan.clone(), oneshot::channel().0));
            told.map_err(|_| too_many(&id))?;
        }
        seat.wear(outfit);
        Ok(())
    }

    /// Writes down who holds what, for the next daemon. Without it sessions would be given in the order of the
    /// configuration, and encoders would change on air.
    pub(super) fn write_sessions(&self) {
        let held: BTreeMap<&ChannelId, &Held> = self
            .seats
            .iter()
            .filter(|seat| !seat.held.is_empty())
            .map(|seat| (&seat.plan.channel, &seat.held))
            .collect();
        let path = self.shared.settings.runtime.join(FILE);
        if held.is_empty() && !path.exists() {
            return;
        }
        let (text, new) = (serde_json::json!(held).to_string(), path.with_extension("new"));
        if let Err(error) = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, &path)) {
            tracing::warn!(%error, "{} cannot be written: the next daemon gives encoder sessions anew", path.display());
        }
    }

    /// What each channel that stays goes on with under `configuration`; refused if one that is on air would take more of
    /// the box than there is.
    pub(super) fn outfits(&self, configuration: &Configuration) -> Result<BTreeMap<ChannelId, Outfit>, Refusal> {
        let staying = |id: &ChannelId| self.seats.iter().find(|seat| seat.plan.channel == *id);
        let both: Vec<_> = configuration
            .channels
            .iter()
            .filter_map(|configured| Some((staying(&configured.plan.channel)?, configured)))
            .collect();
        // What is held on air goes before everything that is new.
        let mut held: BTreeMap<&ChannelId, Held> = BTreeMap::new();
        for (seat, configured) in &both {
            held.insert(&seat.plan.channel, still_held(&configured.plan, &seat.held));
        }
        let mut outfits = BTreeMap::new();
        for (seat, configured) in &both {
            let (id, wish) = (&seat.plan.channel, Arc::new(configured.plan.clone()));
            if !seat.wanted {
                outfits.insert(id.clone(), Outfit::none(&wish, configured.needs));
                continue;
            }
            let mut taken = Taken::default();
            held.iter().filter(|(other, _)| **other != id).for_each(|(_, held)| taken.add(held));
            let outfit = Outfit::of(&configuration.budget, &wish, configured.needs, &held[id], &taken);
            held.insert(id, outfit.held.clone());
            outfits.insert(id.clone(), outfit);
        }
        let on_air: Vec<(&Seat, &Outfit)> = both
            .iter()
            .filter(|(seat, _)| seat.wanted)
            .map(|(seat, _)| (*seat, &outfits[&seat.plan.channel]))
            .collect();
        judge(&configuration.budget, &on_air)?;
        Ok(outfits)
    }
}

/// Refuses what makes a channel on air take more than there is. What takes no more than before is not judged: it has been
/// admitted, or forced, and it is not for the estimate to err about it again.
fn judge(budget: &Budget, on_air: &[(&Seat, &Outfit)]) -> Result<(), Refusal> {
    for (place, (seat, outfit)) in on_air.iter().enumerate() {
        let mut lacks: Vec<String> =
            outfit.lacking.iter().filter(|lack| !seat.lacking.contains(lack)).cloned().collect();
        let grows = outfit.needs.exceeds(weigh(budget, &seat.plan, seat.asked));
        if let Some(room) = budget.room.filter(|_| grows) {
            let others = on_air.iter().enumerate().filter(|(other, _)| *other != place);
            let taken = others.map(|(_, (_, outfit))| outfit.needs).fold(Resources::default(), Resources::and);
            lacks.extend(room.lacks(taken, outfit.needs).map(|lacks| because(&lacks, outfit)));
        }
        if !lacks.is_empty() {
            return Err(Refusal::NoRoomOnAir { channel: seat.plan.channel.clone(), lacks: lacks.join("; ") });
        }
    }
    Ok(())
}

/// With the sessions for want of which it takes so much.
pub(super) fn because(lacks: &str, outfit: &Outfit) -> String {
    match outfit.passed_over().join(", ") {
        none if none.is_empty() => lacks.to_owned(),
        taken => format!("{lacks} ({taken}, so it is encoded by something lesser)"),
    }
}

pub(super) fn too_many(id: &ChannelId) -> Refusal {
    Refusal::Failed(format!("channel `{id}` has more orders waiting than it can take: try again"))
}
