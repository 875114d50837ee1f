//! The door: lets one guest in at a time. Callers knock and wait for an answer; the source's thread opens.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::model::{GuestAnswer, GuestRefusal, Secret};
use crate::plan::SecondPublisher;

/// Longest wait for an answer to an offer: less than the daemon waits for the worker.
const ANSWER: Duration = Duration::from_secs(7);

/// An offer that is being answered.
pub(crate) struct Call {
    /// Names the session.
    pub(crate) session: String,
    /// Session description.
    pub(crate) sdp: String,
    reply: Sender<GuestAnswer>,
}

impl Call {
    /// The guest may send.
    pub(super) fn admit(&self, sdp: String) {
        let _ = self.reply.send(GuestAnswer::Admitted { session: self.session.clone(), sdp });
    }

    /// The offer cannot be answered.
    pub(crate) fn refuse(&self, why: GuestRefusal, text: impl Into<String>) {
        let _ = self.reply.send(refused(why, text));
    }
}

#[derive(Default)]
struct Inside {
    /// Knocked and not yet seen by the source's thread.
    knocking: Option<Call>,
    /// The session that the source's thread is busy with.
    present: Option<Present>,
}

struct Present {
    session: String,
    /// Why it shall end, if it shall.
    end: Option<&'static str>,
}

/// The door of one source.
pub(crate) struct Door {
    key: Option<Secret>,
    second: SecondPublisher,
    inside: Mutex<Inside>,
    knock: Condvar,
    closed: AtomicBool,
}

impl Door {
    pub(crate) fn new(key: Option<Secret>, second: SecondPublisher) -> Arc<Self> {
        Arc::new(Self { key, second, inside: Mutex::default(), knock: Condvar::new(), closed: AtomicBool::new(false) })
    }

    fn inside(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `shown` is the key. Takes the same time whatever is shown.
    pub(crate) fn fits(&self, shown: &Secret) -> bool {
        use subtle::ConstantTimeEq;
        let digest = |secret: &Secret| <sha2::Sha256 as sha2::Digest>::digest(secret.reveal().as_bytes());
        self.key.as_ref().is_some_and(|key| digest(key).ct_eq(&digest(shown)).into())
    }

    /// Offers to publish, and waits for the answer. `alive` says whether whoever is there delivers.
    pub(crate) fn offer(&self, sdp: String, alive: bool) -> GuestAnswer {
        match self.knock(sdp, alive) {
            Ok((session, answer)) => answer.recv_timeout(ANSWER).unwrap_or_else(|_| {
                self.withdraw(&session);
                refused(GuestRefusal::Failed, "the engine did not answer in time: try again")
            }),
            Err(refusal) => refusal,
        }
    }

    fn knock(&self, sdp: String, alive: bool) -> Result<(String, Receiver<GuestAnswer>), GuestAnswer> {
        let mut inside = self.inside();
        let occupied = |text: &str| Err(refused(GuestRefusal::Occupied, text));
        if self.closed.load(Ordering::Relaxed) {
            return Err(refused(GuestRefusal::Failed, "the channel goes off air"));
        }
        if inside.knocking.is_some() {
            return occupied("another guest is just being connected: try again in a moment");
        }
        if let Some(present) = &mut inside.present {
            match self.second {
                SecondPublisher::Refuse if alive && present.end.is_none() => {
                    return occupied("another guest is there");
                }
                SecondPublisher::Refuse | SecondPublisher::Replace => {
                    present.end.get_or_insert("another guest took over");
                }
            }
        }
        let session = format!("{:032x}", fastrand::u128(..));
        let (reply, answer) = channel();
        inside.knocking = Some(Call { session: session.clone(), sdp, reply });
        self.knock.notify_all();
        Ok((session, answer))
    }

    /// Whoever waited has gone: nobody is to be let in for them.
    fn withdraw(&self, session: &str) {
        let mut inside = self.inside();
        inside.knocking.take_if(|call| call.session == session);
        if let Some(present) = inside.present.as_mut().filter(|present| present.session == session) {
            present.end.get_or_insert("it could not be answered in time");
        }
    }

    /// Ends `session`; false if it is not the present one.
    pub(crate) fn leave(&self, session: &str) -> bool {
        let mut inside = self.inside();
        let present = inside.present.as_mut().filter(|present| present.session == session);
        present.map(|present| present.end.get_or_insert("the guest left")).is_some()
    }

    /// The source's thread is ready for the next guest: waits for one, at most for `limit`.
    pub(crate) fn next(&self, limit: Duration) -> Option<Call> {
        let mut inside = self.inside();
        inside.present = None;
        if inside.knocking.is_none() {
            inside = self.knock.wait_timeout(inside, limit).unwrap_or_else(PoisonError::into_inner).0;
        }
        let call = inside.knocking.take()?;
        inside.present = Some(Present { session: call.session.clone(), end: None });
        Some(call)
    }

    /// The session is over; whoever comes now finds the place free.
    pub(crate) fn vacate(&self) {
        self.inside().present = None;
    }

    /// Whether somebody waits.
    pub(crate) fn is_knocked(&self) -> bool {
        self.inside().knocking.is_some()
    }

    /// Why the present session shall end, if it shall.
    pub(crate) fn ended(&self) -> Option<&'static str> {
        self.inside().present.as_ref().and_then(|present| present.end)
    }

    /// Lets nobody in any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        if let Some(call) = self.inside().knocking.take() {
            call.refuse(GuestRefusal::Failed, "the channel goes off air");
        }
    }
}

pub(crate) fn refused(why: GuestRefusal, text: impl Into<String>) -> GuestAnswer {
    GuestAnswer::Refused { why, text: text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(second: SecondPublisher) -> Arc<Door> {
        Door::new(Some(Secret::new("0123456789abcdef")), second)
    }

    fn why(answer: Result<(String, Receiver<GuestAnswer>), GuestAnswer>) -> Option<GuestRefusal> {
        match answer {
            Err(GuestAnswer::Refused { why, .. }) => Some(why),
            _ => None,
        }
    }

    #[test]
    fn only_the_key_fits() {
        let door = door(SecondPublisher::Refuse);
        assert!(door.fits(&Secret::new("0123456789abcdef")));
        for wrong in ["", "0123456789abcde", "0123456789abcdef ", "x"] {
            assert!(!door.fits(&Secret::new(wrong)), "{wrong}");
        }
        assert!(!Door::new(None, SecondPublisher::Refuse).fits(&Secret::new("")), "without a key nobody is admitted");
    }

    #[test]
    fn the_first_guest_stays_as_long_as_it_delivers() {
        let door = door(SecondPublisher::Refuse);
        let (first, _answer) = door.knock("a".into(), false).unwrap();
        assert_eq!(why(door.knock("b".into(), false)), Some(GuestRefusal::Occupied), "one at a time knocks");
        assert_eq!(door.next(Duration::ZERO).unwrap().session, first);
        assert_eq!(why(door.knock("b".into(), true)), Some(GuestRefusal::Occupied));
        assert_eq!(door.ended(), None);
        let (second, _answer) = door.knock("b".into(), false).unwrap();
        assert!(door.ended().is_some(), "a silent one makes room");
        assert_eq!(door.next(Duration::ZERO).unwrap().session, second);
        assert_eq!(door.ended(), None);
    }

    #[test]
    fn by_policy_the_newest_takes_over() {
        let door = door(SecondPublisher::Replace);
        door.knock("a".into(), false).unwrap();
        door.next(Duration::ZERO).unwrap();
        door.knock("b".into(), true).unwrap();
        assert_eq!(door.ended(), Some("another guest took over"));
    }

    #[test]
    fn a_guest_leaves_its_own_session_only() {
        let door = door(SecondPublisher::Refuse);
        let (session, _answer) = door.knock("a".into(), false).unwrap();
        assert!(!door.leave(&session), "not yet seen");
        door.next(Duration::ZERO).unwrap();
        assert!(!door.leave("another"));
        assert!(door.leave(&session));
        assert_eq!(door.ended(), Some("the guest left"));
        assert!(door.next(Duration::ZERO).is_none(), "then it is vacant");
        assert!(!door.leave(&session));
    }

    #[test]
    fn whoever_is_not_answered_is_told() {
        let door = door(SecondPublisher::Refuse);
        let (_, answer) = door.knock("a".into(), false).unwrap();
        door.close();
        assert!(matches!(answer.recv().unwrap(), GuestAnswer::Refused { why: GuestRefusal::Failed, .. }));
        assert_eq!(why(door.knock("b".into(), false)), Some(GuestRefusal::Failed));
        let other = Door::new(None, SecondPublisher::Refuse);
        let (_, answer) = other.knock("a".into(), false).unwrap();
        drop(other.next(Duration::ZERO));
        assert!(answer.recv().is_err(), "a call that is dropped ends the wait");
    }
}
