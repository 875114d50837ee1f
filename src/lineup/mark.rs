//! The block code in the picture: 112 bits as 4 rows of 28 black or white cells.
//!
//! All positions are fractions of the picture, so that the mark survives scaling. It takes the upper sixth: units of
//! 1/30 of the width and 1/24 of the height, cells from unit 1, a black border of half a unit around them. In a
//! 320 × 180 picture a cell is still 10 × 7 pixels.
//!
//! Bits, most significant first: 8 magic, 40 frame number, 40 UTC in milliseconds, 24 CRC (RFC 9580 section 6.1) over
//! the first 88. A mark that lost a bit is not read at all: a cell must be clearly black or clearly white, and random
//! cells pass magic and CRC once in 2^32 pictures.

/// Frame number and UTC are kept modulo 2 to this power.
pub const COUNTER_BITS: u32 = 40;

const COLUMNS: usize = 28;
const ROWS: usize = 4;
const UNITS_ACROSS: usize = COLUMNS + 2;
const UNITS_DOWN: usize = 24;
const MAGIC: u128 = 0xA6;
const CRC_BITS: u32 = 24;
const BLACK: u8 = 16;
const WHITE: u8 = 235;
/// Mid-way between black and white, and how far a cell's mean must be from it to count.
const MIDDLE: u32 = 126;
const MARGIN: u32 = 32;

/// What one test picture says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Index of the frame on the grid that begins at the epoch, modulo 2^40.
    pub frame: u64,
    /// UTC of the frame in milliseconds since the epoch, modulo 2^40 (34.8 years).
    pub utc_ms: u64,
}

impl Mark {
    /// A mark for any frame index and time; both are reduced modulo 2^40.
    pub fn new(frame: u64, utc_ms: u64) -> Self {
        let mask = (1 << COUNTER_BITS) - 1;
        Self { frame: frame & mask, utc_ms: utc_ms & mask }
    }

    /// UTC in milliseconds since the epoch: of all times that this mark can mean, the one nearest to `near_ms`.
    pub fn utc_ms_near(&self, near_ms: u64) -> u64 {
        let period = 1u64 << COUNTER_BITS;
        let base = (near_ms & !(period - 1)) | self.utc_ms;
        [base.checked_sub(period), Some(base), base.checked_add(period)]
            .into_iter()
            .flatten()
            .min_by_key(|candidate| candidate.abs_diff(near_ms))
            .unwrap_or(base)
    }

    fn to_bits(self) -> u128 {
        let mark = Self::new(self.frame, self.utc_ms);
        let payload =
            (MAGIC << (2 * COUNTER_BITS)) | (u128::from(mark.frame) << COUNTER_BITS) | u128::from(mark.utc_ms);
        (payload << CRC_BITS) | u128::from(crc24(payload))
    }

    fn from_bits(bits: u128) -> Option<Self> {
        let payload = bits >> CRC_BITS;
        let intact = u128::from(crc24(payload)) == bits & ((1 << CRC_BITS) - 1);
        let mark = Self::new((payload >> COUNTER_BITS) as u64, payload as u64);
        (intact && payload >> (2 * COUNTER_BITS) == MAGIC).then_some(mark)
    }
}

/// Draws `mark` into a luma plane (limited range, 8 bit) of `width` × `height` pixels whose rows are `stride` bytes
/// apart. Allocates nothing. A plane shorter than it says is drawn as far as it goes.
pub fn draw(luma: &mut [u8], stride: usize, width: usize, height: usize, mark: &Mark) {
    let bits = mark.to_bits();
    let border_left = width / (2 * UNITS_ACROSS);
    let border_right = width - border_left;
    let border_top = height / (2 * UNITS_DOWN);
    let border_bottom = (2 * ROWS + 3) * height / (2 * UNITS_DOWN);
    for y in border_top..border_bottom {
        let Some(line) = luma.get_mut(y * stride..).and_then(|rest| rest.get_mut(..width)) else { return };
        line[border_left..border_right].fill(BLACK);
        let Some(row) =
            (0..ROWS).find(|&row| (edge(row, height, UNITS_DOWN)..edge(row + 1, height, UNITS_DOWN)).contains(&y))
        else {
            continue;
        };
        for column in 0..COLUMNS {
            if bit(bits, row, column) {
                line[edge(column, width, UNITS_ACROSS)..edge(column + 1, width, UNITS_ACROSS)].fill(WHITE);
            }
        }
    }
}

/// Reads the mark from a luma plane, or None if there is none or it is damaged.
pub fn read(luma: &[u8], stride: usize, width: usize, height: usize) -> Option<Mark> {
    let mut bits = 0u128;
    for row in 0..ROWS {
        let lines = middle(edge(row, height, UNITS_DOWN), edge(row + 1, height, UNITS_DOWN));
        for column in 0..COLUMNS {
            let pixels = middle(edge(column, width, UNITS_ACROSS), edge(column + 1, width, UNITS_ACROSS));
            let mut sum = 0u32;
            for y in lines.clone() {
                let start = y * stride;
                sum += luma.get(start + pixels.start..start + pixels.end)?.iter().map(|&v| u32::from(v)).sum::<u32>();
            }
            let mean = sum.checked_div((lines.len() * pixels.len()) as u32)?;
            if mean.abs_diff(MIDDLE) < MARGIN {
                return None;
            }
            bits = (bits << 1) | u128::from(mean > MIDDLE);
        }
    }
    Mark::from_bits(bits)
}

/// First pixel of cell `index` in a picture `side` pixels long.
fn edge(index: usize, side: usize, units: usize) -> usize {
    (index + 1) * side / units
}

/// The middle half of a cell: scaling and coding blur its rim.
fn middle(start: usize, end: usize) -> std::ops::Range<usize> {
    let rim = (end - start) / 4;
    start + rim..end - rim
}

fn bit(bits: u128, row: usize, column: usize) -> bool {
    (bits >> (ROWS * COLUMNS - 1 - (row * COLUMNS + column))) & 1 == 1
}

fn crc24(payload: u128) -> u32 {
    let bytes = payload.to_be_bytes();
    let mut crc = 0x00B7_04CE_u32;
    for &byte in &bytes[bytes.len() - 11..] {
        crc ^= u32::from(byte) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= 0x0186_4CFB;
            }
        }
    }
    crc & 0x00FF_FFFF
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn picture(width: usize, height: usize, mark: &Mark) -> Vec<u8> {
        let mut luma: Vec<u8> = (0..width * height).map(|i| (i % 251) as u8).collect();
        draw(&mut luma, width, width, height, mark);
        luma
    }

    /// Averages over the pixels that a smaller picture's pixel covers, as a good scaler does.
    fn scale(luma: &[u8], from: (usize, usize), to: (usize, usize)) -> Vec<u8> {
        let span = |i: usize, from: usize, to: usize| (i * from / to, ((i + 1) * from).div_ceil(to).min(from));
        let mut out = Vec::with_capacity(to.0 * to.1);
        for y in 0..to.1 {
            let (y0, y1) = span(y, from.1, to.1);
            for x in 0..to.0 {
                let (x0, x1) = span(x, from.0, to.0);
                let sum: usize =
                    (y0..y1).flat_map(|y| &luma[y * from.0 + x0..y * from.0 + x1]).map(|&v| v as usize).sum();
                out.push((sum / ((y1 - y0) * (x1 - x0))) as u8);
            }
        }
        out
    }

    #[test]
    fn any_flipped_bit_destroys_the_mark() {
        let bits = Mark::new(1, 2).to_bits();
        assert_eq!(Mark::from_bits(bits), Some(Mark::new(1, 2)));
        for flip in 0..112 {
            assert_eq!(Mark::from_bits(bits ^ (1 << flip)), None, "bit {flip}");
        }
    }

    #[test]
    fn time_is_found_again_around_the_wrap() {
        let period = 1u64 << COUNTER_BITS;
        for now in [1_763_683_200_000u64, 2 * period - 5, 2 * period + 5] {
            for off in [-40_000i64, 0, 40_000] {
                let then = now.checked_add_signed(off).unwrap();
                assert_eq!(Mark::new(0, then).utc_ms_near(now), then);
            }
        }
    }

    #[test]
    fn a_plane_that_is_too_short_is_no_mark_and_no_panic() {
        let mark = Mark::new(7, 8);
        let mut luma = vec![0; 1000];
        draw(&mut luma, 320, 320, 180, &mark);
        assert_eq!(read(&luma, 320, 320, 180), None);
        assert_eq!(read(&[], 0, 0, 0), None);
        draw(&mut [], 0, 0, 0, &mark);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn survives_scaling(frame in 0u64..1 << 40, utc in 0u64..1 << 40,
                            to in prop::sample::select(vec![(1280, 720), (960, 540), (640, 360), (426, 240), (320, 180)]),
                            noise in 0u8..40) {
            let mark = Mark::new(frame, utc);
            let mut luma = scale(&picture(1280, 720, &mark), (1280, 720), to);
            for (i, v) in luma.iter_mut().enumerate() {
                let n = (i as u32).wrapping_mul(2_654_435_761) as u8 % (noise + 1);
                *v = if i % 2 == 0 { v.saturating_add(n) } else { v.saturating_sub(n) };
            }
            prop_assert_eq!(read(&luma, to.0, to.0, to.1), Some(mark));
        }

        #[test]
        fn odd_strides_do_not_matter(frame in 0u64..1 << 40, pad in 0usize..64) {
            let mark = Mark::new(frame, 1);
            let mut luma = vec![128; (320 + pad) * 180];
            draw(&mut luma, 320 + pad, 320, 180, &mark);
            prop_assert_eq!(read(&luma, 320 + pad, 320, 180), Some(mark));
        }

        #[test]
        fn a_torn_mark_is_none_or_one_of_the_two(a in 0u64..1 << 40, b in 0u64..1 << 40, line in 0usize..60) {
            let (a, b) = (Mark::new(a, b), Mark::new(b, a));
            let mut torn = picture(320, 180, &a);
            torn[line * 320..].copy_from_slice(&picture(320, 180, &b)[line * 320..]);
            let seen = read(&torn, 320, 320, 180);
            prop_assert!(seen.is_none() || seen == Some(a) || seen == Some(b), "{:?}", seen);
        }
    }

    #[test]
    fn random_cells_are_never_a_mark() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..400_000 {
            assert_eq!(Mark::from_bits(random.u128(0..1 << 112)), None);
        }
        // The harder case: right magic, a few wrong bits behind it.
        let bits = Mark::new(123_456, 789_012).to_bits();
        for _ in 0..400_000 {
            let wrong = (0..random.u32(1..12)).fold(bits, |bits, _| bits ^ (1 << random.u32(0..104)));
            assert!(wrong == bits || Mark::from_bits(wrong).is_none());
        }
    }
}
