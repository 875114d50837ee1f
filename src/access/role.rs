//! What somebody may do.

use serde::{Deserialize, Serialize};

/// Each may what those before may.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Drives a show: take, slate, failover, cues, recordings, start and stop.
    Operator,
    /// Changes the box: configuration, images, what is deleted.
    Engineer,
    /// Says who may what.
    Admin,
}

impl Role {
    /// As in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Engineer => "engineer",
            Role::Admin => "admin",
        }
    }
}

/// What a token may beside its role.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Read `/metrics`.
    Metrics,
    /// Speak for the origin: audience, samples.
    Origin,
    /// Act without arming first: for automation.
    Unguarded,
}
