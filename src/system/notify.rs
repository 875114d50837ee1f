//! What systemd is told (sd_notify(3)); without systemd nothing happens.

use std::io;
use std::os::fd::BorrowedFd;
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

    /// Has the service manager keep a descriptor over a restart, under this name (`FileDescriptorStoreMax=`); the next
    /// process finds it in [`HandedOver`](super::HandedOver).
    pub fn keep(self, name: &str, descriptor: BorrowedFd<'_>) {
        // It is for being used again, not for what happens to it.
        let state = [NotifyState::FdStore, NotifyState::FdName(name), NotifyState::Custom("FDPOLL=0")];
        said(sd_notify::notify_with_fds(&state, &[descriptor]));
    }

    /// Has the service manager close what it keeps under this name.
    pub fn let_go(self, name: &str) {
        tell(&[NotifyState::FdStoreRemove, NotifyState::FdName(name)]);
    }

    /// Within which time [`Service::alive`] has to be said again (`WatchdogSec=` of the unit); none if it need not be.
    pub fn watchdog(self) -> Option<Duration> {
        sd_notify::watchdog_enabled()
    }
}

fn tell(state: &[NotifyState<'_>]) {
    said(sd_notify::notify(state));
}

fn said(told: io::Result<()>) {
    if let Err(error) = told {
        tracing::warn!(%error, "the service manager could not be told");
    }
}
