//! What belongs to a box of a pair: what the other one told, and how this one goes on with it.

use crate::hls::ToldPlaylist;

use super::super::pair::joint::{Seam, Side};
use super::Lane;

impl Lane {
    /// What was looked at before is not known any more.
    pub(crate) fn look_anew(&mut self) {
        self.look.done();
        (self.look_at, self.surveyed, self.told) = (None, false, None);
    }

    /// Players were told this by another box: what they can have is not owed.
    pub(crate) fn learn(&mut self, told: Option<ToldPlaylist>) {
        if let Some(told) = &told {
            for number in told.there() {
                self.delivered.acknowledged.insert(number);
                self.pending.remove(&number);
                self.waits.remove(&number);
            }
            // What is older is the other's business, as long as it lives.
            self.delivered.elsewhere = Some(told.first());
        }
        self.told = told;
    }

    /// What this box has, and what was told.
    pub(crate) fn side(&self) -> Side<'_> {
        let own = self.segments.iter().map(|s| (s.number, s.discontinuity_sequence, s.init.as_str())).collect();
        Side { told: self.told.as_ref(), own }
    }

    /// Goes on with what was told.
    pub(crate) fn join(&mut self, seam: Option<&Seam>) {
        self.delivered.elsewhere = None;
        self.inherited = None;
        self.joint = seam.map(|seam| seam.joint(self.told.as_ref()));
        if let Some(seam) = seam {
            let last = self.told.as_ref().and_then(|told| told.entries.last()).map(|last| last.number);
            self.edge = self.edge.max(last);
            self.parts.begin_at(seam.number);
        }
        self.told = None;
    }
}
