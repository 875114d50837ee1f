//! What is left of a channel that is off air: whether a worker is to deliver it, and which one.
//!
//! The channel's spool says whether anything may be left ([`owed_mark`]); the lifecycle makes a worker of it, which is told
//! `deliver`. That goes on until everything is delivered, somebody ends it (`stop --now`), the channel is started, the
//! configuration has it no more, or the daemon goes down in order; a daemon that comes up begins it again.

use std::time::Duration;

use super::channel::Channel;
use super::lifecycle::{Input, Stand};
use crate::ipc::{Down, owed_mark};

/// For a look at the disk; one that hangs holds nothing that anybody could deliver.
const LOOK_WITHIN: Duration = Duration::from_millis(500);

impl Channel {
    /// Whether something may be left that is to be delivered although the channel is off air.
    pub(super) async fn owes(&mut self) -> bool {
        let Some(plan) = self.plan.as_ref().filter(|_| !self.leaving) else { return false };
        let mark = owed_mark(plan);
        if self.gives_up {
            let gone = tokio::time::timeout(LOOK_WITHIN, tokio::fs::remove_file(mark)).await;
            if let Ok(Err(error)) = gone
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(channel = %self.id, %error, "what is left will be delivered by the next daemon");
            }
            return false;
        }
        matches!(tokio::time::timeout(LOOK_WITHIN, tokio::fs::try_exists(mark)).await, Ok(Ok(true)))
    }

    /// Tells the worker to deliver what is left.
    pub(super) async fn deliver(&mut self) {
        let Some(plan) = self.plan.clone() else { return };
        self.on_air_with = None;
        self.send(&Down::Deliver { plan: Box::new((*plan).clone()), live: Box::new(self.live.clone()) }).await;
    }

    /// What is left stays where it is: nothing more is delivered until the next start.
    pub(super) async fn give_up_rest(&mut self) {
        self.gives_up = true;
        self.todo.push_back(Input::Owe(false));
        if !self.is_busy() {
            // For the next daemon.
            self.owes().await;
        }
    }

    /// Other orders for destinations: the worker that delivers what is left is replaced by one that has them.
    pub(super) fn renew_rest(&mut self) {
        if self.life.stand() == Stand::Delivering {
            self.todo.push_back(Input::Renew);
        }
    }
}
