//! The own side of one session: a small pipeline around `webrtcbin` that only sends.
//!
//! ```text
//! port ─▶ appsrc ─▶ rtph264pay ─┬───────────────┐
//! more, smaller ─▶ rtph264pay ──┘ (rtpfunnel)   ├─▶ webrtcbin (ICE, DTLS, SRTP, retransmission)
//! port ─▶ appsrc ─▶ rtpopuspay ─────────────────┘        └─▶ notes: candidates, connection, reports of the peer
//! ```

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_sdp as gst_sdp;
use gstreamer_webrtc as gst_webrtc;
use tokio::sync::mpsc::Sender;

use super::certificate::{self, Certificate};
use super::fragment::Candidate;
use super::ice;
use super::layers;
use super::ledger::{Heard, Ledger};
use super::repair::{self, Repair};
use super::rtcp;
use super::track::{Entrances, Track};
use crate::media::clock::HouseClock;
use crate::media::promise::{fulfilled, promise};
use crate::model::{IceServer, IceServers};

/// For the box's own addresses; what is found later is told later. A STUN server that does not answer takes longer.
const GATHER: Duration = Duration::from_millis(1200);

/// What a session tells.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Note {
    /// An own address, after the offer was made.
    Candidate(Candidate),
    /// No more addresses will be found.
    Gathered,
    /// ICE and DTLS are through.
    Connected,
    /// A report of the peer.
    Heard(Heard),
    /// The peer cannot go on without a keyframe, of the streams with these numbers if it names any of ours.
    KeyframeAsked(Vec<usize>),
    /// In doubt: the peer misses something, so that something has arrived.
    Sign,
    /// The latency of its pipeline is to be distributed: without it there are no sender reports.
    Latency,
    /// It is over.
    Failed(String),
}

/// What a session is built for.
pub(super) struct Wanted {
    /// Name of the pipeline.
    pub(super) name: String,
    /// H.264 as encoders deliver it, largest first; several are offered as layers. No pictures if none.
    pub(super) video: Vec<gst::Caps>,
    /// Whether there is sound (Opus).
    pub(super) sound: bool,
    pub(super) servers: IceServers,
    pub(super) clock: HouseClock,
}

/// The own side of one session. Dropping it ends it, without a word to the peer.
pub(super) struct Peer {
    pipeline: gst::Pipeline,
    pub(super) webrtc: gst::Element,
    notes: Notes,
    gathered: Mutex<Receiver<()>>,
    fingerprint: String,
    pub(super) video: Option<Entrances>,
    pub(super) sound: Option<Entrances>,
    pub(super) ledger: Arc<Mutex<Ledger>>,
    repair: Arc<Repair>,
    /// Several layers are sent.
    layered: Arc<AtomicBool>,
    /// TURN servers may hold something for it.
    relayed: bool,
}

/// What an answer takes of the pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Accepted {
    /// Layers, by number.
    pub(super) layers: Vec<usize>,
    /// Why it is one alone although several were offered.
    pub(super) why: Option<&'static str>,
}

/// Where notes go: never blocks.
#[derive(Clone)]
pub(super) struct Notes {
    /// Counts sessions: notes of one that is over are none.
    pub(super) life: u64,
    pub(super) queue: Sender<(u64, Note)>,
}

impl Notes {
    fn tell(&self, note: Note) {
        // Reports come a few times a second. A full queue means that its task stands still.
        let _ = self.queue.try_send((self.life, note));
    }
}

impl Peer {
    /// Builds and starts it, to be offered.
    pub(super) fn build(wanted: &Wanted, notes: Notes) -> Result<Self, String> {
        Self::begin(&wanted.name, &wanted.servers, wanted.clock, notes, |_| {
            let video = (!wanted.video.is_empty()).then(|| Track::video(&wanted.video)).transpose()?;
            Ok((video, wanted.sound.then(Track::sound).transpose()?))
        })
    }

    /// Builds and starts it; `shape` says which pictures and which sound it sends, and may tell webrtcbin before that what
    /// the other end wants.
    pub(super) fn begin(
        name: &str,
        servers: &IceServers,
        clock: HouseClock,
        notes: Notes,
        shape: impl FnOnce(&gst::Element) -> Result<(Option<Track>, Option<Track>), String>,
    ) -> Result<Self, String> {
        let pipeline = gst::Pipeline::with_name(name);
        pipeline.use_clock(Some(&gst::SystemClock::obtain()));
        pipeline.set_start_time(gst::ClockTime::NONE);
        let base = clock.monotonic_at(clock.now());
        pipeline.set_base_time(gst::ClockTime::from_nseconds(base));
        hear_bus(&pipeline, &notes);
        let Certificate { pem, fingerprint } =
            certificate::make().map_err(|error| format!("no certificate could be made: {error}"))?;
        let layered = Arc::new(AtomicBool::new(false));
        let webrtc = webrtcbin(servers, pem, Arc::clone(&layered))?;
        pipeline.add(&webrtc).map_err(|error| error.to_string())?;
        let gathered = Mutex::new(hear(&webrtc, &notes));
        let repair = Arc::new(Repair::new(webrtc.downcast_ref().ok_or("webrtcbin is no bin")?));
        let relayed = servers.0.iter().any(|server| matches!(server, IceServer::Turn { .. }));
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let (video, sound) = (None, None);
        let mut peer =
            Self { pipeline, webrtc, notes, gathered, fingerprint, video, sound, ledger, repair, layered, relayed };
        let (video, sound) = shape(&peer.webrtc)?;
        let line = |track: Track| {
            let built = track.build(&peer.pipeline, &peer.webrtc, &peer.ledger, base);
            built.map_err(|error| error.to_string())
        };
        // Pictures first: numbers of streams begin with those of the pictures.
        let (video, sound) = (video.map(line).transpose()?, sound.map(line).transpose()?);
        (peer.video, peer.sound) = (video, sound);
        peer.pipeline.set_state(gst::State::Playing).map_err(|_| "webrtcbin does not start".to_owned())?;
        Ok(peer)
    }

    /// Takes over the own description, an offer or an answer; its text, with all addresses that were found in time. Blocks.
    pub(super) fn settle(&self, what: &str, own: &gst_webrtc::WebRTCSessionDescription) -> Result<String, String> {
        describe(&self.webrtc, "set-local-description", own)?;
        match self.gathered.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(GATHER) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err("the session ended before it began".to_owned()),
        }
        let local = self
            .webrtc
            .property::<Option<gst_webrtc::WebRTCSessionDescription>>("local-description")
            .ok_or_else(|| format!("the {what} was not taken"))?;
        let text = local.sdp().as_text().map_err(|error| error.to_string())?;
        Ok(Certificate::named_in(&self.fingerprint, &text))
    }

    /// Takes the server's answer over. Blocks.
    pub(super) fn accept(&self, answer: &str) -> Result<Accepted, String> {
        // The parser itself takes almost anything.
        let sdp = answer.starts_with("v=").then(|| gst_sdp::SDPMessage::parse_buffer(answer.as_bytes()).ok()).flatten();
        let sdp = sdp.ok_or("it is no session description (SDP)")?;
        let accepted = |media: &gst_sdp::SDPMediaRef| media.port() != 0 || media.attribute_val("bundle-only").is_some();
        if !sdp.medias().any(accepted) {
            return Err("it takes none of the media: the codec or its profile is not to its liking".to_owned());
        }
        let accepted = self.settle_layers(answer);
        let answer = gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Answer, sdp);
        describe(&self.webrtc, "set-remote-description", &answer)?;
        self.hear_reports()?;
        Ok(accepted)
    }

    /// Sends those layers that the answer takes; one alone, without word of layers, if it takes none.
    fn settle_layers(&self, answer: &str) -> Accepted {
        let Some(video) = &self.video else { return Accepted { layers: Vec::new(), why: None } };
        let names = layers::names(video.inlets.len());
        if names.is_empty() {
            return Accepted { layers: vec![0], why: None };
        }
        match layers::taken(answer, names) {
            Ok(layers) => {
                self.layered.store(true, Ordering::Relaxed);
                Accepted { layers, why: None }
            }
            Err(why) => {
                video.alone();
                Accepted { layers: vec![0], why: Some(why) }
            }
        }
    }

    /// Reads what the peer reports. webrtcbin's own statistics tell of one stream only.
    pub(super) fn hear_reports(&self) -> Result<(), String> {
        let rtpbin = self.webrtc.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("rtpbin"));
        let session = rtpbin
            .and_then(|rtpbin| rtpbin.emit_by_name::<Option<gst::glib::Object>>("get-internal-session", &[&0u32]))
            .ok_or("webrtcbin has no RTP session")?;
        // The default of 5 s is too seldom for lip-sync and round trip at the begin of a session.
        session.set_property("rtcp-min-interval", 1_000_000_000u64);
        let (notes, ledger, repair) = (self.notes.clone(), Arc::clone(&self.ledger), Arc::clone(&self.repair));
        session.connect("on-receiving-rtcp", false, move |arguments| {
            let buffer = arguments.get(1)?.get::<gst::Buffer>().ok()?;
            let said = rtcp::read(&buffer.map_readable().ok()?);
            let (heard, asked) = {
                let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
                (ledger.heard(&said, Instant::now()), ledger.numbers(&said.keyframes))
            };
            let keyframe = !said.keyframes.is_empty();
            if !said.blocks.is_empty() || said.most.is_some() {
                notes.tell(Note::Heard(heard));
            }
            if keyframe {
                notes.tell(Note::KeyframeAsked(asked));
            }
            // Before it is looked for: what is asked for here was sent during the cut and is not there.
            if (keyframe || said.repeats > 0) && repair.resume() {
                notes.tell(Note::Sign);
            }
            None
        });
        Ok(())
    }

    /// What is sent may not arrive. It goes on, so that the first packets behind the cut reach a peer that is still there:
    /// it shall begin anew with them instead of waiting for what it missed. Its first sign is told.
    pub(super) fn doubt(&self) {
        let kept = {
            let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
            ledger.leap();
            ledger.within_reach(Instant::now())
        };
        self.repair.rest(kept);
    }

    /// What is sent arrives, as at first.
    pub(super) fn trust(&self) {
        self.repair.resume();
    }

    /// Tells all parts of the pipeline its latency. Blocks for a moment.
    pub(super) fn settle_latency(&self) {
        if let Err(error) = self.pipeline.recalculate_latency() {
            tracing::debug!(%error, "the latency of a WHIP session is not known");
        }
    }

    /// What was sent and what arrived of each stream, in bytes, those of pictures first.
    pub(super) fn each(&self) -> Vec<(u64, u64)> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).each()
    }

    /// What was sent and what arrived.
    pub(super) fn figures(&self) -> super::ledger::Figures {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).figures()
    }
}

/// Tells webrtcbin a session description.
pub(super) fn describe(
    webrtc: &gst::Element,
    what: &'static str,
    description: &gst_webrtc::WebRTCSessionDescription,
) -> Result<(), String> {
    let (promise, done) = promise();
    webrtc.emit_by_name::<()>(what, &[description, &promise]);
    fulfilled(&done, what).map(|_| ())
}

impl Drop for Peer {
    fn drop(&mut self) {
        let (pipeline, webrtc) = (self.pipeline.clone(), self.relayed.then(|| self.webrtc.clone()));
        // It may wait for a name to resolve.
        let closing = std::thread::Builder::new().name("whip-close".into()).spawn(move || {
            webrtc.iter().for_each(ice::give_back);
            let _ = pipeline.set_state(gst::State::Null);
        });
        if let Err(error) = closing {
            tracing::warn!(%error, "a WHIP session could not be taken down");
        }
    }
}

fn webrtcbin(servers: &IceServers, certificate: String, layered: Arc<AtomicBool>) -> Result<gst::Element, String> {
    let webrtc = gst::ElementFactory::make("webrtcbin")
        .property_from_str("bundle-policy", "max-bundle")
        .build()
        .map_err(|_| "webrtcbin cannot be made: install gstreamer1.0-plugins-bad and gstreamer1.0-nice".to_owned())?;
    for server in &servers.0 {
        match server {
            IceServer::Stun { .. } => webrtc.set_property("stun-server", server.uri()),
            IceServer::Turn { .. } => {
                webrtc.emit_by_name::<bool>("add-turn-server", &[&server.uri()]);
            }
        }
    }
    let bin = webrtc.downcast_ref::<gst::Bin>().ok_or("webrtcbin is no bin")?;
    if let Some(rtpbin) = bin.by_name("rtpbin") {
        // The default tells the peer the names of user and box (RFC 7022).
        let name = format!("{:016x}", fastrand::u64(..));
        rtpbin.set_property(
            "sdes",
            gst::Structure::builder("application/x-rtp-source-sdes").field("cname", name).build(),
        );
    }
    bin.connect_deep_element_added(move |_, _, element| {
        match element.factory().as_ref().map(|factory| factory.name()).as_deref() {
            Some("dtlsdec") => element.set_property("pem", &certificate),
            // It comes with the answer, by which it is known whether there are layers.
            Some(repair::ELEMENT) if layered.load(Ordering::Relaxed) => {
                if let Err(error) = layers::mark_repairs(element) {
                    tracing::warn!(error, "lost packets of a layer cannot be sent again");
                }
            }
            _ => {}
        }
    });
    Ok(webrtc)
}

fn hear_bus(pipeline: &gst::Pipeline, notes: &Notes) {
    let Some(bus) = pipeline.bus() else { return };
    let notes = notes.clone();
    bus.set_sync_handler(move |_, message| {
        match message.view() {
            gst::MessageView::Error(error) => {
                tracing::debug!(error = %error.error(), debug = ?error.debug(), "a WHIP session failed");
                notes.tell(Note::Failed(error.error().to_string()));
            }
            gst::MessageView::Latency(_) => notes.tell(Note::Latency),
            _ => {}
        }
        gst::BusSyncReply::Drop
    });
}

/// Tells of addresses and of the connection; the receiver gets a word when all own addresses are known.
fn hear(webrtc: &gst::Element, notes: &Notes) -> Receiver<()> {
    let (told, gathered): (SyncSender<()>, _) = sync_channel(1);
    let own = notes.clone();
    webrtc.connect_notify(Some("ice-gathering-state"), move |webrtc, _| {
        let state = webrtc.property::<gst_webrtc::WebRTCICEGatheringState>("ice-gathering-state");
        if state == gst_webrtc::WebRTCICEGatheringState::Complete {
            let _ = told.try_send(());
            own.tell(Note::Gathered);
        }
    });
    let own = notes.clone();
    webrtc.connect("on-ice-candidate", false, move |arguments| {
        let section = arguments.get(1)?.get::<u32>().ok()?;
        let text = arguments.get(2)?.get::<String>().ok()?;
        own.tell(Note::Candidate(Candidate { section, text }));
        None
    });
    let own = notes.clone();
    webrtc.connect_notify(Some("connection-state"), move |webrtc, _| {
        use gst_webrtc::WebRTCPeerConnectionState::{Closed, Connected, Failed};
        match webrtc.property("connection-state") {
            Connected => own.tell(Note::Connected),
            Failed => own.tell(Note::Failed("the media connection failed (ICE or DTLS)".to_owned())),
            Closed => own.tell(Note::Failed("the WHIP endpoint closed the media connection".to_owned())),
            _ => {}
        }
    });
    gathered
}
