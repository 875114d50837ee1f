//! The figures of the project, measured on the real programs: `make bench`, or `cargo bench --bench figures -- --help`.
//!
//! Owns: starting `uplinkd`, `uplink-worker` and `uplink-origin` as a user does, breaking what a figure breaks, and one
//! table of what came out, with the peers beside. Must not: reach into a program (everything is seen from outside: the
//! origin, the API, `/proc`), or assert; a figure that misses its bar is a row that says so.
//!
//! ```text
//!   arguments ─► figures, one after the other ─► rows ─► table on stdout, JSON, packaging/doc/figures.md
//!                   │
//!                   ├ studio      uplink-origin + uplinkd + their workers, in a directory of their own
//!                   ├ delivered   what is at the origin: segments, playlists, pictures
//!                   ├ judged      the same, by the code of uplink-measure
//!                   └ process     CPU time, memory, kill
//! ```

mod across;
mod arguments;
mod bad_line;
mod bad_neighbours;
mod bench;
mod browser;
mod clips;
mod daemon_killed;
mod delivered;
mod drifting;
mod encode_cost;
mod encoder_replaced;
mod failover;
#[path = "../../tests/faulty_encoder/mod.rs"]
mod faulty_encoder;
mod first_segment;
mod four_channels;
mod judged;
mod latency;
mod machine;
mod many_clients;
mod origin_away;
mod origin_failover;
mod outage;
mod pair_killed;
mod panel;
mod process;
mod program_cost;
mod push_throughput;
mod recording_power_cut;
mod row;
mod soak;
mod sound_cost;
mod source_killed;
mod studio;
mod table;
mod takes;
mod web;
mod whip;
mod worker_killed;

use std::process::ExitCode;

use anyhow::Context;

use arguments::Arguments;
use bench::Bench;
use row::Row;

/// One measurement: its name on the command line, and what it runs.
type Figure = (&'static str, fn(&Bench) -> anyhow::Result<Vec<Row>>);

/// In the order in which they run.
const FIGURES: &[Figure] = &[
    ("daemon-killed", daemon_killed::measure),
    ("worker-killed", worker_killed::measure),
    ("source-killed", source_killed::measure),
    ("failover", failover::measure),
    ("takes", takes::measure),
    ("encoder-replaced", encoder_replaced::measure),
    ("origin-away", origin_away::measure),
    ("outage", outage::measure),
    ("push-throughput", push_throughput::measure),
    ("origin-failover", origin_failover::measure),
    ("pair-killed", pair_killed::measure),
    ("bad-neighbours", bad_neighbours::measure),
    ("recording-power-cut", recording_power_cut::measure),
    ("four-channels", four_channels::measure),
    ("many-clients", many_clients::measure),
    ("take-confirmed", panel::presses),
    ("panel-cost", panel::load),
    ("first-segment", first_segment::measure),
    ("ll-latency", latency::measure),
    ("encode-cost", encode_cost::measure),
    ("program-cost", program_cost::measure),
    ("sound-cost", sound_cost::measure),
    ("whip-latency", whip::latency),
    ("whip-cut", whip::cut),
    ("bad-line-hls", bad_line::hls),
    ("bad-line-srt", bad_line::srt),
    ("bad-line-whip", bad_line::whip),
    ("soak", soak::measure),
];

fn main() -> ExitCode {
    let Some(arguments) = Arguments::read() else {
        // `cargo test --all-targets` runs benches, too; a figure is no test.
        eprintln!("the figures are measured by `make bench` or `cargo bench --bench figures`");
        return ExitCode::SUCCESS;
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let chosen = arguments.choose(FIGURES)?;
    let bench = Bench::new(arguments)?;
    let machine = machine::describe();
    let mut rows = Vec::new();
    for (name, measure) in chosen {
        bench.say(format!("{name} …"));
        match measure(&bench) {
            Ok(measured) => {
                measured.iter().for_each(|row| bench.say(row));
                rows.extend(measured);
            }
            Err(error) => {
                bench.say(format!("{name} was not measured: {error:#}"));
                rows.push(Row::unmeasured(name, &error));
            }
        }
    }
    let table = table::text(&rows);
    println!("{machine}\n\n{table}");
    if let Some(path) = &arguments.json {
        let json = serde_json::to_vec_pretty(&table::json(&machine, arguments.quick, &rows))?;
        std::fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &arguments.write {
        table::write_into(path, &machine, arguments.quick, &rows)?;
    }
    Ok(())
}
