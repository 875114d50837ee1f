//! Boxes put together in one buffer.

use super::Kind;

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
