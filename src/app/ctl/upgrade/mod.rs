//! `uplinkctl upgrade`: installs another version of the package, and puts the one before back if channels do not come
//! through it.
//!
//! ```text
//!  read ─▶ not frozen ─▶ the one before is kept ─▶ installed ─▶ daemon up, channels on air within 10 s ─▶ upgraded
//!    │         │                   │                   │ failed           │ not
//!    └─────────┴─── refused: nothing is changed        └────────┬─────────┘
//!                                                      the one before is installed ─▶ put back, or broken
//! ```
//!
//! The package itself has the daemon started again; workers stay on air and are taken over. What is under way is noted, so
//! that it can be ended after a power cut: by the box when it starts, or before the next upgrade.

mod finish;
mod pack;
mod package;
mod under_way;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use super::client::{Client, Failure};
use super::exit::Exit;
use crate::model::status::ApplianceStatus;
use crate::model::{ChannelId, MediaTime};
use package::Package;
use under_way::UnderWay;

/// Channels that were on air have to be on air again within so long.
const ON_AIR_WITHIN: Duration = Duration::from_secs(10);
/// A box that just was in trouble gets more.
const BACK_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// `uplinkctl upgrade`.
#[derive(Debug, Args)]
pub(crate) struct UpgradeArguments {
    /// The package, such as uplinkd_0.2.0-1_amd64.deb; an older one, too.
    #[arg(required_unless_present = "finish")]
    file: Option<PathBuf>,
    /// End an upgrade that a power cut has interrupted: with the other version if that is whole and on air comes what was,
    /// else with the one before. The box does so by itself when it starts.
    #[arg(long, conflicts_with = "file")]
    finish: bool,
    /// Where this version and the one before are kept.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/uplink-packages")]
    packages: PathBuf,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Upgraded,
    /// Nothing was changed.
    Refused,
    /// None was cut off, so there was none to end.
    Nothing,
    /// The version before is there again, and on air.
    PutBack,
    /// It is not.
    Broken,
}

/// What is said of it.
#[derive(Debug, Serialize)]
struct Report {
    outcome: Outcome,
    /// The version that was installed.
    from: Option<String>,
    /// The version that was to be.
    to: Option<String>,
    /// What was on air before.
    on_air: Vec<ChannelId>,
    detail: String,
}

impl Report {
    /// Of a box on which nothing was changed.
    fn unchanged(outcome: Outcome, to: Option<String>, detail: impl Into<String>) -> Self {
        Self { outcome, from: None, to, on_air: Vec::new(), detail: detail.into() }
    }

    fn end(self, json: bool) -> (String, ExitCode) {
        let code = match self.outcome {
            Outcome::Upgraded | Outcome::Nothing => Exit::Done,
            Outcome::Refused | Outcome::PutBack => Exit::Failed,
            Outcome::Broken => Exit::Broken,
        };
        let text = match json {
            true => serde_json::to_string(&self).unwrap_or_default(),
            false => self.detail,
        };
        (text + "\n", code.into())
    }
}

/// What is known of the box before anything is changed.
struct Before {
    from: String,
    on_air: Vec<ChannelId>,
    /// When its daemon came up; none if none answers.
    daemon: Option<MediaTime>,
}

/// Does it, and says how it ended. `override_reason` breaks a freeze.
pub(crate) async fn upgrade(
    client: Result<Client, Failure>,
    wanted: &UpgradeArguments,
    override_reason: Option<&str>,
    json: bool,
) -> (String, ExitCode) {
    // From here on a terminal that goes away ends nothing half-way.
    let _hang_up = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup());
    let refused = |to: Option<String>, detail: String| Report::unchanged(Outcome::Refused, to, detail).end(json);
    let client = match client {
        Ok(client) => client,
        Err(failure) => return refused(None, failure.to_string()),
    };
    // Two at once would each take the other's half for a power cut's.
    let (_alone, finished) = match finish::finish(&client, &wanted.packages).await {
        Ok(finished) => finished,
        Err(why) => return refused(None, why),
    };
    let Some(file) = &wanted.file else {
        let nothing = || Report::unchanged(Outcome::Nothing, None, "no upgrade was cut off: nothing is changed");
        return finished.unwrap_or_else(nothing).end(json);
    };
    match finished {
        Some(report) if report.outcome == Outcome::Broken => return report.end(json),
        Some(report) => say(&report.detail),
        None => {}
    }
    let new = match Package::read(file).await {
        Ok(new) => new,
        Err(why) => return refused(None, why),
    };
    let (before, old) = match prepare(&client, wanted, override_reason).await {
        Ok(ready) => ready,
        Err(why) => return refused(Some(new.version), why),
    };
    if let Err(why) = UnderWay::of(&before, &old, &new).note(&wanted.packages) {
        return refused(Some(new.version), why);
    }
    say(&format!("{} is installed, {} is kept in {}", new.version, before.from, old.path.display()));
    let (outcome, detail) = carry_out(&client, &before, &old, &new).await;
    UnderWay::over(&wanted.packages).await;
    if outcome == Outcome::Upgraded
        && let Ok(kept) = new.keep(&wanted.packages)
    {
        package::sweep(&wanted.packages, &[&kept, &old]);
    }
    let Before { from, on_air, .. } = before;
    Report { outcome, from: Some(from), to: Some(new.version), on_air, detail }.end(json)
}

/// Whether it may be done, and everything that is needed to take it back.
async fn prepare(
    client: &Client,
    wanted: &UpgradeArguments,
    override_reason: Option<&str>,
) -> Result<(Before, Package), String> {
    let status = match client.get::<ApplianceStatus>("api/v1/status").await {
        Ok((_, status)) => Some(status),
        // A daemon that does not answer may be what this is to mend.
        Err(Failure::Unreachable { .. }) => None,
        Err(failure) => return Err(format!("it is not known what is on air: {failure}")),
    };
    let freeze = status.as_ref().and_then(|status| status.freeze.as_ref());
    match (freeze, override_reason) {
        (Some(freeze), None) => {
            return Err(format!("{freeze}; unfreeze first, or --override REASON"));
        }
        (Some(freeze), Some(reason)) => say(&format!("{freeze}; overridden: {reason}")),
        (None, _) => {}
    }
    let on_air = status.iter().flat_map(|status| &status.channels).filter(|channel| channel.on_air);
    let on_air = on_air.map(|channel| channel.id.clone()).collect();
    let installed = package::settled().await;
    let from = installed.ok_or("no version is installed as a package that could be put back: apt install it first")?;
    let old = package::before(&wanted.packages, &from).await?;
    Ok((Before { from, on_air, daemon: status.map(|status| status.started_at) }, old))
}

async fn carry_out(client: &Client, before: &Before, old: &Package, new: &Package) -> (Outcome, String) {
    let failed = match new.install(true).await {
        Ok(()) => match comes_through(client, before, before.daemon, ON_AIR_WITHIN).await {
            Ok(()) => return (Outcome::Upgraded, upgraded(before, old, new)),
            Err(why) => why,
        },
        Err(why) if package::installed().await.as_ref() == Some(&before.from) => {
            return (Outcome::Refused, format!("{} was not installed, nothing is changed: {why}", new.version));
        }
        Err(why) => format!("it could not be installed: {why}"),
    };
    put_back(client, before, old, &new.version, failed).await
}

/// After `to` has `failed`.
async fn put_back(client: &Client, before: &Before, old: &Package, to: &str, failed: String) -> (Outcome, String) {
    say(&format!("{failed}; {} is put back", before.from));
    let back = match old.install(false).await {
        Ok(()) => comes_through(client, before, None, BACK_WITHIN).await,
        Err(why) => Err(why),
    };
    match back {
        Ok(()) => (Outcome::PutBack, format!("{to} is not good here: {failed}; {} is back", before.from)),
        Err(why) => {
            let todo = format!("look at journalctl -u uplinkd; by hand: dpkg -i {}", old.path.display());
            (Outcome::Broken, format!("{to} is not good here: {failed}; putting {} back: {why}; {todo}", before.from))
        }
    }
}

fn upgraded(before: &Before, old: &Package, new: &Package) -> String {
    let on_air = match (before.daemon, before.on_air.len()) {
        (None, _) => "no daemon answered before, so nothing was looked at".to_owned(),
        (_, 0) => "nothing was on air".to_owned(),
        (_, many) => format!("{many} channel(s) on air as before"),
    };
    let back = format!("back by uplinkctl upgrade {}", old.path.display());
    format!("{} is installed in place of {}: {on_air}; {back}", new.version, before.from)
}

/// Waits until another daemon than `gone` answers, and everything is on air that was.
async fn comes_through(
    client: &Client,
    before: &Before,
    gone: Option<MediaTime>,
    within: Duration,
) -> Result<(), String> {
    if before.daemon.is_none() {
        return Ok(());
    }
    let until = Instant::now() + within;
    loop {
        let missing = match client.get::<ApplianceStatus>("api/v1/status").await {
            Ok((_, status)) if Some(status.started_at) == gone => "the daemon was not started again".to_owned(),
            Ok((_, status)) => match missing(&before.on_air, &status) {
                missing if missing.is_empty() => return Ok(()),
                missing => format!("not on air: {}", missing.join(", ")),
            },
            Err(failure) => format!("the daemon does not answer: {failure}"),
        };
        if Instant::now() >= until {
            return Err(format!("{missing} after {} s", within.as_secs()));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn missing(wanted: &[ChannelId], status: &ApplianceStatus) -> Vec<String> {
    let on_air = |id: &&ChannelId| status.channels.iter().any(|channel| channel.id == **id && channel.on_air);
    wanted.iter().filter(|id| !on_air(id)).map(ToString::to_string).collect()
}

/// Progress, for whoever still listens.
fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}
