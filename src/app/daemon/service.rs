//! The daemon at work: supervisor, API, signals.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::arguments::Place;
use super::certificate;
use super::configuration::{images, recordings, reload};
use super::doors;
use super::failure::Failure;
use super::kept;
use super::listeners;
use super::presence::Presence;
use super::recordings::Shelf;
use super::warm;
use super::watch::Watch;
use super::watchdog::Watchdog;
use crate::api::{self, Freezer};
use crate::classes::Classes;
use crate::config::Checked;
use crate::doctor::needed_elements;
use crate::lastgood::LastGood;
use crate::model::Event;
use crate::replay::{Desk, Shop};
use crate::store::Store;
use crate::supervisor::{Cards, Command, Configuration, Groups, Handle, Limits, Records, Settings, Supervisor};
use crate::system::{Asked, ControlGroup, HandedOver, Service, Signals};
use crate::telemetry::Recorder;

/// What the API gets to finish its answers, once every channel is off air.
const API_WITHIN: Duration = Duration::from_millis(500);

/// Beyond the supervisor's own limit.
const GRACE: Duration = Duration::from_secs(1);

/// Runs until a signal ends it. What the service manager `handed` over is used again.
pub(super) async fn run(
    place: &Place,
    checked: &Checked,
    configuration: Configuration,
    handed: HandedOver,
) -> Result<(), Failure> {
    let listen = checked.listen;
    let signals = Signals::listen().map_err(Failure::System)?;
    let listeners = listeners::open(place, listen, handed).await?;
    let address = listeners.network.local_addr().map_err(Failure::System)?;
    let (records, notices, tell) = records(place);
    let told = tell.clone();
    let limits = Limits::default();
    let settings = Settings {
        runtime: place.runtime.clone(),
        images: images(place),
        worker: place.worker.clone(),
        limits,
        groups: groups(),
    };
    let cards = Cards::default();
    cards.learn(&checked.profiles);
    let desk = Desk::new(Shop { worker: place.worker.clone(), tell: Box::new(move |event| drop(tell.send(event))) });
    let kept = told.clone();
    let freezer = Freezer::kept_by(records.store.clone(), Box::new(move |event| drop(kept.send(event))));
    tokio::spawn(freezer.clone().watch());
    if let Some(instead) = &configuration.instead {
        let _ = told.send(kept::came_back(instead));
    }
    let shelf = Shelf { desk: desk.clone(), place: recordings(place) };
    shelf.learn(checked, &configuration);
    let (doors, gate) = doors::open(place, checked, listeners).await?;
    let encrypted = doors.certificate.is_some();
    let presence = Presence::begin(&records.store, &doors.access, told.clone()).await;
    let watch = Watch::new(&records.store, &told);
    watch.read(checked);
    let classes = Classes::below(&place.state);
    classes.read(checked);
    let reload = reload(place, listen, cards.clone(), shelf, (watch.clone(), gate.wanted(), classes.clone()));
    let store = records.store.clone();
    let watchdog = Watchdog::new(store.clone(), Service.watchdog());
    let needed = needed_elements(configuration.channels.iter().map(|channel| &channel.plan));
    let engine = api::Engine::unknown();
    let (supervisor, handle) = Supervisor::new(settings, configuration, records, reload);
    let handle = handle.knowing(cards);
    let by_osc = api::by_osc(handle.clone(), freezer.clone(), doors.access.clone());
    let Watch { alarms, notifier, surfaces, prober, .. } = watch.begin(&handle, by_osc);
    tokio::spawn(certificate::watched(gate.trouble(), doors.certificate.clone(), alarms.clone()));
    let (close, closing) = oneshot::channel::<()>();
    let resumed = desk.clone();
    // It reads every recording on the disk: nothing waits for that.
    drop(tokio::task::spawn_blocking(move || resumed.resume()));
    tokio::spawn(super::recordings::attend(desk.clone(), handle.events()));
    let (held, freezing) = (freezer.clone(), desk.clone());
    tokio::spawn(super::classes::attend(classes.clone(), handle.status()));
    tokio::spawn(kept::attend(LastGood::below(&place.state), handle.clone(), told));
    let parts = api::Parts {
        handle: handle.clone(),
        store: Some(store),
        desk: freezing,
        alarms,
        notifier,
        surfaces,
        freezer: held,
        classes,
        prober,
        engine: engine.clone(),
    };
    let served = tokio::spawn(api::serve_all(doors, parts, async {
        let _ = closing.await;
    }));
    tokio::spawn(gate.follow(handle.status()));
    tracing::info!("API and panel: {}://{address}", if encrypted { "https" } else { "http" });
    let asked = Asking { signals, notices, watchdog };
    let result = attend(supervisor, (&handle, &freezer), asked, warm::registry(place, needed, engine)).await;
    desk.close();
    drop(close);
    let _ = tokio::time::timeout(API_WITHIN, served).await;
    if result.is_ok() {
        presence.end().await;
    }
    result
}

/// Without control groups of their own, channels share what the service may take.
fn groups() -> Groups {
    let group = ControlGroup::delegated();
    Groups::new(group.inspect_err(|why| tracing::info!("channels have no limits of their own: {why}")).ok())
}

/// Where orders and events are kept, what the store has to say about itself, and where others say such things.
fn records(place: &Place) -> (Records, mpsc::UnboundedReceiver<Event>, mpsc::UnboundedSender<Event>) {
    let (notice, notices) = mpsc::unbounded_channel();
    let tell = notice.clone();
    let (store, orders) = Store::open(&place.state.join("uplink.db"), move |event| drop(notice.send(event)));
    let log = store.clone();
    let recorder = Arc::new(Recorder::new(Box::new(move |event| log.append(event))));
    (Records { store, orders, recorder }, notices, tell)
}

/// What the loop hears besides the supervisor.
struct Asking {
    signals: Signals,
    notices: mpsc::UnboundedReceiver<Event>,
    watchdog: Watchdog,
}

/// Takes up the work once all is `warm`, and answers signals until all channels are off air.
async fn attend(
    mut supervisor: Supervisor,
    (handle, freezer): (&Handle, &Freezer),
    Asking { mut signals, mut notices, mut watchdog }: Asking,
    warm: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let (mut stopping, mut begun) = (false, false);
    let mut warm = Box::pin(warm);
    // The supervisor ends in time by itself; this is for the day when it does not.
    let mut limit = Box::pin(tokio::time::sleep(Duration::MAX));
    loop {
        tokio::select! {
            () = supervisor.finished() => break,
            asked = signals.next() => match asked {
                Asked::Reload => {
                    tokio::spawn(read_again(handle.clone(), freezer.clone()));
                }
                Asked::Stop if !stopping => {
                    stopping = true;
                    Service.stopping();
                    supervisor.stop();
                    limit.as_mut().reset(Instant::now() + supervisor.longest_stop() + GRACE);
                }
                Asked::Stop => supervisor.hurry(),
            },
            () = &mut warm, if !begun => {
                begun = true;
                supervisor.begin();
                Service.ready();
            }
            Some(event) = notices.recv() => supervisor.tell(event),
            () = &mut limit, if stopping => return Err(Failure::Ended),
            told = watchdog.turn() => told.into_iter().for_each(|event| supervisor.tell(event)),
        }
    }
    if stopping { Ok(()) } else { Err(Failure::Ended) }
}

/// What happens is told by events; the service manager only waits for the end.
async fn read_again(handle: Handle, freezer: Freezer) {
    Service.reloading();
    match api::reload_held(&freezer, &handle).await {
        Some(freeze) => freezer.held(&freeze, "the reload that a signal asked for"),
        None => drop(handle.ask(Command::Reload).await),
    }
    Service.ready();
}
