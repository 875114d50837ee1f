//! The configuration from outside: shipped files, exact faults, plans, schemas.

mod derived;
mod elements;
mod faults;
mod hardware_table;
mod machines;
mod mangled;
mod shipped;
