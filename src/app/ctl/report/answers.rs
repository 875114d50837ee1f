//! What the daemon answered, and what it tells as it happens.

use std::fmt::Write;

use serde_json::Value;

use crate::app::ctl::client::Failure;
use crate::model::{ChannelEffect, Event, Severity};

/// What the engine confirmed.
pub(crate) fn outcome(answer: &Value) -> String {
    let text = answer.get("text").and_then(Value::as_str).unwrap_or("done");
    if let Some(effects) = answer.get("channels").cloned().and_then(|value| serde_json::from_value(value).ok()) {
        return format!("{text}\n{}", reload(effects));
    }
    let already = answer.get("changed").and_then(Value::as_bool) == Some(false);
    format!("{text}{}\n", if already { " (it was so already)" } else { "" })
}

/// What changes in a file, then what happened, or would.
pub(crate) fn changed(answer: &Value) -> String {
    let difference = answer["difference"].as_str().filter(|difference| !difference.is_empty());
    format!("{}{}", difference.unwrap_or("no line differs\n"), outcome(answer))
}

/// What a reload does to each channel.
fn reload(effects: Vec<ChannelEffect>) -> String {
    let mut text = String::new();
    for ChannelEffect { channel, effect, live, restart, off_air_seconds, happened, .. } in effects {
        let off = off_air_seconds.map_or_else(String::new, |seconds| format!(", off air for about {seconds:.1} s"));
        let _ = writeln!(text, "  {channel}: {}{off}", effect.word());
        restart.iter().for_each(|reason| text.push_str(&format!("    because {reason}\n")));
        live.iter().for_each(|change| text.push_str(&format!("    {change}\n")));
        if let Some(happened) = happened {
            let _ = writeln!(text, "    -> {happened}");
        }
    }
    text
}

/// Why it was not done, and every fault behind it.
pub(crate) fn failure(failure: &Failure) -> String {
    let mut text = format!("uplinkctl: {failure}");
    match failure {
        Failure::Unreachable { .. } => {
            text.push_str("\n  is uplinkd running, and is --api right? channels may be on air all the same\n");
        }
        Failure::Refused { code, errors, .. } => {
            let _ = writeln!(text, " [{code}]");
            if ["login_required", "setup_required", "forbidden"].contains(&code.as_str()) {
                text.push_str("  on the box itself: sudo uplinkctl …; from elsewhere: --token-file FILE\n");
            }
            if code == "frozen" {
                text.push_str("  in an emergency: the same with --override REASON\n");
            }
            errors.iter().for_each(|fault| text.push_str(&format!("  {fault}\n")));
        }
        Failure::Unreadable { .. } | Failure::File { .. } => text.push('\n'),
    }
    text
}

/// One event, one line.
pub(crate) fn event(event: &Event) -> String {
    let severity = match event.severity {
        Severity::Info => "info   ",
        Severity::Warning => "WARNING",
        Severity::Error => "ERROR  ",
    };
    let about: Vec<&str> =
        event.channel.iter().map(|id| id.as_str()).chain(event.subject.iter().map(String::as_str)).collect();
    let about = if about.is_empty() { "appliance".to_owned() } else { about.join("/") };
    let hint = event.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{}  {severity}  {about}: {}{hint} [{}]\n", event.at, event.text, event.code.as_str())
}
