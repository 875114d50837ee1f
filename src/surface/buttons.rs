//! What the keys of a control surface show, ready to paint. Pure.
//!
//! Red is on air, green is next, amber is the slate, grey is not to be had, white says that nothing is known. Each word
//! stands in the label too: colour alone tells nothing to one person in twelve.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::tally::{is_fresh, is_next, is_on_air, is_shown, is_slate};
use crate::model::status::{ApplianceStatus, ChannelOrder, ChannelStatus, ProgramOrder, SourceState, SourceStatus};
use crate::model::{ChannelId, SourceId};

/// One key.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Button {
    /// Its name in addresses: `CHANNEL.ACTION`, or `CHANNEL.ACTION.SOURCE`.
    pub id: String,
    /// The channel.
    pub channel: ChannelId,
    /// What it is for.
    pub action: ButtonAction,
    /// The source, if it is for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceId>,
    /// How it stands, as the worker has confirmed it.
    pub state: ButtonState,
    /// What to write on it: two lines.
    pub label: String,
    /// Its colour, `#RRGGBB`.
    pub color: &'static str,
    /// Colour of the text on it, `#RRGGBB`.
    pub text_color: &'static str,
    /// Whether pressing it does anything now.
    pub enabled: bool,
    /// What to send when it is pressed; none of a key that only shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub press: Option<Press>,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ButtonAction {
    /// Shows whether the channel is on air.
    Air,
    /// Shows the slate until it is released.
    Slate,
    /// Shows the best source again.
    Release,
    /// Shows what is in preview.
    Cut,
    /// Has the source in preview.
    Preview,
    /// Shows the source.
    Take,
}

/// How a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ButtonState {
    /// What it stands for is on air.
    OnAir,
    /// What it stands for comes next.
    Next,
    /// The slate is on air.
    Slate,
    /// It can be pressed.
    Ready,
    /// The channel is off air, or the source does not deliver.
    Unavailable,
    /// The channel should be on air, and nothing fresh is known of it.
    Unknown,
}

/// A request to the API.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Press {
    /// `POST`.
    pub method: &'static str,
    /// Where to.
    pub path: String,
    /// With this JSON, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

impl ButtonState {
    /// Ground and text. Each pair has a contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3).
    fn colors(self) -> (&'static str, &'static str) {
        match self {
            ButtonState::OnAir => ("#e5383b", "#000000"),
            ButtonState::Next => ("#3fbf7f", "#000000"),
            ButtonState::Slate => ("#ffb000", "#000000"),
            ButtonState::Ready => ("#14181c", "#e8ecef"),
            ButtonState::Unavailable => ("#14181c", "#8b959e"),
            ButtonState::Unknown => ("#ffffff", "#000000"),
        }
    }

    /// The second line of a label.
    fn word(self) -> &'static str {
        match self {
            ButtonState::OnAir => "ON AIR",
            ButtonState::Next => "NEXT",
            ButtonState::Slate => "SLATE",
            ButtonState::Ready => "",
            ButtonState::Unavailable => "OFF",
            ButtonState::Unknown => "UNKNOWN",
        }
    }
}

/// Every key there can be: of each channel in turn, what is for all of it, then its sources by rank.
pub fn buttons(status: &ApplianceStatus) -> Vec<Button> {
    status.channels.iter().flat_map(of_channel).collect()
}

/// The key of this name. Of a channel that is off air no source is known: keys for one are there all the same, dark.
pub fn button_named(status: &ApplianceStatus, id: &str) -> Option<Button> {
    let (channel, rest) = id.split_once('.')?;
    let channel = status.channels.iter().find(|known| known.id.as_str() == channel)?;
    let found = of_channel(channel).into_iter().find(|button| button.id == id);
    found.or_else(|| {
        let (action, source) = rest.split_once('.').filter(|_| channel.report.is_none())?;
        let action = [ButtonAction::Preview, ButtonAction::Take].into_iter().find(|one| one.word() == action)?;
        let source = source.parse::<SourceId>().ok()?;
        let state = known(channel)?;
        Some(button(channel, action, Some(&source), state, [source.as_str(), state.word()]))
    })
}

fn of_channel(channel: &ChannelStatus) -> Vec<Button> {
    let mut keys = vec![air(channel), slate(channel), release(channel), cut(channel)];
    for source in channel.report.iter().flat_map(|report| &report.sources) {
        keys.push(of_source(channel, source, ButtonAction::Preview));
        keys.push(of_source(channel, source, ButtonAction::Take));
    }
    keys
}

fn air(channel: &ChannelStatus) -> Button {
    let state = match (known(channel), is_on_air(channel), is_slate(channel)) {
        (Some(ButtonState::Unknown), ..) => ButtonState::Unknown,
        (_, true, true) => ButtonState::Slate,
        (_, true, false) => ButtonState::OnAir,
        // The worker runs, and no destination acknowledges.
        _ => ButtonState::Unavailable,
    };
    let word = if state == ButtonState::Unavailable { "OFF AIR" } else { state.word() };
    button(channel, ButtonAction::Air, None, state, [&channel.title, word])
}

fn slate(channel: &ChannelStatus) -> Button {
    let state = match is_slate(channel) {
        true if is_on_air(channel) => ButtonState::Slate,
        _ => known(channel).unwrap_or(ButtonState::Ready),
    };
    let word = if state == ButtonState::Slate { "ON AIR" } else { state.word() };
    button(channel, ButtonAction::Slate, None, state, ["SLATE", word])
}

fn release(channel: &ChannelStatus) -> Button {
    let held = channel.report.as_ref().is_some_and(|report| report.program.order != ProgramOrder::Auto);
    let state = known(channel).unwrap_or(ButtonState::Ready);
    let word = if state == ButtonState::Ready && held { "HELD" } else { state.word() };
    let key = button(channel, ButtonAction::Release, None, state, ["RELEASE", word]);
    Button { enabled: key.enabled && held, ..key }
}

fn cut(channel: &ChannelStatus) -> Button {
    let program = channel.report.as_ref().map(|report| &report.program);
    let next = program.and_then(|program| program.preview.as_ref());
    let state = match (known(channel), next) {
        (Some(state), _) => state,
        (None, Some(_)) => ButtonState::Next,
        (None, None) => ButtonState::Unavailable,
    };
    let word = match next.filter(|_| state == ButtonState::Next) {
        Some(order) if order.sources().is_empty() => "NEXT".to_owned(),
        Some(order) => order.sources().iter().map(ToString::to_string).collect::<Vec<_>>().join(" + "),
        None => String::new(),
    };
    button(channel, ButtonAction::Cut, None, state, ["CUT", &word])
}

fn of_source(channel: &ChannelStatus, source: &SourceStatus, action: ButtonAction) -> Button {
    let gone = source.state != SourceState::Delivering;
    let state = match known(channel) {
        Some(state) => state,
        None if is_shown(channel, &source.id) && is_on_air(channel) => ButtonState::OnAir,
        None if is_next(channel, &source.id) => ButtonState::Next,
        None if gone => ButtonState::Unavailable,
        None => ButtonState::Ready,
    };
    let word = if gone && state == ButtonState::Unavailable { "NO SIGNAL" } else { state.word() };
    button(channel, action, Some(&source.id), state, [source.id.as_str(), word])
}

/// Why nothing of a channel can be said or done; none if it can.
fn known(channel: &ChannelStatus) -> Option<ButtonState> {
    match (is_fresh(channel) && channel.report.is_some(), channel.order) {
        (true, _) => None,
        (false, ChannelOrder::OffAir) => Some(ButtonState::Unavailable),
        (false, ChannelOrder::OnAir) => Some(ButtonState::Unknown),
    }
}

fn button(
    channel: &ChannelStatus,
    action: ButtonAction,
    source: Option<&SourceId>,
    state: ButtonState,
    lines: [&str; 2],
) -> Button {
    let (color, text_color) = state.colors();
    let name = action.word();
    let of = source.map(|source| format!(".{source}")).unwrap_or_default();
    let press = action.press(&channel.id, source);
    Button {
        id: format!("{}.{name}{of}", channel.id),
        channel: channel.id.clone(),
        action,
        source: source.cloned(),
        state,
        label: lines.join("\n").trim_end().to_owned(),
        color,
        text_color,
        enabled: press.is_some() && !matches!(state, ButtonState::Unavailable | ButtonState::Unknown),
        press,
    }
}

impl ButtonAction {
    fn word(self) -> &'static str {
        match self {
            ButtonAction::Air => "air",
            ButtonAction::Slate => "slate",
            ButtonAction::Release => "release",
            ButtonAction::Cut => "cut",
            ButtonAction::Preview => "preview",
            ButtonAction::Take => "take",
        }
    }

    fn press(self, channel: &ChannelId, source: Option<&SourceId>) -> Option<Press> {
        let (verb, body) = match self {
            ButtonAction::Air => return None,
            ButtonAction::Slate => ("slate", None),
            ButtonAction::Release => ("release", None),
            ButtonAction::Cut => ("take", Some(json!({}))),
            ButtonAction::Preview => ("preview", Some(json!({ "source": source }))),
            ButtonAction::Take => ("take", Some(json!({ "source": source }))),
        };
        Some(Press { method: "POST", path: format!("/api/v1/channels/{channel}/{verb}"), body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surface::studio::{appliance, source};

    fn key(status: &ApplianceStatus, id: &str) -> Button {
        buttons(status).into_iter().find(|button| button.id == id).unwrap_or_else(|| panic!("no {id}"))
    }

    fn painted(status: &ApplianceStatus, id: &str) -> (ButtonState, String, bool) {
        let Button { state, label, enabled, .. } = key(status, id);
        (state, label, enabled)
    }

    #[test]
    fn a_key_shows_what_is_on_air_next_and_not_to_be_had() {
        use ButtonState::{Next, OnAir, Ready, Slate, Unavailable};
        let mut status = appliance();
        status.channels[0].report.as_mut().unwrap().program.preview =
            Some(ProgramOrder::Source { source: source("clip") });
        for (id, state, label, enabled) in [
            ("demo.air", OnAir, "Demo\nON AIR", false),
            ("demo.slate", Ready, "SLATE", true),
            ("demo.release", Ready, "RELEASE", false),
            ("demo.cut", Next, "CUT\nclip", true),
            ("demo.take.cam-1", OnAir, "cam-1\nON AIR", true),
            ("demo.take.clip", Next, "clip\nNEXT", true),
            ("demo.preview.clip", Next, "clip\nNEXT", true),
            ("demo.take.gone", Unavailable, "gone\nNO SIGNAL", false),
            ("studio-b.air", Slate, "Studio B\nSLATE", false),
            ("studio-b.slate", Slate, "SLATE\nON AIR", true),
            ("studio-b.release", Ready, "RELEASE\nHELD", true),
            ("studio-b.cut", Unavailable, "CUT", false),
            ("late-show.air", Unavailable, "Late show\nOFF AIR", false),
            ("late-show.slate", Unavailable, "SLATE\nOFF", false),
        ] {
            assert_eq!(painted(&status, id), (state, label.to_owned(), enabled), "{id}");
        }
        let take = key(&status, "demo.take.clip").press.unwrap();
        assert_eq!((take.path.as_str(), take.body), ("/api/v1/channels/demo/take", Some(json!({"source": "clip"}))));
    }

    #[test]
    fn a_key_stays_where_it_is_while_its_channel_is_off_air() {
        let status = appliance();
        let key = button_named(&status, "late-show.take.cam-1").unwrap();
        assert_eq!((key.label.as_str(), key.state), ("cam-1\nOFF", ButtonState::Unavailable));
        assert_eq!(button_named(&status, "demo.take.cam-1"), Some(self::key(&status, "demo.take.cam-1")));
        for id in ["", "demo", "demo.take", "demo.take.nobody", "gone.slate", "late-show.air.cam-1", "late-show.take.X"]
        {
            assert_eq!(button_named(&status, id), None, "{id}");
        }
    }

    #[test]
    fn a_worker_that_is_silent_lights_nothing() {
        let mut status = appliance();
        status.channels[0].worker.as_mut().unwrap().heartbeat_age_seconds = 30.0;
        for key in buttons(&status).into_iter().filter(|key| key.channel.as_str() == "demo") {
            assert_eq!((key.state, key.enabled), (ButtonState::Unknown, false), "{}", key.id);
        }
    }

    /// Relative luminance (WCAG 2.2).
    fn luminance(color: &str) -> f64 {
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&color[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    #[test]
    fn every_label_can_be_read() {
        use ButtonState::{Next, OnAir, Ready, Slate, Unavailable, Unknown};
        for state in [OnAir, Next, Slate, Ready, Unavailable, Unknown] {
            let (ground, text) = state.colors();
            let (one, other) = (luminance(ground), luminance(text));
            let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
            assert!(contrast >= 4.5, "{state:?}: {contrast:.1}");
        }
    }
}
