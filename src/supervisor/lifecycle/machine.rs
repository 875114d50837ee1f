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
        Self { limits, stall, wanted, linked: false, forgiven: false, born: now, phase: Phase::Idle, budget }
    }

    /// A new plan may judge differently.
    pub(crate) fn set_stall(&mut self, stall: Duration) {
        self.stall = stall;
    }

    pub(crate) fn stand(&self) -> Stand {
        match self.phase {
            Phase::Idle => Stand::Idle,
            Phase::Launching { .. } | Phase::Waiting { gave_up: false, .. } => Stand::Starting,
            Phase::Up { .. } => Stand::Up,
            Phase::Ending { .. } => Stand::Ending,
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
            Input::Renew => self.renew(now),
            Input::FoundFit => {
                self.born = now;
                self.linked = true;
                self.phase = Phase::Launching { until: now + self.limits.ready_within };
                vec![Action::Note(Note::Adopted), Action::Start]
            }
            Input::FoundUnfit => {
                self.linked = true;
                let reason =
                    if self.wanted { "it is on air with another plan" } else { "its channel shall be off air" };
                let mut actions = vec![Action::Note(Note::Replacing(reason))];
                actions.extend(self.end(now, false));
                actions
            }
            Input::FoundForeign => {
                self.phase = self.ending(Stage::Terminated, false, now);
                vec![Action::Note(Note::Replacing("it cannot be talked to")), Action::Terminate]
            }
            Input::FoundHung => {
                self.phase = self.ending(Stage::Killed, false, now);
                vec![Action::Note(Note::Replacing("it does not answer")), Action::Kill]
            }
            // The reason is told where it is known.
            Input::LaunchFailed if self.wanted => self.fail(Exit::Unknown, now, true),
            Input::LaunchFailed => {
                self.phase = Phase::Idle;
                vec![Action::Note(Note::Gone)]
            }
            Input::Linked => self.on_linked(),
            Input::Unlinked => self.on_unlinked(),
            Input::Incompatible => self.kill_if_alive(now),
            Input::Ready => self.on_ready(now),
            Input::Beat(position) => self.on_beat(position, now),
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
                self.wanted = false;
                if let Phase::Waiting { .. } = self.phase {
                    self.phase = Phase::Idle;
                }
                self.kill_if_alive(now)
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
            (Phase::Waiting { .. }, false) => {
                self.phase = Phase::Idle;
                vec![Action::Note(Note::Gone)]
            }
            (Phase::Launching { .. } | Phase::Up { .. }, false) => self.end(now, false),
            _ => Vec::new(),
        }
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
        self.phase = Phase::Launching { until: now + self.limits.ready_within };
        vec![Action::Launch, Action::Link]
    }

    /// Asks the worker to go, or tells it by signal if it cannot be asked.
    fn end(&mut self, now: Instant, fault: bool) -> Vec<Action> {
        if self.linked {
            let until = now + self.limits.stop_within + self.limits.patience;
            self.phase = Phase::Ending { stage: Stage::Asked, until, fault };
            vec![Action::Stop(self.limits.stop_within)]
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
            Phase::Launching { .. } | Phase::Up { .. } => vec![Action::Start],
            _ => Vec::new(),
        }
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

    fn on_ended(&mut self, exit: Exit, now: Instant) -> Vec<Action> {
        self.linked = false;
        match self.phase {
            Phase::Idle | Phase::Waiting { .. } => Vec::new(),
            Phase::Ending { fault: true, .. } if self.wanted => self.fail(exit, now, true),
            Phase::Ending { .. } if self.wanted => self.launch(now),
            Phase::Launching { .. } | Phase::Up { .. } if self.wanted => self.fail(exit, now, false),
            _ => {
                self.phase = Phase::Idle;
                vec![Action::Note(Note::Gone)]
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
                self.stalled("it did not go on air", now.saturating_duration_since(self.born), now)
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
