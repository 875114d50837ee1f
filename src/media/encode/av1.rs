//! The AV1CodecConfigurationRecord (`av1C`, AV1 Codec ISO Media File Format Binding, 2.3) of an initialisation.
//!
//! Neither av1parse nor cmafmux of GStreamer 1.22 knows the level; cmafmux writes 2.1 whatever the picture. It stands
//! in the sequence header, which the muxer puts behind the record: from there it is written into the record.

/// Corrects the level in the `av1C` of `init` and gives the record's first four bytes; `None` if there is no such box.
pub(super) fn mend_record(init: &mut [u8]) -> Option<[u8; 4]> {
    let at = init.windows(4).position(|kind| kind == b"av1C")?;
    let size = u32::from_be_bytes(*init.get(at.checked_sub(4)?..at)?.first_chunk()?) as usize;
    let content = init.get_mut(at + 4..(at - 4).checked_add(size)?)?;
    let (record, header) = content.split_first_chunk_mut::<4>()?;
    if let Some((level, tier)) = level_of(header) {
        record[1] = record[1] & 0xe0 | level;
        record[2] = record[2] & 0x7f | tier << 7;
    }
    Some(*record)
}

/// `seq_level_idx` and `seq_tier` of a sequence header OBU (AV1 specification, 5.5.1).
fn level_of(obu: &[u8]) -> Option<(u8, u8)> {
    const SEQUENCE_HEADER: u8 = 1;
    let first = *obu.first()?;
    let (kind, extension, sized) = (first >> 3 & 0xf, first & 4 != 0, first & 2 != 0);
    if kind != SEQUENCE_HEADER {
        return None;
    }
    let mut from = 1 + usize::from(extension);
    if sized {
        // leb128: the last byte has no top bit.
        from += obu.get(from..)?.iter().position(|byte| byte & 0x80 == 0)? + 1;
    }
    let mut bits = Bits(obu.get(from..)?, 0);
    bits.take(3)?;
    let (_still, reduced) = (bits.take(1)?, bits.take(1)?);
    if reduced == 1 {
        return Some((bits.take(5)?, 0));
    }
    // Timing information is of variable length; the encoders here write none.
    if bits.take(1)? == 1 {
        return None;
    }
    bits.take(1)?;
    bits.take(5)?;
    bits.take(6)?;
    bits.take(6)?;
    let level = bits.take(5)?;
    let tier = if level > 7 { bits.take(1)? } else { 0 };
    Some((level, tier))
}

struct Bits<'a>(&'a [u8], usize);

impl Bits<'_> {
    /// The next bits, at most eight.
    fn take(&mut self, count: usize) -> Option<u8> {
        (0..count).try_fold(0, |value, _| {
            let byte = self.0.get(self.1 / 8)?;
            let bit = byte >> (7 - self.1 % 8) & 1;
            self.1 += 1;
            Some(value << 1 | bit)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Profile 0, not still, no timing, one operating point, level 4.0 (8), high tier.
    const HEADER: [u8; 6] = [0x0a, 0x04, 0, 0, 0, 0b0100_0100];

    fn init() -> Vec<u8> {
        let record = [&[0x81, 0x01, 0x0c, 0][..], &HEADER].concat();
        let size = (record.len() as u32 + 8).to_be_bytes();
        [&[0u8; 20][..], &size, b"av1C", &record, &[0; 9]].concat()
    }

    #[test]
    fn the_level_comes_from_the_sequence_header() {
        assert_eq!(level_of(&HEADER), Some((8, 1)));
        let mut mended = init();
        assert_eq!(mend_record(&mut mended), Some([0x81, 0x08, 0x8c, 0]));
        assert_eq!(mend_record(&mut mended), Some([0x81, 0x08, 0x8c, 0]));
    }

    #[test]
    fn damage_does_not_panic() {
        for end in 0..init().len() {
            mend_record(&mut init()[..end]);
        }
        assert_eq!(mend_record(&mut [0; 40]), None);
        for end in 0..HEADER.len() {
            level_of(&HEADER[..end]);
        }
    }
}
