//! The initialisation segment: tracks, what their decoders need, and where their timelines begin.

use super::{Fmp4Error, Init, Track, TrackKind, nanos};
use crate::bmff::{Fields, boxes, defaults, find, timescale, track_id};

/// Reads an initialisation segment.
///
/// # Errors
/// When there is no `moov`, or no track of H.264 or AAC in it.
pub fn read_init(data: &[u8]) -> Result<Init, Fmp4Error> {
    let moov = find(data, &[b"moov"]).ok_or(Fmp4Error::NoBox("moov"))?;
    let movie_scale = find(moov, &[b"mvhd"]).and_then(timescale).unwrap_or(1000);
    let mut found = Vec::new();
    let mut tracks = Vec::new();
    for trak in boxes(moov).filter(|child| &child.kind == b"trak") {
        match read_track(trak.content, moov, movie_scale) {
            Ok(track) => tracks.push(track),
            Err(codec) => found.push(codec),
        }
    }
    if tracks.is_empty() { Err(Fmp4Error::NoTrack(found.join(", "))) } else { Ok(Init { tracks }) }
}

/// The track, or the four-character code of what cannot be read.
fn read_track(trak: &[u8], moov: &[u8], movie_scale: u32) -> Result<Track, String> {
    let unreadable = || "unreadable".to_owned();
    let id = find(trak, &[b"tkhd"]).and_then(track_id).ok_or_else(unreadable)?;
    let mdia = find(trak, &[b"mdia"]).ok_or_else(unreadable)?;
    let timescale = find(mdia, &[b"mdhd"]).and_then(timescale).ok_or_else(unreadable)?;
    let stsd = find(mdia, &[b"minf", b"stbl", b"stsd"]).and_then(|stsd| stsd.get(8..)).ok_or_else(unreadable)?;
    let entry = boxes(stsd).next().ok_or_else(unreadable)?;
    let code = String::from_utf8_lossy(&entry.kind).into_owned();
    let kind = match &entry.kind {
        b"avc1" | b"avc3" => read_avc(entry.content),
        b"mp4a" => read_aac(entry.content),
        _ => None,
    }
    .ok_or(code)?;
    let shift = find(trak, &[b"edts", b"elst"]).and_then(|elst| read_shift(elst, timescale, movie_scale));
    let defaults = defaults(moov, id).unwrap_or_default();
    Ok(Track { kind, timescale, id, shift: shift.unwrap_or(0), defaults })
}

fn read_avc(entry: &[u8]) -> Option<TrackKind> {
    let mut fields = Fields::new(entry);
    fields.skip(24)?;
    let (width, height) = (fields.u16()?, fields.u16()?);
    let config = find(entry.get(78..)?, &[b"avcC"])?.to_vec();
    (config.len() >= 7).then_some(TrackKind::Picture { width, height, config })
}

fn read_aac(entry: &[u8]) -> Option<TrackKind> {
    let mut fields = Fields::new(entry);
    fields.skip(16)?;
    let channels = fields.u16()?;
    fields.skip(6)?;
    let rate = fields.u32()? >> 16;
    let config = read_audio_config(find(entry.get(28..)?, &[b"esds"])?)?;
    (rate > 0).then_some(TrackKind::Sound { rate, channels, config })
}

/// AudioSpecificConfig out of the nested descriptors of `esds` (ISO/IEC 14496-1 7.2.6).
fn read_audio_config(esds: &[u8]) -> Option<Vec<u8>> {
    let mut fields = Fields::new(esds);
    fields.full()?;
    loop {
        let tag = fields.u8()?;
        let mut length = 0usize;
        loop {
            let byte = fields.u8()?;
            length = (length << 7) | usize::from(byte & 0x7F);
            if byte & 0x80 == 0 {
                break;
            }
        }
        match tag {
            3 => fields.skip(3)?,
            4 => fields.skip(13)?,
            5 => return fields.rest().get(..length).map(<[u8]>::to_vec),
            _ => fields.skip(length)?,
        }
    }
}

/// Empty edits delay, the first media edit cuts the start off.
fn read_shift(elst: &[u8], timescale: u32, movie_scale: u32) -> Option<i128> {
    let mut fields = Fields::new(elst);
    let (version, _) = fields.full()?;
    let mut shift = 0;
    for _ in 0..fields.u32()? {
        let duration = fields.sized(version)?;
        let media_time = if version == 0 { i64::from(fields.u32()? as i32) } else { fields.u64()? as i64 };
        fields.skip(4)?;
        if media_time >= 0 {
            return Some(shift - nanos(i128::from(media_time), timescale));
        }
        shift += nanos(i128::from(duration), movie_scale);
    }
    Some(shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_list_delays_and_cuts() {
        let edit =
            |duration: u32, media_time: i32| [duration.to_be_bytes(), media_time.to_be_bytes(), [0, 1, 0, 0]].concat();
        let list =
            |edits: &[Vec<u8>]| [vec![0; 4], (edits.len() as u32).to_be_bytes().to_vec(), edits.concat()].concat();
        // Priming of 1024 samples is cut off; an empty edit of 66 ms delays; both together.
        assert_eq!(read_shift(&list(&[edit(0, 1024)]), 48_000, 1000), Some(-21_333_333));
        assert_eq!(read_shift(&list(&[edit(66, -1), edit(0, 0)]), 48_000, 1000), Some(66_000_000));
        assert_eq!(read_shift(&list(&[edit(66, -1), edit(0, 1024)]), 15_360, 1000), Some(-666_667));
        assert_eq!(read_shift(&list(&[])[..7], 48_000, 1000), None);
    }
}
