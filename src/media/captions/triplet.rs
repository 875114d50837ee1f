//! Caption data as they travel with pictures: `cc_data` triplets (ANSI/CTA-708-E, 4.4; ATSC A/53 part 4).

/// One construct of `cc_data`: marker, validity and type, and two bytes.
pub(crate) type Triplet = [u8; 3];

/// Which stream a triplet belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// CEA-608, field 1 (CC1, CC2) or field 2 (CC3, CC4).
    Line21 { second: bool },
    /// CEA-708; `start` of a packet.
    Dtvcc { start: bool },
}

/// What a triplet is; none for padding and for what is marked invalid.
pub(crate) fn kind([head, a, b]: Triplet) -> Option<Kind> {
    if head & 0x04 == 0 {
        return None;
    }
    match head & 0x03 {
        // Nothing but parity: the line is idle.
        0 | 1 if (a & 0x7f, b & 0x7f) == (0, 0) => None,
        field @ (0 | 1) => Some(Kind::Line21 { second: field == 1 }),
        kind => Some(Kind::Dtvcc { start: kind == 3 }),
    }
}

/// A pair of field 1 as a triplet.
pub(crate) fn of_pair([a, b]: [u8; 2]) -> Triplet {
    [0xfc, a, b]
}

/// In what form a source carries them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Triplets.
    Raw708,
    /// A caption distribution packet (SMPTE ST 334-2), as SDI carries it.
    Packet708,
    /// Pairs of field 1.
    Raw608,
    /// Field and line, then a pair (SMPTE ST 334-1, annex A).
    Line608,
}

/// Most triplets with one picture: what `cc_count` can say.
const MOST: usize = 31;

/// Reads what a picture carries. None if it is none of it: garbage is not passed on.
pub(crate) fn read(form: Form, data: &[u8]) -> Option<Vec<Triplet>> {
    let triplets: Vec<Triplet> = match form {
        Form::Raw708 => data.as_chunks::<3>().0.to_vec(),
        Form::Packet708 => packet(data)?,
        Form::Raw608 => data.as_chunks::<2>().0.iter().map(|pair| of_pair(*pair)).collect(),
        Form::Line608 => {
            let field = |head: u8| if head & 0x80 != 0 { 0xfc } else { 0xfd };
            data.as_chunks::<3>().0.iter().map(|[head, a, b]| [field(*head), *a, *b]).collect()
        }
    };
    let whole = match form {
        Form::Raw708 | Form::Line608 => data.len().is_multiple_of(3),
        Form::Raw608 => data.len().is_multiple_of(2),
        Form::Packet708 => true,
    };
    let marked = |triplet: &Triplet| triplet[0] & 0xf8 == 0xf8;
    let odd = |triplet: &Triplet| match kind(*triplet) {
        Some(Kind::Line21 { .. }) => triplet[1].count_ones() % 2 == 1 && triplet[2].count_ones() % 2 == 1,
        _ => true,
    };
    let good = whole && triplets.len() <= MOST && triplets.iter().all(|triplet| marked(triplet) && odd(triplet));
    good.then_some(triplets)
}

/// The `ccdata_section` of a caption distribution packet.
fn packet(data: &[u8]) -> Option<Vec<Triplet>> {
    let length = usize::from(*data.get(2)?);
    let sum = data.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    if data.get(..2)? != [0x96, 0x69] || length != data.len() || sum != 0 {
        return None;
    }
    let flags = data.get(4)?;
    // Behind the header, a time code section if there is one.
    let mut at = 7;
    if flags & 0x80 != 0 {
        at += 5;
    }
    if flags & 0x40 == 0 {
        return Some(Vec::new());
    }
    let (section, count) = (*data.get(at)?, usize::from(data.get(at + 1)? & 0x1f));
    let triplets = data.get(at + 2..at + 2 + 3 * count)?;
    (section == 0x72).then(|| triplets.as_chunks::<3>().0.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_to_the_same() {
        let hi = [0xfc, 0xc8, 0xe9];
        assert_eq!(read(Form::Raw708, &hi), Some(vec![hi]));
        assert_eq!(read(Form::Raw608, &[0xc8, 0xe9]), Some(vec![hi]));
        assert_eq!(read(Form::Line608, &[0x80, 0xc8, 0xe9]), Some(vec![hi]));
        let mut cdp = vec![0x96, 0x69, 0, 0x4f, 0x43, 0, 1, 0x72, 0xe1, 0xfc, 0xc8, 0xe9, 0x74, 0, 1, 0];
        cdp[2] = cdp.len() as u8;
        let sum = cdp.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        *cdp.last_mut().unwrap() = sum.wrapping_neg();
        assert_eq!(read(Form::Packet708, &cdp), Some(vec![hi]));
        assert_eq!(kind([0xfc, 0x80, 0x80]), None, "padding");
        assert_eq!(kind([0xff, 0x42, 0x01]), Some(Kind::Dtvcc { start: true }));
    }

    #[test]
    fn garbage_is_not_passed_on() {
        let mut seed = 7u32;
        let mut noise = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        let forms = [Form::Raw708, Form::Packet708, Form::Raw608, Form::Line608];
        for (form, length) in forms.iter().flat_map(|form| (0..100).map(move |length| (*form, length))) {
            let data: Vec<u8> = (0..length).map(|_| noise()).collect();
            if let Some(triplets) = read(form, &data) {
                assert!(triplets.len() <= 6, "{form:?} {length}: noise passes for captions");
            }
        }
        assert_eq!(read(Form::Raw708, &[0xfc, 0x48, 0xe9]), None, "wrong parity");
        assert_eq!(read(Form::Raw708, &[0xfc, 0xc8]), None, "cut off");
    }
}
