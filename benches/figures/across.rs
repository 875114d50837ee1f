//! A player in Chromium across the death of something: `web-ui/tests/across.mjs` looks, and says what it saw.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::bench::{Bench, wait};
use crate::studio::utc;

/// A browser that has just been started takes its time.
const PLAYS_WITHIN: Duration = Duration::from_secs(90);

/// Plays channel `a` by the page of the origin at `base`, does `kill`, and gives what was seen until well behind it; none if
/// the packages of web-ui are not installed.
pub fn across(
    bench: &Bench,
    name: &str,
    base: &str,
    rate: u32,
    kill: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Option<Value>> {
    let web_ui = Bench::repository().join("web-ui");
    if !web_ui.join("node_modules/playwright-core").is_dir() {
        return Ok(None);
    }
    let signs = bench.directory(name)?;
    let mut node = Command::new("timeout");
    node.args(["180", "node", "--test", "--test-reporter=tap", "tests/across.mjs"]).current_dir(web_ui);
    node.env("UPLINK_BASES", base).env("UPLINK_CHANNEL", "a").env("UPLINK_RATE", rate.to_string());
    node.env("UPLINK_SIGNS", &signs);
    let out = std::thread::scope(|scope| {
        let player = scope.spawn(move || node.output());
        wait("the page plays", PLAYS_WITHIN, Duration::from_millis(20), || {
            Ok((signs.join("plays").exists() || player.is_finished()).then_some(()))
        })?;
        kill()?;
        let at = utc().rfc3339_millis();
        std::fs::write(signs.join("killed.new"), at)?;
        std::fs::rename(signs.join("killed.new"), signs.join("killed"))?;
        player.join().map_err(|_| anyhow::anyhow!("the player failed"))?.context("node cannot be started")
    })?;
    let said = String::from_utf8_lossy(&out.stdout);
    ensure!(out.status.success(), "the page failed: {said}");
    let seen = said.lines().find_map(|line| line.split_once("seen ")).context("the page says nothing")?.1;
    Ok(Some(serde_json::from_str(seen)?))
}
