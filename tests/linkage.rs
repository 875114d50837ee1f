//! What the programs need at run time: the daemon survives without GStreamer, because it never loads it.

use std::process::Command;

/// The shared libraries in the dynamic section of a program.
fn needed(program: &str) -> Vec<String> {
    let output = Command::new("readelf").args(["--dynamic", "--wide", program]).output().expect("readelf runs");
    assert!(output.status.success(), "readelf {program}");
    let text = String::from_utf8(output.stdout).unwrap();
    let libraries = text.lines().filter(|line| line.contains("(NEEDED)"));
    libraries.filter_map(|line| Some(line.split_once('[')?.1.trim_end_matches(']').to_owned())).collect()
}

fn uses_gstreamer(program: &str) -> bool {
    let libraries = needed(program);
    assert!(libraries.iter().any(|name| name.starts_with("libc.so")), "{program}: {libraries:?}");
    libraries.iter().any(|name| name.contains("gst") || name.contains("glib") || name.contains("gobject"))
}

#[test]
fn daemon_command_line_and_origin_need_no_gstreamer() {
    for program in [env!("CARGO_BIN_EXE_uplinkd"), env!("CARGO_BIN_EXE_uplinkctl"), env!("CARGO_BIN_EXE_uplink-origin")]
    {
        assert!(!uses_gstreamer(program), "{program} needs {:?}", needed(program));
    }
}

#[test]
fn worker_and_measure_do() {
    for program in [env!("CARGO_BIN_EXE_uplink-worker"), env!("CARGO_BIN_EXE_uplink-measure")] {
        assert!(uses_gstreamer(program), "{program} needs {:?}", needed(program));
    }
}
