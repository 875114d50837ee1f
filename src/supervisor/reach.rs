//! Getting hold of a worker: one that was just started, or one that an earlier daemon left on air.

use std::path::Path;
use std::time::Duration;

use crate::ipc::{DaemonEnd, LinkError, WorkerHello, connect};
use crate::system::Process;

/// How long a worker may take to say hello. It does so from its own thread, whatever the picture does.
const HELLO_WITHIN: Duration = Duration::from_secs(2);

/// A worker that can be talked to.
pub(crate) type Contact = (DaemonEnd, WorkerHello);

/// What was found at a socket.
#[derive(Debug)]
pub(crate) struct Found {
    /// The process that listens, by the kernel's word.
    pub(crate) process: Process,
    /// What it said.
    pub(crate) contact: Result<Contact, LinkError>,
}

/// Whoever listens at `path`; none if nobody does.
pub(crate) async fn look(path: &Path) -> Option<Found> {
    let mut link = connect(path).await.ok()?;
    let pid = link.peer().pid;
    // Held before it is spoken to: whatever it answers, signals go to this process and no other.
    let process = (pid != std::process::id()).then(|| Process::open(pid).ok()).flatten()?;
    let mut contact = link.greet(HELLO_WITHIN).await;
    if matches!(contact, Err(LinkError::Silent(_))) {
        // It may be on air and only short of processor time: one more chance before it is killed.
        link = connect(path).await.ok()?;
        contact = link.greet(HELLO_WITHIN).await;
    }
    Some(Found { process, contact: contact.map(|hello| (link, hello)) })
}

/// Connects to the process `pid` at `path` as soon as it listens. Does not give up by itself: the life of the worker has
/// a deadline.
pub(crate) async fn reach(path: &Path, pid: u32, pause: Duration) -> Result<Contact, LinkError> {
    tokio::time::sleep(pause).await;
    let mut wait = Duration::from_millis(10);
    loop {
        match connect(path).await {
            Ok(mut link) if link.peer().pid == pid => {
                let hello = link.greet(HELLO_WITHIN).await?;
                return Ok((link, hello));
            }
            Ok(link) => {
                let other = link.peer().pid;
                return Err(LinkError::Unexpected(format!("process {other} listens in place of process {pid}")));
            }
            Err(LinkError::Unreachable(_)) => tokio::time::sleep(wait).await,
            Err(error) => return Err(error),
        }
        wait = (wait * 5 / 4).min(Duration::from_millis(50));
    }
}
