//! `[surfaces]`: tally displays, and who may send OSC.

use std::net::SocketAddr;

use super::Findings;
use super::channels::PlacedChannel;
use super::keys::key;
use crate::document::{Kind, Need, Placed, Section, Shape, Spot};
use crate::model::surface::{Display, Network, OscInput, Surfaces, TslTarget};

pub(super) static SURFACES: Shape = Shape::plain(
    "Control surfaces beside the panel. Keys by HTTP need nothing here: see `surfaces.md`.",
    &[
        key("tsl", Kind::Map(&TSL), Need::Optional, "Displays that are told what is on air"),
        key("osc", Kind::Table(&OSC), Need::Optional, "Orders by OSC; none are heard if missing"),
    ],
);

static DISPLAY: Kind = Kind::Text(130);

static TSL: Shape = Shape::plain(
    "One multiviewer or row of displays (TSL UMD protocol 5.00, UDP). It is told of every change at once, and of everything \
     every two seconds. Left lamp: red on air, amber while a channel's slate is on air. Right lamp: green in preview.",
    &[
        key("address", Kind::Address, Need::Required("\"192.168.1.50:8900\""), "Address and port where it listens"),
        key("screen", Kind::Integer(0, 65_534, "screen"), Need::Default("0"), "The screen that is addressed"),
        key("first_index", Kind::Integer(0, 65_534, "index"), Need::Default("0"), "Index of the first display"),
        key(
            "displays",
            Kind::List(&DISPLAY),
            Need::Optional,
            "What the displays stand for, one behind the other: `\"demo\"` is a channel, `\"demo/cam-1\"` a source of it. If \
             missing, each channel and behind it its sources, as they are written here",
        ),
    ],
);

static NETWORK: Kind = Kind::Text(50);

static OSC: Shape = Shape::plain(
    "Orders by OSC (UDP): take, preview, slate and release, see `surfaces.md`. OSC knows no password: name the surfaces, and \
     keep them in a network of their own.",
    &[
        key("listen", Kind::Address, Need::Required("\"192.168.1.10:8010\""), "Address and port to listen on"),
        key(
            "from",
            Kind::List(&NETWORK),
            Need::Required("[\"192.168.1.60\"]"),
            "Who may send: addresses, or networks such as `192.168.1.0/24`",
        ),
    ],
);

/// All surfaces, and where OSC is written. Displays are looked up in `channels` only if those are all there (`whole`).
pub(super) fn read(
    root: &Section<'_>,
    channels: &[PlacedChannel],
    whole: bool,
    findings: &mut Findings,
) -> (Surfaces, Option<Placed<SocketAddr>>) {
    let Some(section) = root.table("surfaces") else { return Default::default() };
    let mut each = |(name, of): (String, Section<'_>)| target(name, &of, channels, whole, findings);
    let tsl = section.map("tsl").into_iter().filter_map(&mut each).collect();
    let osc = section.has("osc").then(|| section.table("osc")).flatten();
    let (osc, listen) = osc.and_then(|of| input(&of, findings)).unzip();
    (Surfaces { tsl, osc }, listen)
}

fn target(
    name: String,
    of: &Section<'_>,
    channels: &[PlacedChannel],
    whole: bool,
    findings: &mut Findings,
) -> Option<TslTarget> {
    let address = of.value::<SocketAddr>("address")?;
    let screen = u16::try_from(of.value::<u32>("screen")?).ok()?;
    let first = of.get::<u32>("first_index")?;
    let displays: Vec<Display> = if of.has("displays") {
        let named = of.list::<String>("displays");
        named.iter().filter_map(|named| display(named, channels, whole, findings)).collect()
    } else {
        channels.iter().flat_map(all).collect()
    };
    let first_index = u16::try_from(first.value).ok()?;
    if usize::from(first_index) + displays.len() > 65_535 {
        let rule = format!("leaves no room for {} displays: indices end at 65534", displays.len());
        findings.faults.add(&first.spot, rule, "begin lower");
        return None;
    }
    Some(TslTarget { name, address, screen, first_index, displays })
}

/// A channel and its sources.
fn all(placed: &PlacedChannel) -> Vec<Display> {
    let channel = &placed.channel;
    let sources = channel.sources.iter().map(|source| Display::Source(channel.id.clone(), source.id.clone()));
    std::iter::once(Display::Channel(channel.id.clone())).chain(sources).collect()
}

fn display(
    named: &Placed<String>,
    channels: &[PlacedChannel],
    whole: bool,
    findings: &mut Findings,
) -> Option<Display> {
    let text = &named.value;
    let (channel, source) = text.split_once('/').map_or((text.as_str(), None), |(one, other)| (one, Some(other)));
    let found = channels.iter().map(|placed| &placed.channel).find(|known| known.id.as_str() == channel);
    let shown = found.and_then(|channel| match source {
        None => Some(Display::Channel(channel.id.clone())),
        Some(source) => {
            let known = channel.sources.iter().find(|known| known.id.as_str() == source)?;
            Some(Display::Source(channel.id.clone(), known.id.clone()))
        }
    });
    if shown.is_none() && whole {
        let fix = "write a channel such as \"demo\", or one of its sources such as \"demo/cam-1\"";
        findings.faults.add(&named.spot, format!("`{text}` is neither a channel nor a source of one"), fix);
    }
    shown
}

fn input(of: &Section<'_>, findings: &mut Findings) -> Option<(OscInput, Placed<SocketAddr>)> {
    let listen = of.get::<SocketAddr>("listen")?;
    let written = of.list::<String>("from");
    if of.is_empty("from") {
        findings.faults.add(&of.spot("from"), "names nobody", "name the surfaces, or leave out [surfaces.osc]");
        return None;
    }
    let from: Vec<Network> = written.iter().filter_map(|one| network(&one.value, &one.spot, findings)).collect();
    let input = OscInput { listen: listen.value, from };
    (input.from.len() == written.len()).then_some((input, listen))
}

fn network(text: &str, spot: &Spot, findings: &mut Findings) -> Option<Network> {
    match text.parse() {
        Ok(network) => Some(network),
        Err(rule) => {
            findings.faults.add(spot, rule, "write an address, or a network with its length");
            None
        }
    }
}
