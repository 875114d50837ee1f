//! `uplink-worker`, see `uplink::app::worker`.

fn main() -> std::process::ExitCode {
    uplink::app::worker::main()
}
