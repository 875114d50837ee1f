//! Sound as operators and technicians set it: maps, gain, mute, delay, correction, and what is told of it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use uplink::media::program::Settled;
use uplink::model::sound::{ChannelMap, LiveSound, SoundFault, SoundOverride, SoundSetting, SourceSound};
use uplink::model::status::ProgramOrder;
use uplink::model::{Event, EventCode, MediaTime, PictureSize, SourceId};
use uplink::plan::{CorrectionPlan, SoundAlarmPlan, SoundPlan, SourceKind};

use crate::recorder::Record;
use crate::rig::{Rig, clip};

const SOON: Duration = Duration::from_secs(20);

fn start(source: SourceKind, sound: SoundPlan) -> Rig {
    Rig::with_sound(PictureSize::new(320, 180).unwrap(), (30, 1), &[source], ProgramOrder::Auto, sound)
}

/// A picture with four channels of sound, not compressed: 300, 500, 700 and 900 Hz at -10 dBFS.
fn four_channels() -> PathBuf {
    let tones = "aevalsrc=0.3*sin(600*PI*t)|0.3*sin(1000*PI*t)|0.3*sin(1400*PI*t)|0.3*sin(1800*PI*t):c=4.0:s=48000";
    let picture = "testsrc2=size=320x180:rate=30";
    let inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tones, "-t", "40"];
    let codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-c:a", "pcm_s16le"];
    clip("four.mkv", &[&inputs[..], &codecs[..]].concat())
}

fn settled(mut settled: Settled) -> MediaTime {
    let end = Instant::now() + SOON;
    loop {
        if let Ok(at) = settled.try_recv() {
            return at;
        }
        assert!(Instant::now() < end, "the program did not take it over");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn set(rig: &Rig, source: SoundOverride) -> MediaTime {
    let mut live = LiveSound::default();
    live.sources.insert(SourceId::new("s0").unwrap(), source);
    settled(rig.program().controls().set_sound(live))
}

/// The last `ticks` of sound, by channel.
fn lately(record: &Record, ticks: usize) -> [Vec<f32>; 2] {
    let skip = record.wave.len().saturating_sub(ticks);
    let all: Vec<f32> = record.wave.iter().skip(skip).flatten().copied().collect();
    [0, 1].map(|channel| all.iter().skip(channel).step_by(2).copied().collect())
}

/// Amplitude of the tone of `hertz`.
fn tone(sound: &[f32], hertz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in sound.iter().enumerate() {
        let angle = n as f64 * hertz * std::f64::consts::TAU / 48_000.0;
        re += f64::from(*sample) * angle.cos();
        im += f64::from(*sample) * angle.sin();
    }
    2.0 * (re * re + im * im).sqrt() / sound.len() as f64
}

/// Waits until `more` ticks have passed.
fn pass(rig: &Rig, more: usize) {
    let from = rig.recorder.record.lock().unwrap().sounds.len();
    assert!(rig.recorder.wait(SOON, |record| record.sounds.len() >= from + more), "{}", rig.told());
}

fn wait_for(rig: &Rig, code: EventCode) -> Event {
    let told = |record: &Record| record.events.iter().any(|event| event.code == code);
    assert!(rig.recorder.wait(SOON, told), "{code:?} was not told\n{}", rig.told());
    rig.recorder.record.lock().unwrap().events.iter().find(|event| event.code == code).unwrap().clone()
}

#[test]
fn channels_go_where_the_map_says_and_nothing_that_is_set_on_air_clicks() {
    let rows = ["3", "1@-6 + 4@-6"].map(|row| ChannelMap::parse_row(row).unwrap());
    let mapped = SourceSound { map: Some(ChannelMap::from_rows(rows.to_vec())), setting: SoundSetting::default() };
    let sources = [(SourceId::new("s0").unwrap(), mapped)].into();
    let rig = start(SourceKind::File { path: four_channels() }, SoundPlan { sources, ..SoundPlan::default() });
    let heard = |record: &Record| record.sounds.iter().filter(|sound| sound.2 > 0.2).count() >= 60;
    assert!(rig.recorder.wait(SOON, heard), "{}", rig.told());
    let tones = |sound: &[f32]| [300.0, 500.0, 700.0, 900.0].map(|hertz| (tone(sound, hertz) * 100.0).round() / 100.0);
    let [left, right] = lately(&rig.recorder.record.lock().unwrap(), 30);
    assert_eq!((tones(&left), tones(&right)), ([0.0, 0.0, 0.3, 0.0], [0.15, 0.0, 0.0, 0.15]));

    let begin = rig.recorder.record.lock().unwrap().wave.len();
    let gain = |gain_db| SoundOverride { gain_db: Some(gain_db), ..SoundOverride::default() };
    set(&rig, gain(-12.0));
    pass(&rig, 30);
    let [left, _] = lately(&rig.recorder.record.lock().unwrap(), 15);
    assert!((tone(&left, 700.0) - 0.0754).abs() < 0.005, "{}", tone(&left, 700.0));
    set(&rig, SoundOverride { mute: Some(true), ..SoundOverride::default() });
    pass(&rig, 20);
    let [left, right] = lately(&rig.recorder.record.lock().unwrap(), 10);
    assert!(left.iter().chain(&right).all(|sample| *sample == 0.0));
    set(&rig, SoundOverride::default());
    pass(&rig, 20);
    for delay in [137, 20, 0] {
        set(&rig, SoundOverride { delay_ms: Some(delay), ..SoundOverride::default() });
        pass(&rig, 20);
    }
    let ticks = rig.recorder.record.lock().unwrap().wave.len() - begin;
    for channel in lately(&rig.recorder.record.lock().unwrap(), ticks) {
        let steepest = channel.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        // 700 Hz at 0.3 rises by 0.028 per sample; a fade of 10 ms adds little. A click is a step of up to 0.6.
        assert!(steepest < 0.032, "a step of {steepest}");
    }
    rig.assert_unbroken();
}

/// How much later than the picture the last tick of the test signal is, milliseconds.
fn offset(record: &Record) -> Option<i64> {
    let tick = (*record.ticks.last()? % 1_000_000_000 / 1_000_000) as i64;
    let picture = record.pictures.last()?;
    let shown = (picture.pts / 1_000_000) as i64;
    let delay = shown - picture.mark?.utc_ms_near(picture.pts / 1_000_000) as i64;
    Some(if tick > 900 { tick - 1000 - delay } else { tick - delay })
}

fn offset_after(rig: &Rig, ticks: usize) -> i64 {
    let from = rig.recorder.record.lock().unwrap().ticks.len();
    assert!(rig.recorder.wait(SOON, |record| record.ticks.len() >= from + ticks), "{}", rig.told());
    let record = rig.recorder.record.lock().unwrap();
    offset(&record).expect("a picture with marks")
}

#[test]
fn a_delay_moves_sound_against_picture_and_the_correction_does_not() {
    let correction = Some(CorrectionPlan { target_lufs: -23.0, max_gain_db: 9.0 });
    let rig = start(SourceKind::Test, SoundPlan { correction, ..SoundPlan::default() });
    assert!(offset_after(&rig, 2).abs() <= 2);
    for (delay, exact) in [(120, 3), (0, 3), (-100, 3)] {
        set(&rig, SoundOverride { delay_ms: Some(delay), ..SoundOverride::default() });
        let offset = offset_after(&rig, 3);
        assert!((offset - i64::from(delay)).abs() <= exact, "sound is {offset} ms late instead of {delay}");
    }
    rig.assert_unbroken();
    let loudness = rig.program().status().loudness;
    assert!(loudness[0].correction_db.is_some() && loudness[0].short_term.is_some(), "{loudness:?}");
    assert!(loudness[0].true_peak.iter().all(|peak| *peak <= -0.9), "{loudness:?}");
}

#[test]
fn silence_is_a_state_with_times_and_loudness_begins_anew_on_demand() {
    let alarms = SoundAlarmPlan { silence_ms: 1000, clear_ms: 500, ..SoundAlarmPlan::default() };
    let rig = start(SourceKind::Test, SoundPlan { alarms, ..SoundPlan::default() });
    offset_after(&rig, 1);
    let muted = set(&rig, SoundOverride { mute: Some(true), ..SoundOverride::default() });
    let began = wait_for(&rig, EventCode::SilenceBegan);
    // The ramp of 10 ms, and a tick.
    let late = began.at.since(muted).as_millis();
    assert!((1000..1150).contains(&late), "silence was told {late} ms after the mute");
    pass(&rig, 10);
    let silence = |rig: &Rig| {
        let states = rig.program().status().sound_states;
        states.into_iter().find(|state| state.fault == SoundFault::Silence).expect("silence is watched")
    };
    let state = silence(&rig);
    assert!(state.active && state.count == 1 && state.since.since(muted).as_millis() < 100, "{state:?}");
    set(&rig, SoundOverride::default());
    let ended = wait_for(&rig, EventCode::SilenceEnded);
    assert!(ended.text.contains(" after 1."), "{}", ended.text);
    pass(&rig, 10);
    assert!(!silence(&rig).active);

    let before = rig.program().status().loudness[0].clone();
    assert!(before.integrated.is_some(), "{before:?}");
    let at = settled(rig.program().controls().restart_loudness());
    pass(&rig, 10);
    let after = rig.program().status().loudness[0].clone();
    assert_eq!((after.since, after.channels), (at, vec![1, 2]));
    assert!(before.since < at);
    wait_for(&rig, EventCode::LoudnessRestarted);
}
