//! The own side of a session that a browser has offered: it gets what it asked for.

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_webrtc as gst_webrtc;

use super::super::peer::{Notes, Peer, describe};
use super::super::track::Track;
use super::offer::{Asked, Offer};
use crate::media::clock::HouseClock;
use crate::media::promise::{fulfilled, promise};
use crate::model::IceServers;

impl Peer {
    /// Builds and starts it; with the answer. Blocks.
    pub(super) fn answering(
        name: &str,
        offer: &Offer,
        clock: HouseClock,
        notes: Notes,
    ) -> Result<(Self, String), String> {
        let theirs = gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Offer, offer.sdp.clone());
        // Nobody else is asked for addresses: who watches is on the box's own network.
        let peer = Self::begin(name, &IceServers::default(), clock, notes, |webrtc| {
            // Sections are known before what is sent in them.
            webrtc.set_state(gst::State::Ready).map_err(|_| "webrtcbin does not start".to_owned())?;
            stamp_capture(webrtc);
            describe(webrtc, "set-remote-description", &theirs)?;
            let of = |asked: &Option<Asked>, track: fn(u32, u32) -> Result<Track, String>| {
                asked.as_ref().map(|asked| track(asked.place, asked.payload)).transpose()
            };
            Ok((of(&offer.pictures, Track::asked_video)?, of(&offer.sound, Track::asked_sound)?))
        })?;
        let (promise, done) = promise();
        peer.webrtc.emit_by_name::<()>("create-answer", &[&None::<gst::Structure>, &promise]);
        let answer = fulfilled(&done, "create-answer")?
            .and_then(|reply| reply.get::<gst_webrtc::WebRTCSessionDescription>("answer").ok())
            .ok_or("no answer to the offer could be made")?;
        let text = offer.complete(&peer.settle("answer", &answer)?);
        if !text.contains("a=candidate:") {
            return Err("this box has no network address that a browser could reach (loopback is none)".to_owned());
        }
        peer.hear_reports()?;
        Ok((peer, text))
    }
}

/// Sender reports name the time of the pictures, not that of sending: the browser can tell how far behind it is.
fn stamp_capture(webrtc: &gst::Element) {
    if let Some(rtpbin) = webrtc.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("rtpbin")) {
        rtpbin.set_property("rtcp-sync-send-time", false);
    }
}
