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

/// One of the parts.
type Part = (&'static str, fn(&Bench, &mut Line) -> anyhow::Result<Vec<Row>>);

const PARTS: [Part; 3] = [("HLS", hls::measure), ("SRT", srt::measure), ("WHIP", whip::measure)];

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let mut line = Line::lay()?;
    let mut rows = Vec::new();
    for (name, part) in PARTS {
        bench.say(format!("  {name} on a bad line …"));
        rows.extend(part(bench, &mut line).unwrap_or_else(|error| {
            bench.say(format!("  {name} on a bad line was not measured: {error:#}"));
            vec![Row::unmeasured(&format!("bad-line, {name}"), &error)]
        }));
    }
    Ok(rows)
}
