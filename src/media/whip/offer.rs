//! The own offer, as servers take it.

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_sdp as gst_sdp;
use gstreamer_webrtc as gst_webrtc;

use super::fragment::Credentials;
use super::layers;
use super::peer::Peer;
use super::track::VIDEO;
use crate::media::promise::{fulfilled, promise};

impl Peer {
    /// The offer, with all addresses that were found in time. Blocks.
    pub(super) fn offer(&self) -> Result<String, String> {
        let (promise, done) = promise();
        self.webrtc.emit_by_name::<()>("create-offer", &[&None::<gst::Structure>, &promise]);
        let offer = fulfilled(&done, "create-offer")?
            .and_then(|reply| reply.get::<gst_webrtc::WebRTCSessionDescription>("offer").ok())
            .ok_or("no offer could be made")?;
        let text = self.settle("offer", &plainly_named(&offer).unwrap_or(offer))?;
        if let Some((video, name)) = self.video.as_ref().zip(layers::section_name(&text)) {
            video.name_section(&name);
        }
        Ok(bounded_by_receiver(&text))
    }
}

/// The offer with ICE credentials of letters and digits. webrtcbin's own have signs (`+`, `/`) that are allowed, and that
/// servers trip over which look for them as for a pattern when ICE is restarted (simple-whip-server).
fn plainly_named(offer: &gst_webrtc::WebRTCSessionDescription) -> Option<gst_webrtc::WebRTCSessionDescription> {
    let text = Credentials::random().in_place_of(&offer.sdp().as_text().ok()?)?;
    let sdp = gst_sdp::SDPMessage::parse_buffer(text.as_bytes()).ok()?;
    Some(gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Offer, sdp))
}

/// The offer with word that a receiver's bound (REMB) is heard: webrtcbin does not write down what it does not know.
fn bounded_by_receiver(offer: &str) -> String {
    let known = format!("a=rtcp-fb:{VIDEO} nack pli");
    let more = format!("{known}\r\na=rtcp-fb:{VIDEO} goog-remb");
    offer.replace(&known, &more)
}
