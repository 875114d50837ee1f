//! H.264 in a sample entry: one AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3) for pictures of two encoders.
//!
//! Pictures that are encoded anew name parameter sets of other numbers than those they stand between, so that one sample
//! entry serves both, and no decoder has to be set up anew in the middle.

use crate::bmff::{Boxes, boxes};

/// `avc1` and the like: the box' head and the fields of a visual sample entry, before the boxes in it.
const ENTRY_FIELDS: usize = 8 + 78;

/// A configuration record, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    profile: u8,
    compatibility: u8,
    level: u8,
    /// Bytes of the length before each unit.
    length_size: u8,
    sps: Vec<Vec<u8>>,
    pps: Vec<Vec<u8>>,
    /// What stands behind the parameter sets in high profiles.
    rest: Vec<u8>,
}

impl Config {
    /// Of a sample entry.
    pub(crate) fn of_entry(entry: &[u8]) -> Option<Self> {
        let record = boxes(entry.get(ENTRY_FIELDS..)?).find(|found| &found.kind == b"avcC")?.content;
        Self::read(record)
    }

    /// Reads a record.
    pub(crate) fn read(record: &[u8]) -> Option<Self> {
        let [_, profile, compatibility, level, sizes, count, rest @ ..] = record else { return None };
        let (sps, rest) = read_sets(rest, count & 0x1F)?;
        let (count, rest) = rest.split_first()?;
        let (pps, rest) = read_sets(rest, *count)?;
        Some(Self {
            profile: *profile,
            compatibility: *compatibility,
            level: *level,
            length_size: (sizes & 3) + 1,
            sps,
            pps,
            rest: rest.to_vec(),
        })
    }

    /// profile_idc.
    pub(crate) fn profile(&self) -> u8 {
        self.profile
    }

    /// The record.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut record = vec![1, self.profile, self.compatibility, self.level, 0xFC | (self.length_size - 1)];
        record.push(0xE0 | self.sps.len() as u8);
        write_sets(&mut record, &self.sps);
        record.push(self.pps.len() as u8);
        write_sets(&mut record, &self.pps);
        record.extend_from_slice(&self.rest);
        record
    }

    /// A number, at most 31, that no parameter set has yet; not the first `skipped` of them.
    pub(crate) fn free_number(&self, skipped: usize) -> Option<u32> {
        let used = |number: &u32| {
            self.sps.iter().any(|sps| sps_number(sps) == Some(*number))
                || self.pps.iter().any(|pps| pps_number(pps) == Some(*number))
        };
        (1..32).filter(|number| !used(number)).nth(skipped)
    }

    /// With the parameter sets of `other`, too. None if both cannot be in one.
    pub(crate) fn with(&self, other: &Self) -> Option<Self> {
        let numbers = |config: &Self| -> Vec<Option<u32>> { config.pps.iter().map(|pps| pps_number(pps)).collect() };
        let (own, others) = (numbers(self), numbers(other));
        let clash = others.iter().any(|number| number.is_none() || own.contains(number));
        if clash || self.length_size != other.length_size || self.sps.len() + other.sps.len() > 31 {
            return None;
        }
        Some(Self {
            profile: self.profile.max(other.profile),
            compatibility: self.compatibility & other.compatibility,
            level: self.level.max(other.level),
            sps: [self.sps.clone(), other.sps.clone()].concat(),
            pps: [self.pps.clone(), other.pps.clone()].concat(),
            ..self.clone()
        })
    }
}

/// `entry` with another configuration.
pub(crate) fn entry_with(entry: &[u8], config: &Config) -> Option<Vec<u8>> {
    let (fields, inner) = entry.split_at_checked(ENTRY_FIELDS)?;
    let mut out = Boxes::default();
    out.begin(fields.get(4..8)?.try_into().ok()?).bytes(&fields[8..]);
    for found in boxes(inner) {
        match &found.kind {
            b"avcC" => out.begin(b"avcC").bytes(&config.write()).end(),
            _ => out.bytes(found.whole),
        };
    }
    out.end();
    Some(out.data)
}

fn read_sets(mut rest: &[u8], count: u8) -> Option<(Vec<Vec<u8>>, &[u8])> {
    let mut sets = Vec::new();
    for _ in 0..count {
        let (length, behind) = rest.split_first_chunk::<2>()?;
        let (set, behind) = behind.split_at_checked(u16::from_be_bytes(*length).into())?;
        sets.push(set.to_vec());
        rest = behind;
    }
    Some((sets, rest))
}

fn write_sets(record: &mut Vec<u8>, sets: &[Vec<u8>]) {
    for set in sets {
        record.extend_from_slice(&(set.len() as u16).to_be_bytes());
        record.extend_from_slice(set);
    }
}

/// seq_parameter_set_id (ITU-T H.264, 7.3.2.1.1).
fn sps_number(sps: &[u8]) -> Option<u32> {
    exp_golomb(sps.get(4..)?)
}

/// pic_parameter_set_id (7.3.2.2).
fn pps_number(pps: &[u8]) -> Option<u32> {
    exp_golomb(pps.get(1..)?)
}

/// ue(v) at the beginning of `data` (9.1), small enough to need no emulation prevention.
fn exp_golomb(data: &[u8]) -> Option<u32> {
    let head =
        data.iter().take(4).fold(0u32, |sum, byte| sum << 8 | u32::from(*byte)) << (32 - 8 * data.len().clamp(1, 4));
    let zeros = head.leading_zeros();
    (zeros < 15 && !data.is_empty()).then(|| (head << zeros >> (31 - zeros)) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A high-profile record with one pair of parameter sets of this number.
    fn record(level: u8, number: u8) -> Config {
        // ue(v) of 0..=2 in the first bits.
        let coded = [0b1000_0000, 0b0100_0000, 0b0110_0000][usize::from(number)];
        let (sps, pps) = (vec![0x67, 100, 0, level, coded], vec![0x68, coded, 7]);
        let rest = vec![0xFD, 0xF8, 0xF8, 0];
        Config { profile: 100, compatibility: 0, level, length_size: 4, sps: vec![sps], pps: vec![pps], rest }
    }

    #[test]
    fn numbers_are_read() {
        for (data, number) in [
            (&[0b1000_0000][..], Some(0)),
            (&[0b0100_0000], Some(1)),
            (&[0b0110_0000, 1, 2, 3, 4], Some(2)),
            (&[0b0010_0000], Some(3)),
            (&[0b0000_0100, 0b0000_0000], Some(31)),
            (&[], None),
            (&[0, 0, 0, 0], None),
        ] {
            assert_eq!(exp_golomb(data), number, "{data:?}");
        }
    }

    #[test]
    fn two_encoders_share_one_record() {
        let (own, other) = (record(30, 0), record(31, 1));
        assert_eq!(own.free_number(0), Some(1));
        let both = own.with(&other).unwrap();
        assert_eq!((both.level, both.sps.len(), both.pps.len()), (31, 2, 2));
        assert_eq!(Config::read(&both.write()), Some(both.clone()));
        assert_eq!([both.free_number(0), both.free_number(1)], [Some(2), Some(3)]);
        assert_eq!(own.with(&record(30, 0)), None, "two of one number");
    }

    #[test]
    fn an_entry_gets_another_record() {
        let mut boxes = Boxes::default();
        boxes.begin(b"avc1").bytes(&[7; 78]).begin(b"avcC").bytes(&record(30, 0).write()).end();
        boxes.begin(b"pasp").u64(1).end().end();
        let both = record(30, 0).with(&record(30, 1)).unwrap();
        let entry = entry_with(&boxes.data, &both).unwrap();
        assert_eq!(Config::of_entry(&entry), Some(both));
        assert_eq!(entry.len(), u32::from_be_bytes(entry[..4].try_into().unwrap()) as usize);
        assert!(entry.ends_with(&boxes.data[boxes.data.len() - 16..]));
    }
}
