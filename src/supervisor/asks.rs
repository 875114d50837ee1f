//! Orders to one channel, and waiting until the engine shows that they are carried out.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::handle::{Outcome, Refusal};
use super::lifecycle::Stand;
use crate::model::status::{ChannelState, ChannelStatus, ProgramOrder, Showing, SourceState, WorkerReport};
use crate::model::{Act, LiveChange, TakeOrder};

/// From an order to a first picture.
pub(crate) const START_WITHIN: Duration = Duration::from_secs(10);
/// From an order to a heartbeat that shows it.
pub(crate) const SHOW_WITHIN: Duration = Duration::from_secs(3);

/// What is asked of a channel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ask {
    /// Be on air.
    Start,
    /// Be off air.
    Stop,
    /// The same, and deliver nothing more.
    StopNow,
    /// Show this.
    Show(TakeOrder),
    /// Set this.
    Change(LiveChange),
    /// Have the worker do this.
    Act(Act),
}

/// What an order comes to.
pub(crate) type Answer = Result<Outcome, Refusal>;
/// Where the answer goes.
pub(crate) type Reply = oneshot::Sender<Answer>;

/// An order that waits for its confirmation.
#[derive(Debug)]
pub(crate) struct Pending {
    ask: Ask,
    since: Instant,
    within: Duration,
    reply: Reply,
    /// The number of the act that the worker was told, if it was.
    act: Option<u64>,
}

impl Pending {
    pub(crate) fn new(ask: Ask, within: Duration, reply: Reply, now: Instant) -> Self {
        Self { ask, since: now, within, reply, act: None }
    }

    /// The same, answered by the worker as this act.
    pub(crate) fn by_act(self, act: u64) -> Self {
        Self { act: Some(act), ..self }
    }

    pub(crate) fn act(&self) -> Option<u64> {
        self.act
    }

    /// The worker that was told is gone: the next one shows it from its start.
    pub(crate) fn forget_act(&mut self) {
        self.act = None;
    }

    pub(crate) fn due(&self) -> Instant {
        self.since + self.within
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    /// Whether both cannot be carried out.
    pub(crate) fn is_contradicted_by(&self, later: &Ask) -> bool {
        match (&self.ask, later) {
            (Ask::Start | Ask::Show(_), Ask::Stop | Ask::StopNow) | (Ask::Stop | Ask::StopNow, Ask::Start) => true,
            (Ask::Show(earlier), Ask::Show(later)) => earlier != later,
            _ => false,
        }
    }

    /// Whether a refusal by the worker is meant for this order.
    pub(crate) fn is_show(&self) -> bool {
        matches!(self.ask, Ask::Show(_))
    }

    /// The answer, if it can be given by now.
    pub(crate) fn answer(
        &self,
        stand: Stand,
        status: &ChannelStatus,
        now: Instant,
    ) -> Option<Result<Outcome, Refusal>> {
        let confirmed = match &self.ask {
            Ask::Start => stand == Stand::Up && status.report.is_some(),
            Ask::Stop => matches!(stand, Stand::Idle | Stand::Delivering),
            Ask::StopNow => stand == Stand::Idle,
            // Answered by the worker itself.
            Ask::Show(_) if self.act.is_some() => false,
            Ask::Change(_) | Ask::Act(_) => false,
            Ask::Show(take) => {
                let report = status.report.as_ref();
                take.order.as_ref().zip(report).is_some_and(|(order, report)| shows(report, order))
            }
        };
        let reason = &status.health.reason;
        if confirmed {
            return Some(Ok(outcome(true, status, done(&self.ask, status))));
        }
        match (&self.ask, stand) {
            (Ask::Start, Stand::GivenUp) => Some(Err(Refusal::Failed(reason.clone()))),
            _ if now >= self.due() => {
                let known = match (&self.ask, &status.report) {
                    (Ask::Show(_), Some(report)) => shown(report),
                    _ => reason.clone(),
                };
                Some(Err(Refusal::NotConfirmed { seconds: self.within.as_secs(), known }))
            }
            _ => None,
        }
    }

    /// Where the answer goes.
    pub(crate) fn into_reply(self) -> Reply {
        self.reply
    }
}

/// An outcome with what `status` confirms.
pub(crate) fn outcome(changed: bool, status: &ChannelStatus, text: String) -> Outcome {
    Outcome {
        changed,
        order: Some(status.order),
        program: status.report.as_ref().map(|report| report.program.order.clone()),
        state: Some(status.state),
        showing: status.report.as_ref().map(|report| report.program.showing.clone()),
        acted: None,
        channels: None,
        text,
    }
}

/// Whether the worker shows what was ordered. `Auto` is carried out when a source is shown, or when none delivers.
pub(crate) fn shows(report: &WorkerReport, order: &ProgramOrder) -> bool {
    let program = &report.program;
    let carried_out = match (order, &program.showing) {
        (ProgramOrder::Slate, Showing::Slate) | (ProgramOrder::Auto, Showing::Source { .. }) => true,
        (ProgramOrder::Auto, Showing::Slate) => !report.sources.iter().any(|s| s.state == SourceState::Delivering),
        (ProgramOrder::Source { source }, Showing::Source { source: shown }) => source == shown,
        (ProgramOrder::Scene { scene }, Showing::Scene { scene: shown }) => scene == shown,
        (ProgramOrder::Auto, Showing::Scene { .. }) => false,
        (ProgramOrder::Slate | ProgramOrder::Source { .. } | ProgramOrder::Scene { .. }, _) => false,
    };
    carried_out && program.order == *order
}

fn done(ask: &Ask, status: &ChannelStatus) -> String {
    let pid = status.worker.as_ref().map_or(0, |worker| worker.pid);
    match (ask, &status.report) {
        (Ask::Start, _) => format!("channel {} is up in worker {pid}", status.id),
        (Ask::Stop, _) if status.state == ChannelState::Delivering => {
            format!("channel {} is off air; what is left is being delivered", status.id)
        }
        (Ask::Stop | Ask::StopNow, _) => format!("channel {} is off air, its worker is gone", status.id),
        (Ask::Show(_), Some(report)) => shown(report),
        (Ask::Show(_) | Ask::Change(_) | Ask::Act(_), _) => String::new(),
    }
}

fn shown(report: &WorkerReport) -> String {
    match (&report.program.showing, &report.program.order) {
        (Showing::Slate, ProgramOrder::Source { source }) => {
            let why = report.sources.iter().find(|status| status.id == *source);
            let why = why.map_or("unknown to the worker", |status| status.health.reason.as_str());
            format!("the program shows the slate: source {source}: {why}")
        }
        _ => report.program.sentence(),
    }
}
