//! Faults: what is wrong, where, by which rule, and what to write instead.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Where something stands in what was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Spot {
    /// File as it was named, or `command line`.
    pub file: Arc<str>,
    /// Line from 1; 0 where there are no lines.
    pub line: usize,
    /// Column from 1, in characters; 0 where there are no lines.
    pub column: usize,
    /// Path of the key, such as `channels.demo.sources[0]`. Empty for the whole file.
    pub key: String,
    /// The value as written; none where it is missing, a whole table, or a secret.
    pub value: Option<String>,
}

impl Spot {
    /// The whole of `file`.
    pub fn file(file: &str) -> Self {
        Self { file: file.into(), line: 0, column: 0, key: String::new(), value: None }
    }

    /// `file:line:column`, as editors and terminals understand it.
    pub fn position(&self) -> String {
        if self.line == 0 { self.file.to_string() } else { format!("{}:{}:{}", self.file, self.line, self.column) }
    }
}

/// One fault. Displayed `file:line:column: key = value: rule; fix`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "ConfigurationFault")]
pub struct Fault {
    /// Where.
    #[serde(flatten)]
    pub spot: Spot,
    /// The rule that is broken.
    pub rule: String,
    /// What to do.
    pub fix: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.spot.position())?;
        match (self.spot.key.as_str(), &self.spot.value) {
            ("", _) => {}
            (key, Some(value)) => write!(f, "{key} = {value}: ")?,
            (key, None) => write!(f, "{key}: ")?,
        }
        write!(f, "{}; {}", self.rule, self.fix)
    }
}

/// Every fault that was found, in the order of files and lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Records a fault at `spot`.
    pub fn add(&mut self, spot: &Spot, rule: impl Into<String>, fix: impl Into<String>) {
        self.0.push(Fault { spot: spot.clone(), rule: rule.into(), fix: fix.into() });
    }

    /// Takes over the faults of another file.
    pub fn extend(&mut self, other: Faults) {
        self.0.extend(other.0);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Each in turn.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }

    /// One line each.
    pub fn lines(&self) -> Vec<String> {
        self.0.iter().map(Fault::to_string).collect()
    }

    /// How many files have faults.
    pub fn files(&self) -> usize {
        self.0.iter().map(|fault| &fault.spot.file).collect::<std::collections::BTreeSet<_>>().len()
    }

    /// In the order of lines within each file; files stay in the order in which they were read. Says nothing twice.
    pub fn sorted(mut self) -> Self {
        let mut files: Vec<Arc<str>> = Vec::new();
        for fault in &self.0 {
            if !files.contains(&fault.spot.file) {
                files.push(fault.spot.file.clone());
            }
        }
        let rank = |file: &Arc<str>| files.iter().position(|known| known == file);
        self.0.sort_by_key(|fault| (rank(&fault.spot.file), fault.spot.line, fault.spot.column));
        self.0.dedup();
        self
    }

    /// `value` if there is no fault, else the faults in order.
    pub fn unless_any<T>(self, value: Option<T>) -> Result<T, Faults> {
        match value {
            Some(value) if self.is_empty() => Ok(value),
            _ => Err(self.sorted()),
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.0 {
            writeln!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
