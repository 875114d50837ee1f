//! For how long a certificate of the listener is good, and from when on that is too short.

use std::time::Duration;

use super::time::MediaTime;

/// So long before its end somebody has to renew it.
const NOTICE: Duration = Duration::from_secs(14 * 86_400);

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// Which: `usual`, or `issued` by an authority for its own names.
    pub which: &'static str,
    /// Good from then on.
    pub begins: MediaTime,
    /// Good until then.
    pub ends: MediaTime,
}

impl Validity {
    /// How much may be left: 14 days, or the last sixth of one that is good for a short time and renewed often.
    pub fn notice(&self) -> Duration {
        NOTICE.min(self.ends.since(self.begins) / 6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_renewed_every_day_is_not_complained_of_all_its_life() {
        let days = |days: u64| MediaTime::from_secs(days * 86_400);
        let notice = |life: u64| Validity { which: "usual", begins: days(1), ends: days(1 + life) }.notice();
        assert_eq!((notice(820), notice(90)), (NOTICE, NOTICE));
        assert_eq!(notice(1), Duration::from_secs(4 * 3600));
        assert_eq!(Validity { which: "usual", begins: days(9), ends: days(1) }.notice(), Duration::ZERO);
    }
}
