//! What the supervisor is given by the program around it.

use std::path::PathBuf;

use super::lifecycle::Limits;
use crate::model::Resources;
use crate::model::status::ChannelOrder;
use crate::plan::ChannelPlan;

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
}

/// What the box can carry; without room nothing is refused.
#[derive(Debug, Clone, Default)]
pub struct Budget {
    /// What channels may take together.
    pub room: Option<Resources>,
    /// What a channel of each stream class takes.
    pub classes: Vec<(String, Resources)>,
    /// Whether costs were measured on this box.
    pub measured: bool,
}

/// One channel of a configuration.
#[derive(Debug, Clone)]
pub struct Configured {
    /// What its worker is to build.
    pub plan: ChannelPlan,
    /// What is ordered as long as nobody has ordered anything.
    pub order: ChannelOrder,
    /// What it takes of the box.
    pub needs: Resources,
}

/// Reads the configuration again: the new one, or all its faults. Called where blocking is allowed.
pub type Reload = Box<dyn Fn() -> Result<Configuration, Vec<String>> + Send + Sync>;
