//! Processes, signals, locks, control groups, the service notifications of systemd, and what the kernel says of devices and TCP
//! connections; the only home of `unsafe`.
//!
//! Owns: everything that is said to the kernel about other processes, this one and devices, and to a
//! library that no crate here binds (`ice_agent`, `header_extension`). Must not: know channels or
//! messages, or decide when to do any of it. A process is held by pidfd, so that no signal ever reaches a stranger who
//! was given the same pid, whether it is our child or was started by a daemon that is gone.

mod clock;
mod command;
mod control_group;
mod core_files;
mod descriptors;
mod disk;
mod handed;
mod header_extension;
mod heap;
mod ice_agent;
mod loaded;
mod lock;
mod machine;
mod notify;
mod priority;
mod process;
mod signals;
mod tcp;
mod timekeeper;
mod uevents;
mod video_input;

pub use clock::{ClockDiscipline, clock_discipline};
pub use command::ask_program;
pub use control_group::{ControlGroup, Share};
pub use core_files::no_core_files;
pub use descriptors::seal_descriptors;
pub use disk::{device_of, synced_rate};
pub use handed::HandedOver;
pub use header_extension::number_header_extension;
pub use heap::few_heaps;
pub use ice_agent::{close_ice_agent, restart_ice_agent};
pub use lock::{DirectoryLock, LockError};
pub use machine::{memory_bytes, processor};
pub use notify::Service;
pub use priority::{lower_priority, raise_priority, stand_back, step_forward};
pub use process::{Exit, Launch, Process, Signal, TICKS, bound_log, own_since};
pub use signals::{Asked, Signals, die_of_faults};
pub use tcp::{TcpProgress, tcp_progress};
pub use timekeeper::{Timekeeper, timekeeper};
pub use uevents::Uevents;
pub use video_input::{SignalFormat, VideoInput, VideoSignal};
