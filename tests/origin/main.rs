//! The real `uplink-origin` as a process, spoken to over raw HTTP: what it takes, refuses, serves, keeps and survives.

mod hostile;
mod http;
mod keep;
mod lease;
mod life;
mod lowlat;
mod play;
mod push;
mod recordings;
mod running;
mod signed;
