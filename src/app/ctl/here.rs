//! Verbs that ask nobody: a configuration on this machine, and what shells and `man` read.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::{Exit, guest_link, say, shell};
use crate::app::check;
use crate::model::{ChannelId, SourceId};

/// What needs no network.
#[derive(Debug, Subcommand)]
pub(super) enum Here {
    /// Check a configuration without a daemon; names every fault at once.
    Check {
        /// Directory with uplinkd.toml, or the file itself [default: /etc/uplink].
        dir: Option<PathBuf>,
        /// Where its daemon keeps stream classes of the site's own [default: /var/lib/uplink, of /etc/uplink alone].
        #[arg(long, value_name = "DIR")]
        state_dir: Option<PathBuf>,
    },
    /// Print the link for a guest's browser. It holds the key: whoever has it may publish.
    GuestLink {
        /// The channel's id.
        channel: ChannelId,
        /// The source's id; of kind `whip`.
        source: SourceId,
        /// Directory with uplinkd.toml, or the file itself [default: /etc/uplink].
        #[arg(long)]
        config: Option<PathBuf>,
        /// Address under which guests reach this box, https for any but its own browser [default: that of --api].
        #[arg(long)]
        base: Option<url::Url>,
    },
    /// Print what a shell needs to complete this command line.
    Completions {
        /// Which.
        shell: shell::Completing,
    },
    /// Write manual pages.
    #[command(hide = true)]
    Man {
        /// Where to.
        dir: PathBuf,
    },
}

impl Here {
    /// Does it, and prints what is to be said. `api` is where the daemon would be asked.
    pub(super) fn run(&self, api: Option<&url::Url>, json: bool) -> ExitCode {
        local(match self {
            Self::Check { dir, state_dir } => return check::run(dir.clone(), state_dir.clone(), json),
            Self::GuestLink { channel, source, config, base } => {
                guest_link::link(config.clone(), base.as_ref().or(api), channel, source).map(|link| format!("{link}\n"))
            }
            Self::Completions { shell } => Ok(shell::completions(*shell)),
            Self::Man { dir } => shell::pages(dir).map(|()| String::new()),
        })
    }
}

/// The end of a verb that needs no daemon.
pub(super) fn local(done: Result<String, String>) -> ExitCode {
    match done {
        Ok(text) => {
            say(&text);
            Exit::Done.into()
        }
        Err(reason) => {
            eprintln!("uplinkctl: {reason}");
            Exit::Failed.into()
        }
    }
}
