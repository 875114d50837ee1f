//! Boxes and their fields, as slices.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::Kind;

/// The head of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    /// Bytes of the head itself.
    pub(crate) length: u64,
    /// Bytes of the whole box.
    pub(crate) size: u64,
    /// It says no size, but that it goes to the end of what is there.
    pub(crate) open: bool,
}

impl Head {
    /// None if it claims less than its own head. `available` is how many bytes there are from its first on.
    fn read(data: &[u8], available: u64) -> Option<Self> {
        let mut fields = Fields::new(data);
        let small = fields.u32()?;
        let kind = fields.array()?;
        let (length, size) = match small {
            0 => (8, available),
            1 => (16, fields.u64()?),
            size => (8, u64::from(size)),
        };
        (size >= length).then_some(Self { kind, length, size, open: small == 0 })
    }
}

/// The head of the box that begins `at` a place in a file of this `length`; it may claim more than is there.
pub(crate) fn head_at(file: &File, at: u64, length: u64) -> io::Result<Option<Head>> {
    let mut head = [0; 16];
    let available = length.saturating_sub(at);
    let there = &mut head[..available.min(16) as usize];
    file.read_exact_at(there, at)?;
    Ok(Head::read(there, available))
}

/// A box.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mp4Box<'a> {
    pub(crate) kind: Kind,
    /// All of it.
    pub(crate) whole: &'a [u8],
    /// What is behind its head.
    pub(crate) content: &'a [u8],
    /// Where it begins in the data that was looked through.
    pub(crate) start: usize,
}

/// The boxes that `data` begins with; ends at the first that is not whole.
pub(crate) fn boxes(data: &[u8]) -> impl Iterator<Item = Mp4Box<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = data.get(at..)?;
        let head = Head::read(rest, rest.len() as u64)?;
        let whole = rest.get(..usize::try_from(head.size).ok()?)?;
        let start = at;
        at += whole.len();
        Some(Mp4Box { kind: head.kind, whole, content: &whole[head.length as usize..], start })
    })
}

/// The content of the first box along `path`, below `data`.
pub(crate) fn find<'a>(data: &'a [u8], path: &[&Kind]) -> Option<&'a [u8]> {
    path.iter()
        .try_fold(data, |data, wanted| boxes(data).find(|found| &found.kind == *wanted).map(|found| found.content))
}

/// The first box of `wanted` in `data`, with its head.
pub(crate) fn whole<'a>(data: &'a [u8], wanted: &Kind) -> Option<&'a [u8]> {
    boxes(data).find(|found| &found.kind == wanted).map(|found| found.whole)
}

/// Big-endian fields, one after the other; None when the data ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    pub(crate) fn skip(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }

    /// What is behind the fields that were read.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
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
