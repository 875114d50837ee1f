//! The task that sees to a token, and the handle that requests ask.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::grant::Grant;
use super::source::Source;
use super::{Token, TokenTrouble};
use crate::policy::{Attempts, Backoff};

/// For an answer to those who wait; longer than any source may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A source that fails is asked again so often; a destination whose token has not yet expired does not notice.
const AGAIN: Backoff =
    Backoff { first: Duration::from_secs(1), cap: Duration::from_secs(30), factor: 2.0, jitter: 0.3 };

/// A source that gives what is refused is asked no oftener.
const LEAST: Duration = Duration::from_secs(1);

/// What is known now.
#[derive(Debug, Clone, Default)]
struct State {
    token: Option<Token>,
    expires: Option<Instant>,
    trouble: Option<TokenTrouble>,
    /// Attempts that ended.
    attempts: u64,
}

impl State {
    fn good(&self) -> Option<&Token> {
        self.token.as_ref().filter(|_| self.expires.is_none_or(|at| Instant::now() < at))
    }

    fn generation(&self) -> u64 {
        self.token.as_ref().map_or(0, |token| token.generation)
    }
}

/// See the module's header.
#[derive(Debug)]
pub(crate) struct Keeper {
    state: watch::Receiver<State>,
    /// Generations that were refused.
    refused: mpsc::Sender<u64>,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Sets `source` to work.
    pub(super) fn start(source: Source) -> Self {
        let (publish, state) = watch::channel(State::default());
        let (refused, refusals) = mpsc::channel(8);
        Self { state, refused, task: tokio::spawn(keep(source, publish, refusals)) }
    }

    /// See [`super::Credential::current`].
    pub(super) async fn current(&self) -> Result<Token, TokenTrouble> {
        let mut state = self.state.clone();
        let settled = state.wait_for(|state| state.good().is_some() || state.trouble.is_some());
        match timeout_at(Instant::now() + PATIENCE, settled).await {
            Ok(Ok(state)) => match (state.good(), &state.trouble) {
                (Some(token), _) => Ok(token.clone()),
                (None, Some(trouble)) => Err(trouble.clone()),
                (None, None) => Err(silent()),
            },
            _ => Err(silent()),
        }
    }

    /// See [`super::Credential::newer_than`].
    pub(super) async fn newer_than(&self, generation: u64) -> Result<Option<Token>, TokenTrouble> {
        let mut state = self.state.clone();
        let asked = state.borrow_and_update().attempts;
        // A full queue holds the same already.
        let _ = self.refused.try_send(generation);
        let settled = state.wait_for(|state| state.generation() != generation || state.attempts > asked);
        match timeout_at(Instant::now() + PATIENCE, settled).await {
            Ok(Ok(state)) if state.generation() != generation => Ok(state.token.clone()),
            Ok(Ok(state)) => state.trouble.clone().map_or(Ok(None), Err),
            _ => Err(silent()),
        }
    }

    /// See [`super::Credential::generation`].
    pub(super) fn generation(&self) -> u64 {
        self.state.borrow().generation()
    }

    /// See [`super::Credential::trouble`].
    pub(super) fn trouble(&self) -> Option<TokenTrouble> {
        self.state.borrow().trouble.clone()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn silent() -> TokenTrouble {
    TokenTrouble::away("the source of the token does not answer")
}

async fn keep(mut source: Source, publish: watch::Sender<State>, mut refusals: mpsc::Receiver<u64>) {
    let mut failures = Attempts::new(AGAIN);
    loop {
        let started = Instant::now();
        let next = match source.fetch().await {
            Ok(grant) => {
                failures.reset();
                let refresh = grant.refresh_after().map(|after| started + after);
                take(&publish, grant, started);
                refresh
            }
            Err(trouble) => {
                publish.send_modify(|state| {
                    state.trouble = Some(trouble);
                    state.attempts += 1;
                });
                Some(Instant::now() + failures.failed(fastrand::f64()))
            }
        };
        let current = publish.borrow().generation();
        tokio::select! {
            () = until(next) => {}
            () = source.changed() => {}
            () = refused(&mut refusals, current) => sleep_until(started + LEAST).await,
        }
    }
}

/// Publishes what was granted: a new generation if it is another token.
fn take(publish: &watch::Sender<State>, grant: Grant, started: Instant) {
    publish.send_modify(|state| {
        state.trouble = None;
        state.attempts += 1;
        state.expires = grant.lifetime.map(|lifetime| started + lifetime);
        if state.token.as_ref().is_none_or(|token| token.secret != grant.secret) {
            state.token = Some(Token { secret: grant.secret, generation: state.generation() + 1 });
        }
    });
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Waits until generation `current` is refused: a refusal of an older one is answered already.
async fn refused(refusals: &mut mpsc::Receiver<u64>, current: u64) {
    loop {
        match refusals.recv().await {
            Some(generation) if generation == current => return,
            Some(_) => {}
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;
    use crate::push::credential::source::Script;

    fn grant(token: &str, lifetime: Option<u64>) -> Result<Grant, TokenTrouble> {
        Ok(Grant { secret: Secret::new(token), lifetime: lifetime.map(Duration::from_millis) })
    }

    fn keeper(script: impl FnMut(u32) -> Result<Grant, TokenTrouble> + Send + 'static) -> Keeper {
        Keeper::start(Source::Script(Script::new(script)))
    }

    /// Asks until the answer is as wanted.
    async fn until(keeper: &Keeper, wanted: impl Fn(&Result<Token, TokenTrouble>) -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let answer = keeper.current().await;
            if wanted(&answer) {
                return;
            }
            assert!(Instant::now() < end, "it stays {answer:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn is(token: &str) -> impl Fn(&Result<Token, TokenTrouble>) -> bool {
        move |answer| answer.as_ref().is_ok_and(|there| there.reveal() == token)
    }

    #[tokio::test]
    async fn a_token_is_replaced_by_itself() {
        let keeper = keeper(|n| grant(&format!("t{n}"), Some(if n < 3 { 1250 } else { 100_000 })));
        until(&keeper, is("t1")).await;
        until(&keeper, is("t3")).await;
    }

    #[tokio::test]
    async fn many_refusals_are_one_question() {
        let keeper = keeper(|n| grant(&format!("t{n}"), None));
        let first = keeper.current().await.unwrap();
        let ask = || async { keeper.newer_than(first.generation).await.unwrap().unwrap().reveal().to_owned() };
        let all = futures::future::join_all((0..20).map(|_| ask())).await;
        assert!(all.iter().all(|token| token == "t2"), "{all:?}");
        assert!(is("t2")(&keeper.current().await));
    }

    #[tokio::test]
    async fn a_failing_source_does_not_take_a_good_token_away() {
        let keeper = keeper(|n| if n == 1 { grant("t1", Some(100_000)) } else { Err(TokenTrouble::away("away")) });
        let first = keeper.current().await.unwrap();
        assert_eq!(keeper.newer_than(first.generation).await.unwrap_err(), TokenTrouble::away("away"));
        assert!(is("t1")(&keeper.current().await));
        assert_eq!(keeper.trouble(), Some(TokenTrouble::away("away")));
    }

    #[tokio::test]
    async fn an_expired_token_is_none_until_the_source_is_back() {
        let script = |n| match n {
            1 => grant("t1", Some(50)),
            2 | 3 => Err(TokenTrouble::set_up("no")),
            _ => grant("t4", None),
        };
        let keeper = keeper(script);
        until(&keeper, is("t1")).await;
        until(&keeper, |answer| answer.as_ref().is_err_and(|trouble| *trouble == TokenTrouble::set_up("no"))).await;
        until(&keeper, is("t4")).await;
        assert_eq!(keeper.trouble(), None);
    }

    #[tokio::test]
    async fn the_same_token_again_is_no_newer_one() {
        let keeper = keeper(|_| grant("same", None));
        let token = keeper.current().await.unwrap();
        assert!(keeper.newer_than(token.generation).await.unwrap().is_none());
    }
}
