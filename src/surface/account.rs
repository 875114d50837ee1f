//! What was told and heard, counted since the daemon came up.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::surface::{OscInput, Surfaces, TslTarget};

/// How control surfaces stand.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SurfacesStatus {
    /// Displays that are told by TSL UMD, as configured.
    pub tsl: Vec<TslStatus>,
    /// Orders by OSC; none if they are not configured.
    pub osc: Option<OscStatus>,
}

/// How it stands with a multiviewer or a row of displays.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TslStatus {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// How many displays it has.
    pub displays: usize,
    /// Packets sent. Nobody acknowledges them.
    pub packets: u64,
    /// Times that this box could not send.
    pub failures: u64,
    /// Why it cannot now; none if it can.
    pub last_error: Option<String>,
}

/// How it stands with OSC.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OscStatus {
    /// Where it is heard.
    pub listen: SocketAddr,
    /// Why it is not heard now; none if it is.
    pub last_error: Option<String>,
    /// What came in.
    #[serde(flatten)]
    pub heard: OscCounts,
}

/// What came in by OSC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OscCounts {
    /// Orders that were carried out.
    pub done: u64,
    /// Orders that were refused: by a freeze, or by the supervisor.
    pub refused: u64,
    /// Packets of senders that the configuration does not name.
    pub strangers: u64,
    /// Messages that are no order, or came too fast.
    pub noise: u64,
}

/// Shared by all who tell and hear.
#[derive(Debug, Default)]
pub(super) struct Account(Mutex<Ledger>);

#[derive(Debug, Default)]
struct Ledger {
    told: BTreeMap<String, Told>,
    heard: OscCounts,
    deaf: Option<String>,
}

#[derive(Debug, Default, Clone)]
struct Told {
    packets: u64,
    failures: u64,
    last_error: Option<String>,
}

impl Account {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many packets went to `name`, or why they did not. Whether that is another end than the time before.
    pub(super) fn told(&self, name: &str, done: Result<usize, String>) -> bool {
        let mut ledger = self.ledger();
        let told = ledger.told.entry(name.to_owned()).or_default();
        let failed_before = told.last_error.is_some();
        match done {
            Ok(packets) => {
                told.packets += packets as u64;
                told.last_error = None;
            }
            Err(why) => {
                told.failures += 1;
                told.last_error = Some(why);
            }
        }
        failed_before != told.last_error.is_some()
    }

    /// OSC is heard, or why it is not. Whether that is new.
    pub(super) fn listens(&self, deaf: Option<String>) -> bool {
        let mut ledger = self.ledger();
        let changes = ledger.deaf.is_some() != deaf.is_some();
        ledger.deaf = deaf;
        changes
    }

    /// Counts something that came in, and says how often by now.
    pub(super) fn heard(&self, what: fn(&mut OscCounts) -> &mut u64) -> u64 {
        let mut ledger = self.ledger();
        let count = what(&mut ledger.heard);
        *count += 1;
        *count
    }

    /// All of it, of what is configured.
    pub(super) fn status(&self, configured: &Surfaces) -> SurfacesStatus {
        let ledger = self.ledger();
        let tsl = |target: &TslTarget| {
            let Told { packets, failures, last_error } = ledger.told.get(&target.name).cloned().unwrap_or_default();
            let (name, address, displays) = (target.name.clone(), target.address, target.displays.len());
            TslStatus { name, address, displays, packets, failures, last_error }
        };
        let osc =
            |input: &OscInput| OscStatus { listen: input.listen, last_error: ledger.deaf.clone(), heard: ledger.heard };
        SurfacesStatus { tsl: configured.tsl.iter().map(tsl).collect(), osc: configured.osc.as_ref().map(osc) }
    }
}
