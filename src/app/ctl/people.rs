//! `uplinkctl user`, `token` and `audit`: who may what, and who did what.

use std::fmt::Write as _;
use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{Client, Failure};
use crate::access::{AuditRow, Role, Scope, TokenView, UserView};
use crate::model::MediaTime;

#[derive(Debug, Subcommand)]
pub(crate) enum UserVerb {
    /// All of them.
    List,
    /// Add one; the password is read from the terminal, or the first line of standard input.
    Add {
        /// Name: a-z, 0-9, ., _ and -.
        name: String,
        /// What it may.
        role: Role,
        /// File with the password.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Change one; it has to log in again.
    Set {
        /// Its name.
        name: String,
        /// What it may.
        #[arg(long)]
        role: Option<Role>,
        /// Keep it from logging in.
        #[arg(long, conflicts_with = "enable")]
        disable: bool,
        /// Let it log in again.
        #[arg(long)]
        enable: bool,
        /// Give it another password, read as for `add`.
        #[arg(long)]
        password: bool,
        /// File with the new password.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Remove one; its sessions end.
    Remove {
        /// Its name.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenVerb {
    /// All of them.
    List,
    /// Make one; it is printed once, and never again.
    Create {
        /// What it is for: a-z, 0-9, ., _ and -.
        name: String,
        /// What it may.
        #[arg(long)]
        role: Option<Role>,
        /// What it may beside; repeatable.
        #[arg(long)]
        scope: Vec<Scope>,
        /// Days until it expires.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: Option<u32>,
    },
    /// Revoke one.
    Revoke {
        /// Its id, the middle of upl_<id>_<secret>.
        id: String,
    },
}

pub(crate) async fn user(client: &Client, verb: &UserVerb, json: bool) -> Result<String, Failure> {
    match verb {
        UserVerb::List => {
            let (text, users): (_, Vec<UserView>) = client.get("api/v1/users").await?;
            Ok(if json { text } else { users.iter().map(user_line).collect() })
        }
        UserVerb::Add { name, role, password_file } => {
            let password = password("Password: ", password_file.as_deref())?;
            let body = json!({ "name": name, "role": role, "password": password });
            let (text, _) = client.post("api/v1/users", Some(body)).await?;
            Ok(if json { text } else { format!("{name} may log in as {}\n", role.as_str()) })
        }
        UserVerb::Set { name, role, disable, enable, password: asked, password_file } => {
            let mut body = serde_json::Map::new();
            body.extend(role.map(|role| ("role".to_owned(), json!(role))));
            body.extend((*disable || *enable).then(|| ("disabled".to_owned(), json!(*disable))));
            if *asked || password_file.is_some() {
                body.insert("password".to_owned(), json!(password("Password: ", password_file.as_deref())?));
            }
            let (text, _) = client.patch(&format!("api/v1/users/{name}"), Value::Object(body)).await?;
            Ok(if json { text } else { format!("{name} is changed and has to log in again\n") })
        }
        UserVerb::Remove { name } => {
            client.delete(&format!("api/v1/users/{name}")).await?;
            Ok(format!("{name} is removed\n"))
        }
    }
}

pub(crate) async fn token(client: &Client, verb: &TokenVerb, json: bool) -> Result<String, Failure> {
    match verb {
        TokenVerb::List => {
            let (text, tokens): (_, Vec<TokenView>) = client.get("api/v1/tokens").await?;
            Ok(if json { text } else { tokens.iter().map(token_line).collect() })
        }
        TokenVerb::Create { name, role, scope, days } => {
            let until = days.map(|days| SystemTime::now() + Duration::from_secs(u64::from(days) * 86_400));
            let expires = until.map(MediaTime::from_system);
            let body = json!({ "name": name, "role": role, "scopes": scope, "expires": expires });
            let (text, made) = client.post("api/v1/tokens", Some(body)).await?;
            // Nothing else, so that it can go straight into a file.
            Ok(if json { text } else { format!("{}\n", made["token"].as_str().unwrap_or_default()) })
        }
        TokenVerb::Revoke { id } => {
            client.delete(&format!("api/v1/tokens/{id}")).await?;
            Ok(format!("{id} is revoked\n"))
        }
    }
}

pub(crate) async fn audit(client: &Client, number: usize, json: bool) -> Result<String, Failure> {
    let (text, page): (_, Value) = client.get(&format!("api/v1/audit?limit={number}")).await?;
    if json {
        return Ok(text);
    }
    let rows: Vec<AuditRow> = serde_json::from_value(page["items"].clone()).unwrap_or_default();
    Ok(rows.iter().rev().map(act_line).collect())
}

fn user_line(user: &UserView) -> String {
    let disabled = if user.disabled { "  may not log in" } else { "" };
    format!("{:<24}  {:<8}{disabled}\n", user.name, user.role.as_str())
}

fn token_line(token: &TokenView) -> String {
    let role = token.role.map_or("-", Role::as_str);
    let mut line = format!("{}  {:<24}  {role:<8}", token.id, token.name);
    for scope in &token.scopes {
        let _ = write!(line, "  {}", json!(scope).as_str().unwrap_or_default());
    }
    if let Some(expires) = token.expires {
        let _ = write!(line, "  until {expires}");
    }
    line + "\n"
}

fn act_line(row: &AuditRow) -> String {
    let entry = &row.entry;
    let answer = entry.code.as_deref().unwrap_or("done");
    let method = entry.action.split(' ').next().unwrap_or_default();
    format!("{}  {:<16}  {:<16}  {method:<6} {}: {answer}\n", entry.at, entry.who, entry.from, entry.target)
}

/// From the file; else from the terminal, which does not show it; else the first line of what comes in.
pub(super) fn password(prompt: &str, file: Option<&Path>) -> Result<String, Failure> {
    let named = file.unwrap_or(Path::new("standard input")).to_owned();
    let failed = |cause: std::io::Error| Failure::File { path: named, cause: cause.to_string() };
    let text = match file {
        Some(path) => std::fs::read_to_string(path).map_err(failed)?,
        None => {
            let shown = std::io::stdin().is_terminal();
            if shown {
                eprint!("{prompt}");
                echo(false);
            }
            let mut line = String::new();
            let read = std::io::stdin().lock().read_line(&mut line);
            if shown {
                echo(true);
                eprintln!();
            }
            read.map_err(failed)?;
            line
        }
    };
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Whether the terminal shows what is typed; where that cannot be changed, it does.
fn echo(on: bool) {
    let _ = Command::new("stty").arg(if on { "echo" } else { "-echo" }).stdin(Stdio::inherit()).status();
}
