//! What objects are called at a destination: `{channel}/{rendition}/{name}`, or as a technician says.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::id::{ChannelId, RenditionId};
use super::time::MediaTime;

/// Elements between slashes; the last is the name. Date and hour are those of the segment's start, in UTC, so that two
/// boxes, and one before and after a restart, use the same names.
///
/// | in the template | stands for |
/// |---|---|
/// | `{channel}`, `{rendition}` | their identifiers |
/// | `{date}`, `{hour}` | `2026-11-21`, `07`: of the segment's start |
/// | `{name}` | the file's name; must be the last element |
///
/// What belongs to no time (initialisations, playlists) lies where the template says without the elements that hold a
/// date or an hour, and the multivariant playlist also without those that hold the rendition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathTemplate {
    elements: Vec<Vec<Piece>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Channel,
    Rendition,
    Date,
    Hour,
    Name,
}

/// Which object a path is wanted for.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'a> {
    /// The channel.
    pub channel: &'a ChannelId,
    /// The rendition; none for the multivariant playlist.
    pub rendition: Option<&'a RenditionId>,
    /// The file's name.
    pub name: &'a str,
    /// When its segment begins; none for what belongs to no time.
    pub start: Option<MediaTime>,
}

impl PathTemplate {
    /// As it is if nobody says anything.
    pub const DEFAULT: &'static str = "{channel}/{rendition}/{name}";

    /// Where an object lies, without a leading slash.
    pub fn path(&self, of: Placed<'_>) -> String {
        let mut path = String::new();
        for element in self.elements.iter().filter(|element| applies(element, of)) {
            if !path.is_empty() {
                path.push('/');
            }
            element.iter().for_each(|piece| write(&mut path, piece, of));
        }
        path
    }

    /// Whether it is [`PathTemplate::DEFAULT`].
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

fn applies(element: &[Piece], of: Placed<'_>) -> bool {
    let dated = element.iter().any(|piece| matches!(piece, Piece::Date | Piece::Hour));
    (of.start.is_some() || !dated) && (of.rendition.is_some() || !element.contains(&Piece::Rendition))
}

fn write(path: &mut String, piece: &Piece, of: Placed<'_>) {
    // 2026-11-21T07:00:00…
    let utc = |from: usize, to: usize| of.start.map(|start| start.to_string()[from..to].to_owned()).unwrap_or_default();
    match piece {
        Piece::Text(text) => path.push_str(text),
        Piece::Channel => path.push_str(of.channel.as_str()),
        Piece::Rendition => path.push_str(of.rendition.map_or("", RenditionId::as_str)),
        Piece::Date => path.push_str(&utc(0, 10)),
        Piece::Hour => path.push_str(&utc(11, 13)),
        Piece::Name => path.push_str(of.name),
    }
}

impl Default for PathTemplate {
    fn default() -> Self {
        Self { elements: vec![vec![Piece::Channel], vec![Piece::Rendition], vec![Piece::Name]] }
    }
}

/// Why a template is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    /// The last element must be the name, and nothing else may.
    #[error("must end in /{{name}}, and have no other {{name}}")]
    Name,
    /// Renditions would overwrite one another.
    #[error("must have {{rendition}} once, or renditions would overwrite one another")]
    Rendition,
    /// Neither text nor a known word.
    #[error("has `{0}`, which is none of {{channel}}, {{rendition}}, {{date}}, {{hour}}, {{name}}")]
    Unknown(String),
    /// An empty element, `.` or `..`.
    #[error("must be names between single slashes, none of them `.` or `..`, and none at the beginning")]
    Element,
    /// A character that would have to be quoted somewhere.
    #[error("has `{0}`: beside the words in braces only letters, digits, `.`, `_`, `-` and `/` may stand")]
    Character(char),
}

impl FromStr for PathTemplate {
    type Err = TemplateFault;

    fn from_str(text: &str) -> Result<Self, TemplateFault> {
        let elements: Vec<Vec<Piece>> = text.split('/').map(element).collect::<Result<_, _>>()?;
        let count = |wanted: &Piece| elements.iter().flatten().filter(|piece| *piece == wanted).count();
        if elements.last().is_none_or(|last| *last != [Piece::Name]) || count(&Piece::Name) != 1 {
            return Err(TemplateFault::Name);
        }
        if count(&Piece::Rendition) != 1 {
            return Err(TemplateFault::Rendition);
        }
        Ok(Self { elements })
    }
}

fn element(text: &str) -> Result<Vec<Piece>, TemplateFault> {
    if matches!(text, "" | "." | "..") {
        return Err(TemplateFault::Element);
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some(word) = rest.strip_prefix('{') else {
            let length = rest.find('{').unwrap_or(rest.len());
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if let Some(bad) = rest[..length].chars().find(|c| !plain(*c)) {
                return Err(TemplateFault::Character(bad));
            }
            pieces.push(Piece::Text(rest[..length].to_owned()));
            rest = &rest[length..];
            continue;
        };
        let length = word.find('}').ok_or_else(|| TemplateFault::Unknown(rest.to_owned()))?;
        pieces.push(match &word[..length] {
            "channel" => Piece::Channel,
            "rendition" => Piece::Rendition,
            "date" => Piece::Date,
            "hour" => Piece::Hour,
            "name" => Piece::Name,
            other => return Err(TemplateFault::Unknown(format!("{{{other}}}"))),
        });
        rest = &word[length + 1..];
    }
    Ok(pieces)
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, element) in self.elements.iter().enumerate() {
            if index > 0 {
                f.write_str("/")?;
            }
            for piece in element {
                f.write_str(match piece {
                    Piece::Text(text) => text,
                    Piece::Channel => "{channel}",
                    Piece::Rendition => "{rendition}",
                    Piece::Date => "{date}",
                    Piece::Hour => "{hour}",
                    Piece::Name => "{name}",
                })?;
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for PathTemplate {
    type Error = TemplateFault;

    fn try_from(text: String) -> Result<Self, TemplateFault> {
        text.parse()
    }
}

impl From<PathTemplate> for String {
    fn from(template: PathTemplate) -> Self {
        template.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(template: &str, rendition: Option<&str>, name: &str, start: Option<MediaTime>) -> String {
        let (channel, rendition) = (ChannelId::new("demo").unwrap(), rendition.map(|id| RenditionId::new(id).unwrap()));
        let placed = Placed { channel: &channel, rendition: rendition.as_ref(), name, start };
        template.parse::<PathTemplate>().unwrap().path(placed)
    }

    #[test]
    fn each_kind_of_object_has_its_place() {
        // 2026-11-21T07:00:00Z.
        let start = Some(MediaTime::from_nanos(1_795_244_400_000_000_000));
        for (template, segment, playlist, multivariant) in [
            (PathTemplate::DEFAULT, "demo/v/1.m4s", "demo/v/media.m3u8", "demo/multivariant.m3u8"),
            ("{rendition}/{name}", "v/1.m4s", "v/media.m3u8", "multivariant.m3u8"),
            (
                "tv/{date}/{hour}/x-{rendition}/{name}",
                "tv/2026-11-21/07/x-v/1.m4s",
                "tv/x-v/media.m3u8",
                "tv/multivariant.m3u8",
            ),
        ] {
            assert_eq!(path(template, Some("v"), "1.m4s", start), segment);
            assert_eq!(path(template, Some("v"), "media.m3u8", None), playlist);
            assert_eq!(path(template, None, "multivariant.m3u8", None), multivariant);
            assert_eq!(template.parse::<PathTemplate>().unwrap().to_string(), template);
        }
    }

    #[test]
    fn faults_are_told_apart() {
        for (template, fault) in [
            ("{channel}/{rendition}", TemplateFault::Name),
            ("{rendition}/x{name}", TemplateFault::Name),
            ("{channel}/{name}", TemplateFault::Rendition),
            ("{rendition}/{rendition}/{name}", TemplateFault::Rendition),
            ("{show}/{rendition}/{name}", TemplateFault::Unknown("{show}".to_owned())),
            ("/{rendition}/{name}", TemplateFault::Element),
            ("a/../{rendition}/{name}", TemplateFault::Element),
            ("a b/{rendition}/{name}", TemplateFault::Character(' ')),
            ("{rendition/{name}", TemplateFault::Unknown("{rendition".to_owned())),
        ] {
            assert_eq!(template.parse::<PathTemplate>(), Err(fault), "{template}");
        }
    }
}
