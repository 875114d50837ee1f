//! The whole appliance at a glance: what is on air first, then what is wrong and why.

use std::fmt::Write;

use super::words::{air, columns, duration, health, judged, ok, order, shows, to_do, word};
use crate::model::status::{ApplianceStatus, ChannelStatus};
use crate::model::{Health, MediaTime};

/// The whole appliance: a line per channel, then the faults.
pub(crate) fn appliance(status: &ApplianceStatus) -> String {
    let up = duration(status.now.since(status.started_at).as_secs_f64());
    let mut text =
        format!("{}  Uplink {}, up {up}, configuration {}\n", status.name, status.version, status.config.path);
    if !status.config.rejected.is_empty() {
        let count = status.config.rejected.len();
        let _ = match &status.config.last_good {
            Some(used) => writeln!(text, "! the configuration on disk has {count} fault(s); {used}, is in force:"),
            None => {
                writeln!(
                    text,
                    "! a newer configuration has {count} fault(s) and was rejected; the old one is in force:"
                )
            }
        };
        status.config.rejected.iter().for_each(|fault| text.push_str(&format!("    {fault}\n")));
    }
    if let Some(freeze) = &status.freeze {
        let _ = writeln!(text, "* {freeze}");
    }
    if status.channels.is_empty() {
        return text + "no channel is configured\n";
    }
    let heads = ["CHANNEL", "AIR", "ORDER", "STATE", "HEALTH", "SHOWS", "ON AIR FOR", "DESTINATIONS"];
    let mut table = vec![heads.map(str::to_owned).to_vec()];
    table.extend(status.channels.iter().map(|channel| line(channel, status.now)));
    text.push('\n');
    text.push_str(&columns(&table, ""));
    for channel in status.channels.iter().filter(|channel| channel.needs_attention()) {
        text.push('\n');
        text.push_str(&faults(channel, status.now));
    }
    text
}

fn line(channel: &ChannelStatus, now: MediaTime) -> Vec<String> {
    let report = channel.report.as_ref();
    let since = channel.on_air_since.filter(|_| channel.on_air);
    let all = channel.destinations();
    let good = (report.is_some() || channel.remainder.is_some())
        .then(|| format!("{} of {}", all.iter().filter(|one| ok(&one.health)).count(), all.len()));
    let none = || "-".to_owned();
    vec![
        channel.id.to_string(),
        air(channel).to_owned(),
        order(channel).to_owned(),
        word(&channel.state),
        health(channel.health.health).to_owned(),
        report.map_or_else(none, |report| shows(&report.program.showing)),
        since.map_or_else(none, |since| duration(now.since(since).as_secs_f64())),
        good.unwrap_or_else(none),
    ]
}

/// What is wrong with a channel, worst first known: the channel's own sentence, then each part that is not well.
fn faults(channel: &ChannelStatus, now: MediaTime) -> String {
    let mut text = format!("! {}: {}\n", channel.id, judged(&channel.health, now));
    text.push_str(&to_do("    ", "", &channel.health));
    let Some(report) = &channel.report else { return text };
    for one in report.sources.iter().filter(|one| one.health.health > Health::Healthy) {
        let _ = writeln!(text, "    source {}: {}, {}", one.id, word(&one.state), judged(&one.health, now));
    }
    for one in report.destinations.iter().filter(|one| one.health.health > Health::Healthy) {
        let waiting = duration(one.queue_seconds);
        let judged = judged(&one.health, now);
        let _ = writeln!(text, "    destination {}: {}, {waiting} waiting, {judged}", one.id, word(&one.state));
    }
    if report.spool.health.health > Health::Healthy {
        let _ = writeln!(text, "    spool: {}", judged(&report.spool.health, now));
    }
    text
}
