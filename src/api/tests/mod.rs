//! The routes and the event stream, over a mailbox that the tests hold the other end of.

mod access;
mod commands;
mod doors;
mod recordings;
mod resources;
pub(crate) mod rig;
mod stage;
mod stream;
