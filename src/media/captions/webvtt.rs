//! WebVTT segments (W3C WebVTT; rfc8216bis 3.1.4): cues as text, and where they are on the media's timeline.
//!
//! Cue times are the UTC time of day. `X-TIMESTAMP-MAP` says which tick of the media's 90 kHz clock, modulo 2³³ as
//! players count it, midnight was; media time being UTC, that is a matter of arithmetic. It stays the same all day, unless
//! that clock begins anew, so that segments can be read one behind the other. A cue lies within its segment: what is
//! shown beyond it goes on in the next as a cue of its own, since at the end of a live segment nobody knows how long it
//! will be shown.

use std::fmt::Write;
use std::time::Duration;

use super::cues::Cue;
use super::screen::{COLUMNS, ROWS, Row};
use crate::model::MediaTime;

const DAY: u64 = 86_400;
const TICKS: u64 = 90_000;
/// Where the clock of MPEG-2 begins anew.
const WRAP: u64 = 1 << 33;

/// The segment that begins at `start`.
pub(crate) fn segment(start: MediaTime, cues: &[Cue]) -> String {
    let seconds = start.as_nanos() / 1_000_000_000;
    let midnight = MediaTime::from_secs(seconds - seconds % DAY);
    let (ticks, local) = mapping(seconds);
    let local = clock(Duration::from_secs(local));
    let mut text = format!("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:{ticks},LOCAL:{local}\n");
    for cue in cues {
        let (from, to) = (clock(cue.start.since(midnight)), clock(cue.end.since(midnight)));
        if from == to {
            continue;
        }
        for block in blocks(&cue.rows) {
            // Writing to a string does not fail.
            let _ = write!(text, "\n{from} --> {to} {}\n", place(block));
            for row in block {
                let _ = writeln!(text, "{}", escaped(&row.text));
            }
        }
    }
    text
}

/// A tick of the media's clock and the second of the day that it stands for: midnight or, once the clock has begun anew,
/// the first second after that. (It does so every 26.5 hours, so at most once a day.)
fn mapping(seconds: u64) -> (u64, u64) {
    let ticks = |seconds: u64| seconds * TICKS % WRAP;
    let day = seconds % DAY;
    let midnight = seconds - day;
    let anew = (WRAP - ticks(midnight)).div_ceil(TICKS);
    if day < anew { (ticks(midnight), 0) } else { (ticks(midnight + anew), anew) }
}

/// `hh:mm:ss.mmm`; more than 24 hours where a cue goes on past midnight.
fn clock(time: Duration) -> String {
    let millis = (time.as_nanos() + 500_000) / 1_000_000;
    let (seconds, minutes, hours) = (millis / 1000, millis / 60_000, millis / 3_600_000);
    format!("{hours:02}:{:02}:{:02}.{:03}", minutes % 60, seconds % 60, millis % 1000)
}

/// Rows that follow each other without an empty one between them.
fn blocks(rows: &[Row]) -> impl Iterator<Item = &[Row]> {
    rows.chunk_by(|above, below| below.row == above.row + 1)
}

/// Where a block stands: within the inner 80 % of the picture, as on a television.
fn place(block: &[Row]) -> String {
    let row = block.first().map_or(ROWS - 1, |row| row.row);
    let column = block.iter().map(|row| row.column).min().unwrap_or(0);
    let percent = |place: usize, of: usize| 10 + place * 80 / of;
    format!("line:{}% position:{}% align:start", percent(row, ROWS), percent(column, COLUMNS))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(row: usize, column: usize, text: &str) -> Row {
        Row { row, column, text: text.to_owned() }
    }

    #[test]
    fn a_segment_reads_like_this() {
        let start = MediaTime::from_secs(1_763_683_200 + 45_296);
        let later = |millis| start + Duration::from_millis(millis);
        let cues = [
            Cue { start, end: later(400), rows: vec![row(0, 0, "Top"), row(13, 4, "a < b & c"), row(14, 0, "--> d")] },
            Cue { start: later(400), end: later(400), rows: vec![row(14, 0, "never seen")] },
        ];
        insta::assert_snapshot!(segment(start, &cues), @r"
        WEBVTT
        X-TIMESTAMP-MAP=MPEGTS:74432,LOCAL:05:54:20.000

        12:34:56.000 --> 12:34:56.400 line:10% position:10% align:start
        Top

        12:34:56.000 --> 12:34:56.400 line:79% position:10% align:start
        a &lt; b &amp; c
        --&gt; d
        ");
        assert!(segment(start, &[]).starts_with("WEBVTT\nX-TIMESTAMP-MAP="), "an empty segment is one");
    }

    #[test]
    fn the_mapping_leads_to_media_time_whenever_the_clock_begins_anew() {
        let mut seen = std::collections::BTreeSet::new();
        for seconds in (1_763_683_200..1_763_683_200 + 30 * DAY).step_by(61) {
            let (ticks, local) = mapping(seconds);
            let day = seconds % DAY;
            assert!(ticks < WRAP && local <= day);
            assert_eq!(ticks + (day - local) * TICKS, seconds * TICKS % WRAP, "nothing begins anew in between");
            seen.insert((ticks, local));
        }
        assert!((30..=60).contains(&seen.len()), "{} mappings in 30 days", seen.len());
    }

    #[test]
    fn a_cue_may_end_at_midnight() {
        let start = MediaTime::from_secs(1_763_683_200 + DAY - 2);
        let cue = Cue { start, end: start + Duration::from_secs(2), rows: vec![row(14, 0, "Good night")] };
        assert!(segment(start, &[cue]).contains("\n23:59:58.000 --> 24:00:00.000 "));
    }
}
