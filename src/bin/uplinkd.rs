//! `uplinkd`, see `uplink::app::daemon`.

use std::process::ExitCode;

fn main() -> ExitCode {
    uplink::app::daemon::main()
}
