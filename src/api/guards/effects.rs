//! What a reload would do, said before it: by the supervisor's dry run.

use super::super::channels::BOUND;
use super::Freezer;
use crate::config::Trial;
use crate::model::{ChannelEffect, ChannelId, DestinationChange, Effect, Freeze};
use crate::supervisor::{Command, Handle};

/// What the configuration on disk would change.
#[derive(Debug, PartialEq)]
pub(super) enum Foretold {
    /// It cannot be said: it is faulty, and is refused anyway.
    Unknown,
    /// This.
    Known {
        /// Whether viewers would notice.
        noticed: bool,
        /// Channels that are not as they were.
        touched: Vec<ChannelId>,
        /// One sentence.
        text: String,
    },
}

/// Asks the supervisor; of what is on disk, or of what is tried.
pub(super) async fn foretold(handle: &Handle, tried: Option<Trial>) -> Foretold {
    let command = tried.map_or(Command::DryReload, |tried| Command::Try(Box::new(tried)));
    let asked = tokio::time::timeout(BOUND, handle.ask(command)).await;
    match asked {
        Ok(Ok(outcome)) => of(&outcome.channels.unwrap_or_default()),
        _ => Foretold::Unknown,
    }
}

/// The freeze that holds a reload that nobody waits for (a signal), if one does.
pub async fn reload_held(freezer: &Freezer, handle: &Handle) -> Option<Freeze> {
    let freeze = freezer.in_force()?;
    if freeze.channels.is_empty() {
        return Some(freeze);
    }
    match foretold(handle, None).await {
        Foretold::Known { touched, .. } if freeze.covers(&touched) => Some(freeze),
        _ => None,
    }
}

fn of(effects: &[ChannelEffect]) -> Foretold {
    let changed: Vec<&ChannelEffect> = effects.iter().filter(|one| one.effect != Effect::Unchanged).collect();
    let parts: Vec<String> = changed.iter().flat_map(|one| noticed(one)).collect();
    let touched = changed.iter().map(|one| one.channel.clone()).collect();
    let text = match (parts.is_empty(), changed.len()) {
        (false, _) => parts.join("; "),
        (true, 0) => "the configuration is read again; no channel is changed".to_owned(),
        (true, count) => format!("the configuration is read again; {count} channel(s) change without an interruption"),
    };
    Foretold::Known { noticed: !parts.is_empty(), touched, text }
}

/// What viewers of a channel would notice.
fn noticed(effect: &ChannelEffect) -> Vec<String> {
    let channel = &effect.channel;
    let own = match effect.effect {
        Effect::Restart => {
            let seconds =
                effect.off_air_seconds.map(|seconds| format!(" for about {seconds:.1} s")).unwrap_or_default();
            Some(format!("channel `{channel}` is off air{seconds}, its worker is replaced"))
        }
        Effect::Stops => Some(format!("channel `{channel}` goes OFF AIR, it is not configured any more")),
        Effect::Unchanged | Effect::Live | Effect::NextStart | Effect::Starts | Effect::Added | Effect::Removed => None,
    };
    let gone = effect.destinations.iter().filter(|one| one.change == DestinationChange::Removed);
    let gone =
        gone.map(|one| format!("destination `{}` of channel `{channel}` gets nothing any more", one.destination));
    own.into_iter().chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(channel: &str, effect: Effect, gone: &[&str]) -> ChannelEffect {
        let gone = gone.iter().map(|id| serde_json::json!({"destination": id, "change": "removed"}));
        let value = serde_json::json!({
            "channel": channel, "effect": effect, "off_air_seconds": 1.26, "destinations": gone.collect::<Vec<_>>(),
        });
        serde_json::from_value(value).unwrap()
    }

    fn told(effects: &[ChannelEffect]) -> (bool, usize, String) {
        match of(effects) {
            Foretold::Known { noticed, touched, text } => (noticed, touched.len(), text),
            Foretold::Unknown => panic!("known"),
        }
    }

    #[test]
    fn only_what_viewers_would_notice_is_asked_about() {
        let quiet =
            [effect("a", Effect::Unchanged, &[]), effect("b", Effect::Live, &[]), effect("c", Effect::Added, &[])];
        let (noticed, touched, text) = told(&quiet);
        assert_eq!((noticed, touched), (false, 2), "{text}");
        let loud =
            [effect("a", Effect::Restart, &[]), effect("b", Effect::Live, &["cloud"]), effect("c", Effect::Stops, &[])];
        let (noticed, touched, text) = told(&loud);
        assert_eq!((noticed, touched), (true, 3));
        let said = "channel `a` is off air for about 1.3 s, its worker is replaced; destination `cloud` of channel `b` gets \
                    nothing any more; channel `c` goes OFF AIR, it is not configured any more";
        assert_eq!(text, said);
    }
}
