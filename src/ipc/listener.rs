//! The worker's listening socket.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

use super::link::{Link, LinkError, WorkerEnd};

/// Listens for daemons; removes its socket when dropped, unless somebody else has replaced it.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl Listener {
    /// Listens at `path`, mode 0600, in place of whatever is there (a socket that an earlier worker left behind).
    /// Creates the directory, mode 0700.
    pub fn bind(path: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
            fs::set_permissions(directory, Permissions::from_mode(0o700))?;
        }
        // Under another name first: nobody can connect before the mode is right, and the old name is replaced at once.
        let fresh = path.with_extension("new");
        let _ = fs::remove_file(&fresh);
        let socket = UnixListener::bind(&fresh)?;
        fs::set_permissions(&fresh, Permissions::from_mode(0o600))?;
        let inode = fs::symlink_metadata(&fresh)?.ino();
        fs::rename(&fresh, path)?;
        Ok(Self { socket, path: path.to_owned(), inode })
    }

    /// The next daemon; safe to cancel. An error concerns that peer only: accept again.
    pub async fn accept(&self) -> Result<WorkerEnd, LinkError> {
        let (stream, _) = self.socket.accept().await.map_err(LinkError::Io)?;
        Link::new(stream)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::{Down, LinkError, MAX_MESSAGE, PROTOCOL, Up, WorkerHello, connect};
    use crate::model::MediaTime;
    use crate::model::status::ProgramOrder;
    use std::time::Duration;
    use tokio::io::AsyncWriteExt;
    use tokio::net::UnixStream;

    const SOON: Duration = Duration::from_millis(300);

    fn hello() -> WorkerHello {
        WorkerHello {
            build: "test".into(),
            channel: "demo".parse().unwrap(),
            pid: std::process::id(),
            since: MediaTime::from_secs(1),
            plan: None,
            program: ProgramOrder::Auto,
            live: Box::default(),
            delivering: false,
        }
    }

    fn frame(json: &str) -> Vec<u8> {
        let mut bytes = (json.len() as u32).to_be_bytes().to_vec();
        bytes.extend(json.as_bytes());
        bytes
    }

    /// What the daemon's end makes of a worker that sends `bytes` and then closes, or keeps quiet.
    async fn heard(bytes: &[u8], close: bool) -> LinkError {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("demo/worker.sock");
        let listener = Listener::bind(&path).unwrap();
        let mut link = connect(&path).await.unwrap();
        let (mut stream, _) = listener.socket.accept().await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let kept = (!close).then_some(stream);
        let error = link.greet(SOON).await.unwrap_err();
        drop(kept);
        error
    }

    #[tokio::test]
    async fn both_ends_greet_and_talk() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("demo/worker.sock");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "left behind").unwrap();
        let listener = Listener::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let mut daemon = connect(&path).await.unwrap();
        let mut worker = listener.accept().await.unwrap();
        let (heard, build) = tokio::join!(daemon.greet(SOON), worker.greet(hello(), SOON));
        assert_eq!(heard.unwrap(), hello());
        assert_eq!(build.unwrap(), crate::ipc::DaemonHello { build: crate::ipc::BUILD.to_owned(), meters: true });
        assert_eq!(daemon.peer().pid, std::process::id());
        worker.send(&Up::Ready).await.unwrap();
        assert_eq!(daemon.recv().await.unwrap(), Up::Ready);
        daemon.send(&Down::Stop { deadline_ms: 5, replaced: false }).await.unwrap();
        assert_eq!(worker.recv().await.unwrap(), Down::Stop { deadline_ms: 5, replaced: false });
        drop(daemon);
        assert!(matches!(worker.recv().await, Err(LinkError::Closed)));
        drop(listener);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_bad_peer_ends_its_connection_with_a_reason() {
        assert!(matches!(heard(b"GET / HTTP/1.1\r\n\r\n", false).await, LinkError::TooLarge));
        assert!(matches!(heard(&frame("{not json"), false).await, LinkError::Malformed(_)));
        assert!(matches!(heard(&frame("{\"type\":\"hello\"}"), false).await, LinkError::Malformed(_)));
        assert!(matches!(heard(&frame("{\"type\":\"ready\",\"protocol\":1}"), false).await, LinkError::Unexpected(_)));
        // A worker of protocol 3 may be on air with a WHIP token that was text: it is told by its number, not misread.
        let plan = r#"{"destinations":[{"kind":{"whip":{"url":"https://a.example/w","token":"text"}}}]}"#;
        let older = format!("{{\"type\":\"hello\",\"protocol\":3,\"plan\":{plan}}}");
        assert!(matches!(heard(&frame(&older), false).await, LinkError::Protocol { theirs: 3 }));
        let newer = format!("{{\"type\":\"hello\",\"protocol\":{},\"new\":[]}}", PROTOCOL + 1);
        let error = heard(&frame(&newer), false).await;
        assert!(matches!(error, LinkError::Protocol { theirs } if theirs == PROTOCOL + 1), "{error}");
        assert!(matches!(heard(&(MAX_MESSAGE as u32 + 1).to_be_bytes(), false).await, LinkError::TooLarge));
        assert!(matches!(heard(&[0, 0, 0, 9, b'{'], false).await, LinkError::Silent(_)));
        assert!(matches!(heard(&[0, 0, 0, 9, b'{'], true).await, LinkError::Closed));
    }

    #[tokio::test]
    async fn nobody_there_is_not_a_violation() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("worker.sock");
        let stale = UnixListener::bind(&path).unwrap();
        drop(stale);
        for path in [path, directory.path().join("none.sock")] {
            let error = connect(&path).await.unwrap_err();
            assert!(matches!(error, LinkError::Unreachable(_)) && !error.is_violation(), "{error}");
        }
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_is_given_up() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("worker.sock");
        let listener = Listener::bind(&path).unwrap();
        let _deaf = UnixStream::connect(&path).await.unwrap();
        let mut worker = listener.accept().await.unwrap();
        let large = Up::Refused { reason: "x".repeat(MAX_MESSAGE / 2) };
        let error = loop {
            if let Err(error) = worker.send(&large).await {
                break error;
            }
        };
        assert!(matches!(error, LinkError::Stuck), "{error}");
    }

    #[tokio::test]
    async fn a_message_too_large_is_not_sent() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("worker.sock");
        let listener = Listener::bind(&path).unwrap();
        let _peer = UnixStream::connect(&path).await.unwrap();
        let mut worker = listener.accept().await.unwrap();
        let large = Up::Refused { reason: "x".repeat(MAX_MESSAGE) };
        assert!(matches!(worker.send(&large).await, Err(LinkError::TooLarge)));
    }
}
