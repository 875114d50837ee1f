//! A sheet of metrics, filled anew from the snapshot at each scrape: nothing is counted twice, and what is gone from the
//! snapshot is gone from the scrape.

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::model::Histogram;

/// Bounded by the configuration: ids of channels and their parts, and words of enumerations.
pub(crate) type Labels = Vec<(&'static str, String)>;

/// One metric: its rows in the order of the snapshot.
#[derive(Debug)]
enum Rows {
    Gauge(Vec<(Labels, f64)>),
    Counter(Vec<(Labels, u64)>),
    /// Of time, which has no whole number.
    Seconds(Vec<(Labels, f64)>),
    Histogram(Vec<(Labels, Histogram)>),
}

/// See the module.
pub(crate) struct Sheet {
    registry: Registry,
    /// What every process has, by names that everybody knows, without this program's before them.
    process: Registry,
}

impl Sheet {
    pub(crate) fn new() -> Self {
        Self { registry: Registry::with_prefix("uplink"), process: Registry::with_prefix("process") }
    }

    /// A value that goes up and down.
    pub(crate) fn gauge(&mut self, name: &str, help: &str, rows: impl IntoIterator<Item = (Labels, f64)>) {
        self.registry.register(name, help, Rows::Gauge(rows.into_iter().collect()));
    }

    /// A value that only grows; `_total` is appended to the name.
    pub(crate) fn counter(&mut self, name: &str, help: &str, rows: impl IntoIterator<Item = (Labels, u64)>) {
        self.registry.register(name, help, Rows::Counter(rows.into_iter().collect()));
    }

    /// Seconds that only grow; `_total` is appended to the name.
    pub(crate) fn seconds(&mut self, name: &str, help: &str, rows: impl IntoIterator<Item = (Labels, f64)>) {
        self.registry.register(name, help, Rows::Seconds(rows.into_iter().collect()));
    }

    /// How long things took.
    pub(crate) fn histogram(&mut self, name: &str, help: &str, rows: impl IntoIterator<Item = (Labels, Histogram)>) {
        self.registry.register(name, help, Rows::Histogram(rows.into_iter().collect()));
    }

    /// A value of this process that goes up and down.
    pub(crate) fn process_gauge(&mut self, name: &str, help: &str, value: f64) {
        self.process.register(name, help, Rows::Gauge(vec![(Labels::new(), value)]));
    }

    /// Seconds of this process, which only grow; `_total` is appended to the name.
    pub(crate) fn process_seconds(&mut self, name: &str, help: &str, value: f64) {
        self.process.register(name, help, Rows::Seconds(vec![(Labels::new(), value)]));
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
        let mut written = String::new();
        text::encode_registry(&mut written, &self.registry)?;
        text::encode_registry(&mut written, &self.process)?;
        text::encode_eof(&mut written)?;
        Ok(written)
    }
}

impl EncodeMetric for Rows {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let none: Option<&prometheus_client::metrics::exemplar::Exemplar<NoLabelSet, f64>> = None;
        match self {
            Rows::Gauge(rows) => rows.iter().try_for_each(|(labels, value)| match labels.is_empty() {
                true => encoder.encode_gauge(value),
                false => encoder.encode_family(labels)?.encode_gauge(value),
            }),
            Rows::Seconds(rows) => rows.iter().try_for_each(|(labels, value)| match labels.is_empty() {
                true => encoder.encode_counter(value, none),
                false => encoder.encode_family(labels)?.encode_counter(value, none),
            }),
            Rows::Histogram(rows) => rows.iter().try_for_each(|(labels, one)| {
                let (sum, count, buckets) = (one.sum(), one.count(), one.buckets());
                match labels.is_empty() {
                    true => encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None),
                    false => encoder.encode_family(labels)?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None),
                }
            }),
            Rows::Counter(rows) => rows.iter().try_for_each(|(labels, value)| match labels.is_empty() {
                true => encoder.encode_counter(value, none),
                false => encoder.encode_family(labels)?.encode_counter(value, none),
            }),
        }
    }

    fn metric_type(&self) -> MetricType {
        match self {
            Rows::Gauge(_) => MetricType::Gauge,
            Rows::Counter(_) | Rows::Seconds(_) => MetricType::Counter,
            Rows::Histogram(_) => MetricType::Histogram,
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Rows::Gauge(rows) => rows.is_empty(),
            Rows::Seconds(rows) => rows.is_empty(),
            Rows::Histogram(rows) => rows.is_empty(),
            Rows::Counter(rows) => rows.is_empty(),
        }
    }
}

/// A word as it stands in JSON.
pub(crate) fn spelled<W: serde::Serialize>(word: &W) -> String {
    match serde_json::to_value(word) {
        Ok(serde_json::Value::String(text)) => text,
        _ => "unknown".to_owned(),
    }
}
