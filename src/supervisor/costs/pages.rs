//! The ledger as pages of text, as the store keeps them. A page that nobody can read is as good as none.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::ledger::{Ledger, Mark, Place, Show};
use crate::model::cost::{Month, Traffic};
use crate::model::{ChannelId, DestinationId, EndpointName, MediaTime};
use crate::policy::BudgetLevel;
use crate::store::Pages;

/// A mark as it is kept.
#[derive(Serialize, Deserialize)]
struct KeptMark {
    worker: MediaTime,
    #[serde(flatten)]
    shown: Traffic,
}

/// A show as it is kept.
#[derive(Serialize, Deserialize)]
struct KeptShow {
    #[serde(default)]
    title: Option<String>,
    began: MediaTime,
    #[serde(default)]
    ended: Option<MediaTime>,
    #[serde(default)]
    traffic: BTreeMap<DestinationId, Traffic>,
}

/// What was told, as it is kept: 0 nothing, 1 near, 2 spent.
#[derive(Serialize, Deserialize)]
struct KeptLevel {
    month: Month,
    level: u8,
}

const LEVELS: [BudgetLevel; 3] = [BudgetLevel::Within, BudgetLevel::Near, BudgetLevel::Spent];

/// What is to be kept of `ledger`.
pub(super) fn write(ledger: &Ledger) -> Pages {
    let mut pages = Pages::new();
    let mut put = |name: String, content: String| drop(pages.insert(name, content));
    for (place, days) in &ledger.days {
        days.iter().for_each(|(day, traffic)| put(format!("day/{}/{day}", name(place)), text(traffic)));
    }
    for (place, mark) in &ledger.marks {
        put(format!("mark/{}", name(place)), text(&KeptMark { worker: mark.worker, shown: mark.shown }));
    }
    for (channel, shows) in &ledger.shows {
        for (number, show) in shows.iter().enumerate() {
            let Show { title, began, ended, traffic } = show.clone();
            // Two that began at one time are told apart by their number, and come back in their order.
            let page = format!("show/{channel}/{:020}/{number:04}", began.as_nanos());
            put(page, text(&KeptShow { title, began, ended, traffic }));
        }
    }
    for (destination, (month, level)) in &ledger.told {
        let level = LEVELS.iter().position(|one| one == level).unwrap_or_default() as u8;
        put(format!("told/{destination}"), text(&KeptLevel { month: *month, level }));
    }
    pages
}

/// The ledger that was kept as `pages`.
pub(super) fn read(pages: &Pages) -> Ledger {
    let mut ledger = Ledger::default();
    for (page, content) in pages {
        // None is a page of somebody else, or nonsense.
        let _ = read_page(&mut ledger, page, content);
    }
    ledger
}

fn read_page(ledger: &mut Ledger, page: &str, content: &str) -> Option<()> {
    let parts: Vec<&str> = page.split('/').collect();
    match parts[..] {
        ["day", channel, destination, endpoint, day] => {
            let place = place(channel, destination, endpoint)?;
            let (day, traffic) = (day.parse().ok()?, json(content)?);
            ledger.days.entry(place).or_default().insert(day, traffic);
        }
        ["mark", channel, destination, endpoint] => {
            let KeptMark { worker, shown } = json(content)?;
            ledger.marks.insert(place(channel, destination, endpoint)?, Mark { worker, shown });
        }
        ["show", channel, _, _] => {
            let KeptShow { title, began, ended, traffic } = json(content)?;
            let shows = ledger.shows.entry(ChannelId::new(channel).ok()?).or_default();
            shows.push(Show { title, began, ended, traffic });
        }
        ["told", destination] => {
            let KeptLevel { month, level } = json(content)?;
            let level = *LEVELS.get(usize::from(level))?;
            ledger.told.insert(DestinationId::new(destination).ok()?, (month, level));
        }
        _ => return None,
    }
    Some(())
}

fn name(place: &Place) -> String {
    format!("{}/{}/{}", place.channel, place.destination, place.endpoint)
}

fn place(channel: &str, destination: &str, endpoint: &str) -> Option<Place> {
    Some(Place {
        channel: ChannelId::new(channel).ok()?,
        destination: DestinationId::new(destination).ok()?,
        endpoint: EndpointName::new(endpoint).ok()?,
    })
}

fn text(content: &impl Serialize) -> String {
    serde_json::to_string(content).unwrap_or_default()
}

fn json<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}
