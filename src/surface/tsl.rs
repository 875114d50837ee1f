//! TSL UMD Protocol V5.00 (TSL Products), display messages over UDP.
//!
//! ```text
//! PBC u16 │ VER u8 = 0 │ FLAGS u8 │ SCREEN u16 │ DMSG … │      little endian; PBC counts the bytes behind itself
//! DMSG:  INDEX u16 │ CONTROL u16 │ LENGTH u16 │ TEXT
//! CONTROL:  bits 0-1 right lamp, 2-3 text, 4-5 left lamp: 0 off, 1 red, 2 green, 3 amber; 6-7 brightness
//! FLAGS:    bit 0: text is UTF-16LE, else ASCII
//! ```

use super::tally::{Tally, tally};
use crate::model::status::ApplianceStatus;
use crate::model::surface::TslTarget;

/// A packet is no longer, bytes.
const PACKET: usize = 2048;
/// PBC, VER, FLAGS, SCREEN.
const HEAD: usize = 6;
/// INDEX, CONTROL, LENGTH.
const MESSAGE_HEAD: usize = 6;
/// Full.
const BRIGHTNESS: u16 = 3;
const UNICODE: u8 = 1;

/// What `target` is told of `status`.
pub(super) fn packets(target: &TslTarget, status: &ApplianceStatus) -> Vec<Vec<u8>> {
    let shown = target.displays.iter().map(|display| tally(status, display));
    let numbered: Vec<(u16, Tally)> = (target.first_index..).zip(shown).collect();
    // One flag speaks for all text of a packet.
    let unicode = numbered.iter().any(|(_, tally)| !tally.text.is_ascii());
    let mut packets: Vec<Vec<u8>> = Vec::new();
    for (index, tally) in &numbered {
        let message = message(*index, tally, unicode);
        match packets.last_mut().filter(|packet| packet.len() + message.len() <= PACKET) {
            Some(packet) => packet.extend(message),
            None => packets.push([head(target.screen, unicode), message].concat()),
        }
    }
    packets.iter_mut().for_each(|packet| count(packet));
    packets
}

fn head(screen: u16, unicode: bool) -> Vec<u8> {
    let [low, high] = screen.to_le_bytes();
    vec![0, 0, 0, if unicode { UNICODE } else { 0 }, low, high]
}

/// Writes PBC, now that it is known.
fn count(packet: &mut [u8]) {
    let behind = u16::try_from(packet.len() - 2).unwrap_or(u16::MAX);
    packet[..2].copy_from_slice(&behind.to_le_bytes());
}

fn message(index: u16, tally: &Tally, unicode: bool) -> Vec<u8> {
    let mut text: Vec<u8> = match unicode {
        true => tally.text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        false => tally.text.clone().into_bytes(),
    };
    text.truncate(PACKET - HEAD - MESSAGE_HEAD);
    let lamps = tally.right as u16 | (tally.text_lamp as u16) << 2 | (tally.left as u16) << 4;
    let control = lamps | BRIGHTNESS << 6;
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let words = [index, control, length].map(u16::to_le_bytes).concat();
    [words, text].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::surface::Display;
    use crate::surface::studio::{appliance, id, source};

    fn target(displays: Vec<Display>) -> TslTarget {
        let address = "127.0.0.1:8900".parse().unwrap();
        TslTarget { name: "wall".into(), address, screen: 2, first_index: 0x0101, displays }
    }

    #[test]
    fn bytes_are_those_of_the_protocol() {
        let displays = vec![Display::Source(id("demo"), source("cam-1")), Display::Source(id("demo"), source("clip"))];
        let said = packets(&target(displays), &appliance());
        let expected = [
            &[25, 0, 0, 0, 2, 0][..],
            // Left lamp and text red, brightness 3.
            &[0x01, 0x01, 0b1101_0100, 0, 5, 0],
            b"cam-1",
            &[0x02, 0x01, 0b1100_0000, 0, 4, 0],
            b"clip",
        ];
        assert_eq!(said, [expected.concat()]);
    }

    #[test]
    fn other_letters_make_the_packet_unicode() {
        let mut status = appliance();
        status.channels[0].title = "Küche".into();
        let said = packets(&target(vec![Display::Channel(id("demo"))]), &status);
        assert_eq!((said[0][3], said[0][10], &said[0][12..16]), (1, 10, &b"K\0\xfc\0"[..]));
    }

    #[test]
    fn many_displays_are_several_packets() {
        let mut status = appliance();
        status.channels[0].title = "A title of some forty letters, or so, yes".into();
        let said = packets(&target(vec![Display::Channel(id("demo")); 100]), &status);
        assert_eq!(said.len(), 3);
        for packet in &said {
            let counted = usize::from(u16::from_le_bytes([packet[0], packet[1]]));
            assert!(packet.len() <= PACKET && counted == packet.len() - 2 && packet[4] == 2);
        }
        assert_eq!(said[1][6..8], [0x01 + 43, 0x01], "indices go on");
    }
}
