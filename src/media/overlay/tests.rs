//! What is blended where, with real fonts and real image files.

use std::collections::BTreeMap;
use std::path::Path;

use gstreamer as gst;
use gstreamer_video as gst_video;

use super::keyer::Keyer;
use super::*;
use crate::media::encode::picture_caps;
use crate::media::init;
use crate::model::overlay::{Overlay, OverlayKind, Place, Zone};
use crate::model::{AudioFormat, FrameRate, PictureSize, ProgramFormat};

const AT: MediaTime = MediaTime::from_secs(1_763_683_200);

fn format() -> ProgramFormat {
    ProgramFormat {
        size: PictureSize::new(320, 180).unwrap(),
        frame_rate: FrameRate::new(25, 1).unwrap(),
        audio: AudioFormat { sample_rate: 48_000, channels: 2 },
    }
}

/// Grey, so that dark and bright are seen.
fn grey() -> gst::Buffer {
    gst::Buffer::from_mut_slice([vec![100u8; 320 * 180], vec![128; 320 * 90]].concat())
}

/// Where the picture was changed: left, top, right, bottom (of luma), and the brightest luma.
fn changed(picture: &gst::Buffer) -> Option<(usize, usize, usize, usize, u8)> {
    let map = picture.map_readable().unwrap();
    let other: Vec<usize> = (0..320 * 180).filter(|n| map[*n] != 100).collect();
    let (x, y) = (|n: &usize| n % 320, |n: &usize| n / 320);
    Some((
        other.iter().map(x).min()?,
        other.iter().map(y).min()?,
        other.iter().map(x).max()?,
        other.iter().map(y).max()?,
        other.iter().map(|n| map[*n]).max()?,
    ))
}

fn one(overlay: Overlay) -> BTreeMap<OverlayKind, Overlay> {
    [(overlay.kind(), overlay)].into()
}

fn keyed(artwork: Artwork, at: MediaTime, slate: bool) -> gst::Buffer {
    let slot = Arc::new(Slot::default());
    let mut keyer = Keyer::new(&format(), Arc::clone(&slot));
    let shown = slot.put(artwork);
    keyer.renew(at);
    assert_eq!(shown.try_recv().unwrap(), (at, at.as_nanos() / 1_000_000 * 25 / 1000));
    keyer.apply(grey(), at, slate, None)
}

/// The picture at `AT` of a program that follows a source's timecode.
fn labelled(artwork: Artwork, label: &str) -> Vec<u8> {
    let slot = Arc::new(Slot::default());
    let mut keyer = Keyer::new(&format(), Arc::clone(&slot));
    drop(slot.put(artwork));
    keyer.renew(AT);
    let picture = keyer.apply(grey(), AT, false, Some(label.parse().unwrap()));
    picture.map_readable().unwrap().to_vec()
}

fn draw(overlay: Overlay, images: &Path) -> gst::Buffer {
    init().unwrap();
    let (artwork, unfit) = Artist::new(&format(), images.to_owned()).draw(&one(overlay), None);
    assert_eq!(unfit, []);
    keyed(artwork, AT, false)
}

/// A PNG of one colour, red on the left half, nothing on the right, written by GStreamer.
fn png(path: &Path) {
    init().unwrap();
    let pixels: Vec<u8> =
        (0..40 * 20).flat_map(|n| if n % 40 < 20 { [255, 0, 0, 255] } else { [9, 200, 9, 0] }).collect();
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgba, 40, 20).fps((1, 1)).build().unwrap();
    let sample =
        gst::Sample::builder().caps(&info.to_caps().unwrap()).buffer(&gst::Buffer::from_mut_slice(pixels)).build();
    let caps = gst::Caps::builder("image/png").build();
    let encoded = gst_video::convert_sample(&sample, &caps, Some(gst::ClockTime::from_seconds(10))).unwrap();
    std::fs::write(path, encoded.buffer().unwrap().map_readable().unwrap().as_slice()).unwrap();
}

#[test]
fn a_logo_keeps_its_colours_its_alpha_and_its_place() {
    let images = tempfile::tempdir().unwrap();
    png(&images.path().join("logo.png"));
    let logo = |opacity_percent| Overlay::Logo {
        image: "logo.png".parse().unwrap(),
        place: Place::TopRight,
        width_percent: 25,
        opacity_percent,
    };
    let picture = draw(logo(100), images.path());
    // 80 × 40 at 5 % from the edges; its right half is nothing.
    let (left, top, right, bottom, _) = changed(&picture).unwrap();
    assert!((222..=226).contains(&left) && (8..=10).contains(&top), "{left} {top}");
    assert!((260..=268).contains(&right) && (46..=50).contains(&bottom), "{right} {bottom}");
    let map = picture.map_readable().unwrap();
    let chroma = 320 * 180 + 14 * 160 + 120;
    let red = (map[28 * 320 + 240], map[chroma], map[chroma + 160 * 90]);
    assert!(red.0.abs_diff(63) < 3 && red.1.abs_diff(102) < 3 && red.2.abs_diff(240) < 3, "{red:?}");
    drop(map);
    let half = draw(logo(50), images.path());
    let half = half.map_readable().unwrap()[28 * 320 + 240];
    assert!(half.abs_diff(81) < 3, "half way between 63 and 100: {half}");
}

#[test]
fn words_are_bright_on_a_dark_box_inside_the_safe_area() {
    for (place, left, top) in
        [(Place::TopLeft, true, true), (Place::BottomRight, false, false), (Place::BottomLeft, true, false)]
    {
        let picture =
            draw(Overlay::Text { text: "Über <Ostsee> & 東".into(), place, height_percent: 8 }, Path::new("/"));
        let (x, y, right, bottom, bright) = changed(&picture).unwrap();
        assert!(bright > 220, "{place:?}: {bright}");
        assert!((16..304).contains(&x) && (8..172).contains(&y) && right < 305 && bottom < 173, "{place:?}");
        assert_eq!((x < 20, y < 14), (left, top), "{place:?}: {x} {y}");
    }
    let long = "A title that is much too long for one line of a small picture";
    let lower = Overlay::LowerThird { title: long.into(), subtitle: long.repeat(3) };
    let (x, y, right, bottom, bright) = changed(&draw(lower, Path::new("/"))).unwrap();
    assert!(x >= 16 && y >= 8 && right < 305 && bottom < 173 && bright > 220, "{x} {y} {right} {bottom}");
}

#[test]
fn clocks_change_when_their_second_does_and_timecode_with_each_frame() {
    init().unwrap();
    let mut artist = Artist::new(&format(), "/".into());
    let mut at = |overlay: Overlay, millis: u64| {
        let (artwork, unfit) = artist.draw(&one(overlay), None);
        assert_eq!(unfit, []);
        let picture = keyed(artwork, AT + std::time::Duration::from_millis(millis), false);
        picture.map_readable().unwrap().to_vec()
    };
    let clock = || Overlay::Clock { place: Place::TopLeft, zone: Zone::Utc };
    assert_eq!(at(clock(), 0), at(clock(), 960));
    assert_ne!(at(clock(), 0), at(clock(), 1000));
    assert_ne!(at(clock(), 0), grey().map_readable().unwrap().to_vec());
    let timecode = || Overlay::Timecode { place: Place::TopLeft, zone: Zone::Utc };
    assert_ne!(at(timecode(), 0), at(timecode(), 40));
    // A source's timecode is shown as such, whatever the clock says; a clock stays one.
    let said = crate::model::timecode::TimecodeClock::new(format().frame_rate, 0).at(AT).2.to_string();
    let artwork = |overlay: Overlay| Artist::new(&format(), "/".into()).draw(&one(overlay), None).0;
    let shown = labelled(artwork(timecode()), &said);
    assert_ne!(shown, labelled(artwork(timecode()), "10:20:30:11"));
    assert_eq!(labelled(artwork(clock()), &said), labelled(artwork(clock()), "10:20:30:11"));
    assert_eq!(shown, at(timecode(), 0));
}

#[test]
fn a_countdown_is_there_with_the_slate_until_its_time_has_come() {
    init().unwrap();
    let end = AT + std::time::Duration::from_secs(60);
    let (artwork, _) = Artist::new(&format(), "/".into()).draw(&BTreeMap::new(), Some(end));
    assert!(changed(&keyed(artwork.clone(), AT, true)).is_some());
    assert!(changed(&keyed(artwork.clone(), AT, false)).is_none());
    assert!(changed(&keyed(artwork, end, true)).is_none());
}

#[test]
fn what_is_no_image_is_refused_and_the_rest_is_drawn() {
    init().unwrap();
    let images = tempfile::tempdir().unwrap();
    let whole = images.path().join("whole.png");
    png(&whole);
    let data = std::fs::read(&whole).unwrap();
    let mut damaged = data.clone();
    damaged[40..].fill(0x55);
    for (name, data) in [
        ("text.png", &b"this is no PNG"[..]),
        ("cut.png", &data[..data.len() / 2]),
        ("damaged.png", &damaged),
        ("bomb.png", &[&data[..16], &[0, 0, 255, 255, 0, 0, 255, 255], &data[24..]].concat()),
        ("odd.jpg", &[&[0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0, 16, 0, 16, 1][..], &[7; 400]].concat()),
    ] {
        std::fs::write(images.path().join(name), data).unwrap();
        let mut overlays = one(Overlay::Clock { place: Place::Top, zone: Zone::Utc });
        let logo = Overlay::Logo {
            image: name.parse().unwrap(),
            place: Place::TopLeft,
            width_percent: 10,
            opacity_percent: 100,
        };
        overlays.insert(OverlayKind::Logo, logo);
        let (artwork, unfit) = Artist::new(&format(), images.path().to_owned()).draw(&overlays, None);
        assert!(unfit.len() == 1 && unfit[0].reason.contains(name), "{name}: {unfit:?}");
        assert_eq!(artwork.always.len(), 1);
    }
    let refusal = backdrop(&format(), images.path(), &"missing.png".parse().unwrap()).unwrap_err();
    assert!(refusal.contains("missing.png"), "{refusal}");
    let filled = backdrop(&format(), images.path(), &"whole.png".parse().unwrap()).unwrap();
    assert_eq!(filled.size(), gst_video::VideoInfo::from_caps(&picture_caps(&format())).unwrap().size());
}

#[test]
fn without_overlays_no_pixel_is_copied() {
    init().unwrap();
    let keyer = Keyer::new(&format(), Arc::new(Slot::default()));
    let picture = grey();
    assert_eq!(keyer.apply(picture.clone(), AT, true, None).as_ptr(), picture.as_ptr());
}
