//! `[destinations.<id>.budget]`: what a gigabyte costs, and what a month may cost.

use super::Findings;
use super::keys::key;
use crate::document::{Key, Kind, Need, Section, Shape};
use crate::model::cost::{Allowance, Budget, Counted, GB, Price, WhenSpent};

pub(super) const BUDGET_KEY: Key =
    key("budget", Kind::Table(&BUDGET), Need::Optional, "What it costs and may cost. `uplinkctl cost` shows it");

static BUDGET: Shape = Shape::plain(
    "What the box sends there costs, and may cost in a month (UTC), all channels together. What viewers take from an \
     origin or a CDN is not counted here: the box does not see it. A GB is 10⁹ bytes.",
    &[
        key("price_per_gb", Kind::Number(0.0, 1_000_000.0, "for each GB"), Need::Optional, "What a GB costs"),
        key("currency", Kind::Text(12), Need::Optional, "What `price_per_gb` and `monthly_cost` are in, such as EUR"),
        key("monthly_gb", Kind::Number(0.001, 1e9, "GB"), Need::Optional, "Most that a month may take"),
        key(
            "monthly_cost",
            Kind::Number(0.01, 1e9, "in the currency"),
            Need::Optional,
            "Most that a month may cost, instead of `monthly_gb`",
        ),
        key(
            "counts",
            Kind::Word(&[
                ("acknowledged", "what the receiver acknowledged: it bills what it took"),
                ("sent", "what left the box, repeated or not: a metered line bills that"),
            ]),
            Need::Default("\"acknowledged\""),
            "Which bytes count",
        ),
        key(
            "alarm_percent",
            Kind::Integer(1, 100, "percent"),
            Need::Default("80"),
            "From this share on there is a warning, `budget_near`",
        ),
        key(
            "when_spent",
            Kind::Word(&[
                ("keep", "it goes on; there is an alarm, `budget_spent`"),
                ("drop_renditions", "only the lowest video rendition, sound and captions go on (HLS push)"),
                ("stop", "it is not used any more"),
            ]),
            Need::Default("\"keep\""),
            "What happens to this destination, and to no other, when the budget is spent. It ends with the month, with a \
             larger budget, or by `uplinkctl destination enable` for the rest of the month",
        ),
    ],
);

/// The budget of the destination that `section` is. None if there is none, or a fault, which is recorded.
pub(super) fn read(section: &Section<'_>, findings: &mut Findings) -> Option<Budget> {
    let faults = &mut findings.faults;
    let of = section.has("budget").then(|| section.table("budget")).flatten()?;
    let kind = section.value::<String>("kind")?;
    let before = faults.len();
    let price = price(&of, findings);
    let allowance = allowance(&of, price.is_some(), findings);
    let faults = &mut findings.faults;
    let when_spent = match of.value::<String>("when_spent")?.as_str() {
        "drop_renditions" => WhenSpent::DropRenditions,
        "stop" => WhenSpent::Stop,
        _ => WhenSpent::Keep,
    };
    if when_spent == WhenSpent::DropRenditions && kind != "hls-push" {
        let rule = format!("has no effect at a destination of kind {kind}, which gets one video rendition");
        faults.add(&of.spot("when_spent"), rule, "write `keep` or `stop`");
    }
    let unwritten = !of.has("monthly_gb") && !of.has("monthly_cost");
    if unwritten && when_spent != WhenSpent::Keep {
        let rule = "needs to know how much that is";
        faults.add(&of.spot("when_spent"), rule, "add `monthly_gb`, or `monthly_cost` with a price");
    }
    let counted = match of.value::<String>("counts")?.as_str() {
        "sent" => Counted::Sent,
        _ => Counted::Acknowledged,
    };
    let alarm_percent = u8::try_from(of.value::<i64>("alarm_percent")?).ok()?;
    (faults.len() == before).then_some(Budget { price, allowance, counted, alarm_percent, when_spent })
}

fn price(of: &Section<'_>, findings: &mut Findings) -> Option<Price> {
    let (per_gb, currency) = (of.value::<f64>("price_per_gb"), of.value::<String>("currency"));
    match (per_gb, currency) {
        (Some(per_gb), Some(currency)) => Some(Price { per_gb, currency }),
        (Some(_), None) if !of.has("currency") => {
            let fix = "add `currency = \"EUR\"`, or what it is in";
            findings.faults.add(&of.spot("price_per_gb"), "stands without `currency`", fix);
            None
        }
        (None, Some(_)) if !of.has("price_per_gb") => {
            findings.faults.add(&of.spot("currency"), "stands without `price_per_gb`", "add it, or remove this");
            None
        }
        _ => None,
    }
}

fn allowance(of: &Section<'_>, priced: bool, findings: &mut Findings) -> Option<Allowance> {
    let faults = &mut findings.faults;
    match (of.value::<f64>("monthly_gb"), of.value::<f64>("monthly_cost")) {
        (Some(_), Some(_)) => {
            faults.add(&of.spot("monthly_cost"), "cannot stand beside `monthly_gb`", "keep one of the two");
            None
        }
        (Some(gigabytes), None) => Some(Allowance::Bytes((gigabytes * GB) as u64)),
        (None, Some(cost)) if priced => Some(Allowance::Cost(cost)),
        (None, Some(_)) => {
            if !of.has("price_per_gb") {
                let fix = "add `price_per_gb` and `currency`, or write `monthly_gb`";
                faults.add(&of.spot("monthly_cost"), "needs a price to be reckoned with", fix);
            }
            None
        }
        (None, None) => None,
    }
}
