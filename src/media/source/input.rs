//! Asks the driver of a capture device what it sees at its input, beside the pipeline that captures from it. A DeckLink
//! card has no driver that could be asked: its element says it, see [`super::decklink`].
//!
//! ```text
//! absent ──plugged in──▶ asked every 200 ms ──▶ no signal, unstable, mismatch, locked
//!    ▲                          │
//!    └───── device is gone ─────┘
//! ```
//!
//! What a card delivers while it has no signal (bars, noise, the last picture) is a good picture as far as anybody can see
//! from the picture. The driver is asked in a thread and by a descriptor of its own: one that hangs keeps nobody.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::status::Condition;
use crate::hardware::find;
use crate::model::status::SourceState;
use crate::model::{DeviceName, InputState};
use crate::plan::{SourceKind, SourcePlan};
use crate::system::{SignalFormat, VideoInput, VideoSignal};

/// Between two questions, and between two looks for a device that is not there.
const ASK: Duration = Duration::from_millis(200);
/// Formats are told apart by more than this share of their rate: some cards measure it.
const RATE_PER_MILLE: u64 = 3;

/// What the driver sees.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// What the card delivers is not the sender's.
    dark: AtomicBool,
    /// How often device or signal came (back).
    arrivals: AtomicU64,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    format: Option<SignalFormat>,
    reason: String,
}

impl Input {
    /// Begins to ask about the device of `plan`, if it has one, until `stop`.
    pub(super) fn watch(plan: &SourcePlan, condition: &Arc<Condition>, stop: &Arc<AtomicBool>) -> Option<Arc<Self>> {
        let input = Arc::new(Self::default());
        let device = match &plan.kind {
            SourceKind::V4l2 { device, .. } => device,
            SourceKind::DeckLink { .. } => return Some(input),
            _ => return None,
        };
        let (mine, name) = (Arc::clone(&input), device.clone());
        let (condition, stop) = (Arc::clone(condition), Arc::clone(stop));
        let asking = move || {
            while !stop.load(Ordering::Relaxed) {
                mine.visit(&name, &condition, &stop);
                std::thread::sleep(ASK);
            }
        };
        let thread = std::thread::Builder::new().name(format!("input {}", plan.id)).spawn(asking);
        thread.is_ok().then_some(input)
    }

    /// Whether what is delivered is not the sender's.
    pub(super) fn is_dark(&self) -> bool {
        self.dark.load(Ordering::Relaxed)
    }

    /// Why it is dark; none if it is not.
    pub(super) fn darkness(&self) -> Option<String> {
        self.is_dark().then(|| self.seen().reason.clone())
    }

    /// Grows when the device or the signal is there (again).
    pub(super) fn arrivals(&self) -> u64 {
        self.arrivals.load(Ordering::Relaxed)
    }

    /// The format of the sender, if the driver knows it.
    pub(super) fn sent(&self) -> Option<SignalFormat> {
        self.seen().format
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks a device for as long as it is there.
    fn visit(&self, name: &DeviceName, condition: &Condition, stop: &AtomicBool) {
        let found = match find(Path::new("/"), name) {
            Ok(found) => found,
            Err(error) => return self.absent(condition, &error.to_string()),
        };
        // udev may not have given it to our group yet.
        let Ok(device) = VideoInput::open(Path::new(&found.kernel)) else { return };
        self.arrivals.fetch_add(1, Ordering::Relaxed);
        while !stop.load(Ordering::Relaxed) {
            let Ok(signal) = device.signal() else { break };
            self.told(signal, &found.kernel, condition);
            std::thread::sleep(ASK);
        }
    }

    /// Nothing is known of a card that is about to be opened.
    pub(super) fn forget(&self) {
        self.dark.store(false, Ordering::Relaxed);
    }

    /// What the element of a card said.
    pub(super) fn card_says(&self, dark: bool, reason: &str) {
        self.note(dark, None, reason);
    }

    /// There is no such device.
    pub(super) fn absent(&self, condition: &Condition, reason: &str) {
        self.note(true, None, reason);
        condition.input(InputState::Absent, None, reason, None);
    }

    /// What the driver said.
    fn told(&self, signal: VideoSignal, kernel: &str, condition: &Condition) {
        let delivers = condition.state() == SourceState::Delivering;
        let text = |format: Option<SignalFormat>| format.map(|format| format.to_string());
        let (state, format, reason) = match signal {
            VideoSignal::Nothing => (InputState::NoSignal, None, "no signal at the input"),
            VideoSignal::Unlocked => (InputState::Unstable, None, "the device cannot lock to the signal at its input"),
            VideoSignal::OutOfRange => (InputState::Mismatch, None, "the signal is in a format the device cannot read"),
            VideoSignal::Locked(format) if condition.wrong_format() == Some(true) => {
                (InputState::Mismatch, text(format), "the picture is not in the expected format")
            }
            VideoSignal::Locked(format) => (InputState::Locked, text(format), "the device reads the signal"),
            VideoSignal::Untold if delivers && condition.wrong_format() == Some(true) => {
                (InputState::Mismatch, condition.arriving(), "the picture is not in the expected format")
            }
            VideoSignal::Untold if delivers => (InputState::Locked, condition.arriving(), "pictures arrive"),
            VideoSignal::Untold => (InputState::NoSignal, None, "no pictures arrive; the device does not say why"),
        };
        let dark = matches!(signal, VideoSignal::Nothing | VideoSignal::Unlocked | VideoSignal::OutOfRange);
        let sent = if let VideoSignal::Locked(format) = signal { format } else { None };
        self.note(dark, sent, reason);
        condition.input(state, format, reason, Some(kernel));
    }

    fn note(&self, dark: bool, format: Option<SignalFormat>, reason: &str) {
        *self.seen() = Seen { format, reason: reason.to_owned() };
        if self.dark.swap(dark, Ordering::Relaxed) && !dark {
            self.arrivals.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Sets the device to its sender's format. Says which that is; none if the driver does not know.
pub(super) fn follow_sender(kernel: &Path) -> Option<SignalFormat> {
    let device = VideoInput::open(kernel).ok()?;
    let VideoSignal::Locked(Some(format)) = device.signal().ok()? else { return None };
    match device.follow_sender() {
        Ok(true) => tracing::info!(device = %kernel.display(), %format, "set to the format of its sender"),
        Ok(false) => {}
        Err(error) => tracing::warn!(device = %kernel.display(), %format, %error, "stays in another format"),
    }
    Some(format)
}

/// Whether a device that was opened for `opened` must be opened anew for `sent`.
pub(super) fn has_changed(opened: Option<SignalFormat>, sent: SignalFormat) -> bool {
    let Some(opened) = opened else { return true };
    let shape = |format: SignalFormat| (format.width, format.height, format.interlaced);
    let apart = opened.millihertz.abs_diff(sent.millihertz) * 1000 > opened.millihertz * RATE_PER_MILLE;
    shape(opened) != shape(sent) || apart
}

/// An open capture device.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Opened {
    /// What its sender sent when it was opened, if the driver knows.
    pub(super) format: Option<SignalFormat>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_has_changed_when_size_scan_or_rate_have() {
        let format = |width, interlaced, millihertz| SignalFormat { width, height: 1080, interlaced, millihertz };
        let opened = Some(format(1920, false, 60_000));
        assert!(!has_changed(opened, format(1920, false, 59_940)), "a card that measures");
        assert!(has_changed(opened, format(1920, false, 50_000)));
        assert!(has_changed(opened, format(1920, true, 60_000)));
        assert!(has_changed(opened, format(1280, false, 60_000)));
        assert!(has_changed(None, format(1920, false, 60_000)), "opened without a signal");
    }
}
