//! Commands that the worker carries out and answers itself. They are not repeated: an answer that does not come within
//! [`ACT_WITHIN`], because the worker was replaced or hangs, is told to whoever asked. Settings are kept first, so that
//! the next worker starts with them; those that the worker refuses are taken back.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::asks::{Answer, Pending, Reply, outcome};
use super::channel::{Carried, Channel};
use super::handle::Refusal;
use super::lifecycle::{Input, Stand};
use tokio::sync::oneshot;

use crate::ipc::Down;
use crate::model::{Act, Acted, Cued, LiveChange, LiveSettings, ScheduledTake, SourceId};

/// How long a worker may take to answer.
const ACT_WITHIN: Duration = Duration::from_secs(3);

/// For a look at the directory of images.
const LOOK_WITHIN: Duration = Duration::from_millis(500);

/// The same for another plan.
const CHANGE_WITHIN: Duration = Duration::from_secs(20);

/// A browser that sends or watches is answered when the box has looked for its own addresses, which may ask a server.
const BROWSER_WITHIN: Duration = Duration::from_secs(8);

/// A backup may take that long to be of use, or to be found of none.
const DRILL_WITHIN: Duration = Duration::from_secs(35);

/// A recording ends with the segment that is being written, and is put in order then.
const RECORD_WITHIN: Duration = Duration::from_secs(20);

fn within(act: &Act) -> Duration {
    match act {
        Act::Guest { .. } | Act::Watch { .. } => BROWSER_WITHIN,
        Act::Record { .. } => RECORD_WITHIN,
        Act::Drill { .. } | Act::HandOver { .. } => DRILL_WITHIN,
        _ => ACT_WITHIN,
    }
}

/// A command that the worker was told.
#[derive(Debug)]
pub(crate) struct Acting {
    id: u64,
    since: Instant,
    until: Instant,
    /// The worker may refuse it for a reason that lies in what was asked.
    judged: bool,
    /// The settings it puts in force.
    live: Option<Box<LiveSettings>>,
    /// None if nobody waits.
    reply: Option<Reply>,
    /// A take to come, to be kept once the worker has it.
    keep: Option<ScheduledTake>,
    /// A worker that does not do it is replaced.
    replaces: bool,
    /// Who wants to know what came of a changed plan.
    told: Option<oneshot::Sender<Carried>>,
}

/// An image that a change names and the box does not have.
async fn missing_image(images: PathBuf, change: &LiveChange) -> Option<Refusal> {
    let name = change.image()?;
    // A disk that hangs is found out by the worker.
    let looked = tokio::time::timeout(LOOK_WITHIN, tokio::fs::metadata(images.join(name.as_str()))).await.ok()?;
    looked.is_err().then(|| {
        Refusal::Impossible(format!("this box has no image `{name}`: send it with `uplinkctl image put {name}`"))
    })
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
        if let LiveChange::Preview { order: Some(order) } = change
            && let Err(refusal) = self.check_sources(order)
        {
            let _ = reply.send(Err(refusal));
            return;
        }
        if let Some(source) = self.unknown_source(change) {
            let _ = reply.send(Err(Refusal::UnknownSource(self.id.clone(), source)));
            return;
        }
        if let Some(unknown) = self.unknown_destination(change) {
            let _ = reply.send(Err(Refusal::UnknownDestination(self.id.clone(), unknown)));
            return;
        }
        if let Some(refusal) = missing_image(self.shared.settings.images.clone(), change).await {
            let _ = reply.send(Err(refusal));
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
        let renews = after.destinations != self.live.destinations;
        self.live = after;
        self.save();
        if self.life.stand() != Stand::Up || self.sender.is_none() {
            if renews {
                self.renew_rest();
            }
            let text = "kept: it takes effect when the channel is up".to_owned();
            let _ = self.shared.answers.send((reply, Ok(outcome(true, &status, text))));
            return;
        }
        let live = Box::new(self.live.clone());
        self.act(Act::Live { live }, Some(reply)).await;
        // What cannot be drawn is the fault of what was asked.
        if let (Some(acting), Some(_)) = (self.acting.last_mut(), change.image()) {
            acting.judged = true;
        }
    }

    /// Has the worker do what is asked, if there is one.
    pub(super) async fn on_act(&mut self, act: Act, reply: Reply) {
        let refusal = match (self.leaving, self.life.stand() == Stand::Up && self.sender.is_some()) {
            (true, _) => Refusal::ShuttingDown,
            (false, false) => Refusal::OffAir(self.id.clone()),
            (false, true) => return self.act(act, Some(reply)).await,
        };
        let _ = reply.send(Err(refusal));
    }

    /// Keeps the cues and metadata that the worker has.
    pub(super) fn keep_cued(&mut self, cued: Cued) {
        if cued != self.live.cued {
            self.live.cued = cued;
            self.save();
        }
    }

    /// The source that a change names and the channel does not have. What was set of one that is gone can be undone.
    fn unknown_source(&self, change: &LiveChange) -> Option<SourceId> {
        let LiveChange::Sound { source: Some(source), .. } = change else { return None };
        let known = self.plan.as_ref().is_some_and(|plan| plan.sources.iter().any(|one| one.id == *source));
        (!known).then(|| source.clone())
    }

    /// The destination or endpoint that a change names and the channel does not have. What was set can be undone.
    fn unknown_destination(&self, change: &LiveChange) -> Option<String> {
        let (id, endpoint) = match change {
            LiveChange::Destination { destination, enabled: Some(_) } => (destination, None),
            LiveChange::Endpoint { destination, endpoint: Some(endpoint) } => (destination, Some(endpoint)),
            _ => return None,
        };
        let plan = self.plan.as_ref()?.destinations.iter().find(|plan| plan.id == *id);
        let Some(plan) = plan else { return Some(id.to_string()) };
        let unknown = endpoint.filter(|name| !plan.endpoints.iter().any(|one| one.name == **name))?;
        Some(format!("{id}/{unknown}"))
    }

    /// Has a worker that is on air become the plan as it is now; a worker that does not is replaced.
    pub(super) async fn change_plan(&mut self, told: Option<oneshot::Sender<Carried>>) {
        let Some(plan) = self.plan.clone() else { return };
        self.acts += 1;
        let (id, since) = (self.acts, Instant::now());
        // Renditions begin and end with a segment, and devices take their time to close.
        let until = since + CHANGE_WITHIN + plan.segments.duration() * 2;
        self.acting.push(Acting {
            id,
            since,
            until,
            judged: false,
            live: None,
            reply: None,
            keep: None,
            replaces: true,
            told,
        });
        self.send(&Down::Change { id, plan: Box::new((*plan).clone()) }).await;
    }

    /// Tells the worker to do something.
    pub(super) async fn act(&mut self, act: Act, reply: Option<Reply>) {
        self.acts += 1;
        let id = self.acts;
        let live = match &act {
            Act::Live { live } => Some(live.clone()),
            _ => None,
        };
        let (judged, since) = (live.is_none(), Instant::now());
        self.acting.push(Acting {
            id,
            since,
            until: since + within(&act),
            judged,
            live,
            reply,
            keep: None,
            replaces: false,
            told: None,
        });
        self.send(&Down::Act { id, act }).await;
    }

    /// Tells the worker of a take to come; it is kept when the worker has it.
    pub(super) async fn schedule(&mut self, take: ScheduledTake, reply: Reply) {
        self.act(Act::Schedule { take: take.clone() }, Some(reply)).await;
        if let Some(acting) = self.acting.last_mut().filter(|acting| acting.id == self.acts) {
            acting.keep = Some(take);
        }
    }

    pub(super) fn on_acted(&mut self, id: u64, mut result: Result<Acted, String>) {
        // Also where nobody waits any more.
        if let Some(cued) = result.as_mut().ok().and_then(|acted| acted.cued.take()) {
            self.keep_cued(*cued);
        }
        let Some(place) = self.acting.iter().position(|acting| acting.id == id) else {
            return self.on_take_acted(id, result);
        };
        let status = self.status.borrow().clone();
        if let Some(live) = self.acting[place].live.take() {
            match &result {
                Ok(_) => self.confirmed = *live,
                // Refused, so the next worker is not to be started with it.
                Err(_) => {
                    let bitrates = self.confirmed.bitrates.clone();
                    self.live = LiveSettings { bitrates, ..self.live.clone().drawn_as(&self.confirmed) };
                    self.save();
                }
            }
        }
        let answer = match result {
            Ok(acted) => {
                let said = outcome(!acted.unchanged, &status, acted.text.clone());
                Ok(super::handle::Outcome { acted: Some(acted), ..said })
            }
            Err(reason) if self.acting[place].judged => Err(Refusal::Impossible(reason)),
            Err(reason) => Err(Refusal::Failed(reason)),
        };
        let mut acting = self.acting.swap_remove(place);
        self.carried(&mut acting, &answer);
        if let Some(take) = acting.keep.take().filter(|_| answer.is_ok()) {
            self.live.schedule(take);
            self.save();
        }
        self.answer_act(acting, answer);
    }

    /// The connection is gone: what was told may or may not have been done.
    pub(super) fn drop_acts(&mut self) {
        self.pending.iter_mut().for_each(Pending::forget_act);
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
            let seconds = acting.until.saturating_duration_since(acting.since).as_secs();
            let (mut acting, answer) = (acting, Err(Refusal::NotConfirmed { seconds, known }));
            self.carried(&mut acting, &answer);
            self.answer_act(acting, answer);
        }
    }

    /// What came of a changed plan: a worker that did not take it over is replaced.
    fn carried(&mut self, acting: &mut Acting, answer: &Answer) {
        if !acting.replaces {
            return;
        }
        let carried = match answer {
            Ok(outcome) => Carried::Live(outcome.text.clone()),
            Err(refusal) => {
                self.todo.push_back(Input::Renew);
                Carried::Replaced(Some(refusal.to_string()))
            }
        };
        if let Some(told) = acting.told.take() {
            let _ = told.send(carried);
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
