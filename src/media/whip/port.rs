//! Where encoded media enter a session: a session comes and goes, the port stays.

use std::sync::{Mutex, MutexGuard, PoisonError};

use gstreamer as gst;
use gstreamer_app as gst_app;
use tokio::sync::watch;

use crate::media::clock::HouseClock;
use crate::media::encode::AccessUnit;

/// Most that may wait in front of a session: a network that takes less than that is no real time any more.
const WAITING: gst::ClockTime = gst::ClockTime::from_mseconds(500);

/// The entrance of one session's pipeline.
#[derive(Debug, Clone)]
pub(super) struct Inlet {
    pub(super) source: gst_app::AppSrc,
    /// Its running time begins here, on GStreamer's clock.
    pub(super) base: u64,
}

/// Pictures or sound of one endpoint.
pub(super) struct Port {
    clock: HouseClock,
    state: Mutex<State>,
    caps: watch::Sender<Option<gst::Caps>>,
}

#[derive(Default)]
struct State {
    inlet: Option<Inlet>,
    /// A keyframe has been sent, and everything since.
    begun: bool,
    paused: bool,
    last: Option<u64>,
    /// Units that were not sent although they should have been.
    dropped: u64,
}

impl Port {
    pub(super) fn new(clock: HouseClock) -> Self {
        Self { clock, state: Mutex::default(), caps: watch::Sender::new(None) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Media go here from the next keyframe on.
    pub(super) fn open(&self, inlet: Inlet) {
        let mut state = self.state();
        (state.inlet, state.begun) = (Some(inlet), false);
    }

    /// Media go nowhere.
    pub(super) fn shut(&self) {
        self.state().inlet = None;
    }

    /// Nothing is sent for a while, or again from the next keyframe on.
    pub(super) fn pause(&self, paused: bool) {
        let mut state = self.state();
        (state.paused, state.begun) = (paused, false);
    }

    /// What the media are; waits until there are any.
    pub(super) async fn caps(&self) -> gst::Caps {
        let mut caps = self.caps.subscribe();
        loop {
            if let Some(caps) = caps.borrow_and_update().clone() {
                return caps;
            }
            // The sender is this port itself: it cannot be gone.
            let _ = caps.changed().await;
        }
    }

    /// Whether a session waits for a keyframe.
    pub(super) fn waits(&self) -> bool {
        let state = self.state();
        state.inlet.is_some() && !state.paused && !state.begun
    }

    /// Units that were left out because the session did not take them in time.
    pub(super) fn dropped(&self) -> u64 {
        self.state().dropped
    }

    /// Takes the next unit. Never blocks.
    pub(super) fn take(&self, unit: &AccessUnit) {
        let other = |caps: &mut Option<gst::Caps>| {
            let other = caps.as_ref() != Some(&unit.caps);
            if other {
                *caps = Some(unit.caps.clone());
            }
            other
        };
        self.caps.send_if_modified(other);
        let mut state = self.state();
        let gap = state.last.is_some_and(|last| unit.number != last + 1);
        state.last = Some(unit.number);
        if state.inlet.is_none() || state.paused {
            return;
        }
        // What refers to a picture that was not sent is of no use.
        if gap || !state.begun {
            if state.begun {
                state.dropped += 1;
            }
            state.begun = unit.key;
            if !unit.key {
                return;
            }
        }
        let Some(inlet) = state.inlet.as_ref().filter(|inlet| inlet.source.current_level_time() <= WAITING) else {
            state.dropped += 1;
            state.begun = false;
            return;
        };
        if !inlet.push(self.clock, unit) {
            state.inlet = None;
        }
    }
}

impl Inlet {
    /// Whether it was taken.
    fn push(&self, clock: HouseClock, unit: &AccessUnit) -> bool {
        let running = clock.monotonic_at(unit.pts).saturating_sub(self.base);
        let mut buffer = unit.buffer.copy();
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_nseconds(running));
            buffer.set_dts(gst::ClockTime::from_nseconds(running));
        }
        let sample = gst::Sample::builder().buffer(&buffer).caps(&unit.caps).build();
        self.source.push_sample(&sample).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gst::prelude::*;

    use super::*;
    use crate::model::RenditionId;

    fn unit(clock: HouseClock, number: u64, key: bool) -> AccessUnit {
        AccessUnit {
            rendition: RenditionId::new("v").unwrap(),
            number,
            pts: clock.now(),
            dts: None,
            duration: Duration::from_millis(40),
            key,
            caps: gst::Caps::new_empty_simple("video/x-h264"),
            buffer: gst::Buffer::from_slice([0u8; 4]),
        }
    }

    /// How many of the units a session gets.
    fn sent(units: &[(u64, bool)]) -> usize {
        crate::media::init().unwrap();
        let clock = HouseClock::start();
        let port = Port::new(clock);
        let source = gst_app::AppSrc::builder().format(gst::Format::Time).build();
        let sink = gst_app::AppSink::builder().sync(false).build();
        let pipeline = gst::Pipeline::new();
        pipeline.add_many([source.upcast_ref::<gst::Element>(), sink.upcast_ref()]).unwrap();
        source.link(&sink).unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        port.take(&unit(clock, 1, true));
        port.open(Inlet { source: source.clone(), base: clock.monotonic_at(clock.now()) });
        units.iter().for_each(|(number, key)| port.take(&unit(clock, *number, *key)));
        source.end_of_stream().unwrap();
        let sent = std::iter::from_fn(|| sink.try_pull_sample(gst::ClockTime::from_seconds(10))).count();
        pipeline.set_state(gst::State::Null).unwrap();
        sent
    }

    #[test]
    fn a_session_begins_with_a_keyframe_and_goes_on_with_one_behind_a_gap() {
        assert_eq!(sent(&[(2, false), (3, false)]), 0);
        assert_eq!(sent(&[(2, false), (3, true), (4, false)]), 2);
        assert_eq!(sent(&[(2, true), (3, false), (5, false), (6, false)]), 2);
        assert_eq!(sent(&[(2, true), (3, false), (5, false), (6, true), (7, false)]), 4);
    }
}
