//! Service 1 of CEA-708: packets in, rows of text out (ANSI/CTA-708-E, 5 to 8).
//!
//! ```text
//! triplets ─► packet ─► blocks of service 1 ─► codes ─► windows, of which some are visible
//! ```
//!
//! Colours, fonts, delays and print directions are left out: a cue has words and a place.

use super::screen::{Change, Row};
use super::window::{Window, sign_of_g2};

/// See the module's header.
#[derive(Debug, Default)]
pub(super) struct Service {
    packet: Vec<u8>,
    windows: [Option<Window>; 8],
    current: usize,
    change: Flipped,
}

/// What a packet has changed so far.
#[derive(Debug, Default)]
struct Flipped {
    typed: bool,
    flipped: bool,
}

impl Service {
    /// Takes two bytes; `start` of a packet.
    pub(super) fn take(&mut self, start: bool, pair: [u8; 2]) -> Change {
        if start {
            self.packet.clear();
        } else if self.packet.is_empty() {
            return Change::Nothing;
        }
        self.packet.extend(pair);
        let length = match self.packet.first().map(|head| usize::from(head & 0x3f)) {
            Some(0) => 128,
            Some(pairs) => pairs * 2,
            None => return Change::Nothing,
        };
        if self.packet.len() < length {
            return Change::Nothing;
        }
        let packet = std::mem::take(&mut self.packet);
        self.blocks(packet.get(1..).unwrap_or_default());
        match std::mem::take(&mut self.change) {
            Flipped { flipped: true, .. } => Change::Flip,
            Flipped { typed: true, .. } => Change::Typing,
            Flipped { .. } => Change::Nothing,
        }
    }

    /// What is shown.
    pub(super) fn rows(&self) -> Vec<Row> {
        let visible = self.windows.iter().flatten().filter(|window| window.visible);
        let mut rows: Vec<Row> = visible.flat_map(Window::rows).collect();
        rows.sort_by_key(|row| (row.row, row.column));
        rows
    }

    /// Takes everything off the screen.
    pub(super) fn erase(&mut self) {
        self.windows = Default::default();
    }

    fn blocks(&mut self, mut rest: &[u8]) {
        while let [head, tail @ ..] = rest {
            let (mut number, size) = (head >> 5, usize::from(head & 0x1f));
            let mut block = tail;
            if number == 7 && size > 0 {
                let [extended, tail @ ..] = block else { return };
                (number, block) = (extended & 0x3f, tail);
            }
            // Padding; a block that is cut off is of no use.
            let (Some(codes), true) = (block.get(..size), number > 0) else { return };
            if number == 1 {
                self.codes(codes);
            }
            rest = &block[size..];
        }
    }

    fn codes(&mut self, mut rest: &[u8]) {
        while let [code, tail @ ..] = rest {
            let more = operands(*code, tail);
            let Some(operands) = tail.get(..more) else { return };
            match code {
                0x10 => self.extended(operands),
                0x18 => {
                    let sign = u16::from_be_bytes([operands[0], operands[1]]);
                    self.write(char::from_u32(sign.into()).filter(|sign| !sign.is_control()));
                }
                0x00..=0x1f => self.control(*code),
                0x7f => self.write(Some('♪')),
                0x20..=0x7e | 0xa0.. => self.write(Some(char::from(*code))),
                0x80..=0x9f => self.command(*code, operands),
            }
            rest = &tail[more..];
        }
    }

    fn extended(&mut self, operands: &[u8]) {
        match operands.first() {
            Some(code @ 0x20..=0x7f) => self.write(Some(sign_of_g2(*code))),
            Some(0xa0..) => self.write(Some('_')),
            _ => {}
        }
    }

    fn control(&mut self, code: u8) {
        let Some(window) = self.windows[self.current].as_mut() else { return };
        match code {
            0x08 => window.back(),
            0x0c => window.clear(),
            0x0d => window.return_carriage(),
            0x0e => window.erase_row(),
            _ => return,
        }
        self.change.flipped |= window.visible;
    }

    fn write(&mut self, sign: Option<char>) {
        if let (Some(window), Some(sign)) = (self.windows[self.current].as_mut(), sign) {
            window.write(sign);
            self.change.typed |= window.visible;
        }
    }

    fn command(&mut self, code: u8, operands: &[u8]) {
        let place = usize::from(code & 0x07);
        match (code, operands) {
            (0x80..=0x87, _) => self.current = place,
            (0x88, [which]) => self.each(*which, |window| window.iter_mut().for_each(Window::clear)),
            (0x89, [which]) => self.each(*which, |window| window.iter_mut().for_each(|w| w.visible = true)),
            (0x8a, [which]) => self.each(*which, |window| window.iter_mut().for_each(|w| w.visible = false)),
            (0x8b, [which]) => self.each(*which, |window| window.iter_mut().for_each(|w| w.visible ^= true)),
            (0x8c, [which]) => self.each(*which, |window| *window = None),
            (0x8f, _) => self.each(0xff, |window| *window = None),
            (0x92, [row, column]) => {
                if let Some(window) = self.windows[self.current].as_mut() {
                    window.move_pen(usize::from(row & 0x0f), usize::from(column & 0x3f));
                }
            }
            (0x98..=0x9f, [a, b, c, d, e, _]) => {
                self.current = place;
                let defined = Window::define([*a, *b, *c, *d, *e], self.windows[place].take());
                self.windows[place] = Some(defined);
                self.change.flipped = true;
            }
            _ => {}
        }
    }

    /// Does something with the windows of a bitmap.
    fn each(&mut self, which: u8, change: impl Fn(&mut Option<Window>)) {
        let chosen = self.windows.iter_mut().enumerate().filter(|(place, _)| which & (1 << place) != 0);
        chosen.for_each(|(_, window)| change(window));
        self.change.flipped = true;
    }
}

/// Bytes that belong to a code behind it (ANSI/CTA-708-E, 7.1 and 8.10).
fn operands(code: u8, tail: &[u8]) -> usize {
    match code {
        0x10 => match tail.first() {
            Some(0x00..=0x07) => 1,
            Some(0x08..=0x0f) => 2,
            Some(0x10..=0x17) => 3,
            Some(0x18..=0x1f) => 4,
            Some(0x80..=0x87) => 5,
            Some(0x88..=0x8f) => 6,
            Some(0x90..=0x9f) => 2 + tail.get(1).map_or(0, |length| usize::from(length & 0x3f)),
            _ => 1,
        },
        0x11..=0x17 => 1,
        0x18..=0x1f => 2,
        0x88..=0x8d => 1,
        0x90 | 0x92 => 2,
        0x91 => 3,
        0x97 => 4,
        0x98..=0x9f => 6,
        _ => 0,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Codes as the pairs of a packet.
    pub(in crate::media::captions) fn packet(codes: &[u8]) -> Vec<(bool, [u8; 2])> {
        let mut bytes = vec![0, 0x20 | codes.len() as u8];
        bytes.extend(codes);
        if bytes.len() % 2 == 1 {
            bytes.push(0);
        }
        bytes[0] = (bytes.len() / 2) as u8;
        bytes.as_chunks::<2>().0.iter().enumerate().map(|(n, pair)| (n == 0, *pair)).collect()
    }

    fn feed(service: &mut Service, codes: &[u8]) -> Vec<Change> {
        packet(codes).into_iter().map(|(start, pair)| service.take(start, pair)).collect()
    }

    fn texts(service: &Service) -> Vec<(usize, String)> {
        service.rows().into_iter().map(|row| (row.row, row.text)).collect()
    }

    /// Window 0, two rows of 32, bottom left at the foot of the screen.
    const DEFINE: [u8; 7] = [0x98, 0x00, 0x4a, 0x14, 0x61, 0x1f, 0x00];

    #[test]
    fn a_window_is_filled_and_then_shown() {
        let mut service = Service::default();
        assert_eq!(feed(&mut service, &DEFINE).last(), Some(&Change::Flip));
        feed(&mut service, b"\x80Gr\xfc\xdfe \x7f\rtwo\x10\x39");
        assert_eq!(texts(&service), []);
        feed(&mut service, &[0x89, 0x01]);
        assert_eq!(texts(&service), [(13, "Grüße ♪".into()), (14, "two™".into())]);
        feed(&mut service, b"\rthree");
        assert_eq!(texts(&service), [(13, "two™".into()), (14, "three".into())], "rows roll up");
        assert_eq!(feed(&mut service, &[0x8c, 0xff]).last(), Some(&Change::Flip));
        assert_eq!(texts(&service), []);
    }

    #[test]
    fn other_services_and_what_is_cut_off_are_left_out() {
        let mut service = Service::default();
        feed(&mut service, &DEFINE);
        feed(&mut service, &[0x89, 0x01]);
        // Service 2, then service 1.
        for (start, pair) in [(true, [0x04, 0x42]), (false, *b"no"), (false, [0x22, b'h']), (false, [b'i', 0])] {
            service.take(start, pair);
        }
        assert_eq!(texts(&service), [(13, "hi".into())]);
        // A packet that never ends, and one that begins before it has.
        service.take(true, [0x3f, 0x22]);
        feed(&mut service, b"!");
        assert_eq!(texts(&service), [(13, "hi!".into())]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(pairs in prop::collection::vec((any::<bool>(), any::<[u8; 2]>()), 0..400)) {
            let mut service = Service::default();
            for (start, pair) in pairs {
                service.take(start, pair);
                prop_assert!(service.rows().iter().all(|row| row.row < 15 && row.column < 32 && !row.text.is_empty()));
            }
        }

        #[test]
        fn any_codes_are_survived(codes in prop::collection::vec(any::<u8>(), 0..31)) {
            let mut service = Service::default();
            feed(&mut service, &DEFINE);
            feed(&mut service, &codes);
            service.rows();
        }
    }
}
