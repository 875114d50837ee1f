//! Bodies of FLV tags (Adobe's FLV 10.1, E.4; enhanced RTMP v2 for codecs that came later).

use crate::model::VideoCodec;

/// The parameter sets of pictures: `avcC`, `hvcC` or `av1C`.
pub(super) fn picture_sets(codec: VideoCodec, sets: &[u8]) -> Vec<u8> {
    match four(codec) {
        None => [&[0x17, 0, 0, 0, 0], sets].concat(),
        // PacketTypeSequenceStart.
        Some(four) => [&[0x90], &four[..], sets].concat(),
    }
}

/// A picture that is presented `later` milliseconds after its time.
pub(super) fn picture(codec: VideoCodec, key: bool, later: u32, data: &[u8]) -> Vec<u8> {
    let frame = if key { 0x10 } else { 0x20 };
    let [_, later @ ..] = later.to_be_bytes();
    match four(codec) {
        None => [&[frame | 7, 1], &later[..], data].concat(),
        // PacketTypeCodedFrames has the time of HEVC pictures; AV1 has none.
        Some(four) if codec == VideoCodec::Hevc => [&[0x81 | frame], &four[..], &later, data].concat(),
        Some(four) => [&[0x81 | frame], &four[..], without_delimiter(data)].concat(),
    }
}

/// AudioSpecificConfig.
pub(super) fn sound_sets(sets: &[u8]) -> Vec<u8> {
    [&[0xaf, 0], sets].concat()
}

/// A raw AAC frame.
pub(super) fn sound(data: &[u8]) -> Vec<u8> {
    [&[0xaf, 1], data].concat()
}

/// The name of a codec that FLV itself has no number for.
pub(super) fn four(codec: VideoCodec) -> Option<&'static [u8; 4]> {
    match codec {
        VideoCodec::H264 => None,
        VideoCodec::Hevc => Some(b"hvc1"),
        VideoCodec::Av1 => Some(b"av01"),
    }
}

/// A temporal delimiter (an OBU of type 2, always empty) is left out.
fn without_delimiter(data: &[u8]) -> &[u8] {
    data.strip_prefix(&[0x12, 0x00]).unwrap_or(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_read_like_this() {
        assert_eq!(picture_sets(VideoCodec::H264, &[1, 2]), [0x17, 0, 0, 0, 0, 1, 2]);
        assert_eq!(picture(VideoCodec::H264, false, 40, &[9]), [0x27, 1, 0, 0, 40, 9]);
        assert_eq!(picture(VideoCodec::Hevc, true, 0x1_0203, &[9]), [&[0x91][..], b"hvc1", &[1, 2, 3, 9][..]].concat());
        assert_eq!(picture(VideoCodec::Av1, true, 0, &[0x12, 0, 0x32]), [&[0x91], &b"av01"[..], &[0x32]].concat());
        assert_eq!(picture_sets(VideoCodec::Hevc, &[5]), [&[0x90], &b"hvc1"[..], &[5]].concat());
        assert_eq!((sound_sets(&[7]), sound(&[8])), (vec![0xaf, 0, 7], vec![0xaf, 1, 8]));
    }
}
