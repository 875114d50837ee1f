//! Cuts program sound into blocks of one AAC frame on the epoch grid, so that every encoder of every box frames the
//! same samples, and fills what is missing with silence.

use crate::model::{MediaTime, SampleGrid};

use super::format::AAC_FRAME;

/// A longer gap is jumped over: the program has been away, and its silence is not made up.
const MAX_FILL_SECONDS: u64 = 1;

/// One block: [`AAC_FRAME`] samples per channel, interleaved, little endian 32 bit float.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub start: MediaTime,
    pub end: MediaTime,
    pub data: Vec<u8>,
}

/// Collects sound until blocks are full.
#[derive(Debug)]
pub(super) struct Blocks {
    grid: SampleGrid,
    rate: u64,
    frame_bytes: usize,
    /// Index since the epoch of the first sample in `pending`; `None` before the first sound.
    at: Option<u64>,
    pending: Vec<u8>,
    /// Samples per channel made up as silence.
    filled: u64,
    /// Samples per channel thrown away: before the first whole block, or a second time for the same instant.
    trimmed: u64,
}

impl Blocks {
    pub(super) fn new(rate: u32, channels: u8) -> Self {
        Self {
            grid: SampleGrid::new(rate),
            rate: rate.into(),
            frame_bytes: usize::from(channels) * 4,
            at: None,
            pending: Vec::new(),
            filled: 0,
            trimmed: 0,
        }
    }

    pub(super) fn filled(&self) -> u64 {
        self.filled
    }

    pub(super) fn trimmed(&self) -> u64 {
        self.trimmed
    }

    /// Takes sound that begins at `time` and returns the blocks it completes.
    pub(super) fn push(&mut self, time: MediaTime, data: &[u8]) -> Vec<Block> {
        // Half a sample of tolerance for whoever rounds down.
        let half = std::time::Duration::from_nanos(500_000_000 / self.rate);
        let index = self.grid.index_at(time + half);
        let have = self.pending.len() / self.frame_bytes;
        let next = self.at.map(|at| at + have as u64);
        let mut data = &data[..data.len() - data.len() % self.frame_bytes];
        match next {
            Some(next) if index > next && index - next <= MAX_FILL_SECONDS * self.rate => {
                self.filled += index - next;
                self.pending.resize(self.pending.len() + (index - next) as usize * self.frame_bytes, 0);
            }
            Some(next) if index < next => data = self.trim(data, next - index),
            Some(next) if index == next => {}
            _ => {
                // The first sound, or sound after a long absence: begin with the next whole block.
                self.trimmed += have as u64;
                self.pending.clear();
                let first = index.next_multiple_of(AAC_FRAME);
                data = self.trim(data, first - index);
                self.at = if data.is_empty() { None } else { Some(first) };
            }
        }
        self.pending.extend_from_slice(data);
        self.complete()
    }

    fn trim<'a>(&mut self, data: &'a [u8], samples: u64) -> &'a [u8] {
        let bytes = (samples as usize).saturating_mul(self.frame_bytes).min(data.len());
        self.trimmed += (bytes / self.frame_bytes) as u64;
        &data[bytes..]
    }

    fn complete(&mut self) -> Vec<Block> {
        let size = AAC_FRAME as usize * self.frame_bytes;
        let Some(at) = self.at else { return Vec::new() };
        let whole = self.pending.len() / size;
        let rest = self.pending.split_off(whole * size);
        let full = std::mem::replace(&mut self.pending, rest);
        self.at = Some(at + whole as u64 * AAC_FRAME);
        let start = |n: usize| self.grid.time_of(at + n as u64 * AAC_FRAME);
        let block = |(n, data): (usize, &[u8])| Block { start: start(n), end: start(n + 1), data: data.to_vec() };
        full.chunks_exact(size).enumerate().map(block).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: u64 = 82_649_999_999 * AAC_FRAME;

    fn sound(index: u64, samples: u64) -> (MediaTime, Vec<u8>) {
        let data = (index..index + samples).flat_map(|i| ((i % 65_521) as f32).to_le_bytes()).collect();
        (SampleGrid::new(48_000).time_of(index), data)
    }

    fn push(blocks: &mut Blocks, index: u64, samples: u64) -> Vec<Block> {
        let (time, data) = sound(index, samples);
        blocks.push(time, &data)
    }

    #[test]
    fn the_first_block_begins_on_the_grid() {
        let mut blocks = Blocks::new(48_000, 1);
        assert!(push(&mut blocks, FIRST + 1000, 10).is_empty());
        let out = push(&mut blocks, FIRST + 1010, 2000);
        assert_eq!((out.len(), out[0].start), (1, SampleGrid::new(48_000).time_of(FIRST + 1024)));
        assert_eq!(out[0].data, sound(FIRST + 1024, 1024).1);
        assert_eq!((blocks.filled(), blocks.trimmed()), (0, 24));
    }

    #[test]
    fn a_short_gap_is_silence_and_a_repeat_is_dropped() {
        let mut blocks = Blocks::new(48_000, 1);
        push(&mut blocks, FIRST, 500);
        let out = push(&mut blocks, FIRST + 600, 424);
        assert_eq!(&out[0].data[500 * 4..600 * 4], &[0; 400][..]);
        assert_eq!(blocks.filled(), 100);
        assert!(push(&mut blocks, FIRST + 24, 1000).is_empty());
        assert_eq!(blocks.trimmed(), 1000);
    }

    #[test]
    fn a_long_absence_is_jumped_over() {
        let mut blocks = Blocks::new(48_000, 1);
        push(&mut blocks, FIRST, 500);
        let out = push(&mut blocks, FIRST + 1024 * 100, 1024);
        assert_eq!((out.len(), out[0].start), (1, SampleGrid::new(48_000).time_of(FIRST + 1024 * 100)));
        assert_eq!((blocks.filled(), blocks.trimmed()), (0, 500));
    }

    proptest! {
        #[test]
        fn however_sound_arrives_the_blocks_are_the_same(sizes in prop::collection::vec(1u64..3000, 1..30), offset in 0u64..5000) {
            let mut blocks = Blocks::new(48_000, 1);
            let mut index = FIRST + offset;
            let mut out = Vec::new();
            for size in &sizes {
                out.extend(push(&mut blocks, index, *size));
                index += size;
            }
            let first = (FIRST + offset).next_multiple_of(AAC_FRAME);
            for (n, block) in out.iter().enumerate() {
                let at = first + n as u64 * AAC_FRAME;
                prop_assert_eq!(block.start, SampleGrid::new(48_000).time_of(at));
                prop_assert_eq!(&block.data, &sound(at, AAC_FRAME).1);
            }
            prop_assert_eq!(out.len() as u64, index.saturating_sub(first) / AAC_FRAME);
        }
    }
}
