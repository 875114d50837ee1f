//! Packets that the peer misses are sent again (RFC 4588), but not those of a cut: they would come seconds too late, and
//! so many at once that what is new could not get through beside them. Only the last ones are kept, for what is lost
//! between the line's return and the first sign of it: a receiver may wait seconds for a single packet.
//!
//! ```text
//! at work ──doubt──▶ at rest (a short history) ──the peer asks for something, or reports──▶ at work
//! ```

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use gst::prelude::*;
use gstreamer as gst;

/// What does it in webrtcbin, and how many packets it keeps.
pub(super) const ELEMENT: &str = "rtprtxsend";
const KEPT: &str = "max-size-packets";
/// Its least: none would mean all.
const LEAST: u32 = 1;

/// See the module's header.
pub(super) struct Repair {
    within: gst::glib::WeakRef<gst::Bin>,
    at_rest: AtomicBool,
    /// Packets that are kept otherwise; 0 until it was at rest.
    history: AtomicU32,
}

impl Repair {
    /// Of whatever does it in `bin`, at any depth, now or later.
    pub(super) fn new(bin: &gst::Bin) -> Self {
        Self { within: bin.downgrade(), at_rest: AtomicBool::new(false), history: AtomicU32::new(0) }
    }

    /// Until it is at work again, no more than the last packets of each stream can be sent again: so many of them.
    pub(super) fn rest(&self, packets: u32) {
        if self.at_rest.swap(true, Ordering::Relaxed) {
            return;
        }
        for element in self.elements() {
            self.history.store(element.property::<u32>(KEPT), Ordering::Relaxed);
            element.set_property(KEPT, packets.max(LEAST));
        }
    }

    /// At work again; whether it was at rest.
    pub(super) fn resume(&self) -> bool {
        let rested = self.at_rest.swap(false, Ordering::Relaxed);
        let history = self.history.load(Ordering::Relaxed);
        if rested && history != 0 {
            self.elements().iter().for_each(|element| element.set_property(KEPT, history));
        }
        rested
    }

    fn elements(&self) -> Vec<gst::Element> {
        let Some(bin) = self.within.upgrade() else { return Vec::new() };
        bin.iterate_all_by_element_factory_name(ELEMENT).into_iter().filter_map(Result::ok).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_is_not_sent_again_later() {
        crate::media::init().unwrap();
        let (outer, inner) = (gst::Bin::new(), gst::Bin::new());
        let sends = gst::ElementFactory::make(ELEMENT).property(KEPT, 300u32).build().unwrap();
        inner.add(&sends).unwrap();
        outer.add(&inner).unwrap();
        let repair = Repair::new(&outer);
        assert!(!repair.resume(), "it was at work");
        for _ in 0..2 {
            repair.rest(0);
            repair.rest(7);
            assert_eq!(sends.property::<u32>(KEPT), LEAST);
            assert!(repair.resume());
            assert_eq!(sends.property::<u32>(KEPT), 300);
        }
        repair.rest(7);
        assert_eq!(sends.property::<u32>(KEPT), 7);
        assert!(repair.resume());
        drop((outer, inner));
        repair.rest(7);
        assert!(repair.resume(), "although there is nothing any more");
    }
}
