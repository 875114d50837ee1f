//! Sound against picture. Pure.
//!
//! The picture says which UTC it shows at a timestamp; the sound ticks at whole UTC seconds. Where the tick's timestamp
//! falls on the picture's UTC, minus the nearest whole second, is how late the sound is.

use super::recording::{Pictures, Recording};
use super::report::AvOffset;

const SECOND: i128 = 1_000_000_000;
/// Pictures this near to a tick tell its time.
const NEAR: u64 = 1_500_000_000;

/// Measures every tick of the first stream with ticks against the first stream with marks; `now_ms` is any time within
/// 17 years of the marks.
pub(crate) fn av_offset(recordings: &[Recording], now_ms: u64) -> Option<AvOffset> {
    let (sound, ticks) = recordings.iter().find_map(|recording| {
        Some((recording, &recording.sound.as_ref().filter(|sound| !sound.ticks.is_empty())?.ticks))
    })?;
    let (picture, pictures) = recordings.iter().find_map(|recording| {
        let pictures = recording.pictures.as_ref()?;
        pictures.seen.iter().any(|seen| seen.mark.is_some()).then_some((recording, pictures))
    })?;
    let mut offsets: Vec<f64> = ticks.iter().filter_map(|&tick| offset(tick, pictures, now_ms)).collect();
    offsets.sort_unstable_by(f64::total_cmp);
    Some(AvOffset {
        picture: picture.name.clone(),
        sound: sound.name.clone(),
        ticks: offsets.len() as u64,
        min_ms: *offsets.first()?,
        median_ms: *offsets.get(offsets.len() / 2)?,
        max_ms: *offsets.last()?,
    })
}

fn offset(tick: u64, pictures: &Pictures, now_ms: u64) -> Option<f64> {
    // UTC minus timestamp, according to each picture around the tick. The median of them ignores a stray repeat.
    let mut shifts: Vec<i128> = pictures
        .seen
        .iter()
        .filter(|seen| seen.pts.abs_diff(tick) <= NEAR)
        .filter_map(|seen| {
            // A mark holds whole milliseconds, rounded down: on average the time is half a millisecond later.
            let utc = i128::from(seen.mark?.utc_ms_near(now_ms)) * 1_000_000 + 500_000;
            Some(utc - i128::from(seen.pts))
        })
        .collect();
    shifts.sort_unstable();
    let utc = i128::from(tick) + shifts.get(shifts.len() / 2)?;
    let late = (utc + SECOND / 2).rem_euclid(SECOND) - SECOND / 2;
    Some(late as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineup::Mark;
    use crate::measure::recording::{Seen, SoundTrack};

    const NOW_MS: u64 = 1_763_683_200_000;

    fn measured(shift_ms: i64) -> AvOffset {
        // Timestamps begin at 10 s, UTC somewhere within a second.
        let seen = (0..150)
            .map(|i| {
                let at = i * 1_000_000_000 / 30;
                Seen { pts: 10_000_000_000 + at, mark: Some(Mark::new(i, NOW_MS + 250 + at / 1_000_000)) }
            })
            .collect();
        let ticks = (0..4).map(|i| (10_750 + i * 1000u64).checked_add_signed(shift_ms).unwrap() * 1_000_000).collect();
        let recording = Recording {
            pictures: Some(Pictures { seen, ..Default::default() }),
            sound: Some(SoundTrack { rate: 48_000, ticks, ..Default::default() }),
            ..Default::default()
        };
        av_offset(&[recording], NOW_MS + 86_400_000).unwrap()
    }

    #[test]
    fn late_sound_is_positive_and_early_sound_negative() {
        for shift in [-450, -80, 0, 45, 80, 450] {
            let offset = measured(shift);
            assert!((offset.median_ms - shift as f64).abs() <= 1.0, "{shift}: {offset:?}");
            assert!(offset.max_ms - offset.min_ms < 1.0);
        }
    }
}
