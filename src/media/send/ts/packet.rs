//! Packets: header, adaptation field, continuity (ISO/IEC 13818-1, 2.4.3).

use super::PACKET;

/// Payload of a packet without an adaptation field.
const ROOM: usize = PACKET - 4;

/// One PID and its continuity counter.
#[derive(Debug, Clone)]
pub(super) struct Pid {
    number: u16,
    continuity: u8,
}

/// What the adaptation field of the first packet of a unit says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Adaptation {
    /// Programme clock reference, 27 MHz.
    pub clock: Option<u64>,
    /// Decoding can begin here.
    pub random_access: bool,
}

impl Adaptation {
    fn is_needed(self) -> bool {
        self.clock.is_some() || self.random_access
    }

    /// Behind `adaptation_field_length`.
    fn bytes(self) -> Vec<u8> {
        let flags = if self.random_access { 0x40 } else { 0 } | if self.clock.is_some() { 0x10 } else { 0 };
        let mut bytes = vec![flags];
        bytes.extend(self.clock.map(clock_bytes).into_iter().flatten());
        bytes
    }
}

/// 33 bits of 90 kHz, six reserved, nine of 27 MHz.
pub(super) fn clock_bytes(clock: u64) -> [u8; 6] {
    let (base, extension) = ((clock / 300) & 0x1_ffff_ffff, (clock % 300) as u16);
    let [.., a, b, c, d] = ((base >> 1) as u32).to_be_bytes();
    let last = ((base & 1) as u8) << 7 | 0x7e | (extension >> 8) as u8;
    [a, b, c, d, last, extension as u8]
}

impl Pid {
    pub(super) fn new(number: u16) -> Self {
        // So that the first packet has 0.
        Self { number, continuity: 15 }
    }

    fn header(&mut self, starts: bool, adaptation: bool) -> [u8; 4] {
        self.continuity = (self.continuity + 1) & 0x0f;
        let [high, low] = self.number.to_be_bytes();
        let start = if starts { 0x40 } else { 0 };
        [0x47, start | high & 0x1f, low, if adaptation { 0x30 } else { 0x10 } | self.continuity]
    }

    /// A PES packet.
    pub(super) fn pes(&mut self, pes: &[u8], adaptation: Adaptation, out: &mut Vec<u8>) {
        let (mut rest, mut first) = (pes, true);
        while !rest.is_empty() {
            let mut field = if first && adaptation.is_needed() { Some(adaptation.bytes()) } else { None };
            let room = ROOM - field.as_ref().map_or(0, |field| field.len() + 1);
            if rest.len() < room {
                stuff(&mut field, room - rest.len());
            }
            let room = ROOM - field.as_ref().map_or(0, |field| field.len() + 1);
            let (now, later) = rest.split_at(room.min(rest.len()));
            out.extend(self.header(first, field.is_some()));
            if let Some(field) = field {
                out.push(field.len() as u8);
                out.extend(field);
            }
            out.extend_from_slice(now);
            (rest, first) = (later, false);
        }
    }

    /// A section, in packets of its own.
    pub(super) fn section(&mut self, section: &[u8], out: &mut Vec<u8>) {
        // pointer_field: the section begins right behind it.
        let whole = [&[0], section].concat();
        for (n, piece) in whole.chunks(ROOM).enumerate() {
            out.extend(self.header(n == 0, false));
            out.extend_from_slice(piece);
            out.extend(std::iter::repeat_n(0xff, ROOM - piece.len()));
        }
    }
}

/// Fills a packet up by `missing` bytes, with an adaptation field that says nothing if there is none.
fn stuff(field: &mut Option<Vec<u8>>, missing: usize) {
    match field {
        Some(field) => field.extend(std::iter::repeat_n(0xff, missing)),
        // The length alone takes a byte, the flags another one.
        None if missing == 1 => *field = Some(vec![]),
        None => *field = Some(std::iter::once(0).chain(std::iter::repeat_n(0xff, missing - 2)).collect()),
    }
}

/// A null packet.
pub(super) fn null() -> [u8; PACKET] {
    let mut packet = [0xff; PACKET];
    packet[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
    packet
}

/// Where the clock reference of a packet is, if it has one.
pub(super) fn clock_at(packet: &[u8]) -> Option<std::ops::Range<usize>> {
    let has = packet.len() == PACKET && packet[3] & 0x20 != 0 && packet[4] >= 7 && packet[5] & 0x10 != 0;
    has.then_some(6..12)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Payload, continuity counters and starts of what a PID carries.
    fn carried(packets: &[u8]) -> (Vec<u8>, Vec<u8>, Vec<bool>) {
        let (mut payload, mut counters, mut starts) = (vec![], vec![], vec![]);
        for packet in packets.chunks(PACKET) {
            assert_eq!((packet.len(), packet[0]), (PACKET, 0x47));
            let skip = if packet[3] & 0x20 != 0 { 5 + usize::from(packet[4]) } else { 4 };
            payload.extend_from_slice(&packet[skip..]);
            counters.push(packet[3] & 0x0f);
            starts.push(packet[1] & 0x40 != 0);
        }
        (payload, counters, starts)
    }

    #[test]
    fn every_length_comes_out_as_it_went_in() {
        for length in 1..600usize {
            for clock in [None, Some(27_000_000)] {
                let pes: Vec<u8> = (0..length).map(|n| n as u8).collect();
                let (mut pid, mut out) = (Pid::new(0x100), vec![]);
                pid.pes(&pes, Adaptation { clock, random_access: clock.is_some() }, &mut out);
                let (payload, counters, starts) = carried(&out);
                assert_eq!(payload, pes, "{length}");
                assert_eq!(counters, (0..counters.len() as u8).map(|n| n & 15).collect::<Vec<_>>());
                assert_eq!(starts.iter().filter(|starts| **starts).count(), 1);
                assert_eq!(clock_at(&out[..PACKET]).is_some(), clock.is_some());
            }
        }
    }

    #[test]
    fn a_clock_reference_has_both_parts() {
        assert_eq!(clock_bytes(300 + 299), [0, 0, 0, 0, 0xff, 0x2b]);
        assert_eq!(clock_bytes(0x1_ffff_fffe * 300), [0xff, 0xff, 0xff, 0xff, 0x7e, 0]);
    }
}
