//! Wiring of each program: arguments → log → configuration → wire → run → exit code. No logic.

pub mod worker;
