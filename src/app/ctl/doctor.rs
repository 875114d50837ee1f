//! `uplinkctl doctor`, `uplinkctl support-bundle`: what is wrong with a box, with or without its daemon. `uplinkctl probe`: what
//! is wrong with a destination.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::Value;

use super::client::{Client, Failure};
use super::destinations::Named;
use super::exit::Exit;
use crate::doctor::bundle::{Paper, pack};
use crate::doctor::{Finding, Ground, Places, Report, State, Told, examine};

/// Where the box has its things, if it was not installed by the package.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Where {
    /// Directory with uplinkd.toml, or the file itself.
    #[arg(long, value_name = "PATH", default_value = "/etc/uplink")]
    config: PathBuf,
    /// Where the daemon keeps orders, logs and segments.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/uplink")]
    state_dir: PathBuf,
    /// Where sockets of the running workers are.
    #[arg(long, value_name = "DIR", default_value = "/run/uplink")]
    runtime_dir: PathBuf,
    /// The worker's executable [default: uplink-worker beside this one].
    #[arg(long, value_name = "FILE")]
    worker: Option<PathBuf>,
}

/// What a bundle is asked for.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct BundleArguments {
    /// The file to write [default: uplink-support-HOST-TIME.tar.gz here].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    place: Where,
}

/// What of the API goes into a bundle, by the name of its file.
const ANSWERS: [(&str, &str); 8] = [
    ("status.json", "api/v1/status"),
    ("alarms.json", "api/v1/alarms?limit=500"),
    ("events.json", "api/v1/events/recent?limit=500"),
    ("devices.json", "api/v1/devices"),
    ("capacity.json", "api/v1/capacity"),
    ("config.json", "api/v1/config"),
    ("notify.json", "api/v1/notify"),
    ("recordings.json", "api/v1/recordings"),
];

impl Where {
    fn places(&self) -> Places {
        let beside = || std::env::current_exe().ok().map(|own| own.with_file_name("uplink-worker"));
        Places {
            config: if self.config.is_dir() { self.config.join("uplinkd.toml") } else { self.config.clone() },
            state: self.state_dir.clone(),
            runtime: self.runtime_dir.clone(),
            worker: self.worker.clone().or_else(beside).unwrap_or_else(|| "uplink-worker".into()),
        }
    }
}

/// Looks, prints, and tells by its exit code: 0 nothing to do, 1 warnings, 2 faults.
pub(super) async fn doctor(client: Result<Client, Failure>, place: &Where, json: bool) -> (String, ExitCode) {
    let told = told(client.as_ref()).await;
    let report = examine(&Arc::new(Ground::here(place.places(), told)));
    let text = match json {
        true => serde_json::to_string_pretty(&report).unwrap_or_default() + "\n",
        false => words(&report),
    };
    (text, code(report.state))
}

/// Has the daemon try a destination, prints, and tells by its exit code as [`doctor`] does.
pub(super) async fn probe(client: &Client, named: &Named, json: bool) -> Result<(String, ExitCode), Failure> {
    let (text, found) = client.post(&named.probe(), None).await?;
    let state = match found["state"].as_str() {
        Some("fault") => State::Fault,
        Some("warn") => State::Warn,
        _ => State::Ok,
    };
    Ok((if json { text } else { probed(&found) }, code(state)))
}

fn probed(found: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut text = String::new();
    for endpoint in found["endpoints"].as_array().into_iter().flatten() {
        let _ = writeln!(text, "{} ({})", word(&found["destination"]), word(&endpoint["endpoint"]));
        for finding in endpoint["findings"].as_array().into_iter().flatten() {
            let mark = match finding["state"].as_str() {
                Some("ok") => "ok   ",
                Some("warn") => "WARN ",
                Some("fault") => "FAULT",
                _ => "-    ",
            };
            let fault = finding["fault"].as_str().map(|whose| format!(" ({whose})")).unwrap_or_default();
            let _ = writeln!(text, "  {mark} {:<12} {}{fault}", word(&finding["check"]), word(&finding["seen"]));
            if let Some(todo) = finding["do"].as_str() {
                let _ = writeln!(text, "        {:<12} do: {todo}", "");
            }
        }
    }
    text
}

/// Packs a bundle; the text says where it is and what is not in it.
pub(super) async fn bundle(client: Result<Client, Failure>, asked: &BundleArguments) -> Result<String, String> {
    let client = client.as_ref();
    let ground = Arc::new(Ground::here(asked.place.places(), told(client).await));
    let report = examine(&ground);
    let mut answers = Vec::new();
    for (name, path) in ANSWERS {
        answers.push(Paper::new(format!("api/{name}"), ask(client, path).await.map(|(text, _)| text)));
    }
    let name = name(&report);
    let file = asked.output.clone().unwrap_or_else(|| format!("{name}.tar.gz").into());
    let packed = pack(&ground, &report, answers, &name, &file)
        .map_err(|error| format!("{} cannot be written: {error}; name another file with --output", file.display()))?;
    let (files, bytes) = (packed.files, packed.bytes.div_ceil(1000));
    let mut text = format!("{}: {files} files, {bytes} kB\n", file.display());
    for line in &packed.missing {
        let _ = writeln!(text, "not in it: {line}");
    }
    text.push_str("known secrets and what looks like one are taken out; look through it before you pass it on\n");
    Ok(text)
}

fn name(report: &Report) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let good = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let host: String = host.trim().chars().filter(good).collect();
    let time: String = report.at.chars().take(19).filter(char::is_ascii_alphanumeric).collect();
    format!("uplink-support-{host}-{time}")
}

/// What the daemon says of itself; asked once, and not again if it is not there.
async fn told(client: Result<&Client, &Failure>) -> Told {
    match ask(client, "api/v1/status").await {
        Ok((_, status)) => {
            Told { status: Ok(status), alarms: ask(client, "api/v1/alarms?limit=500").await.map(|(_, alarms)| alarms) }
        }
        Err(reason) => Told::nothing(&reason),
    }
}

async fn ask(client: Result<&Client, &Failure>, path: &str) -> Result<(String, Value), String> {
    match client {
        Ok(client) => client.get::<Value>(path).await.map_err(|failure| failure.to_string()),
        Err(failure) => Err(failure.to_string()),
    }
}

fn code(state: State) -> ExitCode {
    ExitCode::from(match state {
        State::Ok | State::NotHere => Exit::Done as u8,
        State::Warn => 1,
        State::Fault => 2,
    })
}

fn words(report: &Report) -> String {
    let mut text = String::new();
    for area in &report.areas {
        let _ = writeln!(text, "{}", area.area);
        area.findings.iter().for_each(|finding| line(finding, &mut text));
    }
    let all = || report.areas.iter().flat_map(|area| &area.findings);
    let count = |state| all().filter(|finding| finding.state == state).count();
    let (faults, warnings, not_here) = (count(State::Fault), count(State::Warn), count(State::NotHere));
    let _ = writeln!(
        text,
        "\n{faults} fault(s), {warnings} warning(s), {not_here} not here or not to be looked at; {:.1} s",
        report.took_ms as f64 / 1000.0
    );
    text
}

fn line(finding: &Finding, text: &mut String) {
    let mark = match finding.state {
        State::Ok => "ok   ",
        State::Warn => "WARN ",
        State::Fault => "FAULT",
        State::NotHere => "-    ",
    };
    let about = finding.about.as_ref().map(|about| format!("{about}: ")).unwrap_or_default();
    let _ = writeln!(text, "  {mark} {:<12} {about}{}", finding.check, finding.seen);
    if let Some(todo) = &finding.todo {
        let _ = writeln!(text, "        {:<12} do: {todo}", "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_read_like_a_report_and_says_whose_fault_it_is() {
        let finding = serde_json::json!({"check": "auth", "state": "fault", "fault": "destination",
            "seen": "the origin refuses the token (HTTP 401)", "do": "compare the tokens"});
        let found = serde_json::json!({"destination": "cloud", "state": "fault",
            "endpoints": [{"endpoint": "primary", "state": "fault", "findings": [finding]}]});
        let text = probed(&found);
        assert!(text.starts_with("cloud (primary)\n  FAULT auth         the origin refuses"), "{text}");
        assert!(text.contains("(destination)\n") && text.ends_with("do: compare the tokens\n"), "{text}");
    }

    #[test]
    fn a_report_is_read_from_top_to_bottom() {
        let finding = |state, todo: Option<&str>| Finding {
            check: "clock",
            about: Some("ptp4l".to_owned()),
            fault: None,
            state,
            seen: "seen".to_owned(),
            todo: todo.map(str::to_owned),
        };
        let findings = vec![finding(State::Ok, None), finding(State::Warn, Some("chrony"))];
        let areas = vec![crate::doctor::Area { area: "clock", findings }];
        let report =
            Report { state: State::Warn, at: "2026-11-21T17:00:00.5Z".to_owned(), version: "1", took_ms: 1500, areas };
        let text = words(&report);
        for part in ["clock\n  ok    clock        ptp4l: seen\n  WARN ", "do: chrony", "0 fault(s), 1 warning(s)"] {
            assert!(text.contains(part), "no `{part}` in\n{text}");
        }
        assert!(name(&report).ends_with("-20261121T170000"), "{}", name(&report));
    }
}
