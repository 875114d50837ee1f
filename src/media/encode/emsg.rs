//! Event messages: timed metadata inside the media, as ID3 in `emsg` version 1 (AOM, "Carriage of ID3 Timed Metadata in
//! CMAF"), beside EXT-X-DATERANGE.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::timed::TimedMetadata;
use crate::model::{CueId, Cued, MediaTime};

const SCHEME: &[u8] = b"https://aomedia.org/emsg/ID3\0\0";

/// What a track has told.
#[derive(Debug, Default)]
pub(super) struct Told {
    begun: bool,
    ids: BTreeSet<CueId>,
}

impl Told {
    /// The boxes that belong in front of a chunk of [start, end): what begins in it, and what was asked for a moment after
    /// its own chunk had left. What lies before the first chunk of all is the business of the worker before this one.
    pub(super) fn due(&mut self, cued: &Cued, (start, end): (MediaTime, MediaTime), timescale: u32) -> Vec<u8> {
        self.ids.retain(|id| cued.metadata.iter().any(|metadata| metadata.id == *id));
        let first = !std::mem::replace(&mut self.begun, true);
        let mut boxes = Vec::new();
        for metadata in cued.metadata.iter().filter(|metadata| metadata.at < end) {
            if self.ids.insert(metadata.id.clone()) && !(first && metadata.at < start) {
                boxes.extend(emsg(metadata, timescale));
            }
        }
        boxes
    }
}

/// Puts `boxes` in front of the fragment that `data` begins with, behind its `styp`.
pub(super) fn insert(data: &mut Vec<u8>, boxes: Vec<u8>) {
    let size = data.first_chunk::<4>().map_or(0, |size| u32::from_be_bytes(*size) as usize);
    let at = if data.get(4..8) == Some(b"styp") && size <= data.len() { size } else { 0 };
    data.splice(at..at, boxes);
}

/// One `emsg` (ISO/IEC 23009-1, 5.10.3.3), its time on the track's own timeline.
fn emsg(metadata: &TimedMetadata, timescale: u32) -> Vec<u8> {
    let ticks = |nanos: u128| nanos * u128::from(timescale) / 1_000_000_000;
    let lasts = ticks(Duration::from_millis(metadata.duration_ms.unwrap_or(0)).as_nanos());
    let id = metadata.id.as_str().bytes().fold(0x811c_9dc5, |h: u32, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
    let mut content = vec![1, 0, 0, 0];
    content.extend(timescale.to_be_bytes());
    content.extend((ticks(metadata.at.as_nanos().into()) as u64).to_be_bytes());
    content.extend(u32::try_from(lasts).unwrap_or(u32::MAX).to_be_bytes());
    content.extend(id.to_be_bytes());
    content.extend(SCHEME);
    content.extend(id3(metadata));
    [&(content.len() as u32 + 8).to_be_bytes()[..], b"emsg", &content].concat()
}

/// An ID3v2.4 tag: one TXXX frame per attribute, and one for the JSON.
fn id3(metadata: &TimedMetadata) -> Vec<u8> {
    let class = metadata.class.iter().map(|class| ("CLASS", class.as_str()));
    let attributes = metadata.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let json = metadata.json.iter().map(|json| ("JSON", json.as_str()));
    let named = std::iter::once(("ID", metadata.id.as_str())).chain(class).chain(attributes).chain(json);
    let frames: Vec<u8> = named.flat_map(|(name, value)| txxx(name, value)).collect();
    [b"ID3\x04\0\0", &syncsafe(frames.len())[..], &frames].concat()
}

fn txxx(name: &str, value: &str) -> Vec<u8> {
    // Encoding 3: UTF-8.
    let text = [b"\x03", name.as_bytes(), b"\0", value.as_bytes()].concat();
    [b"TXXX", &syncsafe(text.len())[..], b"\0\0", &text].concat()
}

/// 28 bits, seven to a byte (ID3v2.4 6.2).
fn syncsafe(size: usize) -> [u8; 4] {
    [21, 14, 7, 0].map(|shift| (size >> shift) as u8 & 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> MediaTime {
        MediaTime::from_nanos(1_763_683_200_000_000_000 + millis * 1_000_000)
    }

    fn cued(times: &[u64]) -> Cued {
        let one = |millis: &u64| TimedMetadata {
            id: format!("m-{millis}").parse().unwrap(),
            at: at(*millis),
            duration_ms: Some(2000),
            class: None,
            attributes: [("X-SCORE".to_owned(), "2:1".to_owned())].into(),
            json: None,
        };
        Cued { cues: vec![], metadata: times.iter().map(one).collect() }
    }

    #[test]
    fn each_is_told_once_in_its_chunk_or_the_next() {
        let mut told = Told::default();
        let mut count = |list: &[u64], from: u64, to: u64| {
            let boxes = told.due(&cued(list), (at(from), at(to)), 30_000);
            boxes.windows(4).filter(|window| window == b"ID3\x04").count()
        };
        assert_eq!(count(&[100, 700], 500, 1000), 1, "100 was before this worker's time");
        assert_eq!(count(&[100, 700, 1400], 1000, 1500), 1);
        assert_eq!(count(&[100, 700, 1400, 1450], 1500, 2000), 1, "asked after its chunk had left");
        assert_eq!(count(&[100, 700, 1400, 1450], 2000, 2500), 0);
    }

    #[test]
    fn a_message_reads_like_this() {
        let message = emsg(&cued(&[500]).metadata[0], 30_000);
        assert_eq!(message[..8], *b"\0\0\0\x71emsg");
        assert_eq!(message[12..16], 30_000u32.to_be_bytes());
        assert_eq!(message[16..24], (1_763_683_200u64 * 30_000 + 15_000).to_be_bytes());
        assert_eq!(message[24..28], 60_000u32.to_be_bytes());
        assert!(message[32..].starts_with(b"https://aomedia.org/emsg/ID3\0\0ID3\x04\0\0\0\0\0\x29"));
        assert!(message.ends_with(b"TXXX\0\0\0\x0c\0\0\x03X-SCORE\x002:1"));
        assert_eq!(syncsafe(300), [0, 0, 2, 44]);
    }

    #[test]
    fn it_goes_behind_the_segment_type() {
        let mut data = b"\0\0\0\x0cstypcmf2\0\0\0\x08moof".to_vec();
        insert(&mut data, b"\0\0\0\x08emsg".to_vec());
        assert_eq!(data, b"\0\0\0\x0cstypcmf2\0\0\0\x08emsg\0\0\0\x08moof");
        let mut bare = b"\0\0\0\x08moof".to_vec();
        insert(&mut bare, b"\0\0\0\x08emsg".to_vec());
        assert_eq!(bare, b"\0\0\0\x08emsg\0\0\0\x08moof");
    }
}
