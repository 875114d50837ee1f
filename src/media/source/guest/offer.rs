//! What of an offer is taken: H.264 or VP8, Opus, and the extension by which the sender learns how much the network
//! carries.

use gstreamer as gst;
use gstreamer_sdp as gst_sdp;

/// Without it a browser does not dare to send more than 300 kbit/s
/// (draft-holmer-rmcat-transport-wide-cc-extensions).
const CONGESTION: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// An offer that can be answered.
pub(super) struct Offer {
    pub(super) sdp: gst_sdp::SDPMessage,
    /// For each media section what is taken of it, if anything.
    pub(super) wanted: Vec<Option<gst::Caps>>,
}

impl Offer {
    /// Reads a session description. The error is one sentence.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        // The parser itself takes almost anything, and complains aloud about nothing at all.
        let sdp = text.starts_with("v=").then(|| gst_sdp::SDPMessage::parse_buffer(text.as_bytes()).ok()).flatten();
        let sdp = sdp.ok_or("the body is no session description (SDP)")?;
        let wanted: Vec<_> = sdp.medias().map(wanted).collect();
        if wanted.iter().all(Option::is_none) {
            return Err("the offer sends neither H.264 (packetization-mode 1), VP8 nor Opus".to_owned());
        }
        Ok(Self { sdp, wanted })
    }

    /// How many streams are taken.
    pub(super) fn streams(&self) -> usize {
        self.wanted.iter().flatten().count()
    }
}

/// Whether an offer can be answered; the error is one sentence.
pub(crate) fn check(text: &str) -> Result<(), String> {
    Offer::read(text).map(|_| ())
}

/// The publisher's first choice of what can be decoded here.
fn wanted(media: &gst_sdp::SDPMediaRef) -> Option<gst::Caps> {
    let direction = ["sendonly", "sendrecv", "recvonly", "inactive"]
        .into_iter()
        .find(|direction| media.attributes().any(|attribute| attribute.key() == *direction));
    if matches!(direction, Some("recvonly" | "inactive")) || media.port() == 0 {
        return None;
    }
    let format = media.formats().find_map(|format| {
        let caps = media.caps_from_media(format.parse().ok()?)?;
        is_decodable(media.media()?, caps.structure(0)?).then_some(caps)
    });
    let mut caps = format?;
    let extension = media.attributes().find_map(|attribute| {
        let (id, uri) = attribute.value().filter(|_| attribute.key() == "extmap")?.split_once(' ')?;
        (uri.split(' ').next() == Some(CONGESTION)).then(|| id.split('/').next().unwrap_or(id).to_owned())
    });
    let structure = caps.get_mut()?.structure_mut(0)?;
    structure.set_name("application/x-rtp");
    if let Some(id) = extension {
        structure.set(format!("extmap-{id}"), CONGESTION);
    }
    Some(caps)
}

fn is_decodable(media: &str, format: &gst::StructureRef) -> bool {
    let text = |name: &str| format.get::<String>(name).unwrap_or_default();
    match (media, text("encoding-name").to_ascii_uppercase().as_str()) {
        ("video", "VP8") | ("audio", "OPUS") => true,
        ("video", "H264") => text("packetization-mode") == "1",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\na=rtpmap:63 red/48000/2\r\n\
        a=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 45 104 102 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sendonly\r\n\
        a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
        a=rtpmap:45 AV1/90000\r\na=rtpmap:104 H264/90000\r\na=fmtp:104 packetization-mode=0\r\n\
        a=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1;profile-level-id=42001f\r\na=rtpmap:96 VP8/90000\r\n";

    fn payloads(text: &str) -> Vec<Option<i32>> {
        gst::init().unwrap();
        let offer = Offer::read(text).unwrap();
        let payload = |caps: &gst::Caps| caps.structure(0).unwrap().get::<i32>("payload").unwrap();
        offer.wanted.iter().map(|caps| caps.as_ref().map(payload)).collect()
    }

    #[test]
    fn the_first_format_that_can_be_decoded_is_taken() {
        assert_eq!(payloads(OFFER), [Some(111), Some(102)]);
        assert_eq!(payloads(&OFFER.replace("packetization-mode=1;", "")), [Some(111), Some(96)]);
        let listening = OFFER.replacen("a=sendonly", "a=recvonly", 1);
        assert_eq!(payloads(&listening), [None, Some(102)], "who only listens sends nothing");
    }

    #[test]
    fn the_sender_is_to_learn_what_the_network_carries() {
        gst::init().unwrap();
        let offer = Offer::read(OFFER).unwrap();
        let video = offer.wanted[1].as_ref().unwrap();
        assert_eq!(video.structure(0).unwrap().get::<String>("extmap-3").unwrap(), CONGESTION);
        assert_eq!(offer.streams(), 2);
    }

    #[test]
    fn what_cannot_be_received_is_refused() {
        gst::init().unwrap();
        for (text, why) in [
            ("", "no session description"),
            ("<html>", "no session description"),
            ("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", "neither"),
            (&OFFER.replace("a=sendonly", "a=inactive"), "neither"),
            (&OFFER.replace("opus", "pcmu").replace("VP8", "VP9").replace("H264", "H265"), "neither"),
        ] {
            let error = Offer::read(text).err().unwrap_or_default();
            assert!(error.contains(why), "{error}: {text}");
        }
        for garbage in ["\u{0}\u{0}", "m=video", "<html>", "v=0\r\nm=audio x y z\r\na=rtpmap:::\r\n"] {
            assert!(Offer::read(garbage).is_err(), "{garbage}");
        }
    }
}
