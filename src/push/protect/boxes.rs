//! Boxes taken apart by their places and put together again, for what changes in the middle of others. Pure; anything that
//! is not a whole box is an error: what is half understood is not sent in the clear.

use std::ops::Range;

use crate::bmff::{self, Kind};

/// What was to be encrypted is not what it should be; says what, without a full stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be encrypted: {0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

const CUT: Malformed = Malformed("a box is cut off");

/// Where a box lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    /// Its type.
    pub(crate) kind: Kind,
    /// All of it.
    pub(crate) whole: Range<usize>,
    /// What is behind its head.
    pub(crate) content: Range<usize>,
}

/// The boxes that `data[range]` consists of.
pub(crate) fn spans(data: &[u8], range: Range<usize>) -> Result<Vec<Span>, Malformed> {
    let (mut found, mut at) = (Vec::new(), range.start);
    for one in bmff::boxes(data.get(range.clone()).ok_or(CUT)?) {
        // To the end: chunks of a live channel never are.
        if one.whole.starts_with(&[0; 4]) {
            return Err(Malformed("a box has no size"));
        }
        let end = at + one.whole.len();
        found.push(Span { kind: one.kind, whole: at..end, content: end - one.content.len()..end });
        at = end;
    }
    if at == range.end { Ok(found) } else { Err(CUT) }
}

/// A box of `kind` with this content.
pub(crate) fn wrap(kind: &Kind, content: &[u8]) -> Result<Vec<u8>, Malformed> {
    let size = u32::try_from(content.len() + 8).map_err(|_| Malformed("a box is too large"))?;
    Ok([&size.to_be_bytes(), kind.as_slice(), content].concat())
}

/// A box with version and flags.
pub(crate) fn full(kind: &Kind, version: u8, flags: u32, content: &[u8]) -> Result<Vec<u8>, Malformed> {
    let head = (u32::from(version) << 24 | flags & 0x00ff_ffff).to_be_bytes();
    wrap(kind, &[&head, content].concat())
}

/// `data` with the content of the boxes along `path` replaced by what `change` makes of it; everything else stays. Tells
/// how many there were.
pub(crate) fn rewrite(
    data: &[u8],
    path: &[&Kind],
    change: &mut impl FnMut(&[u8]) -> Result<Vec<u8>, Malformed>,
) -> Result<(Vec<u8>, usize), Malformed> {
    let Some((first, rest)) = path.split_first() else { return Ok((change(data)?, 1)) };
    let (mut out, mut count) = (Vec::with_capacity(data.len() + 256), 0);
    for span in spans(data, 0..data.len())? {
        if span.kind == **first {
            let (content, changed) = rewrite(&data[span.content], rest, change)?;
            out.extend(wrap(first, &content)?);
            count += changed;
        } else {
            out.extend_from_slice(&data[span.whole]);
        }
    }
    Ok((out, count))
}

/// A number of four bytes.
pub(crate) fn u32_at(data: &[u8], at: usize) -> Result<u32, Malformed> {
    data.get(at..).and_then(|rest| rest.first_chunk()).map(|bytes| u32::from_be_bytes(*bytes)).ok_or(CUT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_along_a_path_changes_and_nothing_else() {
        let inner = [wrap(b"keep", b"1").unwrap(), wrap(b"leaf", b"old").unwrap()].concat();
        let data = [wrap(b"root", &inner).unwrap(), wrap(b"leaf", b"old").unwrap()].concat();
        let (out, count) = rewrite(&data, &[b"root", b"leaf"], &mut |_| Ok(b"longer".to_vec())).unwrap();
        let inner = [wrap(b"keep", b"1").unwrap(), wrap(b"leaf", b"longer").unwrap()].concat();
        assert_eq!(out, [wrap(b"root", &inner).unwrap(), wrap(b"leaf", b"old").unwrap()].concat());
        assert_eq!(count, 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(data in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(found) = spans(&data, 0..data.len()) {
                prop_assert_eq!(found.iter().map(|span| span.whole.len()).sum::<usize>(), data.len());
            }
        }
    }
}
