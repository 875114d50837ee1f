//! Putting a changed configuration in force: by difference, or not at all.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::asks::Reply;
use super::channel::Mail;
use super::handle::{Outcome, Refusal};
use super::journal::now;
use super::root::Root;
use super::settings::{Configuration, Reload};
use crate::model::{Event, EventCode, Fault, Severity};

/// Reading the configuration never takes longer, unless the disk hangs.
const READ_WITHIN: Duration = Duration::from_secs(15);

type Loaded = Result<Configuration, Vec<String>>;

/// Who waits for a configuration to be read, and the reading.
pub(super) struct Reloading {
    reload: Arc<Reload>,
    reading: Option<JoinHandle<Loaded>>,
    /// Wait for the reading that is under way.
    waiting: Vec<Reply>,
    /// Asked after it had begun: it may have missed what they changed.
    next: Vec<Reply>,
}

impl Reloading {
    pub(super) fn new(reload: Reload) -> Self {
        Self { reload: Arc::new(reload), reading: None, waiting: Vec::new(), next: Vec::new() }
    }

    /// Reads the configuration, now or after the reading that is under way.
    pub(super) fn request(&mut self, reply: Reply) {
        self.next.push(reply);
        self.begin();
    }

    fn begin(&mut self) {
        if self.reading.is_some() || self.next.is_empty() {
            return;
        }
        self.waiting = std::mem::take(&mut self.next);
        let reload = self.reload.clone();
        let read = tokio::task::spawn_blocking(move || reload());
        self.reading = Some(tokio::spawn(async move {
            match tokio::time::timeout(READ_WITHIN, read).await {
                Ok(Ok(loaded)) => loaded,
                Ok(Err(error)) => Err(vec![format!("reading the configuration failed: {error}")]),
                Err(_) => {
                    Err(vec![format!("the configuration could not be read within {READ_WITHIN:?}: look at the disk")])
                }
            }
        }));
    }

    /// What was read; never ends while nothing is being read. Safe to cancel.
    pub(super) async fn finished(&mut self) -> Loaded {
        let Some(reading) = &mut self.reading else { return std::future::pending().await };
        let loaded = reading.await.unwrap_or_else(|error| Err(vec![error.to_string()]));
        self.reading = None;
        loaded
    }

    fn answer(&mut self, answer: &Result<Outcome, Refusal>) {
        for reply in self.waiting.drain(..) {
            let _ = reply.send(answer.clone());
        }
        self.begin();
    }
}

/// What a reload did to the channels, for people.
#[derive(Default)]
struct Touched {
    restarted: Vec<String>,
    /// On air, without another worker.
    changed: Vec<String>,
    started: Vec<String>,
    stopped: Vec<String>,
    untouched: usize,
}

impl Root {
    pub(super) async fn on_loaded(&mut self, loaded: Loaded) {
        let answer = match loaded {
            Ok(configuration) => Ok(self.put_in_force(configuration).await),
            Err(faults) => Err(self.reject(faults)),
        };
        self.reloading.answer(&answer);
    }

    fn reject(&mut self, faults: Vec<String>) -> Refusal {
        let text = format!("the changed configuration is faulty, the old one stays in force: {}", faults.join("; "));
        let event = Event::new(now(), Severity::Warning, EventCode::ConfigRejected, text);
        let hint = "correct every fault listed, then reload; `uplinkctl check` tells without a daemon";
        self.shared.journal.tell(event.blame(Fault::Configuration, hint));
        self.overview.config.rejected.clone_from(&faults);
        Refusal::FaultyConfiguration(faults)
    }

    async fn put_in_force(&mut self, configuration: Configuration) -> Outcome {
        let mut touched = Touched::default();
        self.budget = configuration.budget;
        let mut old = std::mem::take(&mut self.seats);
        for configured in configuration.channels {
            let id = configured.plan.channel.clone();
            let Some(place) = old.iter().position(|seat| seat.plan.channel == id) else {
                self.add(configured);
                touched.started.push(id.to_string());
                continue;
            };
            let mut seat = old.swap_remove(place);
            seat.needs = configured.needs;
            if *seat.plan == configured.plan {
                touched.untouched += 1;
            } else {
                let before = std::mem::replace(&mut seat.plan, Arc::new(configured.plan));
                self.post(&seat.mailbox, Mail::Plan(seat.plan.clone())).await;
                let on_air = before.differs_in_destinations_only(&seat.plan);
                let list = if on_air { &mut touched.changed } else { &mut touched.restarted };
                list.push(id.to_string());
            }
            self.seats.push(seat);
        }
        for seat in old {
            touched.stopped.push(seat.plan.channel.to_string());
            self.remove(seat).await;
        }
        self.overview.in_force(configuration.name, configuration.path);
        let text = touched.text();
        self.tell(Severity::Info, EventCode::ConfigReloaded, text.clone());
        Outcome { changed: touched.any(), order: None, program: None, state: None, showing: None, acted: None, text }
    }
}

impl Touched {
    fn any(&self) -> bool {
        !(self.restarted.is_empty() && self.changed.is_empty() && self.started.is_empty() && self.stopped.is_empty())
    }

    fn text(&self) -> String {
        let part = |what: &str, names: &[String]| (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")));
        let parts = [
            part("replaced the worker of", &self.restarted),
            part("changed the destinations of", &self.changed),
            part("added", &self.started),
            part("removed", &self.stopped),
            (self.untouched > 0).then(|| format!("{} untouched", self.untouched)),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        format!(
            "the configuration was read again: {}",
            if parts.is_empty() { "no channels".into() } else { parts.join("; ") }
        )
    }
}
