//! Pictures or sound on their way into a session: what they are in RTP, and what of them has left.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_webrtc as gst_webrtc;

use super::layers;
use super::ledger::Ledger;
use super::port::Inlet;

/// Fits every path that carries IPv6 (1280 bytes) with all headers.
const PACKET: u32 = 1200;
/// Payload types.
pub(super) const VIDEO: u32 = 96;
const SOUND: u32 = 97;

/// A media section of the session, and the streams on their way into it.
pub(super) struct Track {
    streams: Vec<Stream>,
    caps: gst::Caps,
    video: bool,
    /// Its place among the sections, if the other end has offered them.
    place: Option<u32>,
}

/// One stream on its way into the session.
struct Stream {
    payloader: gst::Element,
    ssrc: u32,
    /// What bears the name of the section, if it is one of several.
    section: Option<gst::Element>,
}

/// The entrances of a media section, those of larger pictures first.
pub(super) struct Entrances {
    pub(super) inlets: Vec<Inlet>,
    streams: Vec<Stream>,
}

impl Entrances {
    /// The name of the section, which packets of several layers bear.
    pub(super) fn name_section(&self, name: &str) {
        self.streams.iter().filter_map(|stream| stream.section.as_ref()).for_each(|one| one.set_property("mid", name));
    }

    /// Packets say nothing of layers any more, before the first of them has left: the first stream is the only one.
    pub(super) fn alone(&self) {
        self.streams.iter().for_each(|stream| stream.payloader.emit_by_name::<()>("clear-extensions", &[]));
    }
}

impl Track {
    /// What encoders make, largest pictures first; several are layers of simulcast.
    pub(super) fn video(encoded: &[gst::Caps]) -> Result<Self, String> {
        let profile = encoded.first().and_then(profile_level_id).ok_or("the encoder has not told its profile")?;
        let names = layers::names(encoded.len());
        let count = encoded.len().min(names.len().max(1));
        let streams = (0..count).map(|place| h264(VIDEO, names.get(place).copied())).collect::<Result<Vec<_>, _>>()?;
        // Of the first one: whoever takes one layer only has this.
        let ssrc = streams[0].ssrc;
        let mut caps = h264_caps(VIDEO, ssrc);
        caps.make_mut().set("profile-level-id", profile);
        caps.make_mut().set("level-asymmetry-allowed", "1");
        layers::preferences(caps.make_mut(), names);
        Ok(Self { streams, caps, video: true, place: None })
    }

    pub(super) fn sound() -> Result<Self, String> {
        let stream = opus(SOUND)?;
        let mut caps = opus_caps(SOUND, stream.ssrc);
        caps.make_mut().set("sprop-stereo", "1");
        caps.make_mut().set("stereo", "1");
        Ok(Self { streams: vec![stream], caps, video: false, place: None })
    }

    /// Pictures for section number `place` of an offer, in the format that has the number `payload` there. Its profile
    /// stays out: webrtcbin would want the encoder to have exactly this one.
    pub(super) fn asked_video(place: u32, payload: u32) -> Result<Self, String> {
        let stream = h264(payload, None)?;
        let caps = h264_caps(payload, stream.ssrc);
        Ok(Self { streams: vec![stream], caps, video: true, place: Some(place) })
    }

    /// The same for sound.
    pub(super) fn asked_sound(place: u32, payload: u32) -> Result<Self, String> {
        let stream = opus(payload)?;
        let caps = opus_caps(payload, stream.ssrc);
        Ok(Self { streams: vec![stream], caps, video: false, place: Some(place) })
    }

    /// appsrc → payloader → webrtcbin; layers meet in front of it.
    pub(super) fn build(
        self,
        pipeline: &gst::Pipeline,
        webrtc: &gst::Element,
        ledger: &Arc<Mutex<Ledger>>,
        base: u64,
    ) -> Result<Entrances, gst::glib::BoolError> {
        let missing = || gst::glib::bool_error!("a pad is missing");
        let link = |from: &gst::Pad, to: &gst::Pad| {
            from.link(to).map(|_| ()).map_err(|error| gst::glib::bool_error!("cannot link: {error:?}"))
        };
        let to = self.place.map_or_else(|| "sink_%u".to_owned(), |place| format!("sink_{place}"));
        let to = webrtc.request_pad_simple(&to).ok_or_else(missing)?;
        let funnel = match self.streams.len() {
            1 => None,
            _ => {
                let funnel = gst::ElementFactory::make("rtpfunnel").build()?;
                pipeline.add(&funnel)?;
                link(&funnel.static_pad("src").ok_or_else(missing)?, &to)?;
                Some(funnel)
            }
        };
        let mut inlets = Vec::new();
        for stream in &self.streams {
            let source = gst_app::AppSrc::builder()
                .format(gst::Format::Time)
                .is_live(true)
                .block(false)
                .max_bytes(0)
                .max_buffers(0)
                .build();
            pipeline.add_many([source.upcast_ref(), &stream.payloader])?;
            source.link(&stream.payloader)?;
            let from = stream.payloader.static_pad("src").ok_or_else(missing)?;
            count(&from, ledger, stream.ssrc, self.video);
            match &funnel {
                None => link(&from, &to)?,
                Some(funnel) => link(&from, &funnel.request_pad_simple("sink_%u").ok_or_else(missing)?)?,
            }
            inlets.push(Inlet { source, base });
        }
        let transceiver = to.property::<gst_webrtc::WebRTCRTPTransceiver>("transceiver");
        transceiver.set_property("direction", gst_webrtc::WebRTCRTPTransceiverDirection::Sendonly);
        transceiver.set_property("codec-preferences", &self.caps);
        if self.video {
            // Lost packets are sent again when they are asked for.
            transceiver.set_property("do-nack", true);
        }
        Ok(Entrances { inlets, streams: self.streams })
    }
}

/// H.264 in RTP, as a layer of this name if it is one of several.
fn h264(payload: u32, layer: Option<&str>) -> Result<Stream, String> {
    let ssrc = fastrand::u32(1..);
    let payloader = gst::ElementFactory::make("rtph264pay")
        .property("pt", payload)
        .property("ssrc", ssrc)
        .property("mtu", if layer.is_some() { PACKET - layers::OVERHEAD } else { PACKET })
        // Parameter sets with every keyframe: who joins can begin there.
        .property("config-interval", -1i32)
        .property_from_str("aggregate-mode", "zero-latency")
        .build()
        .map_err(|error| error.to_string())?;
    let section = layer.map(|name| layers::mark(&payloader, name)).transpose()?;
    Ok(Stream { payloader, ssrc, section })
}

fn h264_caps(payload: u32, ssrc: u32) -> gst::Caps {
    gst::Caps::builder("application/x-rtp")
        .field("media", "video")
        .field("encoding-name", "H264")
        .field("payload", payload as i32)
        .field("clock-rate", 90_000i32)
        .field("packetization-mode", "1")
        .field("rtcp-fb-nack", true)
        .field("rtcp-fb-nack-pli", true)
        .field("rtcp-fb-ccm-fir", true)
        .field("ssrc", ssrc)
        .build()
}

/// Opus in RTP.
fn opus(payload: u32) -> Result<Stream, String> {
    let ssrc = fastrand::u32(1..);
    let payloader = gst::ElementFactory::make("rtpopuspay")
        .property("pt", payload)
        .property("ssrc", ssrc)
        .property("mtu", PACKET)
        .build()
        .map_err(|error| error.to_string())?;
    Ok(Stream { payloader, ssrc, section: None })
}

fn opus_caps(payload: u32, ssrc: u32) -> gst::Caps {
    gst::Caps::builder("application/x-rtp")
        .field("media", "audio")
        .field("encoding-name", "OPUS")
        .field("payload", payload as i32)
        .field("clock-rate", 48_000i32)
        .field("encoding-params", "2")
        .field("ssrc", ssrc)
        .build()
}

/// The H.264 profile and level, as RFC 6184 (8.1) writes them, of the parameter sets in `caps`.
fn profile_level_id(caps: &gst::Caps) -> Option<String> {
    let data = caps.structure(0)?.get::<gst::Buffer>("codec_data").ok()?;
    let data = data.map_readable().ok()?;
    let [_, profile, constraints, level, ..] = *data.as_slice() else { return None };
    Some(format!("{profile:02x}{constraints:02x}{level:02x}"))
}

/// Counts what leaves, for comparison with what the peer reports, and numbers it as the ledger wants.
fn count(pad: &gst::Pad, ledger: &Arc<Mutex<Ledger>>, ssrc: u32, repeats: bool) {
    let stream = {
        let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.add(ssrc, repeats)
    };
    let ledger = Arc::clone(ledger);
    let types = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
    // The lock is this session's own: only its reports, a few times a second, want it as well.
    pad.add_probe(types, move |_, info| {
        let (mut ledger, now) = (ledger.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        let mut one = |buffer: &mut gst::Buffer| {
            let mut head = [0u8; 4];
            if buffer.copy_to_slice(0, &mut head).is_err() {
                return;
            }
            let own = u16::from_be_bytes([head[2], head[3]]);
            let number = ledger.sent(stream, own, buffer.size() as u64, now);
            if number != own {
                // It holds four bytes at least.
                let _ = buffer.make_mut().copy_from_slice(2, &number.to_be_bytes());
            }
        };
        match &mut info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => one(buffer),
            Some(gst::PadProbeData::BufferList(list)) => list.make_mut().foreach_mut(|mut buffer, _| {
                one(&mut buffer);
                ControlFlow::Continue(Some(buffer))
            }),
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(number: u16) -> gst::Buffer {
        let [high, low] = number.to_be_bytes();
        gst::Buffer::from_slice([0x80, 96, high, low, 0, 0, 0, 0, 0, 0, 0, 7, 1, 2, 3])
    }

    #[test]
    fn packets_bear_the_numbers_of_the_ledger() {
        crate::media::init().unwrap();
        let source = gst_app::AppSrc::builder().format(gst::Format::Time).build();
        let sink = gst_app::AppSink::builder().sync(false).build();
        let pipeline = gst::Pipeline::new();
        pipeline.add_many([source.upcast_ref::<gst::Element>(), sink.upcast_ref()]).unwrap();
        source.link(&sink).unwrap();
        let ledger = Arc::default();
        count(&source.static_pad("src").unwrap(), &ledger, 7, true);
        pipeline.set_state(gst::State::Playing).unwrap();
        let number = || {
            let sample = sink.try_pull_sample(gst::ClockTime::from_seconds(30)).unwrap();
            let mut bytes = [0u8; 15];
            sample.buffer().unwrap().copy_to_slice(0, &mut bytes).unwrap();
            assert_eq!((&bytes[..2], &bytes[4..]), (&[0x80, 96][..], &[0, 0, 0, 0, 0, 0, 0, 7, 1, 2, 3][..]));
            u16::from_be_bytes([bytes[2], bytes[3]])
        };
        source.push_buffer(packet(1)).unwrap();
        assert_eq!(number(), 1);
        ledger.lock().unwrap().leap();
        let kept = packet(2);
        source.push_buffer(kept.clone()).unwrap();
        let leapt = number();
        assert!(leapt > 600, "{leapt}");
        let mut list = gst::BufferList::new();
        [3, 4].into_iter().for_each(|own| list.get_mut().unwrap().add(packet(own)));
        source.push_buffer_list(list).unwrap();
        assert_eq!((number(), number()), (leapt + 1, leapt + 2));
        assert_eq!(kept.map_readable().unwrap()[3], 2, "what others hold is left alone");
        assert_eq!(ledger.lock().unwrap().figures().sent, 60);
        pipeline.set_state(gst::State::Null).unwrap();
    }
}
