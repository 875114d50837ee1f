//! From the file to what the supervisor puts in force.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::arguments::Place;
use super::budget::{budget, measured};
use super::doors::Wanted;
use super::failure::Failure;
use super::recordings::Shelf;
use super::watch::Watch;
use crate::app::{disk_rate, fragments};
use crate::classes::Classes;
use crate::config::{Checked, Credentials, OwnClasses, Trial, load_text, load_with};
use crate::hardware::inventory;
use crate::model::ChannelId;
use crate::plan::{PlanPaths, derive, needs};
use crate::supervisor::{Cards, Configuration, Configured, Reload};
use crate::system::Share;

/// What a worker may take of memory, unless the configuration says so: so many times what its plan needs by the estimate, and
/// no less than this. It is there for the day when one leaks, so that it costs no other channel.
const FOLD: u64 = 4;
const LEAST: u64 = 1 << 30;

/// Reads, checks and plans; all faults at once.
pub(super) fn read(place: &Place) -> Result<(Checked, Configuration), Failure> {
    load_all(place, None).map_err(Failure::Configuration)
}

/// The same again, whenever the supervisor asks for it. The API stays where it `listen`s.
pub(super) fn reload(
    place: &Place,
    listen: SocketAddr,
    cards: Cards,
    shelf: Shelf,
    (watch, wanted, classes): (Watch, Wanted, Classes),
) -> Reload {
    let place = place.clone();
    Box::new(move |tried| {
        let (checked, configuration) = load_all(&place, tried)?;
        if tried.is_some() {
            return Ok(configuration);
        }
        classes.read(&checked);
        cards.learn(&checked.profiles);
        shelf.learn(&checked, &configuration);
        watch.read(&checked);
        wanted.learn(&checked);
        if checked.listen != listen {
            let wanted = checked.listen;
            tracing::warn!("[api] listen = {wanted} takes effect when uplinkd is started again; until then {listen}");
        }
        Ok(configuration)
    })
}

/// Where images for slates and logos are.
pub(super) fn images(place: &Place) -> PathBuf {
    place.state.join("images")
}

/// Where recordings are, unless the configuration says otherwise.
pub(super) fn recordings(place: &Place) -> PathBuf {
    place.state.join("recordings")
}

fn load_all(place: &Place, tried: Option<&Trial>) -> Result<(Checked, Configuration), Vec<String>> {
    let (own, credentials) = (OwnClasses::below(&place.state), Credentials::from_environment());
    let (config, overrides) = (&place.config, &place.overrides);
    let checked = match tried {
        None => load_with(config, overrides, &credentials, &own),
        Some(Trial::Class(class)) => load_with(config, overrides, &credentials, &own.trying(Some(class.clone()))),
        Some(Trial::Text(text)) => load_text((config, text), overrides, &credentials, &own),
    };
    let checked =
        checked.and_then(|checked| fragments::check(checked, &place.worker)).map_err(|faults| faults.lines())?;
    for warning in checked.warnings.iter() {
        tracing::warn!(code = "configuration_warning", "{warning}");
    }
    let paths =
        PlanPaths { spool_root: place.state.join("spool"), images: images(place), recordings: recordings(place) };
    let found = inventory(Path::new("/"));
    let plans = derive(&checked, &found, &paths).map_err(|error| vec![error.to_string()])?;
    let costs = measured(&place.state);
    let budget = budget(&checked, &found, &paths, &costs, disk_rate::known(&place.state));
    let budgets_of = |id: &ChannelId| {
        let channel = checked.channels.iter().find(|channel| channel.id == *id);
        let destinations = channel.into_iter().flat_map(|channel| &channel.destinations);
        destinations.filter_map(|one| Some((one.id.clone(), one.budget.clone()?))).collect()
    };
    let share_of = |id: &ChannelId, needed: u64| {
        let channel = checked.channels.iter().find(|channel| channel.id == *id);
        let most = channel.and_then(|channel| channel.memory_max).unwrap_or((needed * FOLD).max(LEAST));
        Share { memory_max: Some(most), cpu_weight: channel.map_or(100, |channel| channel.cpu_weight) }
    };
    let order_of = |id| checked.channels.iter().find(|channel| channel.id == id).map(|channel| channel.order);
    let channels = plans
        .into_iter()
        .filter_map(|plan| {
            let (order, needs) = (order_of(plan.channel.clone())?, needs(&plan, &costs.clone().unwrap_or_default()));
            let (budgets, share) = (budgets_of(&plan.channel), share_of(&plan.channel, needs.memory_bytes));
            Some(Configured { plan, order, needs, budgets, share })
        })
        .collect();
    let path = checked.file.display().to_string();
    let (name, written) = (checked.appliance.clone(), checked.written.clone());
    let configuration = Configuration { name, path, channels, budget, written };
    Ok((checked, configuration))
}
