//! What operators insert: the same text as CEA-608 and as CEA-708, in step.

use super::dtvcc::{self, Codes};
use super::line21;

/// A pair of CEA-608, and the packet of CEA-708 that begins to leave with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) pair: [u8; 2],
    pub(super) codes: Option<Codes>,
}

/// Inserted captions, one step per pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Speech(pub(super) Vec<Step>);

impl Speech {
    /// Shows `text`, row by row, which roll up. Lines are broken at words.
    pub(crate) fn roll_up(text: &str) -> Self {
        let rows = line21::rows(text);
        Self(rows.iter().flat_map(|row| steps(line21::pairs(row), dtvcc::row(row))).collect())
    }

    /// Takes captions off the screen.
    pub(crate) fn erase() -> Self {
        Self(steps(line21::erase(), dtvcc::erase()).collect())
    }
}

fn steps(pairs: Vec<[u8; 2]>, codes: Codes) -> impl Iterator<Item = Step> {
    let mut codes = Some(codes);
    pairs.into_iter().map(move |pair| Step { pair, codes: codes.take() })
}
