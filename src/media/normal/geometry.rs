//! Where a picture of any shape goes in the program. Pure.

use crate::model::{Fit, PictureSize};

/// How a picture has to be turned before it is shown: mirrored left to right first, then clockwise by quarters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Turn {
    pub(crate) mirror: bool,
    pub(crate) quarters: u8,
}

impl Turn {
    /// From GStreamer's `image-orientation` tag; what is unknown is not turned.
    pub(crate) fn from_tag(tag: &str) -> Self {
        let (mirror, angle) = match tag.strip_prefix("flip-rotate-") {
            Some(angle) => (true, angle),
            None => (false, tag.strip_prefix("rotate-").unwrap_or("0")),
        };
        let quarters = match angle {
            "90" => 1,
            "180" => 2,
            "270" => 3,
            _ => 0,
        };
        Self { mirror, quarters }
    }

    pub(crate) fn is_none(self) -> bool {
        self == Self::default()
    }

    /// Whether width and height change places.
    pub(crate) fn lies_down(self) -> bool {
        self.quarters % 2 == 1
    }
}

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rect {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Which part of a source's picture is shown (before it is turned), and where in the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) from: Rect,
    pub(crate) to: Rect,
}

/// A source's picture: pixels, and width to height of one pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) pixel: (u32, u32),
}

/// Places a picture in the program. Whatever is said of its pixels, nothing is empty, nothing lies outside, and
/// positions in the program are even (chroma has half the resolution).
pub(crate) fn place(source: Shape, turn: Turn, program: PictureSize, fit: Fit) -> Placement {
    let whole = Rect { x: 0, y: 0, width: source.width, height: source.height };
    let full = Rect { x: 0, y: 0, width: program.width(), height: program.height() };
    // Aspect ratios as width × height of the other, in the source's own position.
    let wide = u128::from(source.width) * u128::from(source.pixel.0.max(1));
    let high = u128::from(source.height) * u128::from(source.pixel.1.max(1));
    let (pw, ph) = if turn.lies_down() { (full.height, full.width) } else { (full.width, full.height) };
    let (source_side, program_side) = (wide * u128::from(ph), high * u128::from(pw));
    match fit {
        Fit::Stretch => Placement { from: whole, to: full },
        Fit::Letterbox => {
            let (mut width, mut height) = (pw, ph);
            if source_side > program_side {
                height = even(rounded(high * u128::from(pw), wide), ph);
            } else {
                width = even(rounded(wide * u128::from(ph), high), pw);
            }
            let (width, height) = if turn.lies_down() { (height, width) } else { (width, height) };
            let middle = |outer: u32, inner: u32| ((outer - inner) / 2) & !1;
            let to = Rect { x: middle(full.width, width), y: middle(full.height, height), width, height };
            Placement { from: whole, to }
        }
        Fit::Crop => {
            let mut from = whole;
            if source_side > program_side {
                let pixels = rounded(u128::from(pw) * high, u128::from(ph) * u128::from(source.pixel.0.max(1)));
                from.width = bounded(pixels, source.width);
                from.x = (source.width - from.width) / 2;
            } else {
                let pixels = rounded(u128::from(ph) * wide, u128::from(pw) * u128::from(source.pixel.1.max(1)));
                from.height = bounded(pixels, source.height);
                from.y = (source.height - from.height) / 2;
            }
            Placement { from, to: full }
        }
    }
}

fn rounded(a: u128, b: u128) -> u128 {
    (a + b / 2) / b.max(1)
}

fn bounded(pixels: u128, most: u32) -> u32 {
    u32::try_from(pixels).unwrap_or(most).clamp(1, most.max(1))
}

/// The nearest even number from 2 to `most`.
fn even(pixels: u128, most: u32) -> u32 {
    (u32::try_from(pixels.saturating_add(1)).unwrap_or(most) & !1).clamp(2.min(most), most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(width: u32, height: u32, pixel: (u32, u32)) -> Shape {
        Shape { width, height, pixel }
    }

    fn at(source: Shape, turn: &str, fit: Fit) -> (u32, u32, u32, u32) {
        let Rect { x, y, width, height } =
            place(source, Turn::from_tag(turn), PictureSize::new(1280, 720).unwrap(), fit).to;
        (x, y, width, height)
    }

    #[test]
    fn pictures_keep_their_shape() {
        use Fit::Letterbox;
        for (source, turn, expected) in [
            (shape(1920, 1080, (1, 1)), "rotate-0", (0, 0, 1280, 720)),
            (shape(640, 480, (1, 1)), "rotate-0", (160, 0, 960, 720)),
            // PAL, 16:9 and 4:3; HDV; anamorphic NTSC.
            (shape(720, 576, (64, 45)), "rotate-0", (0, 0, 1280, 720)),
            (shape(720, 576, (16, 15)), "rotate-0", (160, 0, 960, 720)),
            (shape(1440, 1080, (4, 3)), "rotate-0", (0, 0, 1280, 720)),
            (shape(720, 480, (32, 27)), "rotate-0", (0, 0, 1280, 720)),
            (shape(2560, 1080, (1, 1)), "rotate-0", (0, 90, 1280, 540)),
            // A telephone held upright: stored lying, with a tag.
            (shape(1920, 1080, (1, 1)), "rotate-90", (436, 0, 406, 720)),
            (shape(1080, 1920, (1, 1)), "rotate-270", (0, 0, 1280, 720)),
            (shape(1080, 1920, (1, 1)), "rotate-180", (436, 0, 406, 720)),
        ] {
            assert_eq!(at(source, turn, Letterbox), expected, "{source:?} {turn}");
        }
        assert_eq!(at(shape(640, 480, (1, 1)), "", Fit::Stretch), (0, 0, 1280, 720));
    }

    #[test]
    fn cropping_takes_the_middle() {
        let from =
            |source, turn| place(source, Turn::from_tag(turn), PictureSize::new(1280, 720).unwrap(), Fit::Crop).from;
        assert_eq!(from(shape(640, 480, (1, 1)), ""), Rect { x: 0, y: 60, width: 640, height: 360 });
        assert_eq!(from(shape(2560, 1080, (1, 1)), ""), Rect { x: 320, y: 0, width: 1920, height: 1080 });
        assert_eq!(from(shape(720, 576, (16, 15)), ""), Rect { x: 0, y: 72, width: 720, height: 432 });
        assert_eq!(from(shape(1920, 1080, (1, 1)), "rotate-90"), Rect { x: 656, y: 0, width: 608, height: 1080 });
    }

    #[test]
    fn whatever_a_source_claims_stays_inside() {
        let sides = [1, 2, 3, 7, 640, 4319, 7680, 65_535, u32::MAX];
        let pixels = [(1, 1), (1, u32::MAX), (u32::MAX, 1), (0, 0), (64, 45)];
        for program in ["16x16", "1280x720", "720x1280"].map(|size| size.parse::<PictureSize>()).into_iter().flatten() {
            for (width, height) in sides.iter().flat_map(|w| sides.iter().map(move |h| (*w, *h))) {
                for (pixel, turn) in pixels.iter().flat_map(|p| ["rotate-0", "rotate-90"].map(|t| (*p, t))) {
                    for fit in [Fit::Letterbox, Fit::Crop, Fit::Stretch] {
                        let Placement { from, to } =
                            place(shape(width, height, pixel), Turn::from_tag(turn), program, fit);
                        let case = format!("{width}x{height} {pixel:?} {turn} {fit:?} in {program}");
                        assert!(from.width >= 1 && from.width <= width - from.x, "{case}");
                        assert!(from.height >= 1 && from.height <= height - from.y, "{case}");
                        assert!(to.width >= 2 && to.x + to.width <= program.width() && to.x % 2 == 0, "{case} {to:?}");
                        assert!(to.height >= 2 && to.y + to.height <= program.height() && to.y % 2 == 0, "{case}");
                    }
                }
            }
        }
    }
}
