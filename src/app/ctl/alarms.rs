//! `uplinkctl alarms`, `alarm` and `notify`.

use std::fmt::Write;

use clap::Subcommand;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Client, Failure};
use super::report::{columns, duration};
use crate::model::notify::NotifyStatus;
use crate::model::{Alarm, AlarmCounts, MediaTime};

/// `uplinkctl alarm …`.
#[derive(Debug, Subcommand)]
pub(crate) enum AlarmVerb {
    /// Say that you know of it.
    Ack {
        /// Its id, as `uplinkctl alarms` shows it.
        id: String,
        /// Who you are.
        #[arg(long)]
        by: Option<String>,
    },
    /// Put it aside for a while: it is neither counted nor sent to anybody.
    Shelve {
        /// Its id.
        id: String,
        /// For how long, 1 to 30.
        #[arg(long, default_value_t = 10)]
        minutes: u32,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Who you are.
        #[arg(long)]
        by: Option<String>,
    },
    /// Take it up again.
    Unshelve {
        /// Its id.
        id: String,
    },
}

/// `uplinkctl notify …`.
#[derive(Debug, Subcommand)]
pub(crate) enum NotifyVerb {
    /// How it stands with each.
    List,
    /// Send a test, and wait until it has arrived.
    Test {
        /// Name of the webhook, or `email`.
        name: String,
    },
}

impl AlarmVerb {
    /// Address and body.
    pub(crate) fn request(&self) -> (String, Option<Value>) {
        match self {
            AlarmVerb::Ack { id, by } => (format!("alarms/{id}/ack"), Some(json!({ "by": by }))),
            AlarmVerb::Shelve { id, minutes, reason, by } => {
                (format!("alarms/{id}/shelve"), Some(json!({ "minutes": minutes, "reason": reason, "by": by })))
            }
            AlarmVerb::Unshelve { id } => (format!("alarms/{id}/unshelve"), None),
        }
    }
}

#[derive(Deserialize)]
struct AlarmList {
    counts: AlarmCounts,
    items: Vec<Alarm>,
}

/// Every alarm, what needs somebody first.
pub(crate) async fn list(client: &Client, json: bool) -> Result<String, Failure> {
    let (text, list): (_, AlarmList) = client.get("api/v1/alarms?limit=500").await?;
    Ok(if json { text } else { alarms(&list, MediaTime::from_system(std::time::SystemTime::now())) })
}

/// Everybody who is told.
pub(crate) async fn notify(client: &Client, json: bool) -> Result<String, Failure> {
    let (text, all): (_, Vec<NotifyStatus>) = client.get("api/v1/notify").await?;
    Ok(if json { text } else { told(&all) })
}

fn alarms(list: &AlarmList, now: MediaTime) -> String {
    if list.items.is_empty() {
        return "no alarms\n".to_owned();
    }
    let AlarmCounts { critical, warning, info, unacknowledged, shelved } = list.counts;
    let mut text = format!(
        "{critical} critical, {warning} warning, {info} info; {unacknowledged} not acknowledged, {shelved} shelved\n\n"
    );
    let heads = ["PRIORITY", "STATE", "FOR", "TIMES", "ALARM"];
    let mut table = vec![heads.map(str::to_owned).to_vec()];
    for alarm in &list.items {
        let state = match (&alarm.shelved, alarm.active, &alarm.acked) {
            (Some(_), ..) => "shelved",
            (None, true, None) => "NEW",
            (None, true, Some(_)) => "known",
            (None, false, _) => "over, not seen",
        };
        let until = if alarm.active { now } else { alarm.cleared.unwrap_or(now) };
        let long = duration(until.since(alarm.since).as_secs_f64());
        let priority = alarm.priority.as_str().to_uppercase();
        table.push(vec![priority, state.to_owned(), long, alarm.count.to_string(), alarm.id.clone()]);
    }
    text.push_str(&columns(&table, ""));
    for alarm in list.items.iter().filter(|alarm| alarm.shelved.is_none()) {
        let _ = write!(text, "\n! {}: {}\n    {}\n", alarm.id, alarm.reason, alarm.action);
    }
    text
}

fn told(all: &[NotifyStatus]) -> String {
    if all.is_empty() {
        return "nobody is told of alarms: see [notify] in the configuration\n".to_owned();
    }
    let heads = ["NAME", "STATE", "WAITING", "DELIVERED", "GIVEN UP", "TO"];
    let mut table = vec![heads.map(str::to_owned).to_vec()];
    for one in all {
        let state = if one.disabled {
            "disabled"
        } else if one.failures > 0 {
            "FAILING"
        } else {
            "fine"
        };
        let counts = [one.waiting, one.delivered, one.dropped].map(|count| count.to_string());
        table.push([vec![one.name.clone(), state.to_owned()], counts.to_vec(), vec![one.to.clone()]].concat());
    }
    let mut text = columns(&table, "");
    for one in all {
        let _ = one.last_error.iter().try_for_each(|why| write!(text, "\n! {}: {why}\n", one.name));
    }
    text
}
