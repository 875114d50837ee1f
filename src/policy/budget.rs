//! What becomes of a destination by what it has cost this month.
//!
//! ```text
//!  within ──alarm_percent──▶ near ──100 %──▶ spent ──an operator enables it──▶ lifted
//!    ▲                                         │                                 │
//!    └──── the month is over, or the budget is raised ────────────────────────────┘
//! ```

use crate::model::cost::{Budget, BudgetOrder, Hold, Month, Traffic, WhenSpent};

/// How much of a budget is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BudgetLevel {
    /// Less than what somebody is told of, or there is nothing to use up.
    Within,
    /// At least `alarm_percent`.
    Near,
    /// All.
    Spent,
}

impl BudgetLevel {
    /// Where `spent` of a month stands.
    pub fn of(budget: &Budget, spent: Traffic) -> Self {
        match budget.used(spent) {
            Some(used) if used >= 1.0 => BudgetLevel::Spent,
            Some(used) if used * 100.0 >= f64::from(budget.alarm_percent) => BudgetLevel::Near,
            _ => BudgetLevel::Within,
        }
    }
}

/// What is to be made of a destination that has taken `spent` in `month`, and of which `order` is in force.
pub fn budget_order(
    budget: Option<&Budget>,
    spent: Traffic,
    month: Month,
    order: Option<BudgetOrder>,
) -> Option<BudgetOrder> {
    let budget = budget?;
    let hold = match budget.when_spent {
        WhenSpent::Keep => return None,
        WhenSpent::DropRenditions => Hold::Lowest,
        WhenSpent::Stop => Hold::Stopped,
    };
    if BudgetLevel::of(budget, spent) < BudgetLevel::Spent {
        return None;
    }
    // Whoever lifted it did so for this month.
    let lifted = order.filter(|order| order.month == month && order.hold == Hold::Lifted);
    lifted.or(Some(BudgetOrder { month, hold }))
}

/// What somebody is to be told, if `told` is what the level was when it was last looked at, and in which month.
pub fn budget_alarm(told: Option<(Month, BudgetLevel)>, month: Month, level: BudgetLevel) -> Option<BudgetLevel> {
    let before = told.filter(|(of, _)| *of == month).map_or(BudgetLevel::Within, |(_, level)| level);
    (level > before).then_some(level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cost::{Allowance, Counted, Price};
    use proptest::prelude::*;

    fn budget(gb: u64, when_spent: WhenSpent) -> Budget {
        let allowance = Some(Allowance::Bytes(gb * 1_000_000_000));
        Budget { price: None, allowance, counted: Counted::Acknowledged, alarm_percent: 80, when_spent }
    }

    fn gb(number: f64) -> Traffic {
        let bytes = (number * 1e9) as u64;
        Traffic { sent: bytes + 1_000_000, acknowledged: bytes }
    }

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    #[test]
    fn levels_begin_where_they_are_said_to() {
        let budget = budget(100, WhenSpent::Keep);
        for (spent, level) in [
            (0.0, BudgetLevel::Within),
            (79.999, BudgetLevel::Within),
            (80.0, BudgetLevel::Near),
            (99.999, BudgetLevel::Near),
            (100.0, BudgetLevel::Spent),
            (5000.0, BudgetLevel::Spent),
        ] {
            assert_eq!(BudgetLevel::of(&budget, gb(spent)), level, "{spent} GB");
        }
        let free = Budget { allowance: None, ..budget };
        assert_eq!(BudgetLevel::of(&free, gb(1e6)), BudgetLevel::Within, "a price alone limits nothing");
    }

    #[test]
    fn money_is_counted_at_its_price() {
        let price = Some(Price { per_gb: 0.05, currency: "EUR".into() });
        let budget = Budget { price, allowance: Some(Allowance::Cost(5.0)), ..budget(1, WhenSpent::Stop) };
        assert_eq!(BudgetLevel::of(&budget, gb(79.0)), BudgetLevel::Within);
        assert_eq!(BudgetLevel::of(&budget, gb(81.0)), BudgetLevel::Near);
        assert_eq!(BudgetLevel::of(&budget, gb(100.1)), BudgetLevel::Spent);
        let unpriced = Budget { price: None, ..budget };
        assert_eq!(
            BudgetLevel::of(&unpriced, gb(1e6)),
            BudgetLevel::Within,
            "what nobody can reckon holds nobody back"
        );
    }

    #[test]
    fn a_spent_budget_does_what_it_says_and_no_more() {
        let now = month("2026-11");
        for (when, hold) in [
            (WhenSpent::Keep, None),
            (WhenSpent::DropRenditions, Some(Hold::Lowest)),
            (WhenSpent::Stop, Some(Hold::Stopped)),
        ] {
            let budget = budget(10, when);
            let held = |spent: f64| budget_order(Some(&budget), gb(spent), now, None);
            assert_eq!(held(9.99), None, "{when:?}");
            assert_eq!(held(10.0), hold.map(|hold| BudgetOrder { month: now, hold }), "{when:?}");
        }
        assert_eq!(budget_order(None, gb(10.0), now, None), None);
    }

    #[test]
    fn it_ends_with_the_month_a_raised_budget_or_an_operator() {
        let (november, december) = (month("2026-11"), month("2026-12"));
        let (small, large) = (budget(10, WhenSpent::Stop), budget(100, WhenSpent::Stop));
        let held = budget_order(Some(&small), gb(12.0), november, None);
        assert_eq!(budget_order(Some(&small), gb(12.0), november, held), held);
        assert_eq!(budget_order(Some(&small), gb(0.0), december, held), None);
        assert_eq!(budget_order(Some(&large), gb(12.0), november, held), None);
        assert_eq!(budget_order(None, gb(12.0), november, held), None, "the budget was taken out");
        let lifted = held.map(|order| BudgetOrder { hold: Hold::Lifted, ..order });
        assert_eq!(budget_order(Some(&small), gb(20.0), november, lifted), lifted, "for all of the month");
        let next = budget_order(Some(&small), gb(10.0), december, lifted).unwrap();
        assert_eq!((next.month, next.hold), (december, Hold::Stopped), "and no longer");
    }

    #[test]
    fn every_level_is_told_once_a_month() {
        let (november, december) = (month("2026-11"), month("2026-12"));
        assert_eq!(budget_alarm(None, november, BudgetLevel::Within), None);
        assert_eq!(budget_alarm(None, november, BudgetLevel::Near), Some(BudgetLevel::Near));
        assert_eq!(budget_alarm(Some((november, BudgetLevel::Near)), november, BudgetLevel::Near), None);
        assert_eq!(
            budget_alarm(Some((november, BudgetLevel::Near)), november, BudgetLevel::Spent),
            Some(BudgetLevel::Spent)
        );
        assert_eq!(
            budget_alarm(Some((november, BudgetLevel::Spent)), december, BudgetLevel::Near),
            Some(BudgetLevel::Near)
        );
    }

    proptest! {
        #[test]
        fn nobody_is_held_back_before_all_is_spent(
            most in 1u64..1000, spent in 0.0..2000.0f64, when in 0..3usize, before in 0..4usize,
        ) {
            let when = [WhenSpent::Keep, WhenSpent::DropRenditions, WhenSpent::Stop][when];
            let (now, last) = (month("2026-11"), month("2026-10"));
            let before = [
                None,
                Some(BudgetOrder { month: last, hold: Hold::Stopped }),
                Some(BudgetOrder { month: last, hold: Hold::Lifted }),
                Some(BudgetOrder { month: now, hold: Hold::Lifted }),
            ][before];
            let budget = budget(most, when);
            let order = budget_order(Some(&budget), gb(spent), now, before);
            let all = budget.used(gb(spent)).unwrap() >= 1.0;
            prop_assert_eq!(order.is_some(), all && when != WhenSpent::Keep);
            prop_assert!(order.is_none_or(|order| order.month == now), "never by another month");
            let lifted = before.is_some_and(|before| before.month == now);
            prop_assert!(!lifted || order.is_none_or(|order| order.hold == Hold::Lifted), "an operator's word holds");
            // What was decided stands: the same facts decide the same.
            prop_assert_eq!(budget_order(Some(&budget), gb(spent), now, order), order);
        }

        #[test]
        fn alarms_only_ever_rise_within_a_month(steps in prop::collection::vec(0.0..3.0f64, 1..30)) {
            let (budget, now) = (budget(10, WhenSpent::Keep), month("2026-11"));
            let (mut spent, mut told, mut alarms) = (0.0, None, Vec::new());
            for step in steps {
                spent += step;
                let level = BudgetLevel::of(&budget, gb(spent));
                alarms.extend(budget_alarm(told, now, level));
                told = Some((now, level));
            }
            prop_assert!(alarms.len() <= 2 && alarms.is_sorted());
            prop_assert_eq!(alarms.contains(&BudgetLevel::Spent), spent >= 10.0);
        }
    }
}
