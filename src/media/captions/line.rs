//! The line of captions that leaves with the program: what the source carries, or what is inserted, at the program's own
//! frame rate.

use std::collections::VecDeque;

use super::dtvcc;
use super::line21::erase;
use super::speech::{Speech, Step};
use super::triplet::{Kind, Triplet, kind, of_pair};
use crate::model::FrameRate;

/// Longest queue of each stream: ten seconds of it. What is older was not shown in time anyway.
const LONGEST: usize = 300;

/// Triplets waiting to leave, each stream on its own.
#[derive(Debug)]
pub(crate) struct Line {
    fields: [VecDeque<Triplet>; 2],
    dtvcc: VecDeque<Triplet>,
    inserted: VecDeque<Step>,
    /// Packets of CEA-708 that are not the source's, and how many there were: its own are numbered behind them.
    own: VecDeque<Triplet>,
    owns: u8,
    /// The number of the last packet.
    number: u8,
    /// CEA-708 triplets that fit with one picture (CTA-708-E, 4.4.2: 9600 bit/s).
    room: usize,
    /// Ticks per pair of CEA-608: two at the high rates.
    spacing: u64,
    last_pair: Option<u64>,
    /// Something may be on the screen in CC1.
    spoken: bool,
    /// Something of a source may be in the windows of CEA-708, or something that was inserted.
    windows: bool,
    window: bool,
}

impl Line {
    pub(crate) fn new(rate: FrameRate) -> Self {
        let count = (600.0 / rate.as_f64()).round() as usize;
        let spacing = if rate.as_f64() > 31.0 { 2 } else { 1 };
        Self {
            fields: Default::default(),
            dtvcc: VecDeque::new(),
            inserted: VecDeque::new(),
            own: VecDeque::new(),
            owns: 0,
            number: 3,
            room: count.clamp(4, 31) - 2,
            spacing,
            last_pair: None,
            spoken: false,
            windows: false,
            window: false,
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

    /// Inserts captions in field 1 and in service 1; they go before what the source carries there.
    pub(crate) fn insert(&mut self, speech: Speech) {
        self.inserted.extend(speech.0);
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
        if std::mem::take(&mut self.windows) | std::mem::take(&mut self.window) {
            self.say(&dtvcc::erase());
        }
    }

    /// A packet of its own.
    fn say(&mut self, codes: &[Vec<u8>]) {
        self.number = (self.number + 1) % 4;
        self.owns = (self.owns + 1) % 4;
        self.own.extend(dtvcc::packet(self.number, codes));
    }

    /// What leaves with the picture of tick `index`; nothing if there is nothing.
    pub(crate) fn next(&mut self, index: u64) -> Vec<u8> {
        let mut out: Vec<Triplet> = Vec::new();
        if self.last_pair.is_none_or(|last| index.saturating_sub(last) >= self.spacing) {
            let step = self.inserted.pop_front();
            if let Some(codes) = step.as_ref().and_then(|step| step.codes.as_ref()) {
                self.window = *codes != dtvcc::erase();
                self.windows = false;
                self.say(codes);
            }
            let inserted = step.map(|step| of_pair(step.pair));
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
        self.windowed(&mut out);
        out.as_flattened().to_vec()
    }

    /// As much of CEA-708 as fits with one picture.
    fn windowed(&mut self, out: &mut Vec<Triplet>) {
        if !self.inserted.is_empty() {
            // Nor in one service.
            self.dtvcc.clear();
        }
        for _ in 0..self.room {
            let Some(triplet) = self.own.pop_front().or_else(|| self.of_source()) else { return };
            out.push(triplet);
        }
    }

    /// The next triplet of the source, whose packets are numbered behind those that are not its own.
    fn of_source(&mut self) -> Option<Triplet> {
        let [head, first, second] = *self.dtvcc.front()?;
        if kind([head, first, second]) != Some(Kind::Dtvcc { start: true }) {
            return self.dtvcc.pop_front();
        }
        if std::mem::take(&mut self.window) {
            self.say(&dtvcc::withdraw());
            return self.own.pop_front();
        }
        self.dtvcc.pop_front();
        let first = first.wrapping_add(self.owns << 6);
        (self.number, self.windows) = (first >> 6, true);
        Some([head, first, second])
    }
}

/// Takes captions off the screen, and no more.
fn is_erase([_, first, second]: Triplet) -> bool {
    erase().contains(&[first, second])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::captions::service::Service;

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
        line.insert(Speech(vec![Step { pair: [0x94, 0x26], codes: None }]));
        assert_eq!((line.delay(), line.next(0)), (1, vec![0xfc, 0x94, 0x26]));
        line.push([pair(5)]);
        line.clear();
        let erased = [[0xfc, 0x94, 0x2c].to_vec(), [0xfc, 0x94, 0x2c].to_vec(), vec![]];
        assert_eq!([1, 2, 3].map(|index| line.next(index)), erased, "the old source's words leave the screen");
        line.clear();
        assert!(line.next(4).is_empty(), "there is nothing on it any more");
    }

    /// What service 1 shows of what has left, and the numbers of its packets.
    fn shown(service: &mut Service, left: &[u8]) -> (Vec<String>, Vec<u8>) {
        let mut numbers = Vec::new();
        for [head, a, b] in left.as_chunks::<3>().0 {
            if let Some(Kind::Dtvcc { start }) = kind([*head, *a, *b]) {
                numbers.extend(start.then_some(a >> 6));
                service.take(start, [*a, *b]);
            }
        }
        (service.rows().into_iter().map(|row| row.text).collect(), numbers)
    }

    #[test]
    fn what_is_inserted_is_in_both_kinds_and_goes_when_the_source_speaks_again() {
        let mut line = Line::new("25".parse().unwrap());
        let mut service = Service::default();
        let mut all = |line: &mut Line, ticks: std::ops::Range<u64>| {
            shown(&mut service, &ticks.flat_map(|index| line.next(index)).collect::<Vec<_>>())
        };
        // The source defines a window, and says something in it.
        let source: [&[u8]; 2] = [&[0x98, 0x20, 0x4a, 0x14, 0x61, 0x1f, 0x00], b"live"];
        line.push(dtvcc::packet(0, &source.map(<[u8]>::to_vec)));
        assert_eq!(all(&mut line, 0..2), (vec!["live".to_owned()], vec![0]));
        line.insert(Speech::roll_up("First row\nsecond"));
        line.push(dtvcc::packet(1, &[b"lost".to_vec()]));
        let wanted = vec!["First row".to_owned(), "second".to_owned()];
        assert_eq!(all(&mut line, 2..40), (wanted, vec![1, 2]), "the source's words are not mixed with them");
        line.push(dtvcc::packet(2, &source.map(<[u8]>::to_vec)));
        assert_eq!(all(&mut line, 40..42), (vec!["live".to_owned()], vec![3, 1]), "its numbers go on by three");
        line.insert(Speech::erase());
        assert_eq!(all(&mut line, 42..50).0, Vec::<String>::new());
        line.insert(Speech::roll_up("again"));
        assert_eq!(all(&mut line, 50..70).0, ["again"]);
        line.clear();
        assert_eq!(all(&mut line, 70..72).0, Vec::<String>::new(), "with another source on air");
    }
}
