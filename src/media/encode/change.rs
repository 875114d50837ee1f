//! Other renditions while the graph runs: each begins, ends or changes its encoder with a segment, and the others do not
//! notice.
//!
//! ```text
//!   segment         n-1        │         n
//!   who leaves      ──────────▶│ (drained, then closed)
//!   who comes        (opened)  │──────────▶      held back until who leaves has said its last
//! ```
//!
//! Sound is fed to both for some blocks around the boundary, and cut there behind the encoder: AAC frames overlap.

use std::sync::Arc;
use std::time::Duration;

use super::Encoders;
use super::ledger::Tally;
use super::line::Line;
use super::sound::Branch;
use crate::media::MediaError;
use crate::model::{MediaTime, RenditionId};
use crate::plan::{Change, ChannelPlan};

/// A segment that begins sooner is too near: pictures are under way.
const LEAD: Duration = Duration::from_millis(300);
/// What an encoder may take to hand out what it holds.
const DRAIN: Duration = Duration::from_secs(4);
/// What a device may take to close.
const CLOSE: Duration = Duration::from_secs(2);

/// What comes and what goes.
#[derive(Default)]
struct Shift {
    lines: Vec<Arc<Line>>,
    branches: Vec<Arc<Branch>>,
}

impl Shift {
    fn tallies(&self) -> Vec<Arc<Tally>> {
        let lines = self.lines.iter().map(|line| Arc::clone(line.tally()));
        lines.chain(self.branches.iter().map(|branch| Arc::clone(branch.tally()))).collect()
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.branches.is_empty()
    }
}

impl Encoders {
    /// Carries out what `changes` says of renditions, as `plan` has them; gives the first segment with all of it. Blocks
    /// until those that leave have handed out their last chunk: for a segment, and seconds at most. After an error the
    /// graph goes on as it was.
    pub fn change(&self, plan: &ChannelPlan, changes: &[Change]) -> Result<Option<u64>, MediaError> {
        let mut anew = Vec::new();
        for change in changes {
            match change {
                Change::RenditionAdded(id) | Change::RenditionEncoder(id) => anew.push(id.clone()),
                Change::RenditionRate(id) => {
                    let planned = plan.video.iter().find(|rendition| rendition.id == *id);
                    // One that cannot follow on air is replaced by one that begins with it.
                    if planned.is_some_and(|planned| self.set_bitrate(id, planned.bitrate).is_err()) {
                        anew.push(id.clone());
                    }
                }
                _ => {}
            }
        }
        let ends = |id: &RenditionId| {
            anew.contains(id)
                || changes.iter().any(|change| matches!(change, Change::RenditionRemoved(gone) if gone == id))
        };
        let leaving = Shift {
            lines: self.lines().into_iter().filter(|line| ends(line.id())).collect(),
            branches: self.sound.branches().into_iter().filter(|branch| ends(branch.id())).collect(),
        };
        let coming = self.open(plan, &anew)?;
        if coming.is_empty() && leaving.is_empty() {
            return Ok(None);
        }
        let number = self.next_boundary();
        let start = self.parts.timeline.get().boundaries().start_of(number);
        coming.lines.iter().for_each(|line| line.begin_with(number));
        coming.branches.iter().for_each(|branch| branch.begin_at(start));
        leaving.lines.iter().for_each(|line| line.end_with(number));
        leaving.branches.iter().for_each(|branch| branch.end_at(start));
        if let Some(pictures) = &self.pictures {
            pictures.lines.add(coming.lines.iter().cloned());
        }
        self.sound.add(&coming.branches);
        let patience = start.since(self.newest()) + DRAIN;
        if !self.ledger.wait_for(&leaving.tallies(), patience) {
            tracing::warn!("an encoder that was to end did not; its last segment may be short");
        }
        self.close(&leaving);
        self.hand_over(&leaving, &coming);
        Ok(Some(number))
    }

    /// Builds and starts what comes; what it encodes is held back.
    fn open(&self, plan: &ChannelPlan, anew: &[RenditionId]) -> Result<Shift, MediaError> {
        let mut coming = Shift::default();
        let opened = (|| {
            for rendition in plan.video.iter().filter(|rendition| anew.contains(&rendition.id)) {
                let Some(pictures) = &self.pictures else { break };
                let line = pictures.line(&self.parts, rendition, true)?;
                coming.lines.push(Arc::clone(&line));
                line.play()?;
            }
            for rendition in plan.audio.iter().filter(|rendition| anew.contains(&rendition.id)) {
                let branch = Branch::build(&self.parts, plan, rendition, true)?;
                coming.branches.push(Arc::clone(&branch));
                branch.play()?;
            }
            Ok(())
        })();
        match opened {
            Ok(()) => Ok(coming),
            Err(error) => {
                self.close(&coming);
                Err(error)
            }
        }
    }

    /// The first segment that begins late enough.
    fn next_boundary(&self) -> u64 {
        let newest = self.newest();
        let timeline = self.parts.timeline.get();
        let boundaries = timeline.boundaries();
        let next = boundaries.number_at(newest) + 1;
        if boundaries.start_of(next).since(newest) < LEAD { next + 1 } else { next }
    }

    fn close(&self, gone: &Shift) {
        for tally in gone.tallies() {
            self.ledger.leave(&tally);
        }
        for line in &gone.lines {
            if let Some(pictures) = &self.pictures {
                pictures.lines.remove(line);
            }
            if let Some(closed) = line.close() {
                let _ = closed.recv_timeout(CLOSE);
            }
        }
        for branch in &gone.branches {
            self.sound.remove(branch);
            branch.close(CLOSE);
        }
    }

    /// Lets out what was held back, and goes on with the counters.
    fn hand_over(&self, left: &Shift, coming: &Shift) {
        for line in &coming.lines {
            if let Some(before) = left.lines.iter().find(|one| one.id() == line.id()) {
                line.tally().go_on(before.tally());
            }
            line.release();
        }
        for branch in &coming.branches {
            if let Some(before) = left.branches.iter().find(|one| one.id() == branch.id()) {
                branch.tally().go_on(before.tally());
            }
            branch.release();
        }
    }

    /// Time of the newest picture or sound that was pushed.
    fn newest(&self) -> MediaTime {
        MediaTime::from_nanos(self.newest.load(std::sync::atomic::Ordering::Relaxed))
    }
}
