//! Measured pixels of what comes out.

use gst_video::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;

use super::*;
use crate::media::init;
use crate::model::{AudioFormat, FrameRate, PictureSize};

fn program() -> ProgramFormat {
    ProgramFormat {
        size: PictureSize::new(320, 180).unwrap(),
        frame_rate: FrameRate::new(25, 1).unwrap(),
        audio: AudioFormat { sample_rate: 48_000, channels: 2 },
    }
}

fn normaliser(fit: Fit) -> Normaliser {
    init().unwrap();
    Normaliser::new(&program(), fit).unwrap()
}

fn caps(format: &str, width: i32, height: i32, colours: Option<&str>) -> gst::Caps {
    let caps = gst::Caps::builder("video/x-raw")
        .field("format", format)
        .field("width", width)
        .field("height", height)
        .field("framerate", gst::Fraction::new(50, 1));
    caps.field_if_some("colorimetry", colours).build()
}

/// Every pixel the same, one value per plane (of bytes, or of 16 bit words for formats that have them).
fn flat(caps: &gst::Caps, values: &[u16]) -> gst::Sample {
    let info = gst_video::VideoInfo::from_caps(caps).unwrap();
    let mut buffer = gst::Buffer::with_size(info.size()).unwrap();
    {
        let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer.get_mut().unwrap(), &info).unwrap();
        let wide = info.comp_depth(0) > 8;
        if info.n_planes() == 1 && values.len() > 1 {
            let data = frame.plane_data_mut(0).unwrap();
            data.iter_mut().zip(values.iter().cycle()).for_each(|(byte, value)| *byte = *value as u8);
        } else {
            for (plane, value) in values.iter().enumerate() {
                let data = frame.plane_data_mut(plane as u32).unwrap();
                match wide {
                    true => data.chunks_exact_mut(2).for_each(|word| word.copy_from_slice(&value.to_le_bytes())),
                    false => data.fill(*value as u8),
                }
            }
        }
    }
    gst::Sample::builder().caps(caps).buffer(&buffer).build()
}

/// Luma and chroma at a place of the program.
fn at(picture: &gst::Buffer, x: usize, y: usize) -> (u8, u8, u8) {
    assert_eq!(picture.size(), 320 * 180 * 3 / 2);
    let map = picture.map_readable().unwrap();
    let chroma = 320 * 180 + y / 2 * 160 + x / 2;
    (map[y * 320 + x], map[chroma], map[chroma + 160 * 90])
}

fn near(found: (u8, u8, u8), wanted: (u8, u8, u8), case: &str) {
    let off = |a: u8, b: u8| a.abs_diff(b) <= 2;
    assert!(off(found.0, wanted.0) && off(found.1, wanted.1) && off(found.2, wanted.2), "{case}: {found:?}");
}

const RED: (u8, u8, u8) = (63, 102, 240);

#[test]
fn the_same_red_comes_out_whatever_it_was_written_in() {
    for (format, colours, values, wanted) in [
        ("RGB", None, &[255, 0, 0][..], RED),
        ("I420", Some("bt709"), &[63, 102, 240], RED),
        ("I420", Some("bt601"), &[81, 90, 240], RED),
        // Full range, as cameras with MJPEG send it; and 4:2:2 without a word about its colours at SD size: BT.601.
        ("I420", Some("1:4:0:0"), &[76, 85, 255], RED),
        ("Y42B", None, &[81, 90, 240], RED),
        ("YUY2", Some("bt601"), &[81, 90, 81, 240], RED),
        // Ten bits: 4 × the eight bit values; P010 has them in the upper bits.
        ("I420_10LE", Some("bt709"), &[63 * 4, 102 * 4, 240 * 4], RED),
        // Red of BT.2020 that is as red as BT.709 can be.
        ("I420", Some("bt2020"), &[97, 93, 192], RED),
        ("GRAY8", None, &[255], (235, 128, 128)),
        ("RGBA", None, &[255, 255, 255, 128], (126, 128, 128)),
        ("RGBA", None, &[255, 0, 0, 0], (16, 128, 128)),
    ] {
        let sample = flat(&caps(format, 320, 180, colours), values);
        let picture = normaliser(Fit::Letterbox).picture(&sample).unwrap();
        near(at(&picture, 160, 90), wanted, &format!("{format} {colours:?}"));
    }
}

#[test]
fn a_picture_of_another_shape_gets_black_bars_or_is_cropped() {
    let square = flat(&caps("I420", 100, 100, Some("bt709")), &[63, 102, 240]);
    let picture = normaliser(Fit::Letterbox).picture(&square).unwrap();
    for x in [2, 60, 260, 317] {
        assert_eq!(at(&picture, x, 90), (16, 128, 128), "{x}");
    }
    near(at(&picture, 80, 2), RED, "inside");
    near(at(&picture, 240, 177), RED, "inside");
    for fit in [Fit::Crop, Fit::Stretch] {
        let picture = normaliser(fit).picture(&square).unwrap();
        near(at(&picture, 1, 1), RED, "full");
        near(at(&picture, 318, 178), RED, "full");
    }
}

/// Luma rises to the right, so that what is turned can be told.
fn ramp(width: i32, height: i32) -> gst::Sample {
    let caps = caps("I420", width, height, Some("bt709"));
    let sample = flat(&caps, &[128, 128, 128]);
    let mut buffer = sample.buffer_owned().unwrap();
    drop(sample);
    {
        let info = gst_video::VideoInfo::from_caps(&caps).unwrap();
        let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer.make_mut(), &info).unwrap();
        let stride = frame.plane_stride()[0] as usize;
        for (n, pixel) in frame.plane_data_mut(0).unwrap().iter_mut().enumerate() {
            *pixel = (20 + n % stride * 200 / width as usize).min(235) as u8;
        }
    }
    gst::Sample::builder().caps(&caps).buffer(&buffer).build()
}

#[test]
fn a_picture_is_turned_as_its_tag_says() {
    // Where the dark side lies: left, top, right, bottom; mirrored.
    for (tag, dark, bright) in [
        ("rotate-0", (4, 90), (315, 90)),
        ("rotate-180", (315, 90), (4, 90)),
        ("flip-rotate-0", (315, 90), (4, 90)),
        ("rotate-90", (160, 4), (160, 175)),
        ("rotate-270", (160, 175), (160, 4)),
    ] {
        let mut normaliser = normaliser(Fit::Letterbox);
        normaliser.set_turn(Turn::from_tag(tag));
        let picture = normaliser.picture(&ramp(320, 180)).unwrap();
        let (dark, bright) = (at(&picture, dark.0, dark.1).0, at(&picture, bright.0, bright.1).0);
        assert!(dark < 50 && bright > 190, "{tag}: {dark} {bright}");
        if tag.ends_with("90") || tag.ends_with("270") {
            assert_eq!(at(&picture, 50, 90), (16, 128, 128), "{tag} stands between black bars");
        }
    }
}

#[test]
fn pictures_of_every_size_and_format_come_out_right() {
    let mut normaliser = normaliser(Fit::Letterbox);
    let all = gst_video::VIDEO_FORMATS_ALL.iter().filter(|format| !format.to_str().starts_with("DMA"));
    let mut formats = 0;
    for format in all {
        for (width, height) in [(1, 1), (2, 2), (3, 5), (321, 181), (64, 4), (1, 400)] {
            let caps = caps(format.to_str(), width, height, None);
            let Ok(info) = gst_video::VideoInfo::from_caps(&caps) else { continue };
            let buffer = gst::Buffer::with_size(info.size()).unwrap();
            let sample = gst::Sample::builder().caps(&caps).buffer(&buffer).build();
            match normaliser.picture(&sample) {
                Ok(picture) => assert_eq!(picture.size(), 320 * 180 * 3 / 2, "{format} {width}x{height}"),
                Err(error) => assert!(matches!(error, NotNormal::Format(_)), "{format} {width}x{height}: {error}"),
            }
        }
        formats += 1;
    }
    assert!(formats > 60, "{formats}");
    let huge = flat(&caps("I420", 7680, 4320, Some("bt709")), &[63, 102, 240]);
    near(at(&normaliser.picture(&huge).unwrap(), 5, 5), RED, "8K");
    let larger = gst::Sample::builder().caps(&caps("I420", 16_384, 16, None)).buffer(&gst::Buffer::new()).build();
    assert!(matches!(normaliser.picture(&larger), Err(NotNormal::TooLarge(16_384, 16))));
    let short = gst::Sample::builder().caps(&caps("I420", 320, 240, None)).buffer(&gst::Buffer::new()).build();
    assert!(matches!(normaliser.picture(&short), Err(NotNormal::Damaged(_))));
    near(at(&normaliser.picture(&flat(&caps("RGB", 16, 9, None), &[255, 0, 0])).unwrap(), 9, 9), RED, "afterwards");
}

#[test]
fn a_picture_in_program_format_is_passed_on() {
    let mut normaliser = normaliser(Fit::Letterbox);
    let sample = flat(&picture_caps(&program()), &[63, 102, 240]);
    let picture = normaliser.picture(&sample).unwrap();
    assert_eq!(picture.as_ptr(), sample.buffer().unwrap().as_ptr());
}

#[test]
fn a_picture_in_a_drivers_memory_is_copied_out_of_it() {
    init().unwrap();
    let caps = picture_caps(&program());
    let sample = flat(&caps, &[90, 100, 110]);
    let place = |picture: &gst::Buffer| picture.map_readable().unwrap().as_ptr() as usize;
    let own = place(&sample.buffer_owned().unwrap());
    let passed = normaliser(Fit::default()).picture(&sample).unwrap();
    assert_eq!(place(&passed), own, "it is in program format already");
    let copied = normaliser(Fit::default()).of_lent().picture(&sample).unwrap();
    assert_ne!(place(&copied), own);
    assert_eq!(at(&copied, 160, 90), (90, 100, 110));
    drop(sample);
    assert_eq!(at(&copied, 3, 3), (90, 100, 110));
}
