//! Wiring of each program: arguments → log → configuration → wire → run → exit code. No logic.

pub mod check;
pub mod ctl;
pub mod daemon;
mod disk_rate;
mod fragments;
mod last_good;
pub mod measure;
pub mod origin;
mod probe;
pub mod worker;
