//! Verbs for what the box keeps: recordings, images, stream classes, the configuration, people, freezes. Each has its own words.

use clap::Subcommand;

use super::client::{Client, Failure};
use super::order::command;
use super::{alarms, classes, config, freeze, graphics, people, recordings, sessions};

/// What can be managed.
#[derive(Debug, Subcommand)]
pub(super) enum Manage {
    /// Recordings: list, verify, stitch to one MP4, cut, upload, delete.
    Recording(recordings::RecordingArguments),
    /// The images of the box, for slates and logos.
    Image {
        #[command(subcommand)]
        verb: graphics::ImageVerb,
    },
    /// Stream classes: list, versions, differences, apply, roll back.
    Classes(classes::ClassesArguments),
    /// The configuration in force, key by key, with its line in the file; or put another text in force.
    Config(config::ConfigArguments),
    /// Freeze the box, or some channels, for a show: nothing is stopped, removed or configured otherwise.
    Freeze(freeze::FreezeArguments),
    /// End the freeze.
    Unfreeze(freeze::UnfreezeArguments),
    /// Who is told of alarms.
    Notify {
        #[command(subcommand)]
        verb: Option<alarms::NotifyVerb>,
    },
    /// Who may log in, and what they may.
    User {
        #[command(subcommand)]
        verb: people::UserVerb,
    },
    /// What programs show for themselves.
    Token {
        #[command(subcommand)]
        verb: people::TokenVerb,
    },
    /// Who is logged in.
    Session {
        #[command(subcommand)]
        verb: sessions::SessionVerb,
    },
}

impl Manage {
    /// Does it, and says what came of it.
    pub(super) async fn perform(&self, client: &Client, json: bool) -> Result<String, Failure> {
        match self {
            Self::Recording(wanted) => recordings::perform(client, wanted, json).await,
            Self::Image { verb } => graphics::image(client, verb, json).await,
            Self::Classes(wanted) => classes::perform(client, wanted, json).await,
            Self::Config(wanted) => config::perform(client, wanted, json).await,
            Self::Freeze(wanted) => freeze::freeze(client, wanted, json).await,
            Self::Unfreeze(wanted) => freeze::unfreeze(client, wanted, json).await,
            Self::Notify { verb: None | Some(alarms::NotifyVerb::List) } => alarms::notify(client, json).await,
            Self::Notify { verb: Some(alarms::NotifyVerb::Test { name }) } => {
                command(client, &format!("notify/{name}/test"), None, json).await
            }
            Self::User { verb } => people::user(client, verb, json).await,
            Self::Token { verb } => people::token(client, verb, json).await,
            Self::Session { verb } => sessions::session(client, verb, json).await,
        }
    }
}
