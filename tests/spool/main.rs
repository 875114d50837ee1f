//! The spool on a real disk: runs of a worker, crashes, faults of the disk, retention.

mod crash;
mod faults;
mod fixture;
mod recovery;
mod retention;
mod runs;
