//! From the file to what the supervisor puts in force.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::arguments::Place;
use super::budget::{budget, measured};
use super::doors::Wanted;
use super::failure::Failure;
use super::recordings::Shelf;
use super::warm::on_air;
use super::watch::Watch;
use crate::app::{disk_rate, fragments, last_good};
use crate::classes::Classes;
use crate::config::{Checked, Credentials, LostSecret, OwnClasses, Texts, Trial, load_kept, load_text, load_with};
use crate::hardware::inventory;
use crate::model::ChannelId;
use crate::plan::{PlanPaths, derive, needs};
use crate::supervisor::{Cards, Configuration, Configured, Instead, Reload};
use crate::system::Share;

/// What a worker may take of memory, unless the configuration says so: so many times what its plan needs by the estimate, and
/// no less than this. It is there for the day when one leaks, so that it costs no other channel.
const FOLD: u64 = 4;
const LEAST: u64 = 1 << 30;

/// What is read.
enum Read<'a> {
    /// The file, or that with what is tried.
    Disk(Option<&'a Trial>),
    /// What was in force before.
    Kept(Texts),
}

/// Reads, checks and plans; all faults at once. If there are any, the newest that was in force before is taken.
pub(super) fn read(place: &Place) -> Result<(Checked, Configuration), Failure> {
    let faults = match load_all(place, Read::Disk(None)) {
        Ok(loaded) => return Ok(loaded),
        Err(faults) => faults,
    };
    let (found, passed_over) =
        last_good::newest(&place.state, &place.config, |texts| load_all(place, Read::Kept(texts)));
    let Some((used, (checked, configuration))) = found else {
        return Err(Failure::Configuration { faults, passed_over });
    };
    faults.iter().for_each(|fault| tracing::error!(code = "configuration_fault", "{fault}"));
    passed_over.iter().for_each(|why| tracing::error!("not used in its place: {why}"));
    Ok((checked, Configuration { instead: Some(Instead { used, faults }), ..configuration }))
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
        let (checked, configuration) = load_all(&place, Read::Disk(tried))?;
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

/// A worker on air has its secrets: it is not to lose them. Behind a power cut there is none, and what can comes on air.
fn lost_secret(place: &Place) -> LostSecret {
    if on_air(&place.runtime) { LostSecret::Refuses } else { LostSecret::ShutsOut }
}

fn load_all(place: &Place, read: Read<'_>) -> Result<(Checked, Configuration), Vec<String>> {
    let (own, credentials) = (OwnClasses::below(&place.state), Credentials::from_environment());
    let (config, overrides) = (&place.config, &place.overrides);
    let whole = |checked| fragments::check(checked, &place.worker);
    let checked = match read {
        Read::Disk(None) => load_with(config, overrides, &credentials, &own).and_then(whole),
        Read::Disk(Some(Trial::Class(class))) => {
            load_with(config, overrides, &credentials, &own.trying(Some(class.clone()))).and_then(whole)
        }
        Read::Disk(Some(Trial::Text(text))) => load_text((config, text), overrides, &credentials, &own).and_then(whole),
        // An element that is gone keeps its source off air, and nothing else.
        Read::Kept(texts) => load_kept((texts, lost_secret(place)), config, overrides, &credentials, &own),
    };
    let checked = checked.map_err(|faults| faults.lines())?;
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
    let (name, written, files) = (checked.appliance.clone(), checked.written.clone(), checked.files.clone());
    let configuration = Configuration { name, path, channels, budget, written, files, instead: None };
    Ok((checked, configuration))
}
