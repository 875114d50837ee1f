//! Low latency over the whole chain: parts, blocking reload, delta updates, by the rules of rfc8216bis.

use std::collections::{BTreeMap, HashMap};

use nix::sys::signal::Signal;

use crate::delivered::object;
use crate::process;
use crate::rig::{PLAIN, RENDITIONS, Rig};

fn rig() -> Rig {
    let mut rig = Rig::new(&[("a", PLAIN)]);
    let class = rig.path("pipelines/rig.toml");
    let text = std::fs::read_to_string(&class).unwrap();
    std::fs::write(class, text.replace("playlist_segments = 10", "playlist_segments = 10\npart_ms = 200")).unwrap();
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    rig
}

/// A media playlist, as far as these rules go.
#[derive(Debug, Clone, Default)]
struct List {
    target: f64,
    part_target: f64,
    first: u64,
    skipped: u64,
    /// Seconds of each whole segment that is not skipped.
    segments: Vec<f64>,
    /// By segment: URI, seconds, whether independent.
    parts: BTreeMap<u64, Vec<(String, f64, bool)>>,
    hint: Option<String>,
}

fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!("{name}="))?;
    Some(rest.split(',').next()?.trim_matches('"'))
}

impl List {
    fn read(text: &str) -> Self {
        let mut list = Self::default();
        let number = |text: &str| text.parse::<f64>().unwrap();
        for line in text.lines() {
            let (tag, value) = line.split_once(':').unwrap_or((line, ""));
            match tag {
                "#EXT-X-TARGETDURATION" => list.target = number(value),
                "#EXT-X-MEDIA-SEQUENCE" => list.first = value.parse().unwrap(),
                "#EXT-X-PART-INF" => list.part_target = number(attribute(line, "PART-TARGET").unwrap()),
                "#EXT-X-SKIP" => list.skipped = attribute(line, "SKIPPED-SEGMENTS").unwrap().parse().unwrap(),
                "#EXTINF" => list.segments.push(number(value.trim_end_matches(','))),
                "#EXT-X-PART" => {
                    let (uri, seconds) = (attribute(line, "URI").unwrap(), attribute(line, "DURATION").unwrap());
                    let part = (uri.to_owned(), number(seconds), line.contains("INDEPENDENT=YES"));
                    let of = list.first + list.skipped + list.segments.len() as u64;
                    list.parts.entry(of).or_default().push(part);
                }
                "#EXT-X-PRELOAD-HINT" => list.hint = attribute(line, "URI").map(str::to_owned),
                "#EXT-X-SERVER-CONTROL" => list.check_control(line, text),
                _ => {}
            }
        }
        list
    }

    fn check_control(&self, line: &str, text: &str) {
        let target: f64 = text.split_once("PART-TARGET=").unwrap().1.split('\n').next().unwrap().parse().unwrap();
        let hold_back: f64 = attribute(line, "PART-HOLD-BACK").unwrap().parse().unwrap();
        let skip: f64 = attribute(line, "CAN-SKIP-UNTIL").unwrap().parse().unwrap();
        // 4.4.3.8
        assert!(line.contains("CAN-BLOCK-RELOAD=YES"), "{line}");
        assert!(hold_back >= 3.0 * target - 1e-9, "{line}: PART-HOLD-BACK is below three part targets");
        assert!(skip >= 6.0 * self.target, "{line}: CAN-SKIP-UNTIL is below six target durations");
    }

    /// The number behind the last whole segment.
    fn open(&self) -> u64 {
        self.first + self.skipped + self.segments.len() as u64
    }

    /// What rfc8216bis 4.4.3.7 and 4.4.4.9 ask of parts.
    fn check(&self) {
        let open = self.open();
        for (number, parts) in &self.parts {
            // Parts that are more than three target durations from the end are not listed.
            assert!(number + 3 >= open, "parts of {number} are listed although {open} is open");
            for (index, (uri, seconds, _)) in parts.iter().enumerate() {
                assert_eq!(*uri, format!("{number}.{index}.m4s"));
                assert!(*seconds <= self.part_target, "{uri} is longer than the target");
            }
            let Some(whole) =
                number.checked_sub(self.first + self.skipped).and_then(|at| self.segments.get(at as usize))
            else {
                assert_eq!(*number, open, "parts of a segment that is not the next");
                continue;
            };
            let sum: f64 = parts.iter().map(|(_, seconds, _)| seconds).sum();
            assert!((sum - whole).abs() < 0.001, "the parts of {number} last {sum} s, it lasts {whole} s");
            // Of a segment that was begun in its middle the first part may be shorter.
            if *whole > self.target * 0.99 {
                let short = parts[..parts.len() - 1].iter().find(|(_, seconds, _)| *seconds < self.part_target * 0.85);
                assert!(short.is_none(), "{short:?} is below 85 % of the target");
            }
        }
        let told = self.parts.get(&open).map_or(0, Vec::len);
        assert_eq!(self.hint, Some(format!("{open}.{told}.m4s")));
    }
}

/// A player that follows one rendition by blocking reloads.
struct Player<'a> {
    rig: &'a Rig,
    rendition: &'a str,
    list: List,
    /// Every part that was ever fetched.
    fetched: HashMap<String, Vec<u8>>,
}

impl<'a> Player<'a> {
    fn new(rig: &'a Rig, rendition: &'a str) -> Self {
        let mut player = Self { rig, rendition, list: List::default(), fetched: HashMap::new() };
        player.list = player.load("");
        player
    }

    fn load(&self, query: &str) -> List {
        let path = format!("a/{}/media.m3u8{query}", self.rendition);
        let text = String::from_utf8(object(self.rig, &path)).unwrap();
        let list = List::read(&text);
        list.check();
        let others = RENDITIONS.iter().filter(|other| **other != self.rendition);
        for other in others {
            assert!(
                text.contains(&format!("#EXT-X-RENDITION-REPORT:URI=\"../{other}/media.m3u8\",LAST-MSN=")),
                "{text}"
            );
        }
        list
    }

    /// Asks for the next part, and fetches all that is listed.
    fn step(&mut self) {
        let open = self.list.open();
        let part = self.list.parts.get(&open).map_or(0, Vec::len);
        let list = self.load(&format!("?_HLS_msn={open}&_HLS_part={part}&_HLS_skip=YES"));
        let has = list.open() > open || list.parts.get(&open).is_some_and(|parts| parts.len() > part);
        assert!(has, "asked for part {part} of {open}: {list:?}");
        assert!(list.first >= self.list.first, "the media sequence went back");
        // What was told stays as it is.
        for (number, before) in &self.list.parts {
            if let Some(now) = list.parts.get(number) {
                assert_eq!(before[..], now[..before.len()], "the parts of {number} changed");
            }
        }
        for (uri, ..) in list.parts.values().flatten() {
            let bytes = object(self.rig, &format!("a/{}/{uri}", self.rendition));
            let before = self.fetched.insert(uri.clone(), bytes.clone());
            assert!(before.is_none_or(|before| before == bytes), "{uri} has other bytes than before");
        }
        self.list = list;
    }

    /// The parts of every segment that was seen whole are its bytes.
    fn compare(&self) -> usize {
        let mut compared = 0;
        for (number, parts) in self.list.parts.range(..self.list.open()) {
            let whole = object(self.rig, &format!("a/{}/{number}.m4s", self.rendition));
            let joined: Vec<u8> = parts.iter().flat_map(|(uri, ..)| self.fetched[uri].clone()).collect();
            assert!(whole == joined, "the parts of {number} are not its bytes");
            assert!(self.rendition == "sound" || parts[0].2, "{number} does not begin with an independent part");
            compared += 1;
        }
        compared
    }
}

#[test]
fn players_get_parts_as_they_are_made() {
    let rig = rig();
    for rendition in RENDITIONS {
        let mut player = Player::new(&rig, rendition);
        let from = player.list.open();
        while player.list.open() < from + 4 {
            player.step();
        }
        let compared = player.compare();
        assert!(compared >= 2, "{rendition}: only {compared} segments are there in parts");
        let delta = player.load("?_HLS_skip=YES");
        let full = player.load("");
        assert!(delta.skipped == 0 || delta.first == full.first || delta.first + 1 == full.first);
    }
}

#[test]
fn a_killed_worker_repeats_no_name_with_other_bytes() {
    let rig = rig();
    let mut player = Player::new(&rig, RENDITIONS[0]);
    for _ in 0..2 {
        for _ in 0..7 {
            player.step();
        }
        let old = rig.worker("a");
        process::signal(old, Signal::SIGKILL);
        rig.wait_channel("a", "another worker on air", |channel| {
            channel.on_air && channel.worker.as_ref().is_some_and(|worker| worker.pid != old)
        });
        // What the player waits for may be overtaken: it begins anew at the live edge, with what it has.
        player.list = player.load("");
        player.list.parts.clear();
    }
    let from = player.list.open();
    while player.list.open() < from + 4 {
        player.step();
    }
    assert!(player.compare() >= 2);
}
