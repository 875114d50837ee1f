//! Health: is it any good, why, and since when (the four words of NMOS BCP-008).

use serde::{Deserialize, Serialize};

use super::remedy::remedy;
use super::time::MediaTime;

/// The four health words, from best to worst when rolled up; `Inactive` means nobody asked for it to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Not asked to work.
    Inactive,
    /// Does what was asked.
    Healthy,
    /// Works, but something is not as it should be.
    PartiallyHealthy,
    /// Does not work.
    Unhealthy,
}

/// Health with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HealthReport {
    /// The word.
    pub health: Health,
    /// Stable reason code for machines (`ok`, `source_lost`, …).
    pub code: String,
    /// One sentence for people: what is wrong.
    pub reason: String,
    /// Since when it has been so.
    pub since: MediaTime,
    /// What to do, one sentence; none where nothing has to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

impl HealthReport {
    /// A report that begins `now`.
    pub fn new(health: Health, code: &str, reason: impl Into<String>, since: MediaTime) -> Self {
        let action = remedy(code).filter(|_| health > Health::Healthy).map(str::to_owned);
        Self { health, code: code.to_owned(), reason: reason.into(), since, action }
    }

    /// Takes over a newer judgement; `since` stays when neither word nor code changed.
    pub fn update(&mut self, newer: HealthReport) {
        let since = if (self.health, &self.code) == (newer.health, &newer.code) { self.since } else { newer.since };
        *self = HealthReport { since, ..newer };
    }

    /// The worse of two; the first wins a tie.
    pub fn worst(self, other: HealthReport) -> HealthReport {
        if other.health > self.health { other } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_good_says_what_to_do() {
        let report = |health, code: &str| HealthReport::new(health, code, "…", MediaTime::from_secs(1));
        assert!(report(Health::Unhealthy, "source_lost").action.unwrap().contains("cable"));
        assert_eq!(report(Health::Healthy, "ok").action, None);
        assert_eq!(report(Health::Inactive, "budget_spent").action, None, "somebody has set it so");
        let from_before = r#"{"health":"unhealthy","code":"source_lost","reason":"…","since":"2026-11-22T08:00:00Z"}"#;
        assert_eq!(serde_json::from_str::<HealthReport>(from_before).unwrap().action, None);
    }

    #[test]
    fn since_stays_while_the_reason_stays() {
        let at = MediaTime::from_secs;
        let mut report = HealthReport::new(Health::Healthy, "ok", "all is well", at(1));
        report.update(HealthReport::new(Health::Healthy, "ok", "all is well", at(5)));
        assert_eq!(report.since, at(1));
        report.update(HealthReport::new(Health::Unhealthy, "source_lost", "no signal", at(9)));
        assert_eq!(report.since, at(9));
    }
}
