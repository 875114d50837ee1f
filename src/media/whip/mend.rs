//! What changes in a session while it lasts: addresses that are found late, and ICE that begins anew.

use std::sync::Arc;

use url::Url;

use super::fault::Verdict;
use super::fragment::{self, Credentials};
use super::http::{Reached, Restart, reach};
use super::machine::{Begun, Event};
use super::pilot::Pilot;
use super::resource::Resource;
use super::task::{Done, Session, Task};

/// ICE began anew.
pub(super) struct Restarted {
    own: Credentials,
    etag: Option<String>,
    /// Late addresses that the request named.
    named: usize,
}

impl Task {
    /// Tells the server of addresses that were found after the offer was made; not while it is asked to begin anew, since
    /// they belong to the ICE session that follows, whose tag is not known yet (RFC 9725, 4.3.3).
    pub(super) fn trickle(&mut self) {
        let Session { resource: Some(resource), offer, late, told, gathered, settled: false, asked: None, .. } =
            &mut self.session
        else {
            return;
        };
        late.retain(|candidate| !offer.contains(&candidate.text));
        // Without an ETag the server takes no changes (RFC 9725, 4.3.1).
        let (Some(http), true, true) = (&self.http, resource.etag.is_some(), *told < late.len()) else { return };
        let Some(fragment) = fragment::trickle(offer, &late[*told..], *gathered) else { return };
        *told = late.len();
        let (http, resource, life) = (http.clone(), resource.clone(), self.life);
        self.work.spawn(async move { (life, Done::Told(http.patch(&resource, fragment).await)) });
    }

    /// What is sent may not arrive any more.
    pub(super) fn doubt(&mut self) {
        self.session.peer.iter().for_each(|peer| peer.doubt());
        // It may be another network by the time that the peer is back.
        self.steer(Pilot::over);
    }

    /// Whether a server is there that takes no changes: then its session may go on by itself.
    fn look_for(&mut self, url: Url) {
        let life = self.life;
        self.work.spawn(async move {
            let done = match reach(&url).await {
                Reached::Yes => Begun::Refused(no_restart("the WHIP endpoint takes no changes of a session")),
                // So are its sessions.
                Reached::Closed => Begun::Gone(no_restart("its server is gone")),
                Reached::No => Begun::Silent,
            };
            (life, Done::Begun(done, None))
        });
    }

    /// Asks the server to begin ICE anew, and does the same here once it has agreed.
    pub(super) fn restart(&mut self) {
        if let Some(Resource { url, etag: None, .. }) = &self.session.resource {
            return self.look_for(url.clone());
        }
        let Session { peer: Some(peer), resource: Some(resource), offer, answer, late, gathered, asked, .. } =
            &mut self.session
        else {
            return self.tell(Event::Restarted(Begun::Gone(no_restart("there is none"))));
        };
        late.retain(|candidate| !offer.contains(&candidate.text));
        let named = late.len();
        // The same again if nobody answered: the server may have agreed, and the answer got lost.
        let own = asked.get_or_insert_with(Credentials::random).clone();
        let Some((fragment, http)) = fragment::restart(offer, &own, late, *gathered).zip(self.http.clone()) else {
            return self.tell(Event::Restarted(Begun::Refused(no_restart("the offer has no ICE session"))));
        };
        let (peer, resource, first, life) = (Arc::clone(peer), resource.clone(), answer.clone(), self.life);
        self.work.spawn(async move {
            let (theirs, etag) = match http.restart(&resource, &fragment).await {
                Restart::Taken { answer, etag } => (answer, etag),
                Restart::Unanswered => return (life, Done::Begun(Begun::Silent, None)),
                Restart::Refused(status) => {
                    let why = no_restart(&format!("the WHIP endpoint does not restart ICE (HTTP {status})"));
                    let gone = matches!(status, 404 | 410);
                    return (life, if gone { Done::Gone(why) } else { Done::Begun(Begun::Refused(why), None) });
                }
            };
            let credentials = own.clone();
            let begun = tokio::task::spawn_blocking(move || peer.restart(&credentials, &theirs, &first)).await;
            match begun.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(()) => (life, Done::Begun(Begun::Agreed, Some(Restarted { own, etag, named }))),
                // The server has begun anew, and this end has not.
                Err(why) => (life, Done::Begun(Begun::Gone(no_restart(&why)), None)),
            }
        });
    }

    /// The server has said whether ICE begins anew.
    pub(super) fn begun(&mut self, begun: Begun, restarted: Option<Restarted>) {
        if let Some(restarted) = restarted {
            self.restarted(restarted);
        } else if matches!(begun, Begun::Refused(_)) {
            self.session.asked = None;
        }
        self.tell(Event::Restarted(begun));
        // What was found meanwhile.
        self.trickle();
    }

    fn restarted(&mut self, Restarted { own, etag, named }: Restarted) {
        let Session { resource, offer, asked, told, .. } = &mut self.session;
        *offer = own.in_place_of(offer).unwrap_or_default();
        (*asked, *told) = (None, named);
        if let Some(resource) = resource {
            resource.etag = etag.or(resource.etag.take());
        }
        tracing::info!(endpoint = self.name, "the ICE session of a WHIP endpoint was restarted");
    }
}

/// Media no longer arrive, and the session cannot be mended: another one takes its place.
fn no_restart(why: &str) -> Verdict {
    Verdict::lost(format!("media no longer arrive at the WHIP endpoint, and a new session is needed: {why}"))
}
