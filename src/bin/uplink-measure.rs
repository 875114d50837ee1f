//! `uplink-measure`, see `uplink::app::measure`.

fn main() -> std::process::ExitCode {
    uplink::app::measure::main()
}
