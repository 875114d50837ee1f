//! Exit codes: a script decides by them.

use std::process::ExitCode;

use super::client::Failure;

/// How `uplinkctl` ended. Wrong usage is 2, which the argument parser gives itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    Unreachable = 3,
    /// After an upgrade: neither version is as it should be.
    Broken = 4,
    /// EX_USAGE of sysexits.h, as the daemon and `check` have it.
    FaultyConfiguration = 64,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

impl From<&Failure> for Exit {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Unreachable { .. } => Exit::Unreachable,
            Failure::Refused { code, .. } if code == "faulty_configuration" => Exit::FaultyConfiguration,
            Failure::Refused { .. } | Failure::Unreadable { .. } | Failure::File { .. } => Exit::Failed,
        }
    }
}
