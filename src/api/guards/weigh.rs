//! What a single request would do: its row of the table, looked at closer. What the route refuses anyway (a channel that is
//! not there, a body that cannot be read) costs nothing: the route says so.

use axum::extract::Query;
use axum::http::{Method, Uri};

use super::super::channels::Stop;
use super::super::classes::{Prune, Wanted, users};
use super::super::config::{Apply, Reload};
use super::super::recordings::{at_desk, name};
use super::super::routes::Api;
use super::effects::{self, Foretold};
use super::tiers::{Look, Row, Tier};
use crate::config::Trial;
use crate::model::image::ImageName;
use crate::model::status::{ChannelOrder, ChannelState, ChannelStatus, DestinationStatus};
use crate::model::{ChannelId, DestinationId, LiveChange, RecordingAsk};
use crate::record::RecordingId;

/// What it would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) tier: Tier,
    /// Whether a freeze holds it.
    pub(super) held: bool,
    /// One sentence without its end, the same as long as it would do the same.
    pub(super) text: String,
    /// What has to be typed.
    pub(super) name: Option<String>,
    /// The channels that it touches.
    pub(super) touched: Vec<ChannelId>,
}

/// A request that was read.
pub(super) struct Read<'a> {
    pub(super) row: &'static Row,
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    /// What stands in the address, by the names of the pattern.
    pub(super) places: &'a [(String, String)],
    pub(super) body: &'a [u8],
}

impl Read<'_> {
    fn place(&self, name: &str) -> &str {
        self.places.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Nothing that anybody would notice.
    fn nothing(&self) -> Weight {
        let text = format!("{} {}", self.method, self.uri.path());
        Weight { tier: Tier::Hidden, held: false, text, name: None, touched: Vec::new() }
    }

    /// As the row says.
    fn row(&self, text: String) -> Weight {
        Weight { tier: self.row.tier, held: self.row.held, text, ..self.nothing() }
    }
}

/// What `read` would do now.
pub(super) async fn weigh(api: &Api, read: &Read<'_>) -> Weight {
    let weight = match read.row.look {
        Look::No => Some(read.row(read.nothing().text)),
        Look::Stop => stop(api, read),
        Look::Setting => setting(api, read),
        Look::Recording => recording(api, read),
        Look::HandOver => hand_over(api, read),
        Look::Reload => reload(api, read).await,
        Look::Class => class(api, read).await,
        Look::Versions => versions(api, read).await,
        Look::Text => text(api, read).await,
        Look::Image => image(api, read),
        Look::Protection => protection(read),
        Look::Recorded => recorded(api, read).await,
        Look::Movie => movie(api, read).await,
        Look::Freeze => Some(freeze(api, read)),
    };
    weight.unwrap_or_else(|| read.nothing())
}

/// A channel in words.
fn titled(channel: &ChannelStatus) -> String {
    format!("channel `{}` ({})", channel.id, channel.title)
}

/// The channel of the address, as it is now.
fn channel(api: &Api, read: &Read<'_>) -> Option<ChannelStatus> {
    let status = api.handle.status().borrow().clone();
    status.channels.iter().find(|channel| channel.id.as_str() == read.place("id")).cloned()
}

fn of_channel(read: &Read<'_>, channel: &ChannelStatus, text: String) -> Weight {
    Weight { touched: vec![channel.id.clone()], ..read.row(text) }
}

fn destination<'a>(channel: &'a ChannelStatus, id: &str) -> Option<&'a DestinationStatus> {
    channel.destinations().iter().find(|one| one.id.as_str() == id)
}

fn stop(api: &Api, read: &Read<'_>) -> Option<Weight> {
    let channel = channel(api, read)?;
    if channel.order == ChannelOrder::OffAir {
        let now = Query::<Stop>::try_from_uri(read.uri).is_ok_and(|stop| stop.now);
        let text = format!("what is left of {} is delivered no more, until it is on air again", titled(&channel));
        return (now && channel.state == ChannelState::Delivering).then(|| of_channel(read, &channel, text));
    }
    let weight = of_channel(read, &channel, format!("{} goes OFF AIR for everybody who watches it", titled(&channel)));
    // Nobody can notice what nobody gets.
    Some(if channel.on_air { weight } else { Weight { tier: Tier::Immediate, ..weight } })
}

fn setting(api: &Api, read: &Read<'_>) -> Option<Weight> {
    let channel = channel(api, read)?;
    let change: LiveChange = serde_json::from_slice(read.body).ok()?;
    let quiet = |tier, text| Some(Weight { tier, ..of_channel(read, &channel, text) });
    match &change {
        LiveChange::Destination { destination, enabled: Some(false) } => {
            let text = format!("destination `{destination}` of {} gets nothing any more", titled(&channel));
            let tier = if channel.on_air { Tier::Noticed } else { Tier::Immediate };
            quiet(tier, text)
        }
        LiveChange::Destination { destination, enabled: None } if orders_use(&channel, destination) => {
            let text = format!("destination `{destination}` of {} is used as configured, or not", titled(&channel));
            quiet(if channel.on_air { Tier::Noticed } else { Tier::Immediate }, text)
        }
        LiveChange::Destination { destination, .. } => {
            quiet(Tier::Immediate, format!("destination `{destination}` of {} is used again", titled(&channel)))
        }
        LiveChange::BitRate { rendition, .. } => {
            quiet(Tier::Immediate, format!("rendition `{rendition}` of {} gets another bit rate", titled(&channel)))
        }
        // Which endpoint of a destination is used is failover by hand.
        LiveChange::Endpoint { .. }
        | LiveChange::SlateText { .. }
        | LiveChange::Slate { .. }
        | LiveChange::Preview { .. }
        | LiveChange::CancelTake { .. }
        | LiveChange::Sound { .. }
        | LiveChange::SoundAsConfigured { .. }
        | LiveChange::Overlay { .. }
        | LiveChange::OverlayOff { .. }
        | LiveChange::OverlayAsConfigured { .. } => {
            let text = format!("a setting of {} is changed", titled(&channel));
            Some(Weight { tier: Tier::Immediate, held: false, ..of_channel(read, &channel, text) })
        }
    }
}

/// Whether somebody has said that it is used, which the configuration may not say.
fn orders_use(channel: &ChannelStatus, destination: &DestinationId) -> bool {
    channel.live.destinations.get(destination).is_some_and(|order| order.enabled == Some(true))
}

fn recording(api: &Api, read: &Read<'_>) -> Option<Weight> {
    let channel = channel(api, read)?;
    let Ok(RecordingAsk::Stop) = serde_json::from_slice(read.body) else { return None };
    let running = destination(&channel, read.place("destination"))?.recording.as_ref().filter(|one| one.running)?;
    let title = running.title.clone().or_else(|| running.id.clone()).unwrap_or_else(|| "that runs".to_owned());
    Some(of_channel(
        read,
        &channel,
        format!("the recording `{title}` of {} ends; another one would be a new one", titled(&channel)),
    ))
}

fn hand_over(api: &Api, read: &Read<'_>) -> Option<Weight> {
    let channel = channel(api, read).filter(|channel| channel.on_air)?;
    let body: serde_json::Value = serde_json::from_slice(read.body).ok()?;
    let id = destination(&channel, body.get("destination")?.as_str()?)?.id.clone();
    Some(of_channel(
        read,
        &channel,
        format!("the other box delivers {} to destination `{id}`, this one stands by", titled(&channel)),
    ))
}

async fn reload(api: &Api, read: &Read<'_>) -> Option<Weight> {
    let Query(Reload { dry_run }) = Query::try_from_uri(read.uri).ok()?;
    if dry_run { None } else { Some(reloading(api, read, None).await) }
}

/// The same with a stream class; what it cannot read, the route refuses.
async fn class(api: &Api, read: &Read<'_>) -> Option<Weight> {
    let Query(Reload { dry_run }) = Query::try_from_uri(read.uri).ok()?;
    if dry_run {
        return None;
    }
    let change = Wanted::read(read.method, read.uri.path(), read.body)?.change(api, read.place("name")).await.ok()?;
    let weight = reloading(api, read, Some(Trial::Class(change.trial()))).await;
    let what = if change.how.is_some() { "changed" } else { "deleted" };
    Some(Weight { text: format!("stream class `{}` is {what}: {}", change.name, weight.text), ..weight })
}

/// Versions are the way back.
async fn versions(api: &Api, read: &Read<'_>) -> Option<Weight> {
    let Prune { keep } = serde_json::from_slice(read.body).ok().filter(|Prune { keep }| *keep > 0)?;
    let (classes, name) = (api.classes.clone(), read.place("name").to_owned());
    let old = tokio::task::spawn_blocking(move || classes.older(&name, keep)).await.ok()?.ok()?;
    let (first, last) = (old.first()?, old.last()?);
    let name = read.place("name").to_owned();
    let text = format!("{} version(s) of stream class `{name}`, from {first} to {last}, are gone for good", old.len());
    Some(Weight { touched: users(api, &name), name: Some(name), ..read.row(text) })
}

/// The same with another text of the configuration itself.
async fn text(api: &Api, read: &Read<'_>) -> Option<Weight> {
    let Query(Reload { dry_run }) = Query::try_from_uri(read.uri).ok()?;
    let apply: Apply = serde_json::from_slice(read.body).ok().filter(|_| !dry_run)?;
    Some(reloading(api, read, Some(Trial::Text(apply.text))).await)
}

async fn reloading(api: &Api, read: &Read<'_>, tried: Option<Trial>) -> Weight {
    match effects::foretold(&api.handle, tried).await {
        Foretold::Unknown => Weight { tier: Tier::Hidden, ..read.row("the configuration is read".to_owned()) },
        Foretold::Known { noticed, touched, text } => {
            let tier = if noticed { Tier::Noticed } else { Tier::Immediate };
            Weight { tier, touched, ..read.row(text) }
        }
    }
}

fn image(api: &Api, read: &Read<'_>) -> Option<Weight> {
    let image: ImageName = read.place("name").parse().ok()?;
    // A new one is seen nowhere.
    let there = api.handle.images().join(image.as_str()).exists();
    let what = if *read.method == Method::DELETE { "is deleted" } else { "is replaced" };
    there.then(|| read.row(format!("image {image} {what}, also where a slate or a logo shows it")))
}

/// The recording of the address.
fn named(read: &Read<'_>) -> Option<(ChannelId, RecordingId)> {
    name(&(read.place("channel").to_owned(), read.place("id").to_owned())).ok()
}

fn protection(read: &Read<'_>) -> Option<Weight> {
    let body: serde_json::Value = serde_json::from_slice(read.body).ok()?;
    let (channel, id) = named(read)?;
    let text = format!("recording {id} of channel `{channel}` may be deleted when room is needed");
    (body.get("protected")? == false).then(|| Weight { touched: vec![channel], ..read.row(text) })
}

async fn recorded(api: &Api, read: &Read<'_>) -> Option<Weight> {
    let (channel, id) = named(read)?;
    let found = at_desk(api, move |desk| desk.show(&channel, &id)).await.ok().filter(|found| !found.protected)?;
    let title = found.title.map(|title| format!(" ({title})")).unwrap_or_default();
    let text = format!(
        "recording {}{title} of channel `{}`, {:.1} GB of it, is gone for good",
        found.id,
        found.channel,
        found.bytes as f64 / 1e9
    );
    Some(Weight { name: Some(found.id.to_string()), touched: vec![found.channel], ..read.row(text) })
}

async fn movie(api: &Api, read: &Read<'_>) -> Option<Weight> {
    let (channel, id) = named(read)?;
    let found = at_desk(api, move |desk| desk.show(&channel, &id)).await.ok()?;
    let movie = found.movies.iter().find(|movie| movie.name == read.place("file"))?;
    let text = format!("{} of recording {} is deleted; it can be made again", movie.name, found.id);
    Some(Weight { touched: vec![found.channel], ..read.row(text) })
}

fn freeze(api: &Api, read: &Read<'_>) -> Weight {
    match api.freezer.in_force() {
        Some(freeze) if *read.method == Method::DELETE => read.row(format!("the freeze ends ({})", freeze.reason)),
        Some(freeze) => read.row(format!("another freeze takes the place of this one: {freeze}")),
        None => Weight { tier: Tier::Immediate, ..read.row("it is frozen".to_owned()) },
    }
}
