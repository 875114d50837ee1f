//! Where objects lie at a destination that wants other paths than the usual ones. Pure.
//!
//! Everything else in this module, playlists included, speaks of objects by their usual path,
//! `<channel>/<rendition>/<name>`. What is sent is translated here at the last moment: the path, and in playlists each
//! URI, so that it leads from where the playlist lies to where the segment lies.

use crate::model::path_template::{PathTemplate, Placed};
use crate::model::{ChannelId, RenditionId, SegmentGrid};

/// See the module's header.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// None for the usual paths.
    template: Option<PathTemplate>,
    grid: SegmentGrid,
}

impl Layout {
    /// Paths by `template`; `grid` says when a segment begins.
    pub(crate) fn new(template: &PathTemplate, grid: SegmentGrid) -> Self {
        Self { template: (!template.is_default()).then(|| template.clone()), grid }
    }

    /// Where the object lies whose usual path is `usual`.
    pub(crate) fn path(&self, usual: &str) -> String {
        self.translate(usual).unwrap_or_else(|| usual.to_owned())
    }

    /// The playlist `text`, whose usual path is `usual`, with URIs that lead to where things lie.
    pub(crate) fn playlist(&self, usual: &str, text: String) -> String {
        if self.template.is_none() {
            return text;
        }
        let own = self.path(usual);
        let uri = |uri: &str| self.uri(usual, &own, uri);
        let mut translated = String::with_capacity(text.len() * 2);
        for line in text.lines() {
            match line.strip_prefix('#') {
                Some(_) => in_attributes(line, &mut translated, uri),
                None if line.is_empty() => {}
                None => translated.push_str(&uri(line)),
            }
            translated.push('\n');
        }
        translated
    }

    fn translate(&self, usual: &str) -> Option<String> {
        let template = self.template.as_ref()?;
        let mut parts = usual.split('/');
        let channel = ChannelId::new(parts.next()?).ok()?;
        let (second, third) = (parts.next()?, parts.next());
        let (rendition, name) = match third {
            Some(name) => (Some(RenditionId::new(second).ok()?), name),
            None => (None, second),
        };
        let start = number(name).map(|number| self.grid.start_of(number));
        Some(template.path(Placed { channel: &channel, rendition: rendition.as_ref(), name, start }))
    }

    /// `uri`, as it stands in the playlist with the usual path `usual`, for that playlist at `own`.
    fn uri(&self, usual: &str, own: &str, uri: &str) -> String {
        if uri.starts_with('/') || uri.contains(':') {
            return uri.to_owned();
        }
        let (path, query) = uri.split_at(uri.find('?').unwrap_or(uri.len()));
        let target = self.path(&resolve(usual, path));
        format!("{}{query}", relative(own, &target))
    }
}

/// The number at the beginning of the name of a segment, or of a part of one.
fn number(name: &str) -> Option<u64> {
    let digits = &name[..name.bytes().take_while(u8::is_ascii_digit).count()];
    digits.parse().ok().filter(|_| name[digits.len()..].starts_with('.'))
}

/// Copies `line` to `out`, with `URI="…"` translated.
fn in_attributes(line: &str, out: &mut String, uri: impl Fn(&str) -> String) {
    const MARK: &str = "URI=\"";
    let mut rest = line;
    while let Some(at) = rest.find(MARK) {
        let (before, value) = rest.split_at(at + MARK.len());
        let length = value.find('"').unwrap_or(value.len());
        out.push_str(before);
        out.push_str(&uri(&value[..length]));
        rest = &value[length..];
    }
    out.push_str(rest);
}

/// Where the reference `uri` leads from the object at `base` (RFC 3986, section 5.2, for paths).
fn resolve(base: &str, uri: &str) -> String {
    let mut elements: Vec<&str> = base.split('/').collect();
    elements.pop();
    for element in uri.split('/') {
        match element {
            "." => {}
            ".." => {
                elements.pop();
            }
            _ => elements.push(element),
        }
    }
    elements.join("/")
}

/// The reference that leads from the object at `from` to the one at `to`.
fn relative(from: &str, to: &str) -> String {
    let (from, to): (Vec<&str>, Vec<&str>) = (from.split('/').collect(), to.split('/').collect());
    let directories = from.len() - 1;
    let shared = from[..directories].iter().zip(&to[..to.len() - 1]).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", directories - shared);
    up.chain(to[shared..].iter().copied()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn layout(template: &str) -> Layout {
        Layout::new(&template.parse().unwrap(), SegmentGrid::new(2000).unwrap())
    }

    /// Number of the segment that begins on 2026-11-21 at 07:00:00 UTC.
    const SEVEN: u64 = 1_795_244_400 / 2;

    #[test]
    fn playlists_lead_to_where_segments_lie() {
        let layout = layout("{date}/{hour}/{rendition}/{name}");
        let before = SEVEN - 1;
        let text = format!(
            "#EXTM3U\n#EXT-X-MAP:URI=\"init-0a.mp4\"\n#EXTINF:2,\n{before}.m4s\n#EXT-X-PART:DURATION=0.5,URI=\"{SEVEN}.0.m4s\",INDEPENDENT=YES\n#EXTINF:2,\n{SEVEN}.m4s\n"
        );
        assert_eq!(
            layout.playlist("demo/v/media.m3u8", text),
            format!(
                "#EXTM3U\n#EXT-X-MAP:URI=\"init-0a.mp4\"\n#EXTINF:2,\n../2026-11-21/06/v/{before}.m4s\n#EXT-X-PART:DURATION=0.5,URI=\"../2026-11-21/07/v/{SEVEN}.0.m4s\",INDEPENDENT=YES\n#EXTINF:2,\n../2026-11-21/07/v/{SEVEN}.m4s\n"
            )
        );
        let master = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"a/media.m3u8\"\nv/media.m3u8\n".to_owned();
        assert_eq!(layout.playlist("demo/multivariant.m3u8", master.clone()), master);
        assert_eq!(layout.path("demo/multivariant.m3u8"), "multivariant.m3u8");
    }

    #[test]
    fn other_addresses_stay_as_they_are() {
        let layout = layout("x/{rendition}/{name}");
        let text = "#EXT-X-KEY:METHOD=AES-128,URI=\"https://keys.example/1\"\n#EXT-X-DATERANGE:X=\"a\"\n".to_owned();
        assert_eq!(layout.playlist("demo/v/media.m3u8", text.clone()), text);
    }

    proptest! {
        #[test]
        fn a_reference_leads_where_it_should(
            from in prop::collection::vec("[ab]", 1..5), to in prop::collection::vec("[ab]", 1..5),
        ) {
            let (from, to) = (from.join("/"), to.join("/"));
            prop_assert_eq!(resolve(&from, &relative(&from, &to)), to);
        }

        #[test]
        fn the_usual_template_changes_nothing(rendition in "[a-z][a-z0-9]{0,5}", name in "[0-9]{1,9}\\.m4s") {
            let layout = layout(PathTemplate::DEFAULT);
            let usual = format!("demo/{rendition}/{name}");
            prop_assert_eq!(layout.path(&usual), usual);
        }
    }
}
