//! What control surfaces ask of the supervisor. Who presses a key is not known; from where it came is, and the audit log says
//! so.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;

use crate::access::{Access, AuditEntry, Peer, Via};
use crate::api::audited_channel;
use crate::model::status::ProgramOrder;
use crate::model::{LiveChange, TakeOrder, Transition};
use crate::supervisor::{Command, Handle};
use crate::surface::{CarryOut, Wish};

/// The supervisor bounds every command; this catches a supervisor that does not.
const BOUND: Duration = Duration::from_secs(60);

/// Asks `handle`, and writes it down in the audit log of `access`.
pub(super) fn carry_out(handle: Handle, access: Access) -> CarryOut {
    Box::new(move |wish, from| {
        let (handle, access) = (handle.clone(), access.clone());
        Box::pin(async move {
            let mut entry = entry(&wish, from);
            let channel = wish.channel().clone();
            let now = || audited_channel(&handle.status().borrow(), channel.as_str());
            entry.before = now();
            let answer = match tokio::time::timeout(BOUND, handle.ask(command(wish))).await {
                Ok(Ok(outcome)) => Ok(outcome.text),
                Ok(Err(refusal)) => Err(refusal.to_string()),
                Err(_) => Err("the supervisor does not answer".to_owned()),
            };
            (entry.after, entry.status) = (now(), if answer.is_ok() { 200 } else { 409 });
            entry.code = answer.as_ref().err().map(|_| "refused".to_owned());
            access.record(&entry);
            answer
        })
    })
}

fn entry(wish: &Wish, from: IpAddr) -> AuditEntry {
    let (verb, source) = match wish {
        Wish::Take(_, source) => ("take", source.as_ref()),
        Wish::Preview(_, source) => ("preview", source.as_ref()),
        Wish::Slate(_) => ("slate", None),
        Wish::Release(_) => ("release", None),
    };
    let via = Via { peer: Peer::Network(from), encrypted: false };
    let target = format!("/uplink/{}/{verb}", wish.channel());
    let mut entry = AuditEntry::by(None, &via, format!("OSC {verb}"), target);
    (entry.who, entry.by) = ("a control surface".to_owned(), "osc".to_owned());
    entry.asked = source.map(|source| json!({"source": source}));
    entry
}

fn command(wish: Wish) -> Command {
    match wish {
        Wish::Take(channel, Some(source)) => Command::Take(channel, source),
        Wish::Take(channel, None) => {
            let order = TakeOrder { order: None, transition: Transition::default(), at: None };
            Command::Show(channel, Box::new(order))
        }
        Wish::Preview(channel, source) => {
            let order = source.map(|source| ProgramOrder::Source { source });
            Command::Change(channel, LiveChange::Preview { order })
        }
        Wish::Slate(channel) => Command::Slate(channel),
        Wish::Release(channel) => Command::Release(channel),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::rig::{id, outcome, rig};
    use crate::store::Accounts;
    use crate::supervisor::Refusal;

    #[tokio::test]
    async fn what_a_control_surface_asks_is_in_the_audit_log() {
        let dir = tempfile::tempdir().unwrap();
        let (handle, mut rig) = rig(dir.path());
        let access = Access::of(Accounts::new(&dir.path().join("access.db")), dir.path(), true).await;
        let act = carry_out(handle, access.clone());
        let from = "192.0.2.7".parse().unwrap();
        let taken = tokio::spawn(act(Wish::Take(id("demo"), Some("clip".parse().unwrap())), from));
        let (_, reply) = rig.requests.recv().await.unwrap();
        rig.change(|status| status.channels[0].live.slate_text = Some("changed meanwhile".into()));
        reply.send(Ok(outcome("taken"))).unwrap();
        assert_eq!(taken.await.unwrap(), Ok("taken".to_owned()));
        let refused = tokio::spawn(act(Wish::Slate(id("late-show")), from));
        let (_, reply) = rig.requests.recv().await.unwrap();
        reply.send(Err(Refusal::OffAir(id("late-show")))).unwrap();
        assert!(refused.await.unwrap().is_err());
        let rows = access.audited(None, 10).await.unwrap();
        let said: Vec<_> = rows.iter().map(|row| (row.entry.action.as_str(), row.entry.status)).collect();
        assert_eq!(said, [("OSC slate", 409), ("OSC take", 200)]);
        let take = &rows[1].entry;
        assert_eq!(
            (take.who.as_str(), take.by.as_str(), take.from.as_str()),
            ("a control surface", "osc", "192.0.2.7")
        );
        assert_eq!((take.asked.clone(), take.target.as_str()), (Some(json!({"source": "clip"})), "/uplink/demo/take"));
        assert_ne!(take.before, take.after);
    }
}
