//! The status document of the whole appliance.

use super::journal::now;
use super::lifecycle::Stand;
use super::settings::{Configuration, Instead};
use super::verdict::{Facts, health, state};
use super::written::Written;
use crate::model::sound::LoudnessTarget;
use crate::model::status::{ApplianceStatus, ChannelStatus, ConfigStatus};
use crate::model::{AlarmCounts, CapacityStatus, ChannelId, Health, HealthReport, MediaTime};
use crate::plan::ChannelPlan;
use crate::store::Orders;

/// What the status says beside the channels.
#[derive(Debug)]
pub(crate) struct Overview {
    name: String,
    started_at: MediaTime,
    health: HealthReport,
    pub(crate) config: ConfigStatus,
    pub(crate) written: Written,
}

impl Overview {
    pub(crate) fn new(configuration: &Configuration) -> Self {
        let at = now();
        let (name, path) = (configuration.name.clone(), configuration.path.clone());
        let (last_good, rejected) = match configuration.instead.clone() {
            Some(Instead { used, faults }) => (Some(used), faults),
            None => (None, Vec::new()),
        };
        let config = ConfigStatus { path, loaded_at: at, generation: 1, rejected, last_good };
        let health = HealthReport::new(Health::Inactive, "starting", "the daemon has just come up", at);
        let written = Written::default();
        written.put(configuration.written.clone(), configuration.files.clone());
        Self { name, started_at: at, health, config, written }
    }

    /// Another configuration is in force.
    pub(crate) fn in_force(&mut self, name: String, path: String) {
        self.name = name;
        let generation = self.config.generation + 1;
        self.config = ConfigStatus { path, loaded_at: now(), generation, rejected: Vec::new(), last_good: None };
    }

    /// The document. `trouble` is what is wrong with the store.
    pub(crate) fn status(&mut self, channels: Vec<ChannelStatus>, trouble: Option<String>) -> ApplianceStatus {
        let at = now();
        let about = |channel: &ChannelStatus| {
            let reason = format!("channel {}: {}", channel.id, channel.health.reason);
            HealthReport { reason, ..channel.health.clone() }
        };
        let say = |code: &str, reason: String| HealthReport::new(Health::PartiallyHealthy, code, reason, at);
        let none = HealthReport::new(Health::Inactive, "off_air", "no channel is on air", at);
        let mut worst = channels.iter().map(about).fold(none, HealthReport::worst);
        if !self.config.rejected.is_empty() {
            let count = self.config.rejected.len();
            let reason = format!("the configuration on disk has {count} fault(s), an earlier one is in force");
            let code = if self.config.last_good.is_some() { "config_last_good" } else { "config_rejected" };
            worst = worst.worst(say(code, reason));
        }
        if let Some(trouble) = trouble {
            worst = worst.worst(say("store_failed", format!("orders are not kept: {trouble}")));
        }
        if worst.health == Health::Healthy {
            worst.reason = "every channel that shall be on air is".to_owned();
        }
        self.health.update(worst);
        ApplianceStatus {
            name: self.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            now: at,
            started_at: self.started_at,
            health: self.health.clone(),
            config: self.config.clone(),
            capacity: CapacityStatus::default(),
            // Known to the API alone, which fills them in.
            alarms: AlarmCounts::default(),
            freeze: None,
            clock: None,
            channels,
        }
    }
}

/// What the loudness of its program is to become.
pub(crate) fn loudness_target(plan: &ChannelPlan) -> LoudnessTarget {
    LoudnessTarget::live(plan.sound.loudness_target)
}

/// A channel of which nothing is known yet.
pub(crate) fn blank(id: &ChannelId, plan: Option<&ChannelPlan>, orders: &Orders) -> ChannelStatus {
    let wanted = orders.channel == crate::model::status::ChannelOrder::OnAir;
    let stand = if wanted { Stand::Starting } else { Stand::Idle };
    let facts =
        Facts { stand, wanted, report: None, remainder: None, on_air: false, silence: None, trouble: None, now: now() };
    ChannelStatus {
        id: id.clone(),
        title: plan.map(|plan| plan.title.clone()).unwrap_or_default(),
        stream_class: plan.map(|plan| plan.stream_class.clone()).unwrap_or_default(),
        frame_rate: plan.map(|plan| plan.program.frame_rate),
        timecode: plan.map(|plan| plan.timecode).unwrap_or_default(),
        loudness_target: plan.map(loudness_target),
        order: orders.channel,
        state: state(stand, wanted, None),
        health: health(&facts),
        on_air: false,
        on_air_since: None,
        worker: None,
        restarts: 0,
        live: orders.live.clone(),
        report: None,
        remainder: None,
        generation: 0,
    }
}
