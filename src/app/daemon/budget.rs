//! What this box can carry: its processors and memory, and what `uplink-worker --probe --measure-cost` has found.

use std::path::Path;

use serde_json::Value;

use crate::config::Checked;
use crate::model::{ChannelId, DiskRate, Inventory, Resources};
use crate::plan::{Costs, PlanPaths, derive, needs, session_limits};
use crate::supervisor::{Budget, ClassNeeds};

/// What was measured, in the state directory.
pub(super) const MEASURED: &str = "capacity.json";
/// A disk of which nothing is known: a slow solid state one.
const DISK: u64 = 40_000_000;
/// Memory that the system and the daemon keep.
const KEPT: u64 = 400_000_000;
/// The encoder by which boxes are compared.
const YARDSTICK: (&str, &str) = ("x264enc", "low");

/// What was measured on this box; none if nobody has, or the file is of another machine's processor.
pub(super) fn measured(state: &Path) -> Option<Costs> {
    let text = std::fs::read_to_string(state.join(MEASURED)).ok()?;
    let document: Value = serde_json::from_str(&text).ok()?;
    if document["processor"].as_str() != Some(crate::system::processor().as_str()) {
        tracing::warn!("{MEASURED} was measured on another processor: shipped costs are used; measure again");
        return None;
    }
    let encoders = document["encoders"].as_array()?;
    let of_yardstick = |one: &&Value| one["element"] == YARDSTICK.0 && one["seconds"][YARDSTICK.1].is_number();
    let yardstick = encoders.iter().find(of_yardstick)?;
    let (here, shipped) = (yardstick["seconds"][YARDSTICK.1].as_f64()?, yardstick["shipped"][YARDSTICK.1].as_f64()?);
    let registered = encoders.iter().filter(|one| one["registered"] == true);
    Some(Costs {
        scale: (here / shipped).clamp(0.05, 20.0),
        registered: Some(registered.filter_map(|one| one["element"].as_str().map(str::to_owned)).collect()),
    })
}

/// What channels may take together, and what a channel of each stream class would.
pub(super) fn budget(
    checked: &Checked,
    found: &Inventory,
    paths: &PlanPaths,
    costs: &Option<Costs>,
    disk: Option<DiskRate>,
) -> Budget {
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    // Nobody is turned away by a guess: costs of another machine may be off by half.
    let cores = if costs.is_some() { cores } else { cores * 1.5 };
    let memory = crate::system::memory_bytes().map_or(u64::MAX, |all| all.saturating_sub(KEPT));
    let known = costs.clone().unwrap_or_default();
    let room = Resources { cores, memory_bytes: memory, disk_bytes_per_second: usable(disk.as_ref()) };
    let class = |(name, class): (&String, &std::sync::Arc<crate::config::StreamClass>)| {
        // A channel like the first, alone on the box, with this class.
        let mut one = checked.clone();
        one.channels.truncate(1);
        let channel = one.channels.first_mut()?;
        channel.id = ChannelId::new("one-more").ok()?;
        channel.hardware_profile = None;
        channel.sources.truncate(1);
        channel.stream_class = class.clone();
        let plan = derive(&one, found, paths).ok()?.into_iter().next()?;
        Some(ClassNeeds { name: name.clone(), needs: needs(&plan, &known), plan: Some(Box::new(plan)) })
    };
    let classes = checked.stream_classes.iter().filter_map(class).collect();
    let named: Vec<&str> = checked.channels.iter().filter_map(|one| one.hardware_profile.as_deref()).collect();
    let sessions = session_limits(&checked.profiles, &found.devices, &named);
    let (measured, costs) = (costs.is_some(), Some(known.clone()));
    Budget { room: Some(room), sessions, classes, costs, measured, disk }
}

/// What channels may ask of the disk. What is read has mostly just been written, and something is left for the system.
pub(super) fn usable(disk: Option<&DiskRate>) -> u64 {
    disk.map_or(DISK, |disk| disk.bytes_per_second / 10 * 7)
}
