//! What the supervisor is given by the program around it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::costs::Budgets;
use super::groups::Groups;
use super::lifecycle::Limits;
use crate::config::{Setting, Texts, Trial};
use crate::model::status::{ChannelOrder, LastGood};
use crate::model::{DiskRate, Resources};
use crate::plan::{ChannelPlan, Costs};
use crate::system::Share;

/// Where things are, and how long they may take.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Runtime directory; one directory per channel below it. Held by this daemon alone.
    pub runtime: PathBuf,
    /// Images for slates and logos.
    pub images: PathBuf,
    /// The worker's executable.
    pub worker: PathBuf,
    /// Deadlines.
    pub limits: Limits,
    /// What puts shares of channels in force.
    pub groups: Groups,
}

/// A configuration, ready to be put in force.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// Name of the box.
    pub name: String,
    /// The file it was read from.
    pub path: String,
    /// The channels, in its order.
    pub channels: Vec<Configured>,
    /// What the box can carry.
    pub budget: Budget,
    /// What was written, key by key.
    pub written: Arc<[Setting]>,
    /// The files that it was read from.
    pub files: Arc<Texts>,
    /// What is on disk is faulty, and this was in force before.
    pub instead: Option<Instead>,
}

/// Why the last good configuration is used.
#[derive(Debug, Clone)]
pub struct Instead {
    /// Which one it is.
    pub used: LastGood,
    /// What is wrong with the one on disk.
    pub faults: Vec<String>,
}

/// What the box can carry; without room nothing is refused.
#[derive(Debug, Clone, Default)]
pub struct Budget {
    /// What channels may take together.
    pub room: Option<Resources>,
    /// Encoder sessions of hardware that has a limit, by hardware profile.
    pub sessions: BTreeMap<String, u32>,
    /// What a channel of each stream class takes.
    pub classes: Vec<ClassNeeds>,
    /// By which plans are weighed once it is known what encodes them; without, what the configuration says counts.
    pub costs: Option<Costs>,
    /// Whether costs were measured on this box.
    pub measured: bool,
    /// What was measured of the disk.
    pub disk: Option<DiskRate>,
}

impl Budget {
    /// The disk was measured: `usable` says what channels may take of it.
    pub fn learn(&mut self, disk: Option<DiskRate>, usable: impl Fn(Option<&DiskRate>) -> u64) {
        if let Some(room) = &mut self.room {
            room.disk_bytes_per_second = usable(disk.as_ref());
        }
        self.disk = disk;
    }
}

/// What one channel of a stream class takes.
#[derive(Debug, Clone)]
pub struct ClassNeeds {
    /// The stream class.
    pub name: String,
    /// What it takes, with the encoders it prefers.
    pub needs: Resources,
    /// Its plan, to be weighed with the encoders that are free; without, `needs` counts.
    pub plan: Option<Box<ChannelPlan>>,
}

/// One channel of a configuration.
#[derive(Debug, Clone)]
pub struct Configured {
    /// What its worker is to build, with every encoder that fits.
    pub plan: ChannelPlan,
    /// What is ordered as long as nobody has ordered anything.
    pub order: ChannelOrder,
    /// What it takes of the box, with the encoders it prefers.
    pub needs: Resources,
    /// What its destinations cost and may cost.
    pub budgets: Budgets,
    /// What its worker may take.
    pub share: Share,
}

/// Reads the configuration again, as it is on disk or with what is tried: the new one, or all its faults.
/// Called where blocking is allowed.
pub type Reload = Box<dyn Fn(Option<&Trial>) -> Result<Configuration, Vec<String>> + Send + Sync>;
