//! Programme tables: PAT, PMT (ISO/IEC 13818-1, 2.4.4) and SDT (ETSI EN 300 468, 5.2.3).

use super::language;
use crate::model::splice::crc32;

/// One elementary stream of the PMT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub stream_type: u8,
    pub pid: u16,
    /// BCP 47.
    pub language: Option<String>,
}

pub(super) const H264: u8 = 0x1b;
pub(super) const HEVC: u8 = 0x24;
pub(super) const AAC_ADTS: u8 = 0x0f;
/// ANSI/SCTE 35, 8.
pub(super) const SPLICES: u8 = 0x86;

const STREAM: u16 = 1;

/// A section with the long header, and its checksum.
fn section(table: u8, extension: u16, body: &[u8]) -> Vec<u8> {
    let length = 5 + body.len() as u16 + 4;
    let mut section = vec![table];
    section.extend((0xb000 | length).to_be_bytes());
    section.extend(extension.to_be_bytes());
    // version 0, current; section 0 of 0.
    section.extend([0xc1, 0, 0]);
    section.extend_from_slice(body);
    let checksum = crc32(&section);
    section.extend(checksum.to_be_bytes());
    section
}

/// The one programme and where its map is.
pub(super) fn association(program: u16, map_pid: u16) -> Vec<u8> {
    let body = [program.to_be_bytes(), (0xe000 | map_pid).to_be_bytes()].concat();
    section(0x00, STREAM, &body)
}

/// The streams of the programme; `clock` is the PID of the clock references.
pub(super) fn map(program: u16, clock: u16, entries: &[Entry]) -> Vec<u8> {
    // registration_descriptor `CUEI`: there is splice information (ANSI/SCTE 35, 8.1).
    let cues = entries.iter().any(|entry| entry.stream_type == SPLICES);
    let about: &[u8] = if cues { b"\x05\x04CUEI" } else { b"" };
    let mut body = (0xe000 | clock).to_be_bytes().to_vec();
    body.extend((0xf000 | about.len() as u16).to_be_bytes());
    body.extend_from_slice(about);
    for entry in entries {
        let mut about = Vec::new();
        if entry.stream_type == HEVC {
            about.extend_from_slice(b"\x05\x04HEVC");
        }
        if let Some(code) = entry.language.as_deref().and_then(language::code) {
            about.extend([0x0a, 4]);
            about.extend(code);
            about.push(0);
        }
        body.push(entry.stream_type);
        body.extend((0xe000 | entry.pid).to_be_bytes());
        body.extend((0xf000 | about.len() as u16).to_be_bytes());
        body.extend(about);
    }
    section(0x02, program, &body)
}

/// What the programme is called.
pub(super) fn service(program: u16, name: &str) -> Vec<u8> {
    let (provider, name) = (text("Uplink"), text(name));
    // service_descriptor, digital television.
    let mut about = vec![0x48, (3 + provider.len() + name.len()) as u8, 0x01];
    about.push(provider.len() as u8);
    about.extend(provider);
    about.push(name.len() as u8);
    about.extend(name);
    let mut body = STREAM.to_be_bytes().to_vec();
    body.push(0xff);
    body.extend(program.to_be_bytes());
    // No event information; running.
    body.push(0xfc);
    body.extend((0x8000 | about.len() as u16).to_be_bytes());
    body.extend(about);
    section(0x42, STREAM, &body)
}

/// At most 60 bytes; UTF-8 where it is no ASCII (EN 300 468, annex A).
fn text(text: &str) -> Vec<u8> {
    let mut end = text.len().min(60);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    if text.is_ascii() { text.into() } else { [&[0x15], text.as_bytes()].concat() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_have_a_length_and_a_checksum() {
        let entry = |stream_type, pid, language: Option<&str>| Entry {
            stream_type,
            pid,
            language: language.map(ToOwned::to_owned),
        };
        let entries = [entry(HEVC, 0x100, None), entry(AAC_ADTS, 0x110, Some("de")), entry(SPLICES, 0x1f0, None)];
        for section in [association(1, 0x1000), map(1, 0x100, &entries), service(1, "Stúdió 1")] {
            let length = usize::from(u16::from_be_bytes([section[1] & 0x0f, section[2]]));
            assert_eq!(section.len(), length + 3);
            assert_eq!(crc32(&section), 0);
        }
        let map = map(1, 0x100, &entries);
        assert!(map.windows(6).any(|window| window == b"\x05\x04CUEI"));
        assert!(map.windows(5).any(|window| window == b"\x0a\x04deu"));
    }
}
