//! The line of captions that leaves with the program: what the source carries, or what is inserted, at the program's own
//! frame rate.

use std::collections::VecDeque;

use super::line21::erase;
use super::triplet::{Kind, Triplet, kind, of_pair};
use crate::model::FrameRate;

/// Longest queue of each stream: ten seconds of it. What is older was not shown in time anyway.
const LONGEST: usize = 300;

/// Triplets waiting to leave, each stream on its own.
#[derive(Debug)]
pub(crate) struct Line {
    fields: [VecDeque<Triplet>; 2],
    dtvcc: VecDeque<Triplet>,
    inserted: VecDeque<[u8; 2]>,
    /// CEA-708 triplets that fit with one picture (CTA-708-E, 4.4.2: 9600 bit/s).
    room: usize,
    /// Ticks per pair of CEA-608: two at the high rates.
    spacing: u64,
    last_pair: Option<u64>,
    /// Something may be on the screen in CC1.
    spoken: bool,
}

impl Line {
    pub(crate) fn new(rate: FrameRate) -> Self {
        let count = (600.0 / rate.as_f64()).round() as usize;
        let spacing = if rate.as_f64() > 31.0 { 2 } else { 1 };
        Self {
            fields: Default::default(),
            dtvcc: VecDeque::new(),
            inserted: VecDeque::new(),
            room: count.clamp(4, 31) - 2,
            spacing,
            last_pair: None,
            spoken: false,
        }
    }

    /// What the source on air carries, as it comes due.
    pub(crate) fn push(&mut self, triplets: impl IntoIterator<Item = Triplet>) {
        for triplet in triplets {
            let queue = match kind(triplet) {
                Some(Kind::Line21 { second }) => &mut self.fields[usize::from(second)],
                Some(Kind::Dtvcc { .. }) => &mut self.dtvcc,
                None => continue,
            };
            queue.push_back(triplet);
            if queue.len() > LONGEST {
                queue.pop_front();
            }
        }
    }

    /// Inserts pairs in field 1; they go before what the source carries there.
    pub(crate) fn insert(&mut self, pairs: impl IntoIterator<Item = [u8; 2]>) {
        self.inserted.extend(pairs);
    }

    /// After how many ticks what is inserted now begins to leave.
    pub(crate) fn delay(&self) -> u64 {
        self.inserted.len() as u64 * self.spacing
    }

    /// The program shows another source: what waits of the old one does not belong to it, and what viewers still see of
    /// it is taken off the screen.
    pub(crate) fn clear(&mut self) {
        self.fields.iter_mut().for_each(VecDeque::clear);
        self.dtvcc.clear();
        if std::mem::take(&mut self.spoken) {
            self.fields[0].extend(erase().into_iter().map(of_pair));
        }
    }

    /// What leaves with the picture of tick `index`; nothing if there is nothing.
    pub(crate) fn next(&mut self, index: u64) -> Vec<u8> {
        let mut out: Vec<Triplet> = Vec::new();
        if self.last_pair.is_none_or(|last| index.saturating_sub(last) >= self.spacing) {
            let inserted = self.inserted.pop_front().map(of_pair);
            if inserted.is_some() {
                // Two texts in one channel would be mixed letter by letter.
                self.fields[0].clear();
            }
            self.spoken |= inserted.is_some() || self.fields[0].front().is_some_and(|pair| !is_erase(*pair));
            out.extend(inserted.or_else(|| self.fields[0].pop_front()));
            out.extend(self.fields[1].pop_front());
            if !out.is_empty() {
                self.last_pair = Some(index);
            }
        }
        out.extend(self.dtvcc.drain(..self.room.min(self.dtvcc.len())));
        out.as_flattened().to_vec()
    }
}

/// Takes captions off the screen, and no more.
fn is_erase([_, first, second]: Triplet) -> bool {
    erase().contains(&[first, second])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(n: u8) -> Triplet {
        [0xfc, n | 0x80, 0x80 | n]
    }

    #[test]
    fn pairs_leave_one_by_one_and_none_is_lost_or_doubled() {
        let mut line = Line::new("25".parse().unwrap());
        line.push([pair(1), [0xfc, 0x80, 0x80], pair(2), [0xfe, 1, 2], [0xff, 3, 4], [0xfa, 0, 0]]);
        assert_eq!(line.next(0), [&pair(1)[..], &[0xfe, 1, 2], &[0xff, 3, 4]].concat());
        assert_eq!((line.next(1), line.next(2)), (pair(2).to_vec(), vec![]));
        let mut line = Line::new("50".parse().unwrap());
        line.push([pair(1), pair(2)]);
        let sizes: Vec<usize> = (0..4).map(|index| line.next(index).len()).collect();
        assert_eq!(sizes, [3, 0, 3, 0]);
    }

    #[test]
    fn what_is_inserted_goes_first_and_the_queue_is_bounded() {
        let mut line = Line::new("30".parse().unwrap());
        line.push((0..100_000).map(|n| pair(n as u8)));
        assert_eq!(line.fields[0].len(), LONGEST);
        line.insert([[0x94, 0x26]]);
        assert_eq!((line.delay(), line.next(0)), (1, vec![0xfc, 0x94, 0x26]));
        line.push([pair(5)]);
        line.clear();
        let erased = [[0xfc, 0x94, 0x2c].to_vec(), [0xfc, 0x94, 0x2c].to_vec(), vec![]];
        assert_eq!([1, 2, 3].map(|index| line.next(index)), erased, "the old source's words leave the screen");
        line.clear();
        assert!(line.next(4).is_empty(), "there is nothing on it any more");
    }
}
