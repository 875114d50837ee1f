//! Which of the formats that a capture device offers is taken. Left to itself, `v4l2src` asks for the largest picture:
//! 4K from many a web camera, at a few pictures per second.
//!
//! The format that is nearest to the program: no less of picture or motion than the program shows, then no decoder if
//! it can be, then the same shape, then the least to scale.

use gstreamer as gst;

use crate::model::{FrameRate, PictureSize};

/// Caps of one format, up to what makes no difference here (the arrangement of the pixels).
#[derive(Debug, Clone, Copy, PartialEq)]
struct Mode<'a> {
    media: &'a str,
    width: i32,
    height: i32,
    /// None if the device does not say.
    rate: Option<gst::Fraction>,
}

/// What to ask of a device that offers `offered`; none if nothing of it can be used. With `size`, only that is taken.
pub(super) fn choose(
    offered: &gst::CapsRef,
    program: PictureSize,
    rate: FrameRate,
    size: Option<PictureSize>,
) -> Option<gst::Caps> {
    let target = sides(size.unwrap_or(program));
    let usable = |structure: &&gst::StructureRef| preference(structure.name()).is_some();
    let modes = offered
        .iter_with_features()
        // Fields of a picture one by one, or pictures in the memory of a card, are for elements that know of them.
        .filter(|(_, features)| features.is_empty() || features.contains("memory:SystemMemory"))
        .map(|(structure, _)| structure)
        .filter(usable)
        .filter_map(|structure| nearest(structure, target, rate))
        .filter(|mode| size.is_none() || (mode.width, mode.height) == target);
    let order = |mode: &Mode<'_>| rank(mode, target, rate);
    let best = modes.min_by(|a, b| order(a).partial_cmp(&order(b)).unwrap_or(std::cmp::Ordering::Equal))?;
    let mut wanted = gst::Structure::builder(best.media).field("width", best.width).field("height", best.height);
    if let Some(rate) = best.rate {
        wanted = wanted.field("framerate", rate);
    }
    Some(gst::Caps::builder_full().structure(wanted.build()).build())
}

/// Raw pictures need no decoder; of the others, the one that costs least.
fn preference(media: &str) -> Option<u8> {
    ["video/x-raw", "image/jpeg", "video/x-h264", "video/x-h265"]
        .iter()
        .position(|known| *known == media)
        .and_then(|n| u8::try_from(n).ok())
}

/// Smaller is better; in the order of importance.
fn rank(mode: &Mode<'_>, (width, height): (i32, i32), rate: FrameRate) -> (f64, u8, f64, i64, f64) {
    let share = |have: f64, want: f64| (have / want).min(1.0);
    let wanted = f64::from(rate.num()) / f64::from(rate.den());
    let offered = mode.rate.map_or(wanted, per_second);
    let detail = share(f64::from(mode.width), f64::from(width)) * share(f64::from(mode.height), f64::from(height));
    // 29.97 for 30 is no loss.
    let motion = share(offered * 1.002, wanted);
    let shape = f64::from(mode.width) / f64::from(mode.height) / (f64::from(width) / f64::from(height));
    (
        1.0 - detail * motion,
        preference(mode.media).unwrap_or(u8::MAX),
        if (shape - 1.0).abs() < 0.02 { 0.0 } else { (shape - 1.0).abs() },
        i64::from(mode.width) * i64::from(mode.height),
        offered,
    )
}

/// The format within a structure (which may leave sizes and rates open) that is nearest.
fn nearest(structure: &gst::StructureRef, (width, height): (i32, i32), rate: FrameRate) -> Option<Mode<'_>> {
    let rate = match structure.value("framerate") {
        Ok(value) => Some(nearest_rate(value, fraction(rate))?),
        Err(_) => None,
    };
    let side = |name, wanted| nearest_side(structure.value(name).ok()?, wanted);
    Some(Mode { media: structure.name(), width: side("width", width)?, height: side("height", height)?, rate })
}

fn nearest_side(value: &gst::glib::SendValue, wanted: i32) -> Option<i32> {
    if let Ok(fixed) = value.get::<i32>() {
        return Some(fixed);
    }
    if let Ok(range) = value.get::<gst::IntRange<i32>>() {
        let step = range.step().max(1);
        let inside = wanted.clamp(range.min(), range.max());
        let up = range.min() + (inside - range.min() + step - 1) / step * step;
        return Some(up.min(range.max()));
    }
    let list = value.get::<gst::List>().ok()?;
    let all: Vec<i32> = list.iter().filter_map(|one| one.get().ok()).collect();
    all.iter().copied().filter(|side| *side >= wanted).min().or_else(|| all.iter().copied().max())
}

/// The slowest that is fast enough, else the fastest.
fn nearest_rate(value: &gst::glib::SendValue, wanted: gst::Fraction) -> Option<gst::Fraction> {
    let fast_enough = |rate: &gst::Fraction| per_second(*rate) * 1.002 >= per_second(wanted);
    if let Ok(fixed) = value.get::<gst::Fraction>() {
        return Some(fixed);
    }
    if let Ok(range) = value.get::<gst::FractionRange>() {
        return Some(if wanted < range.min() { range.min() } else { wanted.min(range.max()) });
    }
    let list = value.get::<gst::List>().ok()?;
    let all: Vec<gst::Fraction> = list.iter().filter_map(|one| one.get().ok()).collect();
    all.iter().copied().filter(fast_enough).min().or_else(|| all.iter().copied().max())
}

fn per_second(rate: gst::Fraction) -> f64 {
    f64::from(rate.numer()) / f64::from(rate.denom().max(1))
}

fn fraction(rate: FrameRate) -> gst::Fraction {
    let whole = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    gst::Fraction::new(whole(rate.num()), whole(rate.den()))
}

fn sides(size: PictureSize) -> (i32, i32) {
    let side = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    (side(size.width()), side(size.height()))
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    /// What is taken of `offered` for a program such as `1280x720@30`.
    fn taken(offered: &str, program: &str, size: Option<&str>) -> Option<String> {
        gst::init().unwrap();
        let (program, rate) = program.split_once('@').unwrap();
        let caps = gst::Caps::from_str(offered).unwrap();
        let size = size.map(|size| size.parse().unwrap());
        let chosen = choose(&caps, program.parse().unwrap(), rate.parse().unwrap(), size)?;
        let structure = chosen.structure(0).unwrap();
        let side = |name| structure.get::<i32>(name).unwrap();
        let rate = structure.get::<gst::Fraction>("framerate").map_or(String::new(), |rate| format!("@{rate}"));
        Some(format!("{} {}x{}{rate}", structure.name(), side("width"), side("height")))
    }

    const WEBCAM: &str = "video/x-raw,format=YUY2,width=1920,height=1080,framerate={5/1};\
        video/x-raw,format=YUY2,width=1280,height=720,framerate={10/1,5/1};\
        video/x-raw,format=YUY2,width=640,height=480,framerate={30/1,15/1};\
        video/x-raw,format=YUY2,width=640,height=360,framerate={30/1,15/1};\
        image/jpeg,width=1920,height=1080,framerate={60/1,30/1};\
        image/jpeg,width=1280,height=720,framerate={60/1,30/1}";

    #[test]
    fn motion_and_detail_come_before_the_decoder_that_they_cost() {
        let cases = [
            ("1920x1080@50", "image/jpeg 1920x1080@60"),
            ("1920x1080@30", "image/jpeg 1920x1080@30"),
            ("1280x720@30000/1001", "image/jpeg 1280x720@30"),
            ("640x360@30", "video/x-raw 640x360@30"),
            ("640x360@25", "video/x-raw 640x360@30"),
            ("320x180@15", "video/x-raw 640x360@15"),
        ];
        for (program, expected) in cases {
            assert_eq!(taken(WEBCAM, program, None).as_deref(), Some(expected), "{program}");
        }
    }

    #[test]
    fn a_size_that_was_asked_for_is_taken_or_nothing() {
        assert_eq!(taken(WEBCAM, "1280x720@30", Some("640x480")).as_deref(), Some("video/x-raw 640x480@30"));
        assert_eq!(taken(WEBCAM, "1280x720@30", Some("720x576")), None);
    }

    #[test]
    fn open_ranges_are_taken_at_the_program_s_format() {
        let offered = "video/x-raw,format=UYVY,width=[64,4096,8],height=[64,2160],framerate=[1/1,60/1]";
        assert_eq!(taken(offered, "1280x720@50", None).as_deref(), Some("video/x-raw 1280x720@50"));
        assert_eq!(taken(offered, "1278x718@100", None).as_deref(), Some("video/x-raw 1280x718@60"));
    }

    #[test]
    fn an_input_that_knows_one_format_keeps_it() {
        let offered = "video/x-raw,format=UYVY,width=1920,height=1080,framerate=25/1;\
            video/x-raw(format:Interlaced),format=UYVY,width=1280,height=720,framerate=50/1;\
            video/x-bayer,format=rggb,width=1280,height=720,framerate=50/1";
        assert_eq!(taken(offered, "1280x720@50", None).as_deref(), Some("video/x-raw 1920x1080@25"));
        let silent_about_its_rate = "video/x-raw,format=UYVY,width=720,height=576";
        assert_eq!(taken(silent_about_its_rate, "1280x720@50", None).as_deref(), Some("video/x-raw 720x576"));
    }
}
