//! Finds the whole chunks of a CMAF segment that may have been cut off while it was written.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::bmff::head_at;

/// The largest `moof` that is read: a segment's worth of samples needs some kilobytes.
const MOOF_LIMIT: u64 = 4 << 20;

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
    while let Some(head) = head_at(file, at, length)? {
        // A box without a size ("to the end of the file") cannot be told from one that was cut off.
        let Some(end) = at.checked_add(head.size).filter(|end| *end <= length && !head.open) else { break };
        match (&head.kind, moof.take()) {
            (b"moof", None) if head.size <= MOOF_LIMIT => {
                let mut content = vec![0; (head.size - head.length) as usize];
                file.read_exact_at(&mut content, at + head.length)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    use crate::bmff::Kind;

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
        }
    }
}
