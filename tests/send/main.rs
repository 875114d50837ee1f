//! Senders against real peers: srt-live-transmit, ffmpeg, nginx-rtmp, ristreceiver. What arrives is judged by ffprobe and
//! threefive.

#[path = "../encode/rig.rs"]
#[allow(dead_code, reason = "made for another test program, which uses all of it")]
mod rig;

mod enhanced;
mod judge;
mod nginx;
mod peers;
mod receiver;
#[path = "../sources/relay.rs"]
mod relay;
mod rist;
mod rtmp;
#[path = "../encode/shipped.rs"]
mod shipped;
mod splices;
mod srt;
mod studio;
mod udp;
