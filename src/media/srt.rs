//! What the SRT library tells of its connections: the same words of what is sent and of what arrives.

use gst::prelude::*;
use gstreamer as gst;

use crate::model::status::LinkFigures;

/// The connections of an element: one, or those of everybody who has called it.
pub(super) struct Links(Vec<gst::Structure>);

impl Links {
    /// None if the element does not tell.
    pub(super) fn of(element: &gst::Element, listens: bool) -> Option<Self> {
        let stats = element.property::<Option<gst::Structure>>("stats")?;
        Some(Self(if listens { callers(&stats) } else { vec![stats] }))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Of all of them.
    pub(super) fn sum(&self, name: &str) -> i64 {
        self.0.iter().map(|link| whole(link, name)).sum()
    }

    /// The same, where that is no less than nothing.
    pub(super) fn counted(&self, name: &str) -> Option<u64> {
        u64::try_from(self.sum(name)).ok()
    }

    /// What they say of the way, whichever way media goes; of several, the worst.
    pub(super) fn way(&self) -> LinkFigures {
        let each = |name: &'static str| self.0.iter().filter_map(move |link| link.get::<f64>(name).ok());
        let latencies = self.0.iter().map(|link| whole(link, "negotiated-latency-ms") as f64).filter(|ms| *ms > 0.0);
        let megabits = each("bandwidth-mbps").filter(|rate| *rate > 0.0);
        LinkFigures {
            rtt_ms: each("rtt-ms").reduce(f64::max),
            latency_ms: latencies.reduce(f64::min),
            bandwidth_bps: megabits.reduce(f64::min).map(|rate| (rate * 1e6) as u64),
            ..LinkFigures::default()
        }
    }
}

#[allow(deprecated, reason = "the element's own type of list")]
fn callers(stats: &gst::Structure) -> Vec<gst::Structure> {
    let list = stats.get::<gst::glib::ValueArray>("callers").ok();
    list.map_or_else(Vec::new, |list| list.iter().filter_map(|value| value.get::<gst::Structure>().ok()).collect())
}

/// A number of whatever width.
fn whole(link: &gst::StructureRef, name: &str) -> i64 {
    let Ok(value) = link.value(name) else { return 0 };
    let wide = || value.get::<u64>().ok().and_then(|number| i64::try_from(number).ok());
    value.get::<i64>().ok().or_else(|| value.get::<i32>().ok().map(i64::from)).or_else(wide).unwrap_or(0)
}
