//! The initialisation: a sample entry that says that its samples are encrypted (`sinf`), and what DRM systems want (`pssh`).

use super::super::boxes::{Kind, Malformed, full, rewrite, spans, u32_at, wrap};
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
