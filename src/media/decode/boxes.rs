//! ISO base media file format boxes (ISO/IEC 14496-12), as slices.

/// A box: its type, and its payload as far as it is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mp4Box<'a> {
    pub(crate) kind: [u8; 4],
    pub(crate) payload: &'a [u8],
    /// Where the box begins in the slice that was iterated.
    pub(crate) start: usize,
    /// The box says that it is longer than the data.
    pub(crate) cut: bool,
}

/// The boxes in `data`. Ends at the first thing that cannot be a box.
pub(crate) fn boxes(data: &[u8]) -> impl Iterator<Item = Mp4Box<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let mut fields = Fields::new(data.get(at..)?);
        let size = u64::from(fields.u32()?);
        let kind = fields.array::<4>()?;
        let (header, size) = match size {
            0 => (8, (data.len() - at) as u64),
            1 => (16, fields.u64()?),
            size => (8, size),
        };
        let printable = kind.iter().all(|byte| (0x20..0x7f).contains(byte) || *byte == 0xA9);
        if size < header || !printable {
            return None;
        }
        let start = at;
        let end = (at as u64).saturating_add(size);
        let cut = end > data.len() as u64;
        at = end.min(data.len() as u64) as usize;
        Some(Mp4Box { kind, payload: data.get(start + header as usize..at)?, start, cut })
    })
}

/// The first box of `kind` in `data`.
pub(crate) fn find<'a>(data: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(data).find(|found| &found.kind == kind).map(|found| found.payload)
}

/// Follows a path of nested boxes.
pub(crate) fn find_path<'a>(data: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(data, |data, kind| find(data, kind))
}

/// Big-endian fields, one after the other; None when the data ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*head)
    }

    pub(crate) fn skip(&mut self, count: usize) -> Option<()> {
        self.rest = self.rest.get(count..)?;
        Some(())
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
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
