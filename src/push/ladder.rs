//! The multivariant playlist: told once every rendition can be played, and again when what was measured has moved.

use std::time::{Duration, Instant};

use crate::hls::{AudioRendition, CaptionsOffer, MultivariantPlaylist, SegmentRates, TextRendition, Variant};
use crate::model::BitRate;
use crate::spool::Spool;

use super::description::{Medium, PushDescription};
use super::lane::Lane;

/// Segments that are measured.
const MEASURED: usize = 30;
/// A measured average has moved when it is off by more than this part of what was told.
const MOVED: f64 = 0.1;
/// A rendition that does not come is waited for this many segment durations; then players get the others.
const PATIENCE: u32 = 3;

/// What is known of a rendition.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    codec: String,
    peak: BitRate,
    average: BitRate,
}

/// The ladder as players are told.
#[derive(Debug, Default)]
pub(crate) struct Ladder {
    /// What was last decided to tell, by lane.
    told: Vec<Option<Known>>,
    /// Which of the lanes were not told, because the line does not carry them.
    hidden: Vec<bool>,
    text: Option<String>,
    first_playable: Option<Instant>,
}

impl Ladder {
    /// The text that the multivariant playlist should have now.
    pub(crate) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// There are other renditions: what was told stays until they can be played, or have been waited for.
    pub(crate) fn begin_again(&mut self) {
        (self.told, self.first_playable) = (Vec::new(), None);
    }

    /// Looks at the lanes anew.
    pub(crate) fn refresh(&mut self, description: &PushDescription, lanes: &[Lane], spool: &Spool, now: Instant) {
        let known: Vec<Option<Known>> = lanes.iter().map(|lane| measure(description, lane, spool)).collect();
        if known.iter().all(Option::is_none) {
            return;
        }
        let hidden: Vec<bool> = lanes.iter().map(|lane| lane.hidden).collect();
        let first = *self.first_playable.get_or_insert(now);
        let patience: Duration = description.grid.duration() * PATIENCE;
        let complete = known.iter().zip(&hidden).all(|(known, hidden)| known.is_some() || *hidden);
        let moved = self.moved(&known) || self.hidden != hidden;
        if (!complete && now.saturating_duration_since(first) < patience) || !moved {
            return;
        }
        let shown = known.iter().zip(&hidden).map(|(known, hidden)| known.clone().filter(|_| !hidden));
        self.text = Some(playlist(description, &shown.collect::<Vec<_>>()).to_string());
        (self.told, self.hidden) = (known, hidden);
    }

    fn moved(&self, known: &[Option<Known>]) -> bool {
        if self.told.len() != known.len() {
            return true;
        }
        self.told.iter().zip(known).any(|pair| match pair {
            (Some(told), Some(known)) => {
                let off = told.average.bps().abs_diff(known.average.bps()) as f64;
                told.codec != known.codec || known.peak > told.peak || off > MOVED * told.average.bps() as f64
            }
            (None, Some(_)) => true,
            // A rendition that has stopped stays in the list: players hold its playlist already.
            (_, None) => false,
        })
    }
}

/// None as long as players cannot have anything of `lane`.
fn measure(description: &PushDescription, lane: &Lane, spool: &Spool) -> Option<Known> {
    let init = &lane.last_acknowledged()?.init;
    let codec = spool.codec(&lane.id, lane.spool_init(init))?;
    let sizes: Vec<(u64, Duration)> =
        lane.recent(MEASURED).iter().map(|segment| (segment.bytes, segment.duration)).collect();
    let (wanted, most) = wanted_rates(description, lane);
    let measured = SegmentRates::measure(&sizes, description.grid.duration());
    // How much is said changes all the time; players are not told anew for the sake of some text.
    let measured_average = measured.filter(|_| lane.medium != Medium::Text).map(|rates| rates.average);
    let average = measured_average.unwrap_or(wanted);
    let peak = measured.map_or(most, |rates| rates.peak.max(most)).max(average);
    Some(Known { codec, peak, average })
}

fn wanted_rates(description: &PushDescription, lane: &Lane) -> (BitRate, BitRate) {
    let video = description.video.iter().find(|video| video.id == lane.id);
    let audio = description.audio.iter().find(|audio| audio.id == lane.id);
    match (video, audio) {
        (Some(video), _) => (video.bitrate, video.max_bitrate),
        (None, Some(audio)) => (audio.bitrate, audio.bitrate),
        // Text: about what roll-up captions take at a time when somebody speaks, and at most.
        (None, None) => (BitRate(4000), BitRate(16_000)),
    }
}

fn playlist(description: &PushDescription, known: &[Option<Known>]) -> MultivariantPlaylist {
    // Lanes are in the order of the description: video, then audio, then text.
    let (video, rest) = known.split_at(description.video.len().min(known.len()));
    let (audio, text) = rest.split_at(description.audio.len().min(rest.len()));
    let video = description.video.iter().zip(video).filter_map(|(video, known)| {
        let Known { codec, peak, average } = known.clone()?;
        Some(Variant { id: video.id.clone(), size: video.size, frame_rate: video.frame_rate, codec, peak, average })
    });
    let audio = description.audio.iter().zip(audio).filter_map(|(audio, known)| {
        let Known { codec, peak, average } = known.clone()?;
        let (id, name, language) = (audio.id.clone(), audio.name.clone(), audio.language.clone());
        Some(AudioRendition { id, name, language, channels: audio.channels, codec, peak, average })
    });
    let text = text.first().cloned().flatten();
    let captions = description.captions.as_ref().map(|captions| CaptionsOffer {
        name: captions.name.clone(),
        language: captions.language.clone(),
        text: captions.text.clone().zip(text).map(|(id, Known { peak, average, .. })| TextRendition {
            id,
            peak,
            average,
        }),
    });
    MultivariantPlaylist { video: video.collect(), audio: audio.collect(), captions }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(average: u64) -> Option<Known> {
        Some(Known { codec: "avc1.64001f".to_owned(), peak: BitRate(5_000_000), average: BitRate(average) })
    }

    #[test]
    fn players_are_told_of_what_moved_only() {
        let ladder = Ladder { told: vec![known(3_000_000), known(1_000_000)], ..Ladder::default() };
        assert!(!ladder.moved(&[known(3_000_000), known(1_090_000)]));
        assert!(ladder.moved(&[known(3_000_000), known(1_200_000)]));
        assert!(ladder.moved(&[known(2_500_000), known(1_000_000)]));
        assert!(!ladder.moved(&[known(3_000_000), None]), "a rendition that stopped stays in the list");
        let mut peaked = known(3_000_000);
        if let Some(known) = &mut peaked {
            known.peak = BitRate(6_000_000);
        }
        assert!(ladder.moved(&[peaked, known(1_000_000)]), "BANDWIDTH must not be below the peak");
    }

    #[test]
    fn a_rendition_that_comes_late_is_told() {
        let ladder = Ladder { told: vec![known(3_000_000), None], ..Ladder::default() };
        assert!(ladder.moved(&[known(3_000_000), known(1_000_000)]));
    }
}
