//! The names of playlists, initialisations and segments.

use sha2::{Digest, Sha256};

use crate::model::{ChannelId, RenditionId};

/// File name of a rendition's media playlist.
pub const MEDIA_PLAYLIST: &str = "media.m3u8";

/// File name of a channel's multivariant playlist.
pub const MULTIVARIANT_PLAYLIST: &str = "multivariant.m3u8";

/// The name of an initialisation: `init-<8 hex of sha256>.mp4`. Equal bytes have equal names, so it may be cached for
/// ever.
pub fn init_name(data: &[u8]) -> String {
    let digest = Sha256::digest(data);
    format!("init-{}.mp4", hex::encode(&digest[..4]))
}

/// The name of the initialisation `name` as it is where samples are encrypted with the key `key_id`, whose identifier it
/// holds: `init-<16 hex>.mp4`.
pub fn locked_init_name(name: &str, key_id: &[u8]) -> String {
    let digest = Sha256::new().chain_update(name).chain_update([0]).chain_update(key_id).finalize();
    format!("init-{}.mp4", hex::encode(&digest[..8]))
}

/// Whether `name` is one that [`init_name`] gives.
pub fn is_init_name(name: &str) -> bool {
    name.strip_prefix("init-")
        .and_then(|rest| rest.strip_suffix(".mp4"))
        .is_some_and(|hex| hex.len() == 8 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}

/// The name of segment `number`.
pub fn segment_name(number: u64) -> String {
    format!("{number}.m4s")
}

/// The name of segment `number` of a text rendition.
pub fn text_name(number: u64) -> String {
    format!("{number}.vtt")
}

/// The name of segment `number` with the initialisation `init`, which text has not: its name is empty.
pub fn segment_file(number: u64, init: &str) -> String {
    if init.is_empty() { text_name(number) } else { segment_name(number) }
}

/// The number of the segment called `name`; none if [`segment_name`] would not give that very name.
pub fn segment_number(name: &str) -> Option<u64> {
    number_before(name, ".m4s")
}

/// The number of the segment of text called `name`; none if [`text_name`] would not give that very name.
pub fn text_number(name: &str) -> Option<u64> {
    number_before(name, ".vtt")
}

fn number_before(name: &str, extension: &str) -> Option<u64> {
    let digits = name.strip_suffix(extension)?;
    let number: u64 = digits.parse().ok()?;
    (digits == number.to_string()).then_some(number)
}

/// The name of part `index` of segment `number`.
pub fn part_name(number: u64, index: u32) -> String {
    format!("{number}.{index}.m4s")
}

/// Number and index of the part called `name`; none if [`part_name`] would not give that very name.
pub fn part_number(name: &str) -> Option<(u64, u32)> {
    let (number, index) = name.strip_suffix(".m4s")?.split_once('.')?;
    let (number, index) = (number.parse().ok()?, index.parse().ok()?);
    (name == part_name(number, index)).then_some((number, index))
}

/// Where the multivariant playlist of `channel` is, below the base of an origin.
pub fn multivariant_path(channel: &ChannelId) -> String {
    format!("{channel}/{MULTIVARIANT_PLAYLIST}")
}

/// Where the media playlist of a rendition is, below the base of an origin.
pub fn media_playlist_path(channel: &ChannelId, rendition: &RenditionId) -> String {
    object_path(channel, rendition, MEDIA_PLAYLIST)
}

/// Where a file of a rendition is, below the base of an origin.
pub fn object_path(channel: &ChannelId, rendition: &RenditionId, file_name: &str) -> String {
    format!("{channel}/{rendition}/{file_name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_initialisation_is_named_by_its_bytes() {
        // sha256("abc") begins with ba7816bf.
        assert_eq!(init_name(b"abc"), "init-ba7816bf.mp4");
        assert!(is_init_name("init-ba7816bf.mp4"));
        for bad in ["init-ba7816b.mp4", "init-BA7816BF.mp4", "init-ba7816bg.mp4", "init.mp4", "init-ba7816bf.mp4.tmp"] {
            assert!(!is_init_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_segment_is_named_by_its_number_and_nothing_else() {
        assert_eq!(segment_number(&segment_name(881_500_000)), Some(881_500_000));
        assert_eq!(text_number(&text_name(881_500_000)), Some(881_500_000));
        assert_eq!((segment_number("5.vtt"), text_number("5.m4s"), text_number("05.vtt")), (None, None, None));
        assert_eq!([segment_file(7, ""), segment_file(7, "init-00000000.mp4")], ["7.vtt", "7.m4s"]);
        for bad in ["+5.m4s", "05.m4s", "5.m4s.part", ".m4s", "5.mp4", "99999999999999999999.m4s"] {
            assert_eq!(segment_number(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_part_is_named_by_its_segment_and_its_place() {
        assert_eq!(part_number(&part_name(881_500_000, 4)), Some((881_500_000, 4)));
        for bad in ["5.m4s", "5.01.m4s", "+5.1.m4s", "5.1.2.m4s", "5..m4s", ".1.m4s", "5.1.mp4"] {
            assert_eq!(part_number(bad), None, "{bad}");
        }
        assert_eq!(segment_number("5.1.m4s"), None);
    }

    #[test]
    fn paths_follow_the_layout() {
        let (channel, rendition) = (ChannelId::new("demo").unwrap(), RenditionId::new("v720").unwrap());
        assert_eq!(multivariant_path(&channel), "demo/multivariant.m3u8");
        assert_eq!(media_playlist_path(&channel, &rendition), "demo/v720/media.m3u8");
        assert_eq!(object_path(&channel, &rendition, &segment_name(7)), "demo/v720/7.m4s");
    }
}
