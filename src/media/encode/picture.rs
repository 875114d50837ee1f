//! Video renditions: a line for each, and the pictures that are kept for those that may fail.

use std::sync::Arc;

use gstreamer as gst;

use super::chain::Setting;
use super::line::Line;
use super::lines::Lines;
use super::parts::Parts;
use super::recent::Recent;
use crate::media::MediaError;
use crate::model::MediaTime;
use crate::plan::VideoRenditionPlan;

/// The video part of a graph.
pub(super) struct Pictures {
    pub lines: Lines,
    recent: Arc<Recent>,
}

impl Pictures {
    /// Builds every line.
    pub(super) fn build(parts: &Parts, renditions: &[VideoRenditionPlan]) -> Result<Self, MediaError> {
        let pictures = Self { lines: Lines::default(), recent: Arc::new(Recent::new(&parts.program)) };
        let lines = renditions.iter().map(|rendition| pictures.line(parts, rendition, false));
        pictures.lines.add(lines.collect::<Result<Vec<_>, _>>()?);
        Ok(pictures)
    }

    /// Builds a line, which gets no pictures yet; what it encodes may be `held`.
    pub(super) fn line(
        &self,
        parts: &Parts,
        rendition: &VideoRenditionPlan,
        held: bool,
    ) -> Result<Arc<Line>, MediaError> {
        let setting = Setting {
            program: parts.program,
            pace: parts.pace,
            timeline: parts.timeline.clone(),
            rendition: rendition.clone(),
            tally: parts.ledger.enter(&rendition.id),
            ledger: Arc::clone(&parts.ledger),
            notes: parts.notes.clone(),
            beside: Arc::clone(&parts.beside),
        };
        let tally = Arc::clone(&setting.tally);
        Line::new(self.lines.number(), setting, &self.recent, held).inspect_err(|_| parts.ledger.leave(&tally))
    }

    /// Gives a picture to every line; false where no more are taken.
    pub(super) fn push(&self, picture: &gst::Buffer) -> bool {
        let Some(time) = picture.pts().map(|pts| MediaTime::from_nanos(pts.nseconds())) else { return false };
        let lines = self.lines.get();
        let needed = lines.iter().filter_map(|line| line.needs()).min();
        self.recent.push(time, picture, needed);
        // Each is asked, whatever the others say.
        lines.iter().map(|line| line.push(time, picture)).fold(false, |taken, this| taken | this)
    }
}
