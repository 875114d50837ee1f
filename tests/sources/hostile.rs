//! Pictures that nobody would send on purpose. The program goes on, and the source says what it is.

use std::time::Duration;

use uplink::model::status::{ProgramOrder, SourceState, SourceStatus};
use uplink::plan::{SourceKind, SrtMode};

use crate::rig::{Rig, Sender, clip, free_port, live, shows_slate, shows_source, watch};

/// Long enough for any of this on a busy machine.
const SOON: Duration = Duration::from_secs(60);

fn listener(port: u16) -> SourceKind {
    SourceKind::Srt {
        mode: SrtMode::Listener,
        host: "127.0.0.1".to_owned(),
        port,
        latency_ms: 100,
        passphrase: None,
        stream_id: None,
    }
}

#[test]
fn five_and_two_hundred_and_forty_pictures_a_second_are_shown() {
    for (rate, gop) in [(5, 5), (240, 240)] {
        let port = free_port();
        let rig = Rig::start((30, 1), &[listener(port)], ProgramOrder::Auto);
        let sender = Sender::srt(&live("320x180", rate, gop, &[]), port);
        // Settling: the first pictures do not tell yet how slow it is.
        watch(&rig, 90);
        assert_eq!(watch(&rig, 150), 0, "{rate} per second: {}", rig.told());
        let status = rig.program().sources().remove(0);
        let known = (status.picture.map(|p| p.to_string()), status.frame_rate.map(|r| r.to_string()));
        assert_eq!(known, (Some("320x180".to_owned()), Some(rate.to_string())), "{status:?}");
        assert_eq!((status.state, status.health.code.as_str()), (SourceState::Delivering, "ok"), "{status:?}");
        sender.kill();
        assert!(rig.recorder.wait(Duration::from_secs(5), shows_slate), "{rate} per second: {}", rig.told());
        rig.assert_unbroken();
    }
}

/// Mean luma and red-difference of the last picture between these columns; all of its lines.
fn stripe(rig: &Rig, columns: std::ops::Range<usize>) -> (u64, u64) {
    let (width, height) = (320, 180);
    let last = rig.recorder.last.lock().unwrap();
    let mean = |start: usize, width: usize, height: usize, columns: std::ops::Range<usize>| {
        let line = |y: usize| &last[start + y * width..][..width][columns.clone()];
        let all: Vec<u64> = (0..height).flat_map(|y| line(y).iter().map(|pixel| u64::from(*pixel))).collect();
        all.iter().sum::<u64>() / all.len() as u64
    };
    let half = columns.start / 2..columns.end / 2;
    (mean(0, width, height, columns), mean(width * height * 5 / 4, width / 2, height / 2, half))
}

/// A transport stream in a loop, and what the box takes it for.
fn shows(file: &std::path::Path, size: &str, right: impl Fn(&Rig) -> bool) {
    let port = free_port();
    let rig = Rig::start((30, 1), &[listener(port)], ProgramOrder::Auto);
    let name = file.display().to_string();
    let arguments = ["-re", "-stream_loop", "-1", "-i", &name, "-c", "copy"].map(str::to_owned);
    let _sender = Sender::srt(&arguments, port);
    let status = || rig.program().sources().remove(0);
    // A size that no program could have is told in words.
    let told = |status: &SourceStatus| status.health.reason == format!("delivers {size}");
    let known = || status().picture.map_or_else(|| told(&status()), |picture| picture.to_string() == size);
    let delivers = || status().frames > 0 && known();
    assert!(rig.recorder.wait(SOON, |r| delivers() && shows_source(r)), "{name}: {:?}\n{}", status(), rig.told());
    let looks = |x: usize| stripe(&rig, x..x + 40);
    let seen = || (looks(0), looks(100), looks(180), looks(280));
    assert!(rig.recorder.wait(SOON, |r| shows_source(r) && right(&rig)), "{name}: {:?}\n{}", seen(), rig.told());
    let from = rig.recorder.record.lock().unwrap().pictures.len();
    assert!(rig.recorder.wait(SOON, |r| r.pictures.len() >= from + 30), "{name}: the program stands");
    rig.assert_unbroken();
}

#[test]
fn a_picture_of_one_pixel_is_shown_in_its_shape() {
    let arguments =
        "-f lavfi -i color=red:size=2x2:rate=30 -vf scale=1:1 -t 10 -c:v libx264 -pix_fmt yuv444p -g 30 -bf 0";
    let file = clip("one-pixel.ts", &arguments.split(' ').collect::<Vec<_>>());
    // A square between bars: 180 of 320 columns.
    let red = |(luma, red): (u64, u64)| (50..100).contains(&luma) && red > 215;
    let bar = |(luma, red): (u64, u64)| luma < 24 && red.abs_diff(128) < 8;
    shows(&file, "1x1", |rig| {
        [80, 140, 200].iter().all(|x| red(stripe(rig, *x..x + 40)))
            && [0, 280].iter().all(|x| bar(stripe(rig, *x..x + 40)))
    });
}

#[test]
fn a_picture_in_8k_is_shown_whole() {
    // Dark on the left, bright on the right.
    let half = |colour: &str| format!("-f lavfi -i color={colour}:size=3840x4320:rate=2");
    let arguments = format!(
        "{} {} -filter_complex hstack -t 3 -c:v libx264 -preset ultrafast -g 2 -bf 0 -pix_fmt yuv420p",
        half("0x404040"),
        half("0xc0c0c0")
    );
    let file = clip("eight-k.ts", &arguments.split(' ').collect::<Vec<_>>());
    shows(&file, "7680x4320", |rig| {
        let luma = |x: usize| stripe(rig, x..x + 40).0;
        let (dark, bright) = ([0, 60, 110].map(luma), [170, 220, 280].map(luma));
        dark.iter().all(|luma| (55..90).contains(luma)) && bright.iter().all(|luma| (165..197).contains(luma))
    });
}
