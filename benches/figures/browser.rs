//! Measuring in a browser: a script of `web-ui/tests` that prints one JSON document as its last line.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::bench::Bench;

/// Runs `script` for at most so many seconds; `hear` gets each line that is not its document.
pub fn run(
    script: &str,
    arguments: &[String],
    settings: &[(&str, String)],
    seconds: u64,
    mut hear: impl FnMut(&str) -> anyhow::Result<()>,
) -> anyhow::Result<Value> {
    let web_ui = Bench::repository().join("web-ui");
    ensure!(
        web_ui.join("node_modules/playwright-core").is_dir(),
        "the packages of web-ui are not installed (`npm install` there)"
    );
    let mut command = Command::new("timeout");
    command.args([&seconds.to_string(), "node", &format!("tests/{script}")]).args(arguments);
    command.current_dir(web_ui).envs(settings.iter().map(|(name, value)| (name, value)));
    let mut node = command.stdout(Stdio::piped()).spawn().context("node cannot be started")?;
    let mut found = None;
    for line in BufReader::new(node.stdout.take().context("no output")?).lines() {
        let line = line?;
        match serde_json::from_str::<Value>(&line) {
            Ok(document) => found = Some(document),
            Err(_) => hear(&line)?,
        }
    }
    let status = node.wait()?;
    ensure!(status.success(), "{script}: {status}");
    found.with_context(|| format!("{script} said nothing"))
}
