//! The whole appliance, as a technician has it: real `uplinkd`, `uplink-worker` and `uplink-origin`, with ffprobe and
//! `uplink::measure` as judges of what a viewer gets.
//!
//! ```text
//!   rig (directories, ports, processes) ── REST, events ──▶ uplinkd ── sockets ──▶ uplink-worker × channels
//!    │                                                                                   │ push
//!    └── playlists, segments, marks ◀──────────────── uplink-origin ◀────────────────────┘
//! ```
//!
//! Counts and order are asserted, never speed; figures are printed. Each rig has ports, directories and processes of its
//! own, and leaves none of them behind. What is skipped says so.

mod acme;
mod alarms;
mod asking;
mod bad_disk;
mod bad_peer;
mod bad_start;
mod browser;
mod captions;
mod classes;
mod contract;
mod cues;
mod daemon_death;
mod delivered;
mod desk;
mod destinations;
mod encoder_replaced;
mod encrypted;
#[path = "../faulty_encoder/mod.rs"]
mod faulty_encoder;
mod first_hour;
mod guest;
mod http;
#[path = "../send/judge.rs"]
#[allow(dead_code, reason = "the tests of senders use the rest of it")]
mod judge;
mod last_good;
mod live;
mod low_latency;
mod ndi;
#[path = "../send/nginx.rs"]
#[allow(dead_code, reason = "the tests of senders use the rest of it")]
mod nginx;
mod on_air;
mod outage;
mod pair;
#[path = "../send/peers.rs"]
#[allow(dead_code, reason = "the tests of senders use the rest of it")]
mod peers;
mod player;
mod probe;
mod process;
#[path = "../send/receiver.rs"]
#[allow(dead_code, reason = "the tests of senders use the rest of it")]
mod receiver;
mod recording;
mod reload;
mod rig;
mod secrets;
mod sound;
mod stop;
mod streams;
mod takes;
mod timeline;
mod watching;
mod whip;
#[path = "../whip/server.rs"]
#[allow(dead_code, reason = "the other tests of WHIP use the rest of it")]
mod whip_server;
mod worker_death;
