//! The routes and the event stream, over a mailbox that the tests hold the other end of.

mod access;
pub(crate) mod alarms;
mod applied;
mod certificate;
mod classes;
mod commands;
mod contract;
mod conventions;
mod doors;
mod engine;
mod guards;
mod monitoring;
mod osc;
mod recordings;
mod resources;
pub(crate) mod rig;
pub(crate) mod site;
mod stage;
mod stream;
mod surfaces;
mod timeline;
mod watching;
