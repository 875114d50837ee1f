//! Words and columns that every table has in common.

use serde_json::Value;

use crate::model::status::{ChannelOrder, ChannelStatus, ProgramOrder, Showing};
use crate::model::{Health, HealthReport, MediaTime, Scene};

/// Left-aligned columns, two blanks between, nothing behind the last.
pub(in crate::app::ctl) fn columns(table: &[Vec<String>], indent: &str) -> String {
    let count = table.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |n: usize| table.iter().filter_map(|row| row.get(n)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in table {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        text.push_str(indent);
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

pub(in crate::app::ctl) fn judged(report: &HealthReport, now: MediaTime) -> String {
    match ok(report) {
        true => health(report.health).to_owned(),
        false => {
            let since = duration(now.since(report.since).as_secs_f64());
            format!("{} for {since}: {} [{}]", health(report.health), report.reason, report.code)
        }
    }
}

/// What to do about it, as a line of its own.
pub(in crate::app::ctl) fn to_do(indent: &str, of: &str, report: &HealthReport) -> String {
    report.action.iter().map(|action| format!("{indent}to do{of}: {action}\n")).collect()
}

pub(in crate::app::ctl) fn ok(report: &HealthReport) -> bool {
    report.health == Health::Healthy
}

pub(in crate::app::ctl) fn health(health: Health) -> &'static str {
    match health {
        Health::Inactive => "inactive",
        Health::Healthy => "healthy",
        Health::PartiallyHealthy => "DEGRADED",
        Health::Unhealthy => "FAILED",
    }
}

pub(in crate::app::ctl) fn air(channel: &ChannelStatus) -> &'static str {
    match (&channel.report, channel.on_air) {
        (_, false) => "OFF AIR",
        (Some(report), true) if report.program.showing == Showing::Slate => "SLATE",
        (_, true) => "ON AIR",
    }
}

pub(in crate::app::ctl) fn order(channel: &ChannelStatus) -> &'static str {
    match channel.order {
        ChannelOrder::OnAir => "on air",
        ChannelOrder::OffAir => "off air",
    }
}

pub(in crate::app::ctl) fn asked(order: &ProgramOrder) -> String {
    match order {
        ProgramOrder::Auto => "best source".to_owned(),
        ProgramOrder::Slate => "slate".to_owned(),
        ProgramOrder::Source { source } => format!("source {source}"),
        ProgramOrder::Scene { scene } => scene_of(scene),
    }
}

pub(in crate::app::ctl) fn shows(showing: &Showing) -> String {
    match showing {
        Showing::Slate => "slate".to_owned(),
        Showing::Source { source } => source.to_string(),
        Showing::Scene { scene } => scene_of(scene),
    }
}

pub(in crate::app::ctl) fn scene_of(scene: &Scene) -> String {
    let [first, second] = &scene.sources;
    format!("{first} + {second}")
}

pub(in crate::app::ctl) fn word(word: &impl serde::Serialize) -> String {
    match serde_json::to_value(word) {
        Ok(Value::String(text)) => text,
        _ => "?".to_owned(),
    }
}

pub(in crate::app::ctl) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3_600 => format!("{} min {:02} s", whole / 60, whole % 60),
        3_600..86_400 => format!("{} h {:02} min", whole / 3_600, whole / 60 % 60),
        _ => format!("{} d {} h", whole / 86_400, whole / 3_600 % 24),
    }
}
