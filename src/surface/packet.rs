//! Packets of Open Sound Control 1.0, as far as orders need them.
//!
//! ```text
//! message: ADDRESS │ ,TAGS │ arguments          strings end with a zero and are filled up to four bytes
//! bundle:  #bundle │ time tag u64 │ (length u32 │ message or bundle) …      big endian
//! ```

/// Bundles inside each other; deeper ones are no packet of a surface.
const DEEP: usize = 8;

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Message<'a> {
    pub(super) address: &'a str,
    pub(super) arguments: Vec<Argument<'a>>,
}

/// One argument.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Argument<'a> {
    Text(&'a str),
    Number(f64),
    Truth(bool),
    /// Of no use here.
    Other,
}

/// The messages of a packet, in their order. None if it is none.
pub(super) fn messages(packet: &[u8]) -> Option<Vec<Message<'_>>> {
    let mut found = Vec::new();
    gather(packet, DEEP, &mut found).then_some(found)
}

fn gather<'a>(packet: &'a [u8], deep: usize, found: &mut Vec<Message<'a>>) -> bool {
    let Some(mut rest) = packet.strip_prefix(b"#bundle\0") else {
        let message = message(packet);
        let good = message.is_some();
        found.extend(message);
        return good;
    };
    if deep == 0 || take::<8>(&mut rest).is_none() {
        return false;
    }
    while !rest.is_empty() {
        let part = take(&mut rest).and_then(|length| bytes(&mut rest, u32::from_be_bytes(length) as usize));
        if !part.is_some_and(|part| gather(part, deep - 1, found)) {
            return false;
        }
    }
    true
}

fn message(packet: &[u8]) -> Option<Message<'_>> {
    let mut rest = packet;
    let address = text(&mut rest).filter(|address| address.starts_with('/'))?;
    // Very old senders leave the tags out where there is no argument.
    let tags = if rest.is_empty() { "" } else { text(&mut rest)?.strip_prefix(',')? };
    let arguments = tags.chars().map(|tag| argument(tag, &mut rest)).collect::<Option<_>>()?;
    Some(Message { address, arguments })
}

fn argument<'a>(tag: char, rest: &mut &'a [u8]) -> Option<Argument<'a>> {
    Some(match tag {
        's' | 'S' => Argument::Text(text(rest)?),
        'i' => Argument::Number(i32::from_be_bytes(take(rest)?).into()),
        'f' => Argument::Number(f32::from_be_bytes(take(rest)?).into()),
        'd' => Argument::Number(f64::from_be_bytes(take(rest)?)),
        'h' => Argument::Number(i64::from_be_bytes(take(rest)?) as f64),
        'T' => Argument::Truth(true),
        'F' => Argument::Truth(false),
        'N' | 'I' | '[' | ']' => Argument::Other,
        'c' | 'r' | 'm' => take::<4>(rest).map(|_| Argument::Other)?,
        't' => take::<8>(rest).map(|_| Argument::Other)?,
        'b' => {
            let length = u32::from_be_bytes(take(rest)?) as usize;
            bytes(rest, length.checked_next_multiple_of(4)?).map(|_| Argument::Other)?
        }
        _ => return None,
    })
}

fn bytes<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(taken)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    bytes(rest, N)?.try_into().ok()
}

/// Up to its zero; what it is filled up with is taken, too.
fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = rest.iter().position(|byte| *byte == 0)?;
    let filled = bytes(rest, (length + 1).next_multiple_of(4))?;
    std::str::from_utf8(&filled[..length]).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_kind_of_argument_is_passed_over_or_read() {
        let packet = [
            &b"/a\0\0,sbiTtNfh\0\0\0"[..],
            b"cam\0",
            &[0, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0],
            &7i32.to_be_bytes(),
            &[0; 8],
            &0.5f32.to_be_bytes(),
            &(-1i64).to_be_bytes(),
        ];
        use Argument::{Number, Other, Text, Truth};
        let arguments = vec![Text("cam"), Other, Number(7.0), Truth(true), Other, Other, Number(0.5), Number(-1.0)];
        assert_eq!(messages(&packet.concat()), Some(vec![Message { address: "/a", arguments }]));
    }

    #[test]
    fn a_packet_that_ends_too_soon_is_none() {
        let whole = b"/uplink\0,sf\0cam-1\0\0\0\x3f\x80\0\0";
        assert!(messages(whole).is_some());
        // Eight bytes are an address without tags, which is a message.
        for length in (0..whole.len()).filter(|length| *length != 8) {
            assert_eq!(messages(&whole[..length]), None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_packet_is_too_odd(packet in proptest::collection::vec(any::<u8>(), 0..200)) {
            let bundle = [b"#bundle\0".as_slice(), &packet].concat();
            let _ = (messages(&packet), messages(&bundle));
        }
    }
}
