//! A bad line: 2 Mb/s and a round trip of 200 ms, with 5 % and 20 % of all packets lost, to a namespace in which real
//! receivers are: `uplink-origin`, srt-live-transmit, aiortc.
//!
//! Kernels without netem can do it, too: the line is a program between two TUN devices (`line.py`). Needs root; says so
//! where it is not. Whatever is made is gone again when the program ends, however this one ends.

mod hls;
mod line;
mod srt;
mod whip;

use crate::bench::Bench;
use crate::row::Row;

use line::Line;

pub fn hls(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    hls::measure(bench, &mut Line::lay()?)
}

pub fn srt(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    srt::measure(bench, &mut Line::lay()?)
}

pub fn whip(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    whip::measure(bench, &mut Line::lay()?)
}
