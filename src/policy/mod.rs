//! When to retry, restart and give up.
//!
//! Owns: the decisions, as pure functions and small values. Must not: read a clock, roll dice, wait or do I/O. Time and
//! random numbers are passed in, so that every decision can be tested as a table.
//!
//! | question | answered by |
//! |---|---|
//! | how long to wait before the next attempt | [`Backoff`] |
//! | whether and when a worker that ended is started again | [`RestartBudget`] |
//! | whether the signal of a source is any good, and how good | [`SignalWatch`], [`Grade`] |
//! | whether a fault of a signal has lasted long enough to count, or to be over | [`Lasting`] |
//! | at which bit rate pictures are sent over a network that changes | [`Congestion`] |
//! | which endpoint of a destination is used | [`Failover`] |
//! | what a destination may still cost this month, and what happens when it may not | [`budget_order`], [`budget_alarm`] |
//! | which renditions of a destination its line carries | [`Rate`] |
//! | which alarms there are, and what becomes of each | [`Annunciator`] |
//! | how long a health that was bad is shown after it is better | [`Steady`] |
//! | whether an HTTP request that failed is sent again, and whose fault it is | [`judge`] |

mod alarm;
mod backoff;
mod budget;
mod congestion;
mod delivery;
mod lasting;
mod rate;
mod restart;
mod retry;
mod signal;
mod steady;

pub use alarm::{AlarmRefusal, Annunciator, Ordered, Sighting, Unseen};
pub use backoff::{Attempts, Backoff};
pub use budget::{BudgetLevel, budget_alarm, budget_order};
pub use congestion::{Bottleneck, Congestion, Feedback};
pub use delivery::{Failover, Reason, Seen, Standing, Switch};
pub use lasting::{Lasting, Turn};
pub use rate::{Line, Need, Rate, RateTurn};
pub use restart::{RestartBudget, RestartDecision, RestartPolicy};
pub use retry::{HttpFailure, RetryDecision, Verdict, Vouching, judge};
pub use signal::{Grade, SignalWatch};
pub use steady::{STEADY, Steady};
