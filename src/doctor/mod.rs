//! What a support engineer asks of a box: looked at and judged, area by area, and packed without secrets.
//!
//! ```text
//!               ┌ thread: clock    look ─▶ facts ─▶ judge ─┐
//! Ground ───────┼ thread: disks    look ─▶ facts ─▶ judge ─┼─▶ findings, in a fixed order ─▶ Report ─▶ people, JSON
//!  what to look └ …                                        ┘        what is late is said, and not waited for
//!  at, and what the
//!  daemon has said  ─────────────────────────────────────────▶ bundle: papers ─▶ scrub ─▶ .tar.gz
//! ```
//!
//! Owns: what is looked at, what counts as good, what to do about the rest, and that no secret leaves in a bundle. Must not:
//! change anything on the box, need a daemon or rights (what it cannot look at it says), take longer than its limit, or
//! send a secret to anybody: peers are asked without credentials. `judge` is pure in every area. Only a [`probe`], which
//! somebody orders for one destination, shows that destination its credentials.

pub mod bundle;
mod cards;
mod clock;
mod configured;
mod daemon;
mod disks;
mod encoders;
mod finding;
mod ground;
mod heat;
mod kernel;
mod lines;
mod machine;
mod probe;
mod rights;
#[cfg(test)]
mod tests;
mod unit;

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use serde::Serialize;

pub use encoders::needed_elements;
pub use finding::{CHECKS, Finding, State};
pub use ground::{Ground, Places, Told};
pub use heat::{Temperature, temperatures};
pub use probe::{Configured, Destinations, Load, NoProbe, Probe, Probed, Prober};

/// The longest that all of it may take. Each wait in an area is shorter.
const LIMIT: Duration = Duration::from_secs(18);

type Look = fn(&Ground) -> Vec<Finding>;

/// The areas, in the order in which they are shown.
const AREAS: [(&str, Look); 12] = [
    ("daemon", daemon::examine),
    ("service", unit::examine),
    ("configuration", configured::examine),
    ("cards", cards::examine),
    ("rights", rights::examine),
    ("encoders", encoders::examine),
    ("clock", clock::examine),
    ("disks", disks::examine),
    ("machine", machine::examine),
    ("temperature", heat::examine),
    ("lines", lines::examine),
    ("kernel", kernel::examine),
];

/// What was found of one area.
#[derive(Debug, Clone, Serialize)]
pub struct Area {
    /// Its name.
    pub area: &'static str,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// All that was found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The worst of it.
    pub state: State,
    /// When, UTC.
    pub at: String,
    /// Of this program.
    pub version: &'static str,
    /// How long it took, milliseconds.
    pub took_ms: u64,
    /// The areas.
    pub areas: Vec<Area>,
}

/// Looks at everything, all areas at once.
pub fn examine(ground: &Arc<Ground>) -> Report {
    run(ground, &AREAS, LIMIT)
}

fn run(ground: &Arc<Ground>, areas: &[(&'static str, Look)], limit: Duration) -> Report {
    let begun = Instant::now();
    let (tell, told) = mpsc::channel();
    for (number, (_, look)) in areas.iter().copied().enumerate() {
        let (ground, tell) = (Arc::clone(ground), tell.clone());
        // Nobody listens any more when it was late.
        std::thread::spawn(move || drop(tell.send((number, look(&ground)))));
    }
    drop(tell);
    let mut found: Vec<Option<Vec<Finding>>> = vec![None; areas.len()];
    while found.iter().any(Option::is_none) {
        match told.recv_timeout(limit.saturating_sub(begun.elapsed())) {
            Ok((number, findings)) => found[number] = Some(findings),
            Err(_) => break,
        }
    }
    let areas =
        areas.iter().zip(found).map(|(&(area, _), findings)| Area { area, findings: findings.unwrap_or_else(late) });
    let areas: Vec<Area> = areas.collect();
    Report {
        state: areas.iter().map(|area| finding::worst(&area.findings)).max().unwrap_or(State::NotHere),
        at: jiff::Timestamp::now().to_string(),
        version: env!("CARGO_PKG_VERSION"),
        took_ms: begun.elapsed().as_millis() as u64,
        areas,
    }
}

fn late() -> Vec<Finding> {
    let todo = "look at the kernel's messages for a disk, a card or a name server that hangs, then run doctor again";
    vec![Finding::warn("hangs", "this area has not answered in time, or failed", todo)]
}
