//! The desk: what was ordered, what is to come, what is in preview. Written by whoever orders, read once per tick.
//!
//! ```text
//! take ──────▶ given ──next tick──▶ order ──shown──▶ answer: the first frame that shows it
//! schedule ──▶ to come ──its tick──┘
//! ```

use crate::model::status::ProgramOrder;
use crate::model::{MediaTime, ScheduledTake, SourceId, Transition};

/// The frame from which on an order is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownFrom {
    /// Its media time.
    pub at: MediaTime,
    /// Its number since the epoch at the program's frame rate.
    pub frame: u64,
    /// It was shown before the order came.
    pub already: bool,
}

/// Called by the program's thread when an order is shown; dropped if another order overtakes it. Must not block.
pub type Answer = Box<dyn FnOnce(ShownFrom) + Send>;

/// What a tick finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) order: ProgramOrder,
    /// Set on the tick at which an order comes into force.
    pub(crate) fresh: Option<Transition>,
    /// The order that came into force was scheduled.
    pub(crate) on_schedule: bool,
    /// How many orders there had been: one that comes during a tick is not what the tick shows.
    pub(crate) given: u64,
}

/// See the module.
pub(crate) struct Desk {
    order: ProgramOrder,
    fresh: Option<Transition>,
    /// Whether what waits is for the order that was in force already.
    repeated: bool,
    waiting: Vec<Answer>,
    given: u64,
    scheduled: Vec<ScheduledTake>,
    /// Takes up to this time have been carried out.
    passed: Option<MediaTime>,
    preview: Option<ProgramOrder>,
    /// Counts changes of preview and schedule, so that a status is made anew only then.
    edition: u64,
}

impl Desk {
    pub(crate) fn new(order: ProgramOrder) -> Self {
        Self {
            order,
            fresh: Some(Transition::default()),
            repeated: false,
            waiting: Vec::new(),
            given: 0,
            scheduled: Vec::new(),
            passed: None,
            preview: None,
            edition: 1,
        }
    }

    /// An order, from the next tick on.
    pub(crate) fn take(&mut self, order: ProgramOrder, transition: Transition, answer: Option<Answer>) {
        self.repeated = order == self.order;
        if !self.repeated {
            self.waiting.clear();
        }
        self.given += 1;
        self.order = order;
        self.fresh = Some(transition);
        self.waiting.extend(answer);
    }

    /// What was last asked for.
    pub(crate) fn ordered(&self) -> &ProgramOrder {
        &self.order
    }

    pub(crate) fn preview(&self) -> Option<&ProgramOrder> {
        self.preview.as_ref()
    }

    pub(crate) fn set_preview(&mut self, order: Option<ProgramOrder>) {
        self.preview = order;
        self.edition += 1;
    }

    /// Takes to come.
    pub(crate) fn scheduled(&self) -> &[ScheduledTake] {
        &self.scheduled
    }

    pub(crate) fn edition(&self) -> u64 {
        self.edition
    }

    /// All takes to come, anew; those whose time has passed since the first tick were carried out.
    pub(crate) fn set_schedule(&mut self, mut takes: Vec<ScheduledTake>) {
        takes.retain(|take| self.passed.is_none_or(|passed| take.at > passed));
        takes.sort_by_key(|take| take.at);
        self.scheduled = takes;
        self.edition += 1;
    }

    /// One more take to come; false if its time has passed.
    pub(crate) fn schedule(&mut self, take: ScheduledTake) -> bool {
        if self.passed.is_some_and(|passed| take.at <= passed) {
            return false;
        }
        let place = self.scheduled.partition_point(|known| known.at <= take.at);
        self.scheduled.insert(place, take);
        self.edition += 1;
        true
    }

    /// What holds at tick `at`. Of several takes that are due the last one counts.
    pub(crate) fn turn(&mut self, at: MediaTime) -> Turn {
        self.passed = Some(at);
        let due = self.scheduled.partition_point(|take| take.at <= at);
        let mut on_schedule = false;
        let last = self.scheduled.drain(..due).next_back();
        if let Some(take) = last {
            self.take(take.order, take.transition, None);
            self.edition += 1;
            on_schedule = true;
        }
        Turn { order: self.order.clone(), fresh: self.fresh.take(), on_schedule, given: self.given }
    }

    /// Sources have gone: what names one of them is void. Whoever waits for it is told that it was overtaken.
    pub(crate) fn forget(&mut self, gone: impl Fn(&SourceId) -> bool) {
        let names = |order: &ProgramOrder| order.sources().iter().any(&gone);
        if names(&self.order) {
            self.take(ProgramOrder::Auto, Transition::default(), None);
        }
        self.preview.take_if(|order| names(order));
        self.scheduled.retain(|take| !names(&take.order));
        self.edition += 1;
    }

    /// The order of `turn` is shown: since `before` if it was shown before, else from this frame on.
    pub(crate) fn answer(&mut self, turn: &Turn, now: (MediaTime, u64), before: Option<(MediaTime, u64)>) {
        if self.waiting.is_empty() || turn.given != self.given {
            return;
        }
        let already = before.filter(|_| self.repeated);
        let (at, frame) = already.unwrap_or(now);
        for answer in self.waiting.drain(..) {
            answer(ShownFrom { at, frame, already: already.is_some() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    fn take(id: u64, second: u64) -> ScheduledTake {
        let source = format!("s{id}").parse().unwrap();
        ScheduledTake {
            id,
            order: ProgramOrder::Source { source },
            transition: Transition::default(),
            at: MediaTime::from_secs(second),
        }
    }

    #[test]
    fn a_scheduled_take_comes_into_force_once_on_its_tick() {
        let mut desk = Desk::new(ProgramOrder::Auto);
        desk.set_schedule(vec![take(2, 20), take(1, 10)]);
        assert_eq!(desk.turn(MediaTime::from_secs(9)).order, ProgramOrder::Auto);
        let turn = desk.turn(MediaTime::from_secs(10));
        assert_eq!((turn.order, turn.fresh, turn.on_schedule), (take(1, 10).order, Some(Transition::default()), true));
        // The document that is kept elsewhere still has it.
        desk.take(ProgramOrder::Slate, Transition::default(), None);
        desk.set_schedule(vec![take(1, 10), take(2, 20)]);
        assert_eq!(desk.turn(MediaTime::from_secs(11)).order, ProgramOrder::Slate);
        assert_eq!(desk.scheduled(), [take(2, 20)]);
        assert!(!desk.schedule(take(3, 11)) && desk.schedule(take(3, 12)));
    }

    #[test]
    fn what_came_due_while_nothing_ran_is_carried_out_at_the_first_tick() {
        let mut desk = Desk::new(ProgramOrder::Auto);
        desk.set_schedule(vec![take(1, 10), take(2, 20), take(3, 90)]);
        assert_eq!(desk.turn(MediaTime::from_secs(30)).order, take(2, 20).order);
        assert_eq!(desk.scheduled(), [take(3, 90)]);
    }

    #[test]
    fn an_answer_names_the_frame_and_an_overtaken_order_has_none() {
        let mut desk = Desk::new(ProgramOrder::Slate);
        let (told, answers) = channel();
        let ask = |tag: u8| {
            let told = told.clone();
            Some(Box::new(move |shown: ShownFrom| told.send((tag, shown)).unwrap()) as Answer)
        };
        desk.take(take(1, 0).order, Transition::default(), ask(1));
        desk.take(take(2, 0).order, Transition::default(), ask(2));
        let (before, now) = ((MediaTime::from_secs(5), 50), (MediaTime::from_secs(7), 70));
        let turn = desk.turn(now.0);
        desk.answer(&turn, now, Some(before));
        assert_eq!(answers.try_iter().collect::<Vec<_>>(), [(2, ShownFrom { at: now.0, frame: 70, already: false })]);
        desk.take(take(2, 0).order, Transition::default(), ask(3));
        desk.answer(&turn, (MediaTime::from_secs(9), 90), Some(now));
        assert_eq!(answers.try_iter().count(), 0, "it came after that tick had begun");
        let turn = desk.turn(MediaTime::from_secs(10));
        desk.answer(&turn, (MediaTime::from_secs(10), 100), Some(now));
        assert_eq!(answers.try_iter().collect::<Vec<_>>(), [(3, ShownFrom { at: now.0, frame: 70, already: true })]);
    }
}
