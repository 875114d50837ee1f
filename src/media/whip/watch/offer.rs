//! What of an offer is answered: H.264 as the channel encodes it, and Opus.

use gstreamer as gst;
use gstreamer_sdp as gst_sdp;

/// An offer that can be answered.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) sdp: gst_sdp::SDPMessage,
    pub(super) pictures: Option<Asked>,
    pub(super) sound: Option<Asked>,
}

/// A media section, and the format of it that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// The section's place.
    pub(super) place: u32,
    /// The format's number.
    pub(super) payload: u32,
    /// Its parameters as they were offered.
    parameters: Option<String>,
}

impl Offer {
    /// Reads a session description for pictures of this H.264 profile. The error is one sentence.
    pub(super) fn read(text: &str, profile: &str) -> Result<Self, String> {
        // The parser itself takes almost anything, and complains aloud about nothing at all.
        let text = text.starts_with("v=").then(|| unaddressed(text)).ok_or(NONE)?;
        let sdp = gst_sdp::SDPMessage::parse_buffer(text.as_bytes()).map_err(|_| NONE)?;
        let (mut pictures, mut sound) = (None, None);
        for (place, media) in (0u32..).zip(sdp.medias()) {
            let slot = match media.media() {
                Some("video") => &mut pictures,
                Some("audio") => &mut sound,
                _ => return Err("the offer has a section that is neither video nor audio".to_owned()),
            };
            if slot.is_some() {
                return Err("the offer has more than one section of a kind".to_owned());
            }
            *slot = Some(asked(place, media, profile));
        }
        let (pictures, sound) = (pictures.flatten(), sound.flatten());
        if pictures.is_none() {
            return Err("the offer does not want to receive H.264 (packetization-mode 1)".to_owned());
        }
        // RFC 8839, 5.4, and RFC 8122, 5.
        let names = |media: &gst_sdp::SDPMediaRef, key: &str| {
            media.attribute_val(key).or_else(|| sdp.attribute_val(key)).is_some_and(|value| !value.is_empty())
        };
        let needed = ["ice-ufrag", "ice-pwd", "fingerprint"];
        if let Some(missing) = needed.into_iter().find(|key| !sdp.medias().all(|media| names(media, key))) {
            return Err(format!("the offer has no {missing}"));
        }
        Ok(Self { sdp, pictures, sound })
    }

    /// The answer, with the parameters of the pictures as they were offered (RFC 3264, 6.1): webrtcbin does not repeat them.
    pub(super) fn complete(&self, answer: &str) -> String {
        let Some((payload, parameters)) =
            self.pictures.as_ref().and_then(|asked| Some((asked.payload, asked.parameters.as_ref()?)))
        else {
            return answer.to_owned();
        };
        let head = format!("a=fmtp:{payload} ");
        let line = |line: &str| match line.starts_with(&head) {
            true => format!("{head}{parameters}\r\n"),
            false => format!("{line}\r\n"),
        };
        // By UDP alone: it never makes anybody wait.
        let told = |line: &&str| !(line.starts_with("a=candidate:") && line.contains(" TCP "));
        answer.lines().filter(told).map(line).collect()
    }
}

const NONE: &str = "the body is no session description (SDP)";

/// Without addresses. The box sends nothing to where somebody names, and resolves no name: who watches comes to it.
fn unaddressed(text: &str) -> String {
    let told = |line: &&str| !line.starts_with("a=candidate:") && !line.starts_with("a=end-of-candidates");
    text.lines().filter(told).map(|line| format!("{line}\r\n")).collect()
}

/// What of a section is taken, if anything.
fn asked(place: u32, media: &gst_sdp::SDPMediaRef, profile: &str) -> Option<Asked> {
    let direction = ["sendonly", "sendrecv", "recvonly", "inactive"]
        .into_iter()
        .find(|direction| media.attributes().any(|attribute| attribute.key() == *direction));
    if matches!(direction, Some("sendonly" | "inactive")) || media.port() == 0 {
        return None;
    }
    let formats = media.formats().filter_map(|format| {
        let payload = format.parse::<u32>().ok()?;
        let caps = media.caps_from_media(i32::try_from(payload).ok()?)?;
        Some((strangeness(caps.structure(0)?, profile)?, payload))
    });
    let (_, payload) = formats.min_by_key(|(strangeness, _)| *strangeness)?;
    let head = format!("{payload} ");
    let parameters = media.attributes().filter(|attribute| attribute.key() == "fmtp");
    let parameters =
        parameters.filter_map(|attribute| attribute.value()?.strip_prefix(&head)).map(str::to_owned).next();
    Some(Asked { place, payload, parameters })
}

/// How far a format is from what is sent; none for one that is not sent at all.
///
/// Browsers decode every profile without B-frames whatever they write, so one that is less than the pictures' is better than
/// none: a receiver that cannot decode it says so by decoding nothing.
fn strangeness(format: &gst::StructureRef, profile: &str) -> Option<u32> {
    let text = |name: &str| format.get::<String>(name).unwrap_or_default();
    match text("encoding-name").to_ascii_uppercase().as_str() {
        "OPUS" => Some(0),
        "H264" if text("packetization-mode") == "1" => {
            // Where levels may differ (`level-asymmetry-allowed`), GStreamer names the profile in place of both.
            let written = text("profile-level-id").get(..2).and_then(|word| u32::from_str_radix(word, 16).ok());
            let (offered, sent) = (written.unwrap_or_else(|| number(&text("profile"))), number(profile));
            Some(if offered >= sent { offered - sent } else { 1000 + sent - offered })
        }
        _ => None,
    }
}

const BASELINE: u32 = 66;

/// `profile_idc` of a profile (H.264, A.2).
fn number(profile: &str) -> u32 {
    match profile {
        "main" => 77,
        "high" | "constrained-high" | "progressive-high" => 100,
        "high-4:4:4" | "high-4:4:4-intra" => 244,
        _ => BASELINE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=ice-ufrag:abcd\r\n\
        a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:sha-256 0F:0F\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\na=rtpmap:63 red/48000/2\r\n\
        a=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 102 104 108 116 41\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=recvonly\r\n\
        a=candidate:1 1 udp 1 victim.local 5000 typ host\r\na=rtpmap:96 VP8/90000\r\n\
        a=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1;profile-level-id=42001f\r\n\
        a=rtpmap:104 H264/90000\r\na=fmtp:104 packetization-mode=0;profile-level-id=4d001f\r\n\
        a=rtpmap:108 H264/90000\r\na=fmtp:108 packetization-mode=1;profile-level-id=42e01f\r\n\
        a=rtpmap:116 H264/90000\r\na=fmtp:116 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f\r\n\
        a=rtpmap:41 H264/90000\r\na=fmtp:41 packetization-mode=1;profile-level-id=f4001f\r\n";

    fn read(text: &str, profile: &str) -> Result<(u32, u32, Option<u32>), String> {
        gst::init().unwrap();
        let offer = Offer::read(text, profile)?;
        let pictures = offer.pictures.unwrap();
        Ok((pictures.place, pictures.payload, offer.sound.map(|sound| sound.payload)))
    }

    #[test]
    fn the_format_that_is_nearest_to_the_pictures_is_taken() {
        for (profile, payload) in [("constrained-baseline", 102), ("main", 116), ("high", 41)] {
            assert_eq!(read(OFFER, profile), Ok((1, payload, Some(111))), "{profile}");
        }
        let least = OFFER.replace("4d001f", "42e01f").replace("f4001f", "42e01f");
        assert_eq!(read(&least, "main"), Ok((1, 102, Some(111))), "better than none");
        let deaf = OFFER.replacen("a=recvonly", "a=inactive", 1);
        assert_eq!(read(&deaf, "main"), Ok((1, 116, None)));
    }

    #[test]
    fn the_box_learns_no_address_and_says_what_it_took() {
        gst::init().unwrap();
        let offer = Offer::read(OFFER, "main").unwrap();
        assert!(!offer.sdp.as_text().unwrap().contains("victim"), "it would send there");
        let answer = "v=0\r\na=fmtp:116 packetization-mode=1\r\na=fmtp:111 minptime=10\r\n\
                      a=candidate:1 1 UDP 7 192.0.2.2 36836 typ host\r\na=candidate:3 1 TCP 7 192.0.2.2 9 typ host\r\n";
        let said = "v=0\r\na=fmtp:116 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f\r\n\
                    a=fmtp:111 minptime=10\r\na=candidate:1 1 UDP 7 192.0.2.2 36836 typ host\r\n";
        assert_eq!(offer.complete(answer), said);
    }

    #[test]
    fn what_cannot_be_answered_is_refused() {
        for (text, why) in [
            (String::new(), "no session description"),
            ("hello".to_owned(), "no session description"),
            (OFFER.replace("H264", "H265"), "does not want to receive H.264"),
            (OFFER.replace("recvonly", "sendonly"), "does not want to receive H.264"),
            (OFFER.replace("a=ice-pwd", "a=ice-pw"), "no ice-pwd"),
            (OFFER.replace("a=fingerprint", "a=footprint"), "no fingerprint"),
            (format!("{OFFER}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"), "neither video nor audio"),
            (format!("{OFFER}m=video 9 UDP/TLS/RTP/SAVPF 102\r\n"), "more than one section"),
        ] {
            let refused = read(&text, "main").unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
