//! What systemd is told (sd_notify(3)); without systemd nothing happens.

use std::time::Duration;

use sd_notify::NotifyState;

/// This process as a service.
#[derive(Debug, Clone, Copy, Default)]
pub struct Service;

impl Service {
    /// Up: units that wait for us may start.
    pub fn ready(self) {
        tell(&[NotifyState::Ready]);
    }

    /// Reading the configuration again; to be followed by [`Service::ready`].
    pub fn reloading(self) {
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            tell(&[NotifyState::Reloading, now]);
        }
    }

    /// Going down in order.
    pub fn stopping(self) {
        tell(&[NotifyState::Stopping]);
    }

    /// Still alive.
    pub fn alive(self) {
        tell(&[NotifyState::Watchdog]);
    }

    /// How often to say [`Service::alive`]: half of what the unit's `WatchdogSec=` allows; none if it has none.
    pub fn watchdog_period(self) -> Option<Duration> {
        sd_notify::watchdog_enabled().map(|limit| limit / 2)
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}
