//! The face of one endpoint: start, look, pause, stop.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::feed::Feed;
use super::opus::OpusEncoders;
use super::pictures::Pictures;
use super::port::Port;
use super::task::{Order, Seams, Task};
use crate::media::clock::HouseClock;
use crate::media::encode::{AccessUnit, Solo, Tap};
use crate::media::{EventSink, MediaError};
use crate::model::status::{DestinationState, LayerFigures};
use crate::model::{BitRate, DestinationId, EndpointName, Fault, MediaTime, ProgramFormat, Tokens};
use crate::plan::WhipPlan;
use crate::policy::Bottleneck;

/// Access units that may wait on their way to the port, which never blocks.
const WAITING: usize = 60;
/// Orders that may wait.
const ORDERS: usize = 16;

/// What requests to an endpoint take.
#[derive(Clone)]
pub struct WhipAccess {
    /// Where bearer tokens come from; none if the endpoint wants none.
    pub tokens: Option<Arc<dyn Tokens>>,
    /// Whom to trust, and who this box is.
    pub tls: rustls::ClientConfig,
}

/// What an endpoint is made of.
pub struct WhipSetup {
    /// The destination it belongs to.
    pub destination: DestinationId,
    /// Its name in the destination.
    pub endpoint: EndpointName,
    /// Where it goes and what is sent.
    pub plan: WhipPlan,
    /// How requests are made; a sentence if that cannot be, for which somebody has to correct the configuration.
    pub access: Result<WhipAccess, String>,
    /// What program pictures look like, for a rendition of its own.
    pub program: ProgramFormat,
}

/// Where an endpoint stands.
#[derive(Debug, Clone, PartialEq)]
pub struct WhipStatus {
    /// In the words of all destinations.
    pub state: DestinationState,
    /// Since when.
    pub since: MediaTime,
    /// Why it does not stream.
    pub trouble: Option<String>,
    /// Whose fault that is.
    pub fault: Option<Fault>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The last error, also when it streams again.
    pub last_error: Option<String>,
    /// Bytes of RTP sent, retransmissions not counted.
    pub bytes_sent: u64,
    /// Of these, bytes that the peer reported as received.
    pub bytes_acknowledged: u64,
    /// When the peer last reported something new.
    pub acknowledged: Option<MediaTime>,
    /// Times it was lost and came back.
    pub reconnects: u64,
    /// Packets that the peer missed in this session.
    pub lost_packets: u64,
    /// Round trip in this session, milliseconds.
    pub round_trip_ms: Option<u32>,
    /// Keyframes that the peer asked for in this session.
    pub keyframes_asked: u64,
    /// Units that were left out since the network did not take them in time.
    pub dropped: u64,
    /// What pictures of its own are encoded at now.
    pub bitrate: Option<BitRate>,
    /// Why that is less than it might be.
    pub bottleneck: Option<Bottleneck>,
    /// Layers of simulcast in this session, largest first; none if pictures are sent in one size.
    pub layers: Vec<LayerFigures>,
}

/// One endpoint at work. Dropping it ends it without a word to the server.
pub struct WhipSender {
    orders: mpsc::Sender<Order>,
    status: watch::Receiver<WhipStatus>,
    _feeds: Vec<Feed>,
}

impl WhipSender {
    /// Starts it. Needs a tokio runtime around it; does not block.
    pub fn start(
        setup: WhipSetup,
        tap: &Tap,
        opus: &Arc<OpusEncoders>,
        clock: HouseClock,
        events: EventSink,
    ) -> Result<Self, MediaError> {
        let name = format!("{}-{}", setup.destination, setup.endpoint);
        let port = || Arc::new(Port::new(clock));
        let failed = |error: std::io::Error| MediaError::graph("the sender's thread", error);
        let (mut sizes, mut feeds, mut own) = (Vec::new(), Vec::new(), None);
        if let Some(plan) = &setup.plan.own {
            let port = port();
            let receiver = Arc::clone(&port);
            let take = move |unit: &AccessUnit| {
                receiver.take(unit);
                receiver.waits()
            };
            let solo = Solo::start(tap, setup.program, plan.rendition.clone(), Arc::new(take)).map_err(failed)?;
            sizes.push((plan.rendition.id.clone(), port));
            own = Some(Arc::new(solo));
        } else {
            for rendition in setup.plan.rendition.iter().chain(&setup.plan.more) {
                let port = port();
                feeds.push(Feed::start(&name, tap.subscribe(rendition, WAITING), Arc::clone(&port)).map_err(failed)?);
                sizes.push((rendition.clone(), port));
            }
        }
        let pictures = Pictures::new(sizes, tap);
        let sound = setup.plan.sound.as_ref().map(|_| port());
        let (orders, ordered) = mpsc::channel(ORDERS);
        let (publish, published) = watch::channel(WhipStatus::first(clock.now()));
        let seams = Seams { pictures, sound, own, opus: Arc::clone(opus), clock, events, status: publish };
        tokio::spawn(Task::new(name, setup, seams).run(ordered));
        Ok(Self { orders, status: published, _feeds: feeds })
    }

    /// Where it stands.
    pub fn status(&self) -> WhipStatus {
        self.status.borrow().clone()
    }

    /// A receiver that hears of every change.
    pub fn watch(&self) -> watch::Receiver<WhipStatus> {
        self.status.clone()
    }

    /// Sends nothing for a while, or again.
    pub fn pause(&self, paused: bool) {
        // Full only if the task stands still; then there is nothing to pause either.
        let _ = self.orders.try_send(Order::Pause(paused));
    }

    /// Ends the session, at the server too, if it answers within `limit`; whether it did.
    pub async fn stop(self, limit: Duration) -> bool {
        let (tell, told) = oneshot::channel();
        if self.orders.send(Order::Stop(limit, tell)).await.is_err() {
            return false;
        }
        tokio::time::timeout(limit, told).await.ok().and_then(Result::ok).unwrap_or(false)
    }
}

impl WhipStatus {
    fn first(now: MediaTime) -> Self {
        Self {
            state: DestinationState::Connecting,
            since: now,
            trouble: None,
            fault: None,
            hint: None,
            last_error: None,
            bytes_sent: 0,
            bytes_acknowledged: 0,
            acknowledged: None,
            reconnects: 0,
            lost_packets: 0,
            round_trip_ms: None,
            keyframes_asked: 0,
            dropped: 0,
            bitrate: None,
            bottleneck: None,
            layers: Vec::new(),
        }
    }
}
