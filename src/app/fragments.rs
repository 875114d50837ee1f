//! Fragments of custom sources, checked by the worker: it alone links GStreamer.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::config::{Checked, Faults};

/// Longest wait for one answer; the first one on a box has to read every plugin.
const ANSWER: Duration = Duration::from_secs(20);
/// Exit code of a worker that found a fault.
const FAULTY: i32 = 64;
const FIX: &str =
    "try it with gst-launch-1.0 and `! fakesink` behind each output, or look for elements with gst-inspect-1.0";

/// Has `worker` read every fragment. Where it cannot be run, that is a warning: the source will tell when it starts.
pub(super) fn check(mut checked: Checked, worker: &Path) -> Result<Checked, Faults> {
    let mut faults = Faults::default();
    for (spot, fragment) in std::mem::take(&mut checked.fragments) {
        match ask(worker, &fragment) {
            Ok(None) => {}
            Ok(Some(rule)) => faults.add(&spot, rule, FIX),
            Err(why) => {
                let rule = format!("was not checked: {} {why}", worker.display());
                checked.warnings.add(&spot, rule, "install it beside this program, and check again");
            }
        }
        checked.fragments.push((spot, fragment));
    }
    if faults.is_empty() { Ok(checked) } else { Err(faults) }
}

/// What is wrong with `fragment`, if anything is. The error is why that is not known.
fn ask(worker: &Path, fragment: &str) -> Result<Option<String>, String> {
    let mut child = Command::new(worker)
        .arg("--check-fragment")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot be run: {error}"))?;
    if let Some(mut input) = child.stdin.take() {
        // One that has ended already has its reason in its answer.
        let _ = input.write_all(fragment.as_bytes());
    }
    let code = wait(&mut child)?;
    let mut said = String::new();
    if let Some(output) = child.stdout.take() {
        let _ = output.take(4096).read_to_string(&mut said);
    }
    match code {
        Some(0) => Ok(None),
        Some(FAULTY) => Ok(Some(said.trim().to_owned())),
        _ => Err(format!("failed: {}", said.trim())),
    }
}

fn wait(child: &mut Child) -> Result<Option<i32>, String> {
    let deadline = Instant::now() + ANSWER;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.code()),
            Ok(None) if Instant::now() < deadline => std::thread::park_timeout(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err("did not answer in time".to_owned());
            }
        }
    }
}
