//! What a rig's daemon is asked, and waiting for what it says. Every wait is bounded.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uplink::model::status::{ApplianceStatus, ChannelState, ChannelStatus, DestinationStatus, WorkerReport};

use crate::http::{self, Answer, Following};
use crate::process;
use crate::rig::{Rig, SOON};

impl Rig {
    pub fn get(&self, path: &str) -> Answer {
        http::get(self.api, path).unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// A command of the API.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        http::post(self.api, path, body).unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    /// A command of the API that has to be confirmed by the engine.
    pub fn order(&self, channel: &str, verb: &str) -> Value {
        let answer = self.post(&format!("/api/v1/channels/{channel}/{verb}"), &json!({}));
        assert_eq!(answer.status, 200, "{verb} {channel}: {}", answer.text());
        answer.json()
    }

    pub fn follow(&self) -> Following {
        Following::open(self.api)
    }

    pub fn status(&self) -> ApplianceStatus {
        let answer = self.get("/api/v1/status");
        serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
    }

    pub fn channel(&self, id: &str) -> ChannelStatus {
        let found = self.status().channels.into_iter().find(|channel| channel.id.as_str() == id);
        found.unwrap_or_else(|| panic!("no channel {id}"))
    }

    pub fn report(&self, id: &str) -> WorkerReport {
        self.wait_channel(id, "a report", |channel| channel.report.is_some()).report.unwrap()
    }

    pub fn worker(&self, id: &str) -> u32 {
        self.wait_channel(id, "a worker", |channel| channel.worker.is_some()).worker.unwrap().pid
    }

    /// The newest events, oldest first.
    pub fn events(&self) -> Vec<Value> {
        let page = self.get("/api/v1/events/recent?limit=500").json();
        page["items"].as_array().unwrap().iter().rev().cloned().collect()
    }

    /// Waits for an event with this code, about this channel.
    pub fn wait_event(&self, code: &str, channel: Option<&str>) -> Value {
        let mut found = None;
        self.until(&format!("event {code} of {channel:?}"), || {
            let events = self.events();
            found = events.into_iter().rev().find(|e| e["code"] == code && channel.is_none_or(|c| e["channel"] == c));
            found.is_some()
        });
        found.unwrap()
    }

    /// Polls `test`, bounded.
    pub fn until(&self, what: &str, test: impl FnMut() -> bool) {
        process::until(what, SOON, test);
    }

    /// Waits until `test` likes the channel's status.
    pub fn wait_channel(&self, id: &str, what: &str, test: impl Fn(&ChannelStatus) -> bool) -> ChannelStatus {
        let end = Instant::now() + SOON;
        loop {
            let channel = self.status().channels.into_iter().find(|channel| channel.id.as_str() == id);
            if let Some(channel) = channel.as_ref().filter(|channel| test(channel)) {
                return channel.clone();
            }
            assert!(Instant::now() < end, "channel {id}, not within {SOON:?}: {what}; last known: {channel:#?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn wait_destination(
        &self,
        id: &str,
        what: &str,
        test: impl Fn(&DestinationStatus) -> bool,
    ) -> DestinationStatus {
        let of =
            |channel: &ChannelStatus| channel.report.as_ref().and_then(|report| report.destinations.first().cloned());
        of(&self.wait_channel(id, what, |channel| of(channel).is_some_and(|one| test(&one)))).unwrap()
    }

    pub fn wait_on_air(&self, id: &str) -> ChannelStatus {
        self.wait_channel(id, "on air", |c| c.on_air && matches!(c.state, ChannelState::Running | ChannelState::Slate))
    }
}
