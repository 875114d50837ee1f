//! Confirmations: each is for one request of one client, once, and soon.
//!
//! ```text
//!  request ──▶ 428: what it would do, token ──▶ the same request with `Confirm: <token>` ──▶ done
//!                    │ ten seconds, one use         another request: the token is gone, and that is asked for anew
//! ```
//!
//! What a request would do is part of what is confirmed: if it would do something else by now, that is asked for anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::super::again::Print;

/// How long a confirmation is waited for.
pub(crate) const WITHIN: Duration = Duration::from_secs(10);
/// Confirmations that are waited for; the oldest goes first.
const MOST: usize = 256;

/// Cheap to clone; all are one.
#[derive(Clone, Default)]
pub(crate) struct Confirmations(Arc<Mutex<HashMap<String, Grant>>>);

struct Grant {
    /// Of the request, its client and what it would do.
    print: Print,
    until: Instant,
}

impl Confirmations {
    /// A token for this. It keeps stray presses away, not somebody who means it: they get one by asking.
    pub(super) fn grant(&self, print: Print) -> String {
        let now = Instant::now();
        let mut grants = self.lock();
        grants.retain(|_, grant| now < grant.until);
        if grants.len() >= MOST {
            let oldest = grants.iter().min_by_key(|(_, grant)| grant.until).map(|(token, _)| token.clone());
            oldest.and_then(|token| grants.remove(&token));
        }
        let token = format!("{:032x}", fastrand::u128(..));
        grants.insert(token.clone(), Grant { print, until: now + WITHIN });
        token
    }

    /// Whether `token` confirms this. It is used up, whatever it was for.
    pub(super) fn redeem(&self, token: &str, print: Print) -> bool {
        self.lock().remove(token).is_some_and(|grant| grant.print == print && Instant::now() < grant.until)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Grant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_has_its_time() {
        let confirmations = Confirmations::default();
        let (early, late) = (confirmations.grant([1; 32]), confirmations.grant([1; 32]));
        tokio::time::advance(WITHIN - Duration::from_millis(1)).await;
        assert!(confirmations.redeem(&early, [1; 32]));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!confirmations.redeem(&late, [1; 32]));
    }

    #[tokio::test(start_paused = true)]
    async fn not_more_are_kept_than_somebody_can_mean() {
        let confirmations = Confirmations::default();
        let first = confirmations.grant([0; 32]);
        for _ in 0..MOST {
            tokio::time::advance(Duration::from_millis(1)).await;
            confirmations.grant([0; 32]);
        }
        assert_eq!(confirmations.lock().len(), MOST);
        assert!(!confirmations.redeem(&first, [0; 32]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Requests ask and confirm in any order, with any token that was ever given.
        #[test]
        fn a_token_never_confirms_another_request_and_never_twice(
            steps in proptest::collection::vec((any::<bool>(), 0..6_u8, any::<prop::sample::Index>()), 1..60)
        ) {
            let confirmations = Confirmations::default();
            let mut given: Vec<(String, u8, bool)> = Vec::new();
            for (asks, request, which) in steps {
                if asks || given.is_empty() {
                    given.push((confirmations.grant([request; 32]), request, true));
                    continue;
                }
                let (token, of, unused) = which.get_mut(&mut given);
                let good = confirmations.redeem(token, [request; 32]);
                prop_assert_eq!(good, *of == request && *unused);
                *unused = false;
            }
        }
    }
}
