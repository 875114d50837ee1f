//! Walks ISO BMFF boxes (ISO/IEC 14496-12, 4.2) in bytes that may be cut off or hostile.
//!
//! Every length is checked against what is there; nothing is allocated by a length that a file claims.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The largest `moof` that is read: a segment's worth of samples needs some kilobytes.
const MOOF_LIMIT: u64 = 4 << 20;

/// The type of a box.
pub(crate) type Kind = [u8; 4];

/// The head of a box: type, length of the head, length of the whole. None if it claims less than its own head.
/// `available` is how many bytes there are from its first on; a size of 0 means "to the end".
fn parse_head(head: &[u8], available: u64) -> Option<(Kind, u64, u64)> {
    let small = u32::from_be_bytes(head.get(..4)?.try_into().ok()?);
    let kind = head.get(4..8)?.try_into().ok()?;
    let (length, size) = match small {
        0 => (8, available),
        1 => (16, u64::from_be_bytes(head.get(8..16)?.try_into().ok()?)),
        size => (8, u64::from(size)),
    };
    (size >= length).then_some((kind, length, size))
}

/// The boxes in `data`, as (type, content); ends at the first that is not whole.
pub(crate) fn children(data: &[u8]) -> impl Iterator<Item = (Kind, &[u8])> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let (kind, length, size) = parse_head(rest, rest.len() as u64)?;
        let whole = rest.get(..usize::try_from(size).ok()?)?;
        rest = &rest[whole.len()..];
        Some((kind, &whole[length as usize..]))
    })
}

/// The first box along `path`, below `data`.
pub(crate) fn find<'a>(data: &'a [u8], path: &[&Kind]) -> Option<&'a [u8]> {
    path.iter()
        .try_fold(data, |data, wanted| children(data).find(|(kind, _)| kind == *wanted).map(|(_, content)| content))
}

/// The whole chunks at the beginning of a file.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    /// Content of each `moof`, in order.
    pub(crate) moofs: Vec<Vec<u8>>,
    /// Where each chunk ends.
    pub(crate) ends: Vec<u64>,
    /// Where the last whole chunk ends.
    pub(crate) end: u64,
}

/// Finds the whole chunks (`moof` + `mdat`, perhaps with other boxes in front) that `file` begins with.
pub(crate) fn scan_chunks(file: &File) -> io::Result<Chunks> {
    let length = file.metadata()?.len();
    let (mut at, mut moof, mut chunks) = (0u64, None, Chunks::default());
    while let Some((kind, head, size)) = read_head(file, at, length)? {
        let Some(end) = at.checked_add(size).filter(|end| *end <= length) else { break };
        match (&kind, moof.take()) {
            (b"moof", None) if size <= MOOF_LIMIT => {
                let mut content = vec![0; (size - head) as usize];
                file.read_exact_at(&mut content, at + head)?;
                moof = Some(content);
            }
            (b"mdat", Some(content)) => {
                chunks.moofs.push(content);
                chunks.ends.push(end);
                chunks.end = end;
            }
            (b"styp" | b"sidx" | b"prft" | b"emsg" | b"free" | b"skip" | b"uuid", waiting) => moof = waiting,
            _ => break,
        }
        at = end;
    }
    Ok(chunks)
}

fn read_head(file: &File, at: u64, length: u64) -> io::Result<Option<(Kind, u64, u64)>> {
    let mut head = [0; 16];
    let available = length.saturating_sub(at);
    let there = &mut head[..available.min(16) as usize];
    file.read_exact_at(there, at)?;
    // A size of 0 ("to the end of the file") cannot tell a whole box from one that was cut off.
    Ok(parse_head(there, available).filter(|_| there[..4] != [0; 4]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn file(data: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(data).unwrap();
        file
    }

    fn small(kind: &Kind, content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes(), kind.as_slice(), content].concat()
    }

    fn large(kind: &Kind, content: &[u8]) -> Vec<u8> {
        [&1u32.to_be_bytes(), kind.as_slice(), &(content.len() as u64 + 16).to_be_bytes(), content].concat()
    }

    #[test]
    fn whole_chunks_are_found_in_both_sizes() {
        let data =
            [small(b"styp", b"x"), small(b"moof", b"one"), large(b"mdat", b"media"), large(b"moof", b"two")].concat();
        let whole = data.len() - 19;
        let chunks = scan_chunks(&file(&data)).unwrap();
        assert_eq!((chunks.moofs, chunks.end), (vec![b"one".to_vec()], whole as u64));
    }

    #[test]
    fn what_is_not_a_chunk_ends_the_search() {
        for bad in [small(b"mdat", b"x"), small(b"moov", b"x"), vec![0; 64], vec![255; 64], b"garbage".to_vec()] {
            assert_eq!(scan_chunks(&file(&bad)).unwrap().end, 0);
        }
        let open_ended = [small(b"moof", b"x"), [0, 0, 0, 0].to_vec(), b"mdat....".to_vec()].concat();
        assert_eq!(scan_chunks(&file(&open_ended)).unwrap().end, 0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(data in prop::collection::vec(any::<u8>(), 0..200)) {
            let chunks = scan_chunks(&file(&data)).unwrap();
            prop_assert!(chunks.end <= data.len() as u64);
            prop_assert!(children(&data).map(|(_, content)| content.len() + 8).sum::<usize>() <= data.len());
        }
    }
}
