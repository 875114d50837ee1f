//! The channel's account of itself: orders and their answers, the status that others see.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::acts::Acting;
use super::asks::{Answer, Ask, Pending, Reply, START_WITHIN, outcome};
use super::channel::Channel;
use super::handle::Refusal;
use super::journal::now;
use super::lifecycle::{Input, Stand};
use super::snapshot::loudness_target;
use super::verdict::{DOUBT, Facts, delivered, health, state};
use crate::ipc::Down;
use crate::model::status::{ChannelOrder, ChannelStatus};
use crate::model::{Event, EventCode, Severity};

/// How long a channel without a report (its worker is being replaced) still counts as on air: players have that much.
const ON_AIR_WITHOUT_WORD: Duration = Duration::from_secs(5);
/// How often a channel looks at itself when nothing happens.
const LOOK: Duration = Duration::from_secs(1);

impl Channel {
    pub(super) fn on_ask(&mut self, ask: Ask, reply: Reply) {
        let at = Instant::now();
        let status = self.status.borrow().clone();
        if self.leaving {
            let _ = reply.send(Err(Refusal::ShuttingDown));
            return;
        }
        self.overtake(&ask);
        match &ask {
            Ask::Start => {
                if self.order == ChannelOrder::OnAir && self.life.stand() == Stand::Up && self.report.is_some() {
                    let text = format!("channel {} is up already", self.id);
                    let _ = reply.send(Ok(outcome(false, &status, text)));
                    return;
                }
                self.set_order(ChannelOrder::OnAir);
                self.pending.push(Pending::new(ask, START_WITHIN, reply, at));
            }
            Ask::Stop | Ask::StopNow => {
                let delivering = self.life.stand() == Stand::Delivering && ask == Ask::Stop;
                let already = self.order == ChannelOrder::OffAir && (!self.is_busy() || delivering);
                self.set_order(ChannelOrder::OffAir);
                if already {
                    let rest = if delivering { "; what is left is being delivered" } else { "" };
                    let text = format!("channel {} is off air already{rest}", self.id);
                    let _ = reply.send(Ok(outcome(false, &status, text)));
                    return;
                }
                let within = self.shared.settings.limits.longest_stop() + LOOK;
                self.pending.push(Pending::new(ask, within, reply, at));
            }
            // They have ways of their own, see `takes` and `acts`.
            Ask::Show(_) | Ask::Change(_) | Ask::Act(_) => {}
        }
    }

    /// A later order ends the wait for an earlier one that it contradicts.
    pub(super) fn overtake(&mut self, ask: &Ask) {
        for pending in std::mem::take(&mut self.pending) {
            if pending.is_contradicted_by(ask) {
                let text = "overtaken by a later order before it was confirmed".to_owned();
                self.settle(pending, Err(Refusal::Failed(text)));
            } else {
                self.pending.push(pending);
            }
        }
    }

    fn set_order(&mut self, order: ChannelOrder) {
        if self.order != order {
            self.order = order;
            self.save();
            self.show_goes_with(order);
            if order == ChannelOrder::OnAir {
                self.gives_up = false;
                let text = "ordered on air";
                let event = Event::new(now(), Severity::Info, EventCode::ChannelStarted, text);
                self.shared.journal.tell(event.channel(&self.id));
            }
        }
        self.todo.push_back(Input::Want(order == ChannelOrder::OnAir));
    }

    /// Sends the program order that has come in, once there is a program. A worker that is out of reach gets it when it
    /// is connected to again.
    pub(super) async fn send_program(&mut self) {
        if self.tell_program && self.life.stand() == Stand::Up {
            self.tell_program = false;
            let order = self.program.clone();
            self.send(&Down::Program { order }).await;
        }
    }

    pub(super) fn on_refused(&mut self, reason: String) {
        if self.life.stand() == Stand::Up {
            let (shows, others) = std::mem::take(&mut self.pending).into_iter().partition(Pending::is_show);
            self.pending = others;
            let shows: Vec<Pending> = shows;
            for pending in shows {
                self.settle(pending, Err(Refusal::Failed(reason.clone())));
            }
        }
        self.todo.push_back(Input::Refused(reason));
    }

    /// When to look again if nothing happens before.
    pub(super) fn next_due(&self) -> Instant {
        let pending = self.pending.iter().map(Pending::due).chain(self.acting.iter().map(Acting::due)).min();
        let look = Instant::now() + if self.is_busy() { LOOK } else { LOOK * 60 };
        // One look as soon as silence becomes doubtful; after that the usual ones.
        let doubt = self.beat.map(|beat| beat + DOUBT + Duration::from_millis(1)).filter(|at| *at > Instant::now());
        let steady = self.shown.due();
        [self.life.deadline(), pending, doubt, steady].into_iter().flatten().fold(look, Instant::min)
    }

    /// Publishes the status if it has changed, and answers the orders it confirms.
    pub(super) fn publish(&mut self) {
        let at = Instant::now();
        let silence = self.beat.map(|beat| at.saturating_duration_since(beat));
        self.judge_on_air(at);
        let status = self.describe(silence, at);
        let before = self.status.borrow().clone();
        if *before != status {
            let generation = before.generation + 1;
            self.status.send_replace(Arc::new(ChannelStatus { generation, ..status }));
            self.shared.changed.notify_one();
        }
        self.give_up_acts(at);
        self.pending.retain(|pending| !pending.is_abandoned());
        let stand = self.life.stand();
        let status = self.status.borrow().clone();
        for pending in std::mem::take(&mut self.pending) {
            match pending.answer(stand, &status, at) {
                Some(answer) => self.settle(pending, answer),
                None => self.pending.push(pending),
            }
        }
    }

    /// Answers by way of the root, which publishes first: who has the answer finds it in the snapshot.
    pub(super) fn settle(&self, pending: Pending, answer: Answer) {
        let _ = self.shared.answers.send((pending.into_reply(), answer));
    }

    fn judge_on_air(&mut self, at: Instant) {
        let lag = self.plan.as_ref().map_or(LOOK, |plan| plan.segments.duration() * 2 + Duration::from_secs(3));
        match &self.report {
            _ if matches!(self.life.stand(), Stand::Idle | Stand::Delivering) => self.seen_on_air = None,
            Some(report) if delivered(report, lag) => self.seen_on_air = Some(at),
            Some(_) => self.seen_on_air = None,
            None if self.seen_on_air.is_some_and(|seen| at - seen > ON_AIR_WITHOUT_WORD) => self.seen_on_air = None,
            None => {}
        }
        match (self.seen_on_air, self.on_air_since) {
            (Some(_), None) => self.on_air_since = Some(now()),
            (None, Some(_)) => self.on_air_since = None,
            _ => {}
        }
    }

    fn describe(&mut self, silence: Option<Duration>, at: Instant) -> ChannelStatus {
        let before = self.status.borrow().clone();
        let stand = self.life.stand();
        let on_air = self.seen_on_air.is_some();
        let facts = Facts {
            stand,
            wanted: self.life.wanted(),
            report: self.report.as_ref(),
            remainder: self.remainder.as_ref(),
            on_air,
            silence,
            trouble: self.trouble.as_deref(),
            now: now(),
        };
        let judged = self.shown.channel(health(&facts), at);
        let (mut report, mut remainder) = (self.report.clone(), self.remainder.clone());
        let left = remainder.iter_mut().flat_map(|rest| &mut rest.destinations);
        self.shown.parts(report.as_mut(), left, at);
        // A fresh heartbeat is no news; only silence is told.
        let age = silence.filter(|silence| *silence > DOUBT).unwrap_or_default();
        let mut worker = self.worker.clone();
        if let Some(worker) = &mut worker {
            worker.heartbeat_age_seconds = age.as_secs_f64();
        }
        ChannelStatus {
            id: self.id.clone(),
            title: self.plan.as_ref().map_or_else(|| before.title.clone(), |plan| plan.title.clone()),
            stream_class: self.plan.as_ref().map_or_else(|| before.stream_class.clone(), |p| p.stream_class.clone()),
            frame_rate: self.plan.as_ref().map_or(before.frame_rate, |plan| Some(plan.program.frame_rate)),
            timecode: self.plan.as_ref().map_or(before.timecode, |plan| plan.timecode),
            loudness_target: self.plan.as_ref().map_or(before.loudness_target, |plan| Some(loudness_target(plan))),
            order: self.order,
            state: state(stand, self.life.wanted(), self.report.as_ref()),
            health: judged,
            on_air,
            on_air_since: self.on_air_since,
            worker,
            restarts: self.launches.saturating_sub(1),
            live: self.live.clone(),
            report,
            remainder,
            generation: before.generation,
        }
    }
}
