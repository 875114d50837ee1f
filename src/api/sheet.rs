//! A sheet of metrics, filled anew from the snapshot at each scrape: nothing is counted twice, and what is gone from the
//! snapshot is gone from the scrape.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Bounded by the configuration: ids of channels and their parts, and words of enumerations.
pub(crate) type Labels = Vec<(&'static str, String)>;

/// See the module.
pub(crate) struct Sheet {
    registry: Registry,
}

impl Sheet {
    pub(crate) fn new() -> Self {
        Self { registry: Registry::with_prefix("uplink") }
    }

    /// A value that goes up and down.
    pub(crate) fn gauge(&mut self, name: &str, help: &str, rows: impl IntoIterator<Item = (Labels, f64)>) {
        let family = Family::<Labels, Gauge<f64, AtomicU64>>::default();
        for (labels, value) in rows {
            family.get_or_create(&labels).set(value);
        }
        self.registry.register(name, help, family);
    }

    /// A value that only grows; `_total` is appended to the name.
    pub(crate) fn counter(&mut self, name: &str, help: &str, rows: impl IntoIterator<Item = (Labels, u64)>) {
        let family = Family::<Labels, Counter>::default();
        for (labels, value) in rows {
            family.get_or_create(&labels).inc_by(value);
        }
        self.registry.register(name, help, family);
    }

    /// One row per word of an enumeration, 1 for the one that holds.
    pub(crate) fn words<W: serde::Serialize + PartialEq + Copy>(
        &mut self,
        (name, help): (&str, &str),
        label: &'static str,
        words: &[W],
        rows: impl IntoIterator<Item = (Labels, W)>,
    ) {
        let rows = rows.into_iter().flat_map(|(labels, holds)| {
            words.iter().map(move |word| {
                let mut labels = labels.clone();
                labels.push((label, spelled(word)));
                (labels, f64::from(u8::from(*word == holds)))
            })
        });
        self.gauge(name, help, rows.collect::<Vec<_>>());
    }

    /// OpenMetrics text.
    pub(crate) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// A word as it stands in JSON.
pub(crate) fn spelled<W: serde::Serialize>(word: &W) -> String {
    match serde_json::to_value(word) {
        Ok(serde_json::Value::String(text)) => text,
        _ => "unknown".to_owned(),
    }
}
