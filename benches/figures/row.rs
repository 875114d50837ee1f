//! One line of the table.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

/// Whether a figure meets its bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It does.
    Met,
    /// It does not.
    Missed,
    /// There is no bar; the number is for information.
    Shown,
    /// It could not be measured.
    Unmeasured,
}

impl Verdict {
    /// `Met` if `met`.
    pub fn of(met: bool) -> Self {
        if met { Self::Met } else { Self::Missed }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "MISSED",
            Self::Shown => "–",
            Self::Unmeasured => "NOT MEASURED",
        }
    }
}

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub figure: String,
    pub bar: String,
    pub measured: String,
    pub peer: String,
    pub verdict: Verdict,
    /// Single values behind the figure.
    pub details: Value,
}

impl Row {
    pub fn new(figure: impl Into<String>, bar: impl Into<String>, measured: impl Into<String>, met: bool) -> Self {
        Self {
            figure: figure.into(),
            bar: bar.into(),
            measured: measured.into(),
            peer: String::new(),
            verdict: Verdict::of(met),
            details: Value::Null,
        }
    }

    /// A number without a bar.
    pub fn shown(figure: impl Into<String>, measured: impl Into<String>) -> Self {
        Self { verdict: Verdict::Shown, ..Self::new(figure, "", measured, true) }
    }

    pub fn unmeasured(figure: &str, error: &anyhow::Error) -> Self {
        let details = json!({ "error": format!("{error:#}") });
        Self { verdict: Verdict::Unmeasured, details, ..Self::new(figure, "", "", false) }
    }

    pub fn peer(mut self, peer: impl Into<String>) -> Self {
        self.peer = peer.into();
        self
    }

    pub fn details(mut self, details: Value) -> Self {
        self.details = details;
        self
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}: {} (bar {}): {}", self.figure, self.measured, self.bar, self.verdict.word())
    }
}

/// The middle value; the mean of the two in the middle of an even count. Zero of nothing.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// The largest value. Zero of nothing.
pub fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}
