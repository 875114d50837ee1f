//! `uplink-origin`, see `uplink::app::origin`.

fn main() -> std::process::ExitCode {
    uplink::app::origin::main()
}
