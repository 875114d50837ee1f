//! The session with one endpoint as a pure state machine: `(state, event, now) → (state, actions)`. Its states are drawn
//! in the module's header.

use std::time::{Duration, Instant};

use super::fault::{Remedy, Verdict};
use crate::model::status::DestinationState;
use crate::policy::{Attempts, Backoff};

/// The last session ended at the server, own side built and addresses gathered.
const OFFER: Duration = Duration::from_secs(12);
/// The server's answer; its client has closer bounds.
const POST: Duration = Duration::from_secs(20);
/// From the answer to a connection (ICE and DTLS).
const CONNECT: Duration = Duration::from_secs(6);
/// From the connection to the first report of received media: the interval of RFC 3550 (6.2) may be 7.5 s.
const FIRST_REPORT: Duration = Duration::from_secs(9);
/// Without new media reported for this long the session stalls, if reports come often. Otherwise two of their intervals
/// and a second.
const STALL: Duration = Duration::from_millis(2500);
const STALL_MOST: Duration = Duration::from_secs(15);
/// From the server's word that ICE may begin anew to the next report of media: checks, and an interval of reports.
const RESTART: Duration = Duration::from_secs(5);
/// A session that nobody answers for is kept for so long: servers keep theirs for half a minute.
const LINGER: Duration = Duration::from_secs(20);
/// Who answers again gets media again, perhaps: a sign of it, or an interval of reports, is waited for.
const BY_ITSELF: Duration = Duration::from_millis(2500);
/// Who does not answer is asked again after about this time: the line may be back.
const ASK: Backoff =
    Backoff { first: Duration::from_millis(500), cap: Duration::from_secs(1), factor: 1.1, jitter: 0.25 };
/// A session that streamed this long was a healthy one.
const HEALTHY: Duration = Duration::from_secs(10);
/// Where only a person can help.
const SLOWLY: Duration = Duration::from_secs(30);
/// Most that a server may ask to wait.
const LONGEST: Duration = Duration::from_secs(60);
/// Gentle at first: who comes back from a cut of ten seconds is to be met within three.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(250), cap: Duration::from_secs(5), factor: 1.3, jitter: 0.25 };

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    /// Time passed; also the first of all.
    Tick,
    /// The own offer stands, or cannot be made.
    Offered(Result<(), Verdict>),
    /// The server answered, and the answer is taken over; or not.
    Answered(Result<(), Verdict>),
    /// The answer asks for another offer, which can be made at once.
    Otherwise,
    /// ICE and DTLS are through.
    Connected,
    /// The peer reports media that it had not reported before.
    Acknowledged,
    /// The peer misses something: what was sent just now arrives.
    Sign,
    /// What came of the question whether the server is there, and begins ICE anew.
    Restarted(Begun),
    /// The session is over, whoever ended it.
    Lost(Verdict),
    /// Nothing is to be sent for a while, or again.
    Paused(bool),
}

/// What came of the question whether the server is there, and begins ICE anew.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Begun {
    /// It does.
    Agreed,
    /// Nobody answered.
    Silent,
    /// It is there, and does not; the session may be there still.
    Refused(Verdict),
    /// There is nothing to be mended.
    Gone(Verdict),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    /// End what is left of the last session at the server, then build the own side and make an offer.
    Offer,
    /// Post the offer.
    Post,
    /// Send media from now on.
    Feed,
    /// Media may not arrive: prepare the peer's return.
    Doubt,
    /// They do.
    Trust,
    /// Ask the server to begin ICE anew within the session, or whether it is there.
    Restart,
    /// Take the own side down; the server's side is ended with the next request.
    Drop,
    /// Tell of it.
    Tell(Told),
}

/// A change that others hear of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Told {
    /// Media arrive; after an interruption of this length.
    Connected(Option<Duration>),
    /// Media no longer arrive.
    Interrupted(Verdict),
    /// It was refused, or could not be reached, before any media arrived; only told when the reason is another one.
    Refused(Verdict),
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    Idle,
    Offering(Instant),
    Posting(Instant),
    Connecting(Instant),
    /// Connected; whether anything arrives is not known yet.
    Feeding(Instant),
    Streaming(Streaming),
    Restarting(Restarting),
    Waiting(Instant),
    Refused,
}

#[derive(Debug, Clone, PartialEq)]
struct Streaming {
    since: Instant,
    /// The last report of new media.
    last: Instant,
    /// Longest time between two of late.
    interval: Duration,
}

/// Media no longer arrive; the session is still there, at this end at least.
#[derive(Debug, Clone, PartialEq)]
struct Restarting {
    /// When the server is asked (again); none while it is, and once it has agreed.
    ask: Option<Instant>,
    /// When the session is given up.
    until: Instant,
    /// How often nobody answered.
    attempts: Attempts,
    refused: Option<Verdict>,
    /// What is sent arrives.
    seen: bool,
    /// How long a report may take then.
    patience: Duration,
}

/// See the module's header.
#[derive(Debug)]
pub(super) struct Machine {
    phase: Phase,
    attempts: Attempts,
    paused: bool,
    /// Since when nothing arrives, of an endpoint where something did.
    lost: Option<Instant>,
    streamed: bool,
    reconnects: u64,
    /// Why it does not stream.
    trouble: Option<Verdict>,
}

impl Machine {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Idle,
            attempts: Attempts::new(BACKOFF),
            paused: false,
            lost: None,
            streamed: false,
            reconnects: 0,
            trouble: None,
        }
    }

    /// Takes an event; `random` is uniform in 0..1.
    pub(super) fn on(&mut self, event: Event, now: Instant, random: f64) -> Vec<Action> {
        match (event, &mut self.phase) {
            (Event::Tick, _) => self.look(now, random),
            (Event::Paused(paused), _) => self.pause(paused, now),
            (
                Event::Lost(verdict),
                Phase::Connecting(_) | Phase::Feeding(_) | Phase::Streaming(_) | Phase::Restarting(_),
            ) => self.fail(verdict, now, random),
            (Event::Restarted(Begun::Gone(verdict)), Phase::Restarting(_)) => self.fail(verdict, now, random),
            (Event::Restarted(begun), Phase::Restarting(restarting)) => {
                restarting.hear(begun, now, random);
                Vec::new()
            }
            (Event::Sign, Phase::Restarting(restarting)) => {
                restarting.see(now);
                Vec::new()
            }
            (Event::Offered(Ok(())), Phase::Offering(_)) => {
                self.phase = Phase::Posting(now + POST);
                vec![Action::Post]
            }
            (Event::Answered(Ok(())), Phase::Posting(_)) => {
                self.phase = Phase::Connecting(now + CONNECT);
                Vec::new()
            }
            (Event::Otherwise, Phase::Posting(_)) => {
                self.phase = Phase::Offering(now + OFFER);
                vec![Action::Drop, Action::Offer]
            }
            (Event::Offered(Err(verdict)), Phase::Offering(_)) | (Event::Answered(Err(verdict)), Phase::Posting(_)) => {
                self.fail(verdict, now, random)
            }
            (Event::Connected, Phase::Connecting(_)) => {
                self.phase = Phase::Feeding(now + FIRST_REPORT);
                vec![Action::Feed]
            }
            (Event::Acknowledged, Phase::Feeding(_) | Phase::Restarting(_)) => self.arrives(now),
            (Event::Acknowledged, Phase::Streaming(streaming)) => {
                streaming.hear(now);
                if now.saturating_duration_since(streaming.since) >= HEALTHY {
                    self.attempts.reset();
                }
                Vec::new()
            }
            // Of a session that is over.
            _ => Vec::new(),
        }
    }

    /// When to look again, if nothing else happens.
    pub(super) fn due(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Idle => None,
            Phase::Offering(at) | Phase::Posting(at) | Phase::Connecting(at) | Phase::Waiting(at) => Some(*at),
            Phase::Feeding(at) => (!self.paused).then_some(*at),
            Phase::Streaming(streaming) => (!self.paused).then(|| streaming.last + streaming.patience()),
            Phase::Restarting(Restarting { ask, until, .. }) => Some(ask.map_or(*until, |ask| ask.min(*until))),
            Phase::Refused => None,
        }
    }

    fn look(&mut self, now: Instant, random: f64) -> Vec<Action> {
        let idle = matches!(self.phase, Phase::Idle);
        if !idle && self.due().is_none_or(|at| now < at) {
            return Vec::new();
        }
        let verdict = match &mut self.phase {
            Phase::Idle | Phase::Waiting(_) => {
                self.phase = Phase::Offering(now + OFFER);
                return vec![Action::Offer];
            }
            Phase::Offering(_) => Verdict::unbuildable("no offer could be made in time"),
            Phase::Posting(_) => Verdict::lost("the WHIP endpoint did not answer in time"),
            Phase::Connecting(_) => Verdict::lost(format!(
                "the WHIP endpoint answered, but no media connection came about within {} s: its addresses cannot be \
                 reached from here, or it refuses the certificate",
                CONNECT.as_secs()
            )),
            Phase::Feeding(_) => Verdict::lost(format!(
                "media are sent, but the WHIP endpoint reported none received within {} s",
                FIRST_REPORT.as_secs()
            )),
            Phase::Streaming(streaming) => {
                let (last, patience) = (streaming.last, streaming.patience());
                return self.restart(last, patience, now);
            }
            Phase::Restarting(restarting) if now < restarting.until => {
                restarting.ask = None;
                return vec![Action::Restart];
            }
            Phase::Restarting(restarting) => {
                restarting.refused.take().unwrap_or_else(|| silent(self.lost.unwrap_or(now), now))
            }
            Phase::Refused => return Vec::new(),
        };
        self.fail(verdict, now, random)
    }

    /// Media have not arrived since `last`. The session is kept: after a cut it goes on by itself within a round trip,
    /// and who watches at the server keeps it if it can be mended.
    fn restart(&mut self, last: Instant, patience: Duration, now: Instant) -> Vec<Action> {
        let verdict = silent(last, now);
        self.lost = Some(last);
        let (until, attempts) = (now + LINGER, Attempts::new(ASK));
        self.phase = Phase::Restarting(Restarting { ask: None, until, attempts, refused: None, seen: false, patience });
        self.trouble = Some(verdict.clone());
        vec![Action::Doubt, Action::Restart, Action::Tell(Told::Interrupted(verdict))]
    }

    fn pause(&mut self, paused: bool, now: Instant) -> Vec<Action> {
        self.paused = paused;
        if let Phase::Streaming(streaming) = &mut self.phase {
            // Reports stand still when nothing is sent.
            streaming.last = now;
        }
        if let Phase::Feeding(until) = &mut self.phase {
            *until = now + FIRST_REPORT;
        }
        Vec::new()
    }

    fn arrives(&mut self, now: Instant) -> Vec<Action> {
        let doubted = self.doubts();
        self.phase = Phase::Streaming(Streaming { since: now, last: now, interval: Duration::ZERO });
        self.reconnects += u64::from(self.streamed);
        self.streamed = true;
        self.trouble = None;
        let away = self.lost.take().map(|lost| now.saturating_duration_since(lost));
        let told = Action::Tell(Told::Connected(away));
        if doubted { vec![Action::Trust, told] } else { vec![told] }
    }

    /// Whether it is open if anything arrives of what is sent.
    pub(super) fn doubts(&self) -> bool {
        matches!(self.phase, Phase::Restarting(_))
    }

    fn fail(&mut self, verdict: Verdict, now: Instant, random: f64) -> Vec<Action> {
        let mut actions = vec![Action::Drop];
        let streamed = matches!(self.phase, Phase::Streaming(_));
        if let Phase::Streaming(streaming) = &self.phase {
            self.lost = Some(streaming.last);
        }
        self.phase = match verdict.remedy {
            Remedy::Retry => Phase::Waiting(now + self.attempts.failed(random)),
            Remedy::After(wait) => Phase::Waiting(now + self.attempts.failed(random).max(wait.min(LONGEST))),
            Remedy::Slowly => Phase::Waiting(now + SLOWLY),
            Remedy::Never => Phase::Refused,
        };
        // Of an interruption, that it is not over yet is no news.
        let heals = self.lost.is_some() && !matches!(verdict.remedy, Remedy::Slowly | Remedy::Never);
        let known = heals || self.trouble.as_ref().is_some_and(|known| known.text == verdict.text);
        if streamed {
            actions.push(Action::Tell(Told::Interrupted(verdict.clone())));
        } else if !known {
            actions.push(Action::Tell(Told::Refused(verdict.clone())));
        }
        self.trouble = Some(verdict);
        actions
    }

    /// Where it stands, in the words of all destinations.
    pub(super) fn state(&self) -> DestinationState {
        let refused = self.trouble.as_ref().is_some_and(|v| matches!(v.remedy, Remedy::Slowly | Remedy::Never));
        match &self.phase {
            Phase::Streaming(_) => DestinationState::Streaming,
            _ if refused => DestinationState::Failed,
            _ if self.streamed || self.trouble.is_some() => DestinationState::Interrupted,
            _ => DestinationState::Connecting,
        }
    }

    /// Why it does not stream.
    pub(super) fn trouble(&self) -> Option<&Verdict> {
        self.trouble.as_ref()
    }

    /// Times it was lost and came back.
    pub(super) fn reconnects(&self) -> u64 {
        self.reconnects
    }
}

fn silent(last: Instant, now: Instant) -> Verdict {
    let millis = now.saturating_duration_since(last).as_millis();
    Verdict::lost(format!("media are sent, but the WHIP endpoint has reported none received for {millis} ms"))
}

impl Restarting {
    fn hear(&mut self, begun: Begun, now: Instant, random: f64) {
        match begun {
            Begun::Agreed => self.until = now + RESTART.max(self.patience),
            Begun::Silent if self.seen => {}
            Begun::Silent => self.ask = Some(now + self.attempts.failed(random)),
            Begun::Refused(verdict) | Begun::Gone(verdict) => {
                let report = if self.seen { self.patience } else { BY_ITSELF };
                self.until = self.until.min(now + report);
                self.refused = Some(verdict);
            }
        }
    }

    /// It goes on by itself: all that is missing is a report.
    fn see(&mut self, now: Instant) {
        (self.seen, self.ask) = (true, None);
        self.until = self.until.max(now + self.patience);
    }
}

impl Streaming {
    fn hear(&mut self, now: Instant) {
        let interval = now.saturating_duration_since(self.last);
        // Reports get lost as well: one that was late is not remembered for ever.
        self.interval = interval.max(self.interval * 7 / 8);
        self.last = now;
    }

    fn patience(&self) -> Duration {
        (self.interval * 2 + Duration::from_secs(1)).clamp(STALL, STALL_MOST)
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
