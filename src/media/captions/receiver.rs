//! A receiver of CEA-608, channel CC1: pairs in, rows of text out (ANSI/CTA-608-E; 47 CFR 79.101).
//!
//! ```text
//!            RCL            letters ─► hidden ── EOC ─► shown
//! (nothing) ─RU2, RU3, RU4─► letters ─► shown, last row ── CR: rows go up
//!            RDC            letters ─► shown
//!            TR, RTD        letters are no captions
//! ```
//!
//! Any pair may come at any time: what makes no sense does nothing.

use super::screen::{COLUMNS, Change, Grid, ROWS, Row};
use super::signs;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// No command yet, or text that is no captions.
    Off,
    PopOn,
    /// With so many rows.
    RollUp(usize),
    PaintOn,
}

/// See the module's header.
#[derive(Debug)]
pub(super) struct Receiver {
    mode: Mode,
    shown: Grid,
    hidden: Grid,
    row: usize,
    column: usize,
    /// The command before, which may come a second time.
    last: Option<[u8; 2]>,
    /// The last command was for CC1, not for CC2 beside it.
    ours: bool,
}

impl Default for Receiver {
    fn default() -> Self {
        let (shown, hidden) = Default::default();
        Self { mode: Mode::Off, shown, hidden, row: ROWS - 1, column: 0, last: None, ours: false }
    }
}

impl Receiver {
    /// Takes a pair of field 1, with or without parity.
    pub(super) fn take(&mut self, pair: [u8; 2]) -> Change {
        let [first, second] = pair.map(|byte| byte & 0x7f);
        match first {
            0x10..=0x1f if second >= 0x20 => {
                // Commands are sent twice, so that one that is lost does no harm.
                if self.last.take() == Some([first, second]) {
                    return Change::Nothing;
                }
                self.last = Some([first, second]);
                self.ours = first & 0x08 == 0;
                if self.ours { self.command(first & 0x07, second) } else { Change::Nothing }
            }
            0x20.. => {
                self.last = None;
                let typed = [first, second].into_iter().filter_map(signs::basic).fold(
                    Change::Nothing,
                    |so_far, sign| match self.write(sign) {
                        Change::Nothing => so_far,
                        change => change,
                    },
                );
                if self.ours { typed } else { Change::Nothing }
            }
            _ => Change::Nothing,
        }
    }

    /// What is shown.
    pub(super) fn rows(&self) -> Vec<Row> {
        self.shown.rows()
    }

    /// Whether `pair` is a command, which may change all at once.
    pub(super) fn is_command(pair: [u8; 2]) -> bool {
        matches!(pair[0] & 0x7f, 0x10..=0x1f)
    }

    /// Whether what comes is for CC1.
    pub(super) fn is_ours(&self) -> bool {
        self.ours
    }

    /// Takes everything off the screen.
    pub(super) fn erase(&mut self) {
        self.shown = Grid::default();
    }

    fn command(&mut self, group: u8, code: u8) -> Change {
        match (group, code) {
            (_, 0x40..) => self.preamble(group, code),
            // A change of colour or slant takes the place of a blank.
            (1, 0x20..=0x2f) => self.write(' '),
            (1, 0x30..) => signs::special(code).map_or(Change::Nothing, |sign| self.write(sign)),
            (2 | 3, _) => {
                let Some(sign) = signs::extended(0x10 | group, code) else { return Change::Nothing };
                self.column = self.column.saturating_sub(1);
                self.write(sign)
            }
            (4, _) => self.control(code),
            (7, 0x21..=0x23) => {
                self.column = (self.column + usize::from(code - 0x20)).min(COLUMNS - 1);
                Change::Nothing
            }
            _ => Change::Nothing,
        }
    }

    fn control(&mut self, code: u8) -> Change {
        match code {
            0x20 => self.mode = Mode::PopOn,
            0x21 => {
                self.column = self.column.saturating_sub(1);
                let (row, column) = (self.row, self.column);
                return self.at_cursor(|grid| grid.put(row, column, None));
            }
            0x24 => {
                let (row, column) = (self.row, self.column);
                return self.at_cursor(|grid| grid.erase_from(row, column));
            }
            0x25..=0x27 => return self.roll_up(usize::from(code - 0x23)),
            0x29 => self.mode = Mode::PaintOn,
            0x2a | 0x2b => self.mode = Mode::Off,
            0x2c => {
                self.erase();
                return Change::Flip;
            }
            0x2d => {
                let Mode::RollUp(rows) = self.mode else { return Change::Nothing };
                self.shown.scroll((self.row + 1).saturating_sub(rows), self.row);
                self.column = 0;
                return Change::Flip;
            }
            0x2e => self.hidden = Grid::default(),
            0x2f => {
                std::mem::swap(&mut self.shown, &mut self.hidden);
                self.mode = Mode::PopOn;
                return Change::Flip;
            }
            _ => {}
        }
        Change::Nothing
    }

    fn roll_up(&mut self, rows: usize) -> Change {
        if matches!(std::mem::replace(&mut self.mode, Mode::RollUp(rows)), Mode::RollUp(_)) {
            return Change::Nothing;
        }
        (self.shown, self.hidden) = Default::default();
        (self.row, self.column) = (ROWS - 1, 0);
        Change::Flip
    }

    /// Where the next letters go.
    fn preamble(&mut self, group: u8, code: u8) -> Change {
        let lower = usize::from(code & 0x20 != 0);
        let row = match group {
            0 if lower == 0 => 10,
            1 => lower,
            2 => 2 + lower,
            3 => 11 + lower,
            4 => 13 + lower,
            5 => 4 + lower,
            6 => 6 + lower,
            7 => 8 + lower,
            _ => return Change::Nothing,
        };
        self.column = if code & 0x10 == 0 { 0 } else { usize::from(code >> 1 & 0x07) * 4 };
        let from = std::mem::replace(&mut self.row, row);
        match self.mode {
            Mode::RollUp(rows) if from != row => {
                self.shown.move_rows(rows, from, row);
                Change::Flip
            }
            _ => Change::Nothing,
        }
    }

    fn write(&mut self, sign: char) -> Change {
        if !self.ours {
            return Change::Nothing;
        }
        let (row, column) = (self.row, self.column);
        self.column = (column + 1).min(COLUMNS - 1);
        self.at_cursor(|grid| grid.put(row, column, Some(sign)))
    }

    /// Does something where letters go now.
    fn at_cursor(&mut self, change: impl FnOnce(&mut Grid)) -> Change {
        match self.mode {
            Mode::Off => Change::Nothing,
            Mode::PopOn => {
                change(&mut self.hidden);
                Change::Nothing
            }
            Mode::RollUp(_) | Mode::PaintOn => {
                change(&mut self.shown);
                Change::Typing
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::captions::line21::tests::roll_up;
    use proptest::prelude::*;

    fn texts(receiver: &Receiver) -> Vec<String> {
        receiver.rows().into_iter().map(|row| row.text).collect()
    }

    fn twice(code: u8) -> [[u8; 2]; 2] {
        [[0x14, code]; 2]
    }

    #[test]
    fn what_is_inserted_is_read_back() {
        let mut receiver = Receiver::default();
        let text = "Schöne Grüße, ça va? ♪ ½ Ñandú";
        for pair in roll_up(text) {
            receiver.take(pair);
        }
        assert_eq!(texts(&receiver), [text]);
        for pair in roll_up("Second\nThird\nFourth") {
            receiver.take(pair);
        }
        assert_eq!(texts(&receiver), ["Second", "Third", "Fourth"], "three rows roll");
        assert_eq!(receiver.rows()[2].row, 14);
    }

    #[test]
    fn every_sign_that_can_be_inserted_is_the_same_when_received() {
        let signs = "abcXYZ019 .,áéíóúç÷Ññ®½¿™£♪àèâêîôûÁÉÓÚÜü*ÀÇÈëïÄäÖößÅåØø'\"-?";
        for sign in signs.chars().filter(|sign| *sign != ' ') {
            let mut receiver = Receiver::default();
            for pair in roll_up(&sign.to_string()) {
                receiver.take(pair);
            }
            assert_eq!(texts(&receiver), [sign.to_string()]);
        }
    }

    #[test]
    fn pop_on_appears_at_once_and_where_it_was_put() {
        let mut receiver = Receiver::default();
        // Row 13, indent 8, one column more.
        let loading = twice(0x20).into_iter().chain([[0x13, 0x74], [0x13, 0x74], [0x17, 0x21], [0x17, 0x21]]);
        for pair in loading.chain([*b"Hi", *b"!\0"]) {
            assert_eq!(receiver.take(pair), Change::Nothing, "{pair:02x?}");
        }
        assert!(texts(&receiver).is_empty());
        assert_eq!(twice(0x2f).map(|pair| receiver.take(pair)), [Change::Flip, Change::Nothing]);
        assert_eq!(receiver.rows(), [Row { row: 12, column: 9, text: "Hi!".into() }]);
        assert_eq!(receiver.take([0x14, 0x2c]), Change::Flip);
        assert!(texts(&receiver).is_empty());
    }

    #[test]
    fn the_second_channel_and_text_are_left_out() {
        let mut receiver = Receiver::default();
        let pairs = [[0x1c, 0x25], [0x1c, 0x25], *b"no", [0x14, 0x2a], *b"no", [0x14, 0x29], *b"ye", *b"s\0"];
        for pair in pairs {
            receiver.take(pair);
        }
        assert_eq!(texts(&receiver), ["yes"]);
    }

    proptest! {
        #[test]
        fn any_pairs_are_survived(pairs in prop::collection::vec(any::<[u8; 2]>(), 0..400)) {
            let mut receiver = Receiver::default();
            for pair in pairs {
                receiver.take(pair);
                for row in receiver.rows() {
                    prop_assert!(row.row < ROWS && row.column + row.text.chars().count() <= COLUMNS);
                }
            }
        }
    }
}
