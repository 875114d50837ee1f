//! Video renditions: a line for each, and the pictures that are kept for those that may fail.

use std::sync::Arc;

use gstreamer as gst;

use super::chain::Setting;
use super::ledger::Ledger;
use super::line::Line;
use super::recent::Recent;
use super::watch::Notes;
use crate::media::MediaError;
use crate::model::{LiveTimeline, MediaTime, PartPace, ProgramFormat};
use crate::plan::VideoRenditionPlan;

/// The video part of a graph.
pub(super) struct Pictures {
    pub lines: Vec<Arc<Line>>,
    recent: Arc<Recent>,
}

/// Builds every line.
pub(super) fn build(
    program: &ProgramFormat,
    parts: Option<PartPace>,
    timeline: &LiveTimeline,
    renditions: &[VideoRenditionPlan],
    ledger: &Arc<Ledger>,
    notes: &Notes,
) -> Result<Pictures, MediaError> {
    let recent = Arc::new(Recent::new(program));
    let line = |(index, rendition): (usize, &VideoRenditionPlan)| {
        let setting = Setting {
            program: *program,
            parts,
            timeline: timeline.clone(),
            rendition: rendition.clone(),
            tally: ledger.enter(&rendition.id),
            ledger: Arc::clone(ledger),
            notes: notes.clone(),
        };
        Line::new(index, setting, &recent)
    };
    let lines = renditions.iter().enumerate().map(line).collect::<Result<_, _>>()?;
    Ok(Pictures { lines, recent })
}

impl Pictures {
    /// Gives a picture to every line; false where no more are taken.
    pub(super) fn push(&self, picture: &gst::Buffer) -> bool {
        let Some(time) = picture.pts().map(|pts| MediaTime::from_nanos(pts.nseconds())) else { return false };
        let needed = self.lines.iter().filter_map(|line| line.needs()).min();
        self.recent.push(time, picture, needed);
        // Each is asked, whatever the others say.
        self.lines.iter().map(|line| line.push(time, picture)).fold(false, |taken, this| taken | this)
    }
}
