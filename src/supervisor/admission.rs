//! Whether the box can carry one more channel. Refusing is better than stuttering: a channel that does not fit would
//! cost those on air their frames, too.
//!
//! What counts is what is ordered on air. A channel that was on air when the daemon ended is not judged again: the
//! estimate may err, and it has been admitted, or forced, before.

use super::handle::Refusal;
use super::root::{Root, Seat};
use crate::model::{CapacityStatus, ChannelId, ChannelNeeds, ClassFit, Resources};

impl Root {
    /// Refuses a channel that does not fit beside those that are on air.
    pub(super) fn admit(&self, id: &ChannelId, needs: Resources) -> Result<(), Refusal> {
        let Some(room) = self.budget.room else { return Ok(()) };
        let taken = self.taken(Some(id));
        match room.lacks(taken, needs) {
            None => Ok(()),
            Some(lacks) => {
                let short = taken.and(needs).disk_bytes_per_second > room.disk_bytes_per_second;
                let lacks = if short { format!("{lacks}; {}", self.about_disk()) } else { lacks };
                Err(Refusal::NoRoom { channel: id.clone(), lacks })
            }
        }
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

    /// What the status says of it.
    pub(super) fn capacity(&self) -> CapacityStatus {
        let (room, taken) = (self.budget.room.unwrap_or_default(), self.taken(None));
        let channel =
            |seat: &Seat| ChannelNeeds { channel: seat.plan.channel.clone(), on_air: seat.wanted, needs: seat.needs };
        let class = |(name, needs): &(String, Resources)| ClassFit {
            stream_class: name.clone(),
            needs: *needs,
            more: room.fits(taken, *needs),
        };
        CapacityStatus {
            room,
            taken,
            channels: self.seats.iter().map(channel).collect(),
            classes: self.budget.classes.iter().map(class).collect(),
            measured: self.budget.measured,
            disk: self.budget.disk.clone(),
        }
    }
}
