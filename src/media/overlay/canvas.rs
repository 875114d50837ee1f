//! Pictures with alpha in memory, while they are prepared.

/// Blue, green, red, alpha; colours multiplied by alpha, so that scaling and halving mix them right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<[u8; 4]>,
}

impl Canvas {
    /// All of one colour, not yet multiplied.
    pub(super) fn filled(width: usize, height: usize, colour: [u8; 4]) -> Self {
        Self { width, height, pixels: vec![multiplied(colour); width * height] }
    }

    /// From rows of BGRA as GStreamer has them.
    pub(super) fn from_straight(width: usize, height: usize, data: &[u8]) -> Self {
        let pixels = data.as_chunks::<4>().0.iter().map(|pixel| multiplied(*pixel)).take(width * height).collect();
        let mut canvas = Self { width, height, pixels };
        canvas.pixels.resize(width * height, [0; 4]);
        canvas
    }

    /// The bytes, row by row.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.pixels.as_flattened().to_vec()
    }

    /// Lays `other` over it at a place; what sticks out is cut.
    pub(super) fn lay(&mut self, other: &Canvas, left: usize, top: usize) {
        let width = other.width.min(self.width.saturating_sub(left));
        for y in 0..other.height.min(self.height.saturating_sub(top)) {
            let from = &other.pixels[y * other.width..][..width];
            let start = (top + y) * self.width + left;
            for (under, over) in self.pixels[start..start + width].iter_mut().zip(from) {
                let rest = u16::from(255 - over[3]);
                for (under, over) in under.iter_mut().zip(over) {
                    *under = over.saturating_add(((u16::from(*under) * rest + 127) / 255) as u8);
                }
            }
        }
    }

    /// The part from the first to the last row and column in which anything is seen; none if nothing is.
    pub(super) fn trimmed(&self) -> Option<Canvas> {
        let seen = |pixel: &[u8; 4]| pixel[3] > 0;
        let row = |y: usize| &self.pixels[y * self.width..][..self.width];
        let top = (0..self.height).find(|y| row(*y).iter().any(seen))?;
        let bottom = (0..self.height).rfind(|y| row(*y).iter().any(seen))?;
        let rows = || (top..=bottom).map(row);
        let left = rows().filter_map(|row| row.iter().position(seen)).min()?;
        let right = rows().filter_map(|row| row.iter().rposition(seen)).max()?;
        Some(self.cut(left, top, right + 1 - left, bottom + 1 - top))
    }

    /// A part of it.
    pub(super) fn cut(&self, left: usize, top: usize, width: usize, height: usize) -> Canvas {
        let rows = self.pixels.chunks_exact(self.width.max(1)).skip(top).take(height);
        let pixels: Vec<[u8; 4]> = rows.flat_map(|row| row[left..left + width].iter().copied()).collect();
        Canvas { width, height: pixels.len() / width.max(1), pixels }
    }
}

fn multiplied([blue, green, red, alpha]: [u8; 4]) -> [u8; 4] {
    let by = |value: u8| ((u16::from(value) * u16::from(alpha) + 127) / 255) as u8;
    [by(blue), by(green), by(red), alpha]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_laid_over_hides_by_its_alpha_and_is_cut_at_the_edge() {
        let mut canvas = Canvas::filled(4, 2, [0, 0, 200, 255]);
        canvas.lay(&Canvas::filled(2, 9, [255, 255, 255, 128]), 3, 1);
        assert_eq!(canvas.pixels[6], [0, 0, 200, 255]);
        assert_eq!(canvas.pixels[7], [128, 128, 228, 255]);
    }

    #[test]
    fn trimming_leaves_what_is_seen() {
        let mut canvas = Canvas::filled(9, 8, [0; 4]);
        assert_eq!(canvas.trimmed(), None);
        canvas.lay(&Canvas::filled(3, 2, [1, 2, 3, 255]), 4, 5);
        assert_eq!(canvas.trimmed(), Some(Canvas::filled(3, 2, [1, 2, 3, 255])));
    }
}
