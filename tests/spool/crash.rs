//! Random runs that end in random crashes: what is on disk afterwards always opens, and is what was promised.

use std::fs;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use uplink::hls::{MediaPlaylist, MediaSegment};
use uplink::spool::{Segment, Spool};

use crate::fixture::{FIRST, Feed, at, audio, check, grid, start, video};

/// One run of a worker, and how it ends.
#[derive(Debug, Clone)]
struct Run {
    /// Half seconds that pass before it begins.
    pause: u64,
    /// Chunks until the end, over both renditions.
    chunks: u64,
    /// What the power loss takes from the end of each file that was not yet promised (unfinished segment, index).
    torn: usize,
    /// Ends in an orderly way instead.
    orderly: bool,
    /// Old segments are let go at the end.
    retain: bool,
}

fn run() -> impl Strategy<Value = Run> {
    (0u64..12, 0u64..40, 0usize..400, prop::bool::weighted(0.2), prop::bool::weighted(0.2))
        .prop_map(|(pause, chunks, torn, orderly, retain)| Run { pause, chunks, torn, orderly, retain })
}

/// Copies a spool as a crash at this moment would leave it.
fn crash(from: &Path, to: &Path, torn: usize) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir(&target).unwrap();
            crash(&path, &target, torn);
            continue;
        }
        let data = fs::read(&path).unwrap();
        let torn = match path.extension().and_then(|extension| extension.to_str()) {
            Some("part") => torn,
            // The last line: a crash between the renaming of a segment and its line.
            Some("jsonl") => torn.min(150),
            _ => 0,
        };
        fs::write(&target, &data[..data.len().saturating_sub(torn)]).unwrap();
    }
}

/// All of a segment that players see. What is read back from media may differ by the rounding of its timescale.
fn essence(segment: &Segment) -> Segment {
    let micros = (segment.duration.as_nanos() + 500) / 1000;
    Segment { duration: Duration::from_micros(micros as u64), ..segment.clone() }
}

/// What players were told so far.
#[derive(Default)]
struct Told {
    sequences: [(u64, u64); 2],
    segments: [Vec<Segment>; 2],
}

impl Told {
    /// Numbers and counts never go back, and nothing that was promised changes or vanishes.
    fn tell(&mut self, spool: &Spool, feeds: &[Feed]) {
        for (index, feed) in feeds.iter().enumerate() {
            let segments = spool.segments(&feed.id);
            let oldest = segments.first().map_or(u64::MAX, |segment| segment.number);
            let newest = self.segments[index].last().map_or(0, |segment| segment.number);
            let known = self.segments[index].iter().filter(|segment| segment.number >= oldest);
            let kept = segments.iter().take_while(|segment| segment.number <= newest);
            assert!(known.map(essence).eq(kept.map(essence)));
            let listed: Vec<_> = segments.iter().cloned().map(MediaSegment::from).collect();
            if let Some(playlist) = MediaPlaylist::new(&grid().into(), 5, &listed) {
                let now = (playlist.media_sequence(), playlist.discontinuity_sequence());
                let before = std::mem::replace(&mut self.sequences[index], now);
                assert!(now.0 >= before.0 && now.1 >= before.1, "{before:?} → {now:?}");
            }
            self.segments[index] = segments;
        }
    }
}

/// Where both renditions have a number, they count the same discontinuities before it.
fn assert_renditions_agree(told: &Told) {
    for segment in &told.segments[0] {
        if let Some(other) = told.segments[1].iter().find(|other| other.number == segment.number) {
            assert_eq!(other.discontinuity_sequence, segment.discontinuity_sequence, "at {}", segment.number);
        }
    }
}

/// Each case is up to six runs on a real disk.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_crash_at_any_time_costs_only_what_was_not_promised(runs in prop::collection::vec(run(), 1..7)) {
        let feeds = [video(), audio()];
        let mut dir = tempfile::tempdir().unwrap();
        let (mut half, mut told) = (FIRST * 4, Told::default());
        for run in runs {
            half += run.pause;
            let (spool, _) = start(dir.path(), &feeds, at(half / 4, half % 4));
            check(&spool);
            told.tell(&spool, &feeds);
            for chunk in 0..run.chunks {
                let feed = &feeds[(chunk % 2) as usize];
                spool.put_chunk(feed.chunk(half / 4, half % 4)).unwrap();
                half += chunk % 2;
            }
            // Time goes on, also where a crash came between the renditions.
            half += run.chunks % 2;
            if run.retain {
                spool.retain(at(half / 4 + 1800 - 3, 0), &|_, _| true);
            }
            if run.orderly {
                spool.finish().unwrap();
                // The rest of a segment that was closed by a stop is not taken any more.
                half = (half / 4 + 1) * 4;
            }
            check(&spool);
            told.tell(&spool, &feeds);
            assert_renditions_agree(&told);
            let after = tempfile::tempdir().unwrap();
            crash(dir.path(), after.path(), run.torn);
            drop(spool);
            dir = after;
        }
    }
}
