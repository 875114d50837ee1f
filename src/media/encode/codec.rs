//! What each codec looks like: caps before and behind its parser, and its RFC 6381 string.

use gstreamer as gst;

use super::av1;
use crate::model::VideoCodec;
use crate::plan::EncoderPlan;

/// What has to come out of a candidate.
pub(super) fn encoded_caps(plan: &EncoderPlan) -> gst::Caps {
    match plan.codec {
        VideoCodec::H264 => gst::Caps::builder("video/x-h264").field("profile", plan.h264_profile.as_str()).build(),
        VideoCodec::Hevc => gst::Caps::builder("video/x-h265").field("profile", "main").build(),
        // Not every encoder names a profile; 4:2:0 8 bit in gives Main.
        VideoCodec::Av1 => gst::Caps::builder("video/x-av1").build(),
    }
}

/// The same in words.
pub(super) fn asked_of(plan: &EncoderPlan) -> String {
    match plan.codec {
        VideoCodec::H264 => format!("H.264 {} profile", plan.h264_profile),
        VideoCodec::Hevc => "HEVC main profile".to_owned(),
        VideoCodec::Av1 => "AV1".to_owned(),
    }
}

pub(super) fn parser_of(codec: VideoCodec) -> &'static str {
    match codec {
        VideoCodec::H264 => "h264parse",
        VideoCodec::Hevc => "h265parse",
        VideoCodec::Av1 => "av1parse",
    }
}

/// What the muxer is given: parameter sets out of band, as CMAF wants for players (ISO/IEC 23000-19, 9.4).
pub(super) fn parsed_caps(codec: VideoCodec) -> gst::Caps {
    let caps = match codec {
        VideoCodec::H264 => gst::Caps::builder("video/x-h264").field("stream-format", "avc").field("alignment", "au"),
        VideoCodec::Hevc => gst::Caps::builder("video/x-h265").field("stream-format", "hvc1").field("alignment", "au"),
        VideoCodec::Av1 => {
            gst::Caps::builder("video/x-av1").field("stream-format", "obu-stream").field("alignment", "tu")
        }
    };
    caps.build()
}

/// The RFC 6381 string of caps in front of the muxer and of the initialisation it made of them (whose AV1 level is
/// mended first); `None` for caps without codec data.
pub(super) fn codec_string(caps: &gst::CapsRef, init: &mut [u8]) -> Option<String> {
    let structure = caps.structure(0)?;
    if structure.name() == "video/x-av1" {
        return av1_string(&av1::mend_record(init)?);
    }
    let data = structure.get::<gst::Buffer>("codec_data").ok()?;
    let data = data.map_readable().ok()?;
    match structure.name().as_str() {
        "video/x-h264" => {
            let [_, profile, constraints, level, ..] = *data.as_slice() else { return None };
            Some(format!("avc1.{profile:02x}{constraints:02x}{level:02x}"))
        }
        "video/x-h265" => hevc_string(&data),
        "audio/mpeg" => data.first().map(|first| format!("mp4a.40.{}", first >> 3)),
        _ => None,
    }
}

/// `hvc1.<space><profile>.<compatibility>.<tier><level>.<constraints>` (ISO/IEC 14496-15, annex E), of an
/// HEVCDecoderConfigurationRecord.
fn hevc_string(data: &[u8]) -> Option<String> {
    let [_, general, c0, c1, c2, c3, constraints @ ..] = data else { return None };
    let (constraints, level) = (constraints.get(..6)?, constraints.get(6)?);
    let space = ["", "A", "B", "C"][usize::from(general >> 6)];
    let tier = if general & 0x20 == 0 { 'L' } else { 'H' };
    // The bits in reverse order, leading zeros left out; the bytes as they are, trailing zeros left out.
    let compatibility = u32::from_be_bytes([*c0, *c1, *c2, *c3]).reverse_bits();
    let used = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let constraints: String = constraints[..used].iter().map(|byte| format!(".{byte:x}")).collect();
    Some(format!("hvc1.{space}{}.{compatibility:x}.{tier}{level}{constraints}", general & 0x1f))
}

/// `av01.<profile>.<level><tier>.<bit depth>` (AV1 Codec ISO Media File Format Binding, 5), of an
/// AV1CodecConfigurationRecord.
fn av1_string(data: &[u8]) -> Option<String> {
    let [_, first, second, ..] = *data else { return None };
    let (profile, level) = (first >> 5, first & 0x1f);
    let tier = if second & 0x80 == 0 { 'M' } else { 'H' };
    let depth = match (second & 0x40 != 0, second & 0x20 != 0) {
        (false, _) => 8,
        (true, false) => 10,
        (true, true) => 12,
    };
    Some(format!("av01.{profile}.{level:02}{tier}.{depth:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_come_from_the_codec_data() {
        crate::media::init().unwrap();
        let caps = |name: &str, data: &'static [u8]| {
            gst::Caps::builder(name).field("codec_data", gst::Buffer::from_slice(data)).build()
        };
        assert_eq!(codec_string(&caps("video/x-h264", &[1, 0x64, 0, 0x1f, 0xff]), &mut []).unwrap(), "avc1.64001f");
        assert_eq!(codec_string(&caps("audio/mpeg", &[0x11, 0x90]), &mut []).unwrap(), "mp4a.40.2");
        // The examples of ISO/IEC 14496-15 (E.3) and of the AV1 binding.
        let hevc = [1, 1, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93, 0xf0];
        assert_eq!(hevc_string(&hevc).unwrap(), "hvc1.1.6.L93.b0");
        let high = [1, 0x42 | 0x20, 0x20, 0, 0, 0, 0xb0, 0x23, 0, 0, 0, 0, 120, 0xf0];
        assert_eq!(hevc_string(&high).unwrap(), "hvc1.A2.4.H120.b0.23");
        assert_eq!(av1_string(&[0x81, 0x04, 0x0c, 0]).unwrap(), "av01.0.04M.08");
        assert_eq!(av1_string(&[0x81, 0x2d, 0xcc, 0]).unwrap(), "av01.1.13H.10");
        for short in [&[1u8][..], &[1, 1, 0x60, 0, 0, 0, 0xb0]] {
            assert_eq!((hevc_string(short), av1_string(&short[..1])), (None, None));
        }
        assert_eq!(codec_string(&caps("video/x-h264", &[1]), &mut []), None);
        assert_eq!(codec_string(&gst::Caps::new_empty_simple("audio/mpeg"), &mut []), None);
    }
}
