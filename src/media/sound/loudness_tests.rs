//! The meter against the `ebur128` filter of ffmpeg, on signals in the manner of EBU Tech 3341 and 3342.

use std::process::Command;

use super::LoudnessMeter;
use crate::model::MediaTime;
use crate::model::sound::Loudness;

const RATE: usize = 48_000;

fn amplitude(dbfs: f64) -> f64 {
    10f64.powf(dbfs / 20.0)
}

/// Stereo tones of 1 kHz, (dBFS, seconds) one after the other.
fn tones(levels: &[(f64, usize)]) -> Vec<f32> {
    let mut sound = Vec::new();
    for (dbfs, seconds) in levels {
        let wave =
            |n: usize| ((n as f64 * 1000.0 * std::f64::consts::TAU / RATE as f64).sin() * amplitude(*dbfs)) as f32;
        sound.extend((0..seconds * RATE).flat_map(|n| [wave(n); 2]));
    }
    sound
}

/// Pink noise (Kellet's filter), different in both channels, that steps through levels, (dB, seconds).
fn pink(levels: &[(f64, usize)]) -> Vec<f32> {
    let mut random = fastrand::Rng::with_seed(3341);
    let mut state = [[0.0f64; 3]; 2];
    let mut sound = Vec::new();
    for (db, seconds) in levels {
        for _ in 0..seconds * RATE {
            for state in &mut state {
                let white = random.f64() * 2.0 - 1.0;
                state[0] = 0.99765 * state[0] + white * 0.0990460;
                state[1] = 0.96300 * state[1] + white * 0.2965164;
                state[2] = 0.57000 * state[2] + white * 1.0526913;
                let pink = (state.iter().sum::<f64>() + white * 0.1848) / 6.0;
                sound.push((pink * amplitude(*db)) as f32);
            }
        }
    }
    sound
}

/// A sine of a quarter of the sampling rate, off the samples by 45 degrees: its peaks lie between them. It is faded in and
/// out, for a hard edge has a peak of its own.
fn between(dbfs: f64) -> Vec<f32> {
    let (quarter, all) = (std::f64::consts::FRAC_PI_2, 10 * RATE);
    let fade = |n: usize| (n.min(all - n) as f64 / (RATE / 10) as f64).min(1.0);
    let wave = |n: usize| ((n as f64 * quarter + quarter / 2.0).sin() * amplitude(dbfs) * fade(n)) as f32;
    (0..all).flat_map(|n| [wave(n); 2]).collect()
}

fn ours(sound: &[f32]) -> Loudness {
    let mut meter = LoudnessMeter::new(RATE as u32, vec![0, 1], MediaTime::from_secs(0)).unwrap();
    // As the program does, a tick at a time.
    sound.chunks(2 * 1601).for_each(|tick| {
        meter.add(tick);
    });
    meter.loudness()
}

/// Integrated, LRA, true peak; and the last momentary and short-term values.
fn ffmpeg(sound: &[f32]) -> [f64; 5] {
    let file = tempfile::NamedTempFile::new().unwrap();
    let bytes: Vec<u8> = sound.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    std::fs::write(file.path(), bytes).unwrap();
    let out = Command::new("timeout")
        .args(["120", "ffmpeg", "-nostdin", "-hide_banner", "-f", "f32le", "-ar", "48000", "-ac", "2", "-i"])
        .arg(file.path())
        .args(["-af", "ebur128=peak=true", "-f", "null", "-"])
        .output()
        .expect("ffmpeg is installed (packaging/install-dependencies test)");
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    let (running, summary) = text.split_once("Summary:").unwrap_or_else(|| panic!("{text}"));
    let number = |text: &str, name: &str| {
        let rest = text.rsplit_once(name).unwrap_or_else(|| panic!("no {name} in {text}")).1;
        rest.split_whitespace().next().unwrap().parse().unwrap_or_else(|_| panic!("{name} in {rest}"))
    };
    let last = running.lines().rfind(|line| line.contains("S:") && line.contains("M:")).unwrap();
    [number(summary, "I:"), number(summary, "LRA:"), number(summary, "Peak:"), number(last, "M:"), number(last, "S:")]
}

/// Compares, and returns what we measured.
fn compare(name: &str, sound: &[f32]) -> Loudness {
    let (ours, theirs) = (ours(sound), ffmpeg(sound));
    let peak = ours.true_peak.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let values = [ours.integrated.unwrap(), ours.lra.unwrap(), peak, ours.momentary.unwrap(), ours.short_term.unwrap()];
    println!("{name}: I, LRA, peak, M, S: ours {values:.2?}, ffmpeg {theirs:.2?}");
    for ((ours, theirs), what) in
        values.iter().zip(theirs).zip(["integrated", "LRA", "true peak", "momentary", "short-term"])
    {
        // ffmpeg prints tenths.
        assert!((ours - theirs).abs() <= 0.2, "{name}: {what} {ours:.2}, ffmpeg has {theirs:.2}");
    }
    ours
}

#[test]
fn a_tone_of_minus_23() {
    let loudness = compare("a steady tone", &tones(&[(-23.0, 20)]));
    assert!((loudness.integrated.unwrap() + 23.0).abs() <= 0.1, "{loudness:?}");
}

#[test]
fn the_gate_leaves_out_what_is_too_soft() {
    let loudness = compare("the gate", &tones(&[(-36.0, 10), (-23.0, 60), (-36.0, 10)]));
    assert!((loudness.integrated.unwrap() + 23.0).abs() <= 0.1, "{loudness:?}");
}

#[test]
fn noise_with_steps_as_a_programme_has() {
    let levels = [(-20.0, 8), (-12.0, 6), (-30.0, 5), (-15.0, 10), (-60.0, 4), (-9.0, 3), (-18.0, 12)];
    compare("pink noise in steps", &pink(&levels));
}

#[test]
fn the_range_of_two_levels() {
    let loudness = compare("LRA of two levels", &tones(&[(-20.0, 20), (-30.0, 20)]));
    assert!((loudness.lra.unwrap() - 10.0).abs() <= 1.0, "EBU Tech 3342, case 1: {loudness:?}");
}

#[test]
fn peaks_between_the_samples() {
    let loudness = compare("peaks between samples", &between(-6.0));
    assert!((loudness.true_peak[0] + 6.0).abs() <= 0.3, "EBU Tech 3341, case 15: +0.2/-0.4 dB: {loudness:?}");
}
