//! ISO BMFF boxes (ISO/IEC 14496-12, 4.2): read from bytes that may be cut off or hostile, and written.

/// The type of a box.
pub(crate) type Kind = [u8; 4];

/// The boxes in `data`, as (type, whole box, content); ends at the first that is not whole.
pub(crate) fn children(data: &[u8]) -> impl Iterator<Item = (Kind, &[u8], &[u8])> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let (kind, head, size) = parse_head(rest, rest.len() as u64)?;
        let whole = rest.get(..usize::try_from(size).ok()?)?;
        rest = &rest[whole.len()..];
        Some((kind, whole, &whole[head as usize..]))
    })
}

/// The content of the first box along `path`, below `data`.
pub(crate) fn find<'a>(data: &'a [u8], path: &[&Kind]) -> Option<&'a [u8]> {
    path.iter()
        .try_fold(data, |data, wanted| children(data).find(|(kind, ..)| kind == *wanted).map(|(_, _, content)| content))
}

/// The first box of `wanted` in `data`, with its head.
pub(crate) fn whole<'a>(data: &'a [u8], wanted: &Kind) -> Option<&'a [u8]> {
    children(data).find(|(kind, ..)| kind == wanted).map(|(_, whole, _)| whole)
}

/// The head of a box: type, length of the head, length of the whole. None if it claims less than its own head.
/// `available` is how many bytes there are from its first on; a size of 0 means "to the end".
pub(crate) fn parse_head(head: &[u8], available: u64) -> Option<(Kind, u64, u64)> {
    let small = u32::from_be_bytes(head.get(..4)?.try_into().ok()?);
    let kind = head.get(4..8)?.try_into().ok()?;
    let (length, size) = match small {
        0 => (8, available),
        1 => (16, u64::from_be_bytes(head.get(8..16)?.try_into().ok()?)),
        size => (8, u64::from(size)),
    };
    (size >= length).then_some((kind, length, size))
}

/// Big-endian fields, one after the other; None when the data ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    pub(crate) fn skip(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// 64 bits in version 1 of a full box, 32 in version 0.
    pub(crate) fn sized(&mut self, version: u8) -> Option<u64> {
        if version == 0 { self.u32().map(u64::from) } else { self.u64() }
    }

    /// Version and flags of a full box.
    pub(crate) fn full(&mut self) -> Option<(u8, u32)> {
        let word = self.u32()?;
        Some(((word >> 24) as u8, word & 0x00FF_FFFF))
    }
}

/// Writes boxes into one buffer: [`Boxes::begin`] leaves room for the size, [`Boxes::end`] fills it in.
#[derive(Debug, Default)]
pub(crate) struct Boxes {
    pub(crate) data: Vec<u8>,
    open: Vec<usize>,
}

impl Boxes {
    pub(crate) fn begin(&mut self, kind: &Kind) -> &mut Self {
        self.open.push(self.data.len());
        self.u32(0).bytes(kind)
    }

    pub(crate) fn begin_full(&mut self, kind: &Kind, version: u8, flags: u32) -> &mut Self {
        self.begin(kind).u32(u32::from(version) << 24 | flags)
    }

    pub(crate) fn end(&mut self) -> &mut Self {
        if let Some(at) = self.open.pop() {
            let size = (self.data.len() - at) as u32;
            self.data[at..at + 4].copy_from_slice(&size.to_be_bytes());
        }
        self
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.data.extend_from_slice(bytes);
        self
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// A full box of `rows`, whose count stands in front.
    pub(crate) fn table<const N: usize>(&mut self, kind: &Kind, version: u8, rows: &[[u32; N]]) -> &mut Self {
        self.begin_full(kind, version, 0).u32(rows.len() as u32);
        for value in rows.iter().flatten() {
            self.u32(*value);
        }
        self.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_can_be_read() {
        let mut boxes = Boxes::default();
        boxes.begin(b"moov").begin_full(b"mvhd", 1, 7).u64(5).end().table(b"stts", 0, &[[1, 2], [3, 4]]).end();
        let mut fields = Fields::new(find(&boxes.data, &[b"moov", b"mvhd"]).unwrap());
        assert_eq!((fields.full(), fields.u64(), fields.u16()), (Some((1, 7)), Some(5), None));
        let stts = find(&boxes.data, &[b"moov", b"stts"]).unwrap();
        assert_eq!(stts.len(), 4 + 4 + 16);
        assert_eq!(whole(&boxes.data[8..], b"stts").unwrap().len(), 32);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(data in prop::collection::vec(any::<u8>(), 0..200)) {
            let read: usize = children(&data).map(|(_, whole, _)| whole.len()).sum();
            prop_assert!(read <= data.len());
        }
    }
}
