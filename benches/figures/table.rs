//! The table as text, as JSON, and in the document.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

use crate::machine::Machine;
use crate::row::Row;

const BEGIN: &str = "<!-- figures: begin (written by `make bench`) -->";
const END: &str = "<!-- figures: end -->";
const HEAD: [&str; 5] = ["figure", "bar", "measured", "peer", "verdict"];

fn cells(row: &Row) -> [&str; 5] {
    [&row.figure, &row.bar, &row.measured, &row.peer, row.verdict.word()]
}

/// For a terminal.
pub fn text(rows: &[Row]) -> String {
    let lines: Vec<[&str; 5]> = std::iter::once(HEAD).chain(rows.iter().map(cells)).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let padded: Vec<String> = line.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "{}", padded.join(" | ").trim_end());
    }
    text
}

fn markdown(machine: &Machine, quick: bool, rows: &[Row]) -> String {
    let mut text = format!("{machine}\n\n");
    if quick {
        text.push_str("**Written by a quick run: no figures to rely on.**\n\n");
    }
    let _ = writeln!(text, "| {} |\n|{}", HEAD.join(" | "), "---|".repeat(HEAD.len()));
    for row in rows {
        let escaped: Vec<String> = cells(row).iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(text, "| {} |", escaped.join(" | "));
    }
    text
}

/// For programs: with the single values.
pub fn json(machine: &Machine, quick: bool, rows: &[Row]) -> Value {
    json!({ "format": "uplink-figures/1", "machine": machine, "quick": quick, "rows": rows })
}

/// Replaces what stands between the marks of the document at `path`.
pub fn write_into(path: &Path, machine: &Machine, quick: bool, rows: &[Row]) -> anyhow::Result<()> {
    let old = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (head, rest) = old.split_once(BEGIN).with_context(|| format!("{} lacks `{BEGIN}`", path.display()))?;
    let (_, tail) = rest.split_once(END).with_context(|| format!("{} lacks `{END}`", path.display()))?;
    let new = format!("{head}{BEGIN}\n\n{}\n{END}{tail}", markdown(machine, quick, rows));
    std::fs::write(path, new).with_context(|| format!("cannot write {}", path.display()))
}
