//! Takes in real time, with sources that have pipelines of their own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use uplink::media::program::ShownFrom;
use uplink::model::status::ProgramOrder;
use uplink::model::{EventCode, FrameGrid, SignalThresholds, SourceId, Transition, Trigger, TriggerAction};
use uplink::plan::SourceKind;

use crate::recorder::Record;
use crate::rig::{Rig, clip, thresholds};

const COLOURS: [&str; 3] = ["0x30c030", "0xc03030", "0x3030c0"];

/// Moving grey under a colour that names the source.
fn coloured(colour: &str) -> SourceKind {
    let picture = format!("color=c={colour}:size=320x180:rate=30,noise=c0s=60:c0f=t:all_seed=1");
    let sound = "sine=frequency=500:sample_rate=48000";
    let path = clip(
        &format!("{colour}.mp4"),
        &[
            "-f",
            "lavfi",
            "-i",
            &picture,
            "-f",
            "lavfi",
            "-i",
            sound,
            "-t",
            "4",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "30",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
        ],
    );
    SourceKind::File { path }
}

fn order(rank: usize) -> ProgramOrder {
    ProgramOrder::Source { source: SourceId::new(format!("s{rank}")).unwrap() }
}

type Shown = Arc<Mutex<Option<ShownFrom>>>;

fn take(rig: &Rig, rank: usize, transition: Transition) -> Shown {
    let shown: Shown = Arc::default();
    let told = Arc::clone(&shown);
    rig.program().take(order(rank), transition, Box::new(move |from| *told.lock().unwrap() = Some(from)));
    shown
}

/// Which source each colour is, as the recorder saw it.
fn learn(rig: &Rig) -> Vec<(u8, u8)> {
    (0..COLOURS.len())
        .map(|rank| {
            let shown = take(rig, rank, Transition::default());
            assert!(rig.recorder.wait(Duration::from_secs(20), |_| shown.lock().unwrap().is_some()), "{}", rig.told());
            let from = shown.lock().unwrap().unwrap().at.as_nanos();
            let there = |r: &Record| r.pictures.iter().any(|p| p.pts >= from + 100_000_000);
            assert!(rig.recorder.wait(Duration::from_secs(5), there));
            rig.recorder.record.lock().unwrap().pictures.last().unwrap().colour
        })
        .collect()
}

fn near(a: (u8, u8), b: (u8, u8)) -> bool {
    a.0.abs_diff(b.0) <= 6 && a.1.abs_diff(b.1) <= 6
}

#[test]
fn two_hundred_takes_at_random_times_are_each_on_the_frame_that_the_answer_names() {
    let sources: Vec<SourceKind> = COLOURS.iter().map(|colour| coloured(colour)).collect();
    let rig = Rig::start((30, 1), &sources, ProgramOrder::Auto);
    let colours = learn(&rig);
    let mut random = fastrand::Rng::with_seed(5);
    let mut takes: Vec<(usize, Shown)> = Vec::new();
    let mut rank = COLOURS.len() - 1;
    for _ in 0..200 {
        rank = (rank + random.usize(1..COLOURS.len())) % COLOURS.len();
        let shown = take(&rig, rank, Transition::default());
        let told = |_: &Record| shown.lock().unwrap().is_some();
        assert!(rig.recorder.wait(Duration::from_secs(5), told), "{}", rig.told());
        takes.push((rank, Arc::clone(&shown)));
        // Not a wait for anything: takes come at any phase of a frame.
        std::thread::park_timeout(Duration::from_millis(random.u64(0..60)));
    }
    let last = takes.last().and_then(|(_, shown)| *shown.lock().unwrap()).unwrap().at.as_nanos();
    assert!(rig.recorder.wait(Duration::from_secs(5), |r| r.pictures.last().is_some_and(|p| p.pts > last)));
    rig.assert_unbroken();
    let record = rig.recorder.record.lock().unwrap();
    let grid = FrameGrid::new(rig.recorder.format.frame_rate);
    let mut wrong = Vec::new();
    for (n, (rank, shown)) in takes.iter().enumerate() {
        let from = shown.lock().unwrap().unwrap();
        let place = record.pictures.iter().position(|p| p.pts == from.at.as_nanos()).expect("the frame left");
        let (before, on) = (record.pictures[place - 1].colour, record.pictures[place].colour);
        if grid.index_at(from.at) != from.frame || !near(on, colours[*rank]) || near(before, colours[*rank]) {
            wrong.push((n, before, on, colours[*rank]));
        }
    }
    assert!(wrong.is_empty(), "{} of 200: {wrong:?}", wrong.len());
}

#[test]
fn a_black_source_is_left_for_the_backup_in_time_and_a_good_one_raises_no_alarm() {
    let black = clip(
        "black.mp4",
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=320x180:rate=30,fade=out:st=4:d=0.1:color=black",
            "-f",
            "lavfi",
            "-i",
            "sine=frequency=500:sample_rate=48000",
            "-t",
            "12",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "30",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
        ],
    );
    let on = |enter_ms| Trigger { action: TriggerAction::Failover, enter_ms, clear_ms: 500 };
    let signal = SignalThresholds {
        black: on(1500),
        black_luma: 32,
        freeze: on(1500),
        freeze_percent: 0.2,
        silence: on(1500),
        silence_dbfs: -60.0,
        ..SignalThresholds::default()
    };
    let limits = uplink::plan::ThresholdPlan { signal, ..thresholds() };
    let rig = Rig::limited(limits, &[SourceKind::File { path: black }, SourceKind::Test], ProgramOrder::Auto);
    let told = |r: &Record| r.events.iter().any(|e| e.code == EventCode::SourceBlack);
    assert!(rig.recorder.wait(Duration::from_secs(25), told), "{}", rig.told());
    let switched = |r: &Record| r.pictures.last().is_some_and(|p| p.mark.is_some());
    assert!(rig.recorder.wait(Duration::from_secs(5), switched), "{}", rig.told());
    rig.assert_unbroken();
    let record = rig.recorder.record.lock().unwrap();
    let event = record.events.iter().find(|e| e.code == EventCode::SourceBlack).unwrap();
    let dark = record.pictures.iter().find(|p| p.luma < 20 && !p.is_slate).unwrap();
    let took = event.at.as_nanos().saturating_sub(dark.pts) / 1_000_000;
    // What is seen is seen when it arrives, about 100 ms before it is shown.
    assert!((1300..=1700).contains(&took), "told {took} ms after the first black picture left");
    let first = record.pictures.iter().find(|p| p.mark.is_some() && p.pts >= event.at.as_nanos()).unwrap();
    assert!(first.pts - event.at.as_nanos() <= 2 * 34_000_000, "left two frames after its detection");
    let subjects: Vec<_> = record.events.iter().filter(|e| e.code != EventCode::ProgramSwitched).collect();
    assert!(
        subjects.iter().all(|e| e.subject.as_deref() != Some("s1") || e.code == EventCode::SourceConnected),
        "{subjects:?}"
    );
}
