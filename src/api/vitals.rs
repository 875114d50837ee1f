//! The box and this process as metrics: temperatures, memory, processor time, files.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::sheet::{Labels, Sheet};
use crate::doctor::{Temperature, temperatures};
use crate::telemetry::ProcessFigures;

/// The kernel asks the firmware for each of them: however often somebody scrapes, it is asked no more than this.
const EVERY: Duration = Duration::from_secs(5);

/// When, and what was found.
type Read = (Instant, Vec<Temperature>);

/// Temperatures as they were last read. Cheap to clone; all are one.
#[derive(Debug, Clone)]
pub(crate) struct Vitals {
    root: PathBuf,
    read: Arc<Mutex<Option<Read>>>,
}

impl Default for Vitals {
    fn default() -> Self {
        Self::of(Path::new("/"))
    }
}

impl Vitals {
    pub(crate) fn of(root: &Path) -> Self {
        Self { root: root.to_owned(), read: Arc::default() }
    }

    /// Reads anew what is too old; a sensor may take its time.
    pub(crate) async fn refresh(&self) {
        let vitals = self.clone();
        // Without them there are none in this scrape.
        let _ = tokio::task::spawn_blocking(move || vitals.read_if_old()).await;
    }

    fn read_if_old(&self) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.as_ref().is_none_or(|(at, _)| at.elapsed() >= EVERY) {
            *read = Some((Instant::now(), temperatures(&self.root)));
        }
    }

    pub(super) fn measure(&self, sheet: &mut Sheet) {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let all: Vec<Temperature> = read.map(|(_, all)| all).unwrap_or_default();
        let labels = |one: &Temperature| -> Labels { vec![("zone", one.zone.clone()), ("kind", one.kind.clone())] };
        let degrees = all.iter().map(|one| (labels(one), one.degrees));
        sheet.gauge("device_temperature_celsius", "What the sensors of the box say", degrees);
        let limits = all.iter().filter_map(|one| Some((labels(one), one.limit?)));
        sheet.gauge("device_temperature_limit_celsius", "From where on the box is switched off", limits);
        if let Some(figures) = ProcessFigures::now() {
            process(sheet, &figures);
        }
    }
}

/// By the names that every client library of Prometheus has for them.
fn process(sheet: &mut Sheet, figures: &ProcessFigures) {
    sheet.process_seconds("cpu_seconds", "Processor time that the daemon has taken", figures.cpu_seconds);
    sheet.process_gauge("resident_memory_bytes", "Memory that the daemon has", figures.resident_bytes as f64);
    sheet.process_gauge("virtual_memory_bytes", "Addresses that the daemon has", figures.virtual_bytes as f64);
    sheet.process_gauge("open_fds", "Open files of the daemon", figures.open_files as f64);
    if let Some(most) = figures.most_files {
        sheet.process_gauge("max_fds", "Most files that the daemon may open", most as f64);
    }
    sheet.process_gauge("threads", "Threads of the daemon", figures.threads as f64);
    sheet.process_gauge("start_time_seconds", "When the daemon started, since 1970", figures.started);
}
