//! One WebRTC session: `webrtcbin` in the source's own pipeline, answering an offer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_webrtc as gst_webrtc;

use super::door::Call;
use super::offer::Offer;
use crate::media::source::branch::Branches;
use crate::media::source::head::{self, Built};
use crate::model::{GuestRefusal, TurnServer};

/// For one step of the negotiation.
const STEP: Duration = Duration::from_secs(2);
/// For the box's own addresses; what is known by then is told. A STUN server that does not answer takes longer.
const GATHER: Duration = Duration::from_millis(1500);

/// Who helps guest and box to find each other.
#[derive(Clone, Copy)]
pub(crate) struct Servers<'a> {
    /// `host:port`.
    pub(crate) stun: Option<&'a str>,
    pub(crate) turn: Option<&'a TurnServer>,
}

/// A session that is being answered or has been.
pub(crate) struct Session {
    webrtc: gst::Element,
    gathered: Receiver<()>,
    offer: Offer,
}

impl Session {
    /// Builds it into `pipeline`, for the offer of `call`; decoded streams go to `branches`.
    pub(crate) fn build(
        call: &Call,
        pipeline: &gst::Pipeline,
        branches: &Branches,
        latency_ms: u32,
        servers: Servers<'_>,
    ) -> Result<Self, String> {
        let offer = Offer::read(&call.sdp).inspect_err(|reason| call.refuse(GuestRefusal::BadOffer, reason))?;
        let webrtc = gst::ElementFactory::make("webrtcbin")
            .property_from_str("bundle-policy", "max-bundle")
            .property("latency", latency_ms)
            .build()
            .map_err(|_| {
                "webrtcbin cannot be made: install gstreamer1.0-plugins-bad and gstreamer1.0-nice".to_owned()
            })?;
        if let Some(stun) = servers.stun {
            webrtc.set_property("stun-server", format!("stun://{stun}"));
        }
        if let Some(turn) = servers.turn {
            webrtc.set_property("turn-server", relay(turn));
        }
        pipeline.add(&webrtc).map_err(|error| error.to_string())?;
        receive(&webrtc, pipeline, branches, offer.streams());
        prefer(&webrtc, &offer);
        let gathered = gathering(&webrtc);
        Ok(Self { webrtc, gathered, offer })
    }

    /// Answers the offer. The pipeline must be running.
    pub(crate) fn answer(&self, call: &Call) -> Result<(), String> {
        self.negotiate().map(|sdp| call.admit(sdp)).inspect_err(|reason| call.refuse(GuestRefusal::Failed, reason))
    }

    fn negotiate(&self) -> Result<String, String> {
        let offer = gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Offer, self.offer.sdp.clone());
        self.step("set-remote-description", &offer)?;
        let (promise, done) = promise();
        self.webrtc.emit_by_name::<()>("create-answer", &[&None::<gst::Structure>, &promise]);
        let reply = fulfilled(&done, "create-answer")?;
        let answer = reply
            .and_then(|reply| reply.get::<gst_webrtc::WebRTCSessionDescription>("answer").ok())
            .ok_or("no answer to the offer could be made")?;
        self.step("set-local-description", &answer)?;
        let until = Instant::now() + GATHER;
        match self.gathered.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err("the session ended while it was answered".to_owned()),
        }
        let local = self
            .webrtc
            .property::<Option<gst_webrtc::WebRTCSessionDescription>>("local-description")
            .ok_or("the answer was not taken")?;
        let text = local.sdp().as_text().map_err(|error| error.to_string())?;
        match text.contains("a=candidate:") {
            true => Ok(text),
            false => Err("this box has no network address that a guest could reach (loopback is none)".to_owned()),
        }
    }

    fn step(&self, what: &'static str, description: &gst_webrtc::WebRTCSessionDescription) -> Result<(), String> {
        let (promise, done) = promise();
        self.webrtc.emit_by_name::<()>(what, &[description, &promise]);
        fulfilled(&done, what).map(|_| ())
    }

    /// Why it is over, if the peer or the network ended it.
    pub(crate) fn over(&self) -> Option<&'static str> {
        match self.webrtc.property::<gst_webrtc::WebRTCPeerConnectionState>("connection-state") {
            gst_webrtc::WebRTCPeerConnectionState::Failed => Some("the connection to the guest's browser failed"),
            gst_webrtc::WebRTCPeerConnectionState::Closed => Some("the guest's browser closed the connection"),
            _ => None,
        }
    }
}

/// As webrtcbin wants it.
fn relay(turn: &TurnServer) -> String {
    // RFC 3986 section 2.3: nothing else stands for itself everywhere.
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let escaped = |text: &str| -> String {
        let each = |byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        text.bytes().map(each).collect()
    };
    format!("turn://{}:{}@{}", escaped(&turn.user), escaped(turn.password.reveal()), turn.address)
}

type Reply = Result<Option<gst::Structure>, String>;

/// A promise and where its outcome arrives.
fn promise() -> (gst::Promise, Receiver<Reply>) {
    let (told, done) = channel();
    let promise = gst::Promise::with_change_func(move |reply| {
        let reply = match reply {
            Ok(Some(structure)) => match structure.get::<gst::glib::Error>("error") {
                Ok(error) => Err(error.to_string()),
                Err(_) => Ok(Some(structure.to_owned())),
            },
            Ok(None) => Ok(None),
            Err(error) => Err(format!("{error:?}")),
        };
        let _ = told.send(reply);
    });
    (promise, done)
}

fn fulfilled(done: &Receiver<Reply>, what: &str) -> Reply {
    done.recv_timeout(STEP)
        .unwrap_or_else(|_| Err("it took too long".to_owned()))
        .map_err(|why| format!("{what}: {why}"))
}

/// Sends through the channel when all own addresses are known.
fn gathering(webrtc: &gst::Element) -> Receiver<()> {
    let (told, gathered) = channel();
    webrtc.connect_notify(Some("ice-gathering-state"), move |webrtc, _| {
        let state = webrtc.property::<gst_webrtc::WebRTCICEGatheringState>("ice-gathering-state");
        if state == gst_webrtc::WebRTCICEGatheringState::Complete {
            let _ = told.send(());
        }
    });
    gathered
}

/// Tells webrtcbin what to take of the offer; left to itself it takes the first format, whatever that is, and none of
/// the extensions.
fn prefer(webrtc: &gst::Element, offer: &Offer) {
    let wanted = offer.wanted.clone();
    webrtc.connect("on-new-transceiver", false, move |arguments| {
        let transceiver = arguments.get(1)?.get::<gst_webrtc::WebRTCRTPTransceiver>().ok()?;
        let line = transceiver.property::<u32>("mlineindex") as usize;
        let caps = wanted.get(line)?.as_ref()?;
        transceiver.set_property("codec-preferences", caps);
        let video = caps.structure(0).and_then(|s| s.get::<String>("media").ok()).is_some_and(|media| media == "video");
        if video {
            // Lost packets are asked for again.
            transceiver.set_property("do-nack", true);
        }
        None
    });
}

/// webrtcbin → decodebin for each stream → branches.
fn receive(webrtc: &gst::Element, pipeline: &gst::Pipeline, branches: &Branches, streams: usize) {
    let (pipeline, branches, missing) = (pipeline.downgrade(), branches.clone(), Arc::new(AtomicUsize::new(streams)));
    webrtc.connect_pad_added(move |webrtc, pad| {
        let Some(pipeline) = pipeline.upgrade().filter(|_| pad.direction() == gst::PadDirection::Src) else { return };
        if let Err(error) = decode(&pipeline, pad, &branches, Arc::clone(&missing)) {
            gst::element_error!(webrtc, gst::CoreError::Pad, ("cannot use a stream of the guest: {}", error));
        }
    });
}

fn decode(pipeline: &gst::Pipeline, pad: &gst::Pad, branches: &Branches, missing: Arc<AtomicUsize>) -> Built {
    let decode = gst::ElementFactory::make("decodebin").build()?;
    if let Some(bin) = decode.downcast_ref::<gst::Bin>() {
        bin.connect_deep_element_added(|_, _, element| head::tune(element));
    }
    let linked = branches.clone();
    decode.connect_pad_added(move |element, pad| {
        if let Err(error) = linked.link(pad) {
            gst::element_error!(element, gst::CoreError::Pad, ("cannot use a stream of the guest: {}", error));
        }
        if missing.fetch_sub(1, Ordering::Relaxed) == 1 {
            linked.set_complete();
        }
    });
    pipeline.add(&decode)?;
    decode.sync_state_with_parent()?;
    let sink = decode.static_pad("sink").ok_or_else(|| gst::glib::bool_error!("decodebin without a pad"))?;
    pad.link(&sink).map(|_| ()).map_err(|error| gst::glib::bool_error!("cannot link: {error:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    #[test]
    fn user_and_password_of_a_relay_may_hold_anything() {
        let turn = |address: &str, user: &str, password: &str| {
            relay(&TurnServer { address: address.into(), user: user.into(), password: Secret::new(password) })
        };
        assert_eq!(turn("turn.example:3478", "box", "secret"), "turn://box:secret@turn.example:3478");
        let odd = turn("10.0.0.7:3478", "1763:box@home", "a/b:c@d#e%f");
        assert_eq!(odd, "turn://1763%3Abox%40home:a%2Fb%3Ac%40d%23e%25f@10.0.0.7:3478");
    }
}
