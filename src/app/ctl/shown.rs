//! What `uplinkctl take` and `preview` show: a source, two in one picture, the slate, or the best there is.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::model::{Corner, Layout, Scene, SourceId};

/// What a picture in a picture is not: clap asks for nothing that conflicts with what is there.
const NOT_PIP: [&str; 4] = ["source", "slate", "best", "side_by_side"];

/// One of them, or none.
#[derive(Debug, Args)]
pub(crate) struct Shown {
    /// The source's id.
    #[arg(conflicts_with_all = ["slate", "best", "side_by_side", "pip"])]
    source: Option<SourceId>,
    /// The slate.
    #[arg(long, conflicts_with_all = ["best", "side_by_side", "pip"])]
    slate: bool,
    /// The first healthy source, and from then on as the rules say.
    #[arg(long, conflicts_with_all = ["side_by_side", "pip"])]
    best: bool,
    /// Two sources beside each other.
    #[arg(long, num_args = 2, value_names = ["LEFT", "RIGHT"], conflicts_with = "pip")]
    side_by_side: Option<Vec<SourceId>>,
    /// The second source small in a corner of the first.
    #[arg(long, num_args = 2, value_names = ["FULL", "SMALL"])]
    pip: Option<Vec<SourceId>>,
    /// Which corner.
    #[arg(long, requires = "pip", conflicts_with_all = NOT_PIP, default_value = "bottom-right")]
    corner: At,
    /// Width of the small picture, percent of the program's.
    #[arg(long, requires = "pip", conflicts_with_all = NOT_PIP, default_value_t = 30, value_name = "PERCENT")]
    size: u8,
}

/// A corner of the picture.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum At {
    TopLeft,
    TopRight,
    BottomLeft,
    BottomRight,
}

impl From<At> for Corner {
    fn from(at: At) -> Self {
        match at {
            At::TopLeft => Corner::TopLeft,
            At::TopRight => Corner::TopRight,
            At::BottomLeft => Corner::BottomLeft,
            At::BottomRight => Corner::BottomRight,
        }
    }
}

impl Shown {
    /// What of the body says what to show.
    pub(crate) fn body(&self) -> Map<String, Value> {
        let plain = self.slate.then_some("slate").or(self.best.then_some("auto"));
        let named = [
            self.source.as_ref().map(|source| ("source".to_owned(), json!(source))),
            plain.map(|show| ("show".to_owned(), json!(show))),
            self.scene().map(|scene| ("scene".to_owned(), json!(scene))),
        ];
        named.into_iter().flatten().collect()
    }

    /// The body of a take, with how to get there and when.
    pub(crate) fn take(&self, dissolve: Option<u32>, at: Option<&str>) -> Value {
        let mut body = self.body();
        body.extend(at.map(|at| ("at".to_owned(), json!(at))));
        let transition = dissolve.map(|millis| json!({ "kind": "dissolve", "duration_ms": millis }));
        body.extend(transition.map(|transition| ("transition".to_owned(), transition)));
        body.into()
    }

    fn scene(&self) -> Option<Scene> {
        let (layout, sources) = match (&self.side_by_side, &self.pip) {
            (Some(sources), _) => (Layout::SideBySide, sources),
            (None, Some(sources)) => (Layout::Pip, sources),
            (None, None) => return None,
        };
        let sources: [SourceId; 2] = sources.clone().try_into().ok()?;
        Some(Scene { layout, corner: self.corner.into(), size_percent: self.size, sources })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        shown: Shown,
    }

    fn body(line: &str) -> Result<Value, clap::error::ErrorKind> {
        let words = std::iter::once("x").chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| Value::Object(line.shown.body())).map_err(|error| error.kind())
    }

    #[test]
    fn each_way_to_say_what_to_show_is_one_of_the_api() {
        assert_eq!(body("").unwrap(), json!({}));
        assert_eq!(body("cam-2").unwrap(), json!({"source": "cam-2"}));
        assert_eq!(body("--slate").unwrap(), json!({"show": "slate"}));
        assert_eq!(body("--best").unwrap(), json!({"show": "auto"}));
        let dissolved = Line::try_parse_from(["x", "cam"]).unwrap().shown.take(Some(500), Some("2026-11-21T20:00:00Z"));
        let how = json!({"kind": "dissolve", "duration_ms": 500});
        assert_eq!(dissolved, json!({"source": "cam", "transition": how, "at": "2026-11-21T20:00:00Z"}));
        let scene = body("--pip host guest --corner top-left --size 25").unwrap();
        let expected = json!({"layout": "pip", "corner": "top_left", "size_percent": 25, "sources": ["host", "guest"]});
        assert_eq!(scene, json!({"scene": expected}));
        assert_eq!(body("--side-by-side a b").unwrap()["scene"]["layout"], "side_by_side");
        for two in ["cam --slate", "--slate --best", "--pip a b --side-by-side c d", "cam --corner top-left", "--pip a"]
        {
            assert!(body(two).is_err(), "{two}");
        }
    }
}
