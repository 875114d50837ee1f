//! Text as CEA-708 captions: service 1, a window of three rows that roll up (ANSI/CTA-708-E, 5 to 8).

use super::triplet::Triplet;

/// Most bytes of a service block.
const BLOCK: usize = 31;
/// The window of inserted text. Sources begin with the first ones.
const OWN: u8 = 7;
/// DeleteWindows, of a bitmap.
const DELETE: u8 = 0x8c;
/// DefineWindow: seen, rows and columns locked, at the foot of a screen of 75 × 210 and in its middle, three rows of 32
/// columns, as roll-up captions look (styles 4 and 1).
const DEFINE: [u8; 7] = [0x98 | OWN, 0x38, 74, 105, 0x72, 0x1f, 0x21];
/// SetPenLocation: the last row, from the left; and on to the next, which rolls up.
const NEXT_ROW: [u8; 4] = [0x92, 2, 0, 0x0d];
/// The text is complete.
const END: u8 = 0x03;

/// Codes that leave in one packet, in blocks that hold whole commands.
pub(super) type Codes = Vec<Vec<u8>>;

/// Shows `row` below what was inserted before, in place of what else is on the screen. At most 32 signs.
pub(super) fn row(row: &str) -> Codes {
    let begin = [&[DELETE, !(1 << OWN)], &DEFINE[..], &NEXT_ROW].concat();
    let mut blocks = vec![begin, Vec::new()];
    for code in row.chars().map(code_of).chain([vec![END]]) {
        if blocks.last().is_none_or(|block| block.len() + code.len() > BLOCK) {
            blocks.push(Vec::new());
        }
        if let Some(block) = blocks.last_mut() {
            block.extend(code);
        }
    }
    blocks
}

/// Takes everything off the screen.
pub(super) fn erase() -> Codes {
    vec![vec![DELETE, 0xff]]
}

/// Takes what was inserted off the screen.
pub(super) fn withdraw() -> Codes {
    vec![vec![DELETE, 1 << OWN]]
}

/// The packet of a number from 0 to 3.
pub(super) fn packet(number: u8, codes: &[Vec<u8>]) -> Vec<Triplet> {
    let mut bytes = vec![0];
    for block in codes {
        bytes.push(0x20 | block.len() as u8);
        bytes.extend(block);
    }
    if bytes.len() % 2 == 1 {
        bytes.push(0);
    }
    // A packet of 128 bytes has the length 0; longer ones are not made of 32 signs.
    bytes[0] = (number << 6) | ((bytes.len() / 2) as u8 & 0x3f);
    let pairs = bytes.as_chunks::<2>().0.iter().enumerate();
    pairs.map(|(place, [a, b])| [if place == 0 { 0xff } else { 0xfe }, *a, *b]).collect()
}

fn code_of(sign: char) -> Vec<u8> {
    let second = |code: u8| vec![0x10, code];
    match sign {
        '♪' => vec![0x7f],
        ' '..='~' | '\u{a0}'..='\u{ff}' => vec![sign as u8],
        '…' => second(0x25),
        'Š' => second(0x2a),
        'Œ' => second(0x2c),
        '‘' => second(0x31),
        '’' => second(0x32),
        '“' => second(0x33),
        '”' => second(0x34),
        '™' => second(0x39),
        'š' => second(0x3a),
        'œ' => second(0x3c),
        'Ÿ' => second(0x3f),
        // Sixteen bits; receivers that have no such sign show an underscore.
        _ => match u16::try_from(u32::from(sign)) {
            Ok(code) if !sign.is_control() => [&[0x18][..], &code.to_be_bytes()].concat(),
            _ => vec![b'?'],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::captions::service::Service;
    use proptest::prelude::*;

    fn show(service: &mut Service, codes: &[Vec<u8>]) -> Vec<(usize, usize, String)> {
        for [head, a, b] in packet(2, codes) {
            service.take(head == 0xff, [a, b]);
        }
        service.rows().into_iter().map(|row| (row.row, row.column, row.text)).collect()
    }

    #[test]
    fn rows_roll_up_at_the_foot_of_the_screen() {
        let mut service = Service::default();
        let said = show(&mut service, &row("Grüße “hier” ♪ 東…"));
        assert_eq!(said, [(14, 0, "Grüße “hier” ♪ 東…".to_owned())]);
        show(&mut service, &row("two"));
        show(&mut service, &row("three"));
        let said: Vec<String> = show(&mut service, &row(&"x".repeat(32))).into_iter().map(|one| one.2).collect();
        assert_eq!(said, ["two".to_owned(), "three".to_owned(), "x".repeat(32)]);
        assert_eq!(show(&mut service, &withdraw()), []);
        show(&mut service, &row("again"));
        assert_eq!(show(&mut service, &erase()), []);
    }

    #[test]
    fn a_packet_says_how_long_it_is() {
        assert_eq!(packet(1, &erase()), [[0xff, 0x42, 0x22], [0xfe, 0x8c, 0xff]]);
        let longest = packet(3, &row(&"東".repeat(32)));
        assert_eq!((longest[0][1] >> 6, usize::from(longest[0][1] & 0x3f)), (3, longest.len()));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in "[ -~¡-ÿ♪…東]{1,32}") {
            let mut service = Service::default();
            let said: Vec<String> = show(&mut service, &row(&text)).into_iter().map(|one| one.2).collect();
            let wanted: Vec<String> = Some(text.trim().to_owned()).filter(|text| !text.is_empty()).into_iter().collect();
            prop_assert_eq!(said, wanted);
        }
    }
}
