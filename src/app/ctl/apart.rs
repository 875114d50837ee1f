//! Verbs with a way of their own: they judge, and exit with what they found, or ask others than the daemon's API.

use std::process::ExitCode;

use clap::Subcommand;

use super::arguments::Arguments;
use super::client::{Client, Failure};
use super::here::local;
use super::{destinations, doctor, ended, failed, onvif, say, sessions, upgrade};

/// What does not end like other verbs.
#[derive(Debug, Subcommand)]
pub(super) enum Apart {
    /// Look at the whole box: cards, encoders, clock, disks, lines, rights; what is wrong, and what to do.
    Doctor(doctor::Where),
    /// Try a destination without going live: name, connection, certificate, credentials, rate. Exits as doctor does.
    Probe(destinations::Named),
    /// Install another version of the package; the one before is put back if channels do not come through it.
    Upgrade(upgrade::UpgradeArguments),
    /// Change one's own password, by the network, at http://127.0.0.1:8080 if --api says nothing else.
    Password(sessions::PasswordArguments),
    /// Pack what a support engineer asks for into one file, without secrets.
    SupportBundle(doctor::BundleArguments),
    /// Ask a network camera by ONVIF for its streams, and say what to write for them.
    Onvif(onvif::OnvifArguments),
}

impl Apart {
    /// Does it, and prints what is to be said.
    pub(super) async fn run(&self, arguments: &Arguments) -> ExitCode {
        let (reach, json) = (&arguments.reach, arguments.json);
        match self {
            Self::Doctor(place) => judged(doctor::doctor(Client::new(reach), place, json).await),
            Self::Upgrade(wanted) => {
                judged(upgrade::upgrade(Client::new(reach), wanted, arguments.reason(), json).await)
            }
            Self::Probe(named) => match probe(arguments, named).await {
                Ok(found) => judged(found),
                Err(failure) => failed(&failure),
            },
            Self::Onvif(wanted) => local(onvif::streams(wanted, json).await),
            Self::Password(wanted) => ended(password(arguments, wanted).await),
            Self::SupportBundle(asked) => local(doctor::bundle(Client::new(reach), asked).await),
        }
    }
}

fn judged((text, code): (String, ExitCode)) -> ExitCode {
    say(&text);
    code
}

async fn probe(arguments: &Arguments, named: &destinations::Named) -> Result<(String, ExitCode), Failure> {
    doctor::probe(&Client::new(&arguments.reach)?, named, arguments.json).await
}

pub(super) async fn password(arguments: &Arguments, wanted: &sessions::PasswordArguments) -> Result<String, Failure> {
    sessions::own_password(&Client::new(&arguments.reach.by_network())?, wanted).await
}
