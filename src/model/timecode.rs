//! Timecode of SMPTE ST 12-1: media time ↔ hours, minutes, seconds, frames since midnight.
//!
//! Drop-frame where frames are 1000/1001 of a whole rate of 30 or 60 (labels 0 and 1, at 60 0 to 3, are left out at each
//! minute that is not a tenth); all other rates count every frame, at 24000/1001 therefore slower than the clock. At
//! midnight the count begins anew with the first frame of the day.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::time::{FrameGrid, MediaTime};
use super::units::FrameRate;

const DAY: i128 = 86_400_000_000_000;

/// Whose midnight timecode counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimecodeDay {
    /// UTC.
    #[default]
    Utc,
    /// The box's time zone.
    Local,
    /// None of them: the source on air counts. UTC's while its pictures carry no timecode.
    Source,
}

/// A label of a frame. Written `HH:MM:SS:FF`, drop-frame `HH:MM:SS;FF`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timecode {
    hours: u32,
    minutes: u32,
    seconds: u32,
    frames: u32,
    drop: bool,
}

/// A text that is no timecode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a timecode such as 10:00:00:00 (drop-frame: 10:00:00;00)")]
pub struct NotATimecode(pub String);

/// Labels per second.
fn nominal(rate: FrameRate) -> u64 {
    u64::from(rate.num().div_ceil(rate.den()))
}

/// Labels left out per minute where `rate` has drop-frame timecode.
fn dropped(rate: FrameRate) -> u64 {
    let nominal = nominal(rate);
    if rate.den() == 1001 && nominal.is_multiple_of(30) { nominal / 15 } else { 0 }
}

/// Whether `rate` has drop-frame timecode.
pub fn is_drop_frame(rate: FrameRate) -> bool {
    dropped(rate) > 0
}

/// How labels are given to frames.
#[derive(Debug, Clone, Copy)]
struct Counting {
    /// Labels per second, and those left out per minute.
    nominal: u64,
    dropped: u64,
}

impl Counting {
    /// As the standard wants it.
    fn of(rate: FrameRate) -> Self {
        Self { nominal: nominal(rate), dropped: dropped(rate) }
    }

    /// As a source does it, which may leave none out.
    fn like(label: Timecode, rate: FrameRate) -> Self {
        Self { dropped: if label.drop { dropped(rate) } else { 0 }, ..Self::of(rate) }
    }

    /// Frames that have a label of their own in 24 hours.
    fn per_day(self) -> u64 {
        24 * 3600 * self.nominal - 24 * 54 * self.dropped
    }

    fn label(self, count: u64) -> Timecode {
        let Self { nominal, dropped } = self;
        let count = count % self.per_day();
        // Ten minutes, of which nine lose labels.
        let (tens, rest) = (count / (600 * nominal - 9 * dropped), count % (600 * nominal - 9 * dropped));
        let minute = 60 * nominal - dropped;
        // The first of ten minutes keeps all its labels.
        let minutes = if rest < 60 * nominal { 0 } else { (rest - dropped) / minute };
        let label = count + 9 * dropped * tens + dropped * minutes;
        let seconds = label / nominal;
        Timecode {
            hours: (seconds / 3600) as u32,
            minutes: (seconds / 60 % 60) as u32,
            seconds: (seconds % 60) as u32,
            frames: (label % nominal) as u32,
            drop: dropped > 0,
        }
    }

    fn count(self, label: Timecode) -> Option<u64> {
        let Self { nominal, dropped } = self;
        let [hours, minutes, seconds, frames] =
            [label.hours, label.minutes, label.seconds, label.frames].map(u64::from);
        let left_out = seconds == 0 && !minutes.is_multiple_of(10) && frames < dropped;
        if hours > 23 || minutes > 59 || seconds > 59 || frames >= nominal || left_out {
            return None;
        }
        let total = hours * 60 + minutes;
        Some((total * 60 + seconds) * nominal + frames - dropped * (total - total / 10))
    }
}

impl Timecode {
    /// The label of frame `count` of a day; it begins anew behind 23:59:59.
    pub fn of_count(count: u64, rate: FrameRate) -> Self {
        Counting::of(rate).label(count)
    }

    /// Which frame of a day has this label; none where `rate` has no such label.
    pub fn count(self, rate: FrameRate) -> Option<u64> {
        Counting::of(rate).count(self)
    }

    /// What a source with `labels` a second (0: as many as the program) has put on a picture, in the labels of a program
    /// of `rate`. None where that has no such label.
    pub fn of_source(
        [hours, minutes, seconds, frames]: [u32; 4],
        drop: bool,
        labels: u32,
        rate: FrameRate,
    ) -> Option<Self> {
        let frames = u64::from(frames);
        let frames = (frames * nominal(rate)).checked_div(labels.into()).unwrap_or(frames);
        let frames = u32::try_from(frames).ok()?;
        let label = Self { hours, minutes, seconds, frames, drop: drop && is_drop_frame(rate) };
        Counting::like(label, rate).count(label).map(|_| label)
    }

    /// The label `frames` later, counted as this one is.
    pub fn later(self, frames: u64, rate: FrameRate) -> Self {
        let counting = Counting::like(self, rate);
        counting.count(self).map_or(self, |count| counting.label(count + frames))
    }

    /// Whether labels are left out.
    pub fn is_drop_frame(self) -> bool {
        self.drop
    }
}

impl fmt::Display for Timecode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.drop { ';' } else { ':' };
        write!(f, "{:02}:{:02}:{:02}{mark}{:02}", self.hours, self.minutes, self.seconds, self.frames)
    }
}

impl FromStr for Timecode {
    type Err = NotATimecode;

    fn from_str(text: &str) -> Result<Self, NotATimecode> {
        let bad = || NotATimecode(text.chars().take(40).collect());
        let drop = text.contains([';', '.']);
        let fields: Vec<&str> = text.split([':', ';', '.']).collect();
        let whole =
            fields.iter().all(|field| (2..=3).contains(&field.len()) && field.bytes().all(|b| b.is_ascii_digit()));
        let numbers: Vec<u32> = fields.iter().filter_map(|field| field.parse().ok()).collect();
        match numbers[..] {
            [hours, minutes, seconds, frames] if whole => Ok(Self { hours, minutes, seconds, frames, drop }),
            _ => Err(bad()),
        }
    }
}

/// The timecode of a programme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimecodeClock {
    frames: FrameGrid,
    /// Local time minus UTC, nanoseconds.
    offset: i128,
}

impl TimecodeClock {
    /// Timecode of frames of `rate`, counted from midnight where clocks show `offset_seconds` more than UTC.
    pub fn new(rate: FrameRate, offset_seconds: i32) -> Self {
        Self { frames: FrameGrid::new(rate), offset: i128::from(offset_seconds) * 1_000_000_000 }
    }

    /// The frame on air at `time`: its index since the epoch, its media time, its label.
    pub fn at(self, time: MediaTime) -> (u64, MediaTime, Timecode) {
        let frame = self.frames.index_at(time);
        let start = self.frames.time_of(frame);
        let first = self.first_of_day(self.day_of(start));
        (frame, start, Timecode::of_count(frame - first, self.frames.rate()))
    }

    /// The frame labelled `timecode` that is nearest to `near`; none where the rate has no such label.
    pub fn time_of(self, timecode: Timecode, near: MediaTime) -> Option<(u64, MediaTime)> {
        let count = timecode.count(self.frames.rate())?;
        let today = self.day_of(near);
        let candidates = (today - 1..=today + 1).map(|day| self.first_of_day(day) + count);
        let frame = candidates.min_by_key(|frame| self.frames.time_of(*frame).as_nanos().abs_diff(near.as_nanos()))?;
        Some((frame, self.frames.time_of(frame)))
    }

    fn day_of(self, time: MediaTime) -> i128 {
        (i128::from(time.as_nanos()) + self.offset).div_euclid(DAY)
    }

    fn first_of_day(self, day: i128) -> u64 {
        let midnight = (day * DAY - self.offset).clamp(0, i128::from(u64::MAX));
        self.frames.index_from(MediaTime::from_nanos(midnight as u64))
    }
}

/// The timecode of a programme that follows a source: by the label of one frame those of all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowedTimecode {
    frames: FrameGrid,
    /// A frame since the epoch, and its label.
    frame: u64,
    label: Timecode,
}

impl FollowedTimecode {
    /// Frame `frame` of a programme of `rate` is labelled so.
    pub fn new(rate: FrameRate, frame: u64, label: Timecode) -> Self {
        Self { frames: FrameGrid::new(rate), frame, label }
    }

    fn counting(self) -> Counting {
        Counting::like(self.label, self.frames.rate())
    }

    /// The frame on air at `time`: its index since the epoch, its media time, its label.
    pub fn at(self, time: MediaTime) -> (u64, MediaTime, Timecode) {
        let (frame, counting) = (self.frames.index_at(time), self.counting());
        let known = i128::from(counting.count(self.label).unwrap_or(0));
        let count = known + i128::from(frame) - i128::from(self.frame);
        let count = count.rem_euclid(i128::from(counting.per_day())) as u64;
        (frame, self.frames.time_of(frame), counting.label(count))
    }

    /// The frame labelled `timecode` that is nearest to `near`; none where there is no such label.
    pub fn time_of(self, timecode: Timecode, near: MediaTime) -> Option<(u64, MediaTime)> {
        let counting = self.counting();
        let (wanted, known) = (counting.count(timecode)?, counting.count(self.label)?);
        let (day, near) = (i128::from(counting.per_day()), i128::from(self.frames.index_at(near)));
        let first = i128::from(self.frame) + i128::from(wanted) - i128::from(known);
        // Behind or before `near`, whichever is closer.
        let behind = near + (first - near).rem_euclid(day);
        let frame = if behind - near > day / 2 { behind - day } else { behind };
        let frame = u64::try_from(frame).ok()?;
        Some((frame, self.frames.time_of(frame)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(text: &str) -> FrameRate {
        text.parse().unwrap()
    }

    /// Labels around the places where ST 12-1 leaves some out.
    #[test]
    fn drop_frame_leaves_out_what_the_standard_says() {
        let table = [
            ("30000/1001", 1799, "00:00:59;29"),
            ("30000/1001", 1800, "00:01:00;02"),
            ("30000/1001", 3597, "00:01:59;29"),
            ("30000/1001", 3598, "00:02:00;02"),
            ("30000/1001", 17_981, "00:09:59;29"),
            ("30000/1001", 17_982, "00:10:00;00"),
            ("30000/1001", 107_892, "01:00:00;00"),
            ("30000/1001", 2_589_407, "23:59:59;29"),
            ("30000/1001", 2_589_408, "00:00:00;00"),
            ("60000/1001", 3600, "00:01:00;04"),
            ("60000/1001", 35_964, "00:10:00;00"),
            ("60000/1001", 215_784, "01:00:00;00"),
            ("25", 1500, "00:01:00:00"),
            ("50", 49, "00:00:00:49"),
            ("24000/1001", 86_400, "01:00:00:00"),
            ("30", 108_000, "01:00:00:00"),
        ];
        for (text, count, label) in table {
            assert_eq!(Timecode::of_count(count, rate(text)).to_string(), label, "frame {count} at {text}");
            assert_eq!(
                label.parse::<Timecode>().unwrap().count(rate(text)),
                Some(count % Counting::of(rate(text)).per_day())
            );
        }
        for none in ["00:01:00;00", "00:01:00;01", "12:59:00;01", "24:00:00;00", "00:00:00;30", "00:60:00;00"] {
            assert_eq!(none.parse::<Timecode>().unwrap().count(rate("30000/1001")), None, "{none}");
        }
    }

    #[test]
    fn other_texts_are_no_timecode() {
        for bad in ["", "10:00:00", "1:2:3:4", "10:00:00:0x", "10:00:00:00:00", "-1:00:00:00", "10:00:00:1000"] {
            assert!(bad.parse::<Timecode>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_day_begins_with_its_first_frame() {
        // 2025-11-21T00:00:00Z.
        let midnight = MediaTime::from_secs(1_763_683_200);
        for text in ["30000/1001", "25", "50", "24000/1001", "60000/1001"] {
            let clock = TimecodeClock::new(rate(text), 0);
            let first = FrameGrid::new(rate(text)).index_from(midnight);
            let (frame, time, label) = clock.at(FrameGrid::new(rate(text)).time_of(first));
            assert_eq!((frame, label.count(rate(text))), (first, Some(0)), "{text}");
            assert!(time.since(midnight).as_nanos() < u128::from(rate(text).frame_nanos()) + 1);
            // What was on air a moment before belongs to the day before.
            let (_, _, before) = clock.at(MediaTime::from_nanos(midnight.as_nanos() - 1));
            assert!(before.hours == 23 || text.ends_with("1001"), "{text}: {before}");
        }
        let local = TimecodeClock::new(rate("25"), 3600);
        assert_eq!(local.at(midnight).2.to_string(), "01:00:00:00");
        assert_eq!(TimecodeClock::new(rate("25"), -5 * 3600).at(midnight).2.to_string(), "19:00:00:00");
    }

    #[test]
    fn drop_frame_keeps_to_the_clock() {
        let clock = TimecodeClock::new(rate("30000/1001"), 0);
        let (_, _, label) = clock.at(MediaTime::from_secs(1_763_683_200 + 12 * 3600));
        // 43 ms are gained in half a day: at most two frames.
        assert!(
            ["11:59:59;29", "12:00:00;00", "12:00:00;01", "12:00:00;02"].contains(&label.to_string().as_str()),
            "{label}"
        );
    }

    #[test]
    fn what_a_source_counts_is_written_in_the_labels_of_the_program() {
        let said = |fields, drop, labels, to: &str| {
            Timecode::of_source(fields, drop, labels, rate(to)).map(|label| label.to_string())
        };
        assert_eq!(said([10, 0, 0, 7], false, 25, "25").as_deref(), Some("10:00:00:07"));
        assert_eq!(said([10, 0, 0, 7], false, 25, "50").as_deref(), Some("10:00:00:14"));
        assert_eq!(said([10, 0, 0, 33], false, 50, "25").as_deref(), Some("10:00:00:16"));
        assert_eq!(said([10, 0, 0, 7], false, 0, "25").as_deref(), Some("10:00:00:07"));
        assert_eq!(said([10, 0, 0, 29], true, 30, "30000/1001").as_deref(), Some("10:00:00;29"));
        // A source may count without leaving labels out.
        assert_eq!(said([10, 1, 0, 0], false, 30, "30000/1001").as_deref(), Some("10:01:00:00"));
        assert_eq!(said([10, 1, 0, 0], true, 30, "30000/1001"), None);
        assert_eq!(said([10, 0, 0, 29], true, 30, "25").as_deref(), Some("10:00:00:24"));
        assert_eq!(said([25, 0, 0, 0], false, 25, "25"), None);
        let label: Timecode = "10:00:59;29".parse().unwrap();
        assert_eq!(label.later(1, rate("30000/1001")).to_string(), "10:01:00;02");
    }

    #[test]
    fn by_one_label_all_others_are_known() {
        // Frame 25 · t is labelled 23:59:59:24, which nobody's midnight says.
        let (start, rate) = (MediaTime::from_secs(1_763_700_000), rate("25"));
        let frame = FrameGrid::new(rate).index_at(start);
        let clock = FollowedTimecode::new(rate, frame, "23:59:59:24".parse().unwrap());
        assert_eq!(clock.at(start).2.to_string(), "23:59:59:24");
        assert_eq!(clock.at(MediaTime::from_secs(1_763_700_001)).2.to_string(), "00:00:00:24");
        assert_eq!(clock.at(MediaTime::from_secs(1_763_699_999)).2.to_string(), "23:59:58:24");
        let at = |label: &str, near| clock.time_of(label.parse().unwrap(), MediaTime::from_secs(near)).map(|one| one.0);
        assert_eq!(at("00:00:00:00", 1_763_700_000), Some(frame + 1));
        assert_eq!(at("00:00:00:00", 1_763_700_000 + 86_400), Some(frame + 1 + 86_400 * 25));
        assert_eq!(at("23:59:59:23", 1_763_700_010), Some(frame - 1));
        assert_eq!(at("00:00:00:25", 1_763_700_000), None);
    }

    proptest! {
        #[test]
        fn a_followed_label_leads_back_to_its_frame(secs in 1_000_000_000u64..4_000_000_000, away in -200_000i64..200_000,
                                                    count in 0u64..2_000_000, drop in any::<bool>(),
                                                    text in prop::sample::select(vec!["24000/1001", "25", "30000/1001", "50", "60000/1001"])) {
            let rate = rate(text);
            let label = Counting { dropped: if drop { dropped(rate) } else { 0 }, ..Counting::of(rate) }.label(count);
            let clock = FollowedTimecode::new(rate, FrameGrid::new(rate).index_at(MediaTime::from_secs(secs)), label);
            let time = MediaTime::from_secs(secs.saturating_add_signed(away));
            let (frame, start, found) = clock.at(time);
            prop_assert_eq!(clock.time_of(found, time), Some((frame, start)));
        }

        #[test]
        fn labels_and_frames_go_both_ways(secs in 1_000_000_000u64..4_000_000_000, nanos in 0u64..1_000_000_000, offset in -14i32..15,
                                          text in prop::sample::select(vec!["24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60"])) {
            let clock = TimecodeClock::new(rate(text), offset * 3600);
            let (frame, time, label) = clock.at(MediaTime::from_nanos(secs * 1_000_000_000 + nanos));
            let again: Timecode = label.to_string().parse().unwrap();
            prop_assert_eq!(again, label);
            let found = clock.time_of(label, time).unwrap();
            // Where drop-frame runs out of labels before midnight, the first ones of the day are used twice.
            let twice = label.count(rate(text)).unwrap() < 4;
            prop_assert!(twice || found == (frame, time), "{label}: {found:?}");
        }
    }
}
