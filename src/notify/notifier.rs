//! Who is told, and the tasks that tell them: one for each lane.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::mail;
use super::outbox::{Outbox, Parcel, Tell};
use super::pace::Pace;
use super::webhook::{self, Verdict};
use crate::model::notify::{MAIL, Mail, Notified, NotifyStatus, Webhook};
use crate::model::{
    Alarm, AlarmCode, AlarmNews, AlarmNotice, AlarmPriority, Event, EventCode, Fault, MediaTime, Severity,
};
use crate::policy::Attempts;
use crate::store::Store;

/// The book in the store.
const BOOK: &str = "notify";
/// How often a store that could not be read is asked again.
const ASK_STORE: Duration = Duration::from_secs(1);
/// What changes within this time is written together.
const WRITE_WITHIN: Duration = Duration::from_millis(100);
const HOUR: Duration = Duration::from_secs(3600);

/// Why a test came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotifyRefusal {
    /// Nobody is told by that name.
    #[error("nobody is told by the name of `{0}`: see [notify] in the configuration")]
    Unknown(String),
    /// It was tried.
    #[error("the test did not arrive: {0}")]
    Failed(String),
}

/// Cheap to clone; all are one.
#[derive(Clone)]
pub struct Notifier {
    inner: Arc<Inner>,
}

struct Inner {
    keeper: Option<Keeper>,
    pace: Pace,
    state: Mutex<State>,
    /// Moves whenever something new waits.
    news: watch::Sender<u64>,
    /// Something is to be written.
    unkept: Notify,
}

/// What only a notifier at work has.
struct Keeper {
    store: Store,
    tell: Box<dyn Fn(Event) + Send + Sync>,
    runtime: Handle,
}

#[derive(Default)]
struct State {
    outbox: Outbox,
    notified: Notified,
    appliance: String,
    lanes: JoinSet<()>,
    /// What was kept is in the outbox.
    restored: bool,
    /// The outbox is not as it is kept.
    unkept: bool,
}

impl Notifier {
    /// Tells nobody yet; see [`Notifier::learn`]. Call it inside a tokio runtime.
    pub fn new(store: Store, tell: Box<dyn Fn(Event) + Send + Sync>, pace: Pace) -> Self {
        let notifier = Self::with(Some(Keeper { store, tell, runtime: Handle::current() }), pace);
        tokio::spawn(notifier.clone().write());
        notifier
    }

    /// Tells nobody, ever.
    pub fn idle() -> Self {
        Self::with(None, Pace::default())
    }

    fn with(keeper: Option<Keeper>, pace: Pace) -> Self {
        let (state, news, unkept) = (Mutex::default(), watch::Sender::new(0), Notify::new());
        Self { inner: Arc::new(Inner { keeper, pace, state, news, unkept }) }
    }

    /// Who is told from now on, and what the box is called.
    pub fn learn(&self, notified: Notified, appliance: &str) {
        let Some(keeper) = &self.inner.keeper else { return };
        let mut state = self.lock();
        appliance.clone_into(&mut state.appliance);
        if state.notified == notified && state.restored {
            return;
        }
        // An attempt that is under way is made again.
        state.lanes.abort_all();
        state.lanes = JoinSet::new();
        let hooks = notified
            .webhooks
            .iter()
            .map(|hook| (hook.name.clone(), hook.wanted.clone(), shown(&hook.url), mark(hook.url.as_str())));
        let mail = notified.mail.iter().map(|mail| {
            let to = format!("{} by {}:{}", mail.to.join(", "), mail.server, mail.port);
            (MAIL.to_owned(), mail.wanted.clone(), to.clone(), mark(&to))
        });
        state.outbox.learn(hooks.chain(mail));
        // Before anything is sent: what was kept is older.
        self.restore(keeper, &mut state);
        for hook in notified.webhooks.clone() {
            state.lanes.spawn_on(self.clone().tell_webhook(hook), &keeper.runtime);
        }
        if let Some(mail) = notified.mail.clone() {
            state.lanes.spawn_on(self.clone().tell_people(mail), &keeper.runtime);
        }
        if !state.restored {
            state.lanes.spawn_on(self.clone().restore_later(), &keeper.runtime);
        }
        state.notified = notified;
    }

    /// News of an alarm. Returns at once.
    pub fn pass(&self, notice: &AlarmNotice) {
        let mut state = self.lock();
        let (taken, told) = state.outbox.push(notice);
        if taken {
            self.keep(&mut state);
        }
        drop(state);
        told.into_iter().for_each(|(name, tell)| self.say(&name, Some(tell)));
        self.inner.news.send_modify(|count| *count += 1);
    }

    /// How it stands with everybody.
    pub fn status(&self) -> Vec<NotifyStatus> {
        self.lock().outbox.status()
    }

    /// Sends a test at once, past everything that waits. Bounded.
    pub async fn test(&self, name: &str) -> Result<NotifyStatus, NotifyRefusal> {
        let unknown = || NotifyRefusal::Unknown(name.to_owned());
        let (notified, appliance) = {
            let state = self.lock();
            (state.notified.clone(), state.appliance.clone())
        };
        let notice = sample(appliance, now());
        let sent = match notified.webhooks.iter().find(|hook| hook.name == name) {
            Some(hook) => self.test_webhook(hook, &notice).await,
            None => {
                let mail = notified.mail.as_ref().filter(|_| name == MAIL).ok_or_else(unknown)?;
                mail::send(mail, &[&notice], &self.inner.pace).await
            }
        };
        sent.map_err(NotifyRefusal::Failed)?;
        self.change(name, |outbox| outbox.works(name, now()));
        self.status().into_iter().find(|one| one.name == name).ok_or_else(unknown)
    }

    async fn test_webhook(&self, hook: &Webhook, notice: &AlarmNotice) -> Result<(), String> {
        let client = webhook::client(hook, &self.inner.pace)?;
        let id = notice.at.as_nanos().to_string();
        let parcel = Parcel { id: id.clone(), kind: "alarm_test".to_owned(), notice: notice.clone() };
        let body = serde_json::to_string(&parcel).map_err(|error| error.to_string())?;
        match webhook::deliver(&client, hook, (&id, &parcel.kind), body, notice.at).await {
            Verdict::Delivered => Ok(()),
            Verdict::Gone => Err("it answers 410 Gone".to_owned()),
            Verdict::Refused(why) | Verdict::Failed(why, _) => Err(why),
        }
    }

    /// A lane: one at a time, in order.
    async fn tell_webhook(self, hook: Webhook) {
        let (name, pace) = (hook.name.as_str(), self.inner.pace);
        let client = match webhook::client(&hook, &pace) {
            Ok(client) => client,
            Err(why) => return self.change(name, |outbox| outbox.give_up(name, &[], why)),
        };
        let mut attempts = Attempts::new(pace.backoff);
        let mut news = self.inner.news.subscribe();
        loop {
            news.mark_unchanged();
            self.expire(name);
            let head = self.lock().outbox.head(name);
            let Some((number, parcel, body)) = head else {
                if news.changed().await.is_err() {
                    return;
                }
                continue;
            };
            match webhook::deliver(&client, &hook, (&parcel.id, &parcel.kind), body, now()).await {
                Verdict::Delivered => {
                    attempts.reset();
                    self.change(name, |outbox| outbox.delivered(name, &[number], now()));
                }
                Verdict::Gone => self.change(name, |outbox| outbox.disable(name)),
                Verdict::Refused(why) => self.change(name, |outbox| outbox.give_up(name, &[number], why)),
                Verdict::Failed(why, wait) => {
                    self.change(name, |outbox| outbox.failed(name, why));
                    sleep(attempts.failed(fastrand::f64()).max(wait)).await;
                }
            }
        }
    }

    /// The lane of the e-mail: everything that comes within a while is one mail.
    async fn tell_people(self, mail: Mail) {
        let pace = self.inner.pace;
        let mut attempts = Attempts::new(pace.backoff);
        let mut sent: VecDeque<Instant> = VecDeque::new();
        let mut news = self.inner.news.subscribe();
        loop {
            news.mark_unchanged();
            self.expire(MAIL);
            if self.lock().outbox.head(MAIL).is_none() {
                if news.changed().await.is_err() {
                    return;
                }
                continue;
            }
            sleep(pace.gather).await;
            while sent.len() >= mail.per_hour as usize {
                let Some(oldest) = sent.pop_front() else { break };
                sleep_until(oldest + HOUR).await;
            }
            let waiting = self.lock().outbox.all(MAIL);
            let notices: Vec<&AlarmNotice> = waiting.iter().map(|(_, parcel)| &parcel.notice).collect();
            let numbers: Vec<u64> = waiting.iter().map(|(number, _)| *number).collect();
            match mail::send(&mail, &notices, &pace).await {
                Ok(()) => {
                    attempts.reset();
                    sent.push_back(Instant::now());
                    self.change(MAIL, |outbox| outbox.delivered(MAIL, &numbers, now()));
                }
                Err(why) => {
                    self.change(MAIL, |outbox| outbox.failed(MAIL, why));
                    sleep(attempts.failed(fastrand::f64())).await;
                }
            }
        }
    }

    fn expire(&self, name: &str) {
        let keep = self.inner.pace.keep;
        let expired = self.lock().outbox.expired(name, keep, now());
        if !expired.is_empty() {
            let why = format!("{} notice(s) could not be delivered for {} h", expired.len(), keep.as_secs() / 3600);
            self.change(name, |outbox| outbox.give_up(name, &expired, why));
        }
    }

    /// Takes up what was kept, if the store can be read. Until then nothing is written over in it.
    fn restore(&self, keeper: &Keeper, state: &mut State) {
        if !state.restored
            && let Some(pages) = keeper.store.take_book(BOOK)
        {
            state.outbox.restore(pages);
            state.restored = true;
            self.keep(state);
        }
    }

    async fn restore_later(self) {
        let Some(keeper) = &self.inner.keeper else { return };
        loop {
            sleep(ASK_STORE).await;
            let mut state = self.lock();
            self.restore(keeper, &mut state);
            if state.restored {
                drop(state);
                return self.inner.news.send_modify(|count| *count += 1);
            }
        }
    }

    /// Writes what has changed, not more often than a disk can take it.
    async fn write(self) {
        let Some(keeper) = &self.inner.keeper else { return };
        loop {
            self.inner.unkept.notified().await;
            sleep(WRITE_WITHIN).await;
            let mut state = self.lock();
            if state.restored {
                keeper.store.keep_book(BOOK, state.outbox.pages());
                state.unkept = false;
            }
        }
    }

    /// Changes the outbox, keeps it, and tells what is to be told.
    fn change(&self, name: &str, change: impl FnOnce(&mut Outbox) -> Option<Tell>) {
        let mut state = self.lock();
        let told = change(&mut state.outbox);
        self.keep(&mut state);
        drop(state);
        self.say(name, told);
    }

    fn keep(&self, state: &mut State) {
        state.unkept = true;
        self.inner.unkept.notify_one();
    }

    fn say(&self, name: &str, told: Option<Tell>) {
        let (Some(keeper), Some(told)) = (&self.inner.keeper, told) else { return };
        let event = match told {
            Tell::Failed(why) => {
                let text = format!("news of alarms do not reach {name}: {why}");
                let event = Event::new(now(), Severity::Warning, EventCode::NotifyFailed, text);
                let hint = format!("look at `uplinkctl notify`; try it with `uplinkctl notify test {name}`");
                event.blame(Fault::Destination, hint)
            }
            Tell::Recovered => {
                let text = format!("news of alarms reach {name} again");
                Event::new(now(), Severity::Info, EventCode::NotifyRecovered, text)
            }
        };
        (keeper.tell)(event.subject(name));
    }

    /// Whether everything was handed to the store.
    #[cfg(test)]
    pub(super) fn is_kept(&self) -> bool {
        !self.lock().unkept
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier").finish_non_exhaustive()
    }
}

/// An address without its path and query, which are a secret with many services.
fn shown(url: &url::Url) -> String {
    format!("{}://{}/…", url.scheme(), url.host_str().unwrap_or_default())
}

/// Tells addresses apart without holding them.
fn mark(address: &str) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(&Sha256::digest(address)[..12])
}

/// A notice of nothing.
fn sample(appliance: String, at: MediaTime) -> AlarmNotice {
    let alarm = Alarm {
        id: "test".to_owned(),
        code: AlarmCode::OffAir,
        priority: AlarmPriority::Info,
        channel: None,
        subject: None,
        active: false,
        since: at,
        raised: at,
        cleared: Some(at),
        acked: None,
        shelved: None,
        count: 0,
        reason: "somebody tries whether news of alarms arrive: nothing is wrong".to_owned(),
        action: "nothing".to_owned(),
    };
    AlarmNotice { at, news: AlarmNews::Test, appliance, alarm }
}

fn now() -> MediaTime {
    MediaTime::from_system(SystemTime::now())
}
