//! `uplinkctl top`: the channels live in a terminal.
//!
//! ```text
//! events (SSE) ─┐
//! alarms (GET) ─┴▶ feed ──news──▶ board ──▶ view ──lines──▶ screen
//!                                                    keys ──┘
//! ```
//!
//! Owns: what a board knows and how it looks. Must not: order anything, or let what is old look new: without word from
//! the daemon it says LAST KNOWN, how old that is, and draws no meters.

mod ansi;
mod board;
mod feed;
mod keys;
mod screen;
mod view;

use std::io::IsTerminal;

use tokio::time::Instant;

use self::board::Board;
use super::client::{Client, Failure};
use super::graphics::local;

/// Columns where nobody says how wide it is.
const PLAIN: usize = 120;

/// `uplinkctl top`.
#[derive(Debug, clap::Args)]
pub(crate) struct TopArguments {
    /// Print it once, plainly, and end.
    #[arg(long)]
    once: bool,
}

pub(crate) async fn perform(client: &Client, wanted: &TopArguments, json: bool) -> Result<String, Failure> {
    if wanted.once {
        return once(client, json).await;
    }
    if json {
        return Err(local("not_live", "JSON of what happens is `uplinkctl --json events --follow`".to_owned()));
    }
    if !(std::io::stdout().is_terminal() && std::io::stdin().is_terminal()) {
        let why = "`top` needs a terminal to draw on; use `uplinkctl top --once`, or `uplinkctl status`";
        return Err(local("no_terminal", why.to_owned()));
    }
    screen::run(client).await
}

async fn once(client: &Client, json: bool) -> Result<String, Failure> {
    let mut board = Board::default();
    let text = feed::fill(client, &mut board).await?;
    Ok(if json { text } else { view::plain(&board, Instant::now(), PLAIN) })
}
