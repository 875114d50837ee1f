//! A player that knows two addresses of the same programme, and what it sees when the first of them dies on air.

use std::net::SocketAddr;
use std::time::Instant;

use m3u8_rs::parse_media_playlist_res;
use nix::sys::signal::Signal;
use uplink::measure::{FaultCode, Options};

use crate::browser::plays_across;
use crate::delivered::{assert_only, block, is_gap, settle};
use crate::destinations::{Backup, QUICK, add_backup};
use crate::http;
use crate::process;
use crate::rig::{PLAIN, RENDITIONS, Rig, SOON};

/// Plays one rendition: asks one address as long as it gives what comes next, and the other one then.
struct Player {
    addresses: [SocketAddr; 2],
    at: usize,
    /// The number that is to be played next.
    next: Option<u64>,
    init: Option<Vec<u8>>,
    media: Vec<u8>,
    /// Numbers, and which address gave each.
    played: Vec<(u64, usize)>,
}

impl Player {
    fn new(addresses: [SocketAddr; 2]) -> Self {
        Self { addresses, at: 0, next: None, init: None, media: Vec::new(), played: Vec::new() }
    }

    fn fetch(&self, name: &str) -> Option<Vec<u8>> {
        let answer = http::get(self.addresses[self.at], &format!("/live/a/{}/{name}", RENDITIONS[0])).ok()?;
        (answer.status == 200).then_some(answer.body)
    }

    /// Takes what there is that was not played; none if this address does not give it.
    fn take(&mut self) -> Option<()> {
        let list = parse_media_playlist_res(&self.fetch("media.m3u8")?).expect("a media playlist");
        let newest = list.media_sequence + list.segments.len() as u64;
        // Three segments behind the live edge, as players begin (rfc8216bis, 6.3.3).
        let next = *self.next.get_or_insert(newest.saturating_sub(3));
        assert!(list.media_sequence <= next, "what comes next is not listed any more: {next}, {}", list.media_sequence);
        let mut map = String::new();
        for (number, segment) in (list.media_sequence..).zip(&list.segments) {
            if let Some(named) = &segment.map {
                map.clone_from(&named.uri);
            }
            assert!(number < next || !(segment.discontinuity || is_gap(segment)), "{number} is not to be played on");
            if number < next {
                continue;
            }
            let init = self.fetch(&map)?;
            assert!(*self.init.get_or_insert_with(|| init.clone()) == init, "both give the same initialisation");
            let media = self.fetch(&segment.uri)?;
            self.media.extend(media);
            self.played.push((number, self.at));
            self.next = Some(number + 1);
        }
        Some(())
    }

    fn step(&mut self) {
        if self.take().is_none() {
            self.at = 1 - self.at;
        }
    }

    fn until(&mut self, what: &str, test: impl Fn(&Self) -> bool) {
        process::until(what, SOON, || {
            self.step();
            test(self)
        });
    }

    fn from(&self, at: usize) -> usize {
        self.played.iter().filter(|(_, from)| *from == at).count()
    }
}

/// A channel on air with a primary, which is the rig's origin, and a backup.
fn primary_and_backup() -> (Rig, Backup) {
    let mut rig = Rig::new(&[("a", PLAIN)]);
    let class = rig.path("pipelines/rig.toml");
    let text = std::fs::read_to_string(&class).unwrap();
    // However long a machine that is busy takes to switch, what comes next is listed still.
    std::fs::write(&class, text.replace("playlist_segments = 10", "playlist_segments = 40")).unwrap();
    let backup = Backup::start(&rig, "backup");
    add_backup(&rig, &backup.url(), QUICK);
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    settle(&rig, "a");
    (rig, backup)
}

#[test]
fn a_player_in_a_browser_with_both_addresses_goes_on_when_the_primary_is_killed() {
    let (mut rig, backup) = primary_and_backup();
    let (signs, bases) = (rig.path("signs"), [rig.origin, backup.address()].map(|origin| format!("http://{origin}")));
    plays_across(&signs, &bases, || {
        rig.end_origin(Signal::SIGKILL);
    });
}

#[test]
fn a_player_with_both_addresses_goes_on_without_a_frame_missing_when_the_primary_is_killed() {
    let (mut rig, backup) = primary_and_backup();
    let mut player = Player::new([rig.origin, backup.address()]);
    player.until("it plays from the primary", |player| player.from(0) >= 4);
    rig.end_origin(Signal::SIGKILL);
    let (killed, held) = (Instant::now(), player.played.len());
    player.until("it plays from the backup", |player| player.from(1) >= 1);
    eprintln!("a player has more to play {:.1} s after the primary's end", killed.elapsed().as_secs_f64());
    assert!(player.played.len() > held);
    player.until("it goes on there", |player| player.from(1) >= 5);

    let numbers: Vec<u64> = player.played.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (numbers[0]..numbers[0] + numbers.len() as u64).collect::<Vec<_>>(), "each once, in order");
    let file = rig.path("played.mp4");
    std::fs::write(&file, [player.init.unwrap(), player.media].concat()).unwrap();
    let report = block(uplink::measure::run(Options::new(file.display().to_string()))).expect("it plays");
    eprintln!("{}", uplink::measure::text(&report));
    assert_only(&report, &[FaultCode::SourceFramesRepeated, FaultCode::SourceFramesMissing]);
    let (video, counter) = (report.streams[0].video.expect("pictures"), report.streams[0].counter.expect("marks"));
    assert_eq!(video.frames, 25 * numbers.len() as u64, "no picture is missing between the addresses");
    assert_eq!((counter.marks, counter.out_of_order, counter.unreadable), (video.frames, 0, 0));
    // A test source that got no processor in time drops and repeats pictures of its own, and that is counted.
    let worker = rig.report("a");
    let own = worker.program.repeated + worker.sources.iter().map(|source| source.late).sum::<u64>();
    assert!(counter.missing.max(counter.repeated) <= own, "{counter:?}, {own} by the source");
    assert_eq!(worker.program.missed, 0);
}
