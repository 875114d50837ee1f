//! Recordings of a spool: followed, ended, gone on with after a crash, and mended after a power cut at any byte.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use uplink::model::{
    ChannelId, Cued, DestinationId, Event, EventCode, FrameGrid, FrameRate, LiveTimeline, MediaTime, RecordedOf,
    RecordingAsk, RecordingLimits, RecordingStart, Timeline,
};
use uplink::record::{
    Manifest, RecordedRendition, Recorder, RecorderSetting, RecorderStatus, RecordingState, RenditionKind, checksum,
    repair,
};
use uplink::spool::Spool;

use crate::fixture::{FIRST, Feed, at, audio, grid, play, start, video};

/// No wait takes longer, however loaded the machine.
const SOON: Duration = Duration::from_secs(30);

/// A recorder whose clock is set by the test.
struct Deck {
    clock: Arc<AtomicU64>,
    timeline: LiveTimeline,
    events: Receiver<Event>,
    recorder: Recorder,
}

impl Deck {
    fn start(root: &Path, spool: &Spool, now: MediaTime, start: RecordingStart) -> Self {
        let clock = Arc::new(AtomicU64::new(now.as_nanos()));
        let (of_recorder, (tell, events)) = (Arc::clone(&clock), channel());
        let timeline = LiveTimeline::new(Timeline::new(grid(), frames(), Cued::default()));
        let setting = RecorderSetting {
            channel: ChannelId::new("demo").unwrap(),
            of: RecordedOf::Program,
            destination: DestinationId::new("archive").unwrap(),
            directory: root.to_owned(),
            start,
            title: None,
            limits: RecordingLimits::default(),
            renditions: [(video(), RenditionKind::Video), (audio(), RenditionKind::Audio)]
                .map(|(feed, kind)| RecordedRendition::new(feed.id, kind))
                .to_vec(),
            timeline: timeline.clone(),
            now: Box::new(move || MediaTime::from_nanos(of_recorder.load(Ordering::Relaxed))),
            events: Box::new(move |event| drop(tell.send(event))),
        };
        Self { clock, timeline, events, recorder: Recorder::start(setting, spool.clone()).unwrap() }
    }

    fn set(&self, now: MediaTime) {
        self.clock.store(now.as_nanos(), Ordering::Relaxed);
    }

    fn until(&self, what: &str, wanted: impl Fn(&RecorderStatus) -> bool) -> RecorderStatus {
        let late = Instant::now() + SOON;
        loop {
            let status = self.recorder.status();
            if wanted(&status) {
                return status;
            }
            assert!(Instant::now() < late, "waited for {what}: {status:?}");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    fn ask(&self, ask: RecordingAsk) -> uplink::record::Recorded {
        self.recorder.ask(ask).blocking_recv().unwrap()
    }

    /// It has looked around since the clock was set: between two answers it does.
    fn has_looked(&self) {
        for _ in 0..2 {
            assert!(self.ask(RecordingAsk::Start { title: None }).unwrap().1, "it runs already");
        }
    }

    fn codes(&self) -> Vec<EventCode> {
        self.events.try_iter().map(|event| event.code).collect()
    }

    /// As when the worker is killed: nothing is ended.
    fn kill(self) {
        let Deck { recorder, events, .. } = self;
        drop(recorder);
        // The thread has let go when it cannot tell any more.
        while events.recv_timeout(SOON).is_ok() {}
    }
}

fn frames() -> FrameGrid {
    FrameGrid::new(FrameRate::new(30, 1).unwrap())
}

fn feeds() -> [Feed; 2] {
    [video(), audio()]
}

/// The directory of the only recording.
fn only(root: &Path) -> PathBuf {
    let mut all = fs::read_dir(root.join("demo")).unwrap().map(|entry| entry.unwrap().path());
    let one = all.next().expect("a recording");
    assert_eq!(all.next(), None);
    one
}

/// What has to be true of every recording that is over.
fn check(directory: &Path) -> Manifest {
    let manifest = Manifest::load(directory).unwrap();
    assert_ne!(manifest.state, RecordingState::Recording);
    assert!(!directory.join("journal.jsonl").exists());
    let mut bytes = 0;
    for rendition in &manifest.renditions {
        let path = directory.join(rendition.id.as_str());
        for segment in &rendition.segments {
            let (sha256, length) = checksum(&path.join(segment.file_name())).unwrap();
            assert_eq!((&sha256, length), (&segment.sha256, segment.bytes));
            assert!(path.join(&segment.init).is_file() && segment.keyframe);
            bytes += segment.bytes;
        }
        let files = fs::read_dir(&path).unwrap().count();
        if rendition.segments.is_empty() {
            continue;
        }
        assert_eq!(files, rendition.segments.len() + 2, "segments, initialisation and playlist, and nothing else");
        let text = fs::read(path.join("index.m3u8")).unwrap();
        let playlist = m3u8_rs::parse_media_playlist_res(&text).unwrap();
        assert!(playlist.end_list && playlist.playlist_type == Some(m3u8_rs::MediaPlaylistType::Vod));
        let there = playlist.segments.iter().filter(|one| path.join(&one.uri).is_file()).count();
        assert_eq!(there, rendition.segments.len());
        let first = manifest.renditions.iter().filter_map(|r| r.segments.first()).map(|s| s.sequence).min();
        assert_eq!(Some(playlist.media_sequence), first, "all renditions begin with one number");
    }
    assert_eq!(manifest.bytes, bytes);
    if bytes > 0 {
        let text = fs::read(directory.join("multivariant.m3u8")).unwrap();
        assert!(!m3u8_rs::parse_master_playlist_res(&text).unwrap().variants.is_empty());
    }
    manifest
}

#[test]
fn a_recording_grows_with_the_spool_and_ends_as_a_whole() {
    let (spooled, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (spool, _) = start(spooled.path(), &feeds(), at(FIRST, 0));
    let deck = Deck::start(root.path(), &spool, at(FIRST, 0), RecordingStart::WithChannel);
    deck.until("a recording", |status| status.recording.running);
    play(&spool, &feeds(), (FIRST, 0), (FIRST + 2, 3));
    let status = deck.until("chunks are synced", |status| status.recording.synced >= Some(at(FIRST + 2, 2)));
    assert_eq!((status.recording.segments, status.recording.gaps), (4, 0));
    assert!(deck.recorder.delivered(&video().id, FIRST + 1) && !deck.recorder.delivered(&video().id, FIRST + 2));
    let directory = only(root.path());
    let live = fs::read_to_string(directory.join("v180/index.m3u8")).unwrap();
    assert!(live.contains("#EXT-X-PLAYLIST-TYPE:EVENT\n") && !live.contains("ENDLIST"), "{live}");
    assert_eq!(live.matches("#EXTINF").count(), 2);
    assert!(fs::metadata(directory.join(format!("v180/{FIRST}.m4s"))).unwrap().nlink() > 1, "not copied");
    assert!(directory.join(format!("v180/{}.m4s.part", FIRST + 2)).is_file());
    deck.set(at(FIRST + 2, 3));
    let (_, _, marked) = deck.ask(RecordingAsk::Marker { text: "Goal".into(), by: None }).unwrap();
    assert_eq!(marked.markers, 1);
    assert!(deck.ask(RecordingAsk::Start { title: None }).unwrap().1, "it runs already");
    let stopping = deck.recorder.ask(RecordingAsk::Stop);
    // What comes behind the segment of the stop is none of it.
    play(&spool, &feeds(), (FIRST + 2, 3), (FIRST + 4, 0));
    let (_, _, ended) = stopping.blocking_recv().unwrap().unwrap();
    assert_eq!((ended.running, ended.segments, ended.gaps), (false, 6, 0));
    let manifest = check(&directory);
    assert_eq!(manifest.state, RecordingState::Finished);
    assert_eq!(manifest.markers[0].at, at(FIRST + 2, 3));
    assert_eq!(manifest.ended, Some(at(FIRST + 2, 3)));
    for feed in feeds() {
        let recorded = &manifest.renditions.iter().find(|one| one.id == feed.id).unwrap();
        let numbers: Vec<u64> = recorded.segments.iter().map(|segment| segment.sequence).collect();
        assert_eq!(numbers, [FIRST, FIRST + 1, FIRST + 2]);
        assert_eq!(recorded.codecs, feed.init().codec);
        for number in numbers {
            let recorded = fs::read(directory.join(feed.id.as_str()).join(format!("{number}.m4s"))).unwrap();
            assert_eq!(recorded, fs::read(spool.segment_path(&feed.id, number)).unwrap());
        }
    }
    assert!(deck.recorder.delivered(&video().id, FIRST + 3), "nothing is owed any more");
    assert_eq!(deck.codes(), [EventCode::RecordingStarted, EventCode::RecordingEnded]);
}

#[test]
fn a_recording_by_hand_has_a_title_and_ends_with_the_channel() {
    let (spooled, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (spool, _) = start(spooled.path(), &feeds(), at(FIRST, 1));
    let deck = Deck::start(root.path(), &spool, at(FIRST, 1), RecordingStart::ByHand);
    deck.until("it has looked", |status| status.health.code == "not_recording");
    assert!(deck.ask(RecordingAsk::Marker { text: "Goal".into(), by: None }).is_err(), "nothing to be marked");
    assert!(deck.ask(RecordingAsk::Stop).unwrap().1, "nothing to be ended");
    play(&spool, &feeds(), (FIRST, 0), (FIRST, 2));
    deck.ask(RecordingAsk::Start { title: Some("Second half".into()) }).unwrap();
    play(&spool, &feeds(), (FIRST, 2), (FIRST + 1, 3));
    deck.set(at(FIRST + 1, 3));
    spool.finish().unwrap();
    assert!(deck.recorder.stop(SOON));
    let directory = only(root.path());
    assert!(directory.to_string_lossy().ends_with("-second-half"));
    let manifest = check(&directory);
    assert_eq!((manifest.title.as_deref(), manifest.state), (Some("Second half"), RecordingState::Finished));
    let segments = &manifest.renditions[0].segments;
    assert_eq!(segments.iter().map(|one| one.sequence - FIRST).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(segments[1].end(), at(FIRST + 1, 3));
}

#[test]
fn a_killed_worker_goes_on_in_the_same_recording() {
    let (spooled, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (spool, _) = start(spooled.path(), &feeds(), at(FIRST, 0));
    let deck = Deck::start(root.path(), &spool, at(FIRST, 0), RecordingStart::ByHand);
    deck.until("it has looked", |status| status.health.code == "not_recording");
    deck.ask(RecordingAsk::Start { title: None }).unwrap();
    play(&spool, &feeds(), (FIRST, 0), (FIRST + 1, 2));
    deck.until("chunks are synced", |status| status.recording.synced >= Some(at(FIRST + 1, 1)));
    let before = deck.recorder.status().recording.id;
    deck.kill();
    drop(spool);
    // Within the same segment, half a second is missing.
    let now = at(FIRST + 1, 3);
    let (spool, _) = start(spooled.path(), &feeds(), now);
    let deck = Deck::start(root.path(), &spool, now, RecordingStart::ByHand);
    play(&spool, &feeds(), (FIRST + 1, 3), (FIRST + 3, 2));
    deck.set(at(FIRST + 3, 2));
    let status = deck.until("it goes on", |status| status.recording.synced >= Some(at(FIRST + 3, 1)));
    assert_eq!((status.recording.id, status.recording.interruptions), (before, 1));
    // This one is replaced in order, which ends nothing.
    spool.finish().unwrap();
    deck.recorder.hand_over();
    assert!(deck.recorder.stop(SOON));
    assert_eq!(Manifest::load(&only(root.path())).unwrap().state, RecordingState::Recording);
    drop(spool);
    // Two segments and more are missing.
    let now = at(FIRST + 6, 0);
    let (spool, _) = start(spooled.path(), &feeds(), now);
    let deck = Deck::start(root.path(), &spool, now, RecordingStart::ByHand);
    play(&spool, &feeds(), (FIRST + 6, 0), (FIRST + 7, 0));
    deck.set(at(FIRST + 6, 3));
    deck.until("it goes on", |status| status.recording.synced >= Some(at(FIRST + 6, 3)));
    deck.ask(RecordingAsk::Stop).unwrap();
    let manifest = check(&only(root.path()));
    assert_eq!((manifest.interruptions, manifest.state), (2, RecordingState::Finished));
    let numbers = |place: usize| manifest.renditions[place].segments.iter().map(|one| one.sequence - FIRST);
    assert_eq!(numbers(0).collect::<Vec<_>>(), [0, 1, 2, 3, 6]);
    assert_eq!(numbers(1).collect::<Vec<_>>(), [0, 1, 2, 3, 6]);
    let missing = |place: usize| {
        let of = manifest.gaps.iter().filter(|gap| gap.rendition.as_ref() == Some(&manifest.renditions[place].id));
        of.map(|gap| gap.end.since(gap.begin).as_secs_f64()).collect::<Vec<_>>()
    };
    for place in [0, 1] {
        let missing = missing(place);
        assert!(missing.len() == 2 && (missing[0] - 0.5).abs() < 0.1 && (missing[1] - 5.0).abs() < 0.1, "{missing:?}");
    }
    let text = fs::read_to_string(only(root.path()).join("v180/index.m3u8")).unwrap();
    assert_eq!(text.matches("#EXT-X-GAP").count(), 2, "{text}");
    assert_eq!(text.matches("#EXT-X-DISCONTINUITY\n").count(), 2, "{text}");
    assert!(deck.codes().contains(&EventCode::RecordingResumed));
}

#[test]
fn what_nobody_goes_on_with_is_closed_and_another_one_begins() {
    let (spooled, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (spool, _) = start(spooled.path(), &feeds(), at(FIRST, 0));
    let deck = Deck::start(root.path(), &spool, at(FIRST, 0), RecordingStart::WithChannel);
    deck.until("a recording", |status| status.recording.running);
    play(&spool, &feeds(), (FIRST, 0), (FIRST + 1, 2));
    deck.until("chunks are synced", |status| status.recording.synced >= Some(at(FIRST + 1, 1)));
    let first = only(root.path());
    deck.kill();
    drop(spool);
    // An hour later.
    let now = at(FIRST + 1800, 0);
    let (spool, _) = start(spooled.path(), &feeds(), now);
    let deck = Deck::start(root.path(), &spool, now, RecordingStart::WithChannel);
    let status = deck.until("another recording", |status| status.recording.running);
    assert_ne!(status.recording.directory, Some(first.display().to_string()));
    let manifest = check(&first);
    assert_eq!(manifest.state, RecordingState::Interrupted);
    assert_eq!(manifest.renditions[0].segments.len(), 2);
}

#[test]
fn on_another_file_system_segments_are_copied() {
    let Ok(spooled) = tempfile::tempdir_in("/dev/shm") else {
        eprintln!("SKIPPED: a recording on another file system: there is no /dev/shm");
        return;
    };
    let root = tempfile::tempdir().unwrap();
    if fs::metadata(spooled.path()).unwrap().dev() == fs::metadata(root.path()).unwrap().dev() {
        eprintln!("SKIPPED: a recording on another file system: /dev/shm is none");
        return;
    }
    let (spool, _) = start(spooled.path(), &feeds(), at(FIRST, 0));
    let deck = Deck::start(root.path(), &spool, at(FIRST, 0), RecordingStart::WithChannel);
    deck.until("a recording", |status| status.recording.running);
    for (from, to) in [((FIRST, 0), (FIRST, 3)), ((FIRST, 3), (FIRST + 1, 2))] {
        play(&spool, &feeds(), from, to);
        let end = at(to.0, to.1 - 1);
        deck.until("chunks are synced", |status| status.recording.synced >= Some(end));
    }
    // An encoder that begins its segment again: what was copied is void.
    spool.begin_again(&video().id, FIRST + 1);
    let mut other = video();
    other.payload = 333;
    play(&spool, &[other], (FIRST + 1, 0), (FIRST + 2, 0));
    play(&spool, &[audio()], (FIRST + 1, 2), (FIRST + 2, 0));
    deck.set(at(FIRST + 1, 3));
    deck.until("both segments", |status| status.recording.segments == 4);
    assert!(deck.recorder.stop(SOON));
    let directory = only(root.path());
    assert_eq!(check(&directory).gaps, []);
    for number in [FIRST, FIRST + 1] {
        let copy = directory.join(format!("v180/{number}.m4s"));
        assert_eq!(fs::read(&copy).unwrap(), fs::read(spool.segment_path(&video().id, number)).unwrap());
        assert_eq!(fs::metadata(copy).unwrap().nlink(), 1);
    }
}

/// Copies a recording as a power cut leaves it: of what is not synced, `keep` bytes.
fn power_cut(from: &Path, to: &Path, keep: &dyn Fn(&str, usize) -> usize) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir(&target).unwrap();
            power_cut(&path, &target, keep);
            continue;
        }
        let data = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        fs::write(&target, &data[..keep(&name, data.len()).min(data.len())]).unwrap();
    }
}

/// Where the chunks of a segment of two renditions end.
fn chunk_ends(feed: &Feed, number: u64, chunks: u64) -> Vec<usize> {
    let mut end = 0;
    (0..chunks)
        .map(|quarter| feed.chunk(number, quarter).data.len())
        .map(|length| {
            end += length;
            end
        })
        .collect()
}

#[derive(Debug, Clone)]
struct Cut {
    /// Where files are cut, as parts of a thousand.
    part: usize,
    journal: usize,
    playlist: usize,
    /// `recording.json` is unreadable.
    no_manifest: bool,
}

fn cut() -> impl Strategy<Value = Cut> {
    (0usize..=1000, 0usize..=1000, 0usize..=1000, prop::bool::weighted(0.2))
        .prop_map(|(part, journal, playlist, no_manifest)| Cut { part, journal, playlist, no_manifest })
}

#[test]
fn a_power_cut_at_any_byte_leaves_a_recording_that_plays() {
    let (spooled, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (spool, _) = start(spooled.path(), &feeds(), at(FIRST, 0));
    let deck = Deck::start(root.path(), &spool, at(FIRST, 0), RecordingStart::WithChannel);
    deck.until("a recording", |status| status.recording.running);
    play(&spool, &feeds(), (FIRST, 0), (FIRST + 2, 3));
    deck.until("chunks are synced", |status| status.recording.synced >= Some(at(FIRST + 2, 2)));
    deck.kill();
    let directory = only(root.path());
    let runner = &mut proptest::test_runner::TestRunner::new(ProptestConfig { cases: 48, ..ProptestConfig::default() });
    let outcome = runner.run(&cut(), |cut| {
        let after = tempfile::tempdir().unwrap();
        let copy = after.path().join("demo").join(directory.file_name().unwrap());
        fs::create_dir_all(&copy).unwrap();
        power_cut(&directory, &copy, &|name, length| match name {
            "recording.json" if cut.no_manifest => length / 2,
            "journal.jsonl" => length * cut.journal / 1000,
            "index.m3u8" | "multivariant.m3u8" => length * cut.playlist / 1000,
            name if name.ends_with(".part") => length * cut.part / 1000,
            _ => length,
        });
        let (_, mended) = repair(&copy).unwrap().expect("nobody has it");
        let manifest = check(&copy);
        prop_assert_eq!(manifest.state, RecordingState::Interrupted);
        prop_assert_eq!(mended.missing, 0);
        for feed in feeds() {
            let ends = chunk_ends(&feed, FIRST + 2, 3);
            let kept = ends[2] * cut.part / 1000;
            let whole = ends.iter().filter(|end| **end <= kept).count() as u64;
            let recorded = manifest.renditions.iter().find(|one| one.id == feed.id).unwrap();
            prop_assert_eq!(recorded.segments.len() as u64, 2 + u64::from(whole > 0));
            let expected = if whole > 0 {
                let last = feed.chunk(FIRST + 2, whole - 1);
                last.start + last.duration
            } else {
                let last = feed.chunk(FIRST + 1, 3);
                last.start + last.duration
            };
            let end = recorded.segments.last().unwrap().end();
            let off = end.since(expected).max(expected.since(end));
            prop_assert!(off < Duration::from_millis(1), "{:?} for {:?}", end, expected);
        }
        // Whole as it is now, there is nothing more to mend.
        let (again, mended) = repair(&copy).unwrap().unwrap();
        prop_assert!(mended.is_clean(), "{}", mended);
        prop_assert_eq!(again, manifest);
        Ok(())
    });
    outcome.unwrap();
}

/// Lines of a playlist that are not about segments, each with the segment it stands before.
fn ranges(directory: &Path) -> Vec<(u64, String)> {
    let text = fs::read_to_string(directory.join("v180/index.m3u8")).unwrap();
    let mut waiting: Vec<String> = Vec::new();
    let mut all = Vec::new();
    for line in text.lines() {
        if line.starts_with("#EXT-X-DATERANGE:") {
            waiting.push(line.to_owned());
        } else if let Some(number) = line.strip_suffix(".m4s") {
            let number: u64 = number.parse().unwrap();
            all.extend(waiting.drain(..).map(|line| (number - FIRST, line)));
        }
    }
    all
}

#[test]
fn breaks_and_markers_are_named_while_it_runs_and_afterwards() {
    let (spooled, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (spool, _) = start(spooled.path(), &feeds(), at(FIRST, 0));
    let deck = Deck::start(root.path(), &spool, at(FIRST, 0), RecordingStart::WithChannel);
    deck.until("a recording", |status| status.recording.running);
    let directory = only(root.path());
    // Two segments from now on, for three; and one that is taken back before it has begun.
    let out = |id: &str, at: MediaTime, seconds: u64| {
        serde_json::from_value(serde_json::json!({"type": "out", "id": id, "at": at, "duration_ms": seconds * 1000}))
            .unwrap()
    };
    let (timeline, placed) = deck.timeline.get().cue(&out("break", at(FIRST + 2, 0), 4), at(FIRST, 0)).unwrap();
    let (timeline, _) = timeline.cue(&out("never", at(FIRST + 5, 0), 2), at(FIRST, 0)).unwrap();
    assert_eq!((placed.out.segment, placed.back.unwrap().segment), (FIRST + 2, FIRST + 4));
    deck.timeline.set(timeline);
    play(&spool, &feeds(), (FIRST, 0), (FIRST + 1, 2));
    deck.set(at(FIRST + 1, 2));
    deck.ask(RecordingAsk::Marker { text: "the \"goal\"".into(), by: Some("me".into()) }).unwrap();
    deck.until("the first segments", |status| status.recording.segments == 2);
    assert_eq!(ranges(&directory), [], "none of it is listed yet");
    deck.set(at(FIRST + 3, 0));
    deck.has_looked();
    play(&spool, &feeds(), (FIRST + 1, 2), (FIRST + 3, 0));
    deck.until("the break is taken in", |status| status.recording.segments >= 6);
    let told = ranges(&directory);
    assert_eq!(told.iter().map(|one| one.0).collect::<Vec<_>>(), [1, 2], "{told:?}");
    assert!(told[0].1.contains("X-TEXT=\"the 'goal'\"") && told[0].1.contains("CLASS=\"uplink.marker\""), "{told:?}");
    assert!(told[1].1.contains("ID=\"break\"") && told[1].1.contains("SCTE35-OUT=0x"), "{told:?}");
    let cancel = serde_json::from_value(serde_json::json!({"type": "cancel", "id": "never"})).unwrap();
    deck.timeline.set(deck.timeline.get().cue(&cancel, at(FIRST + 3, 0)).unwrap().0);
    deck.set(at(FIRST + 5, 1));
    deck.has_looked();
    play(&spool, &feeds(), (FIRST + 3, 0), (FIRST + 5, 1));
    deck.until("the return is taken in", |status| status.recording.segments >= 10);
    let live = ranges(&directory);
    assert_eq!(live.iter().map(|one| one.0).collect::<Vec<_>>(), [1, 2, 4], "each once: {live:?}");
    assert!(live[2].1.contains("SCTE35-IN=0x"), "{live:?}");
    // The timeline forgets what is over; a recording does not, whoever ends it.
    deck.timeline.set(Timeline::new(grid(), frames(), Cued::default()));
    deck.kill();
    let (manifest, _) = repair(&directory).unwrap().expect("nobody has it");
    assert_eq!((manifest.cued.cues.len(), manifest.cued.cues[0].id.as_str()), (1, "break"));
    assert_eq!(ranges(&directory), live, "the same in the VOD playlist");
}
