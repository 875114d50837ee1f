//! RFC 6381 codec strings, from the caps in front of the muxer.

use gstreamer as gst;

/// `avc1.PPCCLL` (ISO/IEC 14496-15) or `mp4a.40.N` (ISO/IEC 14496-3); `None` for caps without codec data.
pub(super) fn codec_string(caps: &gst::CapsRef) -> Option<String> {
    let structure = caps.structure(0)?;
    let data = structure.get::<gst::Buffer>("codec_data").ok()?;
    let data = data.map_readable().ok()?;
    match structure.name().as_str() {
        "video/x-h264" => {
            let [_, profile, constraints, level, ..] = *data.as_slice() else { return None };
            Some(format!("avc1.{profile:02x}{constraints:02x}{level:02x}"))
        }
        "audio/mpeg" => data.first().map(|first| format!("mp4a.40.{}", first >> 3)),
        _ => None,
    }
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
        assert_eq!(codec_string(&caps("video/x-h264", &[1, 0x64, 0, 0x1f, 0xff])).unwrap(), "avc1.64001f");
        assert_eq!(codec_string(&caps("audio/mpeg", &[0x11, 0x90])).unwrap(), "mp4a.40.2");
        assert_eq!(codec_string(&caps("video/x-h264", &[1])), None);
        assert_eq!(codec_string(&gst::Caps::new_empty_simple("audio/mpeg")), None);
    }
}
