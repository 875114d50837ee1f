//! Orders by Open Sound Control (OSC 1.0), one in each UDP packet or several in a bundle.
//!
//! ```text
//! /uplink/CHANNEL/take "SOURCE"       or /uplink/CHANNEL/take/SOURCE; without a source what is in preview
//! /uplink/CHANNEL/preview "SOURCE"    without a source nothing is in preview
//! /uplink/CHANNEL/slate
//! /uplink/CHANNEL/release
//! ```
//!
//! Keys of a touch surface send a number with each press (1) and release (0): a 0 is no order. Time tags are not looked
//! at: an order counts when it comes in.

use super::packet::{Argument, Message, messages};
use crate::model::{ChannelId, SourceId};

/// What somebody at a surface wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Show this source; what is in preview if none.
    Take(ChannelId, Option<SourceId>),
    /// Have this source in preview; nothing if none.
    Preview(ChannelId, Option<SourceId>),
    /// Show the slate.
    Slate(ChannelId),
    /// Show the best source again.
    Release(ChannelId),
}

impl Wish {
    /// Of which channel.
    pub fn channel(&self) -> &ChannelId {
        match self {
            Wish::Take(channel, _) | Wish::Preview(channel, _) | Wish::Slate(channel) | Wish::Release(channel) => {
                channel
            }
        }
    }
}

/// The orders of a packet, in their order; a sentence for each that is none.
pub(super) fn wishes(packet: &[u8]) -> Vec<Result<Wish, String>> {
    match messages(packet) {
        Some(messages) => messages.iter().filter_map(|message| wish(message).transpose()).collect(),
        None => vec![Err("it is no packet of OSC 1.0".to_owned())],
    }
}

/// None for a key that was let go.
fn wish(message: &Message<'_>) -> Result<Option<Wish>, String> {
    if message.arguments.iter().any(is_zero) {
        return Ok(None);
    }
    let unknown =
        || format!("`{}` is none of /uplink/CHANNEL/ take, preview, slate and release", message.address.escape_debug());
    let parts: Vec<&str> = message.address.split('/').collect();
    let (channel, verb, placed) = match parts[..] {
        ["", "uplink", channel, verb] => (channel, verb, None),
        ["", "uplink", channel, verb, source] => (channel, verb, Some(source)),
        _ => return Err(unknown()),
    };
    let channel: ChannelId = channel.parse().map_err(|_| unknown())?;
    let named = message.arguments.iter().find_map(|arg| match arg {
        Argument::Text(text) => Some(*text),
        _ => None,
    });
    let source = || {
        let source = placed.or(named).map(str::parse::<SourceId>).transpose();
        source.map_err(|error| format!("`{}`: {error}", message.address.escape_debug()))
    };
    match (verb, placed) {
        ("take", _) => Ok(Some(Wish::Take(channel, source()?))),
        ("preview", _) => Ok(Some(Wish::Preview(channel, source()?))),
        ("slate", None) => Ok(Some(Wish::Slate(channel))),
        ("release", None) => Ok(Some(Wish::Release(channel))),
        _ => Err(unknown()),
    }
}

fn is_zero(argument: &Argument<'_>) -> bool {
    match argument {
        Argument::Number(value) => *value == 0.0,
        Argument::Truth(value) => !value,
        Argument::Text(_) | Argument::Other => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surface::studio::{id, source};

    /// Padded to four bytes, as OSC has its strings.
    fn text(text: &str) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(bytes.len() / 4 * 4 + 4, 0);
        bytes
    }

    fn one(address: &str, kinds: &str, rest: &[u8]) -> Result<Wish, String> {
        let mut found = wishes(&[text(address), text(kinds), rest.to_vec()].concat());
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[test]
    fn messages_are_orders() {
        let camera = || Some(source("cam-1"));
        let press = 1.0f32.to_be_bytes();
        assert_eq!(one("/uplink/demo/take", ",s", &text("cam-1")), Ok(Wish::Take(id("demo"), camera())));
        assert_eq!(one("/uplink/demo/take/cam-1", ",f", &press), Ok(Wish::Take(id("demo"), camera())));
        assert_eq!(one("/uplink/demo/take", ",", &[]), Ok(Wish::Take(id("demo"), None)));
        assert_eq!(one("/uplink/demo/preview/cam-1", ",T", &[]), Ok(Wish::Preview(id("demo"), camera())));
        assert_eq!(one("/uplink/demo/slate", ",i", &1i32.to_be_bytes()), Ok(Wish::Slate(id("demo"))));
        assert_eq!(one("/uplink/demo/release", ",", &[]), Ok(Wish::Release(id("demo"))));
    }

    #[test]
    fn a_key_that_is_let_go_is_no_order() {
        assert!(wishes(&[text("/uplink/demo/slate"), text(",f"), 0.0f32.to_be_bytes().to_vec()].concat()).is_empty());
        assert!(wishes(&[text("/uplink/demo/take/cam-1"), text(",F")].concat()).is_empty());
    }

    #[test]
    fn what_is_no_order_is_told() {
        for address in ["/", "/uplink", "/uplink/demo", "/other/demo/slate", "/uplink/*/slate", "/uplink/demo/slate/x"]
        {
            assert!(one(address, ",", &[]).unwrap_err().contains("none of"), "{address}");
        }
        assert!(one("/uplink/demo/stop", ",", &[]).is_err(), "stopping is not for a surface");
        assert!(one("/uplink/demo/take", ",s", &text("Cam 1")).is_err());
        for noise in [&b""[..], b"#bundle", b"\xff\xff\xff\xff", b"/uplink/demo/slate", &[b'#'; 1500]] {
            assert!(wishes(noise).iter().all(Result::is_err), "{noise:?}");
        }
    }

    #[test]
    fn a_bundle_is_several_orders() {
        let message = |address: &str| [text(address), text(",")].concat();
        let bundle = |parts: &[Vec<u8>]| {
            let mut bytes = [text("#bundle"), vec![0, 0, 0, 0, 0, 0, 0, 1]].concat();
            for part in parts {
                bytes.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
                bytes.extend(part);
            }
            bytes
        };
        let both = bundle(&[message("/uplink/demo/take"), bundle(&[message("/uplink/demo/slate")])]);
        assert_eq!(wishes(&both), [Ok(Wish::Take(id("demo"), None)), Ok(Wish::Slate(id("demo")))]);
        let deep = |levels| (0..levels).fold(message("/uplink/demo/slate"), |inside, _| bundle(&[inside]));
        assert_eq!(wishes(&deep(8)), [Ok(Wish::Slate(id("demo")))]);
        assert!(wishes(&deep(70))[0].is_err(), "a bundle without a bottom");
    }
}
