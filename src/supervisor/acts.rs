//! Commands that the worker carries out and answers itself. They are not repeated: an answer that does not come within
//! [`ACT_WITHIN`], because the worker was replaced or hangs, is told to whoever asked. Settings are kept first, so that
//! the next worker starts with them.

use std::time::{Duration, Instant};

use super::asks::{Answer, Reply, outcome};
use super::channel::Channel;
use super::handle::Refusal;
use super::lifecycle::Stand;
use crate::ipc::Down;
use crate::model::{Act, Acted, LiveChange, SourceId};

/// How long a worker may take to answer.
const ACT_WITHIN: Duration = Duration::from_secs(3);

/// A command that the worker was told.
#[derive(Debug)]
pub(crate) struct Acting {
    id: u64,
    until: Instant,
    /// None if nobody waits.
    reply: Option<Reply>,
}

impl Acting {
    pub(crate) fn due(&self) -> Instant {
        self.until
    }
}

impl Channel {
    /// Keeps a change, and has the worker carry it out if there is one.
    pub(super) async fn on_change(&mut self, change: &LiveChange, reply: Reply) {
        let status = self.status.borrow().clone();
        if self.leaving {
            let _ = reply.send(Err(Refusal::ShuttingDown));
            return;
        }
        if let Some(source) = self.unknown_source(change) {
            let _ = reply.send(Err(Refusal::UnknownSource(self.id.clone(), source)));
            return;
        }
        let after = match self.live.changed(change) {
            Ok(after) => after,
            Err(reason) => {
                let _ = reply.send(Err(Refusal::Impossible(reason)));
                return;
            }
        };
        if after == self.live {
            let _ = reply.send(Ok(outcome(false, &status, "it is set so already".to_owned())));
            return;
        }
        self.live = after;
        self.save();
        if self.life.stand() != Stand::Up || self.sender.is_none() {
            let text = "kept: it takes effect when the channel is up".to_owned();
            let _ = self.shared.answers.send((reply, Ok(outcome(true, &status, text))));
            return;
        }
        let live = Box::new(self.live.clone());
        self.act(Act::Live { live }, Some(reply)).await;
    }

    /// The source that a change names and the channel does not have. What was set of one that is gone can be undone.
    fn unknown_source(&self, change: &LiveChange) -> Option<SourceId> {
        let LiveChange::Sound { source: Some(source), .. } = change else { return None };
        let known = self.plan.as_ref().is_some_and(|plan| plan.sources.iter().any(|one| one.id == *source));
        (!known).then(|| source.clone())
    }

    /// Has the worker do something, if there is one.
    pub(super) async fn on_act(&mut self, act: Act, reply: Reply) {
        if self.leaving {
            let _ = reply.send(Err(Refusal::ShuttingDown));
        } else if self.life.stand() != Stand::Up || self.sender.is_none() {
            let _ = reply.send(Err(Refusal::OffAir(self.id.clone())));
        } else {
            self.act(act, Some(reply)).await;
        }
    }

    /// Tells the worker to do something.
    pub(super) async fn act(&mut self, act: Act, reply: Option<Reply>) {
        self.acts += 1;
        let id = self.acts;
        self.acting.push(Acting { id, until: Instant::now() + ACT_WITHIN, reply });
        self.send(&Down::Act { id, act }).await;
    }

    pub(super) fn on_acted(&mut self, id: u64, result: Result<Acted, String>) {
        let Some(place) = self.acting.iter().position(|acting| acting.id == id) else { return };
        let status = self.status.borrow().clone();
        let answer = match result {
            Ok(acted) => {
                let said = outcome(true, &status, acted.text.clone());
                Ok(super::handle::Outcome { acted: Some(acted), ..said })
            }
            Err(reason) => Err(Refusal::Failed(reason)),
        };
        let acting = self.acting.swap_remove(place);
        self.answer_act(acting, answer);
    }

    /// The connection is gone: what was told may or may not have been done.
    pub(super) fn drop_acts(&mut self) {
        for acting in std::mem::take(&mut self.acting) {
            let text = "the worker was lost before it confirmed";
            self.answer_act(acting, Err(Refusal::Failed(text.to_owned())));
        }
    }

    /// Stops waiting for answers that are overdue at `at`.
    pub(super) fn give_up_acts(&mut self, at: Instant) {
        let (late, waiting) = std::mem::take(&mut self.acting).into_iter().partition(|acting| acting.until <= at);
        self.acting = waiting;
        let late: Vec<Acting> = late;
        for acting in late {
            let known = "the worker has not answered".to_owned();
            self.answer_act(acting, Err(Refusal::NotConfirmed { seconds: ACT_WITHIN.as_secs(), known }));
        }
    }

    fn answer_act(&self, acting: Acting, answer: Answer) {
        match (acting.reply, answer) {
            (Some(reply), answer) => {
                let _ = self.shared.answers.send((reply, answer));
            }
            (None, Err(refusal)) => tracing::warn!(channel = %self.id, %refusal, "settings were not taken over"),
            (None, Ok(_)) => {}
        }
    }
}
