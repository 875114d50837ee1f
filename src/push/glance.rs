//! A look at an endpoint in use that has nothing to do just now, where there is a backup to turn to.
//!
//! Silence is counted from a request under way. With segments of two seconds there may be none for almost that long, and an
//! endpoint that hangs meanwhile would be found out that much later. So it is asked something small (HEAD of what it
//! acknowledged last, with the same credentials) when it has been quiet for [`IDLE`], once per [`EVERY`] at most. Any answer
//! is a sign of life, a refusal too; only that there is none counts, from when it was asked for, like any other silence. It
//! is no segment and no progress: neither bytes nor positions know of it, and a token that it does not take is not renewed
//! for its sake.
//!
//! ```text
//!           quiet for IDLE                no answer, or none to be had      as long as `silence_ms`
//! resting ─────────────────▶ asking ──────────────────────────────▶ silent ────────────────────────▶ (outage)
//!    ▲                          │ answer                              │ │ asked again, EVERY
//!    └──────────────────────────┴───── answer, or anything acknowledged ┘
//! ```

use std::time::{Duration, Instant};

use futures::future::BoxFuture;

use super::store::Store;
use crate::policy::HttpFailure;

/// Quiet for so long: it is asked.
const IDLE: Duration = Duration::from_millis(800);
/// Between two questions.
const EVERY: Duration = Duration::from_secs(1);

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Glanced {
    /// It answered.
    Answer,
    /// It does not tell whether anything is there: asking is of no use.
    Untold,
    /// There was no answer.
    Silence,
}

/// See the module.
pub(crate) struct Glance {
    /// What it acknowledged last.
    path: Option<String>,
    /// When it last acknowledged or answered.
    heard: Instant,
    /// When it was asked last.
    asked: Option<Instant>,
    /// When it was asked first of what it has not answered.
    silent: Option<Instant>,
    asking: Option<BoxFuture<'static, Glanced>>,
    useless: bool,
}

impl Glance {
    /// Nothing acknowledged yet.
    pub(crate) fn new(now: Instant) -> Self {
        Self { path: None, heard: now, asked: None, silent: None, asking: None, useless: false }
    }

    /// Something was acknowledged at `path`.
    pub(crate) fn acknowledged(&mut self, path: Option<String>, now: Instant) {
        self.path = path.or(self.path.take());
        self.forget(now);
    }

    /// Everything begins anew: it was acknowledged, or the link has been given up.
    pub(crate) fn forget(&mut self, now: Instant) {
        self.heard = now;
        (self.silent, self.asking) = (None, None);
    }

    /// When to ask next, while nothing else is under way.
    pub(crate) fn due(&self) -> Option<Instant> {
        if self.useless || self.asking.is_some() || self.path.is_none() {
            return None;
        }
        let next = self.asked.map(|asked| asked + EVERY);
        Some(next.map_or(self.heard + IDLE, |next| next.max(self.heard + IDLE)))
    }

    /// Asks, if it is time.
    pub(crate) fn ask_if_due(&mut self, store: &Store, now: Instant) {
        if self.due().is_some_and(|due| due <= now)
            && let Some(path) = self.begin(now)
        {
            let store = store.clone();
            self.asking = Some(Box::pin(async move { judged(store.answers(&path).await) }));
        }
    }

    fn begin(&mut self, now: Instant) -> Option<String> {
        self.asked = Some(now);
        self.silent.get_or_insert(now);
        self.path.clone()
    }

    /// The next answer, or that there was none; none at once if nothing was asked.
    pub(crate) async fn next(glance: &mut Option<Self>) -> Option<Glanced> {
        Some(glance.as_mut()?.asking.as_mut()?.await)
    }

    /// Takes over what came of the question.
    pub(crate) fn settle(&mut self, glanced: &Glanced, now: Instant) {
        self.asking = None;
        match glanced {
            Glanced::Answer => self.forget(now),
            Glanced::Untold => {
                self.useless = true;
                self.forget(now);
            }
            Glanced::Silence => {}
        }
    }

    /// Since when a question has not been answered.
    pub(crate) fn silent_since(&self) -> Option<Instant> {
        self.silent
    }
}

/// What is no fault of the endpoint, or of the way to it, says nothing.
fn judged(answer: Result<bool, HttpFailure>) -> Glanced {
    match answer {
        Ok(false) => Glanced::Untold,
        Err(
            HttpFailure::Resolve(_)
            | HttpFailure::Connect(_)
            | HttpFailure::Tls(_)
            | HttpFailure::Stalled(_)
            | HttpFailure::Broken(_),
        ) => Glanced::Silence,
        _ => Glanced::Answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn who_is_quiet_is_asked_and_not_more_than_once_a_second() {
        let start = Instant::now();
        let mut glance = Glance::new(start);
        assert_eq!(glance.due(), None, "there is nothing to ask for");
        glance.acknowledged(Some("a".to_owned()), start);
        assert_eq!(glance.due(), Some(start + IDLE));
        assert_eq!(glance.begin(start + IDLE).as_deref(), Some("a"));
        let answered = start + IDLE + millis(20);
        glance.settle(&Glanced::Answer, answered);
        assert_eq!((glance.due(), glance.silent_since()), (Some(start + IDLE + EVERY), None));
        // A segment came between.
        glance.acknowledged(Some("b".to_owned()), start + millis(1500));
        assert_eq!(glance.due(), Some(start + millis(1500) + IDLE));
        assert_eq!(glance.begin(start + millis(2300)).as_deref(), Some("b"));
    }

    #[test]
    fn silence_counts_from_the_first_question_without_an_answer() {
        let start = Instant::now();
        let mut glance = Glance::new(start);
        glance.acknowledged(Some("a".to_owned()), start);
        let first = start + IDLE;
        glance.begin(first);
        glance.settle(&Glanced::Silence, first + millis(1));
        assert_eq!((glance.due(), glance.silent_since()), (Some(first + EVERY), Some(first)));
        glance.begin(first + EVERY);
        assert_eq!(glance.silent_since(), Some(first));
        glance.settle(&Glanced::Answer, first + EVERY + millis(5));
        assert_eq!(glance.silent_since(), None);
        glance.begin(first + EVERY * 3);
        glance.acknowledged(None, first + EVERY * 3 + millis(5));
        assert_eq!(glance.silent_since(), None, "what is acknowledged is an answer");
    }

    #[test]
    fn any_answer_is_a_sign_of_life_and_what_nobody_tells_is_not_asked_again() {
        for (answer, expected) in [
            (Ok(true), Glanced::Answer),
            (Err(HttpFailure::Status(403)), Glanced::Answer),
            (Err(HttpFailure::Fenced), Glanced::Answer),
            (Err(HttpFailure::Connect("refused".into())), Glanced::Silence),
            (Err(HttpFailure::Broken("reset".into())), Glanced::Silence),
            (Err(HttpFailure::Stalled("nothing".into())), Glanced::Silence),
            (Ok(false), Glanced::Untold),
        ] {
            assert_eq!(judged(answer.clone()), expected, "{answer:?}");
        }
        let start = Instant::now();
        let mut glance = Glance::new(start);
        glance.acknowledged(Some("a".to_owned()), start);
        glance.begin(start + IDLE);
        glance.settle(&Glanced::Untold, start + IDLE);
        assert_eq!((glance.due(), glance.silent_since()), (None, None));
    }
}
