//! The signs of CEA-608 (ANSI/CTA-608-E, 4.2 and annex A): bytes to letters.

/// One of the places of the basic set where it differs from ASCII, or that place's ASCII.
pub(super) fn basic(code: u8) -> Option<char> {
    Some(match code {
        0x2a => 'á',
        0x5c => 'é',
        0x5e => 'í',
        0x5f => 'ó',
        0x60 => 'ú',
        0x7b => 'ç',
        0x7c => '÷',
        0x7d => 'Ñ',
        0x7e => 'ñ',
        0x7f => '█',
        0x20..=0x7a => char::from(code),
        _ => return None,
    })
}

/// A sign of two bytes, by the second (0x30 to 0x3f); the first is 0x11.
pub(super) fn special(code: u8) -> Option<char> {
    sign("®°½¿™¢£♪à èâêîôû", code.checked_sub(0x30)?)
}

/// A sign of two bytes that takes the place of the one before it, by page (0x12 or 0x13) and second byte (0x20 to 0x3f).
pub(super) fn extended(page: u8, code: u8) -> Option<char> {
    let signs = match page {
        0x12 => "ÁÉÓÚÜü‘¡*’—©℠•“”ÀÂÇÈÊËëÎÏïÔÙùÛ«»",
        0x13 => "ÃãÍÌìÒòÕõ{}\\^_|~ÄäÖöß¥¤¦ÅåØø┌┐└┘",
        _ => return None,
    };
    sign(signs, code.checked_sub(0x20)?)
}

fn sign(signs: &str, place: u8) -> Option<char> {
    signs.chars().nth(place.into())
}
