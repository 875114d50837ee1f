//! The task of an endpoint: asks the machine, does what it says, and tells what happened.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use url::Url;

use super::fault::{Remedy, Verdict};
use super::fragment::{Candidate, Credentials};
use super::http::{Changed, Http};
use super::machine::{Action, Begun, Event, Machine};
use super::mend::Restarted;
use super::opus::{Opus, OpusEncoders};
use super::peer::{Accepted, Note, Notes, Peer, Wanted};
use super::pictures::{FIRST_UNIT, Pictures, ready};
use super::pilot::Pilot;
use super::port::Port;
use super::report::Report;
use super::resource::Resource;
use super::sender::{WhipSetup, WhipStatus};
use crate::media::EventSink;
use crate::media::clock::HouseClock;
use crate::media::encode::Solo;
use crate::model::{Fault, IceServers};

/// Figures of the status are this fresh.
const LOOK: Duration = Duration::from_millis(500);
/// Notes that may wait.
const NOTES: usize = 256;

/// What others ask of it.
pub(super) enum Order {
    Pause(bool),
    Stop(Duration, oneshot::Sender<bool>),
}

/// What came of something that took time.
pub(super) enum Done {
    Offered(Result<Offered, Verdict>),
    /// Nobody answered when the last session was to be ended.
    Unreached(Url),
    /// The session at the server and its answer, if there is one, whatever came of that.
    Answered(Option<(Resource, String)>, Result<Accepted, Verdict>),
    Told(Changed),
    /// What came of the request to begin ICE anew; the new ICE session, if it does.
    Begun(Begun, Option<Restarted>),
    /// The server does not know the session any more.
    Gone(Verdict),
    /// Nobody waits for it.
    Nothing,
}

/// The own side, ready.
pub(super) struct Offered {
    peer: Peer,
    offer: String,
    /// Places of the pictures that are in it.
    layers: Vec<usize>,
    encoder: Option<Arc<Opus>>,
}

/// The session of the moment.
#[derive(Default)]
pub(super) struct Session {
    pub(super) peer: Option<Arc<Peer>>,
    pub(super) offer: String,
    /// What the server answered to it.
    pub(super) answer: String,
    pub(super) resource: Option<Resource>,
    /// Credentials that the server has been asked to take, perhaps in vain.
    pub(super) asked: Option<Credentials>,
    /// Addresses that are not in the offer.
    pub(super) late: Vec<Candidate>,
    /// How many of them the server was told.
    pub(super) told: usize,
    pub(super) gathered: bool,
    /// The server takes no changes.
    pub(super) settled: bool,
}

/// Where the task meets what is around it.
pub(super) struct Seams {
    pub(super) pictures: Pictures,
    pub(super) sound: Option<Arc<Port>>,
    /// What encodes pictures of its own.
    pub(super) own: Option<Arc<Solo>>,
    pub(super) opus: Arc<OpusEncoders>,
    pub(super) clock: HouseClock,
    pub(super) events: EventSink,
    pub(super) status: watch::Sender<WhipStatus>,
}

/// See the module's header.
pub(super) struct Task {
    pub(super) name: String,
    setup: WhipSetup,
    pictures: Pictures,
    sound: Option<Arc<Port>>,
    opus: Arc<OpusEncoders>,
    /// Where the sound comes from, once it was needed.
    encoder: Option<Arc<Opus>>,
    /// Of pictures of its own.
    pilot: Option<Pilot>,
    clock: HouseClock,
    machine: Machine,
    pub(super) http: Option<Http>,
    pub(super) session: Session,
    /// Counts sessions.
    pub(super) life: u64,
    /// What the server said of STUN and TURN when it last answered.
    learned: IceServers,
    /// A session at the server that nobody uses any more.
    stale: Option<Url>,
    notes: mpsc::Sender<(u64, Note)>,
    noted: mpsc::Receiver<(u64, Note)>,
    pub(super) work: JoinSet<(u64, Done)>,
    report: Report,
}

impl Task {
    pub(super) fn new(name: String, setup: WhipSetup, seams: Seams) -> Self {
        let Seams { pictures, sound, own, opus, clock, events, status } = seams;
        let report = Report::new(setup.destination.clone(), setup.endpoint.clone(), clock, events, status);
        let (notes, noted) = mpsc::channel(NOTES);
        let pilot = Pilot::new(&setup.plan, own);
        Self {
            name,
            setup,
            pictures,
            sound,
            opus,
            encoder: None,
            pilot,
            clock,
            machine: Machine::new(),
            http: None,
            session: Session::default(),
            life: 0,
            learned: IceServers::default(),
            stale: None,
            notes,
            noted,
            work: JoinSet::new(),
            report,
        }
    }

    /// Runs until it is stopped, or nobody holds its handle any more.
    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        self.tell(Event::Tick);
        loop {
            let now = Instant::now();
            let wake = self.machine.due().unwrap_or(now + LOOK).min(now + LOOK);
            tokio::select! {
                Some(done) = self.work.join_next() => match done {
                    Ok((life, done)) => self.settle(life, done),
                    Err(error) => tracing::error!(%error, "a part of a WHIP session failed"),
                },
                Some((life, note)) = self.noted.recv() => self.hear(life, note),
                order = orders.recv() => match order {
                    Some(Order::Pause(paused)) => self.pause(paused),
                    Some(Order::Stop(limit, answer)) => return self.stop(limit, answer).await,
                    None => return self.take_down(),
                },
                () = tokio::time::sleep_until(wake.into()) => self.tell(Event::Tick),
            }
            self.publish();
        }
    }

    pub(super) fn tell(&mut self, event: Event) {
        let heard = tracing::enabled!(tracing::Level::DEBUG).then(|| format!("{event:?}"));
        for action in self.machine.on(event, Instant::now(), fastrand::f64()) {
            tracing::debug!(endpoint = self.name, heard, ?action, "a step of a WHIP session");
            match action {
                Action::Offer => self.offer(),
                Action::Post => self.post(),
                Action::Feed => self.feed(),
                Action::Doubt => self.doubt(),
                Action::Trust => self.session.peer.iter().for_each(|peer| peer.trust()),
                Action::Restart => self.restart(),
                Action::Drop => self.take_down(),
                Action::Tell(told) => self.report.tell(&told),
            }
        }
    }

    fn publish(&mut self) {
        let figures = self.session.peer.as_ref().map(|peer| peer.figures()).unwrap_or_default();
        let each = self.session.peer.as_ref().map(|peer| peer.each()).unwrap_or_default();
        let dropped = self.pictures.ports().chain(&self.sound).map(|port| port.dropped()).sum();
        let course = self.pilot.as_ref().map(Pilot::course);
        self.report.publish(&self.machine, figures, dropped, course, self.pictures.figures(&each));
    }

    fn pause(&mut self, paused: bool) {
        self.pictures.ports().chain(&self.sound).for_each(|port| port.pause(paused));
        self.steer(Pilot::over);
        self.tell(Event::Paused(paused));
    }

    pub(super) fn steer(&mut self, how: impl FnOnce(&mut Pilot)) {
        if let Some(pilot) = &mut self.pilot {
            how(pilot);
        }
    }

    /// Builds the own side, on a thread where it may block.
    fn offer(&mut self) {
        let (name, clock, sound) = (format!("whip-{}", self.name), self.clock, self.sound.is_some());
        let servers = self.setup.plan.servers.with(&self.learned);
        let notes = Notes { life: self.life, queue: self.notes.clone() };
        let (ports, life) = (self.pictures.candidates(), self.life);
        let (opus, plan, encoder) = (Arc::clone(&self.opus), self.setup.plan.sound.clone(), self.encoder.clone());
        let listener = self.sound.clone();
        let ending = self.ending();
        let trouble = self.pilot.as_ref().and_then(Pilot::trouble).unwrap_or_default();
        self.work.spawn(async move {
            // First, and not only because many a server takes one publisher: addresses that are gathered while the
            // line is down are of no use when it is back.
            if let Some(unreached) = ending.await {
                return (life, Done::Unreached(unreached));
            }
            let (layers, video) = ready(&ports).await;
            if video.is_empty() && !ports.is_empty() {
                return (life, Done::Offered(Err(no_unit(&trouble))));
            }
            let wanted = Wanted { name, video, sound, servers, clock };
            let built = tokio::task::spawn_blocking(move || {
                let encoder = match (encoder, plan.zip(listener)) {
                    (None, Some((plan, port))) => {
                        let encoder = opus.get(&plan).map_err(|error| error.to_string())?;
                        encoder.listen(&port);
                        Some(encoder)
                    }
                    (encoder, _) => encoder,
                };
                let peer = Peer::build(&wanted, notes)?;
                let offer = peer.offer()?;
                Ok(Offered { peer, offer, layers, encoder })
            });
            let built = built.await.unwrap_or_else(|error| Err(error.to_string()));
            (life, Done::Offered(built.map_err(Verdict::unbuildable)))
        });
    }

    fn post(&mut self) {
        let Some(peer) = self.session.peer.clone() else { return };
        let http = match self.http() {
            Ok(http) => http,
            Err(verdict) => return self.tell(Event::Answered(Err(verdict))),
        };
        let (url, offer, life) = (self.setup.plan.url.clone(), self.session.offer.clone(), self.life);
        self.work.spawn(async move {
            let created = match http.post(&url, &offer).await {
                Ok(created) => created,
                Err(verdict) => return (life, Done::Answered(None, Err(verdict))),
            };
            let answer = created.answer.clone();
            let taken = tokio::task::spawn_blocking(move || peer.accept(&answer)).await;
            let taken = taken.unwrap_or_else(|error| Err(error.to_string()));
            (life, Done::Answered(Some((created.resource, created.answer)), taken.map_err(unfit)))
        });
    }

    fn http(&mut self) -> Result<Http, Verdict> {
        if let Some(http) = &self.http {
            return Ok(http.clone());
        }
        let access = self.setup.access.as_ref().map_err(Verdict::set_up)?;
        let http = Http::new(access).map_err(Verdict::unbuildable)?;
        self.http = Some(http.clone());
        Ok(http)
    }

    /// Ends what is left of the last session at the server; gives it back if that cannot be reached.
    fn ending(&mut self) -> impl Future<Output = Option<Url>> + Send + use<> {
        let (stale, http, url) = (self.stale.take(), self.http.clone(), self.setup.plan.url.clone());
        async move {
            let (session, http) = stale.zip(http)?;
            // One at another server may be gone with that server, which is why its clients are sent elsewhere.
            let here = session.origin() == url.origin();
            (!http.delete(&session).await && here).then_some(session)
        }
    }

    fn feed(&self) {
        let Some(peer) = &self.session.peer else { return };
        if let Some(video) = &peer.video {
            self.pictures.open(&video.inlets);
        }
        if let Some((port, inlet)) = self.sound.as_ref().zip(peer.sound.as_ref().and_then(|sound| sound.inlets.first()))
        {
            port.open(inlet.clone());
        }
    }

    /// The own side ends now; the server's side with the next request.
    fn take_down(&mut self) {
        self.pictures.shut();
        self.sound.iter().for_each(|port| port.shut());
        self.steer(Pilot::over);
        let session = std::mem::take(&mut self.session);
        if let Some(peer) = &session.peer {
            self.report.over(peer.figures());
        }
        if let Some(resource) = session.resource {
            self.stale = Some(resource.url);
        }
        self.life += 1;
    }

    fn settle(&mut self, life: u64, done: Done) {
        let current = life == self.life;
        match done {
            Done::Offered(Ok(Offered { peer, offer, layers, encoder })) if current => {
                (self.session.peer, self.session.offer) = (Some(Arc::new(peer)), offer);
                self.pictures.offer(layers);
                self.encoder = encoder;
                self.tell(Event::Offered(Ok(())));
            }
            Done::Offered(Err(verdict)) if current => self.tell(Event::Offered(Err(verdict))),
            Done::Unreached(session) => {
                self.stale.get_or_insert(session);
                if current {
                    let verdict = Verdict::lost("the WHIP endpoint does not answer");
                    self.tell(Event::Offered(Err(verdict)));
                }
            }
            Done::Answered(created, result) if current => {
                let created = created.map(|(resource, answer)| {
                    self.learned = resource.servers.clone();
                    (self.session.resource, self.session.answer) = (Some(resource), answer);
                });
                let heard = self.take_over(created.is_some(), result);
                self.tell(heard);
                self.trickle();
            }
            Done::Answered(Some((resource, _)), _) => self.abandon(resource.url),
            Done::Begun(begun, restarted) if current => self.begun(begun, restarted),
            Done::Told(Changed::Unwanted) if current => self.session.settled = true,
            Done::Told(Changed::Gone) if current => {
                self.session.resource = None;
                self.tell(Event::Lost(Verdict::lost("the WHIP endpoint does not know the session any more")));
            }
            Done::Gone(verdict) if current => {
                // Nothing is left there to be ended.
                self.session.resource = None;
                self.tell(Event::Restarted(Begun::Gone(verdict)));
            }
            Done::Offered(_)
            | Done::Answered(None, _)
            | Done::Told(_)
            | Done::Begun(..)
            | Done::Gone(_)
            | Done::Nothing => {}
        }
    }

    /// The offer is answered. What is not to the endpoint's liking may be the layers: then it is offered one.
    fn take_over(&mut self, created: bool, result: Result<Accepted, Verdict>) -> Event {
        match result {
            Ok(accepted) => {
                if let Some(left) = self.pictures.accept(&accepted) {
                    self.report.layers(&left);
                }
                Event::Answered(Ok(()))
            }
            Err(verdict) => {
                let about_offer = created || verdict.remedy == Remedy::Never;
                match about_offer && self.pictures.refuse(&verdict.text) {
                    true => Event::Otherwise,
                    false => Event::Answered(Err(verdict)),
                }
            }
        }
    }

    /// A session that came about too late.
    fn abandon(&mut self, session: Url) {
        let (Some(http), life) = (self.http.clone(), self.life) else { return };
        self.work.spawn(async move {
            http.delete(&session).await;
            (life, Done::Nothing)
        });
    }

    fn hear(&mut self, life: u64, note: Note) {
        if life != self.life {
            return;
        }
        match note {
            Note::Candidate(candidate) => {
                self.session.late.push(candidate);
                self.trickle();
            }
            Note::Gathered => {
                self.session.gathered = true;
                self.trickle();
            }
            Note::Connected => self.tell(Event::Connected),
            Note::Heard(heard) => {
                // Behind a cut its losses say nothing of what the line takes.
                if !self.machine.doubts() {
                    self.steer(|pilot| pilot.heard(&heard, Instant::now()));
                }
                if heard.news {
                    self.report.acknowledged();
                    self.tell(Event::Acknowledged);
                }
            }
            Note::KeyframeAsked(layers) => {
                self.steer(|pilot| pilot.ask_keyframe());
                self.pictures.ask_keyframes(&layers);
            }
            Note::Sign => {
                self.steer(|pilot| pilot.ask_keyframe());
                self.pictures.ask_all_keyframes();
                self.tell(Event::Sign);
            }
            Note::Latency => self.settle_latency(),
            Note::Failed(reason) => self.tell(Event::Lost(Verdict::lost(reason))),
        }
    }

    fn settle_latency(&mut self) {
        let Some(peer) = self.session.peer.clone() else { return };
        let life = self.life;
        self.work.spawn(async move {
            let _ = tokio::task::spawn_blocking(move || peer.settle_latency()).await;
            (life, Done::Nothing)
        });
    }

    async fn stop(mut self, limit: Duration, answer: oneshot::Sender<bool>) {
        self.take_down();
        let ended = match (&self.http, self.stale.take()) {
            (Some(http), Some(session)) => tokio::time::timeout(limit, http.delete(&session)).await.unwrap_or(false),
            _ => true,
        };
        self.publish();
        let _ = answer.send(ended);
    }
}

fn no_unit(trouble: &str) -> Verdict {
    let why = if trouble.is_empty() { String::new() } else { format!(": {trouble}") };
    let text = format!("the encoder has delivered nothing within {} s{why}", FIRST_UNIT.as_secs());
    Verdict::new(Remedy::Retry, Fault::Hardware, text, "look at the state of the rendition")
}

fn unfit(reason: String) -> Verdict {
    let text = format!("the WHIP endpoint's answer cannot be used: {reason}");
    let hint = "check that it takes H.264 in the rendition's profile (constrained-baseline is taken by all), and Opus";
    Verdict::new(Remedy::Slowly, Fault::Destination, text, hint)
}
