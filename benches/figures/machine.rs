//! What the figures were measured on.

use std::fmt;
use std::process::Command;

use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct Machine {
    pub system: String,
    pub kernel: String,
    pub processor: String,
    pub cores: usize,
    pub gstreamer: String,
    pub ffmpeg: String,
    pub uplink: &'static str,
    pub date: String,
    /// Runnable processes at the start, over one minute: the figures want a quiet machine.
    pub load: f64,
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { system, kernel, processor, cores, gstreamer, ffmpeg, uplink, date, load } = self;
        write!(
            f,
            "Uplink {uplink} on {date}: {system}, Linux {kernel}, {cores} × {processor}, {gstreamer}, {ffmpeg}, \
             load at the start {load:.1}"
        )
    }
}

pub fn describe() -> Machine {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str, separator: char| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(separator).map_or("?", |(_, value)| value).trim().trim_matches('"').to_owned()
    };
    Machine {
        system: field(&read("/etc/os-release"), "PRETTY_NAME", '='),
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        processor: field(&read("/proc/cpuinfo"), "model name", ':'),
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        gstreamer: first_line("gst-launch-1.0", "--version", 0, "GStreamer not found", 1),
        ffmpeg: first_line("ffmpeg", "-version", 0, "ffmpeg not found", 0),
        uplink: env!("CARGO_PKG_VERSION"),
        date: jiff::Zoned::now().strftime("%Y-%m-%d %H:%M UTC%:z").to_string(),
        load: read("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0),
    }
}

/// The line that names the version: `line`, or the one before `last` if there is none.
fn first_line(program: &str, argument: &str, first: usize, missing: &str, line: usize) -> String {
    let Ok(output) = Command::new(program).arg(argument).output() else { return missing.to_owned() };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = text.lines().nth(line).or_else(|| text.lines().nth(first)).unwrap_or(missing);
    found.split(" Copyright").next().unwrap_or(found).to_owned()
}
