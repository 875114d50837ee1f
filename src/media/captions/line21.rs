//! Text as CEA-608 captions: roll-up, three rows, channel CC1 (ANSI/CTA-608-E; 47 CFR 79.101).

/// Most columns of a row.
const COLUMNS: usize = 32;
/// Roll-up with three rows, carriage return, row 15 from column 0 in white, erase displayed memory.
const ROLL_UP: [u8; 2] = [0x14, 0x26];
const RETURN: [u8; 2] = [0x14, 0x2d];
const ROW_15: [u8; 2] = [0x14, 0x70];
const ERASE: [u8; 2] = [0x14, 0x2c];

/// The pairs that show `row`, one per frame of 29.97 Hz or slower, with parity.
pub(super) fn pairs(row: &str) -> Vec<[u8; 2]> {
    // Control codes are sent twice, so that one that is lost does no harm.
    let mut pairs = vec![ROLL_UP, ROLL_UP, RETURN, RETURN, ROW_15, ROW_15];
    let mut waiting = None;
    for sign in row.chars() {
        match sign_of(sign) {
            Sign::Basic(code) => match waiting.take() {
                Some(first) => pairs.push([first, code]),
                None => waiting = Some(code),
            },
            Sign::Special(fallback, pair) => {
                // An extended sign takes the place of the one before it, which older receivers show.
                if let Some(fallback) = fallback {
                    match waiting.take() {
                        Some(first) => pairs.push([first, fallback]),
                        None => pairs.push([fallback, 0]),
                    }
                } else if let Some(first) = waiting.take() {
                    pairs.push([first, 0]);
                }
                pairs.extend([pair, pair]);
            }
        }
    }
    if let Some(first) = waiting {
        pairs.push([first, 0]);
    }
    pairs.into_iter().map(|pair| pair.map(odd)).collect()
}

/// The pairs that take captions off the screen.
pub(super) fn erase() -> Vec<[u8; 2]> {
    [ERASE, ERASE].map(|pair| pair.map(odd)).to_vec()
}

/// The byte with odd parity in its highest bit.
fn odd(byte: u8) -> u8 {
    if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte }
}

enum Sign {
    Basic(u8),
    /// A sign of two bytes; an extended one with the basic sign that stands in for it.
    Special(Option<u8>, [u8; 2]),
}

fn sign_of(sign: char) -> Sign {
    let special = |code: u8| Sign::Special(None, [0x11, code]);
    let extended = |fallback: char, page: u8, code: u8| Sign::Special(Some(fallback as u8), [page, code]);
    match sign {
        'á' => Sign::Basic(0x2a),
        'é' => Sign::Basic(0x5c),
        'í' => Sign::Basic(0x5e),
        'ó' => Sign::Basic(0x5f),
        'ú' => Sign::Basic(0x60),
        'ç' => Sign::Basic(0x7b),
        '÷' => Sign::Basic(0x7c),
        'Ñ' => Sign::Basic(0x7d),
        'ñ' => Sign::Basic(0x7e),
        '®' => special(0x30),
        '½' => special(0x32),
        '¿' => special(0x33),
        '™' => special(0x34),
        '£' => special(0x36),
        '♪' => special(0x37),
        'à' => special(0x38),
        'è' => special(0x3a),
        'â' => special(0x3b),
        'ê' => special(0x3c),
        'î' => special(0x3d),
        'ô' => special(0x3e),
        'û' => special(0x3f),
        'Á' => extended('A', 0x12, 0x20),
        'É' => extended('E', 0x12, 0x21),
        'Ó' => extended('O', 0x12, 0x22),
        'Ú' => extended('U', 0x12, 0x23),
        'Ü' => extended('U', 0x12, 0x24),
        'ü' => extended('u', 0x12, 0x25),
        '*' => extended('x', 0x12, 0x28),
        'À' => extended('A', 0x12, 0x30),
        'Ç' => extended('C', 0x12, 0x32),
        'È' => extended('E', 0x12, 0x33),
        'ë' => extended('e', 0x12, 0x36),
        'ï' => extended('i', 0x12, 0x39),
        'Ä' => extended('A', 0x13, 0x30),
        'ä' => extended('a', 0x13, 0x31),
        'Ö' => extended('O', 0x13, 0x32),
        'ö' => extended('o', 0x13, 0x33),
        'ß' => extended('s', 0x13, 0x34),
        'Å' => extended('A', 0x13, 0x38),
        'å' => extended('a', 0x13, 0x39),
        'Ø' => extended('O', 0x13, 0x3a),
        'ø' => extended('o', 0x13, 0x3b),
        '’' | '‘' => Sign::Basic(b'\''),
        '“' | '”' | '„' => Sign::Basic(b'"'),
        '–' | '—' => Sign::Basic(b'-'),
        // These places of ASCII hold other signs.
        '\\' | '^' | '_' | '`' | '{' | '|' | '}' | '~' => Sign::Basic(b' '),
        ' '..='z' => Sign::Basic(sign as u8),
        _ => Sign::Basic(b'?'),
    }
}

/// Rows of at most [`COLUMNS`] signs; lines are broken at words, longer words are cut.
pub(super) fn rows(text: &str) -> Vec<String> {
    let mut rows = Vec::new();
    for line in text.lines() {
        let mut row = String::new();
        for word in line.split_whitespace() {
            let mut word: Vec<char> = word.chars().collect();
            if !row.is_empty() && row.chars().count() + 1 + word.len() > COLUMNS {
                rows.push(std::mem::take(&mut row));
            }
            while word.len() > COLUMNS {
                rows.push(word.drain(..COLUMNS).collect());
            }
            if !row.is_empty() {
                row.push(' ');
            }
            row.extend(word);
        }
        if !row.is_empty() {
            rows.push(row);
        }
    }
    rows
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The pairs of a whole text.
    pub(in crate::media::captions) fn roll_up(text: &str) -> Vec<[u8; 2]> {
        rows(text).iter().flat_map(|row| pairs(row)).collect()
    }

    #[test]
    fn text_becomes_rows_of_pairs_with_odd_parity() {
        let pairs = roll_up("Hi");
        let bare: Vec<[u8; 2]> = pairs.iter().map(|pair| pair.map(|byte| byte & 0x7f)).collect();
        assert_eq!(bare, [ROLL_UP, ROLL_UP, RETURN, RETURN, ROW_15, ROW_15, [b'H', b'i']]);
        for pair in roll_up("Schöne Grüße, ça va? ♪ 東 {x} a_b — “ok”") {
            assert!(pair.iter().all(|byte| byte.count_ones() % 2 == 1), "{pair:02x?}");
        }
    }

    #[test]
    fn lines_are_broken_at_words() {
        let text = "This line is longer than a row of captions can be, so it goes on below";
        let broken = rows(text);
        assert!(broken.iter().all(|row| row.len() <= COLUMNS), "{broken:?}");
        assert_eq!(broken.join(" "), text);
        assert_eq!(rows(&"x".repeat(70)).iter().map(String::len).collect::<Vec<_>>(), [32, 32, 6]);
        assert!(rows(" \n ").is_empty());
    }
}
