//! What a receiver shows of captions: rows of text, and how they change.

/// Rows of the screen (47 CFR 79.101; CEA-708 positions are brought to them).
pub(super) const ROWS: usize = 15;
/// Columns of the screen.
pub(super) const COLUMNS: usize = 32;

/// A row with something on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// From 0, the top.
    pub(crate) row: usize,
    /// Where its text begins.
    pub(crate) column: usize,
    /// Without blanks at its ends.
    pub(crate) text: String,
}

/// What a code did to what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing that can be seen.
    Nothing,
    /// Another letter.
    Typing,
    /// All at once: rows came, moved or went.
    Flip,
}

/// A screenful of signs; a place without one is transparent.
#[derive(Debug, Clone)]
pub(super) struct Grid([[Option<char>; COLUMNS]; ROWS]);

impl Default for Grid {
    fn default() -> Self {
        Self([[None; COLUMNS]; ROWS])
    }
}

impl Grid {
    /// Puts a sign; none takes away what is there. What is outside is left out.
    pub(super) fn put(&mut self, row: usize, column: usize, sign: Option<char>) {
        if let Some(place) = self.0.get_mut(row).and_then(|row| row.get_mut(column)) {
            *place = sign;
        }
    }

    /// Takes away what stands in `row` from `column` on.
    pub(super) fn erase_from(&mut self, row: usize, column: usize) {
        if let Some(row) = self.0.get_mut(row) {
            row.iter_mut().skip(column).for_each(|place| *place = None);
        }
    }

    /// Moves the rows from `top` to `base` up by one; `base` is empty then.
    pub(super) fn scroll(&mut self, top: usize, base: usize) {
        let base = base.min(ROWS - 1);
        if top < base {
            self.0.copy_within(top + 1..=base, top);
        }
        self.erase_from(base, 0);
    }

    /// Moves the `count` rows that end with `from` to where they end with `to`; nothing else stays.
    pub(super) fn move_rows(&mut self, count: usize, from: usize, to: usize) {
        let old = std::mem::take(self);
        for back in 0..count {
            if let (Some(from), Some(to)) = (from.checked_sub(back), to.checked_sub(back)) {
                self.0[to] = old.0[from];
            }
        }
    }

    /// The rows that have something on them, from the top.
    pub(super) fn rows(&self) -> Vec<Row> {
        let shown = |(row, signs): (usize, &[Option<char>; COLUMNS])| {
            let text: String = signs.iter().map(|sign| sign.unwrap_or(' ')).collect();
            let column = text.chars().take_while(|sign| *sign == ' ').count();
            let text = text.trim().to_owned();
            (!text.is_empty()).then_some(Row { row, column, text })
        };
        self.0.iter().enumerate().filter_map(shown).collect()
    }
}
