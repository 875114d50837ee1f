//! What changes by itself: clock, timecode, count-down. Each sign is drawn once; a tick only blends the signs of its
//! own time, which stand in cells of one width so that nothing jumps.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer_video as gst_video;

use super::canvas::Canvas;
use super::sprite::Sprite;
use super::words::{Style, words};
use crate::media::MediaError;
use crate::model::overlay::Zone;
use crate::model::timecode::{Timecode, TimecodeClock};
use crate::model::{FrameGrid, MediaTime};

/// Everything a time is written with.
const SIGNS: &str = "0123456789:;";
const DAY: u64 = 86_400;

/// The signs, on the dark ground they stand on, and what begins and ends the box.
#[derive(Debug)]
pub(super) struct Digits {
    signs: Vec<Sprite>,
    edge: Sprite,
    pub(super) cell: usize,
    pub(super) height: usize,
}

impl Digits {
    /// Signs of `pixels` height on a box of `ground` colour.
    pub(super) fn draw(pixels: usize, ground: [u8; 4]) -> Result<Self, MediaError> {
        let style = Style {
            face: "Sans Bold",
            pixels,
            width: pixels * 2,
            height: (pixels * 3 / 2).next_multiple_of(2),
            align: "left",
        };
        let drawn = SIGNS.chars().map(|sign| words(&sign.to_string(), &style)).collect::<Result<Vec<_>, _>>()?;
        // Rows are common to all, so that they stand on one line; columns are each sign's own.
        let shapes: Vec<Canvas> = drawn.iter().map(columns).collect();
        let widest = shapes.iter().map(|shape| shape.width).max().unwrap_or(pixels);
        let cell = (widest + pixels / 12).next_multiple_of(2);
        let cells = shapes.iter().map(|shape| {
            let mut cell = Canvas::filled(cell, style.height, ground);
            cell.lay(shape, (cell.width - shape.width) / 2, 0);
            Sprite::new(&cell, 1.0)
        });
        let signs = cells.collect();
        let edge = Sprite::new(&Canvas::filled((pixels / 4).next_multiple_of(2), style.height, ground), 1.0);
        Ok(Self { signs, edge, cell, height: style.height })
    }

    /// How wide so many signs are.
    pub(super) fn width(&self, signs: usize) -> usize {
        signs * self.cell + 2 * self.edge.width
    }

    fn blend(&self, frame: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>, text: &str, x: usize, y: usize) {
        self.edge.blend(frame, x, y);
        let mut at = x + self.edge.width;
        for sign in text.bytes() {
            let place = SIGNS.bytes().position(|known| known == sign);
            if let Some(sprite) = place.and_then(|place| self.signs.get(place)) {
                sprite.blend(frame, at, y);
            }
            at += self.cell;
        }
        self.edge.blend(frame, at, y);
    }
}

/// The columns of a canvas in which anything is seen.
fn columns(canvas: &Canvas) -> Canvas {
    let seen = |x: &usize| (0..canvas.height).any(|y| canvas.pixels[y * canvas.width + x][3] > 0);
    match ((0..canvas.width).find(seen), (0..canvas.width).rfind(seen)) {
        (Some(left), Some(right)) => canvas.cut(left, 0, right + 1 - left, canvas.height),
        _ => canvas.cut(0, 0, 1, canvas.height),
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Clock(Zone),
    Timecode(Zone),
    /// Seen until then.
    Until(MediaTime),
}

/// A row of signs that follows the time.
#[derive(Debug, Clone)]
pub(super) struct Running {
    pub(super) digits: Arc<Digits>,
    pub(super) counted: Counted,
    pub(super) x: usize,
    pub(super) y: usize,
}

impl Running {
    pub(super) fn is_seen(&self, at: MediaTime) -> bool {
        !matches!(self.counted, Counted::Until(end) if at >= end)
    }

    pub(super) fn draw(
        &self,
        frame: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
        at: MediaTime,
        frames: FrameGrid,
        label: Option<Timecode>,
    ) {
        if self.is_seen(at) {
            let said = match (self.counted, label) {
                // A program that follows its sources' timecode shows that one.
                (Counted::Timecode(_), Some(label)) => label.to_string(),
                (counted, _) => text(counted, at, frames),
            };
            self.digits.blend(frame, &said, self.x, self.y);
        }
    }
}

/// What the signs say at `at`; its length does not change from tick to tick.
pub(super) fn text(counted: Counted, at: MediaTime, frames: FrameGrid) -> String {
    match counted {
        Counted::Clock(zone) => {
            let seconds = (at.as_nanos() / 1_000_000_000).saturating_add_signed(offset(at, zone).into());
            of_day(seconds % DAY)
        }
        Counted::Timecode(zone) => TimecodeClock::new(frames.rate(), offset(at, zone)).at(at).2.to_string(),
        Counted::Until(end) => {
            let left = end.since(at);
            of_day(left.as_secs() + u64::from(left.subsec_nanos() > 0))
        }
    }
}

fn of_day(seconds: u64) -> String {
    // A count-down of days shows the hours up to 99.
    let hours = (seconds / 3600).min(99);
    format!("{hours:02}:{:02}:{:02}", seconds / 60 % 60, seconds % 60)
}

/// Seconds that the zone is ahead of UTC.
fn offset(at: MediaTime, zone: Zone) -> i32 {
    match zone {
        Zone::Utc => 0,
        Zone::Local => {
            let timestamp = jiff::Timestamp::new((at.as_nanos() / 1_000_000_000) as i64, 0).unwrap_or_default();
            jiff::tz::TimeZone::system().to_offset(timestamp).seconds()
        }
    }
}

/// How far `text` reaches, for its place.
pub(super) fn signs(counted: Counted) -> usize {
    match counted {
        Counted::Clock(_) | Counted::Until(_) => 8,
        Counted::Timecode(_) => 11,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn said(counted: Counted, at: MediaTime) -> String {
        text(counted, at, FrameGrid::new("30000/1001".parse().unwrap()))
    }

    #[test]
    fn times_are_written_with_known_signs_and_keep_their_length() {
        let noon = MediaTime::from_secs(1_763_683_200 + 43_200);
        assert_eq!(said(Counted::Clock(Zone::Utc), noon + Duration::from_millis(999)), "12:00:00");
        assert_eq!(
            said(Counted::Until(noon), MediaTime::from_secs(1_763_683_200) + Duration::from_nanos(1)),
            "12:00:00"
        );
        assert_eq!(said(Counted::Until(noon + Duration::from_secs(600)), noon), "00:10:00");
        assert_eq!(said(Counted::Until(noon + Duration::from_secs(900_000)), noon), "99:00:00");
        for counted in [Counted::Clock(Zone::Local), Counted::Timecode(Zone::Utc), Counted::Until(noon)] {
            for step in 0..5000 {
                let written = said(counted, noon + Duration::from_millis(step * 37));
                assert_eq!(written.len(), signs(counted), "{written}");
                assert!(written.chars().all(|sign| SIGNS.contains(sign)), "{written}");
            }
        }
    }
}
