//! Push against real HTTP servers: nginx with WebDAV that goes away and comes back, and an origin that misbehaves on
//! order.

mod bucket;
mod cable;
mod duties;
mod encrypted;
mod faults;
mod glance;
mod guarded;
mod nginx;
mod origin;
mod outage;
mod pair;
mod recorded;
mod reuse;
mod straw;
mod studio;
mod tls;
mod tokens;
mod webdav;
