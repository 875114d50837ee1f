//! What the benchmark is told on the command line.

use std::path::PathBuf;

use clap::Parser;

use crate::Figure;

/// Runs only if it is named: it takes as long as it is told.
const LONG: &str = "soak";

/// Measures Uplink's figures on the real programs and prints them with their bars and peers.
#[derive(Debug, Parser)]
#[command(name = "figures")]
pub struct Arguments {
    /// Measure only this figure; repeatable. Without it, all but `soak`
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// Write the figures with all details as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the table into this document, between its `figures` marks
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Fewer rounds and shorter times: to see that the benchmark works, not for figures
    #[arg(long)]
    pub quick: bool,
    /// How long `soak` runs, which is measured only if it is named [default: 10, 2 in a quick run], and how long the
    /// origin is away in `outage` [default: 2]
    #[arg(long, value_name = "MINUTES")]
    pub minutes: Option<u64>,
    /// Keep the directories and logs of what was started
    #[arg(long)]
    pub keep: bool,
    /// What `cargo bench` says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    /// None unless `cargo bench` runs this.
    pub fn read() -> Option<Self> {
        std::env::args().any(|argument| argument == "--bench" || argument == "--help").then(Self::parse)
    }

    /// The figures to measure.
    pub fn choose(&self, figures: &'static [Figure]) -> anyhow::Result<Vec<Figure>> {
        let names = || figures.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        if let Some(unknown) = self.only.iter().find(|only| !figures.iter().any(|(name, _)| name == *only)) {
            anyhow::bail!("there is no figure `{unknown}`; there are: {}", names());
        }
        let named = |name: &str| self.only.iter().any(|only| only == name);
        let wanted = |name: &str| named(name) || self.only.is_empty() && name != LONG;
        Ok(figures.iter().copied().filter(|(name, _)| wanted(name)).collect())
    }
}
