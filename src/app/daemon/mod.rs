//! `uplinkd`: arguments → log → configuration → directories → wire → run → exit code.
//!
//! Owns: the order of all that, and what each failure says and exits with. Must not: decide anything about a channel.
//! Nothing is bound or written before the configuration is valid; no worker is started before the API is bound.

mod arguments;
mod budget;
mod certificate;
mod classes;
mod configuration;
mod doors;
mod failure;
mod kept;
mod listeners;
mod presence;
mod recordings;
mod service;
mod warm;
mod watch;
mod watchdog;
mod wire;

use std::process::ExitCode;

use clap::Parser;

use crate::app::disk_rate;
use crate::{system, telemetry};

use arguments::Arguments;
use failure::Failure;

/// The daemon, from its arguments to its exit code: 0 after an orderly end, 1 if it cannot run, 2 for bad arguments,
/// 64 for a faulty configuration.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    telemetry::init(arguments.log_format);
    system::few_heaps();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(arguments.log_format),
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let handed = system::HandedOver::take();
    system::seal_descriptors();
    system::no_core_files();
    let place = arguments.place()?;
    let (checked, mut configuration) = configuration::read(&place)?;
    let held = wire::take(&place, &configuration)?;
    // Half a second of writing, which must not be in the way of a channel on air.
    if !warm::on_air(&place.runtime) {
        configuration.budget.learn(disk_rate::fresh(&place.state), budget::usable);
    }
    let runtime = wire::runtime()?;
    let result = runtime.block_on(service::run(&place, &checked, configuration, handed));
    // Whatever still blocks (a disk) does not keep the process.
    runtime.shutdown_timeout(wire::LAST_BREATH);
    drop(held);
    result
}
