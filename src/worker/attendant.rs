//! Talks to the daemon: one connection at a time, the newest wins. Its trouble is never the channel's.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::ipc::{DaemonHello, Down, LinkError, Listener, Up, WorkerEnd, WorkerHello};
use crate::model::Event;

/// A daemon that does not introduce itself in this time is no daemon.
const GREET: Duration = Duration::from_secs(2);
/// Messages that may wait for a daemon that reads slowly.
const OUTBOX: usize = 128;
/// With so many messages waiting, meters are left out.
const METERS_WAITING: usize = 4;
/// Events kept for the next daemon while there is none; the oldest go first.
const KEPT_EVENTS: usize = 256;

/// What the attendant tells the worker.
#[derive(Debug)]
pub(super) enum Said {
    /// A daemon is there, and wants meters or not.
    Greeted(Box<WorkerEnd>, bool),
    /// The daemon of connection `.0` said something.
    Told(u64, Box<Down>),
    /// Connection `.0` ended.
    Gone(u64, String),
}

/// The present connection, if any, and what waits for the next one.
pub(super) struct Attendant {
    said: mpsc::Sender<Said>,
    present: Option<Present>,
    connections: u64,
    kept: VecDeque<Event>,
    forgotten: u64,
}

struct Present {
    outbox: mpsc::Sender<Up>,
    /// It wants meters.
    meters: bool,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Present {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Attendant {
    /// An attendant that tells through the returned receiver.
    pub(super) fn new() -> (Self, mpsc::Receiver<Said>) {
        let (said, hear) = mpsc::channel(64);
        (Self { said, present: None, connections: 0, kept: VecDeque::new(), forgotten: 0 }, hear)
    }

    /// Greets a peer in a task of its own: one that stays silent keeps nobody waiting.
    pub(super) fn greet(&self, mut link: WorkerEnd, hello: WorkerHello) {
        let said = self.said.clone();
        tokio::spawn(async move {
            match link.greet(hello, GREET).await {
                Ok(DaemonHello { build, meters }) => {
                    tracing::info!(daemon = build, "a daemon is there");
                    let _ = said.send(Said::Greeted(Box::new(link), meters)).await;
                }
                Err(error) => refused(&error),
            }
        });
    }

    /// Serves this daemon from now on, and no other.
    pub(super) fn serve(&mut self, link: WorkerEnd, meters: bool) {
        self.connections += 1;
        let connection = self.connections;
        let (mut sender, mut receiver) = link.split();
        let (outbox, mut letters) = mpsc::channel::<Up>(OUTBOX);
        let said = self.said.clone();
        let reading = tokio::spawn(async move {
            let reason = loop {
                match receiver.recv().await {
                    Ok(message) => {
                        if said.send(Said::Told(connection, Box::new(message))).await.is_err() {
                            return;
                        }
                    }
                    Err(error) => break error,
                }
            };
            let _ = said.send(Said::Gone(connection, reason.to_string())).await;
        });
        let said = self.said.clone();
        let writing = tokio::spawn(async move {
            while let Some(message) = letters.recv().await {
                if let Err(error) = sender.send(&message).await {
                    let _ = said.send(Said::Gone(connection, error.to_string())).await;
                    return;
                }
            }
        });
        self.present = Some(Present { outbox, meters, tasks: [reading, writing] });
        for event in std::mem::take(&mut self.kept) {
            self.tell(Up::Event { event });
        }
        if self.forgotten > 0 {
            tracing::warn!(events = self.forgotten, "events were lost while there was no daemon");
            self.forgotten = 0;
        }
    }

    /// Whether connection `connection` is the present one.
    pub(super) fn is_present(&self, connection: u64) -> bool {
        self.present.is_some() && connection == self.connections
    }

    /// Ends the present connection.
    pub(super) fn dismiss(&mut self) {
        self.present = None;
    }

    /// Sends a message; a daemon that does not read loses its connection, not the worker its time.
    pub(super) fn tell(&mut self, message: Up) {
        let Some(present) = &self.present else {
            return;
        };
        if present.outbox.try_send(message).is_err() {
            tracing::warn!("the daemon does not read; its connection is ended");
            self.present = None;
        }
    }

    /// Whether there is a daemon that wants meters and keeps up: what it would see late it need not see.
    pub(super) fn wants_meters(&self) -> bool {
        let few = |outbox: &mpsc::Sender<Up>| outbox.max_capacity() - outbox.capacity() < METERS_WAITING;
        self.present.as_ref().is_some_and(|present| present.meters && few(&present.outbox))
    }

    /// Sends an event, or keeps it for the next daemon.
    pub(super) fn tell_event(&mut self, event: Event) {
        if self.present.is_some() {
            self.tell(Up::Event { event });
        } else {
            self.kept.push_back(event);
            if self.kept.len() > KEPT_EVENTS {
                self.kept.pop_front();
                self.forgotten += 1;
            }
        }
    }

    /// Sends the last message and lets it leave, at most for `limit`.
    pub(super) async fn farewell(&mut self, message: Up, limit: Duration) {
        self.tell(message);
        if let Some(mut present) = self.present.take() {
            let (closed, _) = mpsc::channel(1);
            drop(std::mem::replace(&mut present.outbox, closed));
            let _ = tokio::time::timeout(limit, &mut present.tasks[1]).await;
        }
    }
}

/// The next peer that connects.
pub(super) async fn next_peer(listener: &Listener) -> WorkerEnd {
    loop {
        match listener.accept().await {
            Ok(link) => return link,
            Err(error) => {
                refused(&error);
                // An exhausted descriptor table would make this a busy loop.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

fn refused(error: &LinkError) {
    tracing::warn!(%error, "a peer on the worker socket was turned away");
}
