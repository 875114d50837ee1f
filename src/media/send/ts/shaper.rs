//! Packets at their pace: spread over time instead of in bursts; at a constant rate, if one is wanted, with null packets
//! in between and clock references that count what was sent.

use std::collections::VecDeque;
use std::time::Duration;

use super::PACKET;
use super::packet::{clock_at, clock_bytes, null};
use crate::model::{BitRate, MediaTime};

/// Bits of a packet.
const BITS: u128 = PACKET as u128 * 8;

/// More than this may not wait: the rate is too low for what is to be sent.
const MOST: Duration = Duration::from_secs(2);

/// See the module's header. Time is passed in.
pub(in crate::media::send) struct Shaper {
    rate: BitRate,
    constant: bool,
    waiting: VecDeque<[u8; PACKET]>,
    /// When the first packet left, and the clock reference of that moment.
    began: Option<(MediaTime, u64)>,
    sent: u128,
    dropped: u64,
    nulls: u64,
}

impl Shaper {
    /// At most `rate`; at exactly `rate` if `constant`.
    pub(in crate::media::send) fn new(rate: BitRate, constant: bool) -> Self {
        Self { rate, constant, waiting: VecDeque::new(), began: None, sent: 0, dropped: 0, nulls: 0 }
    }

    /// Takes packets. What does not fit within two seconds is dropped, oldest first.
    pub(in crate::media::send) fn put(&mut self, packets: &[u8]) {
        self.waiting.extend(packets.as_chunks::<PACKET>().0);
        let most = (u128::from(self.rate.bps()) * MOST.as_millis() / 1000 / BITS) as usize;
        let over = self.waiting.len().saturating_sub(most.max(64));
        self.waiting.drain(..over);
        self.dropped += over as u64;
    }

    /// Packets dropped because the rate is too low.
    pub(in crate::media::send) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Packets that wait.
    pub(in crate::media::send) fn level(&self) -> usize {
        self.waiting.len()
    }

    /// What is to leave now.
    pub(in crate::media::send) fn due(&mut self, now: MediaTime, out: &mut Vec<u8>) {
        let (began, clock) = match self.began {
            Some(began) => began,
            None => {
                let Some(first) = self.waiting.iter().find_map(clock_of) else { return };
                *self.began.insert((now, first))
            }
        };
        let elapsed = now.since(began).as_nanos();
        // The first one leaves at once.
        let mut due = (elapsed * u128::from(self.rate.bps()) / 1_000_000_000 / BITS + 1).saturating_sub(self.sent);
        if !self.constant && self.waiting.is_empty() {
            // What was not needed is not saved up for a burst.
            self.sent += due;
            return;
        }
        while due > 0 {
            let Some(mut packet) = self.waiting.pop_front().or_else(|| self.constant.then(null)) else { break };
            if self.constant
                && let Some(at) = clock_at(&packet)
            {
                let passed = self.sent * BITS * 27_000_000 / u128::from(self.rate.bps().max(1));
                packet[at].copy_from_slice(&clock_bytes((clock + (passed % (300 << 33)) as u64) % (300 << 33)));
            }
            self.nulls += u64::from(packet[1] == 0x1f && packet[2] == 0xff);
            out.extend(packet);
            self.sent += 1;
            due -= 1;
        }
    }
}

fn clock_of(packet: &[u8; PACKET]) -> Option<u64> {
    let bytes = packet.get(clock_at(packet)?)?;
    let base = u64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])) << 1 | u64::from(bytes[4] >> 7);
    Some(base * 300 + (u64::from(bytes[4] & 1) << 8 | u64::from(bytes[5])))
}

#[cfg(test)]
mod tests {
    use super::super::packet::{Adaptation, Pid};
    use super::*;

    fn packets(count: usize, clock: Option<u64>) -> Vec<u8> {
        let (mut pid, mut out) = (Pid::new(0x100), vec![]);
        for n in 0..count {
            pid.pes(&[n as u8; 150], Adaptation { clock: clock.filter(|_| n == 0), random_access: true }, &mut out);
        }
        assert_eq!(out.len(), count * PACKET);
        out
    }

    fn at(millis: u64) -> MediaTime {
        MediaTime::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_constant_rate_is_kept_to_the_packet_and_the_clock_counts_it() {
        // A packet per millisecond.
        let mut shaper = Shaper::new(BitRate(1_504_000), true);
        let mut out = vec![];
        shaper.due(at(5), &mut out);
        assert!(out.is_empty(), "nothing before the first clock reference");
        shaper.put(&packets(10, Some(1000)));
        for millis in 100..=599 {
            shaper.due(at(millis), &mut out);
            if millis == 300 {
                shaper.put(&packets(10, Some(77)));
            }
        }
        assert_eq!(out.len() / PACKET, 500);
        let clocks: Vec<(usize, u64)> = out
            .as_chunks::<PACKET>()
            .0
            .iter()
            .enumerate()
            .filter_map(|(n, packet)| clock_of(packet).map(|clock| (n, clock)))
            .collect();
        assert_eq!(clocks, [(0, 1000), (201, 1000 + 201 * 27_000)]);
        assert_eq!(shaper.nulls, 480);
    }

    #[test]
    fn without_a_constant_rate_nothing_is_made_up_or_saved_up() {
        let mut shaper = Shaper::new(BitRate(1_504_000), false);
        let mut out = vec![];
        shaper.put(&packets(3, Some(5)));
        for millis in 0..1000 {
            shaper.due(at(millis), &mut out);
        }
        assert_eq!(out.len() / PACKET, 3);
        shaper.put(&packets(10, Some(5)));
        out.clear();
        shaper.due(at(1001), &mut out);
        assert_eq!(out.len() / PACKET, 2, "no burst");
    }

    #[test]
    fn what_the_rate_cannot_carry_is_dropped_and_counted() {
        let mut shaper = Shaper::new(BitRate(150_400), false);
        shaper.put(&packets(1000, Some(5)));
        assert_eq!((shaper.level(), shaper.dropped()), (200, 800));
    }
}
