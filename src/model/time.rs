//! Media time and the three epoch grids: frames, samples, segments.
//!
//! Media time is UTC on the house clock, in nanoseconds since the Unix epoch. It *is* the timestamp of every program
//! buffer, so that segments, events and comments need no conversion. All grids begin at the epoch: two boxes with
//! synchronised clocks cut at the same instants (DASH-IF Live Media Ingest, "segment = K × duration since epoch").

use std::fmt;
use std::ops::Add;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::units::FrameRate;

const NANOS: u128 = 1_000_000_000;

/// Nanoseconds since the Unix epoch, UTC. Serialised as RFC 3339 with nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MediaTime(u64);

impl MediaTime {
    /// From nanoseconds since the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// From whole seconds since the epoch.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * 1_000_000_000)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// From the system's wall clock. Pure code takes this as an argument.
    pub fn from_system(time: std::time::SystemTime) -> Self {
        Self(time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos() as u64)
    }

    /// `self − earlier`, zero if `earlier` is later.
    pub fn since(self, earlier: MediaTime) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Seconds since the epoch, for display and comparison only.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// RFC 3339 with milliseconds, as EXT-X-PROGRAM-DATE-TIME wants it (rfc8216bis 4.4.4.6).
    pub fn rfc3339_millis(self) -> String {
        // Rounded to the nearest millisecond: the grids round up by less than a nanosecond.
        let millis = (self.0 + 500_000) / 1_000_000;
        match jiff::Timestamp::from_millisecond(millis as i64) {
            Ok(timestamp) => format!("{timestamp:.3}"),
            Err(_) => "9999-12-31T23:59:59.999Z".to_owned(),
        }
    }
}

impl Add<Duration> for MediaTime {
    type Output = MediaTime;
    fn add(self, rhs: Duration) -> MediaTime {
        MediaTime(self.0.saturating_add(rhs.as_nanos() as u64))
    }
}

impl fmt::Display for MediaTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339_millis())
    }
}

impl fmt::Debug for MediaTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339_millis())
    }
}

impl Serialize for MediaTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(timestamp) => serializer.collect_str(&timestamp),
            Err(error) => Err(serde::ser::Error::custom(error)),
        }
    }
}

impl<'de> Deserialize<'de> for MediaTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let timestamp = jiff::Timestamp::deserialize(deserializer)?;
        u64::try_from(timestamp.as_nanosecond()).map(Self).map_err(|_| serde::de::Error::custom("a time before 1970"))
    }
}

impl schemars::JsonSchema for MediaTime {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MediaTime".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date-time"})
    }
}

/// `index × den / num` seconds in nanoseconds, rounded up: the start of the index-th cell of a grid that begins at the
/// epoch. Rounded up, so that a muxer which rounds a timestamp down to its own timescale lands on the exact index.
fn cell_start(index: u64, num: u64, den: u64) -> MediaTime {
    MediaTime((u128::from(index) * u128::from(den) * NANOS).div_ceil(u128::from(num)) as u64)
}

/// The cell that holds `time`.
fn cell_at(time: MediaTime, num: u64, den: u64) -> u64 {
    (u128::from(time.0) * u128::from(num) / (u128::from(den) * NANOS)) as u64
}

/// The ticks of the house clock: frame k is at k / rate since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameGrid {
    rate: FrameRate,
}

impl FrameGrid {
    /// A grid of `rate`.
    pub fn new(rate: FrameRate) -> Self {
        Self { rate }
    }

    /// The frame rate.
    pub fn rate(self) -> FrameRate {
        self.rate
    }

    /// The frame on air at `time`.
    pub fn index_at(self, time: MediaTime) -> u64 {
        cell_at(time, self.rate.num().into(), self.rate.den().into())
    }

    /// When frame `index` begins.
    pub fn time_of(self, index: u64) -> MediaTime {
        cell_start(index, self.rate.num().into(), self.rate.den().into())
    }

    /// The first frame at or after `time`.
    pub fn index_from(self, time: MediaTime) -> u64 {
        let index = self.index_at(time);
        if self.time_of(index) >= time { index } else { index + 1 }
    }
}

/// Samples per channel since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleGrid {
    rate: u32,
}

impl SampleGrid {
    /// A grid of `rate` samples per second.
    pub fn new(rate: u32) -> Self {
        Self { rate }
    }

    /// The sample playing at `time`.
    pub fn index_at(self, time: MediaTime) -> u64 {
        cell_at(time, self.rate.into(), 1)
    }

    /// When sample `index` begins.
    pub fn time_of(self, index: u64) -> MediaTime {
        cell_start(index, self.rate.into(), 1)
    }
}

/// Segments: number n covers [n × duration, (n + 1) × duration) since the epoch and is its media sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct SegmentGrid {
    millis: u32,
}

impl SegmentGrid {
    /// Segments of `millis` milliseconds, 500 to 10,000.
    pub fn new(millis: u32) -> Option<Self> {
        (500..=10_000).contains(&millis).then_some(Self { millis })
    }

    /// Nominal duration of a segment.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.millis.into())
    }

    /// The segment that `time` falls into.
    pub fn number_at(self, time: MediaTime) -> u64 {
        time.0 / (u64::from(self.millis) * 1_000_000)
    }

    /// When segment `number` begins.
    pub fn start_of(self, number: u64) -> MediaTime {
        MediaTime(number.saturating_mul(u64::from(self.millis) * 1_000_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn program_date_time_has_milliseconds() {
        let time = MediaTime::from_nanos(1_700_000_000_033_333_334);
        assert_eq!(time.rfc3339_millis(), "2023-11-14T22:13:20.033Z");
    }

    #[test]
    fn media_time_survives_json_to_the_nanosecond() {
        let time = MediaTime::from_nanos(1_700_000_000_033_333_334);
        let text = serde_json::to_string(&time).unwrap();
        assert_eq!(serde_json::from_str::<MediaTime>(&text).unwrap(), time);
    }

    #[test]
    fn whole_rates_put_a_frame_on_every_segment_boundary() {
        let frames = FrameGrid::new(FrameRate::new(50, 1).unwrap());
        let segments = SegmentGrid::new(2000).unwrap();
        let boundary = segments.start_of(segments.number_at(MediaTime::from_secs(1_763_000_001)) + 1);
        assert_eq!(frames.time_of(frames.index_from(boundary)), boundary);
    }

    proptest! {
        #[test]
        fn a_cell_begins_where_its_index_says(secs in 0u64..4_000_000_000, nanos in 0u64..1_000_000_000,
                                              rate in prop::sample::select(vec![(24000, 1001), (25, 1), (30000, 1001), (50, 1), (60000, 1001), (60, 1)])) {
            let grid = FrameGrid::new(FrameRate::new(rate.0, rate.1).unwrap());
            let time = MediaTime::from_nanos(secs * 1_000_000_000 + nanos);
            let index = grid.index_from(time);
            prop_assert!(grid.time_of(index) >= time);
            prop_assert!(index == 0 || grid.time_of(index - 1) < time);
            prop_assert_eq!(grid.index_at(grid.time_of(index)), index);
        }

        #[test]
        fn samples_round_trip(index in 0u64..200_000_000_000_000) {
            let grid = SampleGrid::new(48_000);
            prop_assert_eq!(grid.index_at(grid.time_of(index)), index);
        }
    }
}
