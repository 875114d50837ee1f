//! The line: `line.py` at work.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::bench::Bench;

/// Of the namespace at the far end.
pub const SPACE: &str = "uplink-line";
const NEAR: &str = "10.213.78.1";
pub const FAR: &str = "10.213.78.2";
/// What Linux uses where nobody has chosen another: a box in the field.
const CONGESTION_CONTROL: &str = "cubic";

/// As it is under all parts: 2 Mb/s each way, 100 ms each way.
const RATE: u32 = 2_000_000;
const DELAY_MS: u32 = 100;

pub struct Line {
    child: Child,
    /// The line goes when this is closed.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Line {
    /// Lays it: slow and long, but without loss.
    pub fn lay() -> anyhow::Result<Self> {
        let settings = json!({ "space": SPACE, "near": NEAR, "far": FAR, "congestion_control": CONGESTION_CONTROL });
        let mut child = Command::new("python3")
            .arg(Bench::repository().join("benches/figures/bad_line/line.py"))
            .arg(settings.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("SKIPPED: there is no python3, which plays the line")?;
        let orders = child.stdin.take();
        let mut answers = BufReader::new(child.stdout.take().context("no output")?);
        let mut said = String::new();
        answers.read_line(&mut said)?;
        let mut line = Self { child, orders, answers };
        if said.trim() != "ready" {
            bail!("SKIPPED: a bad line needs root, `ip netns` and /dev/net/tun: {}", said.trim());
        }
        line.set(json!({ "rate": RATE, "delay_ms": DELAY_MS }))?;
        Ok(line)
    }

    /// Loses that part of all packets from now on.
    pub fn lose(&mut self, part: f64) -> anyhow::Result<()> {
        self.set(json!({ "loss": part }))
    }

    /// Nothing gets through, and nothing is refused.
    pub fn cut(&mut self, cut: bool) -> anyhow::Result<()> {
        self.set(json!({ "cut": cut }))
    }

    /// What has gone over it: packets, bytes, lost, overflowed; there and back.
    pub fn counts(&mut self) -> anyhow::Result<Value> {
        self.set(json!({ "report": true }))?;
        let mut said = String::new();
        self.answers.read_line(&mut said)?;
        serde_json::from_str(&said).context("the line gave no counts")
    }

    fn set(&mut self, wish: Value) -> anyhow::Result<()> {
        let orders = self.orders.as_mut().context("the line has gone")?;
        writeln!(orders, "{wish}").context("the line has gone")
    }

    /// A program at the far end; given its arguments.
    pub fn at_far_end(program: &Command) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", SPACE]).arg(program.get_program()).args(program.get_args());
        command
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.orders = None;
        let until = Instant::now() + Duration::from_secs(5);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
            let _ = Command::new("ip").args(["netns", "del", SPACE]).output();
        }
    }
}
