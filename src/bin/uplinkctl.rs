//! `uplinkctl`, see `uplink::app::ctl`.

use std::process::ExitCode;

use clap::Parser;
use uplink::app::ctl;

fn main() -> ExitCode {
    ctl::run(ctl::Arguments::parse())
}
