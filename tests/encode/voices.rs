//! Audio renditions of programs with one, four and six channels: each carries what its map says, and nothing else.

use uplink::model::sound::{ChannelMap, SoundLayout};
use uplink::model::{BitRate, MediaTime, RenditionId, SampleGrid};
use uplink::plan::{AudioRenditionPlan, ChannelPlan, CorrectionPlan, SoundPlan};

use crate::probe;
use crate::rig::{BOUNDARY, Rig, plan, stamped};

/// The tone of a program channel (from 0), hertz.
fn pitch(channel: usize) -> f64 {
    400.0 + 300.0 * channel as f64
}

fn rendition(id: &str, map: Option<&[&str]>) -> AudioRenditionPlan {
    let rows = |map: &[&str]| map.iter().map(|row| ChannelMap::parse_row(row).unwrap()).collect();
    AudioRenditionPlan {
        id: RenditionId::new(id).unwrap(),
        name: id.into(),
        language: None,
        bitrate: BitRate(256_000),
        map: map.map(|map| ChannelMap::from_rows(rows(map))),
        correction: None,
    }
}

fn of_channels(channels: u8, layout: SoundLayout, audio: Vec<AudioRenditionPlan>) -> ChannelPlan {
    let mut plan = plan("25");
    plan.program.audio.channels = channels;
    plan.sound = SoundPlan { layout, ..SoundPlan::default() };
    plan.video = Vec::new();
    plan.audio = audio;
    plan
}

/// Encodes `seconds` in which each program channel has a tone of its own, with the file of each rendition.
fn encode(plan: &ChannelPlan, seconds: u64) -> Vec<Vec<u8>> {
    let rig = Rig::start(plan);
    let (grid, channels) = (SampleGrid::new(48_000), usize::from(plan.program.audio.channels));
    let first = grid.index_at(MediaTime::from_secs(BOUNDARY));
    for block in 0..seconds * 25 {
        let wave = |n: u64, channel: usize| (n as f64 * pitch(channel) * std::f64::consts::TAU / 48_000.0).sin() * 0.3;
        let samples = (block * 1920..(block + 1) * 1920).flat_map(|n| (0..channels).map(move |c| wave(n, c) as f32));
        let data = samples.flat_map(f32::to_le_bytes).collect();
        rig.encoders.push_sound(stamped(data, grid.time_of(first + block * 1920)));
        let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while rig.encoders.backlog() > 8 {
            assert!(std::time::Instant::now() < until, "the encoders stand still");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
    let harvest = rig.finish();
    plan.audio.iter().map(|rendition| harvest.file(rendition.id.as_str())).collect()
}

/// Amplitude of the tone of `pitch` in `sound`.
fn amplitude(sound: &[f32], pitch: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in sound.iter().enumerate() {
        let angle = n as f64 * pitch * std::f64::consts::TAU / 48_000.0;
        re += f64::from(*sample) * angle.cos();
        im += f64::from(*sample) * angle.sin();
    }
    2.0 * (re * re + im * im).sqrt() / sound.len() as f64
}

/// The program channels (from 1) that are heard in each channel of the file.
fn heard(file: &[u8], channels: usize, program: usize) -> Vec<Vec<usize>> {
    let all = probe::decoded_channels(file, channels);
    let loud = |sound: &[f32], channel: &usize| amplitude(&sound[48_000..96_000], pitch(*channel)) > 0.02;
    let each =
        |sound: &Vec<f32>| (0..program).filter(|channel| loud(sound, channel)).map(|channel| channel + 1).collect();
    all.iter().map(each).collect()
}

#[test]
fn two_languages_of_four_channels_and_a_mono_mix() {
    let audio = vec![
        rendition("original", Some(&["1", "2"])),
        rendition("translation", Some(&["3", "4"])),
        rendition("phone", Some(&["1@-6 + 2@-6"])),
    ];
    let files = encode(&of_channels(4, SoundLayout::Pairs, audio), 4);
    assert_eq!(heard(&files[0], 2, 4), [[1], [2]]);
    assert_eq!(heard(&files[1], 2, 4), [[3], [4]]);
    assert_eq!(heard(&files[2], 1, 4), [[1, 2]]);
}

#[test]
fn surround_in_six_channels_and_its_stereo_mix() {
    let audio = vec![rendition("five-one", None), rendition("stereo", Some(&["1 + 3@-3 + 5@-3", "2 + 3@-3 + 6@-3"]))];
    let files = encode(&of_channels(6, SoundLayout::Surround, audio), 4);
    // The encoder takes everything above 120 Hz or so out of the LFE, so its tone is not looked for.
    let six: Vec<Vec<usize>> = heard(&files[0], 6, 6);
    assert_eq!((&six[0], &six[1], &six[2], &six[4], &six[5]), (&vec![1], &vec![2], &vec![3], &vec![5], &vec![6]));
    assert_eq!(heard(&files[1], 2, 6), [[1, 3, 5], [2, 3, 6]]);
    assert_eq!(probe::sound_layout(&files[0]), "5.1");
}

#[test]
fn a_program_in_mono() {
    let files = encode(&of_channels(1, SoundLayout::Mono, vec![rendition("mono", None)]), 4);
    assert_eq!(heard(&files[0], 1, 1), [[1]]);
    assert_eq!(probe::sound_layout(&files[0]), "mono");
}

#[test]
fn a_rendition_with_a_loudness_of_its_own_stays_in_its_place() {
    let correction = Some(CorrectionPlan { target_lufs: -23.0, max_gain_db: 20.0 });
    let audio = vec![rendition("plain", None), AudioRenditionPlan { correction, ..rendition("soft", None) }];
    let files = encode(&of_channels(2, SoundLayout::Stereo, audio), 40);
    let [plain, soft] = [0, 1].map(|n| probe::decoded_channels(&files[n], 2).swap_remove(0));
    // Two tones of 0.3, one in each channel: about -10.5 LUFS. 12.5 dB less is 0.071.
    let late = &soft[38 * 48_000..39 * 48_000];
    assert!((amplitude(late, pitch(0)) - 0.071).abs() < 0.006, "{}", amplitude(late, pitch(0)));
    // The limiter's look-ahead of 5 ms does not move it: the tones run in step.
    let product = |shift: usize| {
        let pairs = plain[36 * 48_000..37 * 48_000].iter().zip(&soft[36 * 48_000 + shift..]);
        pairs.map(|(a, b)| f64::from(a * b)).sum::<f64>()
    };
    let best = (0..120).max_by(|a, b| product(*a).total_cmp(&product(*b))).unwrap();
    assert!(best <= 1 || best == 120, "it is {best} samples late");
    let starts = |file: &[u8]| probe::packets(file).first().map(|packet| packet.pts);
    assert_eq!(starts(&files[0]), starts(&files[1]));
}
