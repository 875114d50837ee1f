//! Putting a changed configuration in force: by difference, or not at all; and saying what that would do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::admission::Fits;
use super::asks::Reply;
use super::channel::{Carried, Mail};
use super::claims::Outfit;
use super::handle::{Outcome, Refusal};
use super::journal::now;
use super::root::Root;
use super::seat::Seat;
use super::settings::{Configuration, Configured, Reload};
use crate::config::Trial;
use crate::model::status::ChannelOrder;
use crate::model::{
    ChannelEffect, ChannelId, DestinationChange, DestinationEffect, DestinationId, Effect, Event, EventCode, Fault,
    Severity,
};
use crate::plan::{Change, ChannelPlan, Impact, impact};

/// Reading the configuration never takes longer, unless the disk hangs.
const READ_WITHIN: Duration = Duration::from_secs(15);

/// What workers on air may take to carry out a changed plan, before whoever asked is answered.
const CARRIED_WITHIN: Duration = Duration::from_secs(45);
/// What a channel is off air when its worker is replaced, seconds, where nothing was measured.
const ABOUT: f64 = 1.0;

/// What each channel that stays goes on with.
type Outfits = BTreeMap<ChannelId, Outfit>;

type Loaded = Result<Configuration, Vec<String>>;

/// What is to be done with a configuration that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Put it in force.
    Carry,
    /// Say what that would do.
    Say,
}

type Waiting = Vec<(Reply, Wish)>;
/// What is read for somebody: what is on disk, or that with what is tried.
type Tried = Option<Box<Trial>>;

/// Who waits for a configuration to be read, and the reading.
pub(super) struct Reloading {
    reload: Arc<Reload>,
    reading: Option<JoinHandle<Loaded>>,
    /// Wait for the reading that is under way.
    waiting: Waiting,
    /// Asked after it had begun, in order: it may have missed what they changed.
    next: Vec<(Tried, (Reply, Wish))>,
}

impl Reloading {
    pub(super) fn new(reload: Reload) -> Self {
        Self { reload: Arc::new(reload), reading: None, waiting: Vec::new(), next: Vec::new() }
    }

    /// Reads the configuration, now or after the reading that is under way.
    pub(super) fn request(&mut self, reply: Reply, wish: Wish, tried: Tried) {
        self.next.push((tried, (reply, wish)));
        self.begin();
    }

    fn begin(&mut self) {
        if self.reading.is_some() {
            return;
        }
        let Some(tried) = self.next.first().map(|(tried, _)| tried.clone()) else { return };
        // Who wants the same read has one answer.
        let (these, others) = std::mem::take(&mut self.next).into_iter().partition(|(one, _)| *one == tried);
        let these: Vec<(Tried, (Reply, Wish))> = these;
        (self.waiting, self.next) = (these.into_iter().map(|(_, waiting)| waiting).collect(), others);
        let reload = self.reload.clone();
        let read = tokio::task::spawn_blocking(move || reload(tried.as_deref()));
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

    /// Who waited with this wish.
    fn waited(&mut self, wish: Wish) -> Vec<Reply> {
        let (these, others) = std::mem::take(&mut self.waiting).into_iter().partition(|(_, one)| *one == wish);
        self.waiting = others;
        let these: Waiting = these;
        these.into_iter().map(|(reply, _)| reply).collect()
    }
}

/// What a changed plan costs the channel in `seat`. Off air it has no encoders yet: what is configured counts.
fn weigh(seat: &Seat, plan: &ChannelPlan) -> ChannelEffect {
    let before = if seat.wanted { &seat.plan } else { &seat.wish };
    let impact = impact(before, plan);
    let status = seat.status.borrow();
    let effect = match (impact.is_nothing(), seat.wanted, impact.is_live()) {
        (true, ..) => Effect::Unchanged,
        (_, false, _) => Effect::NextStart,
        (_, true, true) => Effect::Live,
        (_, true, false) => Effect::Restart,
    };
    let took = status.worker.as_ref().and_then(|worker| worker.up_after_seconds);
    let off_air_seconds = (effect == Effect::Restart).then(|| took.unwrap_or(ABOUT));
    let on_air = matches!(effect, Effect::Live | Effect::Restart);
    ChannelEffect {
        destinations: if on_air { destinations(before, plan, &impact, off_air_seconds) } else { Vec::new() },
        channel: plan.channel.clone(),
        effect,
        live: impact.live.iter().map(ToString::to_string).collect(),
        restart: impact.restart.iter().map(ToString::to_string).collect(),
        off_air_seconds,
        happened: None,
    }
}

/// What becomes of the destinations of a channel on air, which is off air for so long, if at all.
fn destinations(old: &ChannelPlan, new: &ChannelPlan, impact: &Impact, off_air: Option<f64>) -> Vec<DestinationEffect> {
    let effect = |destination: &DestinationId, change, seconds| {
        Some(DestinationEffect { destination: destination.clone(), change, seconds })
    };
    let changed = impact.live.iter().filter_map(|change| match change {
        Change::DestinationAdded(id) => effect(id, DestinationChange::Added, None),
        Change::DestinationRemoved(id) => effect(id, DestinationChange::Removed, None),
        Change::DestinationChanged(id) if off_air.is_none() => effect(id, DestinationChange::Reopened, None),
        _ => None,
    });
    let kept = |id: &DestinationId| new.destinations.iter().any(|one| one.id == *id);
    let all = old.destinations.iter().filter(|one| off_air.is_some() && kept(&one.id));
    changed.chain(all.filter_map(|one| effect(&one.id, DestinationChange::Interrupted, off_air))).collect()
}

fn plain(channel: &ChannelId, effect: Effect) -> ChannelEffect {
    let (channel, live, restart) = (channel.clone(), Vec::new(), Vec::new());
    ChannelEffect { channel, effect, live, restart, destinations: Vec::new(), off_air_seconds: None, happened: None }
}

impl Root {
    pub(super) async fn on_loaded(&mut self, loaded: Loaded) {
        let (say, carry) = (self.reloading.waited(Wish::Say), self.reloading.waited(Wish::Carry));
        let weighed = loaded.map_err(Refusal::FaultyConfiguration).and_then(|configuration| {
            let outfits = self.outfits(&configuration)?;
            Ok((configuration, outfits))
        });
        match weighed {
            Ok((configuration, outfits)) => {
                let effects = self.effects(&configuration, &outfits);
                say.into_iter().for_each(|reply| drop(reply.send(Ok(foretold(effects.clone())))));
                // A signal asks for it without waiting for an answer.
                if !carry.is_empty() {
                    self.put_in_force(configuration, outfits, effects, carry).await;
                }
            }
            Err(refusal) => {
                say.into_iter().for_each(|reply| drop(reply.send(Err(refusal.clone()))));
                if !carry.is_empty() {
                    self.reject(&refusal);
                    carry.into_iter().for_each(|reply| drop(reply.send(Err(refusal.clone()))));
                }
            }
        }
        self.reloading.begin();
    }

    /// What `configuration` would do to each channel.
    fn effects(&self, configuration: &Configuration, outfits: &Outfits) -> Vec<ChannelEffect> {
        let seat_of = |id: &ChannelId| self.seats.iter().find(|seat| seat.plan.channel == *id).zip(outfits.get(id));
        let each = |configured: &Configured| match seat_of(&configured.plan.channel) {
            Some((seat, outfit)) => weigh(seat, &outfit.plan),
            None => {
                let on_air = configured.order == ChannelOrder::OnAir;
                plain(&configured.plan.channel, if on_air { Effect::Starts } else { Effect::Added })
            }
        };
        let kept = |seat: &&Seat| configuration.channels.iter().any(|one| one.plan.channel == seat.plan.channel);
        let gone = self
            .seats
            .iter()
            .filter(|seat| !kept(seat))
            .map(|seat| plain(&seat.plan.channel, if seat.wanted { Effect::Stops } else { Effect::Removed }));
        configuration.channels.iter().map(each).chain(gone).collect()
    }

    fn reject(&mut self, refusal: &Refusal) {
        let (text, hint, faults) = match refusal {
            Refusal::FaultyConfiguration(faults) => {
                let text =
                    format!("the changed configuration is faulty, the old one stays in force: {}", faults.join("; "));
                (
                    text,
                    "correct every fault listed, then reload; `uplinkctl check` tells without a daemon",
                    faults.clone(),
                )
            }
            other => (other.to_string(), "look at uplinkctl capacity", vec![other.to_string()]),
        };
        let event = Event::new(now(), Severity::Warning, EventCode::ConfigRejected, text);
        self.shared.journal.tell(event.blame(Fault::Configuration, hint));
        self.overview.config.rejected = faults;
    }

    /// Puts it in force. Who waits is answered when the workers on air have said what came of it.
    async fn put_in_force(
        &mut self,
        configuration: Configuration,
        mut outfits: Outfits,
        effects: Vec<ChannelEffect>,
        waiting: Vec<Reply>,
    ) {
        (self.budget, self.fits) = (configuration.budget, Fits::default());
        let order: Vec<ChannelId> = configuration.channels.iter().map(|one| one.plan.channel.clone()).collect();
        let mut old = std::mem::take(&mut self.seats);
        let (mut carrying, mut new) = (Vec::new(), Vec::new());
        for configured in configuration.channels {
            let id = configured.plan.channel.clone();
            let place = old.iter().position(|seat| seat.plan.channel == id);
            let Some((place, outfit)) = place.zip(outfits.remove(&id)) else {
                new.push(configured);
                continue;
            };
            let mut seat = old.swap_remove(place);
            self.shared.costs.set_budgets(&id, configured.budgets);
            self.shared.settings.groups.set(&id, configured.share);
            let changed = if seat.wanted { *seat.plan != *outfit.plan } else { *seat.wish != configured.plan };
            (seat.wish, seat.asked) = (Arc::new(configured.plan), configured.needs);
            seat.wear(outfit);
            if changed {
                let (told, carried) = oneshot::channel();
                self.post(&seat.mailbox, Mail::Plan(seat.plan.clone(), told)).await;
                carrying.push((id, carried));
            }
            self.seats.push(seat);
        }
        for seat in old {
            self.shared.costs.forget_budgets(&seat.plan.channel);
            self.remove(seat).await;
        }
        // Behind those that were there: they see what is left.
        new.into_iter().for_each(|configured| self.add(configured));
        self.seats.sort_by_key(|seat| order.iter().position(|id| *id == seat.plan.channel));
        self.write_sessions();
        self.overview.in_force(configuration.name, configuration.path);
        self.overview.written.put(configuration.written, configuration.files);
        let text = counted("the configuration was read again", &effects);
        self.tell(Severity::Info, EventCode::ConfigReloaded, text);
        let answers = self.shared.answers.clone();
        tokio::spawn(async move {
            let outcome = happened(effects, carrying).await;
            // The snapshot is published first: who has the answer finds it there.
            waiting.into_iter().for_each(|reply| drop(answers.send((reply, Ok(outcome.clone())))));
        });
    }
}

/// Waits for what the workers say.
async fn happened(mut effects: Vec<ChannelEffect>, carrying: Vec<(ChannelId, oneshot::Receiver<Carried>)>) -> Outcome {
    let until = tokio::time::Instant::now() + CARRIED_WITHIN;
    for (id, carried) in carrying {
        let said = tokio::time::timeout_at(until, carried).await;
        let Some(effect) = effects.iter_mut().find(|effect| effect.channel == id) else { continue };
        let text = match said {
            Ok(Ok(Carried::Live(text))) => text,
            Ok(Ok(Carried::Kept)) => "the next start has it".to_owned(),
            Ok(Ok(Carried::Replaced(None))) => "its worker is being replaced".to_owned(),
            Ok(Ok(Carried::Replaced(Some(why)))) => {
                effect.effect = Effect::Restart;
                format!("its worker did not take it over ({why}) and is being replaced")
            }
            Ok(Err(_)) => "its worker was lost meanwhile; the next one has it".to_owned(),
            Err(_) => "its worker has not answered yet".to_owned(),
        };
        effect.happened = Some(text);
    }
    let text = counted("the configuration was read again", &effects);
    told(effects, text)
}

fn foretold(effects: Vec<ChannelEffect>) -> Outcome {
    let text = counted("nothing was changed; a reload would mean", &effects);
    Outcome { changed: false, ..told(effects, text) }
}

fn told(effects: Vec<ChannelEffect>, text: String) -> Outcome {
    Outcome {
        changed: effects.iter().any(|effect| effect.effect != Effect::Unchanged),
        order: None,
        program: None,
        state: None,
        showing: None,
        acted: None,
        channels: Some(effects),
        text,
    }
}

/// One sentence with the channels by what happens to them.
fn counted(what: &str, effects: &[ChannelEffect]) -> String {
    let names = |wanted: &[Effect]| {
        let of = effects.iter().filter(|effect| wanted.contains(&effect.effect));
        of.map(|effect| effect.channel.to_string()).collect::<Vec<_>>()
    };
    let part = |words: &str, wanted: &[Effect]| {
        let names = names(wanted);
        (!names.is_empty()).then(|| format!("{words} {}", names.join(", ")))
    };
    let untouched = names(&[Effect::Unchanged]).len();
    let parts = [
        part("replaced the worker of", &[Effect::Restart]),
        part("changed on air", &[Effect::Live]),
        part("changed for the next start", &[Effect::NextStart]),
        part("added", &[Effect::Starts, Effect::Added]),
        part("removed", &[Effect::Stops, Effect::Removed]),
        (untouched > 0).then(|| format!("{untouched} untouched")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("{what}: {}", if parts.is_empty() { "no channels".to_owned() } else { parts.join("; ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_tried_is_read_for_those_who_try_it() {
        let read = Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = read.clone();
        let mut reloading = Reloading::new(Box::new(move |tried| {
            let what = match tried {
                Some(Trial::Text(text)) => text.clone(),
                Some(Trial::Class(class)) => class.name.clone(),
                None => "disk".to_owned(),
            };
            seen.lock().unwrap().push(what);
            Err(Vec::new())
        }));
        let tried = |text: &str| Some(Box::new(Trial::Text(text.to_owned())));
        for (wish, tried) in [
            (Wish::Say, None),
            (Wish::Say, tried("talk")),
            (Wish::Carry, None),
            (Wish::Say, tried("talk")),
            (Wish::Say, tried("news")),
            (Wish::Say, None),
        ] {
            reloading.request(oneshot::channel().0, wish, tried);
        }
        let mut waited = Vec::new();
        for _ in 0..4 {
            assert!(reloading.finished().await.is_err());
            waited.push((reloading.waited(Wish::Say).len(), reloading.waited(Wish::Carry).len()));
            reloading.begin();
        }
        assert_eq!(*read.lock().unwrap(), ["disk", "talk", "disk", "news"]);
        assert_eq!(waited, [(1, 0), (2, 0), (1, 1), (1, 0)]);
    }

    fn plan(rate: &str, destinations: &[(&str, bool)]) -> ChannelPlan {
        let each =
            destinations.iter().map(|(id, enabled)| serde_json::json!({"id": id, "enabled": enabled, "endpoints": []}));
        let plan = serde_json::from_value(serde_json::json!({
            "channel": "a", "title": "a", "stream_class": "test 1.0.0",
            "program": {"size": "320x180", "frame_rate": rate, "audio": {"sample_rate": 48000, "channels": 2}},
            "segments": 1000, "sources": [{"id": "one", "kind": {"kind": "test"}}], "slate": {"text": ""},
            "video": [], "audio": [], "destinations": each.collect::<Vec<_>>(),
            "spool": {"directory": "/nowhere", "quota_bytes": 1, "retain_seconds": 1, "playlist_segments": 5},
            "thresholds": {"loss_ms": 250, "wait_to_restore_ms": 2000, "stall_ms": 2000},
        }));
        plan.unwrap()
    }

    #[test]
    fn destinations_are_told_apart() {
        let old = plan("25", &[("kept", true), ("other", true), ("gone", true)]);
        let told = |new: &ChannelPlan, off_air| {
            let effects = destinations(&old, new, &impact(&old, new), off_air);
            effects.into_iter().map(|one| (one.destination.to_string(), one.change, one.seconds)).collect::<Vec<_>>()
        };
        let one = |id: &str, change, seconds| (id.to_owned(), change, seconds);
        let live = plan("25", &[("kept", true), ("other", false), ("new", true)]);
        let mut said = told(&live, None);
        said.sort_by(|a, b| a.0.cmp(&b.0));
        let expected = [
            one("gone", DestinationChange::Removed, None),
            one("new", DestinationChange::Added, None),
            one("other", DestinationChange::Reopened, None),
        ];
        assert_eq!(said, expected, "what is as it was is not named");
        let restarted = plan("50", &[("kept", true), ("other", false)]);
        let mut said = told(&restarted, Some(1.5));
        said.sort_by(|a, b| a.0.cmp(&b.0));
        let expected = [
            one("gone", DestinationChange::Removed, None),
            one("kept", DestinationChange::Interrupted, Some(1.5)),
            one("other", DestinationChange::Interrupted, Some(1.5)),
        ];
        assert_eq!(said, expected, "without a worker nobody gets anything");
    }
}
