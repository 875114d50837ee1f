//! Simulcast (RFC 8853): one media section with several sizes of the same pictures, told apart by a header extension (RFC
//! 8852). What is offered, and what of it an answer takes.

use std::ptr::NonNull;

use gst::prelude::*;
use gstreamer as gst;

use crate::system::number_header_extension;

/// Layers by their number, largest first, as servers are used to them.
const NAMES: [&[&str]; 4] = [&[], &[], &["h", "l"], &["h", "m", "l"]];

/// A header extension: its number and its name in session descriptions.
type Extension = (u8, &'static str);
const MID: Extension = (1, "urn:ietf:params:rtp-hdrext:sdes:mid");
const RID: Extension = (2, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id");
/// In place of the one before on what is sent again.
const REPAIRED: Extension = (3, "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id");

/// What they take in front of a packet: four bytes, `video0` and a letter with a byte each in front, up to a word; and two
/// for the number of a packet that is sent again.
pub(super) const OVERHEAD: u32 = 18;

/// Names of so many layers; none if that is no simulcast.
pub(super) fn names(count: usize) -> &'static [&'static str] {
    NAMES.get(count).copied().unwrap_or_default()
}

/// What a section has to say of its layers, so that webrtcbin offers them.
pub(super) fn preferences(caps: &mut gst::CapsRef, names: &[&str]) {
    let Some(section) = caps.structure_mut(0).filter(|_| !names.is_empty()) else { return };
    section.set("a-simulcast", format!("send {}", names.join(";")));
    names.iter().for_each(|name| section.set(format!("rid-{name}"), "send"));
    for (number, uri) in [MID, RID, REPAIRED] {
        section.set(format!("extmap-{number}"), uri);
    }
}

/// The packets of a payloader say that they are this layer's; the result learns the name of their section.
pub(super) fn mark(payloader: &gst::Element, name: &str) -> Result<gst::Element, String> {
    let section = extension("rtphdrextmid", MID)?;
    let layer = extension("rtphdrextstreamid", RID)?;
    layer.set_property("rid", name);
    for extension in [&section, &layer] {
        payloader.emit_by_name::<()>("add-extension", &[extension]);
    }
    Ok(section)
}

/// What is sent again says whose it is, too: otherwise it would be taken for the layer itself.
pub(super) fn mark_repairs(sender: &gst::Element) -> Result<(), String> {
    for extension in [extension("rtphdrextstreamid", RID)?, extension("rtphdrextrepairedstreamid", REPAIRED)?] {
        sender.emit_by_name::<()>("add-extension", &[&extension]);
    }
    Ok(())
}

fn extension(element: &str, (number, _): Extension) -> Result<gst::Element, String> {
    let missing = || format!("{element} cannot be had: install gstreamer1.0-plugins-good");
    let extension = gst::ElementFactory::make(element).build().map_err(|_| missing())?;
    let numbered = NonNull::new(extension.as_ptr().cast()).is_some_and(|at| number_header_extension(at, number));
    numbered.then_some(extension).ok_or_else(missing)
}

/// Which of the layers an answer takes, by their place among `names`; why none of them, as a part of a sentence.
pub(super) fn taken(answer: &str, names: &[&str]) -> Result<Vec<usize>, &'static str> {
    let section: Vec<&str> = section(answer, "m=video ");
    let wanted = section.iter().find_map(|line| received(line.strip_prefix("a=simulcast:")?));
    let wanted = wanted.ok_or("it does not do simulcast (RFC 8853)")?;
    // Of alternatives the first that there is.
    let place = |layer: &str| {
        let mut alternatives = layer.split(',').map(|name| name.trim_start_matches('~'));
        alternatives.find_map(|name| names.iter().position(|own| *own == name))
    };
    let mut taken: Vec<usize> = wanted.split(';').filter_map(place).collect();
    taken.sort_unstable();
    taken.dedup();
    if taken.is_empty() {
        return Err("its answer names none of the layers");
    }
    let has = |(number, uri): Extension| section.iter().any(|line| extmap(line) == Some((number, uri)));
    if [MID, RID, REPAIRED].into_iter().all(has) {
        return Ok(taken);
    }
    Err("it does not take the header extensions that tell layers apart (RFC 8852)")
}

/// The name of the first section of this kind.
pub(super) fn section_name(description: &str) -> Option<String> {
    section(description, "m=video ").iter().find_map(|line| line.strip_prefix("a=mid:")).map(str::to_owned)
}

/// The lines of the first section that begins so.
fn section<'a>(description: &'a str, kind: &str) -> Vec<&'a str> {
    let mut lines = description.lines().map(str::trim_end).skip_while(|line| !line.starts_with(kind));
    lines.next();
    lines.take_while(|line| !line.starts_with("m=")).collect()
}

/// The list behind `recv`.
fn received(attribute: &str) -> Option<&str> {
    let mut words = attribute.split_ascii_whitespace();
    words.find(|word| *word == "recv")?;
    let list = words.next()?;
    // As drafts of the RFC had it.
    Some(list.strip_prefix("rid=").unwrap_or(list))
}

/// Number and name of an extension, which may bear a direction.
fn extmap(line: &str) -> Option<(u8, &str)> {
    let mut words = line.strip_prefix("a=extmap:")?.split_ascii_whitespace();
    let number = words.next()?.split('/').next()?.parse().ok()?;
    Some((number, words.next()?))
}

#[cfg(test)]
mod tests {
    use super::super::peer::{Notes, Peer, Wanted};
    use super::*;

    /// As Janus 1.1 answers (behind simple-whip-server), without addresses.
    const JANUS: &str = "v=0\r\no=- 1795286462461025 1 IN IP4 192.0.2.2\r\ns=VideoRoom 1234\r\nt=0 0\r\n\
        a=group:BUNDLE video0 audio1\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS *\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 192.0.2.2\r\na=recvonly\r\na=mid:video0\r\na=rtcp-mux\r\n\
        a=setup:active\r\na=rtpmap:96 H264/90000\r\na=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 nack\r\n\
        a=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 goog-remb\r\na=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
        a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
        a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n\
        a=fmtp:96 packetization-mode=1;profile-level-id=42c00c;level-asymmetry-allowed=1\r\n\
        a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=ssrc:2778332554 cname:janus\r\n\
        a=rid:h recv\r\na=rid:l recv\r\na=simulcast:recv h;l\r\na=end-of-candidates\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 98\r\na=recvonly\r\na=mid:audio1\r\n";

    /// As aiortc 1.5 answers, without addresses and keys.
    const AIORTC: &str = "v=0\r\no=- 3973028372 3973028372 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n\
        a=group:BUNDLE video0 audio1\r\na=msid-semantic:WMS *\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n\
        c=IN IP4 192.0.2.2\r\na=recvonly\r\na=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=mid:video0\r\n\
        a=msid:a b\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=ssrc:1 cname:x\r\na=rtpmap:96 H264/90000\r\n\
        a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 goog-remb\r\n\
        a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42c00c\r\n\
        a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=setup:active\r\n";

    #[test]
    fn an_answer_says_which_layers_are_wanted() {
        let answer = |list: &str| JANUS.replace("recv h;l\r\n", list);
        for (list, layers) in [
            ("recv h;l\r\n", &[0, 2][..]),
            ("recv h;m;l\r\n", &[0, 1, 2]),
            ("send 1 recv l\r\n", &[2]),
            ("recv h,m;~l\r\n", &[0, 2]),
            (" recv rid=l;m\r\n", &[1, 2]),
            ("recv h;x;h\r\n", &[0]),
        ] {
            assert_eq!(taken(&answer(list), names(3)), Ok(layers.to_vec()), "{list}");
        }
        assert_eq!(taken(JANUS, names(2)), Ok(vec![0, 1]));
    }

    #[test]
    fn an_answer_without_simulcast_takes_one_layer_and_says_why() {
        assert_eq!(taken(AIORTC, names(3)).unwrap_err(), "it does not do simulcast (RFC 8853)");
        let none = JANUS.replace("recv h;l", "send h;l");
        assert_eq!(taken(&none, names(2)).unwrap_err(), "it does not do simulcast (RFC 8853)");
        assert_eq!(
            taken(&JANUS.replace("recv h;l", "recv x"), names(2)).unwrap_err(),
            "its answer names none of the layers"
        );
        for lost in ["extmap:1 ", "extmap:2 ", "extmap:3 "] {
            let why = taken(&JANUS.replace(lost, "extmap:9 "), names(2)).unwrap_err();
            assert!(why.contains("RFC 8852"), "{lost}: {why}");
        }
        let directed = JANUS.replace("extmap:2 ", "extmap:2/recvonly ");
        assert_eq!(taken(&directed, names(2)), Ok(vec![0, 1]));
    }

    /// What webrtcbin makes of it.
    #[test]
    fn an_offer_names_the_layers_and_the_number_of_the_first() {
        crate::media::init().unwrap();
        let h264 = |level: u8| -> gst::Caps {
            let text =
                format!("video/x-h264, stream-format=avc, alignment=au, codec_data=(buffer)0142c0{level:02x}ffe1");
            text.parse().unwrap()
        };
        let offer = |video: &[gst::Caps]| {
            let (queue, _notes) = tokio::sync::mpsc::channel(1024);
            let (servers, clock) = (crate::model::IceServers::default(), crate::media::clock::HouseClock::start());
            let wanted = Wanted { name: "layers".into(), video: video.to_vec(), sound: true, servers, clock };
            // On a box that is busy, webrtcbin takes longer for its keys than its promises may.
            let mut offers = (0..10).map(|_| Peer::build(&wanted, Notes { life: 0, queue: queue.clone() })?.offer());
            offers.find_map(Result::ok).expect("an offer")
        };
        let several = offer(&[h264(31), h264(22), h264(12)]);
        assert!(several.contains("profile-level-id=42c01f"), "{several}");
        for line in ["a=simulcast:send h;m;l", "a=rid:h send", "a=rid:m send", "a=rid:l send"] {
            assert_eq!(several.lines().filter(|own| *own == line).count(), 1, "{line}: {several}");
        }
        let video = section(&several, "m=video ");
        for (number, uri) in [MID, RID, REPAIRED] {
            assert!(video.iter().any(|line| extmap(line) == Some((number, uri))), "{uri}: {several}");
        }
        assert!(video.iter().any(|line| line.starts_with("a=ssrc:")), "{several}");
        let one = offer(&[h264(31)]);
        assert!(!["a=simulcast", "a=rid", "a=extmap"].iter().any(|word| one.contains(word)), "{one}");
    }

    #[test]
    fn sections_have_names() {
        assert_eq!(section_name(JANUS).as_deref(), Some("video0"));
        assert_eq!(section_name("v=0\r\nm=audio 9\r\na=mid:x\r\n"), None);
    }
}
