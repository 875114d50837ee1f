//! A long show in little time: eight hours of a source whose clock is wrong go through the frame store as fast as the
//! machine can. The arrival times are made up, everything else is what runs on air.

use std::time::Duration;

use gstreamer as gst;

use super::{Feed, Streams, Taken};
use crate::model::{AudioFormat, FrameRate, MediaTime, PictureSize, ProgramFormat};

const FPS: u64 = 30;
const RATE: u64 = 3000;
const PER_TICK: u64 = RATE / FPS;
const FRAME: u64 = 1_000_000_000 / FPS;
const START: u64 = 1_763_000_000_000_000_000;
/// The sound is a saw that names its sample, modulo this.
const SAW: u64 = 1 << 12;

/// What eight hours showed.
#[derive(Debug, Default)]
struct Seen {
    new: u64,
    again: u64,
    empty: u64,
    /// Smallest and largest distance of the sound heard from the picture shown, samples.
    offset: (i64, i64),
    most_waiting: usize,
}

fn at(nanos: u64) -> MediaTime {
    MediaTime::from_nanos(START + nanos)
}

/// The sample that `value` names, as distance from `expected`.
fn distance(value: f32, expected: u64) -> i64 {
    let named = (f64::from(value) * SAW as f64).round() as i64;
    let distance = (named - (expected % SAW) as i64).rem_euclid(SAW as i64);
    if distance > SAW as i64 / 2 { distance - SAW as i64 } else { distance }
}

/// Runs a source that is `ppm` slow (its frames take longer to come than their stamps say) for `hours`.
fn run(ppm: i64, hours: u64) -> Seen {
    gst::init().unwrap();
    let format = ProgramFormat {
        size: PictureSize::new(320, 180).unwrap(),
        frame_rate: FrameRate::new(FPS as u32, 1).unwrap(),
        audio: AudioFormat { sample_rate: RATE as u32, channels: 1 },
    };
    let feed = Feed::new(format, Duration::from_millis(250), Duration::from_millis(80));
    feed.begin();
    feed.announce(Streams { picture: true, sound: true });
    let arrival =
        |nanos: u64, jitter: u64| (nanos as i64 + nanos as i64 / 1000 * ppm / 1000) as u64 + jitter * 1_000_000;
    let mut seen = Seen { offset: (i64::MAX, i64::MIN), ..Seen::default() };
    let mut sent = 0u64;
    let mut heard = vec![0.0f32; PER_TICK as usize];
    for tick in 0..hours * 3600 * FPS {
        let now = tick * FRAME;
        while arrival(sent * FRAME, sent * 31 % 19) <= now {
            let when = at(arrival(sent * FRAME, sent * 31 % 19));
            let mut picture = gst::Buffer::new();
            picture.get_mut().unwrap().set_offset(sent);
            feed.push_picture(at(sent * FRAME), picture, when);
            let sample = |n: u64| ((sent * PER_TICK + n) % SAW) as f32 / SAW as f32;
            let samples: Vec<f32> = (0..PER_TICK).map(sample).collect();
            feed.push_sound(at(sent * FRAME), &samples, when);
            sent += 1;
        }
        feed.tick(at(now));
        let taken = feed.take_picture(at(now));
        feed.take_sound(at(now), PER_TICK as usize, &mut heard);
        match &taken {
            Taken::New(_) => seen.new += 1,
            Taken::Again(_) => seen.again += 1,
            Taken::Nothing => seen.empty += 1,
        }
        // The first seconds find the delay.
        if let (Taken::New(picture), true) = (&taken, tick > 10 * FPS) {
            let expected = picture.offset() * PER_TICK;
            // Around the fall of the saw the resampler hands out values between its ends.
            if (400..SAW - 400).contains(&(expected % SAW)) {
                let offset = distance(heard[0], expected);
                seen.offset = (seen.offset.0.min(offset), seen.offset.1.max(offset));
            }
        }
        if tick % 997 == 0 {
            seen.most_waiting = seen.most_waiting.max(feed.inner().pictures.waiting());
        }
    }
    seen
}

/// A/V offset within ±20 ms, nothing piles up, and as many frames repeated or skipped as the clocks differ by.
fn assert_steady(ppm: i64) {
    let hours = 8;
    let seen = run(ppm, hours);
    eprintln!("{ppm} ppm for {hours} h: {seen:?}");
    // A picture can only be shown on a tick, so half a frame of it is the grid.
    let limit = (RATE / 50) as i64;
    assert!(seen.offset.0 >= -limit && seen.offset.1 <= limit, "{seen:?}, at {RATE} Hz");
    assert!(seen.most_waiting < 20, "{seen:?}");
    assert!(seen.empty < FPS, "{seen:?}");
    let difference = hours * 3600 * FPS * ppm.unsigned_abs() / 1_000_000;
    assert!(seen.again <= if ppm > 0 { difference + 20 } else { 20 }, "{seen:?}");
}

#[test]
fn eight_hours_of_a_source_with_a_slow_clock() {
    assert_steady(200);
}

#[test]
fn eight_hours_of_a_source_with_a_fast_clock() {
    assert_steady(-200);
}
