//! Which bytes of a picture are encrypted (ISO/IEC 23001-7, 9.5): of each slice what is behind its head, so that whoever
//! has no key still knows what the units are, and captions stay readable.

use super::super::boxes::{Malformed, u32_at};
use super::Coding;

/// Bytes at the beginning of a unit that stay in the clear. The head of a slice must: it is some bytes long, with weights
/// for several references some tens. Parsing it would take parameter sets that may change from picture to picture.
const LEAD: usize = 64;
/// Bytes in front of each unit that say how long it is.
const LENGTH: usize = 4;

/// Clear bytes, and the encrypted ones behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subsample {
    /// In the clear.
    pub(super) clear: u16,
    /// Encrypted, by the pattern.
    pub(super) protected: u32,
}

/// How `sample` is divided.
pub(super) fn subsamples(sample: &[u8], coding: Coding) -> Result<Vec<Subsample>, Malformed> {
    let (mut found, mut clear, mut at) = (Vec::new(), 0, 0);
    while at < sample.len() {
        let length = u32_at(sample, at)? as usize;
        let unit = sample
            .get(at + LENGTH..)
            .and_then(|rest| rest.get(..length))
            .ok_or(Malformed("the units of a picture are not as long as it is"))?;
        clear += LENGTH + unit.len().min(LEAD);
        at += LENGTH + unit.len();
        match unit.len().checked_sub(LEAD) {
            Some(rest) if rest >= 16 && is_slice(unit, coding) => {
                push(&mut found, clear, rest)?;
                clear = 0;
            }
            Some(rest) => clear += rest,
            None => {}
        }
    }
    if clear > 0 {
        push(&mut found, clear, 0)?;
    }
    Ok(found)
}

fn is_slice(unit: &[u8], coding: Coding) -> bool {
    match (coding, unit.first()) {
        (Coding::Avc, Some(first)) => (1..=5).contains(&(first & 0x1f)),
        (Coding::Hevc, Some(first)) => (first >> 1) & 0x3f < 32,
        _ => false,
    }
}

/// Clear bytes are counted with two bytes: more of them take entries without encrypted ones.
fn push(found: &mut Vec<Subsample>, mut clear: usize, protected: usize) -> Result<(), Malformed> {
    while clear > usize::from(u16::MAX) {
        found.push(Subsample { clear: u16::MAX, protected: 0 });
        clear -= usize::from(u16::MAX);
    }
    let protected = u32::try_from(protected).map_err(|_| Malformed("a unit is too large"))?;
    found.push(Subsample { clear: clear as u16, protected });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A unit that begins with `first`.
    fn unit(first: u8, length: usize) -> Vec<u8> {
        let mut unit = (length as u32).to_be_bytes().to_vec();
        unit.push(first);
        unit.extend((1..length).map(|n| n as u8));
        unit
    }

    fn pairs(sample: &[u8], coding: Coding) -> Vec<(u16, u32)> {
        let found = subsamples(sample, coding).unwrap();
        found.into_iter().map(|subsample| (subsample.clear, subsample.protected)).collect()
    }

    #[test]
    fn only_slices_are_encrypted_and_not_their_heads() {
        // Delimiter, captions (SEI), an IDR slice, a short slice, another slice.
        let sample = [unit(0x09, 2), unit(0x06, 300), unit(0x65, 1000), unit(0x41, 70), unit(0x41, 100)].concat();
        let first = (6 + 304 + 4 + 64) as u16;
        assert_eq!(pairs(&sample, Coding::Avc), [(first, 936), ((74 + 4 + 64) as u16, 36)]);
        // HEVC: VPS, IDR_W_RADL.
        let sample = [unit(0x40, 80), unit(0x26, 500)].concat();
        assert_eq!(pairs(&sample, Coding::Hevc), [(84 + 68, 436)]);
    }

    #[test]
    fn many_clear_bytes_take_several_entries() {
        let sample = [unit(0x06, 140_000), unit(0x65, 80)].concat();
        assert_eq!(pairs(&sample, Coding::Avc), [(65_535, 0), (65_535, 0), ((140_004 + 68 - 131_070) as u16, 16)]);
    }

    #[test]
    fn units_that_do_not_fit_are_no_picture() {
        let mut sample = unit(0x65, 100);
        sample.pop();
        assert!(subsamples(&sample, Coding::Avc).is_err());
        assert!(subsamples(&[0, 0, 0], Coding::Avc).is_err());
    }

    proptest! {
        #[test]
        fn subsamples_cover_the_sample(units in prop::collection::vec((any::<u8>(), 1usize..3000), 0..10)) {
            let sample: Vec<u8> = units.iter().flat_map(|(first, length)| unit(*first, *length)).collect();
            let covered: usize = pairs(&sample, Coding::Avc).iter().map(|(a, b)| usize::from(*a) + *b as usize).sum();
            prop_assert_eq!(covered, sample.len());
        }

        #[test]
        fn any_bytes_are_survived(sample in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = subsamples(&sample, Coding::Hevc);
        }
    }
}
