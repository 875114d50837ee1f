//! See the table of layers in the crate's documentation.

pub mod check;
pub mod ctl;
