//! `uplink-measure`: arguments → measurement → report → exit code.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Parser;

use crate::measure::{self, Options, Progress};

const EXAMPLES: &str = "\
Examples:
  uplink-measure http://127.0.0.1:8090/live/demo/multivariant.m3u8
  uplink-measure --seconds 60 --json http://127.0.0.1:8090/live/demo/multivariant.m3u8 | jq .faults
  uplink-measure --rendition 1280x720 https://origin.example/live/demo/multivariant.m3u8
  uplink-measure recording.mp4

Exit codes:
  0  measured, no fault
  1  could not measure: unreachable, no playlist, no media
  2  wrong usage
  3  measured, and found faults

Offset of sound to picture: positive means that the sound is late (ITU-R BT.1359 counts the other way round).
Ctrl-C ends the playing of a live stream early and reports what was seen.
Counter, latency and offset need the marks of the test source in picture and sound.";

/// Plays a delivered stream as a player does and reports what became of it: frames missing, repeated or out of order,
/// latency, offset of sound to picture, faults of the playlists, keyframes that do not agree.
#[derive(Debug, Parser)]
#[command(name = "uplink-measure", version, after_help = EXAMPLES)]
struct Arguments {
    /// Address of a multivariant or media playlist (fragmented MP4), or a local file.
    #[arg(value_name = "URL|FILE")]
    target: String,
    /// Seconds to play [default: 30 of a live stream, all of a recorded one].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: Option<u32>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// Begin with the oldest segment instead of three segments behind the live edge.
    #[arg(long)]
    from_start: bool,
    /// Measure only the media playlists whose address or resolution contains this.
    #[arg(long, value_name = "TEXT")]
    rendition: Option<String>,
}

/// Runs the program. Wrong usage ends the process with code 2, as clap does.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let json = arguments.json;
    let options = Options {
        seconds: arguments.seconds,
        from_start: arguments.from_start,
        rendition: arguments.rendition,
        ..Options::new(arguments.target)
    };
    match measure(options) {
        Ok(report) => {
            let text = if json {
                serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"
            } else {
                measure::text(&report)
            };
            // A reader that went away (`| head`) has seen what it wanted.
            let _ = std::io::stdout().write_all(text.as_bytes());
            if report.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(3) }
        }
        Err(error) => {
            eprintln!("uplink-measure: {error}");
            ExitCode::from(1)
        }
    }
}

fn measure(options: Options) -> anyhow::Result<measure::Report> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let progress = Arc::clone(&options.progress);
    let stop = options.stop.clone();
    let report = runtime.block_on(async {
        tokio::spawn(async move {
            // The first Ctrl-C ends the playing and reports; the second ends the program.
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.cancel();
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        });
        let shown = std::io::stderr().is_terminal().then(|| tokio::spawn(show(progress)));
        let report = measure::run(options).await;
        if let Some(shown) = shown {
            shown.abort();
            eprint!("\r\x1b[K");
        }
        report
    });
    runtime.shutdown_timeout(Duration::from_secs(2));
    Ok(report?)
}

/// One line on the terminal, renewed twice a second.
async fn show(progress: Arc<Progress>) {
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let started = tokio::time::Instant::now();
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let (segments, pictures, marks) =
            (count(&progress.segments), count(&progress.pictures), count(&progress.marks));
        eprint!("\r\x1b[K{:3} s: {segments} segments, {pictures} pictures, {marks} marks", started.elapsed().as_secs());
    }
}
