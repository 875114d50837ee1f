//! `[failover]` and the signal's part of `[thresholds]`: when a source counts as faulty and what the program does then.

use crate::document::{Key, Kind, Need, Section, Shape};
use crate::model::{FailoverRules, SignalThresholds, Trigger, TriggerAction};

const fn key(name: &'static str, kind: Kind, need: Need, about: &'static str) -> Key {
    Key { name, kind, need, about }
}

pub(super) static FAILOVER: Shape = Shape::plain(
    "How the program leaves a source and returns to it (ITU-T G.808.1).",
    &[
        key(
            "hold_off_ms",
            Kind::Integer(0, 60_000, "milliseconds"),
            Need::Default("0"),
            "How long a source must be unusable before the program leaves it, on top of `loss_ms` or `enter_ms`",
        ),
        key(
            "revert",
            Kind::Word(&[
                ("auto", "the program returns to a better source after `wait_to_restore_ms`"),
                ("manual", "it stays where it is until somebody releases it"),
            ]),
            Need::Default("\"auto\""),
            "How the program returns to a better source",
        ),
    ],
);

pub(super) const MANUAL: Key = key(
    "manual",
    Kind::Word(&[("slate", "the slate"), ("auto", "the source that failover would choose")]),
    Need::Default("\"slate\""),
    "What is shown when a source that was taken by hand does not deliver",
);

const ACTIONS: Kind = Kind::Word(&[
    ("off", "it is not looked at"),
    ("alarm", "it is told and shows in the health of the source"),
    ("failover", "the program leaves the source, too"),
]);
const ENTER: Kind = Kind::Integer(200, 600_000, "milliseconds");
const CLEAR: Kind = Kind::Integer(100, 600_000, "milliseconds");
const ENTER_ABOUT: &str = "How long it must last to count";
const CLEAR_ABOUT: &str = "How long it must be gone to be over";
const ACTION_ABOUT: &str = "What it leads to";

static BLACK_KEYS: Shape = Shape::plain(
    "The picture of a source is black: 98.5 % of it (a clock or a logo may remain). With nothing better the slate is shown.",
    &[
        key("action", ACTIONS, Need::Default("\"failover\""), ACTION_ABOUT),
        key("enter_ms", ENTER, Need::Default("5000"), ENTER_ABOUT),
        key("clear_ms", CLEAR, Need::Default("1000"), CLEAR_ABOUT),
        key(
            "threshold",
            Kind::Integer(16, 80, "luma"),
            Need::Default("32"),
            "Luma up to which a pixel is black (8 bit)",
        ),
    ],
);

static FREEZE_KEYS: Shape = Shape::plain(
    "The picture of a source stands still. With nothing better it is shown all the same.",
    &[
        key("action", ACTIONS, Need::Default("\"alarm\""), ACTION_ABOUT),
        key("enter_ms", ENTER, Need::Default("10000"), ENTER_ABOUT),
        key("clear_ms", CLEAR, Need::Default("1000"), CLEAR_ABOUT),
        key(
            "threshold",
            Kind::Number(0.05, 20.0, "percent"),
            Need::Default("0.2"),
            "Share of the picture that must change for it not to stand still",
        ),
        key(
            "only_if_silent",
            Kind::Truth,
            Need::Default("false"),
            "Whether a still picture with sound (a slide that somebody speaks to) is no fault",
        ),
    ],
);

static SILENCE_KEYS: Shape = Shape::plain(
    "The sound of a source is silent, or stops coming. A source that has no sound at all is not silent.",
    &[
        key("action", ACTIONS, Need::Default("\"alarm\""), ACTION_ABOUT),
        key("enter_ms", ENTER, Need::Default("10000"), ENTER_ABOUT),
        key("clear_ms", CLEAR, Need::Default("500"), CLEAR_ABOUT),
        key(
            "threshold",
            Kind::Number(-90.0, -20.0, "dBFS"),
            Need::Default("-60.0"),
            "Level (RMS of the loudest channel) below which sound is silent",
        ),
    ],
);

static FORMAT_KEYS: Shape = Shape::plain(
    "The picture of a source has not the size or frame rate that the source's `expect_size` and `expect_rate` say.",
    &[
        key("action", ACTIONS, Need::Default("\"alarm\""), ACTION_ABOUT),
        key("enter_ms", ENTER, Need::Default("1000"), ENTER_ABOUT),
        key("clear_ms", CLEAR, Need::Default("1000"), CLEAR_ABOUT),
    ],
);

const fn watched(name: &'static str, shape: &'static Shape, about: &'static str) -> Key {
    Key { name, kind: Kind::Table(shape), need: Need::Optional, about }
}

pub(super) const BLACK: Key = watched("black", &BLACK_KEYS, "When a source counts as black");
pub(super) const FREEZE: Key = watched("freeze", &FREEZE_KEYS, "When a source counts as frozen");
pub(super) const SILENCE: Key = watched("silence", &SILENCE_KEYS, "When a source counts as silent");
pub(super) const FORMAT: Key = watched("format", &FORMAT_KEYS, "When a source counts as wrong in format");

pub(super) fn failover(failover: &Section<'_>, fallback: &Section<'_>) -> Option<FailoverRules> {
    Some(FailoverRules {
        hold_off_ms: failover.value("hold_off_ms")?,
        revert_by_hand: failover.value::<String>("revert")? == "manual",
        manual_falls_to_auto: fallback.value::<String>("manual")? == "auto",
    })
}

pub(super) fn thresholds(section: &Section<'_>) -> Option<SignalThresholds> {
    let (black, freeze) = (section.table("black")?, section.table("freeze")?);
    let silence = section.table("silence")?;
    Some(SignalThresholds {
        black: trigger(&black)?,
        black_luma: black.value::<u32>("threshold")?.try_into().ok()?,
        freeze: trigger(&freeze)?,
        freeze_percent: freeze.value("threshold")?,
        freeze_only_if_silent: freeze.value("only_if_silent")?,
        silence: trigger(&silence)?,
        silence_dbfs: silence.value("threshold")?,
        format: trigger(&section.table("format")?)?,
    })
}

fn trigger(section: &Section<'_>) -> Option<Trigger> {
    let action = match section.value::<String>("action")?.as_str() {
        "off" => TriggerAction::Off,
        "alarm" => TriggerAction::Alarm,
        _ => TriggerAction::Failover,
    };
    Some(Trigger { action, enter_ms: section.value("enter_ms")?, clear_ms: section.value("clear_ms")? })
}
