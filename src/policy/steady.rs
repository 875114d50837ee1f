//! Health as it is shown: it worsens at once and improves when it has been better for three seconds (NMOS BCP-008), so that
//! a picture or an origin that comes and goes does not flicker in front of an operator.
//!
//! ```text
//! shown = the worst of the last three seconds
//!
//! judged  ──ok──┐bad┌─ok─┐bad┌─────────ok─────────
//! shown   ──ok──┐bad ········ and 3 s ┌─────ok─────
//! ```
//!
//! Inactive is neither good nor bad: somebody has ordered it, so it is shown at once and nothing from before stays behind it.

use std::time::{Duration, Instant};

use crate::model::{Health, HealthReport};

/// How long it has to be better.
pub const STEADY: Duration = Duration::from_secs(3);

/// One health as it is shown.
#[derive(Debug, Clone, Default)]
pub struct Steady {
    /// As it was judged last.
    judged: Option<HealthReport>,
    /// Worse ones before that, the worst first, and when each was over.
    before: [Option<(Instant, HealthReport)>; 2],
}

/// Where a health is kept that something better may follow.
fn place(health: Health) -> Option<usize> {
    match health {
        Health::Unhealthy => Some(0),
        Health::PartiallyHealthy => Some(1),
        Health::Healthy | Health::Inactive => None,
    }
}

impl Steady {
    /// What is shown from `at` on, when it is judged so. Call in order of time, also when nothing has changed.
    pub fn show(&mut self, newer: HealthReport, at: Instant) -> HealthReport {
        let judged = self.follow(newer, at);
        self.judged = Some(judged.clone());
        let worse = self.before.iter().flatten().map(|(_, report)| report.clone());
        worse.fold(judged, HealthReport::worst)
    }

    /// When something else is to be shown although nothing has changed.
    pub fn due(&self) -> Option<Instant> {
        self.before.iter().flatten().map(|(over, _)| *over + STEADY).min()
    }

    /// The newest judgement, and what of those before is still to be shown.
    fn follow(&mut self, newer: HealthReport, at: Instant) -> HealthReport {
        let Some(last) = self.judged.take() else { return newer };
        let health = newer.health;
        let mut judged = last.clone();
        judged.update(newer);
        if health == Health::Inactive || last.health == Health::Inactive {
            self.before = [None, None];
            return judged;
        }
        if let Some(place) = place(last.health).filter(|_| last.health > health) {
            self.before[place] = Some((at, last));
        }
        for kept in &mut self.before {
            let fresh = |over: &Instant| at.saturating_duration_since(*over) < STEADY;
            *kept = kept.take().filter(|(over, _)| fresh(over));
            // The same again before it was over for anybody who looks: it has been so all the time.
            let again = |report: &HealthReport| (report.health, &report.code) == (judged.health, &judged.code);
            if let Some((_, report)) = kept.as_ref().filter(|(_, report)| again(report)) {
                judged.since = judged.since.min(report.since);
            }
            *kept = kept.take().filter(|(_, report)| report.health > health);
        }
        judged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MediaTime;

    use Health::{Healthy, Inactive, PartiallyHealthy, Unhealthy};

    /// What is shown when each of `course` is judged at its second.
    fn shown(course: &[(f64, Health, &str)]) -> Vec<(Health, String, u64)> {
        let (mut steady, start) = (Steady::default(), Instant::now());
        let mut seen = Vec::new();
        for (second, health, code) in course {
            let since = MediaTime::from_secs(*second as u64);
            let report = HealthReport::new(*health, code, *code, since);
            let shown = steady.show(report, start + Duration::from_secs_f64(*second));
            seen.push((shown.health, shown.code, shown.since.as_secs_f64() as u64));
        }
        seen
    }

    fn words(course: &[(f64, Health, &str)]) -> Vec<Health> {
        shown(course).into_iter().map(|(health, ..)| health).collect()
    }

    #[test]
    fn it_worsens_at_once_and_improves_after_three_seconds_of_being_better() {
        let course = [(0.0, Healthy, "ok"), (1.0, Unhealthy, "lost"), (2.0, Healthy, "ok"), (4.9, Healthy, "ok")];
        assert_eq!(words(&course), [Healthy, Unhealthy, Unhealthy, Unhealthy]);
        let last = (5.0, Healthy, "ok");
        assert_eq!(shown(&[&course[..], &[last]].concat()).last().unwrap(), &(Healthy, "ok".to_owned(), 2));
    }

    #[test]
    fn what_comes_and_goes_stays_bad_and_has_been_so_since_it_began() {
        let course: Vec<_> = (0..20u32)
            .map(|n| (f64::from(n) + 1.0, if n % 2 == 0 { Unhealthy } else { Healthy }, ["lost", "ok"][n as usize % 2]))
            .collect();
        let all = shown(&course);
        assert!(all.iter().all(|one| *one == (Unhealthy, "lost".to_owned(), 1)), "{all:?}");
    }

    #[test]
    fn it_improves_step_by_step_to_the_worst_of_the_last_three_seconds() {
        let course = [
            (0.0, Unhealthy, "lost"),
            (1.0, PartiallyHealthy, "behind"),
            (3.0, Healthy, "ok"),
            (3.9, Healthy, "ok"),
            (4.0, Healthy, "ok"),
            (5.9, Healthy, "ok"),
            (6.0, Healthy, "ok"),
        ];
        let wanted = [Unhealthy, Unhealthy, Unhealthy, Unhealthy, PartiallyHealthy, PartiallyHealthy, Healthy];
        assert_eq!(words(&course), wanted);
    }

    #[test]
    fn another_reason_of_the_same_health_is_told_at_once() {
        let all = shown(&[(0.0, Unhealthy, "lost"), (1.0, Unhealthy, "refused")]);
        assert_eq!(all[1], (Unhealthy, "refused".to_owned(), 1));
    }

    #[test]
    fn what_was_ordered_is_shown_at_once_and_leaves_nothing_behind() {
        let course =
            [(0.0, Unhealthy, "lost"), (1.0, Inactive, "off_air"), (1.5, Healthy, "ok"), (2.0, Inactive, "off_air")];
        assert_eq!(words(&course), [Unhealthy, Inactive, Healthy, Inactive]);
    }

    #[test]
    fn it_says_when_to_look_again() {
        let (mut steady, at) = (Steady::default(), Instant::now());
        let report = |health, code: &str| HealthReport::new(health, code, code, MediaTime::from_secs(1));
        steady.show(report(Unhealthy, "lost"), at);
        assert_eq!(steady.due(), None);
        steady.show(report(Healthy, "ok"), at + STEADY);
        assert_eq!(steady.due(), Some(at + STEADY * 2));
        assert_eq!(steady.show(report(Healthy, "ok"), at + STEADY * 2).health, Healthy);
        assert_eq!(steady.due(), None);
    }
}
