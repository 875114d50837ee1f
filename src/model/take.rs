//! Takes: what the program shall show next, how it gets there, and when.

use serde::{Deserialize, Serialize};

use super::id::SourceId;
use super::status::ProgramOrder;
use super::time::MediaTime;

/// The longest dissolve, milliseconds.
pub const LONGEST_DISSOLVE: u32 = 10_000;
/// How far ahead a take may be scheduled, seconds.
pub const FARTHEST_TAKE: u64 = 24 * 3600;
/// Scheduled takes a channel keeps at most.
pub const MOST_TAKES: usize = 100;
/// Smallest and largest width of the small picture, percent of the program's.
pub const INSET_PERCENT: std::ops::RangeInclusive<u8> = 10..=50;

/// How one picture follows another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransitionKind {
    /// From one frame to the next.
    #[default]
    Cut,
    /// One fades into the other, picture and sound.
    Dissolve,
}

/// A transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// Cut or dissolve.
    #[serde(default)]
    pub kind: TransitionKind,
    /// How long a dissolve takes, milliseconds; 500 if not given. A cut takes no time.
    #[serde(default)]
    pub duration_ms: Option<u32>,
}

impl Transition {
    /// A dissolve of `duration_ms`.
    pub fn dissolve(duration_ms: u32) -> Self {
        Self { kind: TransitionKind::Dissolve, duration_ms: Some(duration_ms) }
    }

    /// How long it takes, milliseconds; zero for a cut.
    pub fn millis(&self) -> u32 {
        match self.kind {
            TransitionKind::Cut => 0,
            TransitionKind::Dissolve => self.duration_ms.unwrap_or(500).min(LONGEST_DISSOLVE),
        }
    }

    /// A sentence if it cannot be.
    pub fn check(&self) -> Result<(), String> {
        match self.duration_ms {
            Some(millis) if millis > LONGEST_DISSOLVE => {
                Err(format!("a dissolve takes at most {LONGEST_DISSOLVE} ms, not {millis}"))
            }
            _ => Ok(()),
        }
    }
}

/// How two sources share the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// The first left, the second right, each at half the width.
    SideBySide,
    /// The first full, the second small in a corner.
    Pip,
}

/// A corner of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words say it")]
pub enum Corner {
    TopLeft,
    TopRight,
    BottomLeft,
    #[default]
    BottomRight,
}

/// Two sources in one picture, both heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    /// How they share the picture.
    pub layout: Layout,
    /// Where the small picture is.
    #[serde(default)]
    pub corner: Corner,
    /// Width of the small picture, percent of the program's, 10 to 50.
    #[serde(default = "usual_size")]
    pub size_percent: u8,
    /// The sources; if one does not deliver, the other is shown alone.
    pub sources: [SourceId; 2],
}

fn usual_size() -> u8 {
    30
}

impl Scene {
    /// A sentence if it cannot be.
    pub fn check(&self) -> Result<(), String> {
        if self.sources[0] == self.sources[1] {
            return Err("a scene is made of two different sources".to_owned());
        }
        if !INSET_PERCENT.contains(&self.size_percent) {
            return Err(format!("the small picture is 10 to 50 percent wide, not {}", self.size_percent));
        }
        Ok(())
    }
}

/// A take, as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TakeOrder {
    /// What to show; what is in preview if none.
    pub order: Option<ProgramOrder>,
    /// How to get there.
    pub transition: Transition,
    /// When; at once if none.
    pub at: Option<MediaTime>,
    /// What is in preview, as far as who takes knows; whatever is if none.
    pub expect: Option<ProgramOrder>,
}

impl TakeOrder {
    /// A cut to `order`, now.
    pub fn cut(order: ProgramOrder) -> Self {
        Self { order: Some(order), ..Self::default() }
    }

    /// A sentence if it cannot be.
    pub fn check(&self) -> Result<(), String> {
        if let Some(ProgramOrder::Scene { scene }) = &self.order {
            scene.check()?;
        }
        self.transition.check()
    }
}

/// A take that is to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ScheduledTake {
    /// Names it, to cancel it.
    pub id: u64,
    /// What to show.
    pub order: ProgramOrder,
    /// How to get there.
    #[serde(default)]
    pub transition: Transition,
    /// The first frame at or after this time shows it.
    pub at: MediaTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scene_needs_two_sources_and_a_size_that_can_be_seen() {
        let scene = |a: &str, b: &str, size_percent| Scene {
            layout: Layout::Pip,
            corner: Corner::default(),
            size_percent,
            sources: [a.parse().unwrap(), b.parse().unwrap()],
        };
        assert!(scene("host", "guest", 30).check().is_ok());
        assert!(scene("host", "host", 30).check().is_err());
        assert!(scene("host", "guest", 5).check().is_err());
    }

    #[test]
    fn a_cut_takes_no_time_whatever_is_said() {
        let cut = Transition { kind: TransitionKind::Cut, duration_ms: Some(500) };
        assert_eq!((cut.millis(), Transition::dissolve(400).millis()), (0, 400));
        assert!(Transition::dissolve(LONGEST_DISSOLVE + 1).check().is_err());
    }
}
