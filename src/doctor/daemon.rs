//! The daemon, by what it says of itself.

use serde_json::Value;

use super::{Finding, Ground};

pub(super) fn examine(ground: &Ground) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &ground.told.status {
        Ok(status) => findings.extend(judge(status)),
        Err(reason) => findings.push(Finding::fault(
            "daemon",
            format!("the daemon does not answer: {reason}"),
            "systemctl status uplinkd; journalctl -u uplinkd -n 50; is --api right?",
        )),
    }
    if let Ok(alarms) = &ground.told.alarms {
        findings.push(alarmed(alarms));
    }
    findings
}

fn judge(status: &Value) -> Vec<Finding> {
    let word = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let mut findings = Vec::new();
    let (health, reason) = (word(&status["health"]["health"]), word(&status["health"]["reason"]));
    let version = word(&status["version"]);
    let own = env!("CARGO_PKG_VERSION");
    findings.push(if version != "?" && version != own {
        let todo = "systemctl restart uplinkd: channels stay on air";
        Finding::warn("daemon", format!("uplinkd {version} runs, uplinkctl is {own}"), todo)
    } else {
        Finding::ok("daemon", format!("uplinkd {own} answers; the box is {}", health.replace('_', " ")))
    });
    if let Some(used) = status["config"]["last_good"].as_object() {
        let word = |name: &str| used.get(name).and_then(Value::as_str).unwrap_or("?");
        let seen = format!(
            "what was on disk when the daemon came up was faulty: the last good one is in force, of {} ({})",
            word("at"),
            word("path")
        );
        let todo = "`uplinkctl check` lists each fault with its line; correct them, then `uplinkctl reload`";
        findings.push(Finding::warn("config", seen, todo));
    }
    for channel in status["channels"].as_array().into_iter().flatten() {
        let (id, order) = (word(&channel["id"]), word(&channel["order"]));
        let why = format!("{} ({})", word(&channel["health"]["reason"]), word(&channel["health"]["code"]));
        let on_air = channel["on_air"].as_bool().unwrap_or(false);
        let todo = || format!("`uplinkctl status {id}` shows its parts; the runbook explains the code");
        let finding = match (order.as_str(), on_air, channel["health"]["health"].as_str()) {
            ("on_air", false, _) => Finding::fault("daemon", format!("ordered on air, and is not: {why}"), todo()),
            (_, true, Some("healthy")) => Finding::ok("daemon", "on air"),
            (_, true, _) => Finding::warn("daemon", format!("on air, not well: {why}"), todo()),
            _ => Finding::ok("daemon", "off air, as ordered"),
        };
        findings.push(finding.of(format!("channel {id}")));
    }
    if health == "?" {
        findings.push(Finding::warn("daemon", format!("its status cannot be read ({reason})"), "update uplinkctl"));
    }
    findings
}

fn alarmed(alarms: &Value) -> Finding {
    let list = alarms["items"].as_array().into_iter().flatten();
    let active = list.filter(|alarm| alarm["active"] == true && alarm["shelved"].is_null());
    let ids: Vec<&str> = active.filter_map(|alarm| alarm["id"].as_str()).collect();
    match ids.as_slice() {
        [] => Finding::ok("alarms", "none"),
        ids => Finding::warn("alarms", ids.join(", "), "`uplinkctl alarms` says what to do about each"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::State;
    use super::*;

    #[test]
    fn a_channel_that_should_be_on_air_and_is_not_is_a_fault() {
        let channel = |id, order, on_air, health| json!({ "id": id, "order": order, "on_air": on_air, "health": { "health": health, "reason": "r", "code": "c" } });
        let status = json!({ "health": { "health": "unhealthy", "reason": "r" }, "channels": [
            channel("a", "on_air", true, "healthy"), channel("b", "on_air", false, "unhealthy"),
            channel("c", "on_air", true, "partially_healthy"), channel("d", "off_air", false, "inactive"),
        ]});
        let states: Vec<State> = judge(&status).iter().map(|finding| finding.state).collect();
        assert_eq!(states, [State::Ok, State::Ok, State::Fault, State::Warn, State::Ok]);
        let used = json!({ "at": "2026-11-21T10:00:00.000Z", "version": "0.1.0", "path": "/kept/0007" });
        let status = json!({ "health": status["health"], "channels": [], "config": { "last_good": used } });
        let said = judge(&status);
        assert_eq!((said[1].check, said[1].state, said[1].seen.contains("/kept/0007")), ("config", State::Warn, true));
    }
}
