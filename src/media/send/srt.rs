//! SRT, as caller or listener, by `srtsink`.
//!
//! The element is given something to send at once: only then it says why a handshake failed. Bytes count as
//! acknowledged when acknowledgements have come for what was sent at the look before; an acknowledgement comes every
//! 10 ms.

use std::time::{Duration, Instant};

use gst::prelude::*;
use gstreamer as gst;

use super::carrier::{Broken, Progress};
use super::sink::Sink;
use super::stream::{Transport, peak};
use super::ts::null_packet;
use crate::media::init::element;
use crate::media::srt::Links;
use crate::model::Secret;
use crate::model::status::LinkFigures;
use crate::plan::{CarrierPlan, SendPlan, SrtMode};

/// How much faster than the average a keyframe may leave.
const BURST: u64 = 6;
/// How often the library is asked.
const LOOK: Duration = Duration::from_millis(100);

/// One connection, or one open port.
pub(super) struct Srt {
    sink: Sink,
    element: gst::Element,
    listens: bool,
    looked: Option<Instant>,
    progress: Progress,
    /// Acknowledgements that had come at the last look, and what had been sent.
    acknowledgements: i64,
    sent_before: u64,
    /// Callers that came and went: their figures are gone with them.
    callers: usize,
}

impl Srt {
    pub(super) fn open(plan: &SendPlan) -> Result<Self, Broken> {
        let CarrierPlan::Srt { mode, host, port, latency_ms, passphrase, key_length, stream_id, .. } = &plan.carrier
        else {
            return Err(Broken::ours("this plan is not for SRT"));
        };
        let listens = *mode == SrtMode::Listener;
        let sink = element("srtsink", "srt").map_err(|error| Broken::ours(error.to_string()))?;
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let role = if listens { "listener" } else { "caller" };
        sink.set_property("uri", format!("srt://{bracketed}:{port}?mode={role}&{}", bandwidth(plan)));
        sink.set_property("latency", i32::try_from(*latency_ms).unwrap_or(i32::MAX));
        if let Some(passphrase) = passphrase {
            sink.set_property("passphrase", passphrase.reveal());
            sink.set_property_from_str("pbkeylen", &key_length.to_string());
        }
        match stream_id {
            Some(id) if listens => demand(&sink, id.clone()),
            Some(id) => sink.set_property("streamid", id),
            None => {}
        }
        sink.set_property("wait-for-connection", !listens);
        for (name, value) in [("auto-reconnect", false), ("async", false), ("sync", false)] {
            // The first is not there before GStreamer 1.22.
            if sink.has_property(name) {
                sink.set_property(name, value);
            }
        }
        let pipeline = Sink::open("send-srt", std::slice::from_ref(&sink), peak(plan), passphrase.is_some())?;
        let mut srt = Self {
            sink: pipeline,
            element: sink,
            listens,
            looked: None,
            progress: Progress::default(),
            acknowledgements: 0,
            sent_before: 0,
            callers: 0,
        };
        if !listens {
            srt.sink.push(&null_packet())?;
        }
        Ok(srt)
    }

    fn look(&mut self) {
        let Some(links) = Links::of(&self.element, self.listens) else { return };
        let acknowledgements = links.sum("packet-ack-received");
        let sent = self.sink.sent();
        let fresh = acknowledgements > self.acknowledgements;
        if links.count() != self.callers {
            // Sums of others: nothing can be said of the difference.
            self.callers = links.count();
        } else if fresh {
            self.progress.acknowledged = Some(self.progress.acknowledged.unwrap_or(0).max(self.sent_before));
        }
        self.acknowledgements = acknowledgements;
        self.sent_before = sent;
        self.progress.acknowledged.get_or_insert(0);
        self.progress.sent = sent;
        self.progress.heard = self.listens.then_some(links.count() > 0);
        self.progress.link = LinkFigures {
            packets_lost: links.counted("packets-sent-lost"),
            packets_retransmitted: links.counted("packets-retransmitted"),
            packets_dropped: links.counted("packets-sent-dropped"),
            callers: self.listens.then_some(links.count() as u32),
            ..links.way()
        };
    }
}

impl Transport for Srt {
    fn send(&mut self, packets: &[u8]) -> Result<(), Broken> {
        // The element cuts it to the protocol's payload: seven packets.
        self.sink.push(packets)
    }

    fn is_full(&self) -> bool {
        self.sink.is_full()
    }

    fn progress(&mut self, now: Instant) -> Result<Progress, Broken> {
        self.sink.check()?;
        if self.looked.is_none_or(|looked| now.saturating_duration_since(looked) >= LOOK) {
            self.looked = Some(now);
            self.look();
        }
        Ok(self.progress.clone())
    }

    fn close(self: Box<Self>, bound: Duration) {
        self.sink.close(bound);
    }
}

/// In bytes per second, and only to be given in the address. Keyframes leave as they are made: a limit near the average
/// would hold them back beyond the latency.
fn bandwidth(plan: &SendPlan) -> String {
    let CarrierPlan::Srt { overhead_percent, max_bandwidth, ts, .. } = &plan.carrier else { return String::new() };
    match (max_bandwidth, ts.bitrate) {
        (Some(most), _) => format!("maxbw={}", most.bps() / 8),
        (None, Some(rate)) => format!("maxbw=0&inputbw={}&oheadbw={overhead_percent}", rate.bps() / 8),
        (None, None) => format!("maxbw={}", peak(plan).bps() * BURST / 8 * (100 + u64::from(*overhead_percent)) / 100),
    }
}

/// Refuses callers that do not send this stream id.
fn demand(sink: &gst::Element, id: String) {
    let id = Secret::new(id);
    sink.set_property("authentication", true);
    sink.connect("caller-connecting", false, move |values| {
        let theirs = values.get(2).and_then(|value| value.get::<Option<String>>().ok()).flatten();
        Some((theirs.as_deref() == Some(id.reveal())).to_value())
    });
}
