//! Elementary streams as a transport stream carries them: start codes and parameter sets in front of keyframes, ADTS
//! headers in front of AAC frames.

/// `00 00 00 01`.
const START: [u8; 4] = [0, 0, 0, 1];

/// Parameter sets and how pictures are framed, from `avcC` or `hvcC` (ISO/IEC 14496-15).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PictureSets {
    hevc: bool,
    length_size: usize,
    sets: Vec<Vec<u8>>,
}

impl PictureSets {
    /// Of an AVCDecoderConfigurationRecord.
    pub(super) fn avc(data: &[u8]) -> Option<Self> {
        let length_size = usize::from(data.get(4)? & 3) + 1;
        let mut rest = data.get(5..)?;
        let mut sets = Vec::new();
        // Sequence parameter sets are counted in five bits, picture parameter sets in eight.
        for mask in [0x1f, 0xff] {
            let (count, behind) = rest.split_first()?;
            rest = behind;
            for _ in 0..count & mask {
                sets.push(sized(&mut rest)?);
            }
        }
        Some(Self { hevc: false, length_size, sets })
    }

    /// Of an HEVCDecoderConfigurationRecord.
    pub(super) fn hevc(data: &[u8]) -> Option<Self> {
        let length_size = usize::from(data.get(21)? & 3) + 1;
        let arrays = *data.get(22)?;
        let mut rest = data.get(23..)?;
        let mut sets = Vec::new();
        for _ in 0..arrays {
            let [_, high, low, behind @ ..] = rest else { return None };
            rest = behind;
            for _ in 0..u16::from_be_bytes([*high, *low]) {
                sets.push(sized(&mut rest)?);
            }
        }
        Some(Self { hevc: true, length_size, sets })
    }

    /// A picture with start codes: access unit delimiter first, parameter sets in front of a keyframe. None for what is
    /// not framed as the record says.
    pub(super) fn framed(&self, picture: &[u8], key: bool) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(picture.len() + 64);
        out.extend(START);
        out.extend_from_slice(if self.hevc { &[0x46, 0x01, 0x50] } else { &[0x09, 0xf0] });
        if key {
            for set in &self.sets {
                out.extend(START);
                out.extend_from_slice(set);
            }
        }
        let mut rest = picture;
        while !rest.is_empty() {
            let size = rest.get(..self.length_size)?.iter().fold(0usize, |size, byte| size << 8 | usize::from(*byte));
            let unit = rest.get(self.length_size..self.length_size + size)?;
            rest = &rest[self.length_size + size..];
            // Delimiters, and in a keyframe the sets, are there already.
            let told = key && self.sets.iter().any(|set| set == unit);
            if !(unit.is_empty() || told || self.is_delimiter(unit)) {
                out.extend(START);
                out.extend_from_slice(unit);
            }
        }
        Some(out)
    }

    fn is_delimiter(&self, unit: &[u8]) -> bool {
        if self.hevc { unit[0] >> 1 & 0x3f == 35 } else { unit[0] & 0x1f == 9 }
    }
}

fn sized(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let [high, low, behind @ ..] = *rest else { return None };
    let size = usize::from(u16::from_be_bytes([*high, *low]));
    let set = behind.get(..size)?.to_vec();
    *rest = &behind[size..];
    Some(set)
}

/// What an ADTS header says (ISO/IEC 14496-3, 1.A.2), from an AudioSpecificConfig.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Adts {
    object: u8,
    frequency: u8,
    channels: u8,
}

impl Adts {
    pub(super) fn new(config: &[u8]) -> Option<Self> {
        let [a, b, ..] = *config else { return None };
        let (object, frequency, channels) = (a >> 3, (a & 7) << 1 | b >> 7, b >> 3 & 0x0f);
        // Two bits for the object type, and a frequency of the table.
        ((1..=4).contains(&object) && frequency < 13).then_some(Self { object, frequency, channels })
    }

    /// The header of a frame of `size` bytes.
    pub(super) fn header(self, size: usize) -> Option<[u8; 7]> {
        let length = size + 7;
        if length >= 1 << 13 {
            return None;
        }
        Some([
            0xff,
            // MPEG-4, no checksum.
            0xf1,
            (self.object - 1) << 6 | self.frequency << 2 | self.channels >> 2,
            (self.channels & 3) << 6 | (length >> 11) as u8,
            (length >> 3) as u8,
            (length as u8 & 7) << 5 | 0x1f,
            0xfc,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyframe_gets_delimiter_and_parameter_sets_once() {
        let record = [1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 2, 0x67, 0xaa, 1, 0, 2, 0x68, 0xbb];
        let sets = PictureSets::avc(&record).unwrap();
        let picture = [0, 0, 0, 2, 0x09, 0x30, 0, 0, 0, 2, 0x67, 0xaa, 0, 0, 0, 3, 0x65, 1, 2];
        let key = sets.framed(&picture, true).unwrap();
        assert_eq!(key, [0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x67, 0xaa, 0, 0, 0, 1, 0x68, 0xbb, 0, 0, 0, 1, 0x65, 1, 2]);
        let other = sets.framed(&[0, 0, 0, 2, 0x41, 7], false).unwrap();
        assert_eq!(other, [0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x41, 7]);
        assert_eq!(sets.framed(&[0, 0, 0, 9, 0x41], false), None, "cut off");
        assert_eq!(PictureSets::avc(&record[..9]), None);
    }

    #[test]
    fn hevc_records_have_arrays() {
        let mut record = vec![0; 22];
        record[21] = 0x0f;
        record.extend([2, 0x20, 0, 1, 0, 2, 0x40, 1, 0x21, 0, 1, 0, 1, 0x42]);
        let sets = PictureSets::hevc(&record).unwrap();
        assert_eq!((sets.length_size, sets.sets), (4, vec![vec![0x40, 1], vec![0x42]]));
        assert_eq!(PictureSets::hevc(&record[..27]), None);
    }

    #[test]
    fn an_adts_header_has_the_length_of_its_frame() {
        // AAC-LC, 48 kHz, stereo.
        let adts = Adts::new(&[0x11, 0x90]).unwrap();
        assert_eq!(adts, Adts { object: 2, frequency: 3, channels: 2 });
        assert_eq!(adts.header(249).unwrap(), [0xff, 0xf1, 0x4c, 0x80, 0x20, 0x1f, 0xfc]);
        assert_eq!(adts.header(8185), None);
        assert_eq!(Adts::new(&[0xff, 0xff]), None);
    }
}
