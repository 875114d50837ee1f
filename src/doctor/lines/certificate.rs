//! How long a certificate is good for, from its bytes (X.509 in DER, RFC 5280 section 4.1): version, serial number, algorithm,
//! issuer, then validity.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const SEQUENCE: u8 = 0x30;
/// The version, if it is not 1.
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// When it ends; none if these are not the bytes of a certificate.
pub(super) fn ends(der: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = value(der, SEQUENCE)?;
    let (mut rest, _) = value(certificate, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        rest = any(rest)?.2;
    }
    // Serial number, algorithm, issuer.
    for _ in 0..3 {
        rest = any(rest)?.2;
    }
    let (validity, _) = value(rest, SEQUENCE)?;
    let (_, _, after) = any(validity)?;
    let (tag, text, _) = any(after)?;
    time(tag, std::str::from_utf8(text).ok()?)
}

/// Tag, content and what follows of the first element.
fn any(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (long, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (long.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn value(bytes: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    any(bytes).filter(|(tag, ..)| *tag == wanted).map(|(_, content, rest)| (content, rest))
}

/// `YYMMDDHHMMSSZ` (of 1950 to 2049) or `YYYYMMDDHHMMSSZ`.
fn time(tag: u8, text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z').filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (year, rest) = match (tag, text.len()) {
        (UTC_TIME, 12) => {
            (text[..2].parse::<i16>().map(|year| if year < 50 { 2000 + year } else { 1900 + year }), &text[2..])
        }
        (GENERALIZED_TIME, 14) => (text[..4].parse::<i16>(), &text[4..]),
        _ => return None,
    };
    let part = |n: usize| rest[2 * n..2 * n + 2].parse::<i8>().ok();
    let when = DateTime::new(year.ok()?, part(0)?, part(1)?, part(2)?, part(3)?, part(4)?, 0).ok()?;
    when.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read() {
        let mut wanted = rcgen::CertificateParams::new(vec!["origin.example".to_owned()]).unwrap();
        wanted.not_after = rcgen::date_time_ymd(2031, 3, 4);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = wanted.self_signed(&key).unwrap();
        assert_eq!(ends(certificate.der()).unwrap().to_string(), "2031-03-04T00:00:00Z");
        // After 2049 times have four digits of a year.
        wanted.not_after = rcgen::date_time_ymd(2099, 12, 31);
        let certificate = wanted.self_signed(&key).unwrap();
        assert_eq!(ends(certificate.der()).unwrap().to_string(), "2099-12-31T00:00:00Z");
        let bytes = certificate.der();
        for cut in 0..bytes.len().min(200) {
            let _ = ends(&bytes[..cut]);
        }
        assert_eq!(ends(b"garbage"), None);
    }
}
