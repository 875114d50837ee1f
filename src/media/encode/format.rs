//! The caps of program buffers, and track timescales.

use gstreamer as gst;

use crate::model::sound::MOST_CHANNELS;
use crate::model::{AudioFormat, FrameRate, PictureSize, ProgramFormat};

/// AAC-LC: samples per frame (ISO/IEC 14496-3).
pub const AAC_FRAME: u64 = 1024;

/// What a program picture looks like: I420, progressive, square pixels, BT.709 at every size, so that no rendition
/// converts colours when it scales.
pub fn picture_caps(program: &ProgramFormat) -> gst::Caps {
    raw_caps("I420", program.size, program.frame_rate)
}

pub(super) fn raw_caps(format: &str, size: PictureSize, rate: FrameRate) -> gst::Caps {
    gst::Caps::builder("video/x-raw")
        .field("format", format)
        .field("width", size.width() as i32)
        .field("height", size.height() as i32)
        .field("framerate", gst::Fraction::new(rate.num() as i32, rate.den() as i32))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .field("interlace-mode", "progressive")
        .field("colorimetry", "bt709")
        .field("chroma-site", "mpeg2")
        .build()
}

/// What program sound looks like: 32 bit float, interleaved.
pub fn sound_caps(audio: &AudioFormat) -> gst::Caps {
    let caps = gst::Caps::builder("audio/x-raw")
        .field("format", "F32LE")
        .field("rate", audio.sample_rate as i32)
        .field("channels", i32::from(audio.channels))
        .field("layout", "interleaved");
    match audio.channels {
        1 => caps.build(),
        2 => caps.field("channel-mask", gst::Bitmask::new(0x3)).build(),
        // Left, right, centre, LFE, left and right surround.
        6 => caps.field("channel-mask", gst::Bitmask::new(0x3f)).build(),
        _ => caps.field("channel-mask", gst::Bitmask::new(0)).build(),
    }
}

/// What sound of a source is brought to: as program sound, but with all the channels that it has.
pub fn arriving_sound_caps(sample_rate: u32) -> gst::Caps {
    gst::Caps::builder("audio/x-raw")
        .field("format", "F32LE")
        .field("rate", sample_rate as i32)
        .field("channels", gst::IntRange::new(1, i32::from(MOST_CHANNELS)))
        .field("layout", "interleaved")
        .build()
}

/// Ticks per second of a video track in which every frame time since the epoch is a whole number.
pub(super) fn video_timescale(rate: FrameRate) -> u32 {
    if rate.den() == 1 { rate.num() * 1000 } else { rate.num() }
}
