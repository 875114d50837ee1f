//! Captions in encoded pictures: supplemental enhancement information (ITU-T H.264 and H.265, annex D;
//! `user_data_registered_itu_t_t35` with ATSC1_data, ATSC A/53 part 4, 6.2.3).
//!
//! Written here and not by encoders, since few of them can: so every H.264 and HEVC encoder carries captions alike.

use crate::model::VideoCodec;

/// Most triplets in one message: what `cc_count` can say.
const MOST: usize = 31;
/// Bytes of the length in front of each unit; what the parsers are asked for.
const LENGTH: usize = 4;

/// Whether captions can be put into pictures of this codec.
pub(crate) fn carries(codec: VideoCodec) -> bool {
    matches!(codec, VideoCodec::H264 | VideoCodec::Hevc)
}

/// Units with `triplets`, each with its length in front; a number of bytes that is divisible by three.
pub(crate) fn units(codec: VideoCodec, triplets: &[u8]) -> Vec<u8> {
    triplets.chunks(MOST * 3).flat_map(|some| unit(codec, some)).collect()
}

fn unit(codec: VideoCodec, triplets: &[u8]) -> Vec<u8> {
    let count = (triplets.len() / 3) as u8;
    // Country, provider, identifier, type: cc_data.
    let mut payload = vec![0xb5, 0x00, 0x31, b'G', b'A', b'9', b'4', 0x03];
    payload.extend([0xc0 | count, 0xff]);
    payload.extend(triplets);
    payload.push(0xff);
    // Below 255 bytes, so that the size is one.
    let message = [&[4, payload.len() as u8], &payload[..], &[0x80]].concat();
    let head: &[u8] = match codec {
        VideoCodec::Hevc => &[39 << 1, 1],
        _ => &[6],
    };
    let body = [head, &guarded(&message)].concat();
    [&(body.len() as u32).to_be_bytes()[..], &body].concat()
}

/// With the bytes that keep a start code from appearing.
fn guarded(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 4);
    let mut zeros = 0;
    for byte in bytes {
        if zeros == 2 && *byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        out.push(*byte);
    }
    out
}

/// Where units go in an access unit with lengths: before its first slice. None if it cannot be read to its end.
pub(crate) fn place(codec: VideoCodec, unit: &[u8]) -> Option<usize> {
    let (mut at, mut found) = (0, None);
    while at < unit.len() {
        let length = u32::from_be_bytes(unit.get(at..at + LENGTH)?.try_into().ok()?) as usize;
        let head = *unit.get(at + LENGTH)?;
        let slice = match codec {
            VideoCodec::Hevc => (head >> 1) & 0x3f < 32,
            _ => (1..=5).contains(&(head & 0x1f)),
        };
        if slice && found.is_none() {
            found = Some(at);
        }
        at = at.checked_add(LENGTH)?.checked_add(length).filter(|end| length > 0 && *end <= unit.len())?;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_holds_its_triplets_and_no_start_code() {
        let made = units(VideoCodec::H264, &[0xfc, 0x94, 0x26]);
        let expected =
            [0, 0, 0, 18, 6, 4, 14, 0xb5, 0, 0x31, b'G', b'A', b'9', b'4', 3, 0xc1, 0xff, 0xfc, 0x94, 0x26, 0xff];
        assert_eq!(made, [&expected[..], &[0x80]].concat());
        let zeros = units(VideoCodec::Hevc, &[0; 9]);
        assert!(!zeros[4..].windows(3).any(|bytes| bytes[..2] == [0, 0] && bytes[2] < 3), "{zeros:02x?}");
        let many = units(VideoCodec::H264, &[0xfe; 40 * 3]);
        assert_eq!(many.len(), (31 + 9) * 3 + 2 * (4 + 1 + 2 + 10 + 1 + 1));
    }

    #[test]
    fn units_go_before_the_first_slice() {
        let unit = |head: &[u8]| [&(head.len() as u32).to_be_bytes()[..], head].concat();
        let picture = [unit(&[9, 0xf0]), unit(&[6, 1]), unit(&[0x65, 1, 2]), unit(&[0x65, 3])].concat();
        assert_eq!(place(VideoCodec::H264, &picture), Some(12));
        let hevc = [unit(&[35 << 1, 1]), unit(&[19 << 1, 1, 9])].concat();
        assert_eq!(place(VideoCodec::Hevc, &hevc), Some(6));
        for bad in [&picture[..picture.len() - 1], &[0, 0, 0, 0, 0x65], &[0, 0, 0], &unit(&[6, 1])] {
            assert_eq!(place(VideoCodec::H264, bad), None, "{bad:02x?}");
        }
    }
}
