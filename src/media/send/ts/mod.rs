//! MPEG transport stream (ISO/IEC 13818-1) of one programme: access units in, packets out. Pure.
//!
//! Owns: tables, PES, clock references, splice information. Must not: know who carries the packets.
//!
//! ```text
//! access unit ─▶ annex B / ADTS ─▶ PES ─┐
//!                    tables, cues ──────┴─▶ packets ─▶ shaper (constant rate: null packets, clock references anew)
//! ```
//!
//! Presentation times are media time: PTS = UTC × 90 kHz modulo 2^33, in every connection and on every box. That is the
//! `pts_time` of a cue as well, so splice sections go out as they are, with `pts_adjustment` 0. GStreamer's own
//! multiplexer counts from the start of its pipeline and takes sections through an interface that is not bound for
//! Rust.

mod elementary;
mod language;
mod mux;
mod packet;
mod shaper;
mod splices;
mod tables;

pub(super) use mux::{Layout, Mux, TrackKind, Unit};
pub(super) use shaper::Shaper;

/// A packet that says nothing.
pub(super) fn null_packet() -> [u8; PACKET] {
    packet::null()
}

/// Bytes of a packet.
pub(super) const PACKET: usize = 188;
