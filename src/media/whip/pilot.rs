//! Steers an endpoint's own encoder by what its peer reports: its bit rate, and keyframes.

use std::sync::Arc;
use std::time::Instant;

use super::ledger::Heard;
use crate::media::encode::Solo;
use crate::model::BitRate;
use crate::plan::WhipPlan;
use crate::policy::{Bottleneck, Congestion, Feedback};

/// See the module's header.
pub(super) struct Pilot {
    encoder: Arc<Solo>,
    congestion: Congestion,
    /// What the sound takes of a receiver's bound, bit/s.
    sound: u64,
    /// At the last report: when, bytes sent and arrived.
    last: Option<(Instant, u64, u64)>,
}

/// Where the bit rate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Course {
    pub(super) bitrate: BitRate,
    pub(super) bottleneck: Option<Bottleneck>,
}

impl Pilot {
    /// None for an endpoint whose pictures are not its own.
    pub(super) fn new(plan: &WhipPlan, encoder: Option<Arc<Solo>>) -> Option<Self> {
        let (own, encoder) = plan.own.as_ref().zip(encoder)?;
        let congestion = Congestion::new(own.floor, own.rendition.bitrate);
        encoder.set_bitrate(congestion.rate());
        let sound = plan.sound.as_ref().map_or(0, |sound| sound.bitrate.bps());
        Some(Self { encoder, congestion, sound, last: None })
    }

    /// The peer has reported.
    pub(super) fn heard(&mut self, heard: &Heard, now: Instant) {
        if let Some(most) = heard.most {
            // A twentieth is for headers and what is sent again.
            self.congestion.bounded(BitRate((most - most / 20).saturating_sub(self.sound)));
        }
        // Without news it tells nothing: the machine sees to a line that is cut.
        if let Some(loss) = heard.loss.filter(|_| heard.news && heard.round_trip.is_some()) {
            let rates = self.last.map(|last| rates(last, (now, heard.sent, heard.received), loss));
            self.last = Some((now, heard.sent, heard.received));
            let feedback = Feedback {
                loss,
                round_trip: heard.round_trip,
                sent: rates.map(|(sent, _)| sent),
                arrived: rates.map(|(_, arrived)| arrived),
            };
            self.congestion.heard(feedback, now);
        }
        self.encoder.set_bitrate(self.congestion.rate());
    }

    /// The peer cannot go on without a keyframe.
    pub(super) fn ask_keyframe(&self) {
        self.encoder.ask_keyframe();
    }

    /// The session is over, or nothing is sent for a while.
    pub(super) fn over(&mut self) {
        self.last = None;
        self.congestion.over();
        self.encoder.set_bitrate(self.congestion.rate());
    }

    pub(super) fn course(&self) -> Course {
        Course { bitrate: self.congestion.rate(), bottleneck: self.congestion.bottleneck() }
    }

    /// Why there are no pictures.
    pub(super) fn trouble(&self) -> Option<String> {
        self.encoder.trouble()
    }
}

/// What was sent and what arrived, between two reports.
fn rates(last: (Instant, u64, u64), now: (Instant, u64, u64), loss: f64) -> (BitRate, BitRate) {
    let seconds = now.0.saturating_duration_since(last.0).as_secs_f64().max(0.001);
    let rate = |from: u64, to: u64| to.saturating_sub(from) as f64 * 8.0 / seconds;
    (BitRate(rate(last.1, now.1) as u64), BitRate((rate(last.2, now.2) * (1.0 - loss)) as u64))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn rates_are_what_came_between_two_reports_without_what_was_lost() {
        let start = Instant::now();
        let now = start + Duration::from_millis(500);
        let (sent, arrived) = rates((start, 1000, 500), (now, 101_000, 50_500), 0.25);
        assert_eq!((sent, arrived), (BitRate(1_600_000), BitRate(600_000)));
    }
}
