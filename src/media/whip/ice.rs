//! ICE begins anew within a session, once both ends have agreed on it (RFC 8445, 2.4); and what it holds at TURN servers is
//! given back when the session ends, which webrtcbin 1.22 does not do.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use gst::prelude::*;
use gst_webrtc::prelude::*;
use gstreamer as gst;
use gstreamer_webrtc as gst_webrtc;

use super::fragment::{Credentials, candidates};
use super::peer::Peer;
use crate::system::{close_ice_agent, restart_ice_agent};

/// For a TURN server to hear that a session is over.
const GIVE_BACK: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_millis(5);

impl Peer {
    /// Under `own` credentials, with what the server answered (a fragment), or else with the addresses that it named in
    /// its first `answer`. Blocks for a moment.
    pub(super) fn restart(&self, own: &Credentials, fragment: &str, answer: &str) -> Result<(), String> {
        let theirs = Credentials::read(fragment).ok_or("the WHIP endpoint's answer has no credentials")?;
        let named = Some(candidates(fragment)).filter(|named| !named.is_empty());
        begin_anew(&self.webrtc, own, &theirs, &named.unwrap_or_else(|| candidates(answer)))
    }
}

fn begin_anew(
    webrtc: &gst::Element,
    own: &Credentials,
    theirs: &Credentials,
    candidates: &[String],
) -> Result<(), String> {
    let (ice, agent) = agent(webrtc)?;
    let stream = stream(webrtc).ok_or("webrtcbin has no ICE stream")?;
    if !address(&agent).is_some_and(restart_ice_agent) {
        return Err("the ICE agent here cannot begin anew".to_owned());
    }
    let taken = ice.set_local_credentials(&stream, &own.user, &own.password)
        && ice.set_remote_credentials(&stream, &theirs.user, &theirs.password);
    if !taken {
        return Err("the ICE agent does not take the credentials".to_owned());
    }
    for candidate in candidates {
        webrtc.emit_by_name::<()>("add-ice-candidate", &[&0u32, candidate]);
    }
    Ok(())
}

/// A server holds its relay for ten minutes, against the user's quota, unless it is told that nobody needs it any more.
/// Blocks for a moment.
pub(super) fn give_back(webrtc: &gst::Element) {
    let Ok((_, agent)) = agent(webrtc) else { return };
    let context = gst::glib::MainContext::new();
    let given = context.with_thread_default(|| {
        let until = Instant::now() + GIVE_BACK;
        let closing = address(&agent).is_some_and(close_ice_agent);
        while closing && !context.iteration(false) && Instant::now() < until {
            std::thread::sleep(LOOK);
        }
    });
    if let Err(error) = given {
        tracing::debug!(%error, "a TURN server is not told of the end of a session");
    }
}

/// webrtcbin's ICE, and libnice's agent below it.
fn agent(webrtc: &gst::Element) -> Result<(gst_webrtc::WebRTCICE, gst::glib::Object), String> {
    let ice = webrtc.property::<Option<gst_webrtc::WebRTCICE>>("ice-agent").ok_or("webrtcbin has no ICE agent")?;
    let agent = readable::<gst::glib::Object>(&ice, "agent").ok_or("it is no agent of libnice")?;
    Ok((ice, agent))
}

fn address(agent: &gst::glib::Object) -> Option<NonNull<c_void>> {
    NonNull::new(agent.as_ptr().cast())
}

/// The only one: everything travels bundled.
fn stream(webrtc: &gst::Element) -> Option<gst_webrtc::WebRTCICEStream> {
    let transceiver = webrtc.emit_by_name::<Option<gst_webrtc::WebRTCRTPTransceiver>>("get-transceiver", &[&0i32])?;
    let sender = readable::<gst_webrtc::WebRTCRTPSender>(&transceiver, "sender")?;
    let dtls = readable::<gst_webrtc::WebRTCDTLSTransport>(&sender, "transport")?;
    let ice = readable::<gst_webrtc::WebRTCICETransport>(&dtls, "transport")?;
    readable(&ice, "stream")
}

/// An object that another one may have: these are GStreamer's own affairs, and other versions may keep them otherwise.
fn readable<T: IsA<gst::glib::Object>>(of: &impl IsA<gst::glib::Object>, name: &str) -> Option<T> {
    let known = of.find_property(name)?;
    if !known.flags().contains(gst::glib::ParamFlags::READABLE) {
        return None;
    }
    of.property_value(name).get::<Option<gst::glib::Object>>().ok()??.downcast().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::{Duration, Instant};

    use gstreamer_sdp as gst_sdp;

    use super::super::peer::{Note, Notes, Wanted};
    use super::super::port::Port;
    use super::*;
    use crate::media::clock::HouseClock;
    use crate::media::encode::AccessUnit;
    use crate::media::promise::{fulfilled, promise};
    use crate::model::{IceServers, RenditionId};

    /// The other end.
    struct Far {
        pipeline: gst::Pipeline,
        webrtc: gst::Element,
        packets: Arc<AtomicU64>,
    }

    impl Far {
        /// Answers an offer.
        fn answer(offer: &str) -> Result<(Self, String), String> {
            let webrtc = gst::ElementFactory::make("webrtcbin").property_from_str("bundle-policy", "max-bundle");
            let (pipeline, webrtc) = (gst::Pipeline::new(), webrtc.build().unwrap());
            pipeline.add(&webrtc).unwrap();
            let packets: Arc<AtomicU64> = Arc::default();
            let (inside, counted) = (pipeline.downgrade(), Arc::clone(&packets));
            webrtc.connect_pad_added(move |_, pad| {
                let sink = gst::ElementFactory::make("fakesink").property("async", false).build().unwrap();
                inside.upgrade().unwrap().add(&sink).unwrap();
                sink.sync_state_with_parent().unwrap();
                let counted = Arc::clone(&counted);
                pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
                    counted.fetch_add(1, Ordering::Relaxed);
                    gst::PadProbeReturn::Ok
                });
                pad.link(&sink.static_pad("sink").unwrap()).unwrap();
            });
            pipeline.set_state(gst::State::Playing).unwrap();
            let far = Self { pipeline, webrtc: webrtc.clone(), packets };
            let describe = |what: &'static str, description: &gst_webrtc::WebRTCSessionDescription| {
                let (promise, done) = promise();
                webrtc.emit_by_name::<()>(what, &[description, &promise]);
                fulfilled(&done, what)
            };
            let sdp = gst_sdp::SDPMessage::parse_buffer(offer.as_bytes()).unwrap();
            let offer = gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Offer, sdp);
            describe("set-remote-description", &offer)?;
            let (promise, done) = promise();
            webrtc.emit_by_name::<()>("create-answer", &[&None::<gst::Structure>, &promise]);
            let reply = fulfilled(&done, "create-answer")?.ok_or("no answer")?;
            describe("set-local-description", &reply.get("answer").map_err(|error| error.to_string())?)?;
            until("addresses are gathered", || {
                use gst_webrtc::WebRTCICEGatheringState::Complete;
                webrtc.property::<gst_webrtc::WebRTCICEGatheringState>("ice-gathering-state") == Complete
            });
            let local = webrtc.property::<gst_webrtc::WebRTCSessionDescription>("local-description");
            Ok((far, local.sdp().as_text().unwrap()))
        }
    }

    impl Drop for Far {
        fn drop(&mut self) {
            self.pipeline.set_state(gst::State::Null).unwrap();
        }
    }

    fn until(what: &str, mut done: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        while !done() {
            assert!(Instant::now() < end, "not in time: {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn sound(clock: HouseClock, number: u64) -> AccessUnit {
        AccessUnit {
            rendition: RenditionId::new("opus").unwrap(),
            number,
            pts: clock.now(),
            dts: None,
            duration: Duration::from_millis(20),
            key: true,
            caps: "audio/x-opus, channel-mapping-family=0, channels=2, rate=48000".parse().unwrap(),
            buffer: gst::Buffer::from_slice([0u8; 40]),
        }
    }

    /// Both ends, agreed: this one, the other, offer and answer.
    type Pair = (Peer, Far, String, String);

    /// On a box that is busy, webrtcbin takes longer for its keys than its promises may.
    fn pair(clock: HouseClock, queue: &tokio::sync::mpsc::Sender<(u64, Note)>) -> Result<Option<Pair>, String> {
        let servers = IceServers::default();
        let wanted = Wanted { name: "near".into(), video: Vec::new(), sound: true, servers, clock };
        let near = Peer::build(&wanted, Notes { life: 0, queue: queue.clone() })?;
        let offer = near.offer()?;
        if candidates(&offer).is_empty() {
            return Ok(None);
        }
        let (far, answer) = Far::answer(&offer)?;
        near.accept(&answer)?;
        Ok(Some((near, far, offer, answer)))
    }

    #[test]
    fn media_go_on_over_another_ice_session() {
        crate::media::init().unwrap();
        let clock = HouseClock::start();
        let (queue, mut notes) = tokio::sync::mpsc::channel(1024);
        let mut attempts = (0..10).map(|_| pair(clock, &queue));
        let Some((near, far, offer, answer)) = attempts.find_map(Result::ok).expect("an agreement") else {
            println!("SKIPPED: ICE restart, since this machine has no address but loopback");
            return;
        };
        until("connected", || notes.try_recv().is_ok_and(|(_, note)| note == Note::Connected));
        let port = Port::new(clock);
        port.open(near.sound.as_ref().unwrap().inlets[0].clone());
        let mut number = 0;
        let mut arrives = |what: &str| {
            let seen = far.packets.load(Ordering::Relaxed);
            until(what, || {
                number += 1;
                port.take(&sound(clock, number));
                far.packets.load(Ordering::Relaxed) >= seen + 20
            });
        };
        arrives("media at first");

        let states = Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = Arc::clone(&states);
        near.webrtc.connect_notify(Some("ice-connection-state"), move |webrtc, _| {
            seen.lock().unwrap().push(webrtc.property::<gst_webrtc::WebRTCICEConnectionState>("ice-connection-state"));
        });
        let (own, theirs) = (Credentials::random(), Credentials::random());
        begin_anew(&far.webrtc, &theirs, &own, &candidates(&offer)).unwrap();
        let fragment = format!("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", theirs.user, theirs.password);
        near.restart(&own, &fragment, &answer).unwrap();
        until("checked again", || {
            use gst_webrtc::WebRTCICEConnectionState::{Checking, Completed, Connected};
            let states = states.lock().unwrap();
            let checks = states.iter().position(|state| *state == Checking);
            checks.is_some_and(|at| states[at..].iter().any(|state| matches!(state, Connected | Completed)))
        });
        arrives("media over the new one");
        assert_eq!(near.restart(&own, "v=0", &answer).unwrap_err(), "the WHIP endpoint's answer has no credentials");
    }
}
