//! A pushed media playlist with parts, and what a server can add to it (rfc8216bis 6.2.5): blocking reload, delta
//! updates, preload hints, rendition reports. What is stored stays as it was pushed. Pure.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::directives::Directives;
use crate::hls::part_name;

/// CAN-SKIP-UNTIL in target durations: the least that rfc8216bis 4.4.3.8 allows.
const SKIP_UNTIL: u64 = 6;
/// A request is held for so many target durations (6.2.5.2).
const HELD: u32 = 3;
/// How far ahead of the last part a request may ask, in seconds of parts (6.2.5.2).
const ADVANCE_SECONDS: f64 = 3.0;

/// The place behind all that a playlist lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The segment that is not complete yet.
    pub(crate) segment: u64,
    /// Its parts that are listed.
    pub(crate) parts: u32,
}

/// A segment with its tags.
#[derive(Debug, Default)]
struct Entry {
    lines: String,
    ranges: String,
    seconds: f64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct LowLatency {
    head: String,
    entries: Vec<Entry>,
    /// What stands behind the last whole segment.
    rest: Entry,
    target: u64,
    part_target: f64,
    hold_back: String,
    end: Place,
    /// Parts listed of each segment.
    parts: BTreeMap<u64, u32>,
    ended: bool,
}

impl LowLatency {
    /// Reads a playlist; none if it has no parts, or not what parts need.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (mut head, mut entries, mut entry) = (String::new(), Vec::new(), Entry::default());
        let (mut target, mut part_target, mut hold_back, mut first) = (None, None, None, 0);
        let (mut parts, mut listed, mut ended) = (BTreeMap::new(), 0, false);
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            let (tag, value) = line.split_once(':').unwrap_or((line, ""));
            let number = first + entries.len() as u64;
            match tag {
                "#EXT-X-ENDLIST" => ended = true,
                "#EXT-X-SERVER-CONTROL" => hold_back = attribute(value, "PART-HOLD-BACK"),
                "#EXT-X-PRELOAD-HINT" | "#EXT-X-RENDITION-REPORT" => {}
                "#EXT-X-DATERANGE" => push_line(&mut entry.ranges, line),
                "#EXTINF" => {
                    entry.seconds = value.split(',').next()?.trim().parse().ok()?;
                    push_line(&mut entry.lines, line);
                }
                "#EXT-X-PART" => {
                    listed += 1;
                    parts.insert(number, listed);
                    push_line(&mut entry.lines, line);
                }
                "#EXT-X-DISCONTINUITY"
                | "#EXT-X-MAP"
                | "#EXT-X-GAP"
                | "#EXT-X-PROGRAM-DATE-TIME"
                | "#EXT-X-BYTERANGE"
                | "#EXT-X-BITRATE"
                | "#EXT-X-KEY" => push_line(&mut entry.lines, line),
                _ if !line.starts_with('#') => {
                    push_line(&mut entry.lines, line);
                    entries.push(std::mem::take(&mut entry));
                    listed = 0;
                }
                _ => {
                    match tag {
                        "#EXT-X-TARGETDURATION" => target = value.trim().parse().ok(),
                        "#EXT-X-MEDIA-SEQUENCE" => first = value.trim().parse().ok()?,
                        "#EXT-X-PART-INF" => part_target = attribute(value, "PART-TARGET"),
                        _ => {}
                    }
                    push_line(&mut head, line);
                }
            }
        }
        let part_target = part_target?.parse().ok().filter(|seconds: &f64| *seconds > 0.0)?;
        let end = Place { segment: first.checked_add(entries.len() as u64)?, parts: listed };
        let hold_back = hold_back.map_or_else(|| format!("{:.6}", part_target * 3.0), str::to_owned);
        Some(Self { head, entries, rest: entry, target: target?, part_target, hold_back, end, parts, ended })
    }

    /// The place behind all that it lists.
    pub(crate) fn end(&self) -> Place {
        self.end
    }

    /// EXT-X-TARGETDURATION.
    pub(crate) fn target(&self) -> Duration {
        Duration::from_secs(self.target)
    }

    /// How long a request is held.
    pub(crate) fn patience(&self) -> Duration {
        self.target() * HELD
    }

    /// Whether it has what is asked for; so does every playlist that has ended.
    pub(crate) fn has(&self, asked: &Directives) -> bool {
        let Some(segment) = asked.segment else { return true };
        let Some(part) = asked.part else { return self.ended || self.end.segment > segment };
        // Behind the last part of a segment that is complete comes the first of the next one.
        let beyond = self.parts.get(&segment).is_some_and(|parts| part >= *parts) && self.end.segment > segment;
        let (segment, part) = if beyond { (segment + 1, 0) } else { (segment, part) };
        self.ended || self.end.segment > segment || (self.end.segment == segment && self.end.parts > part)
    }

    /// Whether what is asked for is so far ahead that it is no use to wait (6.2.5.2).
    pub(crate) fn is_too_far(&self, asked: &Directives) -> bool {
        let Some(segment) = asked.segment.filter(|_| !self.ended) else { return false };
        let most = (ADVANCE_SECONDS / self.part_target).ceil().max(3.0) as u32;
        segment > self.end.segment.saturating_add(1)
            || (segment == self.end.segment
                && asked.part.is_some_and(|part| part >= self.end.parts.saturating_add(most)))
    }

    /// Whether this part may be asked for before it is there.
    pub(crate) fn hints_at(&self, number: u64, index: u32) -> bool {
        let Place { segment, parts } = self.end;
        !self.ended && ((number, index) == (segment, parts) || (number, index) == (segment + 1, 0))
    }

    /// The text that players get; `others` are the other renditions of the channel and where they end.
    pub(crate) fn text<'a>(&self, skip: bool, others: impl Iterator<Item = (&'a str, &'a LowLatency)>) -> String {
        let mut text = self.head.clone();
        let until = self.target * SKIP_UNTIL;
        let _ = writeln!(
            text,
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL={until},PART-HOLD-BACK={}",
            self.hold_back
        );
        let skipped = if skip { self.skippable() } else { 0 };
        if skipped > 0 {
            let _ = writeln!(text, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}");
        }
        for (index, entry) in self.entries.iter().chain([&self.rest]).enumerate() {
            // Date ranges are not skipped: only segments and their own tags are.
            text.push_str(&entry.ranges);
            if index >= skipped {
                text.push_str(&entry.lines);
            }
        }
        if self.ended {
            text.push_str("#EXT-X-ENDLIST\n");
            return text;
        }
        let hint = part_name(self.end.segment, self.end.parts);
        let _ = writeln!(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{hint}\"");
        for (rendition, other) in others {
            other.report(rendition, &mut text);
        }
        text
    }

    /// Segments that are older than the skip boundary.
    fn skippable(&self) -> usize {
        let boundary = (self.target * SKIP_UNTIL) as f64;
        let mut behind = self.rest_seconds();
        let kept = self.entries.iter().rev().take_while(|entry| {
            behind += entry.seconds;
            behind <= boundary
        });
        self.entries.len().saturating_sub(kept.count() + 1)
    }

    fn rest_seconds(&self) -> f64 {
        f64::from(self.end.parts) * self.part_target
    }

    fn report(&self, rendition: &str, text: &mut String) {
        let Place { segment, parts } = self.end;
        let last = match parts.checked_sub(1) {
            Some(last) => Some((segment, last)),
            None => segment.checked_sub(1).zip(segment.checked_sub(1).and_then(|s| self.parts.get(&s)?.checked_sub(1))),
        };
        let _ = match last {
            Some((segment, part)) => writeln!(
                text,
                "#EXT-X-RENDITION-REPORT:URI=\"../{rendition}/media.m3u8\",LAST-MSN={segment},LAST-PART={part}"
            ),
            None => writeln!(
                text,
                "#EXT-X-RENDITION-REPORT:URI=\"../{rendition}/media.m3u8\",LAST-MSN={}",
                segment.saturating_sub(1)
            ),
        };
    }
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// The value of an attribute that is no quoted string.
fn attribute<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    list.split(',').find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('=')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments 100 to 109 of 1 s, the last two with five parts each, and two parts of 110.
    fn pushed() -> String {
        let mut text = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:1\n#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=0.640002\n\
                        #EXT-X-PART-INF:PART-TARGET=0.213334\n#EXT-X-MEDIA-SEQUENCE:100\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
            .to_owned();
        for number in 100..=110u64 {
            if number == 101 {
                text.push_str("#EXT-X-DATERANGE:ID=\"x\",START-DATE=\"2025-11-13T02:13:20.000Z\"\n");
            }
            let parts = if number == 110 { 2 } else { 5 };
            for part in (0..parts).filter(|_| number >= 108) {
                let _ = writeln!(text, "#EXT-X-PART:DURATION=0.2,URI=\"{number}.{part}.m4s\"");
            }
            if number < 110 {
                let _ = writeln!(text, "#EXTINF:1.0,\n{number}.m4s");
            }
        }
        text
    }

    fn asked(segment: u64, part: Option<u32>) -> Directives {
        Directives { segment: Some(segment), part, skip: false }
    }

    #[test]
    fn a_playlist_without_parts_is_none_of_this() {
        assert!(LowLatency::read("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n1.m4s\n").is_none());
        assert!(LowLatency::read("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-PART-INF:PART-TARGET=0\n").is_none());
        assert!(LowLatency::read("#EXTM3U\n#EXT-X-PART-INF:PART-TARGET=0.2\n").is_none());
    }

    #[test]
    fn what_a_request_waits_for() {
        let list = LowLatency::read(&pushed()).unwrap();
        assert_eq!(list.end(), Place { segment: 110, parts: 2 });
        for (segment, part, has) in [
            (109, None, true),
            (110, None, false),
            (110, Some(1), true),
            (110, Some(2), false),
            (109, Some(4), true),
            // Behind the last part of 109 comes the first of 110.
            (109, Some(5), true),
            (111, Some(0), false),
            (3, Some(900), true),
        ] {
            assert_eq!(list.has(&asked(segment, part)), has, "{segment} {part:?}");
        }
        for (segment, part, too_far) in [
            (111, None, false),
            (112, None, true),
            (110, Some(16), false),
            (110, Some(17), true),
            (u64::MAX, Some(u32::MAX), true),
        ] {
            assert_eq!(list.is_too_far(&asked(segment, part)), too_far, "{segment} {part:?}");
        }
        assert!(list.hints_at(110, 2) && list.hints_at(111, 0) && !list.hints_at(110, 3) && !list.hints_at(110, 1));
        let ended = LowLatency::read(&(pushed() + "#EXT-X-ENDLIST\n")).unwrap();
        assert!(ended.has(&asked(500, None)) && !ended.is_too_far(&asked(500, None)) && !ended.hints_at(110, 2));
    }

    #[test]
    fn players_are_told_what_the_origin_can_do() {
        let list = LowLatency::read(&pushed()).unwrap();
        let text = list.text(false, [("sound", &list)].into_iter());
        assert!(
            text.contains("\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=6,PART-HOLD-BACK=0.640002\n")
        );
        assert_eq!(text.matches("SERVER-CONTROL").count(), 1);
        let end = "#EXT-X-PART:DURATION=0.2,URI=\"110.1.m4s\"\n\
                   #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"110.2.m4s\"\n\
                   #EXT-X-RENDITION-REPORT:URI=\"../sound/media.m3u8\",LAST-MSN=110,LAST-PART=1\n";
        assert!(text.ends_with(end), "{text}");
        // All that was pushed is there, and in its order.
        let own =
            |line: &&str| !line.contains("SERVER-CONTROL") && !line.contains("PRELOAD") && !line.contains("REPORT");
        let pushed = pushed();
        assert_eq!(text.lines().filter(own).collect::<Vec<_>>(), pushed.lines().filter(own).collect::<Vec<_>>());
    }

    #[test]
    fn a_delta_update_skips_what_is_older_than_the_boundary() {
        let list = LowLatency::read(&pushed()).unwrap();
        let text = list.text(true, std::iter::empty());
        assert!(text.contains("\n#EXT-X-SKIP:SKIPPED-SEGMENTS=4\n#EXT-X-DATERANGE:"), "{text}");
        assert!(!text.contains("\n103.m4s\n") && text.contains("\n104.m4s\n"), "{text}");
        assert!(text.contains("#EXT-X-MEDIA-SEQUENCE:100\n"));
    }

    #[test]
    fn a_report_without_an_open_segment_names_the_last_part() {
        let text = pushed().replace("#EXT-X-PART:DURATION=0.2,URI=\"110.0.m4s\"\n", "");
        let text = text.replace("#EXT-X-PART:DURATION=0.2,URI=\"110.1.m4s\"\n", "");
        let list = LowLatency::read(&text).unwrap();
        let mut report = String::new();
        list.report("v", &mut report);
        assert_eq!(report, "#EXT-X-RENDITION-REPORT:URI=\"../v/media.m3u8\",LAST-MSN=109,LAST-PART=4\n");
    }
}
