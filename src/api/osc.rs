//! Orders by OSC, as the same orders by this API: the same guards, and each in the audit log.
//!
//! ```text
//! wish, sender ─▶ row of its route (guards) ─▶ supervisor ─▶ what happened
//!                    └ held by a freeze ─▶ refused        either way an entry, by `osc ADDRESS`
//! ```

use std::net::SocketAddr;
use std::time::SystemTime;

use axum::http::StatusCode;
use serde_json::json;

use super::access::audited_channel;
use super::channels::carried_out;
use super::guards::{self, Freezer};
use super::problem::Problem;
use crate::access::{Access, AuditEntry, By, Caller, Peer, Role, Via};
use crate::model::status::ProgramOrder;
use crate::model::{ChannelId, LiveChange, MediaTime, SourceId};
use crate::supervisor::{Command, Handle};
use crate::surface::{CarryOut, Wish};

/// Has `handle` do what is wished, unless what `freezer` holds is in the way; `access` writes it down.
pub fn by_osc(handle: Handle, freezer: Freezer, access: Access) -> CarryOut {
    let desk = Desk { handle, freezer, access };
    Box::new(move |wish, sender| {
        let desk = desk.clone();
        Box::pin(async move { desk.act(wish, sender).await })
    })
}

#[derive(Clone)]
struct Desk {
    handle: Handle,
    freezer: Freezer,
    access: Access,
}

impl Desk {
    async fn act(&self, wish: Wish, sender: SocketAddr) -> Result<String, String> {
        let (verb, channel, _) = parts(&wish);
        let channel = channel.clone();
        let mut entry = entry(&wish, sender);
        entry.before = audited_channel(&self.handle.status().borrow(), channel.as_str());
        let done = self.done(verb, &channel, wish).await;
        entry.after = audited_channel(&self.handle.status().borrow(), channel.as_str());
        entry.at = MediaTime::from_system(SystemTime::now());
        (entry.status, entry.code) = match &done {
            Ok(_) => (StatusCode::OK.as_u16(), None),
            Err(problem) => (problem.status().as_u16(), Some(problem.code().to_owned())),
        };
        self.access.record(&entry);
        done.map_err(|problem| problem.detail().to_owned())
    }

    async fn done(&self, verb: &str, channel: &ChannelId, wish: Wish) -> Result<String, Problem> {
        guards::admit_plain(&self.freezer, &route(verb), channel)?;
        Ok(carried_out(&self.handle, command(wish)).await?.text)
    }
}

/// The route of the same order.
fn route(verb: &str) -> String {
    format!("/api/v1/channels/{{id}}/{verb}")
}

fn parts(wish: &Wish) -> (&'static str, &ChannelId, Option<&SourceId>) {
    match wish {
        Wish::Take(channel, source) => ("take", channel, source.as_ref()),
        Wish::Preview(channel, source) => ("preview", channel, source.as_ref()),
        Wish::Slate(channel) => ("slate", channel, None),
        Wish::Release(channel) => ("release", channel, None),
    }
}

/// Whom the configuration lets send drives channels, as an operator does; who that is nobody knows but by the address.
fn entry(wish: &Wish, sender: SocketAddr) -> AuditEntry {
    let (verb, channel, source) = parts(wish);
    let ip = sender.ip().to_canonical();
    let via = Via { peer: Peer::Network(ip), encrypted: false };
    let caller = Caller { name: format!("osc {ip}"), role: Some(Role::Operator), by: By::Osc, via };
    let (action, target) = (format!("OSC /uplink/{{channel}}/{verb}"), format!("/uplink/{channel}/{verb}"));
    let asked = source.map(|source| json!({ "source": source }));
    AuditEntry { asked, ..AuditEntry::by(Some(&caller), &via, action, target) }
}

fn command(wish: Wish) -> Command {
    match wish {
        Wish::Take(channel, Some(source)) => Command::Take(channel, source),
        Wish::Take(channel, None) => Command::Show(channel, Box::default()),
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
    use super::super::guards::tier_of;
    use super::*;

    /// A surface can neither confirm nor say why something should not wait.
    #[test]
    fn what_a_surface_may_wish_is_free_as_the_same_order_by_the_api() {
        let (freezer, channel) = (Freezer::idle(), ChannelId::new("demo").unwrap());
        let freeze = json!({ "since": "2026-11-22T19:00:00Z", "reason": "Cup final" });
        freezer.begin(serde_json::from_value(freeze).unwrap());
        let source = || Some(SourceId::new("cam").unwrap());
        for wish in [
            Wish::Take(channel.clone(), source()),
            Wish::Preview(channel.clone(), source()),
            Wish::Slate(channel.clone()),
            Wish::Release(channel.clone()),
        ] {
            let pattern = route(parts(&wish).0);
            let row = tier_of("POST", &pattern).unwrap_or_else(|| panic!("no route {pattern}"));
            assert!(!row.tier.is_confirmed(), "{pattern}");
            assert!(guards::admit_plain(&freezer, &pattern, &channel).is_ok(), "{pattern}");
        }
        let held = guards::admit_plain(&freezer, &route("stop"), &channel);
        assert_eq!(held.map_err(|problem| problem.code()), Err("frozen"), "what is held by the API is held here");
    }
}
