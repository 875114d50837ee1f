//! RIST, simple profile (VSF TR-06-1), by `ristsink`.
//!
//! Its receiver answers with RTCP, to whoever sends it media. What was sent at the look before counts as acknowledged
//! when RTCP has come since.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gst::prelude::*;
use gstreamer as gst;

use super::carrier::{Broken, Progress};
use super::sink::Sink;
use super::stream::{Transport, peak};
use crate::media::init::element;
use crate::model::status::LinkFigures;
use crate::plan::{CarrierPlan, SendPlan};

/// How often the element is asked. Reports come every 100 ms at most.
const LOOK: Duration = Duration::from_millis(250);

/// One session.
pub(super) struct Rist {
    sink: Sink,
    element: gst::Element,
    looked: Option<Instant>,
    progress: Progress,
    sent_before: u64,
    /// RTCP packets that came, and how many had come at the last look.
    reports: Arc<AtomicU64>,
    reports_before: u64,
}

impl Rist {
    pub(super) fn open(plan: &SendPlan) -> Result<Self, Broken> {
        let CarrierPlan::Rist { host, port, buffer_ms, .. } = &plan.carrier else {
            return Err(Broken::ours("this plan is not for RIST"));
        };
        let ours = |error: crate::media::MediaError| Broken::ours(error.to_string());
        let payload = element("rtpmp2tpay", "payload").map_err(ours)?;
        // Seven packets and an RTP header.
        payload.set_property("mtu", 1328u32);
        let sink = element("ristsink", "rist").map_err(ours)?;
        sink.set_property("address", host.as_str());
        sink.set_property("port", u32::from(*port));
        sink.set_property("sender-buffer", *buffer_ms);
        let reports = reports(&sink).ok_or_else(|| Broken::ours("the RIST element is not built as expected"))?;
        let pipeline = Sink::open("send-rist", &[payload, sink.clone()], peak(plan), false)?;
        Ok(Self {
            sink: pipeline,
            element: sink,
            looked: None,
            progress: Progress { acknowledged: Some(0), ..Progress::default() },
            sent_before: 0,
            reports,
            reports_before: 0,
        })
    }

    fn look(&mut self) {
        let (reports, sent) = (self.reports.load(Ordering::Relaxed), self.sink.sent());
        if reports > self.reports_before {
            self.progress.acknowledged = Some(self.sent_before);
        }
        (self.reports_before, self.sent_before, self.progress.sent) = (reports, sent, sent);
        let Some(stats) = self.element.property::<Option<gst::Structure>>("stats") else { return };
        self.progress.link = LinkFigures {
            rtt_ms: round_trip(&stats),
            packets_retransmitted: stats.get::<u64>("sent-retransmitted-packets").ok(),
            ..LinkFigures::default()
        };
    }
}

impl Transport for Rist {
    fn send(&mut self, packets: &[u8]) -> Result<(), Broken> {
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

/// Counts the RTCP packets that come in.
fn reports(sink: &gst::Element) -> Option<Arc<AtomicU64>> {
    let bin = sink.downcast_ref::<gst::Bin>()?;
    let inlets = bin.iterate_all_by_element_factory_name("udpsrc").into_iter().flatten();
    let count = Arc::new(AtomicU64::new(0));
    let mut found = false;
    for inlet in inlets {
        let count = Arc::clone(&count);
        inlet.static_pad("src")?.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            count.fetch_add(1, Ordering::Relaxed);
            gst::PadProbeReturn::Ok
        });
        found = true;
    }
    found.then_some(count)
}

/// The longest of all sessions, milliseconds; none before one was measured.
#[allow(deprecated, reason = "the element's own type of list")]
fn round_trip(stats: &gst::Structure) -> Option<f64> {
    let sessions = stats.get::<gst::glib::ValueArray>("session-stats").ok()?;
    let nanos = |value: &gst::glib::Value| value.get::<gst::Structure>().ok()?.get::<u64>("round-trip-time").ok();
    sessions.iter().filter_map(nanos).filter(|nanos| *nanos > 0).max().map(|nanos| nanos as f64 / 1e6)
}
