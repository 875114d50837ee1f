//! An upgrade that a power cut has interrupted is ended: the box is left with one version, whole, and on air.
//!
//! ```text
//!  noted ─▶ dpkg ends what it can ─┬─ the version before, whole ─▶ as it was
//!                                  ├─ the other one, whole ─▶ on air with it in time: it stays; else the one before is put back
//!                                  ├─ neither ─▶ the one before is put back
//!                                  └─ a third one, whole: somebody has ended it by hand
//! ```
//!
//! The daemon does not wait for this: as long as dpkg unpacks, all of the version before is still in its place, and the
//! channels are on air with that.

use std::path::Path;
use std::time::Duration;

use super::package::{self, Package};
use super::under_way::UnderWay;
use super::{Before, Client, Outcome, Report, comes_through, put_back};
use crate::system::DirectoryLock;

/// A box that has just been switched on needs more time than one that goes on.
const ON_AIR_WITHIN: Duration = Duration::from_secs(120);
/// Who ends or does an upgrade now.
const LOCK: &str = "upgrade.pid";

/// Takes `directory` for this upgrade alone; how the one that was cut off ended, if one was. The error is why nothing can be
/// done here.
pub(super) async fn finish(client: &Client, directory: &Path) -> Result<(DirectoryLock, Option<Report>), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("packages are installed by root: sudo uplinkctl upgrade …".to_owned());
    }
    package::shelf(directory)?;
    let alone = DirectoryLock::take(directory, LOCK).map_err(|error| error.to_string())?;
    let Some(noted) = UnderWay::read(directory)? else { return Ok((alone, None)) };
    let (outcome, detail) = end(client, &noted).await;
    UnderWay::over(directory).await;
    let UnderWay { from, to, on_air, .. } = noted;
    Ok((alone, Some(Report { outcome, from: Some(from), to: Some(to), on_air, detail })))
}

async fn end(client: &Client, noted: &UnderWay) -> (Outcome, String) {
    let UnderWay { from, to, old, on_air, daemon } = noted;
    let cut = format!("the upgrade from {from} to {to} was cut off");
    let before = Before { from: from.clone(), on_air: on_air.clone(), daemon: *daemon };
    let failed = match package::settled().await {
        Some(whole) if whole == *from => return (Outcome::Refused, format!("{cut}: {from} is installed, as before")),
        Some(whole) if whole == *to => match comes_through(client, &before, None, ON_AIR_WITHIN).await {
            Ok(()) => return (Outcome::Upgraded, format!("{cut}, and {to} is good: it stays")),
            Err(why) => why,
        },
        Some(other) => return (Outcome::Nothing, format!("{cut}, and somebody has installed {other} since")),
        None => "it is half installed".to_owned(),
    };
    match Package::read(old).await {
        Ok(old) => put_back(client, &before, &old, to, format!("{cut}: {failed}")).await,
        Err(gone) => {
            (Outcome::Broken, format!("{cut}: {failed}; {from} cannot be put back: {gone}; by hand: dpkg -i FILE"))
        }
    }
}
