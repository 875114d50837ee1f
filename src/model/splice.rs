//! The splice information section of ANSI/SCTE 35 (2023), as far as a cue out or in needs it: `splice_insert` for the
//! whole programme at a given time, or a `time_signal` that says the same with a segmentation descriptor. Bytes, ready
//! for EXT-X-DATERANGE (rfc8216bis 4.4.5.1.1) and for MPEG-TS.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::MediaTime;

/// How a cue is told in a transport stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpliceForm {
    /// `splice_insert`.
    Insert,
    /// `time_signal` with a segmentation descriptor.
    TimeSignal,
}

/// One `splice_insert`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpliceInsert {
    /// Names the event; the cue in has that of its cue out.
    pub event_id: u32,
    /// Leaves the programme (cue out) or returns to it (cue in).
    pub out: bool,
    /// The frame. `pts_time` is media time on the 90 kHz clock, modulo 2^33; who multiplexes with another clock puts
    /// the difference into `pts_adjustment`.
    pub at: MediaTime,
    /// Planned duration of the break, and whether it ends by itself.
    pub break_duration: Option<(Duration, bool)>,
    /// Names the event's programme.
    pub unique_program_id: u16,
}

impl SpliceInsert {
    /// The whole section, `table_id` to `CRC_32`.
    pub fn section(&self) -> Vec<u8> {
        let mut command = self.event_id.to_be_bytes().to_vec();
        // splice_event_cancel_indicator 0, reserved.
        command.push(0x7f);
        // program_splice_flag 1, splice_immediate_flag 0, event_id_compliance_flag and reserved 1.
        command.push(0x4f | flag(self.out, 0x80) | flag(self.break_duration.is_some(), 0x20));
        command.extend(time33(true, ticks(self.at.as_nanos())));
        if let Some((duration, auto_return)) = self.break_duration {
            command.extend(time33(auto_return, ticks(duration.as_nanos() as u64)));
        }
        command.extend(self.unique_program_id.to_be_bytes());
        // avail_num, avails_expected: not used.
        command.extend([0, 0]);
        section(SPLICE_INSERT, &command, &[])
    }

    /// The section that takes the event back before it happens (`splice_event_cancel_indicator`).
    pub fn cancellation(&self) -> Vec<u8> {
        let mut command = self.event_id.to_be_bytes().to_vec();
        command.push(0xff);
        section(SPLICE_INSERT, &command, &[])
    }

    /// The same as a `time_signal`: start or end of a provider's placement opportunity (segmentation type 0x34, 0x35).
    pub fn time_signal(&self) -> Vec<u8> {
        let duration = self.break_duration.map(|(duration, _)| ticks40(duration));
        // segmentation_event_cancel_indicator 0, reserved.
        let mut about = vec![0x7f];
        // program_segmentation_flag 1, delivery_not_restricted_flag 1, reserved.
        about.push(0xbf | flag(duration.is_some(), 0x40));
        about.extend(duration.into_iter().flatten());
        // No UPID; the only segment.
        about.extend([0, 0, if self.out { 0x34 } else { 0x35 }, 1, 1]);
        section(TIME_SIGNAL, &time33(true, ticks(self.at.as_nanos())), &self.segmentation(&about))
    }

    /// Takes a [`SpliceInsert::time_signal`] back.
    pub fn time_signal_cancellation(&self) -> Vec<u8> {
        section(TIME_SIGNAL, &time33(true, ticks(self.at.as_nanos())), &self.segmentation(&[0xff]))
    }

    /// segmentation_descriptor.
    fn segmentation(&self, about: &[u8]) -> Vec<u8> {
        let mut descriptor = vec![0x02, 8 + about.len() as u8];
        descriptor.extend_from_slice(b"CUEI");
        descriptor.extend(self.event_id.to_be_bytes());
        descriptor.extend_from_slice(about);
        descriptor
    }
}

/// A section that says nothing (`splice_null`): a sign of life.
pub fn null_section() -> Vec<u8> {
    section(0x00, &[], &[])
}

const SPLICE_INSERT: u8 = 0x05;
const TIME_SIGNAL: u8 = 0x06;

/// Around a command: header, descriptors, checksum.
fn section(kind: u8, command: &[u8], descriptors: &[u8]) -> Vec<u8> {
    let length = command.len() as u16;
    // From behind section_length to the end.
    let section_length = 11 + length + 2 + descriptors.len() as u16 + 4;
    let mut section = vec![0xfc];
    // section_syntax_indicator 0, private_indicator 0, sap_type 3 (not specified).
    section.extend((0x3000 | section_length).to_be_bytes());
    // protocol_version, no encryption, pts_adjustment 0, cw_index.
    section.extend([0, 0, 0, 0, 0, 0, 0xff]);
    // tier 0xfff (everybody), splice_command_length.
    section.extend([0xff, 0xf0 | (length >> 8) as u8, length as u8, kind]);
    section.extend(command);
    section.extend((descriptors.len() as u16).to_be_bytes());
    section.extend(descriptors);
    let checksum = crc32(&section);
    section.extend(checksum.to_be_bytes());
    section
}

/// A flag, six reserved bits and 33 bits of time.
fn time33(flag: bool, ticks: u64) -> [u8; 5] {
    let [.., a, b, c, d, e] = ticks.to_be_bytes();
    [(if flag { 0x80 } else { 0 }) | 0x7e | (a & 1), b, c, d, e]
}

fn flag(set: bool, bit: u8) -> u8 {
    if set { bit } else { 0 }
}

/// 90 kHz, modulo 2^33.
pub(crate) fn ticks(nanos: u64) -> u64 {
    (u128::from(nanos) * 9 / 100_000) as u64 & 0x1_ffff_ffff
}

/// 90 kHz in 40 bits.
fn ticks40(duration: Duration) -> [u8; 5] {
    let [.., a, b, c, d, e] = ((duration.as_nanos() * 9 / 100_000) as u64).to_be_bytes();
    [a, b, c, d, e]
}

/// CRC_32 of ISO/IEC 13818-1, annex A.
pub(crate) fn crc32(data: &[u8]) -> u32 {
    data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| (crc << 1) ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_mpeg_2() {
        assert_eq!(crc32(b"123456789"), 0x0376_e6e7);
        let section = cue(true).section();
        assert_eq!(crc32(&section), 0, "a section with its checksum has the remainder 0");
    }

    fn cue(out: bool) -> SpliceInsert {
        let at = MediaTime::from_nanos(1_763_683_200_033_333_334);
        let break_duration = out.then_some((Duration::from_secs(30), true));
        SpliceInsert { event_id: 0x4800_0001, out, at, break_duration, unique_program_id: 7 }
    }

    #[test]
    fn a_cue_out_reads_like_this() {
        let section = cue(true).section();
        assert_eq!(section.len(), usize::from(u16::from_be_bytes([section[1] & 0x0f, section[2]])) + 3);
        assert_eq!(hex::encode(&section[..14]), "fc3025000000000000fffff01405");
        assert_eq!(hex::encode(&section[14..20]), "480000017fef");
        // 1763683200.0333… s × 90000 mod 2^33, and 30 s × 90000.
        let pts = (1_763_683_200u64 * 90_000 + 3000) % (1 << 33);
        assert_eq!(section[20..25], time33(true, pts));
        assert_eq!(section[25..30], time33(true, 2_700_000));
        assert_eq!(section[30..36], [0, 7, 0, 0, 0, 0]);
    }

    #[test]
    fn a_time_signal_says_the_same() {
        let section = cue(true).time_signal();
        assert_eq!(section.len(), usize::from(u16::from_be_bytes([section[1] & 0x0f, section[2]])) + 3);
        assert_eq!(crc32(&section), 0);
        assert_eq!(section[13], 6);
        assert_eq!(section[14..19], cue(true).section()[20..25], "the same time");
        let descriptor = hex::encode(&section[21..section.len() - 4]);
        assert_eq!(descriptor, "021443554549480000017fff00002932e00000340101");
        let back = cue(false).time_signal();
        assert_eq!(hex::encode(&back[21..back.len() - 4]), "020f43554549480000017fbf0000350101");
        assert_eq!(crc32(&cue(true).time_signal_cancellation()), 0);
        assert_eq!(hex::encode(&null_section()[..16]), "fc3011000000000000fffff000000000");
    }
}
