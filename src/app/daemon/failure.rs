//! Why the daemon does not run, and its exit code.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::access::CertificateError;
use crate::system::LockError;
use crate::telemetry::LogFormat;

/// EX_USAGE of sysexits.h.
const FAULTY: u8 = 64;

/// Why the daemon does not run.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Every fault, one line each.
    #[error("the configuration has {} fault(s); nothing was started", faults.len())]
    Configuration {
        faults: Vec<String>,
        /// Why none that was in force before is used.
        passed_over: Vec<String>,
    },
    #[error("{}: {cause}", path.display())]
    Path { path: PathBuf, cause: io::Error },
    #[error("{} is no executable file: install the worker beside uplinkd, or name it with --worker FILE", .0.display())]
    Worker(PathBuf),
    #[error("{0}")]
    Directory(#[from] LockError),
    #[error("{} is too long for a socket ({length} bytes, at most 107): choose a shorter --runtime-dir", path.display())]
    TooLong { path: PathBuf, length: usize },
    #[error("the API cannot listen on {listen}: {cause}: end the program that does, or change [api] listen")]
    Bind { listen: SocketAddr, cause: io::Error },
    #[error("the API cannot be encrypted: {0}")]
    Certificate(#[from] CertificateError),
    #[error("the system refuses what every program needs: {0}")]
    System(#[source] io::Error),
    #[error(
        "the supervision ended by itself; the workers stay on air: start uplinkd again, and report this with the log"
    )]
    Ended,
}

impl Failure {
    /// Says it, and turns it into an exit code.
    pub(super) fn report(&self, format: LogFormat) -> ExitCode {
        let (faults, passed_over): (&[String], &[String]) = match self {
            Failure::Configuration { faults, passed_over } => (faults, passed_over),
            _ => (&[], &[]),
        };
        match format {
            // Faults are for people to read and correct: nothing but the fault on its line.
            LogFormat::Human => {
                faults.iter().for_each(|fault| eprintln!("{fault}"));
                passed_over.iter().for_each(|why| eprintln!("not used in its place: {why}"));
                eprintln!("uplinkd: {self}");
            }
            LogFormat::Json => {
                faults.iter().for_each(|fault| tracing::error!(code = "configuration_fault", "{fault}"));
                passed_over.iter().for_each(|why| tracing::error!("not used in its place: {why}"));
                tracing::error!("{self}");
            }
        }
        if faults.is_empty() { ExitCode::FAILURE } else { ExitCode::from(FAULTY) }
    }
}
