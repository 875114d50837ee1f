//! Processes: started and surely ended; their CPU time and memory by `/proc`.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

/// USER_HZ, which the kernel promises to programs on every architecture it runs on here (proc(5), time(7)).
const TICKS_PER_SECOND: f64 = 100.0;

/// What an interrupt must not leave behind: processes, and runtime directories whose workers outlive their daemon.
static LEFT: Mutex<(Vec<u32>, Vec<PathBuf>)> = Mutex::new((Vec::new(), Vec::new()));

/// Ends everything that was started and has not ended; for a benchmark that is interrupted.
pub fn end_all() {
    let (pids, directories) = std::mem::take(&mut *LEFT.lock().unwrap_or_else(PoisonError::into_inner));
    for pid in pids {
        send(pid, Signal::KILL);
    }
    for directory in directories {
        end_workers(&directory);
    }
}

/// From now on, `end_all` ends the workers whose runtime directory is `runtime`.
pub fn remember_workers(runtime: &Path) {
    LEFT.lock().unwrap_or_else(PoisonError::into_inner).1.push(runtime.to_owned());
}

/// Kills the workers that a daemon left in `runtime`.
pub fn end_workers(runtime: &Path) {
    for entry in std::fs::read_dir(runtime).into_iter().flatten().flatten() {
        let line = std::fs::read_to_string(entry.path().join("worker.pid")).unwrap_or_default();
        let digits: String = line.chars().take_while(char::is_ascii_digit).collect();
        let Ok(pid) = digits.parse() else { continue };
        let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&arguments).contains("uplink-worker") {
            send(pid, Signal::KILL);
        }
    }
}

/// Sends `signal`; a process that has gone gets none.
pub fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Whether there is such a process, and not only its remains.
pub fn lives(pid: u32) -> bool {
    stat(Path::new(&format!("/proc/{pid}"))).is_some_and(|(_, fields)| fields[0] != "Z")
}

/// A child that does not outlive this value.
#[derive(Debug)]
pub struct Running {
    child: Child,
    name: String,
}

impl Running {
    /// Starts `command`, its output to the file `log`.
    pub fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let file = File::options().create(true).append(true).open(log);
        let file = file.with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        LEFT.lock().unwrap_or_else(PoisonError::into_inner).0.push(child.id());
        Ok(Self { child, name })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Fails if it has ended by itself.
    pub fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("{} ended by itself: {status}", self.name),
            None => Ok(()),
        }
    }

    /// Kills it with SIGKILL and returns when that was.
    pub fn kill(mut self) -> Instant {
        let at = Instant::now();
        self.end_now();
        at
    }

    /// Asks it to end with `signal`; kills it after `within`.
    pub fn stop(mut self, signal: Signal, within: Duration) -> anyhow::Result<()> {
        send(self.pid(), signal);
        let until = Instant::now() + within;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > until {
                bail!("{} did not end within {} s of {signal:?}", self.name, within.as_secs());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn end_now(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let pid = self.child.id();
        LEFT.lock().unwrap_or_else(PoisonError::into_inner).0.retain(|left| *left != pid);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end_now();
    }
}

/// Name and fields from `state` on of a process or thread (proc_pid_stat(5)).
fn stat(directory: &Path) -> Option<(String, Vec<String>)> {
    let text = std::fs::read_to_string(directory.join("stat")).ok()?;
    let (head, rest) = text.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    Some((name, rest.split_whitespace().map(str::to_owned).collect()))
}

/// CPU seconds, user and system, from the fields of `stat`.
fn seconds(fields: &[String]) -> f64 {
    let ticks = |n: usize| fields.get(n).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

/// CPU seconds that `pid` has used, user and system, all its threads, also those that have ended.
pub fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let (_, fields) = stat(Path::new(&format!("/proc/{pid}"))).with_context(|| format!("process {pid} has gone"))?;
    Ok(seconds(&fields))
}

/// CPU seconds of each thread of `pid`, by its name.
pub fn cpu_by_thread(pid: u32) -> BTreeMap<String, f64> {
    let mut threads = BTreeMap::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        if let Some((name, fields)) = stat(&entry.path()) {
            *threads.entry(name).or_insert(0.0) += seconds(&fields);
        }
    }
    threads
}

/// Memory in megabytes (1,000,000 bytes): resident (VmRSS), and its proportional share (Pss).
pub fn memory(pid: u32) -> anyhow::Result<(f64, f64)> {
    let kilobytes = |file: &str, field: &str| -> anyhow::Result<f64> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/{file}"))?;
        let value = text.lines().find_map(|line| line.strip_prefix(field)?.split_whitespace().next()?.parse().ok());
        value.with_context(|| format!("/proc/{pid}/{file} has no `{field}`"))
    };
    let megabytes = |kibibytes: f64| kibibytes * 1024.0 / 1e6;
    Ok((megabytes(kilobytes("status", "VmRSS:")?), megabytes(kilobytes("smaps_rollup", "Pss:")?)))
}
