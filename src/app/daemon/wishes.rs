//! What control surfaces ask of the supervisor.

use std::time::Duration;

use crate::model::status::ProgramOrder;
use crate::model::{LiveChange, TakeOrder, Transition};
use crate::supervisor::{Command, Handle};
use crate::surface::{CarryOut, Wish};

/// The supervisor bounds every command; this catches a supervisor that does not.
const BOUND: Duration = Duration::from_secs(60);

/// Asks `handle`.
pub(super) fn carry_out(handle: Handle) -> CarryOut {
    Box::new(move |wish| {
        let handle = handle.clone();
        Box::pin(async move {
            match tokio::time::timeout(BOUND, handle.ask(command(wish))).await {
                Ok(Ok(outcome)) => Ok(outcome.text),
                Ok(Err(refusal)) => Err(refusal.to_string()),
                Err(_) => Err("the supervisor does not answer".to_owned()),
            }
        })
    })
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
