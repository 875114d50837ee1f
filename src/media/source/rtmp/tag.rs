//! What is in an RTMP audio or video message: the body of an FLV tag (Adobe's FLV specification 10.1, annex E), or of
//! the Enhanced RTMP that OBS and ffmpeg send HEVC and AV1 with (Veovera's E-RTMP v2).

use bytes::Bytes;
use rtmp_rs::media::enhanced_audio::EnhancedAudioData;
use rtmp_rs::media::enhanced_video::EnhancedVideoData;
use rtmp_rs::media::fourcc::{AudioFourCc, VideoFourCc};

/// How pictures or sound are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    H264,
    H265,
    Av1,
    Aac,
    Mp3,
}

/// One message, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tag {
    /// What a decoder must know first.
    Setup(Coding, Bytes),
    /// A coded picture or piece of sound.
    Frame {
        coding: Coding,
        data: Bytes,
        /// Milliseconds from decoding to showing.
        shown_after: i32,
        key: bool,
    },
    /// Nothing to decode.
    Nothing,
    /// A coding that no decoder here takes, in words.
    Unknown(String),
}

/// Reads the body of a video message.
pub(super) fn video(body: &Bytes) -> Tag {
    let Some(first) = body.first().copied() else { return Tag::Nothing };
    if first & 0x80 != 0 {
        return enhanced_video(body);
    }
    let key = first >> 4 == 1;
    let coding = match first & 0x0f {
        7 => Coding::H264,
        // Never in the specification, sent by many hardware encoders before Enhanced RTMP.
        12 => Coding::H265,
        other => return Tag::Unknown(format!("picture coding {other} of FLV")),
    };
    // 5: a command frame, not a picture.
    let (Some(kind), Some(delay)) = (body.get(1), body.get(2..5)) else { return Tag::Nothing };
    match kind {
        _ if first >> 4 == 5 => Tag::Nothing,
        0 => Tag::Setup(coding, body.slice(5..)),
        1 => Tag::Frame { coding, data: body.slice(5..), shown_after: signed(delay), key },
        _ => Tag::Nothing,
    }
}

/// 24 bits, signed.
fn signed(bytes: &[u8]) -> i32 {
    let value = bytes.iter().fold(0i32, |value, byte| value << 8 | i32::from(*byte));
    value << 8 >> 8
}

fn enhanced_video(body: &Bytes) -> Tag {
    let coding = |codec| match codec {
        VideoFourCc::Avc => Ok(Coding::H264),
        VideoFourCc::Hevc => Ok(Coding::H265),
        VideoFourCc::Av1 => Ok(Coding::Av1),
        other => Err(Tag::Unknown(format!("picture coding {}", other.as_fourcc_str()))),
    };
    match EnhancedVideoData::parse(body.clone()) {
        Ok(EnhancedVideoData::SequenceHeader { codec, config, .. }) => match coding(codec) {
            Ok(coding) => Tag::Setup(coding, config),
            Err(unknown) => unknown,
        },
        Ok(EnhancedVideoData::Frame { codec, frame_type, composition_time, data }) => match coding(codec) {
            Ok(coding) => Tag::Frame { coding, data, shown_after: composition_time, key: frame_type.is_keyframe() },
            Err(unknown) => unknown,
        },
        Ok(_) => Tag::Nothing,
        Err(_) => Tag::Unknown("an unknown picture coding of Enhanced RTMP".to_owned()),
    }
}

/// Reads the body of an audio message.
pub(super) fn audio(body: &Bytes) -> Tag {
    let Some(first) = body.first().copied() else { return Tag::Nothing };
    let frame = |coding, data| Tag::Frame { coding, data, shown_after: 0, key: true };
    match first >> 4 {
        2 | 14 => frame(Coding::Mp3, body.slice(1..)),
        9 => enhanced_audio(body),
        10 => match body.get(1) {
            Some(0) => Tag::Setup(Coding::Aac, body.slice(2..)),
            // Two bytes are a header without sound.
            Some(1) if body.len() > 2 => frame(Coding::Aac, body.slice(2..)),
            _ => Tag::Nothing,
        },
        other => Tag::Unknown(format!("sound coding {other} of FLV")),
    }
}

fn enhanced_audio(body: &Bytes) -> Tag {
    match EnhancedAudioData::parse(body.clone()) {
        Ok(EnhancedAudioData::SequenceHeader { codec: AudioFourCc::Aac, config, .. }) => {
            Tag::Setup(Coding::Aac, config)
        }
        Ok(EnhancedAudioData::Frame { codec: AudioFourCc::Aac, data, .. }) => {
            Tag::Frame { coding: Coding::Aac, data, shown_after: 0, key: true }
        }
        Ok(EnhancedAudioData::SequenceHeader { codec, .. } | EnhancedAudioData::Frame { codec, .. }) => {
            Tag::Unknown(format!("sound coding {}", codec.as_fourcc_str()))
        }
        Ok(_) => Tag::Nothing,
        Err(_) => Tag::Unknown("an unknown sound coding of Enhanced RTMP".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Bytes {
        hex::decode(text.replace(' ', "")).unwrap().into()
    }

    #[test]
    fn pictures_are_read() {
        assert_eq!(video(&bytes("17 00 000000 0142c0")), Tag::Setup(Coding::H264, bytes("0142c0")));
        let frame = |coding, shown_after, key| Tag::Frame { coding, data: bytes("aabb"), shown_after, key };
        assert_eq!(video(&bytes("17 01 000050 aabb")), frame(Coding::H264, 80, true));
        assert_eq!(video(&bytes("27 01 ffffd8 aabb")), frame(Coding::H264, -40, false));
        assert_eq!(video(&bytes("1c 01 000000 aabb")), frame(Coding::H265, 0, true));
        assert_eq!(video(&bytes("90 68766331 0101")), Tag::Setup(Coding::H265, bytes("0101")));
        assert_eq!(video(&bytes("91 68766331 000028 aabb")), frame(Coding::H265, 40, true));
        assert_eq!(video(&bytes("a3 68766331 aabb")), frame(Coding::H265, 0, false));
        assert!(matches!(video(&bytes("12 00")), Tag::Unknown(_)));
        for odd in ["", "17", "17 01", "17 02 000000", "57 01 000000 aa"] {
            assert_eq!(video(&bytes(odd)), Tag::Nothing, "{odd}");
        }
    }

    #[test]
    fn sound_is_read() {
        assert_eq!(audio(&bytes("af 00 1190")), Tag::Setup(Coding::Aac, bytes("1190")));
        let frame = |coding| Tag::Frame { coding, data: bytes("21"), shown_after: 0, key: true };
        assert_eq!(audio(&bytes("af 01 21")), frame(Coding::Aac));
        assert_eq!(audio(&bytes("2f 21")), frame(Coding::Mp3));
        assert!(matches!(audio(&bytes("b2 21")), Tag::Unknown(_)), "speex");
        for odd in ["", "af", "af 01", "af 02"] {
            assert_eq!(audio(&bytes(odd)), Tag::Nothing, "{odd}");
        }
    }
}
