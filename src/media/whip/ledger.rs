//! What was sent, and what of it the peer has reported as received.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::rtcp::{Block, Said};

/// More packets than are on the way in ten seconds of 20 Mbit/s.
const UNDERWAY: usize = 20_000;
/// Numbers that are left out when the peer is to wait no longer for what it missed: more than receivers keep (aiortc 512,
/// browsers about as many), less than what they take for another stream (3000; RFC 3550, A.1).
const LEAP: u16 = 1024;

/// By which the pace of packets is judged.
const LATELY: Duration = Duration::from_secs(1);
/// Beyond two round trips.
const REACH: Duration = Duration::from_millis(100);

/// One stream of a session.
#[derive(Debug, Default)]
struct Stream {
    ssrc: u32,
    /// What is lost is sent again when the peer asks for it.
    repeats: bool,
    /// Its next packet bears a number that is far ahead.
    leaps: bool,
    /// Numbers that were left out: all of them, and as they shift the numbers of packets, which have 16 bits.
    left_out: u64,
    shift: u16,
    /// Not reported yet.
    underway: VecDeque<Underway>,
    sent: u64,
    received: u64,
    lost: i32,
    fraction_lost: u8,
}

/// A packet that left.
#[derive(Debug, Clone, Copy)]
struct Underway {
    sequence: u16,
    /// All bytes up to and with it.
    bytes: u64,
    at: Instant,
}

/// What a report says that matters at once.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Heard {
    /// Media that were not reported before have arrived.
    pub(super) news: bool,
    /// Of the first stream, the share of its packets that did not arrive since the last report.
    pub(super) loss: Option<f64>,
    /// From the start of its last packet that arrived to this report.
    pub(super) round_trip: Option<Duration>,
    /// Bytes of the first stream that were sent, and those up to the last that arrived.
    pub(super) sent: u64,
    pub(super) received: u64,
    /// What the receiver wants at most of everything, bit/s.
    pub(super) most: Option<u64>,
}

/// The streams of one session.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    streams: Vec<Stream>,
    round_trip_ms: Option<u32>,
    keyframes_asked: u64,
    repeats_asked: u64,
}

/// A look at it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) lost_packets: u64,
    /// Of the first stream, in 256ths.
    pub(super) fraction_lost: u8,
    pub(super) round_trip_ms: Option<u32>,
    pub(super) keyframes_asked: u64,
    pub(super) repeats_asked: u64,
}

impl Ledger {
    /// One more stream, whose lost packets are sent again (`repeats`) or not; its number.
    pub(super) fn add(&mut self, ssrc: u32, repeats: bool) -> usize {
        let underway = VecDeque::with_capacity(UNDERWAY);
        self.streams.push(Stream { ssrc, repeats, underway, ..Stream::default() });
        self.streams.len() - 1
    }

    /// The peer shall not wait for what it misses: behind so many missing numbers it begins anew.
    pub(super) fn leap(&mut self) {
        for stream in self.streams.iter_mut().filter(|stream| stream.repeats) {
            stream.leaps = true;
        }
    }

    /// Packets of the busiest stream that leave until the peer's first word of them is back, with some to spare.
    pub(super) fn within_reach(&self, now: Instant) -> u32 {
        let there_and_back = Duration::from_millis(u64::from(self.round_trip_ms.unwrap_or(100)));
        let reach = (there_and_back * 2 + REACH).min(LATELY);
        let lately = |stream: &Stream| {
            let late = |packet: &&Underway| now.saturating_duration_since(packet.at) <= LATELY;
            stream.underway.iter().rev().take_while(late).count()
        };
        let most = self.streams.iter().filter(|stream| stream.repeats).map(lately).max().unwrap_or(0);
        // Keyframes are many packets at once: by the pace of a whole second.
        (most as f64 * reach.as_secs_f64() / LATELY.as_secs_f64()).ceil() as u32
    }

    /// A packet of stream number `stream` leaves that its payloader has given the number `sequence`; the number that it
    /// bears.
    pub(super) fn sent(&mut self, stream: usize, sequence: u16, bytes: u64, at: Instant) -> u16 {
        let Some(stream) = self.streams.get_mut(stream) else { return sequence };
        if std::mem::take(&mut stream.leaps) {
            stream.left_out += u64::from(LEAP);
            stream.shift = stream.shift.wrapping_add(LEAP);
        }
        let sequence = sequence.wrapping_add(stream.shift);
        stream.sent += bytes;
        if stream.underway.len() == UNDERWAY {
            stream.underway.pop_front();
        }
        stream.underway.push_back(Underway { sequence, bytes: stream.sent, at });
        sequence
    }

    /// Takes over a report that came at `now`.
    pub(super) fn heard(&mut self, said: &Said, now: Instant) -> Heard {
        self.keyframes_asked += said.keyframes.len() as u64;
        self.repeats_asked += u64::from(said.repeats);
        let mut heard = Heard { most: said.most, ..Heard::default() };
        for block in &said.blocks {
            let Some(place) = self.streams.iter().position(|stream| stream.ssrc == block.ssrc) else { continue };
            let stream = &mut self.streams[place];
            let newest = stream.reported(block);
            heard.news |= newest.is_some();
            if place == 0 {
                heard.loss = Some(f64::from(block.fraction_lost) / 256.0);
                heard.round_trip = newest.map(|at| now.saturating_duration_since(at));
            }
            self.round_trip_ms = block.round_trip_ms(ntp_middle()).or(self.round_trip_ms);
        }
        if let Some(first) = self.streams.first() {
            (heard.sent, heard.received) = (first.sent, first.received);
        }
        heard
    }

    /// Numbers of those of these streams that are ours.
    pub(super) fn numbers(&self, streams: &[u32]) -> Vec<usize> {
        let place = |ssrc: &u32| self.streams.iter().position(|stream| stream.ssrc == *ssrc);
        streams.iter().filter_map(place).collect()
    }

    /// What was sent and what arrived of each stream.
    pub(super) fn each(&self) -> Vec<(u64, u64)> {
        self.streams.iter().map(|stream| (stream.sent, stream.received)).collect()
    }

    pub(super) fn figures(&self) -> Figures {
        let sum = |of: fn(&Stream) -> u64| self.streams.iter().map(of).sum();
        Figures {
            sent: sum(|s| s.sent),
            received: sum(|s| s.received),
            lost_packets: sum(|s| u64::try_from(s.lost).unwrap_or(0).saturating_sub(s.left_out)),
            fraction_lost: self.streams.first().map_or(0, |s| s.fraction_lost),
            round_trip_ms: self.round_trip_ms,
            keyframes_asked: self.keyframes_asked,
            repeats_asked: self.repeats_asked,
        }
    }
}

impl Stream {
    /// When the newest of the packets left that are reported for the first time.
    fn reported(&mut self, block: &Block) -> Option<Instant> {
        (self.lost, self.fraction_lost) = (block.lost, block.fraction_lost);
        // What is older than the number, around the clock of 16 bits.
        let before = |number: u16| block.highest.wrapping_sub(number) < 0x8000;
        let count = self.underway.iter().take_while(|packet| before(packet.sequence)).count();
        let newest = self.underway.drain(..count).next_back()?;
        self.received = newest.bytes;
        Some(newest.at)
    }
}

/// The middle 32 bits of NTP time now.
fn ntp_middle() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let fraction = (u64::from(now.subsec_nanos()) << 16) / 1_000_000_000;
    ((now.as_secs().wrapping_add(2_208_988_800) << 16) | fraction) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(ssrc: u32, highest: u16) -> Said {
        let block = Block { ssrc, fraction_lost: 0, lost: 3, highest, last_report: 0, delay: 0 };
        Said { blocks: vec![block], ..Said::default() }
    }

    #[test]
    fn what_is_reported_counts_as_received() {
        let (mut ledger, start) = (Ledger::default(), Instant::now());
        ledger.add(7, true);
        ledger.add(8, false);
        for (n, number) in [65_534u16, 65_535, 0, 1].into_iter().enumerate() {
            ledger.sent(0, number, 100, start + Duration::from_millis(10 * n as u64));
        }
        ledger.sent(1, 5, 10, start);
        let now = start + Duration::from_millis(50);
        assert!(!ledger.heard(&said(9, 1), now).news, "no stream of ours");
        let heard = ledger.heard(&said(7, 65_535), now);
        assert_eq!((heard.news, heard.round_trip), (true, Some(Duration::from_millis(40))));
        assert_eq!((heard.sent, heard.received, heard.loss), (400, 200, Some(0.0)));
        assert_eq!(ledger.figures().received, 200);
        let again = ledger.heard(&said(7, 65_535), now);
        assert_eq!((again.news, again.round_trip), (false, None), "the same again is no progress");
        assert!(ledger.heard(&said(7, 0), now).news, "across the end of the numbers");
        let sound = ledger.heard(&said(8, 5), now);
        assert_eq!((sound.news, sound.loss), (true, None), "of the first stream alone");
        let figures = ledger.figures();
        assert_eq!((figures.sent, figures.received, figures.lost_packets), (410, 310, 6));
        assert_eq!(ledger.each(), [(400, 300), (10, 10)]);
        assert_eq!(ledger.numbers(&[8, 9, 7]), [1, 0]);
    }

    #[test]
    fn what_nobody_reports_takes_no_memory_for_ever() {
        let mut ledger = Ledger::default();
        ledger.add(7, true);
        for number in 0..100_000u32 {
            ledger.sent(0, number as u16, 1, Instant::now());
        }
        assert_eq!(ledger.streams[0].underway.len(), UNDERWAY);
        assert_eq!(ledger.figures().sent, 100_000);
    }

    #[test]
    fn what_may_be_lost_before_the_first_word_of_it_is_told_by_the_pace() {
        let (mut ledger, start) = (Ledger::default(), Instant::now());
        ledger.add(7, true);
        ledger.add(8, false);
        assert_eq!(ledger.within_reach(start), 0);
        for n in 0..300u16 {
            ledger.sent(0, n, 1, start + Duration::from_millis(u64::from(n) * 10));
            ledger.sent(1, n, 1, start);
        }
        let end = start + Duration::from_millis(2990);
        assert_eq!(ledger.within_reach(end), 31, "of 101 packets in a second, those of 300 ms");
        ledger.round_trip_ms = Some(200);
        assert_eq!(ledger.within_reach(end), 51);
        ledger.round_trip_ms = Some(5000);
        assert_eq!(ledger.within_reach(end), 101);
    }

    #[test]
    fn numbers_leap_once_where_what_is_lost_is_sent_again() {
        let (mut ledger, now) = (Ledger::default(), Instant::now());
        ledger.add(7, true);
        ledger.add(8, false);
        assert_eq!((ledger.sent(0, 65_000, 1, now), ledger.sent(1, 5, 1, now)), (65_000, 5));
        ledger.leap();
        let after = 65_001u16.wrapping_add(LEAP);
        assert_eq!((ledger.sent(0, 65_001, 1, now), ledger.sent(1, 6, 1, now)), (after, 6));
        assert_eq!(ledger.sent(0, 65_002, 1, now), after + 1, "and go on from there");
        assert!(ledger.heard(&said(7, after), now).news, "reports name the numbers that were sent");
        let block = Block { ssrc: 7, lost: i32::from(LEAP) + 9, ..said(7, after + 1).blocks[0] };
        ledger.heard(&Said { blocks: vec![block], ..Said::default() }, now);
        assert_eq!(ledger.figures().lost_packets, 9, "what was left out was not lost");
    }
}
