//! Cues and timed metadata of a channel on air: placed on its timeline, which encoders and destinations look at.

use std::time::Duration;

use super::channel::Channel;
use crate::model::cue::{CueAsk, CuePlaced};
use crate::model::timed::MetadataAsk;
use crate::model::{Acted, Event, EventCode, MediaTime, Severity, Timeline};

impl Channel {
    /// Places a cue or takes it back; answers with its frame.
    pub(super) fn cue(&mut self, ask: &CueAsk) -> Result<Acted, String> {
        let now = self.clock.now();
        let (timeline, placed) = self.timeline.get().cue(ask, now).map_err(|refusal| refusal.to_string())?;
        let point = match (ask, placed.back) {
            (CueAsk::In { .. }, Some(back)) => back,
            _ => placed.out,
        };
        let text = said(ask, &placed);
        if placed.changed {
            self.retime(timeline, now);
            (self.events)(Event::new(now, Severity::Info, EventCode::CuePlaced, text.clone()).subject(&placed.id));
        }
        let detail = serde_json::to_value(&placed).map_err(|error| error.to_string())?;
        let cued = placed.changed.then(|| Box::new(self.live.cued.clone()));
        Ok(Acted {
            text,
            at: Some(point.at),
            frame: Some(point.frame),
            detail: Some(detail),
            cued,
            unchanged: !placed.changed,
        })
    }

    /// Places timed metadata; answers with its frame.
    pub(super) fn describe(&mut self, ask: &MetadataAsk) -> Result<Acted, String> {
        let now = self.clock.now();
        let (timeline, placed) = self.timeline.get().describe(ask, now).map_err(|refusal| refusal.to_string())?;
        if placed.changed {
            self.retime(timeline, now);
        }
        let text = format!("metadata {} is at {}, in segment {}", placed.id, placed.at, placed.segment);
        let detail = serde_json::to_value(&placed).map_err(|error| error.to_string())?;
        let cued = placed.changed.then(|| Box::new(self.live.cued.clone()));
        Ok(Acted {
            text,
            at: Some(placed.at),
            frame: Some(placed.frame),
            detail: Some(detail),
            cued,
            unchanged: !placed.changed,
        })
    }

    /// Puts `timeline` in force, without what playlists no longer tell.
    fn retime(&mut self, timeline: Timeline, now: MediaTime) {
        let window = self.plan.segments.duration() * self.plan.spool.playlist_segments + Duration::from_secs(60);
        let past = MediaTime::from_nanos(now.as_nanos().saturating_sub(window.as_nanos() as u64));
        let timeline = timeline.forget(past);
        self.live.cued = timeline.cued().clone();
        self.timeline.set(timeline);
    }
}

fn said(ask: &CueAsk, placed: &CuePlaced) -> String {
    let (id, out) = (&placed.id, placed.out);
    match (ask, placed.back) {
        (CueAsk::Cancel { .. }, _) => format!("the break {id} at {} was taken back", out.at),
        (CueAsk::In { .. }, Some(back)) => {
            format!(
                "the break {id} ends with frame {} at {}, which begins segment {}",
                back.frame, back.at, back.segment
            )
        }
        (_, back) => {
            let until = back.map_or_else(String::new, |back| format!(", until {}", back.at));
            format!(
                "the break {id} begins with frame {} at {}, which begins segment {}{until}",
                out.frame, out.at, out.segment
            )
        }
    }
}
