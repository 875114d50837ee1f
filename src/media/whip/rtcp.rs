//! What a receiver says of the media it gets: report blocks (RFC 3550, 6.4) and requests for a keyframe (RFC 4585, 6.3.1;
//! RFC 5104, 4.3.1).

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;

/// What is reported of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// The stream.
    pub(super) ssrc: u32,
    /// Of the packets since the last report, in 256ths.
    pub(super) fraction_lost: u8,
    /// Packets lost altogether; below zero if more came than were sent.
    pub(super) lost: i32,
    /// The highest sequence number received.
    pub(super) highest: u16,
    /// Middle 32 bits of the NTP time in the last report of ours that arrived, 0 if none.
    pub(super) last_report: u32,
    /// From its arrival to this report, 65536ths of a second.
    pub(super) delay: u32,
}

impl Block {
    /// The round trip in milliseconds, if a report of ours has arrived; `now` in the middle 32 bits of NTP time.
    pub(super) fn round_trip_ms(&self, now: u32) -> Option<u32> {
        let there_and_back = now.wrapping_sub(self.last_report).wrapping_sub(self.delay);
        // Clocks that disagree by a little make a tiny one negative.
        let sane = self.last_report != 0 && there_and_back < 60 << 16;
        sane.then(|| ((u64::from(there_and_back) * 1000) >> 16) as u32)
    }
}

/// One packet of several reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) blocks: Vec<Block>,
    /// Streams of which somebody cannot go on without a keyframe.
    pub(super) keyframes: Vec<u32>,
    /// Messages that ask for packets again.
    pub(super) repeats: u32,
    /// The receiver wants no more than this of everything together, bit/s (REMB, draft-alvestrand-rmcat-remb-03).
    pub(super) most: Option<u64>,
}

/// Reads a compound packet; what is malformed ends it.
pub(super) fn read(mut packet: &[u8]) -> Said {
    let mut said = Said::default();
    while let [first, kind, high, low, ..] = *packet {
        let length = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
        if first >> 6 != 2 || packet.len() < length {
            break;
        }
        let (one, rest) = packet.split_at(length);
        let count = first & 0x1f;
        match (kind, count) {
            (SENDER_REPORT, _) => said.blocks.extend(blocks(one, 28, count)),
            (RECEIVER_REPORT, _) => said.blocks.extend(blocks(one, 8, count)),
            (TRANSPORT_FEEDBACK, 1) => said.repeats += 1,
            // Picture loss; full intra request, which names streams in a list behind.
            (PAYLOAD_FEEDBACK, 1) => said.keyframes.extend(word(one, 8)),
            (PAYLOAD_FEEDBACK, 4) => said.keyframes.extend((12..one.len()).step_by(8).filter_map(|at| word(one, at))),
            (PAYLOAD_FEEDBACK, 15) => said.most = bound(one).or(said.most),
            _ => {}
        }
        packet = rest;
    }
    said
}

fn word(packet: &[u8], at: usize) -> Option<u32> {
    let bytes = packet.get(at..at + 4)?;
    Some(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

/// `REMB`, then the number of streams, and six bits of exponent before 18 of mantissa.
fn bound(packet: &[u8]) -> Option<u64> {
    let [b'R', b'E', b'M', b'B', _, first, second, third, ..] = *packet.get(12..)? else { return None };
    let mantissa = u64::from(first & 3) << 16 | u64::from(second) << 8 | u64::from(third);
    Some(
        mantissa.checked_shl(u32::from(first >> 2)).filter(|rate| rate >> (first >> 2) == mantissa).unwrap_or(u64::MAX),
    )
}

fn blocks(packet: &[u8], from: usize, count: u8) -> impl Iterator<Item = Block> + '_ {
    let blocks = packet.get(from..).unwrap_or_default().chunks_exact(24).take(usize::from(count));
    blocks.map(|block| {
        let word = |n: usize| {
            let at = &block[n * 4..n * 4 + 4];
            u32::from_be_bytes([at[0], at[1], at[2], at[3]])
        };
        Block {
            ssrc: word(0),
            fraction_lost: block[4],
            // 24 bits with a sign.
            lost: ((word(1) << 8) as i32) >> 8,
            highest: (word(2) & 0xffff) as u16,
            last_report: word(4),
            delay: word(5),
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn report() -> Vec<u8> {
        let mut packet = vec![0x81, 201, 0, 7, 0, 0, 0, 9];
        packet.extend(0x1234_5678u32.to_be_bytes());
        packet.extend([64, 0xff, 0xff, 0xfe]);
        packet.extend(0x0001_ffffu32.to_be_bytes());
        packet.extend(7u32.to_be_bytes());
        packet.extend(0x0010_0000u32.to_be_bytes());
        packet.extend(0x0000_8000u32.to_be_bytes());
        packet
    }

    #[test]
    fn a_report_says_what_arrived() {
        let mut packet = report();
        packet.extend([0x81, 206, 0, 2, 0, 0, 0, 9, 0x12, 0x34, 0x56, 0x78]);
        packet.extend([0x81, 205, 0, 3, 0, 0, 0, 9, 0x12, 0x34, 0x56, 0x78, 0, 1, 0, 0]);
        let said = read(&packet);
        assert_eq!((&said.keyframes[..], said.repeats), (&[0x1234_5678][..], 1));
        let [block] = said.blocks[..] else { panic!("{said:?}") };
        assert_eq!((block.ssrc, block.fraction_lost, block.lost, block.highest), (0x1234_5678, 64, -2, 0xffff));
        // A second between the reports, half of it at the peer.
        assert_eq!(block.round_trip_ms(0x0011_0000), Some(500));
        assert_eq!(block.round_trip_ms(0x0010_0000), None, "clocks disagree");
        assert_eq!(Block { last_report: 0, ..block }.round_trip_ms(0x0011_0000), None);
    }

    #[test]
    fn keyframes_are_asked_for_of_one_stream_or_several() {
        let mut packet = vec![0x81, 206, 0, 2, 0, 0, 0, 9, 0, 0, 0, 1];
        packet.extend([0x84, 206, 0, 6, 0, 0, 0, 9, 0, 0, 0, 0]);
        packet.extend([0, 0, 0, 2, 5, 0, 0, 0, 0, 0, 0, 3, 6, 0, 0, 0]);
        assert_eq!(read(&packet).keyframes, [1, 2, 3]);
    }

    #[test]
    fn a_receiver_may_say_how_much_it_wants() {
        let remb = |first: u8| {
            let mut packet = vec![0x8f, 206, 0, 5, 0, 0, 0, 9, 0, 0, 0, 0];
            packet.extend(*b"REMB");
            packet.extend([1, first, 0x03, 0xe8, 0x12, 0x34, 0x56, 0x78]);
            packet
        };
        assert_eq!(read(&remb(10 << 2)).most, Some(1_024_000));
        assert_eq!(read(&remb(63 << 2 | 3)).most, Some(u64::MAX));
        let mut other = remb(0);
        other[12] = b'X';
        assert_eq!(read(&other).most, None);
    }

    proptest! {
        #[test]
        fn garbage_is_read_without_harm(packet in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..40) {
            read(&packet);
            let report = report();
            read(&report[..cut.min(report.len())]);
        }
    }
}
