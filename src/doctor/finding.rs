//! What is said of a box.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Fault;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "FindingState")]
pub enum State {
    /// This box has none, or it could not be looked at; the text says which.
    NotHere,
    /// As it should be.
    Ok,
    /// On air it would go, but not as well, or not for ever.
    Warn,
    /// It keeps a channel off air, or will.
    Fault,
}

/// Every check, by the code that the runbook explains.
pub const CHECKS: [&str; 30] = [
    "alarms",
    "auth",
    "bus",
    "card",
    "clock",
    "config",
    "daemon",
    "disk_health",
    "disk_rate",
    "disk_space",
    "dns",
    "elements",
    "encoder",
    "first_byte",
    "groups",
    "handshake",
    "hangs",
    "interface",
    "kernel",
    "limits",
    "memory",
    "mtu",
    "nodes",
    "rate",
    "secrets",
    "temperature",
    "throttled",
    "tls",
    "unit",
    "worker",
];

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// Which check, one of [`CHECKS`].
    pub check: &'static str,
    /// Of what: a device, a destination, a disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Whose fault it is, where that was looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// How it is.
    pub state: State,
    /// What was seen.
    pub seen: String,
    /// What to do about it.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub todo: Option<String>,
}

impl Finding {
    /// As it should be.
    pub(crate) fn ok(check: &'static str, seen: impl Into<String>) -> Self {
        Self { check, about: None, fault: None, state: State::Ok, seen: seen.into(), todo: None }
    }

    /// There is none, or it could not be looked at.
    pub(crate) fn not_here(check: &'static str, seen: impl Into<String>) -> Self {
        Self { state: State::NotHere, ..Self::ok(check, seen) }
    }

    /// Degraded.
    pub(crate) fn warn(check: &'static str, seen: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { state: State::Warn, todo: Some(todo.into()), ..Self::ok(check, seen) }
    }

    /// Broken.
    pub(crate) fn fault(check: &'static str, seen: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { state: State::Fault, todo: Some(todo.into()), ..Self::ok(check, seen) }
    }

    /// The same, and whose fault it is.
    pub(crate) fn by(self, fault: Fault) -> Self {
        Self { fault: Some(fault), ..self }
    }

    /// The same, of this.
    pub(crate) fn of(self, about: impl Into<String>) -> Self {
        Self { about: Some(about.into()), ..self }
    }
}

/// The worst of all.
pub(crate) fn worst(findings: &[Finding]) -> State {
    findings.iter().map(|finding| finding.state).max().unwrap_or(State::NotHere)
}

/// Bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
