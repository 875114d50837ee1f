//! What the program does, tick by tick.

use std::time::Duration;

use super::stage::{Fed, SLATE, Stage, id, level_of, luma_of, source, thresholds};
use super::{blend, lock};
use crate::media::encode::picture_caps;
use crate::media::overlay::Artist;
use crate::model::overlay::Place;
use crate::model::status::{ProgramOrder, Showing};
use crate::model::{
    Corner, EventCode, FailoverRules, Layout, MediaTime, Overlay, Scene, ScheduledTake, SignalThresholds, Transition,
    Trigger, TriggerAction,
};
use crate::plan::ThresholdPlan;

const CUT: fn() -> Transition = Transition::default;
/// Ticks until a source that begins to deliver is shown.
const SETTLE: usize = 15;

fn scene(layout: Layout, first: usize, second: usize) -> ProgramOrder {
    let scene = Scene { layout, corner: Corner::TopLeft, size_percent: 30, sources: [id(first), id(second)] };
    ProgramOrder::Scene { scene }
}

#[test]
fn two_hundred_takes_while_sources_flap_are_each_on_the_frame_that_the_answer_names() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut stage = Stage::new(6, thresholds(), ProgramOrder::Auto);
    stage.run(SETTLE);
    let (mut answers, mut mixed) = (Vec::new(), std::collections::HashSet::new());
    for _ in 0..200 {
        let rank = random.usize(0..6);
        let dissolve = random.bool().then(|| Transition::dissolve(random.u32(0..400)));
        answers.push((rank, stage.take(source(rank), dissolve.unwrap_or_default())));
        for _ in 0..random.usize(1..25) {
            for alive in &mut stage.alive {
                // Away for a third of a second on average, there for two.
                *alive = if *alive { random.u8(0..60) != 0 } else { random.u8(0..10) == 0 };
            }
            stage.tick();
            if stage.status().dissolving {
                mixed.insert(stage.next - 1);
            }
        }
    }
    stage.assert_unbroken();
    let (mut shown, mut cuts) = (0, 0);
    for (rank, answer) in &answers {
        let Some(from) = *lock(answer) else { continue };
        shown += 1;
        assert_eq!(stage.frames.time_of(from.frame), from.at);
        // Between two sources any luma is possible.
        if from.already || mixed.contains(&(from.frame - 1)) {
            continue;
        }
        let (before, on) = (stage.luma_at(from.frame - 1), stage.luma_at(from.frame));
        // A cut shows the source whole, a dissolve begins to.
        cuts += usize::from(on == luma_of(*rank));
        assert_ne!(before, on, "source {rank} at {}", from.frame);
        assert_ne!(before, luma_of(*rank), "the frame before shows it already");
    }
    assert!(shown > 150 && cuts > 60, "{shown} of 200 were shown, {cuts} by a cut");
}

#[test]
fn ten_sources_flapping_at_once_never_stop_the_output() {
    let mut random = fastrand::Rng::with_seed(3);
    let mut stage = Stage::new(10, thresholds(), ProgramOrder::Auto);
    for _ in 0..3000 {
        for alive in &mut stage.alive {
            *alive ^= random.u8(0..12) == 0;
        }
        stage.tick();
    }
    stage.assert_unbroken();
    assert_eq!(stage.left().pictures.len(), 3000);
    let known: Vec<u8> = (0..10).map(luma_of).chain([SLATE]).collect();
    assert!(stage.left().pictures.iter().all(|(_, luma)| known.contains(luma)), "a picture of nothing");
}

#[test]
fn a_lost_source_is_replaced_within_two_frames_of_its_detection() {
    let mut stage = Stage::new(2, thresholds(), ProgramOrder::Auto);
    stage.run(60);
    assert_eq!(stage.left().pictures.last().unwrap().1, luma_of(0));
    stage.alive[0] = false;
    let lost = stage.next;
    stage.run(30);
    let first = (lost..stage.next).find(|index| stage.luma_at(*index) == luma_of(1)).unwrap();
    let took = stage.frames.time_of(first).since(stage.frames.time_of(lost));
    assert!(took <= Duration::from_millis(250 + 2 * 34), "{took:?}");
    assert!((lost..first).all(|index| stage.luma_at(index) == luma_of(0)), "the last picture stays until then");
    stage.assert_unbroken();
    let told: Vec<String> = lock(&stage.events).iter().map(|event| event.text.clone()).collect();
    assert!(told.iter().any(|text| text == "the program shows source s1: s0 does not deliver"), "{told:?}");
    // Back after the wait-to-restore time, not before.
    stage.alive[0] = true;
    let back = stage.next;
    stage.run(90);
    let first = (back..stage.next).find(|index| stage.luma_at(*index) == luma_of(0)).unwrap();
    assert!(stage.frames.time_of(first).since(stage.frames.time_of(back)) >= Duration::from_millis(1000));
}

#[test]
fn a_dissolve_goes_frame_by_frame_in_picture_and_sound() {
    let mut stage = Stage::new(3, thresholds(), source(0));
    stage.run(SETTLE);
    let answer = stage.take(source(2), Transition::dissolve(300));
    let first = stage.next;
    stage.run(12);
    let from = lock(&answer).unwrap();
    assert_eq!((from.frame, from.already), (first, false));
    let lumas: Vec<u8> = (first - 1..stage.next).map(|index| stage.luma_at(index)).collect();
    assert_eq!(lumas, [40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 60, 60]);
    let left = stage.left();
    let levels: Vec<f32> = left.sounds[left.sounds.len() - 13..].iter().map(|sound| sound.2).collect();
    assert!((levels[0] - level_of(0)).abs() < 1e-4 && (levels[12] - level_of(2)).abs() < 1e-4, "{levels:?}");
    assert!(levels.windows(2).all(|w| w[1] >= w[0] - 1e-5 && w[1] - w[0] < 0.02), "{levels:?}");
}

#[test]
fn a_dissolve_from_a_source_that_dies_ends_on_the_new_one() {
    let mut stage = Stage::new(2, thresholds(), source(0));
    stage.run(SETTLE);
    stage.take(source(1), Transition::dissolve(2000));
    stage.alive[0] = false;
    stage.run(20);
    assert_eq!(stage.left().pictures.last().unwrap().1, luma_of(1));
    assert!(!stage.status().dissolving);
    stage.assert_unbroken();
}

#[test]
fn a_scheduled_take_is_on_its_frame_and_a_cancelled_one_is_not() {
    let mut stage = Stage::new(3, thresholds(), source(0));
    stage.run(SETTLE);
    let at = |frames: u64| stage.frames.time_of(stage.next + frames);
    let take = |id: u64, rank: usize, at: MediaTime| ScheduledTake { id, order: source(rank), transition: CUT(), at };
    let (first, late) = (at(7), at(20));
    // Between two frames: the first one after it.
    let second = MediaTime::from_nanos(at(12).as_nanos() + 1);
    let takes = vec![take(1, 1, first), take(2, 2, second), take(3, 0, late)];
    stage.desk().set_schedule(takes.clone());
    stage.run(1);
    assert_eq!(stage.status().scheduled, takes);
    stage.desk().set_schedule(takes[..2].to_vec());
    let from = stage.next - 1;
    stage.run(25);
    let lumas: Vec<u8> = (from..stage.next).map(|index| stage.luma_at(index)).collect();
    assert_eq!(lumas[..14], [40, 40, 40, 40, 40, 40, 40, 50, 50, 50, 50, 50, 50, 60]);
    assert_eq!(lumas[25], 60);
    assert_eq!(stage.status().order, source(2));
}

#[test]
fn a_take_by_hand_wins_over_failover_and_says_what_auto_would_show() {
    let mut stage = Stage::new(2, thresholds(), ProgramOrder::Auto);
    stage.run(SETTLE);
    stage.take(source(1), CUT());
    stage.run(60);
    let status = stage.status();
    assert_eq!((status.showing, status.auto), (Showing::Source { source: id(1) }, Some(id(0))));
    stage.alive[1] = false;
    stage.run(SETTLE);
    assert_eq!(stage.status().showing, Showing::Slate);
    let rules = FailoverRules { manual_falls_to_auto: true, ..FailoverRules::default() };
    let mut stage = Stage::new(2, ThresholdPlan { failover: rules, ..thresholds() }, source(1));
    stage.run(SETTLE);
    stage.alive[1] = false;
    stage.run(SETTLE);
    assert_eq!(stage.status().showing, Showing::Source { source: id(0) });
    stage.alive[1] = true;
    stage.run(SETTLE);
    assert_eq!(stage.status().showing, Showing::Source { source: id(1) }, "it is wanted still");
}

#[test]
fn a_scene_shows_and_sounds_both_and_one_alone_when_the_other_is_lost() {
    let mut stage = Stage::new(3, thresholds(), scene(Layout::Pip, 0, 2));
    stage.run(SETTLE + 10);
    assert!(matches!(stage.status().showing, Showing::Scene { .. }));
    assert_eq!(stage.left().pictures.last().unwrap().1, luma_of(0), "the middle belongs to the first");
    let both = (level_of(0) + level_of(2)) * std::f32::consts::FRAC_1_SQRT_2;
    assert!((stage.left().sounds.last().unwrap().2 - both).abs() < 1e-3);
    stage.alive[0] = false;
    stage.run(SETTLE);
    assert_eq!(stage.status().showing, Showing::Source { source: id(2) });
    assert!((stage.left().sounds.last().unwrap().2 - level_of(2)).abs() < 1e-3);
    stage.alive[0] = true;
    stage.run(SETTLE);
    let answer = stage.take(scene(Layout::SideBySide, 1, 2), Transition::dissolve(200));
    stage.run(10);
    assert!(lock(&answer).is_some());
    stage.assert_unbroken();
}

fn watching(action: TriggerAction) -> SignalThresholds {
    let on = |enter_ms| Trigger { action, enter_ms, clear_ms: 500 };
    SignalThresholds {
        black: on(2000),
        black_luma: 32,
        freeze: on(3000),
        freeze_percent: 0.2,
        silence: on(2500),
        silence_dbfs: -60.0,
        ..SignalThresholds::default()
    }
}

/// Pictures of noise, some of which are shown over and over.
fn noise(stage: &Stage, count: usize) -> Vec<gstreamer::Buffer> {
    let info = gstreamer_video::VideoInfo::from_caps(&picture_caps(&stage.format)).unwrap();
    let mut random = fastrand::Rng::with_seed(11);
    (0..count)
        .map(|_| {
            let mut picture = blend::flat(&info, [100, 128, 128]).unwrap();
            let mut map = picture.get_mut().unwrap().map_writable().unwrap();
            map[..192 * 108].iter_mut().for_each(|pixel| *pixel = random.u8(60..140));
            drop(map);
            picture
        })
        .collect()
}

#[test]
fn black_freeze_and_silence_are_found_in_time_and_left() {
    for (fault, code, enter) in [
        ("black", EventCode::SourceBlack, 2000),
        ("freeze", EventCode::SourceFrozen, 3000),
        ("silence", EventCode::SourceSilent, 2500),
    ] {
        let limits = ThresholdPlan { signal: watching(TriggerAction::Failover), ..thresholds() };
        let mut stage = Stage::new(2, limits, ProgramOrder::Auto);
        let moving = noise(&stage, 61);
        let info = gstreamer_video::VideoInfo::from_caps(&picture_caps(&stage.format)).unwrap();
        let black = blend::flat(&info, [17, 128, 128]).unwrap();
        let fine = |frame: u64| Fed { picture: moving[frame as usize % 61].clone(), level: 0.1 };
        let faulty = |frame: u64| match fault {
            "black" => Fed { picture: black.clone(), ..fine(frame) },
            "freeze" => Fed { picture: moving[5].clone(), ..fine(frame) },
            _ => Fed { level: 0.0, ..fine(frame) },
        };
        (0..200).for_each(|_| stage.tick_with(|_, frame| fine(frame)));
        let began = stage.frames.time_of(stage.next);
        (0..150).for_each(|_| stage.tick_with(|rank, frame| if rank == 0 { faulty(frame) } else { fine(frame) }));
        let events = lock(&stage.events).clone();
        let told = events.iter().find(|event| event.code == code).expect("it is told");
        let took = told.at.since(began).as_millis() as i64;
        assert!((took - enter).abs() <= 200, "{fault} told after {took} ms");
        assert_eq!(stage.status().showing, Showing::Source { source: id(1) }, "{fault}");
        assert!(
            events
                .iter()
                .all(|event| event.subject.as_deref() != Some("s1") || event.code == EventCode::ProgramSwitched)
        );
        (0..90).for_each(|_| stage.tick_with(|_, frame| fine(frame)));
        assert!(lock(&stage.events).iter().any(|event| event.code == EventCode::SourceSignalGood));
        assert_eq!(stage.status().showing, Showing::Source { source: id(0) }, "{fault} is over");
        stage.assert_unbroken();
    }
}

#[test]
fn ten_minutes_of_noise_and_a_slide_with_sound_raise_no_alarm() {
    let signal = SignalThresholds { freeze_only_if_silent: true, ..watching(TriggerAction::Failover) };
    let mut stage = Stage::new(2, ThresholdPlan { signal, ..thresholds() }, ProgramOrder::Auto);
    let moving = noise(&stage, 61);
    // Speech: words of a second, gaps of a third.
    let speech = |frame: u64| if frame % 40 < 30 { 0.1 } else { 0.0 };
    for _ in 0..600 * 30 {
        stage.tick_with(|rank, frame| Fed {
            picture: if rank == 0 { moving[frame as usize % 61].clone() } else { moving[0].clone() },
            level: speech(frame),
        });
    }
    let told: Vec<String> = lock(&stage.events).iter().map(|event| event.text.clone()).collect();
    assert_eq!(told, ["the program shows source s0"]);
    stage.assert_unbroken();
}

#[test]
fn sources_come_and_go_and_no_frame_is_missing() {
    let mut stage = Stage::new(3, thresholds(), ProgramOrder::Auto);
    stage.run(SETTLE);
    // A better one comes, and is shown when it has delivered for the wait-to-restore time.
    let done = stage.rearrange(&[3, 0, 1, 2], thresholds());
    stage.run(SETTLE);
    assert!(done.try_recv().is_ok());
    assert_eq!(stage.luma_at(stage.next - 1), luma_of(0), "who is on air stays");
    stage.run(45);
    assert_eq!(stage.luma_at(stage.next - 1), luma_of(3));
    // The one on air goes, with another: at once, whatever the hold-off.
    let rules = FailoverRules { hold_off_ms: 5000, ..FailoverRules::default() };
    let before = stage.next;
    let gone = stage.rearrange(&[1, 2], ThresholdPlan { failover: rules, ..thresholds() });
    stage.tick();
    assert_eq!((stage.luma_at(before), gone.try_recv().is_ok()), (luma_of(1), false), "it fades out first");
    stage.run(2);
    assert!(gone.try_recv().is_ok());
    // A take that names a source which goes is void; one that names another stays.
    let taken = stage.take(source(2), CUT());
    stage.tick();
    assert!(lock(&taken).is_some());
    let gone = stage.rearrange(&[5, 1], thresholds());
    stage.run(3);
    assert!(gone.try_recv().is_ok());
    assert_eq!((stage.status().order, stage.luma_at(stage.next - 1)), (ProgramOrder::Auto, luma_of(1)));
    stage.assert_unbroken();
    let told = lock(&stage.events).iter().filter(|event| event.code == EventCode::SlateOn).count();
    assert_eq!(told, 0, "the slate was never on");
}

#[test]
fn the_last_source_may_go_and_come_back() {
    let mut stage = Stage::new(1, thresholds(), ProgramOrder::Auto);
    stage.run(SETTLE);
    let gone = stage.rearrange(&[], thresholds());
    stage.run(3);
    assert!(gone.try_recv().is_ok());
    assert_eq!(stage.luma_at(stage.next - 1), SLATE);
    drop(stage.rearrange(&[4], thresholds()));
    stage.run(SETTLE);
    assert_eq!(stage.luma_at(stage.next - 1), luma_of(4));
    stage.assert_unbroken();
}

#[test]
fn another_rank_moves_nothing_else() {
    let mut stage = Stage::new(3, thresholds(), ProgramOrder::Auto);
    stage.run(SETTLE);
    let taken = stage.take(scene(Layout::SideBySide, 0, 2), CUT());
    stage.tick();
    assert!(lock(&taken).is_some());
    drop(stage.rearrange(&[2, 1, 0], thresholds()));
    let (before, showing) = (stage.luma_at(stage.next - 1), stage.status().showing);
    stage.run(5);
    assert_eq!((stage.luma_at(stage.next - 1), stage.status().showing), (before, showing));
    stage.assert_unbroken();
}

#[test]
fn the_picture_without_graphics_is_the_programs_own() {
    let mut stage = Stage::new(2, thresholds(), source(0));
    stage.watch_beside();
    stage.run(SETTLE);
    let words = Overlay::Text { text: "\u{2588}\u{2588}\u{2588}".into(), place: Place::Middle, height_percent: 20 };
    let (artwork, unfit) = Artist::new(&stage.format, "/nowhere".into()).draw(&[(words.kind(), words)].into(), None);
    assert_eq!(unfit, []);
    stage.overlay(artwork);
    let first = stage.next;
    let answer = stage.take(source(1), Transition::dissolve(200));
    stage.run(20);
    assert_eq!(lock(&answer).unwrap().frame, first);
    let left = stage.left();
    let stamps = |all: &[(u64, u8)]| all.iter().map(|one| one.0).collect::<Vec<u64>>();
    assert_eq!(stamps(&left.clean), stamps(&left.pictures), "on the same ticks");
    let clean: Vec<u8> = left.clean[left.clean.len() - 20..].iter().map(|one| one.1).collect();
    assert_eq!((clean[0], clean[19]), (luma_of(0) + 1, luma_of(1)), "{clean:?}");
    let (before, after) = left.pictures.split_at(left.pictures.len() - 20);
    assert_eq!(before, &left.clean[..before.len()]);
    assert!(after.iter().all(|(_, luma)| *luma > 100), "the program has the words: {after:?}");
}

#[test]
fn a_source_by_itself_has_the_programs_ticks_on_air_or_not() {
    let mut stage = Stage::new(2, thresholds(), source(0));
    stage.watch_beside();
    stage.run(SETTLE);
    stage.take(source(1), CUT());
    stage.run(30);
    stage.take(source(0), CUT());
    stage.run(30);
    stage.alive[1] = false;
    stage.run(30);
    let left = stage.left();
    let of = |rank: usize| left.isolated.iter().filter(|one| one.source == id(rank)).collect::<Vec<_>>();
    for (rank, own) in [(0, of(0)), (1, of(1))] {
        assert_eq!(own.len(), left.pictures.len());
        // The same media time, and where the program shows the source the same picture of it.
        for (own, (at, luma)) in own.iter().zip(&left.pictures) {
            assert_eq!(own.at, *at);
            assert!(*luma != luma_of(rank) || own.luma == *luma, "source {rank} at {at}");
        }
        let sounds: Vec<(u64, usize, f32)> = own.iter().filter_map(|one| one.sound).collect();
        let program: Vec<(u64, usize)> = left.sounds.iter().map(|one| (one.0, one.1)).collect();
        assert_eq!(sounds.iter().map(|one| (one.0, one.1)).collect::<Vec<_>>(), program, "sample by sample");
        // Off air it is as loud as on air.
        assert!(sounds[30..60].iter().all(|one| (one.2 - level_of(rank)).abs() < 1e-4), "{sounds:?}");
    }
    assert!(of(0)[SETTLE..].iter().all(|one| one.delivers));
    let lost: Vec<bool> = of(1)[SETTLE..].iter().map(|one| one.delivers).collect();
    assert!(lost[..60].iter().all(|delivers| *delivers) && lost[75..].iter().all(|delivers| !delivers), "{lost:?}");
    assert_eq!(of(1).last().unwrap().luma, luma_of(1), "its last picture again");
}
