//! `uplinkctl session` and `password`: who is logged in, and one's own password.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::client::{Client, Failure};
use super::people::password;
use crate::access::{Presence, Present, Role, Seat, SessionView};

#[derive(Debug, Subcommand)]
pub(crate) enum SessionVerb {
    /// One's own; everybody's for an admin.
    List,
    /// Who follows the box now: panels and programs, whoever they log in by.
    Present,
    /// End one: whoever has it has to log in again.
    End {
        /// Its id, as `session list` shows it.
        id: String,
    },
}

/// `uplinkctl password …`.
#[derive(Debug, clap::Args)]
pub(crate) struct PasswordArguments {
    /// Whose; it is asked for the password that is, then for the one to be.
    name: String,
    /// File with the password that is.
    #[arg(long, value_name = "FILE")]
    current_file: Option<PathBuf>,
    /// File with the password to be.
    #[arg(long, value_name = "FILE")]
    new_file: Option<PathBuf>,
}

pub(crate) async fn session(client: &Client, verb: &SessionVerb, json: bool) -> Result<String, Failure> {
    match verb {
        SessionVerb::List => {
            let (text, sessions): (_, Vec<SessionView>) = client.get("api/v1/sessions").await?;
            Ok(if json { text } else { sessions.iter().map(line).collect() })
        }
        SessionVerb::Present => {
            let (text, all): (_, Presence) = client.get("api/v1/presence").await?;
            Ok(if json { text } else { all.present.iter().map(here).collect() })
        }
        SessionVerb::End { id } => {
            client.delete(&format!("api/v1/sessions/{id}")).await?;
            Ok(format!("{id} has ended\n"))
        }
    }
}

/// Logs in, changes it, and logs out: a token, or the box's socket, is nobody who has a password.
pub(crate) async fn own_password(client: &Client, wanted: &PasswordArguments) -> Result<String, Failure> {
    let current = password("Password now: ", wanted.current_file.as_deref())?;
    let new = password("New password: ", wanted.new_file.as_deref())?;
    let session = client.log_in(&wanted.name, &current).await?;
    let changed = client.change_password(&session, json!({ "current": current, "new": new })).await;
    client.log_out(&session).await;
    changed?;
    Ok(format!("{} has another password; its other sessions have ended\n", wanted.name))
}

fn line(session: &SessionView) -> String {
    let own = if session.own { "  this one" } else { "" };
    let SessionView { id, user, from, last_used, ends, agent, connected, .. } = session;
    let now = if *connected > 0 { format!("connected ({connected})") } else { "not connected".to_owned() };
    format!("{id}  {user:<16}  {from:<16}  {now:<13}  last used {last_used}, ends {ends}  {agent}{own}\n")
}

fn here(one: &Present) -> String {
    let Present { name, role, seat, streams, since } = one;
    let role = role.map_or("-", Role::as_str);
    let seat = match seat {
        Seat::Panel => "panel",
        Seat::Program => "program",
    };
    format!("{name:<16}  {role:<8}  {seat:<7}  {streams} open, since {since}\n")
}
