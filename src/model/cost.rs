//! What delivery costs: bytes by day, month and show, prices and budgets. What viewers take from an origin or a CDN is
//! not the box's, and not in here.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::id::{ChannelId, DestinationId, EndpointName};
use super::time::MediaTime;

/// A gigabyte, as prices and budgets mean it.
pub const GB: f64 = 1e9;

/// Bytes that went to an endpoint, a destination or all of a show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Traffic {
    /// Handed to the network, what was sent again included.
    #[serde(rename = "bytes_sent")]
    pub sent: u64,
    /// Acknowledged by the receiver.
    #[serde(rename = "bytes_acknowledged")]
    pub acknowledged: u64,
}

impl Traffic {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            sent: self.sent.saturating_add(other.sent),
            acknowledged: self.acknowledged.saturating_add(other.acknowledged),
        }
    }

    /// What is left without `other`; nothing is less than none.
    pub fn minus(self, other: Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(other.sent),
            acknowledged: self.acknowledged.saturating_sub(other.acknowledged),
        }
    }

    /// What a counter that showed `before` has counted since. One that went back began anew.
    pub fn since(self, before: Self) -> Self {
        let anew = self.sent < before.sent || self.acknowledged < before.acknowledged;
        if anew { self } else { self.minus(before) }
    }

    /// Whether nothing was counted.
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// A day in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Day(Date);

/// A month in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Month {
    year: i16,
    month: i8,
}

/// A text that names no day or month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no day or month: write 2026-11-21, or 2026-11")]
pub struct NoDate(pub String);

impl Day {
    /// The day that `time` falls into.
    pub fn of(time: MediaTime) -> Self {
        let date = jiff::Timestamp::from_nanosecond(i128::from(time.as_nanos()));
        Self(date.map(|timestamp| timestamp.to_zoned(TimeZone::UTC).date()).unwrap_or(Date::MAX))
    }

    /// Its month.
    pub fn month(self) -> Month {
        Month { year: self.0.year(), month: self.0.month() }
    }
}

impl Month {
    /// The month that `time` falls into.
    pub fn of(time: MediaTime) -> Self {
        Day::of(time).month()
    }
}

impl FromStr for Day {
    type Err = NoDate;
    fn from_str(text: &str) -> Result<Self, NoDate> {
        let plain = text.len() == 10 && text.is_ascii();
        let date = text.parse::<Date>().ok().filter(|_| plain);
        date.map(Self).ok_or_else(|| NoDate(text.to_owned()))
    }
}

impl FromStr for Month {
    type Err = NoDate;
    fn from_str(text: &str) -> Result<Self, NoDate> {
        let first = format!("{text}-01").parse::<Day>();
        first.map(Day::month).map_err(|_| NoDate(text.to_owned()))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

macro_rules! as_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = NoDate;
            fn try_from(text: String) -> Result<Self, NoDate> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(date: $name) -> String {
                date.to_string()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

as_text!(Day);
as_text!(Month);

/// What a gigabyte costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Price {
    /// For 10⁹ bytes.
    pub per_gb: f64,
    /// As written, such as `EUR`.
    pub currency: String,
}

/// Which bytes are paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Those that arrived.
    #[default]
    Acknowledged,
    /// Those that left, whether they arrived or not.
    Sent,
}

/// What becomes of a destination whose budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenSpent {
    /// It goes on; somebody is told.
    #[default]
    Keep,
    /// It gets the lowest video rendition, sound and captions only.
    DropRenditions,
    /// It is not used.
    Stop,
}

/// Most that a month may take.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Allowance {
    /// So many bytes.
    Bytes(u64),
    /// So much money, in the currency of the price.
    Cost(f64),
}

/// What a destination costs and may cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Budget {
    /// What a gigabyte costs; unknown if none.
    pub price: Option<Price>,
    /// Most that a month may take, all channels together; anything if none.
    pub allowance: Option<Allowance>,
    /// Which bytes count.
    pub counted: Counted,
    /// From this share of it on somebody is told, percent.
    pub alarm_percent: u8,
    /// What happens when all of it is taken.
    pub when_spent: WhenSpent,
}

impl Budget {
    /// What of `traffic` counts, bytes.
    pub fn bytes(&self, traffic: Traffic) -> u64 {
        match self.counted {
            Counted::Acknowledged => traffic.acknowledged,
            Counted::Sent => traffic.sent,
        }
    }

    /// What `traffic` costs, in the currency of the price.
    pub fn cost(&self, traffic: Traffic) -> Option<f64> {
        self.price.as_ref().map(|price| self.bytes(traffic) as f64 / GB * price.per_gb)
    }

    /// The share of the allowance that `traffic` takes: 1 is all of it. None without an allowance.
    pub fn used(&self, traffic: Traffic) -> Option<f64> {
        match self.allowance? {
            Allowance::Bytes(most) => Some(self.bytes(traffic) as f64 / most.max(1) as f64),
            Allowance::Cost(most) => Some(self.cost(traffic)? / most),
        }
    }
}

/// What a spent budget makes of a destination, until its month is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BudgetOrder {
    /// The month whose budget is spent.
    pub month: Month,
    /// What that means.
    pub hold: Hold,
}

/// How a destination is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// It is not used.
    Stopped,
    /// It gets the lowest video rendition, sound and captions only.
    Lowest,
    /// Not at all: an operator wants it used, whatever it costs.
    Lifted,
}

/// An amount and what it costs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Amount {
    /// Bytes.
    #[serde(flatten)]
    pub traffic: Traffic,
    /// What they cost; none without a price.
    pub cost: Option<f64>,
}

/// What delivery has cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CostStatus {
    /// Time of this document.
    pub now: MediaTime,
    /// The month it is about.
    pub month: Month,
    /// Whether what was counted before this daemon came up is in it: false while the database cannot be read.
    pub complete: bool,
    /// Every channel that sent something in this month, or is to.
    pub channels: Vec<ChannelCost>,
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChannelCost {
    /// The channel.
    pub channel: ChannelId,
    /// Its destinations.
    pub destinations: Vec<DestinationCost>,
    /// Shows that were on in this month, newest first; one that is on has no end.
    pub shows: Vec<ShowCost>,
}

/// One destination of a channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DestinationCost {
    /// The destination.
    pub destination: DestinationId,
    /// The price; none if none is configured.
    pub price: Option<Price>,
    /// This month.
    pub month: Amount,
    /// Each day of it with traffic, ascending.
    pub days: Vec<DayCost>,
    /// Each endpoint that it went to.
    pub endpoints: Vec<EndpointCost>,
    /// How it stands with its budget; none without one.
    pub budget: Option<BudgetStatus>,
}

/// One day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DayCost {
    /// The day.
    pub day: Day,
    /// What went.
    #[serde(flatten)]
    pub amount: Amount,
}

/// One endpoint, in the month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EndpointCost {
    /// The endpoint.
    pub endpoint: EndpointName,
    /// What went there.
    #[serde(flatten)]
    pub amount: Amount,
}

/// A budget and what is left of it. It is that of a destination: all channels that are sent there share it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BudgetStatus {
    /// Most that a month may take.
    pub allowance: Allowance,
    /// What this month has taken, all channels together.
    pub spent: Amount,
    /// The share of it that is used; 1 is all.
    pub used: f64,
    /// From this share of it on somebody is told, percent.
    #[serde(default)]
    pub alarm_percent: u8,
    /// What happens when it is spent.
    pub when_spent: WhenSpent,
    /// What that has made of the destination in this channel.
    pub hold: Option<Hold>,
}

/// A show: from its begin to its end, or from the channel's start to its stop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ShowCost {
    /// What it was called; none if nobody said.
    pub title: Option<String>,
    /// When it began.
    pub began: MediaTime,
    /// When it ended; none while it is on.
    pub ended: Option<MediaTime>,
    /// What went where, whatever the month.
    pub destinations: Vec<ShowShare>,
}

/// What a show sent to a destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ShowShare {
    /// The destination.
    pub destination: DestinationId,
    /// What went there, at the price of now.
    #[serde(flatten)]
    pub amount: Amount,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn days_and_months_are_those_of_utc() {
        let last = MediaTime::from_secs(1_793_491_199);
        assert_eq!((Day::of(last).to_string(), Month::of(last).to_string()), ("2026-10-31".into(), "2026-10".into()));
        let next = MediaTime::from_secs(1_793_491_200);
        assert_eq!((Day::of(next).to_string(), Month::of(next).to_string()), ("2026-11-01".into(), "2026-11".into()));
        assert!(Month::of(last) < Month::of(next) && Day::of(last) < Day::of(next));
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for wrong in ["", "2026", "2026-13", "2026-1", "26-11", "2026-11-21", "november"] {
            assert!(wrong.parse::<Month>().is_err(), "{wrong}");
        }
        for wrong in ["2026-02-30", "20261121", "2026-11", "2026-11-21T00:00:00"] {
            assert!(wrong.parse::<Day>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_price_is_for_a_thousand_million_bytes() {
        let price = Price { per_gb: 0.08, currency: "EUR".into() };
        let budget = Budget {
            price: Some(price),
            allowance: Some(Allowance::Cost(4.0)),
            counted: Counted::Acknowledged,
            alarm_percent: 80,
            when_spent: WhenSpent::Keep,
        };
        let traffic = Traffic { sent: 60_000_000_000, acknowledged: 50_000_000_000 };
        assert_eq!((budget.cost(traffic), budget.used(traffic)), (Some(4.0), Some(1.0)));
        let sent = Budget { counted: Counted::Sent, allowance: Some(Allowance::Bytes(120_000_000_000)), ..budget };
        assert_eq!(sent.used(traffic), Some(0.5));
    }

    proptest! {
        #[test]
        fn dates_survive_their_text(secs in 0u64..8_000_000_000) {
            let day = Day::of(MediaTime::from_secs(secs));
            prop_assert_eq!(day.to_string().parse::<Day>().unwrap(), day);
            prop_assert_eq!(day.month().to_string().parse::<Month>().unwrap(), day.month());
        }
    }
}
