//! Who is told of alarms, and how that stands.

use serde::{Deserialize, Serialize};
use url::Url;

use super::alarm::{AlarmNews, AlarmNotice, AlarmPriority};
use super::secret::Secret;
use super::time::MediaTime;

/// Name of the e-mail, where webhooks have names of their own.
pub const MAIL: &str = "email";

/// What somebody wants to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Of these priorities.
    pub priorities: Vec<AlarmPriority>,
    /// When this happens.
    pub news: Vec<AlarmNews>,
}

impl Wanted {
    /// Whether `notice` is wanted. An alarm that is put aside is nobody's, but that it was put aside may be.
    pub fn wants(&self, notice: &AlarmNotice) -> bool {
        let shelving = matches!(notice.news, AlarmNews::Shelved | AlarmNews::Unshelved);
        let aside = notice.alarm.shelved.is_some() && !shelving;
        !aside && self.priorities.contains(&notice.alarm.priority) && self.news.contains(&notice.news)
    }
}

/// An address that is told by HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its name.
    pub name: String,
    /// Where to. It may hold a secret.
    pub url: Url,
    /// What requests are signed with; none only where credentials cannot be looked at.
    pub secret: Option<Secret>,
    /// What it is told.
    pub wanted: Wanted,
}

/// How a mail server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// The connection has to become TLS before anything is said.
    StartTls,
    /// In the clear.
    Off,
}

/// People who are told by e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Host name or address of the server.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How it is spoken to.
    pub tls: MailTls,
    /// Sender.
    pub from: String,
    /// Recipients.
    pub to: Vec<String>,
    /// User and password.
    pub login: Option<(String, Secret)>,
    /// What they are told.
    pub wanted: Wanted,
    /// Most mails in an hour.
    pub per_hour: u32,
}

/// Everybody who is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notified {
    /// By HTTP.
    pub webhooks: Vec<Webhook>,
    /// By e-mail.
    pub mail: Option<Mail>,
}

/// How it stands with one of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct NotifyStatus {
    /// Name of the webhook, or `email`.
    pub name: String,
    /// Where to, without what may be secret.
    pub to: String,
    /// Notices that wait.
    pub waiting: u64,
    /// Notices that arrived, since the daemon came up.
    pub delivered: u64,
    /// Notices that were given up, since the daemon came up.
    pub dropped: u64,
    /// Attempts that failed in a row.
    pub failures: u64,
    /// It has said that it wants nothing any more.
    pub disabled: bool,
    /// When the last one arrived.
    pub last_delivered: Option<MediaTime>,
    /// Why the last attempt failed, if it did.
    pub last_error: Option<String>,
}
