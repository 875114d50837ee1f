//! The spool on a real disk: runs of a worker, crashes, faults of the disk, retention.

mod crash;
mod cues;
mod faults;
mod fixture;
mod parts;
mod playback;
mod recording;
mod recovery;
mod retention;
mod runs;
mod text;
