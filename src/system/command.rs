//! Programs of the box that are asked for what they know: bounded in time and in what is read of them.

use std::io::{self, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Where programs are that only administrators have in their path.
const PLACES: [&str; 3] = ["", "/usr/sbin/", "/sbin/"];

/// What `program` prints, at most `most` bytes of it. One that is not done within `limit` is ended, and that is an error of
/// kind [`io::ErrorKind::TimedOut`]; one that is not there is of kind [`io::ErrorKind::NotFound`]. Its exit code counts for
/// nothing: several of those that are asked use it for what they have found.
pub fn ask_program(program: &str, arguments: &[&str], limit: Duration, most: u64) -> io::Result<String> {
    let mut child = start(program, arguments)?;
    let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = output.take(most).read_to_end(&mut bytes);
        // Nobody listens any more when it was late.
        let _ = tell.send(read.map(|_| bytes));
    });
    let said = told.recv_timeout(limit);
    // One that has closed its output has said all.
    let _ = child.kill();
    let _ = child.wait();
    match said {
        Ok(read) => read.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("{program} did not answer within {limit:?}"))),
    }
}

fn start(program: &str, arguments: &[&str]) -> io::Result<Child> {
    let mut missing = io::Error::from(io::ErrorKind::NotFound);
    for place in PLACES {
        let mut command = Command::new(format!("{place}{program}"));
        command.args(arguments).env("LC_ALL", "C").env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC");
        match command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing = error,
            started => return started,
        }
    }
    Err(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> io::Result<String> {
        ask_program("sh", &["-c", script], limit, 100)
    }

    #[test]
    fn an_answer_is_bounded_in_time_and_length() {
        let long = Duration::from_secs(60);
        assert_eq!(shell("echo said; exit 4", long).unwrap(), "said\n");
        assert_eq!(shell("yes", long).unwrap().len(), 100, "one that never ends is cut");
        let late = shell("exec sleep 600", Duration::from_millis(50)).unwrap_err();
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
        let none = ask_program("uplink-no-such-program", &[], long, 1).unwrap_err();
        assert_eq!(none.kind(), io::ErrorKind::NotFound);
    }
}
