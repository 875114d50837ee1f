//! The box itself, and budgets.

use super::Look;
use crate::model::cost::{BudgetStatus, Hold};
use crate::model::status::ConfigStatus;
use crate::model::{AlarmCode, AlarmPriority, DestinationId, MediaTime, Validity};
use crate::policy::Sighting;

/// A clock may be this wrong, milliseconds: two boxes, and a box and its viewers, agree on less.
const CLOCK_MS: f64 = 100.0;

pub(super) fn see(look: &Look<'_>, seen: &mut Vec<Sighting>) {
    if let Some(clock) = look.clock {
        let reason = match clock.synchronised {
            false => Some("nothing keeps the clock of this box right; segments are cut by it".to_owned()),
            true if clock.error_ms > CLOCK_MS => {
                Some(format!("the clock of this box may be wrong by {:.0} ms", clock.error_ms))
            }
            true => None,
        };
        let sighting =
            |reason| Sighting::new(AlarmCode::ClockUnsynchronised, AlarmPriority::Warning, reason).lasting(60, 30);
        seen.extend(reason.map(sighting));
    }
    seen.extend(configuration(&look.status.config));
    if let Some(trouble) = &look.trouble {
        let reason = format!("orders, alarms and the as-run log are not kept: {trouble}");
        seen.push(Sighting::new(AlarmCode::StoreFailed, AlarmPriority::Warning, reason).lasting(5, 5));
    }
    if let Some(reason) = look.certificate {
        let sighting = Sighting::new(AlarmCode::CertificateFailed, AlarmPriority::Warning, reason.to_owned());
        seen.push(sighting.lasting(0, 0));
    }
    seen.extend(look.validities.iter().filter_map(|one| expiry(one, look.now)));
    let destinations = look.costs.into_iter().flat_map(|costs| &costs.channels).flat_map(|one| &one.destinations);
    seen.extend(destinations.filter_map(|one| budget(&one.destination, one.budget.as_ref()?)));
}

/// A certificate that is over keeps out every browser and program that looks at it; one that is about to be is renewed in time.
fn expiry(one: &Validity, now: MediaTime) -> Option<Sighting> {
    let Validity { which, ends, .. } = one;
    let left = ends.since(now);
    let (priority, what) = if left.is_zero() {
        (AlarmPriority::Critical, format!("is over since {ends}: panels and programs that look at it are kept out"))
    } else if left < one.notice() {
        let hours = left.as_secs() / 3600;
        let left = if hours < 48 { format!("{hours} hours") } else { format!("{} days", hours / 24) };
        (AlarmPriority::Warning, format!("ends in {left}, at {ends}"))
    } else {
        return None;
    };
    let reason = format!("the {which} certificate of the API {what}");
    Some(Sighting::new(AlarmCode::CertificateExpiring, priority, reason).about(which).lasting(60, 60))
}

/// What is on disk is not what is in force.
fn configuration(config: &ConfigStatus) -> Option<Sighting> {
    let faults = config.rejected.len();
    let (code, reason) = match &config.last_good {
        Some(used) => {
            let reason = format!("the configuration on disk has {faults} fault(s), and the daemon came up with {used}");
            (AlarmCode::ConfigLastGood, reason)
        }
        None if faults > 0 => {
            let reason = format!("the configuration on disk has {faults} fault(s), an earlier one is in force");
            (AlarmCode::ConfigRejected, reason)
        }
        None => return None,
    };
    Some(Sighting::new(code, AlarmPriority::Warning, reason).lasting(0, 0))
}

/// A budget is that of a destination, all channels together.
fn budget(destination: &DestinationId, budget: &BudgetStatus) -> Option<Sighting> {
    let percent = budget.used * 100.0;
    let (code, priority, what) = if budget.used >= 1.0 {
        (AlarmCode::BudgetSpent, AlarmPriority::Warning, "the budget of this month is spent".to_owned())
    } else if budget.alarm_percent > 0 && percent >= f64::from(budget.alarm_percent) {
        (AlarmCode::BudgetNear, AlarmPriority::Info, format!("{percent:.0} % of this month's budget is spent"))
    } else {
        return None;
    };
    let held = match budget.hold {
        Some(Hold::Stopped) => "; it is not used any more",
        Some(Hold::Lowest) => "; it gets the lowest rendition only",
        Some(Hold::Lifted) | None => "",
    };
    let reason = format!("destination {destination}: {what}{held}");
    Some(Sighting::new(code, priority, reason).about(destination).lasting(0, 30))
}
