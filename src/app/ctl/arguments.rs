//! The command line as a whole: what holds for every verb, and which verbs there are.

use clap::{Parser, Subcommand};

use super::apart::Apart;
use super::client::{Client, Failure, Reach};
use super::consent::Consent;
use super::here::Here;
use super::look::Look;
use super::manage::Manage;
use super::order::Order;

const EXAMPLES: &str = "\
Examples:
  uplinkctl status                       every channel: on air or not, how well, and why not
  uplinkctl top                          the channels live; q ends
  uplinkctl status demo                  one channel with sources, renditions and destinations
  uplinkctl slate demo                   show the slate now; `release` shows the source again
  uplinkctl take demo cam-2              show another source
  uplinkctl guest-link demo guest        the link for a guest's browser
  uplinkctl image put station.png        send an image to the box
  uplinkctl overlay demo logo station.png --place top-left
  uplinkctl overlay demo lower-third 'Ada Lovelace' Mathematician
  uplinkctl overlay demo off lower-third take it away
  uplinkctl slate-set demo --text 'Back at nine' --countdown-to 2026-11-22T20:00:00Z
  uplinkctl failover demo cloud backup-1 send it to its backup by hand; `auto` leaves it to the rules
  uplinkctl pair release demo cloud      the other box of the pair delivers, this one stands by
  uplinkctl drill demo cloud             how long the backup would take, tried beside the primary
  uplinkctl probe demo cloud             whether it would take the program, tried without going live
  uplinkctl record start demo --title 'Evening show'
  uplinkctl record marker demo Goal      to find it again; `record stop demo` ends the recording
  uplinkctl show begin demo 'Cup final'  count and measure from here as one show; `cost` says what it took
  uplinkctl cue demo out --id break-7 --duration 30s --pre-roll 5s
  uplinkctl cue demo in                  return at once; `cue demo cancel break-7` takes back what has not begun
  uplinkctl metadata demo X-HOME=2 X-AWAY=1 --class com.example.score
  uplinkctl recording stitch demo/last   one MP4 of the newest recording
  uplinkctl recording upload demo/last --to cloud
  uplinkctl devices                      what is plugged in, and what to write for it
  uplinkctl onvif 192.0.2.7 --user studio --password-file camera.password
                                         the streams of a network camera, and what to write for them
  uplinkctl doctor                       what is wrong with the box, with or without its daemon
  uplinkctl support-bundle               a file for whoever helps from elsewhere, without secrets
  uplinkctl check /etc/uplink            look for faults before `uplinkctl reload`
  uplinkctl reload --dry-run             what a reload would change on air, and what it would interrupt
  uplinkctl config apply uplinkd.toml --dry-run
                                         what another configuration would do; without it, it is put in force
  uplinkctl classes apply talk-720p30.toml --dry-run
                                         what another text of a stream class would do; `classes --help` says more
  uplinkctl freeze --for 3h --reason 'Cup final'
                                         nothing is stopped, removed or configured; `unfreeze` ends it
  sudo uplinkctl upgrade uplinkd_0.2.0-1_amd64.deb
                                         another version, on air; the one before is put back if it does no good
  uplinkctl stop demo --yes              without being asked; --override REASON breaks a freeze
  uplinkctl alarms                       what is wrong, and what to do about it
  uplinkctl alarm ack source_lost.demo.cam-2 --by Ada
  uplinkctl alarm shelve off_air.demo --minutes 10 --reason 'the origin is being moved'
  uplinkctl notify test ops              whether news of alarms reach a webhook, or `email`
  uplinkctl events --follow              what happens, as it happens
  uplinkctl timeline --from 2026-11-22T19:00:00Z --types act,program
                                         who pressed what, and what went out
  sudo uplinkctl user add ada operator   let somebody log in; asks for the password
  sudo uplinkctl token create robot --scope metrics > robot.token
  uplinkctl completions bash > ~/.local/share/bash-completion/completions/uplinkctl
  uplinkctl --api http://10.0.0.7:8080 --json status | jq .health

Exit codes:
  0   done
  1   refused or failed
  2   wrong usage
  3   the daemon cannot be reached
  64  faulty configuration
  upgrade: 1 also if the version before was put back, 4 if that did not help
  doctor: 0 nothing to do, 1 warnings, 2 faults";

/// Drives and inspects an Uplink appliance.
#[derive(Debug, Parser)]
#[command(name = "uplinkctl", version, after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) reach: Reach,

    /// Print JSON, as the API answers, for other programs.
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// Confirm what viewers would notice, without being asked.
    #[arg(long, global = true)]
    yes: bool,

    /// Do it although it is frozen, and say why: that is recorded.
    #[arg(long = "override", value_name = "REASON", global = true)]
    reason_to_override: Option<String>,

    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// Verbs by how they end.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    #[command(flatten)]
    Ask(Ask),
    #[command(flatten)]
    Apart(Apart),
    #[command(flatten)]
    Here(Here),
}

/// Verbs that ask the daemon, and end as it answers.
#[derive(Debug, Subcommand)]
pub(super) enum Ask {
    #[command(flatten)]
    Look(Look),
    #[command(flatten)]
    Order(Order),
    #[command(flatten)]
    Manage(Manage),
}

impl Ask {
    /// Asks it, and says what it answers.
    pub(super) async fn perform(&self, client: &Client, json: bool) -> Result<String, Failure> {
        match self {
            Self::Look(verb) => verb.perform(client, json).await,
            Self::Order(verb) => verb.perform(client, json).await,
            Self::Manage(verb) => verb.perform(client, json).await,
        }
    }
}

impl Arguments {
    /// Who asks, with what was said of consent.
    pub(super) fn client(&self) -> Result<Client, Failure> {
        Ok(Client::new(&self.reach)?.guarded(Consent::of(self.yes), self.reason_to_override.clone()))
    }

    /// Why a freeze is overridden.
    pub(super) fn reason(&self) -> Option<&str> {
        self.reason_to_override.as_deref()
    }
}
