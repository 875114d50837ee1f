//! Processes held by pidfd: start, signal, wait.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A log that has grown beyond this is begun anew; the runtime directory is memory.
const LOG_LIMIT: u64 = 10 << 20;
/// `oom_score_adj` of a worker, proc(5): one that is killed is started again, while the daemon is who starts it.
const FIRST_TO_GO: &str = "300";

/// Kernel clock ticks per second in `/proc/<pid>/stat`; fixed by the Linux ABI.
pub const TICKS: u64 = 100;

/// What is ever sent to another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Please end.
    Terminate,
    /// End at once.
    Kill,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It was not our child: nobody can tell us.
    Unknown,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Exit::Code(code) => write!(f, "exited with code {code}"),
            Exit::Signal(number) => match nix::sys::signal::Signal::try_from(number) {
                Ok(signal) => write!(f, "killed by signal {number} ({})", signal.as_str()),
                Err(_) => write!(f, "killed by signal {number}"),
            },
            Exit::Unknown => write!(f, "ended (it was adopted, so the reason is in its own log)"),
        }
    }
}

/// What to start, and how: in a process group of its own, without our descriptors, our terminal or our service socket.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Executable.
    pub program: PathBuf,
    /// Arguments; never a secret.
    pub arguments: Vec<String>,
    /// Takes its output and its errors; appended to.
    pub log: PathBuf,
}

/// A process, ours or found.
#[derive(Debug)]
pub struct Process {
    pid: u32,
    child: bool,
    handle: AsyncFd<OwnedFd>,
}

impl Process {
    /// Starts a child. It outlives us on purpose: no parent-death signal, no pipe that could break.
    pub fn start(launch: &Launch) -> io::Result<Self> {
        let log = open_log(&launch.log)?;
        let mut command = Command::new(&launch.program);
        command.args(&launch.arguments).process_group(0);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"] {
            command.env_remove(name);
        }
        let mut child = command.spawn()?;
        // Where that is refused, the kernel chooses by size alone.
        let _ = std::fs::write(format!("/proc/{}/oom_score_adj", child.id()), FIRST_TO_GO);
        match Self::hold(child.id(), true) {
            Ok(process) => Ok(process),
            Err(error) => {
                // Unheld, it could neither be stopped nor be reaped later.
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// Holds a process that somebody else started. `pid` must come from the kernel (a socket's credentials).
    pub fn open(pid: u32) -> io::Result<Self> {
        Self::hold(pid, false)
    }

    fn hold(pid: u32, child: bool) -> io::Result<Self> {
        let number = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
        let descriptor = pidfd_open(number, PidfdFlags::empty())?;
        #[allow(unsafe_code, reason = "registering a descriptor is unsafe for types that may hand out another one")]
        // SAFETY: an OwnedFd is one descriptor for all its life, and the AsyncFd is never opened up again.
        let handle = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE)? };
        Ok(Self { pid, child, handle })
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The pid and the start time in clock ticks since boot: together they name one process for ever.
    pub fn pid_line(&self) -> String {
        format!("{} {}\n", self.pid, start_ticks(self.pid).unwrap_or(0))
    }

    /// Sends a signal; one to a process that has ended goes nowhere.
    pub fn signal(&self, signal: Signal) {
        let signal = match signal {
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        if let Err(error) = pidfd_send_signal(self.handle.get_ref(), signal)
            && error != rustix::io::Errno::SRCH
        {
            tracing::warn!(pid = self.pid, %error, "a signal could not be sent");
        }
    }

    /// Waits for the end, and reaps a child. Unbounded; safe to cancel.
    pub async fn ended(&self) -> Exit {
        // A pidfd becomes readable when the process has ended, and stays so.
        if self.handle.readable().await.is_err() || !self.child {
            return Exit::Unknown;
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        match waitid(WaitId::PidFd(self.handle.as_fd()), options) {
            Ok(Some(status)) => match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => Exit::Code(code),
                (_, Some(signal)) => Exit::Signal(signal),
                _ => Exit::Unknown,
            },
            _ => Exit::Unknown,
        }
    }
}

/// When this process started, by the wall clock; to a hundredth of a second. Always the same answer, whatever the clock does
/// meanwhile: it tells one worker from the next.
pub fn own_since() -> SystemTime {
    static SINCE: OnceLock<SystemTime> = OnceLock::new();
    *SINCE.get_or_init(|| started(std::process::id()).unwrap_or_else(SystemTime::now))
}

/// When process `pid` started, in clock ticks since boot.
fn start_ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; field 22 is the 20th after it.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

fn started(pid: u32) -> Option<SystemTime> {
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    let age = uptime - start_ticks(pid)? as f64 / TICKS as f64;
    SystemTime::now().checked_sub(Duration::try_from_secs_f64(age.max(0.0)).ok()?)
}

/// Begins the log of a running process anew if it has grown too long; returns how many bytes were cut. Its writer
/// appends, so it goes on at the new end.
pub fn bound_log(path: &Path) -> io::Result<u64> {
    let file = OpenOptions::new().append(true).open(path)?;
    cut(&file)
}

fn cut(file: &File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    if length <= LOG_LIMIT {
        return Ok(0);
    }
    file.set_len(0).map(|()| length)
}

fn open_log(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).append(true).mode(0o640).open(path)?;
    cut(&file)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(directory: &Path, script: &str) -> Process {
        let launch = Launch {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            log: directory.join("worker.log"),
        };
        Process::start(&launch).unwrap()
    }

    async fn end(process: &Process) -> Exit {
        tokio::time::timeout(Duration::from_secs(10), process.ended()).await.expect("the process ends")
    }

    #[tokio::test]
    async fn an_end_is_told_and_reaped() {
        let directory = tempfile::tempdir().unwrap();
        let process = shell(directory.path(), "echo said; exit 7");
        assert_eq!(end(&process).await, Exit::Code(7));
        assert!(!Path::new(&format!("/proc/{}", process.pid())).exists(), "no zombie is left");
        assert_eq!(std::fs::read_to_string(directory.path().join("worker.log")).unwrap(), "said\n");
        process.signal(Signal::Kill);
    }

    #[tokio::test]
    async fn when_memory_runs_out_a_worker_goes_before_the_daemon() {
        let directory = tempfile::tempdir().unwrap();
        let process = shell(directory.path(), "exec sleep 60");
        let score = std::fs::read_to_string(format!("/proc/{}/oom_score_adj", process.pid())).unwrap();
        process.signal(Signal::Kill);
        assert_eq!(score.trim(), FIRST_TO_GO);
        assert_eq!(end(&process).await, Exit::Signal(9));
    }

    #[tokio::test]
    async fn a_signal_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let process = shell(directory.path(), "kill -SEGV $$");
        let exit = end(&process).await;
        assert_eq!(exit.to_string(), "killed by signal 11 (SIGSEGV)");
    }

    #[tokio::test]
    async fn a_found_process_is_stopped_like_a_child() {
        let directory = tempfile::tempdir().unwrap();
        let child = shell(directory.path(), "exec sleep 60");
        let found = Process::open(child.pid()).unwrap();
        found.signal(Signal::Terminate);
        assert_eq!(end(&found).await, Exit::Unknown);
        assert_eq!(end(&child).await, Exit::Signal(15));
        assert!(Process::open(child.pid()).is_err());
    }

    #[tokio::test]
    async fn a_child_has_its_own_group_and_only_its_own_descriptors() {
        let directory = tempfile::tempdir().unwrap();
        // A plain dup is what a careless parent leaves behind: not close-on-exec.
        let _inherited = rustix::io::dup(File::open("/dev/null").unwrap()).unwrap();
        crate::system::seal_descriptors();
        let script = "ls /proc/self/fd | tr '\\n' ' '; cut -d' ' -f5 /proc/$$/stat";
        let process = shell(directory.path(), script);
        assert_eq!(end(&process).await, Exit::Code(0));
        let log = std::fs::read_to_string(directory.path().join("worker.log")).unwrap();
        // Descriptor 3 is the directory that ls itself reads.
        assert_eq!(log, format!("0 1 2 3 {}\n", process.pid()));
    }

    #[test]
    fn a_long_log_is_begun_anew_while_its_writer_goes_on() {
        use std::io::Write;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("worker.log");
        File::create(&path).unwrap().set_len(LOG_LIMIT + 1).unwrap();
        let mut writer = open_log(&path).unwrap();
        assert_eq!(writer.metadata().unwrap().len(), 0);
        assert_eq!(bound_log(&path).unwrap(), 0);
        writer.set_len(LOG_LIMIT + 1).unwrap();
        assert_eq!(bound_log(&path).unwrap(), LOG_LIMIT + 1);
        writer.write_all(b"on").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"on");
    }

    #[test]
    fn this_process_started_a_short_while_ago() {
        let age = SystemTime::now().duration_since(own_since()).unwrap_or_default();
        assert!(age < Duration::from_secs(3600), "{age:?}");
    }
}
