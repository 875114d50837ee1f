//! The machine itself: what follows from each input in each phase.

use std::time::{Duration, Instant};

use super::{Action, Input, Limits, Note, Stand};
use crate::model::MediaTime;
use crate::policy::{RestartBudget, RestartDecision};
use crate::system::Exit;

/// A deadline seen this much too late means that this process was away itself (stopped, or starved), so that the silence
/// says nothing about the worker.
const AWAY: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Asked,
    Terminated,
    Killed,
}

/// Where the worker is in its life.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Idle,
    Launching { until: Instant },
    Up { beat: Instant, position: MediaTime, progress: Instant },
    Ending { stage: Stage, until: Instant, fault: bool },
    Waiting { until: Instant, gave_up: bool },
}

/// One channel's worker.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    limits: Limits,
    stall: Duration,
    wanted: bool,
    /// There is something to deliver once the channel is off air.
    owed: bool,
    /// The worker there is, or that is due, delivers what is left.
    delivering: bool,
    linked: bool,
    forgiven: bool,
    born: Instant,
    phase: Phase,
    budget: RestartBudget,
}

impl Lifecycle {
    /// Nothing runs, and nothing is started before an input says so. `stall` is how long a worker may stand still.
    pub(crate) fn new(limits: Limits, stall: Duration, wanted: bool, now: Instant) -> Self {
        let budget = RestartBudget::new(limits.restarts);
        let (owed, delivering, linked, forgiven) = (false, false, false, false);
        Self { limits, stall, wanted, owed, delivering, linked, forgiven, born: now, phase: Phase::Idle, budget }
    }

    /// Whether something is left is known anew; nothing follows from it yet.
    pub(crate) fn set_owed(&mut self, owed: bool) {
        self.owed = owed;
    }

    /// Whether the worker there is, or that is due, delivers what is left.
    pub(crate) fn delivering(&self) -> bool {
        self.delivering && self.phase != Phase::Idle
    }

    /// A new plan may judge differently.
    pub(crate) fn set_stall(&mut self, stall: Duration) {
        self.stall = stall;
    }

    pub(crate) fn stand(&self) -> Stand {
        match self.phase {
            Phase::Idle => Stand::Idle,
            Phase::Ending { .. } => Stand::Ending,
            _ if self.delivering => Stand::Delivering,
            Phase::Launching { .. } | Phase::Waiting { gave_up: false, .. } => Stand::Starting,
            Phase::Up { .. } => Stand::Up,
            Phase::Waiting { gave_up: true, .. } => Stand::GivenUp,
        }
    }

    pub(crate) fn wanted(&self) -> bool {
        self.wanted
    }

    /// When [`Input::Tick`] is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Idle => None,
            Phase::Launching { until } | Phase::Ending { until, .. } | Phase::Waiting { until, .. } => Some(until),
            Phase::Up { beat, progress, .. } => Some(beat.min(progress) + self.stall),
        }
    }

    /// What follows from `input`.
    pub(crate) fn step(&mut self, input: Input, now: Instant) -> Vec<Action> {
        match input {
            Input::Want(wanted) => self.want(wanted, now),
            Input::Owe(owed) => self.owe(owed, now),
            Input::Renew => self.renew(now),
            Input::FoundFit | Input::FoundDelivering | Input::FoundUnfit | Input::FoundForeign | Input::FoundHung => {
                self.found(&input, now)
            }
            // The reason is told where it is known.
            Input::LaunchFailed if self.wanted || self.delivering() && self.owed => self.fail(Exit::Unknown, now, true),
            Input::LaunchFailed => {
                self.phase = Phase::Idle;
                vec![Action::Note(Note::Gone)]
            }
            Input::Linked => self.on_linked(),
            Input::Unlinked => self.on_unlinked(),
            Input::Incompatible => self.kill_if_alive(now),
            Input::Ready => self.on_ready(now),
            Input::Beat(position) => self.on_beat(position, now),
            Input::Pulse => self.on_pulse(now),
            Input::Refused(reason) => match self.phase {
                Phase::Launching { .. } => {
                    self.phase = self.ending(Stage::Terminated, true, now);
                    vec![Action::Note(Note::Refused(reason)), Action::Terminate]
                }
                _ => Vec::new(),
            },
            Input::Ended(exit) => self.on_ended(exit, now),
            Input::Tick => self.on_tick(now),
            Input::Hurry => {
                (self.wanted, self.owed) = (false, false);
                if let Phase::Waiting { .. } = self.phase {
                    self.phase = Phase::Idle;
                }
                self.kill_if_alive(now)
            }
        }
    }

    fn found(&mut self, input: &Input, now: Instant) -> Vec<Action> {
        match input {
            Input::FoundFit | Input::FoundDelivering => {
                self.born = now;
                self.linked = true;
                self.delivering = *input == Input::FoundDelivering;
                self.owed |= self.delivering;
                self.phase = Phase::Launching { until: now + self.limits.ready_within };
                vec![Action::Note(Note::Adopted), self.begin()]
            }
            Input::FoundForeign => {
                self.phase = self.ending(Stage::Terminated, false, now);
                vec![Action::Note(Note::Replacing("it cannot be talked to")), Action::Terminate]
            }
            Input::FoundHung => {
                self.phase = self.ending(Stage::Killed, false, now);
                vec![Action::Note(Note::Replacing("it does not answer")), Action::Kill]
            }
            _ => {
                self.linked = true;
                let reason =
                    if self.wanted { "it is on air with another plan" } else { "its channel shall be off air" };
                let mut actions = vec![Action::Note(Note::Replacing(reason))];
                actions.extend(self.end(now, false));
                actions
            }
        }
    }

    fn want(&mut self, wanted: bool, now: Instant) -> Vec<Action> {
        self.wanted = wanted;
        match (self.phase, wanted) {
            (Phase::Idle | Phase::Waiting { .. }, true) => {
                self.budget.reset();
                self.launch(now)
            }
            // What is left is delivered whether or not it is wanted off air once more.
            (_, false) if self.delivering() => Vec::new(),
            (Phase::Waiting { .. }, false) => self.rest(Note::Gone, now),
            (Phase::Launching { .. } | Phase::Up { .. }, true) if self.delivering => self.end(now, false),
            (Phase::Launching { .. } | Phase::Up { .. }, false) => self.end(now, false),
            _ => Vec::new(),
        }
    }

    fn owe(&mut self, owed: bool, now: Instant) -> Vec<Action> {
        self.owed = owed;
        match self.phase {
            Phase::Idle if owed && !self.wanted => self.deliver(now),
            Phase::Launching { .. } | Phase::Up { .. } if !owed && self.delivering => self.end(now, false),
            // Wanted on air meanwhile, it waits for the worker that puts it there.
            Phase::Waiting { .. } if !owed && self.delivering && !self.wanted => {
                self.phase = Phase::Idle;
                vec![Action::Note(Note::Rested(false))]
            }
            _ => Vec::new(),
        }
    }

    /// No worker is wanted on air any more: `note` tells of it, and what is left is delivered by another one.
    fn rest(&mut self, note: Note, now: Instant) -> Vec<Action> {
        self.phase = Phase::Idle;
        let mut actions = vec![Action::Note(note)];
        if self.owed {
            actions.extend(self.deliver(now));
        }
        actions
    }

    /// A worker for what is left.
    fn deliver(&mut self, now: Instant) -> Vec<Action> {
        self.budget.reset();
        self.launch(now)
    }

    fn renew(&mut self, now: Instant) -> Vec<Action> {
        self.budget.reset();
        match self.phase {
            Phase::Launching { .. } | Phase::Up { .. } => self.end(now, false),
            Phase::Waiting { .. } => self.launch(now),
            Phase::Ending { stage, until, .. } => {
                self.phase = Phase::Ending { stage, until, fault: false };
                Vec::new()
            }
            Phase::Idle => Vec::new(),
        }
    }

    fn launch(&mut self, now: Instant) -> Vec<Action> {
        self.born = now;
        self.linked = false;
        self.forgiven = false;
        self.delivering = !self.wanted;
        self.phase = Phase::Launching { until: now + self.limits.ready_within };
        vec![Action::Launch, Action::Link]
    }

    /// Asks the worker to go, or tells it by signal if it cannot be asked.
    fn end(&mut self, now: Instant, fault: bool) -> Vec<Action> {
        if self.linked {
            // What is left is left for the next worker, so it need not finish anything.
            let within = if self.delivering { Duration::ZERO } else { self.limits.stop_within };
            let until = now + self.limits.stop_within + self.limits.patience;
            self.phase = Phase::Ending { stage: Stage::Asked, until, fault };
            vec![Action::Stop(within)]
        } else {
            self.phase = self.ending(Stage::Terminated, fault, now);
            vec![Action::Terminate]
        }
    }

    fn ending(&self, stage: Stage, fault: bool, now: Instant) -> Phase {
        Phase::Ending { stage, until: now + self.limits.patience, fault }
    }

    fn kill_if_alive(&mut self, now: Instant) -> Vec<Action> {
        match self.phase {
            Phase::Idle | Phase::Waiting { .. } => Vec::new(),
            Phase::Ending { fault, .. } => {
                self.phase = self.ending(Stage::Killed, fault, now);
                vec![Action::Kill]
            }
            Phase::Launching { .. } | Phase::Up { .. } => {
                self.phase = self.ending(Stage::Killed, true, now);
                vec![Action::Kill]
            }
        }
    }

    fn on_linked(&mut self) -> Vec<Action> {
        self.linked = true;
        match self.phase {
            // Also to a worker that is up: an equal plan changes nothing, and `ready` is its answer.
            Phase::Launching { .. } | Phase::Up { .. } => vec![self.begin()],
            _ => Vec::new(),
        }
    }

    fn begin(&self) -> Action {
        if self.delivering { Action::Deliver } else { Action::Start }
    }

    fn on_unlinked(&mut self) -> Vec<Action> {
        self.linked = false;
        match self.phase {
            Phase::Launching { .. } | Phase::Up { .. } => vec![Action::Link],
            _ => Vec::new(),
        }
    }

    fn on_ready(&mut self, now: Instant) -> Vec<Action> {
        let Phase::Launching { .. } = self.phase else { return Vec::new() };
        self.phase = Phase::Up { beat: now, position: MediaTime::default(), progress: now };
        vec![Action::Note(Note::Up)]
    }

    fn on_beat(&mut self, reported: MediaTime, now: Instant) -> Vec<Action> {
        if let Phase::Up { beat, position, progress } = &mut self.phase {
            *beat = now;
            if reported > *position {
                *position = reported;
                *progress = now;
                self.forgiven = false;
            }
        }
        Vec::new()
    }

    fn on_pulse(&mut self, now: Instant) -> Vec<Action> {
        if let Phase::Up { beat, progress, .. } = &mut self.phase {
            (*beat, *progress) = (now, now);
            self.forgiven = false;
        }
        Vec::new()
    }

    fn on_ended(&mut self, exit: Exit, now: Instant) -> Vec<Action> {
        self.linked = false;
        match self.phase {
            Phase::Idle | Phase::Waiting { .. } => Vec::new(),
            _ if self.delivering && !self.wanted => self.on_delivered(exit, now),
            // What it delivered is not missed now.
            Phase::Ending { .. } if self.delivering => self.launch(now),
            Phase::Ending { fault: true, .. } if self.wanted => self.fail(exit, now, true),
            Phase::Ending { .. } if self.wanted => self.launch(now),
            Phase::Launching { .. } | Phase::Up { .. } if self.wanted => self.fail(exit, now, false),
            _ => self.rest(Note::Gone, now),
        }
    }

    /// A worker that delivered what was left is gone, and the channel is off air.
    fn on_delivered(&mut self, exit: Exit, now: Instant) -> Vec<Action> {
        match self.phase {
            Phase::Ending { fault: true, .. } if self.owed => self.fail(exit, now, true),
            // Another one has the plan that is in force now.
            Phase::Ending { .. } if self.owed => self.launch(now),
            Phase::Launching { .. } | Phase::Up { .. } if self.owed => self.fail(exit, now, false),
            phase => {
                self.phase = Phase::Idle;
                vec![Action::Note(Note::Rested(!matches!(phase, Phase::Ending { .. })))]
            }
        }
    }

    /// The worker is gone and was not asked to; `told` says that the reason has been told already.
    fn fail(&mut self, exit: Exit, now: Instant, told: bool) -> Vec<Action> {
        let was_given_up = self.budget.is_exhausted();
        let decision = self.budget.on_exit(now, now.saturating_duration_since(self.born));
        let wait = match decision {
            RestartDecision::After(wait) => wait,
            RestartDecision::Exhausted { retry_after } => retry_after,
        };
        let mut actions = Vec::new();
        if !told {
            actions.push(Action::Note(Note::Died(exit, wait)));
        }
        let gave_up = matches!(decision, RestartDecision::Exhausted { .. });
        if gave_up && !was_given_up {
            actions.push(Action::Note(Note::GaveUp(wait)));
        }
        if wait.is_zero() {
            actions.extend(self.launch(now));
        } else {
            self.phase = Phase::Waiting { until: now + wait, gave_up };
        }
        actions
    }

    fn on_tick(&mut self, now: Instant) -> Vec<Action> {
        if self.deadline().is_none_or(|due| now < due) {
            return Vec::new();
        }
        match self.phase {
            Phase::Idle => Vec::new(),
            Phase::Waiting { .. } => self.launch(now),
            Phase::Launching { until } => {
                if self.forgive(until, now) {
                    self.phase = Phase::Launching { until: now + self.limits.ready_within };
                    return Vec::new();
                }
                let what = if self.delivering { "it did not begin to deliver" } else { "it did not go on air" };
                self.stalled(what, now.saturating_duration_since(self.born), now)
            }
            Phase::Up { beat, position, progress } => {
                if self.forgive(beat.min(progress) + self.stall, now) {
                    self.phase = Phase::Up { beat: now, position, progress: now };
                    return Vec::new();
                }
                let silent = now.saturating_duration_since(beat);
                if silent >= self.stall {
                    self.stalled("it sent no heartbeat", silent, now)
                } else {
                    self.stalled("its program did not move", now.saturating_duration_since(progress), now)
                }
            }
            Phase::Ending { stage, fault, .. } => self.escalate(stage, fault, now),
        }
    }

    fn forgive(&mut self, due: Instant, now: Instant) -> bool {
        !std::mem::replace(&mut self.forgiven, now >= due + AWAY) && self.forgiven
    }

    fn stalled(&mut self, what: &'static str, long: Duration, now: Instant) -> Vec<Action> {
        self.phase = self.ending(Stage::Killed, true, now);
        vec![Action::Note(Note::Stalled(what, long)), Action::Kill]
    }

    fn escalate(&mut self, stage: Stage, fault: bool, now: Instant) -> Vec<Action> {
        match stage {
            Stage::Asked => {
                self.phase = self.ending(Stage::Terminated, fault, now);
                vec![Action::Terminate]
            }
            Stage::Terminated => {
                self.phase = self.ending(Stage::Killed, fault, now);
                vec![Action::Kill]
            }
            Stage::Killed => {
                // Hung in the kernel (a driver): nothing can be done but look again.
                self.phase = Phase::Ending { stage, until: now + self.limits.patience * 10, fault };
                vec![Action::Note(Note::Unkillable), Action::Kill]
            }
        }
    }
}
