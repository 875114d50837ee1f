//! The initialisation: a sample entry that says that its samples are encrypted (`sinf`), and what DRM systems want (`pssh`).

use crate::bmff::Kind;

use super::super::boxes::{Malformed, full, rewrite, spans, u32_at, wrap};
use super::super::key::ContentKey;
use super::Coding;

const ENTRIES: &[&Kind] = &[b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"];

/// The initialisation `clear` for samples that are encrypted with `key`.
pub(crate) fn init(clear: &[u8], coding: Coding, key: &ContentKey) -> Result<Vec<u8>, Malformed> {
    if coding == Coding::Unknown {
        return Err(Malformed("samples of this codec cannot be"));
    }
    let (data, tracks) = rewrite(clear, ENTRIES, &mut |entries| sample_entries(entries, coding, key))?;
    if tracks != 1 {
        return Err(Malformed("the initialisation has not one track"));
    }
    let mut with_systems = |moov: &[u8]| -> Result<Vec<u8>, Malformed> { Ok([moov, &key.boxes].concat()) };
    rewrite(&data, &[b"moov"], &mut with_systems).map(|(data, _)| data)
}

/// The content of `stsd`: version and flags, the number of entries, entries.
fn sample_entries(content: &[u8], coding: Coding, key: &ContentKey) -> Result<Vec<u8>, Malformed> {
    u32_at(content, 4)?;
    let mut out = content[..8].to_vec();
    for entry in spans(content, 8..content.len())? {
        let fits = match coding {
            Coding::Avc => matches!(&entry.kind, b"avc1" | b"avc3"),
            Coding::Hevc => matches!(&entry.kind, b"hvc1" | b"hev1"),
            Coding::Sound => entry.kind == *b"mp4a",
            Coding::Unknown => false,
        };
        if !fits {
            return Err(Malformed("a sample entry is of another codec, or encrypted already"));
        }
        let kind: &Kind = if coding == Coding::Sound { b"enca" } else { b"encv" };
        let protection = protection(&entry.kind, coding, key)?;
        out.extend(wrap(kind, &[&content[entry.content], &protection].concat())?);
    }
    Ok(out)
}

/// `sinf`: what the entry was, the scheme, and the key.
fn protection(was: &Kind, coding: Coding, key: &ContentKey) -> Result<Vec<u8>, Malformed> {
    // Encrypted and skipped blocks; sound has no pattern.
    let pattern = if coding == Coding::Sound { 0x00 } else { 0x19 };
    // Reserved, pattern, protected, no vector of its own for each sample.
    let mut track = vec![0, pattern, 1, 0];
    track.extend(key.id.bytes());
    track.push(16);
    track.extend(key.iv);
    let scheme = [b"cbcs".as_slice(), &0x0001_0000u32.to_be_bytes()].concat();
    let information = wrap(b"schi", &full(b"tenc", 1, 0, &track)?)?;
    wrap(b"sinf", &[wrap(b"frma", was)?, full(b"schm", 0, 0, &scheme)?, information].concat())
}

#[cfg(test)]
mod tests {
    use super::super::super::key::Namer;
    use super::*;
    use crate::model::ChannelId;
    use proptest::prelude::*;

    fn key() -> ContentKey {
        let id = Namer::Content("test".to_owned()).key_id(&ChannelId::new("demo").unwrap(), 1);
        let boxes = full(b"pssh", 0, 0, &[9; 20]).unwrap();
        ContentKey { id, key: [1; 16], iv: [0xab; 16], boxes, tags: Vec::new() }
    }

    /// `ftyp` and `moov` with so many tracks of this sample entry.
    fn initialisation(entry: &Kind, tracks: usize) -> Vec<u8> {
        let entries = [[0; 7].as_slice(), &[1], &wrap(entry, &[7; 90]).unwrap()].concat();
        let mut track = wrap(b"stsd", &entries).unwrap();
        for kind in [b"stbl", b"minf", b"mdia", b"trak"] {
            track = wrap(kind, &track).unwrap();
        }
        let movie = [wrap(b"mvhd", &[3; 12]).unwrap(), track.repeat(tracks)].concat();
        [wrap(b"ftyp", b"cmfc").unwrap(), wrap(b"moov", &movie).unwrap()].concat()
    }

    #[test]
    fn the_sample_entry_says_what_it_was_and_with_which_key() {
        for (entry, coding, pattern) in
            [(b"avc1", Coding::Avc, 0x19), (b"hvc1", Coding::Hevc, 0x19), (b"mp4a", Coding::Sound, 0)]
        {
            let made = init(&initialisation(entry, 1), coding, &key()).unwrap();
            let mut seen = 0;
            let (_, count) = rewrite(&made, ENTRIES, &mut |content| {
                let entries = spans(content, 8..content.len())?;
                assert_eq!(entries[0].kind, if coding == Coding::Sound { *b"enca" } else { *b"encv" });
                let inner = &content[entries[0].content.clone()];
                assert_eq!(inner[..90], [7; 90], "what stood there stays");
                let protection = &spans(inner, 90..inner.len())?[0];
                let parts = spans(inner, protection.content.clone())?;
                assert_eq!(parts.iter().map(|part| part.kind).collect::<Vec<_>>(), [*b"frma", *b"schm", *b"schi"]);
                assert_eq!(inner[parts[0].content.clone()], *entry.as_slice());
                assert_eq!(inner[parts[1].content.clone()], *b"\0\0\0\0cbcs\0\x01\0\0");
                // Head of `tenc`, version 1, no flags, reserved, pattern, protected, no vectors of samples.
                let tenc = &inner[parts[2].content.start + 8..parts[2].content.end];
                assert_eq!(tenc[..8], [1, 0, 0, 0, 0, pattern, 1, 0]);
                assert_eq!(
                    (&tenc[8..24], tenc[24], &tenc[25..]),
                    (key().id.bytes().as_slice(), 16, [0xab; 16].as_slice())
                );
                seen += 1;
                Ok(content.to_vec())
            })
            .unwrap();
            assert_eq!((seen, count), (1, 1));
            assert!(made.ends_with(&key().boxes), "what DRM systems want is the last of the movie");
            assert_eq!(spans(&made, 0..made.len()).unwrap().len(), 2);
        }
    }

    #[test]
    fn what_is_something_else_is_refused() {
        for (data, coding) in [
            (initialisation(b"av01", 1), Coding::Unknown),
            (initialisation(b"av01", 1), Coding::Avc),
            (initialisation(b"encv", 1), Coding::Avc),
            (initialisation(b"avc1", 2), Coding::Avc),
            (initialisation(b"avc1", 0), Coding::Avc),
            (Vec::new(), Coding::Avc),
        ] {
            assert!(init(&data, coding, &key()).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(at in 0usize..500, bit in 0u8..8) {
            let mut data = initialisation(b"avc1", 1);
            let at = at % data.len();
            data[at] ^= 1 << bit;
            let _ = init(&data, Coding::Avc, &key());
            let _ = init(&data[..at], Coding::Avc, &key());
        }
    }
}
