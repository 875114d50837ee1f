//! Boxes of the ISO base media file format (ISO/IEC 14496-12, 4.2), read and written; what
//! fragments say of their samples. Pure but for [`head_at`].
//!
//! What is read may be cut off or hostile: every length is checked against what is there, nothing is allocated by a length
//! that a file claims.

mod fragment;
mod read;
mod write;

pub(crate) use fragment::{Defaults, Entry, Fragment, Run, defaults, timescale, track_id};
pub(crate) use read::{Fields, boxes, find, head_at, whole};
pub(crate) use write::Boxes;

/// The type of a box.
pub(crate) type Kind = [u8; 4];

#[cfg(test)]
mod tests {
    use super::read::Head;
    use super::*;
    use proptest::prelude::*;
    use std::fs::File;
    use std::io::Write;

    #[test]
    fn what_is_written_can_be_read() {
        let mut written = Boxes::default();
        written.begin(b"moov").begin_full(b"mvhd", 1, 7).u64(5).end().table(b"stts", 0, &[[1, 2], [3, 4]]).end();
        let mut fields = Fields::new(find(&written.data, &[b"moov", b"mvhd"]).unwrap());
        assert_eq!((fields.full(), fields.u64(), fields.u16()), (Some((1, 7)), Some(5), None));
        let stts = find(&written.data, &[b"moov", b"stts"]).unwrap();
        assert_eq!(stts.len(), 4 + 4 + 16);
        assert_eq!(whole(&written.data[8..], b"stts").unwrap().len(), 32);
    }

    #[test]
    fn a_box_has_a_small_size_or_a_large_one_or_goes_to_the_end() {
        let small = [&12u32.to_be_bytes()[..], b"free", b"1234"].concat();
        let large = [&1u32.to_be_bytes()[..], b"mdat", &18u64.to_be_bytes(), b"12"].concat();
        let open = [&[0; 4][..], b"skip", b"123"].concat();
        let data = [small, large, open].concat();
        let found: Vec<_> = boxes(&data).map(|found| (found.kind, found.start, found.content.len())).collect();
        assert_eq!(found, [(*b"free", 0, 4), (*b"mdat", 12, 2), (*b"skip", 30, 3)]);
        assert_eq!(boxes(&data[..29]).count(), 1, "what is cut off is no box");
        let file = {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&data).unwrap();
            file
        };
        let at = |file: &File, at| head_at(file, at, data.len() as u64).unwrap();
        assert_eq!(at(&file, 12), Some(Head { kind: *b"mdat", length: 16, size: 18, open: false }));
        assert_eq!(at(&file, 30), Some(Head { kind: *b"skip", length: 8, size: 11, open: true }));
        assert_eq!(at(&file, data.len() as u64), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(data in prop::collection::vec(any::<u8>(), 0..200)) {
            let read: usize = boxes(&data).map(|found| found.whole.len()).sum();
            prop_assert!(read <= data.len());
        }
    }
}
