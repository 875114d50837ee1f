//! The multivariant playlist: told once every rendition can be played, and again when what was measured has moved.

use std::time::{Duration, Instant};

use crate::hls::{AudioRendition, MultivariantPlaylist, SegmentRates, Variant};
use crate::model::BitRate;
use crate::spool::Spool;

use super::description::PushDescription;
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
    text: Option<String>,
    first_playable: Option<Instant>,
}

impl Ladder {
    /// The text that the multivariant playlist should have now.
    pub(crate) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Looks at the lanes anew.
    pub(crate) fn refresh(&mut self, description: &PushDescription, lanes: &[Lane], spool: &Spool, now: Instant) {
        let known: Vec<Option<Known>> = lanes.iter().map(|lane| measure(description, lane, spool)).collect();
        if known.iter().all(Option::is_none) {
            return;
        }
        let first = *self.first_playable.get_or_insert(now);
        let patience: Duration = description.grid.duration() * PATIENCE;
        let complete = known.iter().all(Option::is_some);
        if (!complete && now.saturating_duration_since(first) < patience) || !self.moved(&known) {
            return;
        }
        self.text = Some(playlist(description, &known).to_string());
        self.told = known;
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
    let codec = spool.codec(&lane.id, init)?;
    let sizes: Vec<(u64, Duration)> =
        lane.recent(MEASURED).iter().map(|segment| (segment.bytes, segment.duration)).collect();
    let (wanted, most) = wanted_rates(description, lane);
    let measured = SegmentRates::measure(&sizes, description.grid.duration());
    let average = measured.map_or(wanted, |rates| rates.average);
    let peak = measured.map_or(most, |rates| rates.peak.max(most)).max(average);
    Some(Known { codec, peak, average })
}

fn wanted_rates(description: &PushDescription, lane: &Lane) -> (BitRate, BitRate) {
    let video = description.video.iter().find(|video| video.id == lane.id);
    let audio = description.audio.iter().find(|audio| audio.id == lane.id);
    match (video, audio) {
        (Some(video), _) => (video.bitrate, video.max_bitrate),
        (None, Some(audio)) => (audio.bitrate, audio.bitrate),
        (None, None) => (BitRate(0), BitRate(0)),
    }
}

fn playlist(description: &PushDescription, known: &[Option<Known>]) -> MultivariantPlaylist {
    // Lanes are in the order of the description: video, then audio.
    let (video, audio) = known.split_at(description.video.len().min(known.len()));
    let video = description.video.iter().zip(video).filter_map(|(video, known)| {
        let Known { codec, peak, average } = known.clone()?;
        Some(Variant { id: video.id.clone(), size: video.size, frame_rate: video.frame_rate, codec, peak, average })
    });
    let audio = description.audio.iter().zip(audio).filter_map(|(audio, known)| {
        let Known { codec, peak, average } = known.clone()?;
        let (id, name, language) = (audio.id.clone(), audio.name.clone(), audio.language.clone());
        Some(AudioRendition { id, name, language, channels: audio.channels, codec, peak, average })
    });
    MultivariantPlaylist { video: video.collect(), audio: audio.collect() }
}
