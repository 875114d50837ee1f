//! `uplinkctl cost` and `uplinkctl show`.

use std::fmt::Write;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, Failure};
use super::report::columns;
use crate::model::ChannelId;
use crate::model::cost::{
    Allowance, Amount, BudgetStatus, ChannelCost, CostStatus, DestinationCost, GB, Hold, Month, Price, ShowCost,
};

/// `uplinkctl cost …`.
#[derive(Debug, Args)]
pub(crate) struct CostArguments {
    /// Only this channel, day by day.
    channel: Option<ChannelId>,
    /// Another month than this one (UTC), such as 2026-10.
    #[arg(long)]
    month: Option<Month>,
}

/// `uplinkctl show …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ShowVerb {
    /// What is sent from now on is counted as this show, and its loudness is measured anew. One that is on ends.
    Begin {
        /// The channel's id.
        channel: ChannelId,
        /// What it is called.
        title: Option<String>,
    },
    /// The show is over; what is sent afterwards belongs to none.
    End {
        /// The channel's id.
        channel: ChannelId,
    },
}

impl ShowVerb {
    /// Address and body.
    pub(crate) fn request(&self) -> (String, Option<Value>) {
        match self {
            ShowVerb::Begin { channel, title } => {
                (format!("channels/{channel}/show/begin"), Some(json!({ "title": title })))
            }
            ShowVerb::End { channel } => (format!("channels/{channel}/show/end"), None),
        }
    }
}

/// Asks and shows.
pub(crate) async fn cost(client: &Client, wanted: &CostArguments, json: bool) -> Result<String, Failure> {
    let month = wanted.month.map(|month| format!("month={month}"));
    let channel = wanted.channel.as_ref().map(|channel| format!("channel={channel}"));
    let query: Vec<String> = month.into_iter().chain(channel).collect();
    let (text, status): (_, CostStatus) = client.get(&format!("api/v1/cost?{}", query.join("&"))).await?;
    Ok(if json { text } else { report(&status, wanted.channel.is_some()) })
}

/// A line for each destination; `whole` with days, endpoints and shows.
pub(crate) fn report(status: &CostStatus, whole: bool) -> String {
    let mut text = format!("{} (UTC), what this box sent; what viewers take elsewhere is not in it\n", status.month);
    if !status.complete {
        text.push_str(
            "! what was counted earlier cannot be read now: these are the figures since the daemon came up\n",
        );
    }
    let heads = ["CHANNEL", "DESTINATION", "ACKNOWLEDGED", "SENT", "COST", "BUDGET"];
    let mut table = vec![heads.map(str::to_owned).to_vec()];
    for channel in &status.channels {
        table.extend(channel.destinations.iter().map(|one| line(channel, one)));
    }
    text.push('\n');
    text.push_str(&columns(&table, ""));
    for channel in status.channels.iter().filter(|_| whole) {
        text.push_str(&parts(channel));
    }
    let shows: Vec<Vec<String>> = status.channels.iter().flat_map(shows).collect();
    if !shows.is_empty() {
        let heads = ["SHOW", "CHANNEL", "BEGAN", "ENDED", "DESTINATION", "ACKNOWLEDGED", "COST"];
        let table = [vec![heads.map(str::to_owned).to_vec()], shows].concat();
        let _ = write!(text, "\n{}", columns(&table, ""));
    }
    text
}

fn line(channel: &ChannelCost, one: &DestinationCost) -> Vec<String> {
    let [acknowledged, sent, cost] = amount(&one.month, one.price.as_ref());
    let budget = one.budget.as_ref().map_or("-".to_owned(), |budget| standing(budget, one.price.as_ref()));
    vec![channel.channel.to_string(), one.destination.to_string(), acknowledged, sent, cost, budget]
}

fn standing(budget: &BudgetStatus, price: Option<&Price>) -> String {
    let most = match (budget.allowance, price) {
        (Allowance::Bytes(most), _) => gigabytes(most),
        (Allowance::Cost(most), price) => money(most, price),
    };
    let hold = match budget.hold {
        Some(Hold::Stopped) => ", STOPPED",
        Some(Hold::Lowest) => ", LOWEST RENDITION ONLY",
        Some(Hold::Lifted) => ", lifted by an operator",
        None if budget.used >= 1.0 => ", SPENT",
        None => "",
    };
    format!("{:.0} % of {most}{hold}", budget.used * 100.0)
}

fn parts(channel: &ChannelCost) -> String {
    let mut table =
        vec![["DAY OR ENDPOINT", "DESTINATION", "ACKNOWLEDGED", "SENT", "COST"].map(str::to_owned).to_vec()];
    for one in &channel.destinations {
        let row = |name: String, of: &Amount| {
            let [acknowledged, sent, cost] = amount(of, one.price.as_ref());
            vec![name, one.destination.to_string(), acknowledged, sent, cost]
        };
        table.extend(one.days.iter().map(|day| row(day.day.to_string(), &day.amount)));
        table.extend(one.endpoints.iter().map(|endpoint| row(endpoint.endpoint.to_string(), &endpoint.amount)));
    }
    format!("\n{}", columns(&table, "  "))
}

fn shows(channel: &ChannelCost) -> Vec<Vec<String>> {
    let price = |id| channel.destinations.iter().find(|one| one.destination == id).and_then(|one| one.price.as_ref());
    let row = |show: &ShowCost| {
        let (title, began) = (show.title.clone().unwrap_or_else(|| "-".to_owned()), show.began.to_string());
        let ended = show.ended.map_or("on".to_owned(), |ended| ended.to_string());
        let head = vec![title, channel.channel.to_string(), began, ended];
        let of = |share: &crate::model::cost::ShowShare| {
            let [acknowledged, _, cost] = amount(&share.amount, price(share.destination.clone()));
            [head.clone(), vec![share.destination.to_string(), acknowledged, cost]].concat()
        };
        let shares: Vec<Vec<String>> = show.destinations.iter().map(of).collect();
        if shares.is_empty() { vec![head.clone()] } else { shares }
    };
    channel.shows.iter().flat_map(row).collect()
}

fn amount(amount: &Amount, price: Option<&Price>) -> [String; 3] {
    let cost = amount.cost.map_or("-".to_owned(), |cost| money(cost, price));
    [gigabytes(amount.traffic.acknowledged), gigabytes(amount.traffic.sent), cost]
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.3} GB", bytes as f64 / GB)
}

fn money(amount: f64, price: Option<&Price>) -> String {
    format!("{amount:.2} {}", price.map_or("", |price| price.currency.as_str())).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> CostStatus {
        serde_json::from_value(json!({
            "now": "2026-11-21T10:00:00Z", "month": "2026-11", "complete": true,
            "channels": [{
                "channel": "demo",
                "destinations": [{
                    "destination": "cloud", "price": {"per_gb": 0.08, "currency": "EUR"},
                    "month": {"bytes_sent": 41_000_000_000u64, "bytes_acknowledged": 40_000_000_000u64, "cost": 3.2},
                    "days": [{"day": "2026-11-20", "bytes_sent": 41_000_000_000u64,
                              "bytes_acknowledged": 40_000_000_000u64, "cost": 3.2}],
                    "endpoints": [{"endpoint": "primary", "bytes_sent": 41_000_000_000u64,
                                   "bytes_acknowledged": 40_000_000_000u64, "cost": 3.2}],
                    "budget": {"allowance": {"cost": 4.0}, "used": 0.8, "when_spent": "stop", "hold": null,
                               "spent": {"bytes_sent": 41_000_000_000u64, "bytes_acknowledged": 40_000_000_000u64,
                                         "cost": 3.2}},
                }, {
                    "destination": "studio", "price": null, "days": [], "endpoints": [], "budget": null,
                    "month": {"bytes_sent": 0, "bytes_acknowledged": 0, "cost": null},
                }],
                "shows": [{"title": "Evening briefing", "began": "2026-11-20T18:00:00Z", "ended": null,
                           "destinations": [{"destination": "cloud", "bytes_sent": 2_000_000_000u64,
                                             "bytes_acknowledged": 1_900_000_000u64, "cost": 0.152}]}],
            }],
        }))
        .unwrap()
    }

    fn words(text: &str) -> Vec<Vec<&str>> {
        let lines = text.lines();
        lines.map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect()
    }

    #[test]
    fn it_reads_like_this() {
        let text = report(&status(), false);
        let lines = words(&text);
        assert_eq!(lines[2], ["CHANNEL", "DESTINATION", "ACKNOWLEDGED", "SENT", "COST", "BUDGET"], "{text}");
        assert_eq!(lines[3], ["demo", "cloud", "40.000 GB", "41.000 GB", "3.20 EUR", "80 % of 4.00 EUR"], "{text}");
        assert_eq!(lines[4], ["demo", "studio", "0.000 GB", "0.000 GB", "-", "-"], "{text}");
        assert_eq!(lines[7][..2], ["Evening briefing", "demo"], "{text}");
        assert_eq!(lines[7][3..], ["on", "cloud", "1.900 GB", "0.15 EUR"], "{text}");
        assert!(!text.contains("2026-11-20  "), "days are for one channel: {text}");
        let whole = report(&status(), true);
        assert!(words(&whole).contains(&vec!["2026-11-20", "cloud", "40.000 GB", "41.000 GB", "3.20 EUR"]), "{whole}");
        assert!(words(&whole).contains(&vec!["primary", "cloud", "40.000 GB", "41.000 GB", "3.20 EUR"]), "{whole}");
    }

    #[test]
    fn what_is_held_back_is_seen_at_once() {
        let mut spent = status();
        let budget = spent.channels[0].destinations[0].budget.as_mut().unwrap();
        (budget.used, budget.hold) = (1.004, Some(Hold::Stopped));
        assert!(report(&spent, false).contains("100 % of 4.00 EUR, STOPPED"));
        spent.complete = false;
        assert!(report(&spent, false).contains("cannot be read"));
    }
}
