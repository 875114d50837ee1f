//! A rendition that is left out: because the line is too slow for it, or because a budget is spent.

use super::Lane;

impl Lane {
    /// Whether it is left out: no live edge, and players are told of gaps.
    pub(crate) fn is_dropped(&self) -> bool {
        self.delivered.dropped_from.is_some()
    }

    /// Whether that is because of a spent budget.
    pub(crate) fn is_barred(&self) -> bool {
        self.barred
    }

    /// Whether it is left out because the line is too slow for it.
    pub(crate) fn outgrows_line(&self) -> bool {
        self.is_dropped() && !self.barred
    }

    /// Leaves it out from the next segment on.
    pub(crate) fn leave_out(&mut self) {
        self.leave_out_from(self.newest().map_or(0, |newest| newest + 1));
    }

    fn leave_out_from(&mut self, number: u64) {
        self.delivered.dropped_from = Some(number);
        self.hidden = true;
        self.parts.withdraw();
    }

    /// Leaves it out because of a spent budget, with all that is owed; or takes it up again with the next segment.
    pub(crate) fn bar(&mut self, barred: bool) {
        self.barred = barred;
        if barred { self.leave_out_from(0) } else { self.take_up() }
    }

    /// Takes it up again with the next segment. Players are told when there is [enough](Self::show_if_solid) of it.
    pub(crate) fn take_up(&mut self) {
        self.delivered.dropped_from = None;
    }

    /// Gives up what has become owed since it is left out; how many segments.
    pub(crate) fn pass_over(&mut self) -> u64 {
        let Some(from) = self.delivered.dropped_from else { return 0 };
        let numbers = self.pending.split_off(&from);
        numbers.iter().for_each(|number| self.skip(*number));
        numbers.len() as u64
    }

    /// Lets players know of it again once it has its newest segments.
    pub(crate) fn show_if_solid(&mut self) {
        let last = self.last_acknowledged().map(|segment| segment.number);
        let Some((last, newest)) = last.zip(self.newest()).filter(|_| self.hidden && !self.is_dropped()) else {
            return;
        };
        let run = (last + 1).saturating_sub(SOLID)..=last;
        self.hidden = last + 1 < newest || !run.into_iter().all(|n| self.delivered.acknowledged.contains(n));
    }

    /// Players are told of it as far as of the others, which reach to `edge`.
    pub(crate) fn follow(&mut self, edge: u64) {
        if let Some(newest) = self.newest().filter(|_| self.is_dropped()) {
            self.edge = self.edge.max(Some(edge.min(newest)));
        }
    }
}

/// A rendition that was left out is told again when its last so many segments have arrived.
const SOLID: u64 = 3;
