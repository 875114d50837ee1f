//! A window of CEA-708: rows of text with a place on the screen (ANSI/CTA-708-E, 8.4).

use super::screen::{COLUMNS, ROWS, Row};

/// Most columns that a window has (16:9).
const WIDEST: usize = 42;

/// See the module's header.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) visible: bool,
    /// Its first row and column, on a screen of 15 × 32.
    top: usize,
    left: usize,
    columns: usize,
    text: Vec<Vec<Option<char>>>,
    pen: (usize, usize),
}

impl Window {
    /// The window of a DefineWindow command; one that was there before keeps its text where it fits.
    pub(super) fn define([flags, vertical, horizontal, anchor, columns]: [u8; 5], before: Option<Self>) -> Self {
        let rows = usize::from(anchor & 0x0f).min(ROWS - 1) + 1;
        let columns = (usize::from(columns & 0x3f) + 1).min(WIDEST);
        // Relative positions are percentages; absolute ones count on 75 × 210.
        let relative = vertical & 0x80 != 0;
        let (down, across) = (usize::from(vertical & 0x7f), usize::from(horizontal));
        let (row, column) = match relative {
            true => (down * ROWS / 100, across * COLUMNS / 100),
            false => (down * ROWS / 75, across * COLUMNS / 210),
        };
        let back = |third: u8, size: usize| match third {
            0 => 0,
            1 => size / 2,
            _ => size - 1,
        };
        let point = (anchor >> 4).min(8);
        let top = row.saturating_sub(back(point / 3, rows)).min(ROWS - rows);
        let left = column.saturating_sub(back(point % 3, columns)).min(COLUMNS - 1);
        let visible = flags & 0x20 != 0;
        match before {
            Some(before) if before.text.len() == rows && before.columns == columns => {
                Self { visible, top, left, ..before }
            }
            _ => Self { visible, top, left, columns, text: vec![vec![None; columns]; rows], pen: (0, 0) },
        }
    }

    pub(super) fn write(&mut self, sign: char) {
        let (row, column) = self.pen;
        if let Some(place) = self.text.get_mut(row).and_then(|row| row.get_mut(column)) {
            *place = Some(sign);
        }
        self.pen.1 = (column + 1).min(self.columns);
    }

    pub(super) fn back(&mut self) {
        self.pen.1 = self.pen.1.saturating_sub(1);
        let (row, column) = self.pen;
        if let Some(place) = self.text.get_mut(row).and_then(|row| row.get_mut(column)) {
            *place = None;
        }
    }

    pub(super) fn clear(&mut self) {
        self.text.iter_mut().flatten().for_each(|place| *place = None);
        self.pen = (0, 0);
    }

    pub(super) fn return_carriage(&mut self) {
        self.pen = (self.pen.0 + 1, 0);
        if self.pen.0 >= self.text.len() {
            self.pen.0 = self.text.len().saturating_sub(1);
            self.text.rotate_left(1);
            self.erase_row();
        }
    }

    pub(super) fn erase_row(&mut self) {
        self.pen.1 = 0;
        if let Some(row) = self.text.get_mut(self.pen.0) {
            row.iter_mut().for_each(|place| *place = None);
        }
    }

    pub(super) fn move_pen(&mut self, row: usize, column: usize) {
        self.pen = (row.min(self.text.len().saturating_sub(1)), column.min(self.columns));
    }

    /// Its rows with something on them.
    pub(super) fn rows(&self) -> Vec<Row> {
        let shown = |(n, signs): (usize, &Vec<Option<char>>)| {
            let text: String = signs.iter().map(|sign| sign.unwrap_or(' ')).collect();
            let indent = text.chars().take_while(|sign| sign.is_whitespace()).count();
            let text = text.trim().to_owned();
            let (row, column) = ((self.top + n).min(ROWS - 1), (self.left + indent).min(COLUMNS - 1));
            (!text.is_empty()).then_some(Row { row, column, text })
        };
        self.text.iter().enumerate().filter_map(shown).collect()
    }
}

/// A sign of the second set (ANSI/CTA-708-E, 7.1.6); what it does not have is an underscore.
pub(super) fn sign_of_g2(code: u8) -> char {
    match code {
        0x20 | 0x21 => ' ',
        0x25 => '…',
        0x2a => 'Š',
        0x2c => 'Œ',
        0x30 => '█',
        0x31 => '‘',
        0x32 => '’',
        0x33 => '“',
        0x34 => '”',
        0x35 => '•',
        0x39 => '™',
        0x3a => 'š',
        0x3c => 'œ',
        0x3d => '℠',
        0x3f => 'Ÿ',
        0x76 => '⅛',
        0x77 => '⅜',
        0x78 => '⅝',
        0x79 => '⅞',
        _ => '_',
    }
}
