//! A token that a command prints: run without a shell, with an empty environment, for a bounded time.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::TokenTrouble;
use super::grant::{self, Grant};

/// For the command to end.
const LIMIT: Duration = Duration::from_secs(10);
/// No token is longer.
const MOST: u64 = 64 * 1024;

/// Runs `command` and reads what it prints. What it says to its error output is not read: it may hold the token.
pub(super) async fn run(command: &[String]) -> Result<Grant, TokenTrouble> {
    within(LIMIT, command).await
}

async fn within(limit: Duration, command: &[String]) -> Result<Grant, TokenTrouble> {
    let (program, arguments) =
        command.split_first().ok_or_else(|| TokenTrouble::set_up("the token's command is empty"))?;
    let mut order = Command::new(program);
    order.args(arguments).env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    // Where programs keep what they have logged in with.
    order.envs(std::env::var_os("HOME").map(|home| ("HOME", home)));
    order.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0).kill_on_drop(true);
    let of = format!("the token's command {program}");
    let mut child = order.spawn().map_err(|error| TokenTrouble::set_up(format!("{of} cannot be run: {error}")))?;
    // What it starts is in its group and ends with it, if it does not end in time.
    let mut group = Group(child.id());
    let work = async {
        let mut text = String::new();
        if let Some(output) = child.stdout.take() {
            output.take(MOST).read_to_string(&mut text).await.map_err(|_| "prints no text".to_owned())?;
        }
        let status = child.wait().await.map_err(|error| format!("is lost: {error}"))?;
        if status.success() { Ok(text) } else { Err(format!("failed: {status}")) }
    };
    let Ok(ended) = tokio::time::timeout(limit, work).await else {
        return Err(TokenTrouble::set_up(format!("{of} did not end within {} s", limit.as_secs())));
    };
    // Its number may be somebody else's now.
    group.0 = None;
    let text = ended.map_err(|why| TokenTrouble::set_up(format!("{of} {why}")))?;
    grant::read(&text, &of)
}

/// A group of processes that is killed when nobody needs it any more.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let Some(group) = self.0.and_then(|id| i32::try_from(id).ok()) else { return };
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).into()
    }

    #[tokio::test]
    async fn what_a_command_prints_is_the_token() {
        assert_eq!(run(&shell("echo abc")).await.unwrap().secret.reveal(), "abc");
        let timed = run(&shell(r#"echo '{"access_token":"abc","expires_in":60}'"#)).await.unwrap();
        assert_eq!(timed.lifetime, Some(Duration::from_secs(60)));
    }

    #[tokio::test]
    async fn its_environment_is_empty() {
        let seen = run(&shell("env | cut -d= -f1 | sort | tr '\\n' ','")).await.unwrap();
        let seen: Vec<&str> = seen.secret.reveal().split(',').filter(|name| !name.is_empty()).collect();
        assert!(seen.iter().all(|name| ["HOME", "PATH", "PWD", "SHLVL", "_", "OLDPWD"].contains(name)), "{seen:?}");
    }

    #[tokio::test]
    async fn failures_name_the_command_and_not_what_it_said() {
        for script in ["echo hunter2 >&2; exit 3", "echo hunter2; exit 3", "echo hunter2 hunter2"] {
            let trouble = run(&shell(script)).await.unwrap_err();
            assert!(
                trouble.text.starts_with("the token's command sh") && !trouble.text.contains("hunter2"),
                "{trouble:?}"
            );
        }
        let missing = run(&["/nonexistent/token".to_owned()]).await.unwrap_err();
        assert!(missing.text.contains("cannot be run"), "{missing:?}");
    }

    #[tokio::test]
    async fn one_that_hangs_is_ended_with_all_it_has_started() {
        let directory = tempfile::tempdir().unwrap();
        let mark = directory.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", mark.display());
        let trouble = within(Duration::from_secs(2), &shell(&script)).await.unwrap_err();
        assert!(trouble.text.contains("did not end"), "{trouble:?}");
        let pid = std::fs::read_to_string(&mark).unwrap();
        // A zombie has no memory left.
        let lives = || std::fs::read(format!("/proc/{}/cmdline", pid.trim())).is_ok_and(|line| !line.is_empty());
        let end = std::time::Instant::now() + Duration::from_secs(10);
        while lives() {
            assert!(std::time::Instant::now() < end, "its child lives on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
