//! `uplinkctl`: the command line for technicians, over the same REST API as the panel.
//!
//! Owns: arguments, exit codes, tables for people. Must not: reach around the API, or need GStreamer: it works on a
//! laptop, and `check` and `onvif` work without a daemon.

mod alarms;
mod capacity;
mod certificate;
#[cfg(test)]
mod class_tests;
mod classes;
mod client;
mod consent;
mod cost;
mod cues;
mod destinations;
mod devices;
mod doctor;
mod exit;
mod follow;
mod frames;
mod freeze;
mod graphics;
mod guest_link;
mod looks;
mod onvif;
mod people;
mod record;
mod recordings;
mod report;
mod sessions;
mod shell;
mod shown;
mod surfaces;
#[cfg(test)]
mod tests;
mod timeline;
mod top;
mod upgrade;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::client::{Client, Failure, Reach};
use self::consent::Consent;
use self::exit::Exit;
use crate::model::status::ApplianceStatus;
use crate::model::{BitRate, CapacityStatus, ChannelId, MediaTime, RenditionId, SourceId};

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
    reach: Reach,

    /// Print JSON, as the API answers, for other programs.
    #[arg(long, global = true)]
    json: bool,

    /// Confirm what viewers would notice, without being asked.
    #[arg(long, global = true)]
    yes: bool,

    /// Do it although it is frozen, and say why: that is recorded.
    #[arg(long = "override", value_name = "REASON", global = true)]
    reason_to_override: Option<String>,

    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Check a configuration without a daemon; names every fault at once.
    Check {
        /// Directory with uplinkd.toml, or the file itself [default: /etc/uplink].
        dir: Option<PathBuf>,
        /// Where its daemon keeps stream classes of the site's own [default: /var/lib/uplink, of /etc/uplink alone].
        #[arg(long, value_name = "DIR")]
        state_dir: Option<PathBuf>,
    },
    /// Look at the whole box: cards, encoders, clock, disks, lines, rights; what is wrong, and what to do.
    Doctor(doctor::Where),
    /// Pack what a support engineer asks for into one file, without secrets.
    SupportBundle(doctor::BundleArguments),
    /// What is on air, how well, and what is wrong.
    Status {
        /// Only this channel, with all its parts.
        channel: Option<ChannelId>,
    },
    /// The channels live in a terminal: what they show, levels, destinations, alarms.
    Top(top::TopArguments),
    /// Put a channel on air.
    Start {
        /// Its id.
        channel: ChannelId,
        /// Even if the box cannot carry it.
        #[arg(long)]
        force: bool,
    },
    /// What the box can carry, what is taken, and what else fits.
    Capacity,
    /// Take a channel off air. What destinations have not got yet is delivered all the same, however long that takes.
    Stop {
        /// Its id.
        channel: ChannelId,
        /// Deliver nothing more, or no longer: what is left stays in the spool until the next start.
        #[arg(long)]
        now: bool,
    },
    /// Show the slate until released.
    Slate {
        /// Its id.
        channel: ChannelId,
    },
    /// Show the best source again.
    Release {
        /// Its id.
        channel: ChannelId,
    },
    /// Show a source or something else; without any what is in preview.
    Take {
        /// The channel's id.
        channel: ChannelId,
        #[command(flatten)]
        shown: shown::Shown,
        /// Dissolve for so many milliseconds instead of cutting.
        #[arg(long, value_name = "MS")]
        dissolve: Option<u32>,
        /// When, such as 2026-11-21T20:00:00Z; now if not given.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// Say what is to be shown next; without any nothing.
    Preview {
        /// The channel's id.
        channel: ChannelId,
        #[command(flatten)]
        shown: shown::Shown,
    },
    /// Cancel a scheduled take; `status` lists them.
    CancelTake {
        /// The channel's id.
        channel: ChannelId,
        /// Its number.
        take: u64,
    },
    /// Set the average bit rate of a video rendition while it is on air; without one, what the configuration says.
    Bitrate {
        /// The channel's id.
        channel: ChannelId,
        /// The rendition's id.
        rendition: RenditionId,
        /// Such as 2.5M or 800k.
        bitrate: Option<BitRate>,
    },
    /// Set what the slate says; without a text what the configuration says.
    SlateText {
        /// The channel's id.
        channel: ChannelId,
        /// One or more lines.
        text: Option<String>,
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
    /// Set gain, mute and delay of a source's sound, or of the program's; what is not given stays as it is.
    Sound {
        /// The channel's id.
        channel: ChannelId,
        /// The source's id; the program if missing.
        #[arg(long)]
        source: Option<SourceId>,
        /// Gain, dB.
        #[arg(long, allow_negative_numbers = true)]
        gain_db: Option<f32>,
        /// Whether it is silent.
        #[arg(long)]
        mute: Option<bool>,
        /// How much later the sound is than its picture has it, milliseconds.
        #[arg(long, allow_negative_numbers = true)]
        delay_ms: Option<i32>,
        /// Back to the configuration.
        #[arg(long, conflicts_with_all = ["gain_db", "mute", "delay_ms"])]
        as_configured: bool,
    },
    /// Measure integrated loudness, loudness range and true peaks anew, as for a new show.
    LoudnessRestart {
        /// The channel's id.
        channel: ChannelId,
    },
    /// Insert captions (CEA-608, CC1); without a text they are taken off the screen.
    Captions {
        /// The channel's id.
        channel: ChannelId,
        /// One or more lines.
        text: Option<String>,
    },
    /// Leave the programme for a break, return, or take a break back (SCTE 35, cut on the frame).
    Cue(cues::CueArguments),
    /// Tell players something about a frame: attributes and JSON, as date range and ID3.
    Metadata(cues::MetadataArguments),
    /// Set the whole slate: words, image, count-down; what is not given is as configured.
    SlateSet(graphics::SlateSet),
    /// Lay a logo, a text, a lower third, a clock or timecode over the program.
    Overlay(graphics::OverlayArguments),
    /// The images of the box, for slates and logos.
    Image {
        #[command(subcommand)]
        verb: graphics::ImageVerb,
    },
    /// Use a destination or not, while the channel is on air. Stays so until it is ordered otherwise.
    Destination {
        #[command(subcommand)]
        verb: destinations::DestinationVerb,
    },
    /// Send a destination to its primary or a backup by hand, or leave it to the rules again.
    Failover(destinations::Failover),
    /// Measure how long a backup takes to be of use, without leaving the endpoint in use.
    Drill(destinations::Named),
    /// Try a destination without going live: name, connection, certificate, credentials, rate. Exits as doctor does.
    Probe(destinations::Named),
    /// Recordings: list, verify, stitch to one MP4, cut, upload, delete.
    Recording(recordings::RecordingArguments),
    /// Begin or end a recording on the box's own disk, or mark a moment in it.
    Record {
        #[command(subcommand)]
        verb: record::RecordVerb,
    },
    /// What delivery has cost this month: bytes, price, budgets. What viewers take elsewhere is not in it.
    Cost(cost::CostArguments),
    /// Where a show begins and ends: what is counted and measured by show.
    Show {
        #[command(subcommand)]
        verb: cost::ShowVerb,
    },
    /// Two boxes that share a destination.
    Pair {
        #[command(subcommand)]
        verb: destinations::PairVerb,
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
    /// Change one's own password, by the network, at http://127.0.0.1:8080 if --api says nothing else.
    Password(sessions::PasswordArguments),
    /// Who did what, from where, and what came of it.
    Audit {
        /// How many entries of the past.
        #[arg(short = 'n', long, default_value_t = 20)]
        number: usize,
    },
    /// What is plugged in, what to write for it in a configuration, who uses it, and what signal it has.
    Devices,
    /// Ask a network camera by ONVIF for its streams, and say what to write for them.
    Onvif(onvif::OnvifArguments),
    /// The configuration in force, key by key, with its line in the file.
    Config(looks::ConfigArguments),
    /// A frame in every way to name it: time, timecode, number.
    Timecode(looks::TimecodeArguments),
    /// Put the configuration on disk in force; a faulty one changes nothing.
    Reload {
        /// Only say what that would do to each channel, and what it would interrupt.
        #[arg(long)]
        dry_run: bool,
    },
    /// Stream classes: list, versions, differences, apply, roll back.
    Classes(classes::ClassesArguments),
    /// Freeze the box, or some channels, for a show: nothing is stopped, removed or configured otherwise.
    Freeze(freeze::FreezeArguments),
    /// End the freeze.
    Unfreeze(freeze::UnfreezeArguments),
    /// What is wrong, until it is put right and somebody has seen it.
    Alarms,
    /// Acknowledge an alarm, or put it aside.
    Alarm {
        #[command(subcommand)]
        verb: alarms::AlarmVerb,
    },
    /// Who is told of alarms.
    Notify {
        #[command(subcommand)]
        verb: Option<alarms::NotifyVerb>,
    },
    /// How tally displays and orders by OSC stand.
    Surfaces,
    /// The certificate that the API shows: where it comes from, for whom, until when.
    Certificate,
    /// Install another version of the package; the one before is put back if channels do not come through it.
    Upgrade(upgrade::UpgradeArguments),
    /// What happened and who did what, also before the daemon was started last.
    Timeline(timeline::TimelineArguments),
    /// What happened lately.
    Events {
        /// Go on with what happens now, until interrupted.
        #[arg(short, long)]
        follow: bool,
        /// How many of the past.
        #[arg(short = 'n', long, default_value_t = 20)]
        number: usize,
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

/// Does what the arguments say.
pub fn run(arguments: Arguments) -> ExitCode {
    if let Verb::Check { dir, state_dir } = arguments.verb {
        return super::check::run(dir, state_dir, arguments.json);
    }
    if let Verb::GuestLink { channel, source, config, base } = &arguments.verb {
        return guest_link(config.clone(), base.as_ref().or(arguments.reach.api.as_ref()), channel, source);
    }
    match &arguments.verb {
        Verb::Completions { shell } => return local(Ok(shell::completions(*shell))),
        Verb::Man { dir } => return local(shell::pages(dir).map(|()| String::new())),
        _ => {}
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("uplinkctl: cannot start: {error}");
            return Exit::Failed.into();
        }
    };
    if let Verb::Doctor(place) = &arguments.verb {
        let (text, code) = runtime.block_on(doctor::doctor(Client::new(&arguments.reach), place, arguments.json));
        say(&text);
        // What hangs in a disk or a name server is not waited for.
        runtime.shutdown_background();
        return code;
    }
    if let Verb::Upgrade(wanted) = &arguments.verb {
        let reason = arguments.reason_to_override.as_deref();
        let done = upgrade::upgrade(Client::new(&arguments.reach), wanted, reason, arguments.json);
        let (text, code) = runtime.block_on(done);
        say(&text);
        return code;
    }
    if let Verb::Onvif(wanted) = &arguments.verb {
        return local(runtime.block_on(onvif::streams(wanted, arguments.json)));
    }
    if let Verb::Probe(named) = &arguments.verb {
        let client = Client::new(&arguments.reach);
        let asked = async { doctor::probe(&client?, named, arguments.json).await };
        return match runtime.block_on(asked) {
            Ok((text, code)) => {
                say(&text);
                code
            }
            Err(failure) => failed(&failure),
        };
    }
    match runtime.block_on(perform(&arguments)) {
        Ok(text) => {
            say(&text);
            Exit::Done.into()
        }
        Err(failure) => failed(&failure),
    }
}

fn failed(failure: &Failure) -> ExitCode {
    eprint!("{}", report::failure(failure));
    Exit::from(failure).into()
}

fn guest_link(config: Option<PathBuf>, base: Option<&url::Url>, channel: &ChannelId, source: &SourceId) -> ExitCode {
    local(guest_link::link(config, base, channel, source).map(|link| format!("{link}\n")))
}

/// The end of a verb that needs no daemon.
fn local(done: Result<String, String>) -> ExitCode {
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

/// A reader that has gone away (`| head`) is no failure.
fn say(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}

async fn perform(arguments: &Arguments) -> Result<String, Failure> {
    let consent = Consent::of(arguments.yes);
    let client = Client::new(&arguments.reach)?.guarded(consent, arguments.reason_to_override.clone());
    let json = arguments.json;
    match &arguments.verb {
        Verb::Cost(wanted) => cost::cost(&client, wanted, json).await,
        Verb::Image { verb } => graphics::image(&client, verb, json).await,
        Verb::Recording(wanted) => recordings::perform(&client, wanted, json).await,
        Verb::User { .. } | Verb::Token { .. } | Verb::Audit { .. } | Verb::Session { .. } => {
            who_may(&client, &arguments.verb, json).await
        }
        Verb::Password(wanted) => sessions::own_password(&Client::new(&arguments.reach.by_network())?, wanted).await,
        Verb::SupportBundle(asked) => {
            let packed = doctor::bundle(Client::new(&arguments.reach), asked).await;
            packed.map_err(|detail| Failure::Refused { code: "bundle".into(), detail, errors: Vec::new() })
        }
        Verb::Devices => {
            let (text, found): (_, serde_json::Value) = client.get("api/v1/devices").await?;
            Ok(if json { text } else { devices::list(&found) })
        }
        Verb::Record { verb } => {
            let (path, body) = verb.request(&client).await?;
            command(&client, &path, Some(body), json).await
        }
        Verb::Classes(wanted) => classes::perform(&client, wanted, json).await,
        Verb::Freeze(wanted) => freeze::freeze(&client, wanted, json).await,
        Verb::Unfreeze(wanted) => freeze::unfreeze(&client, wanted, json).await,
        verb => match request(verb)? {
            Some((path, body)) => command(&client, &path, body, json).await,
            None => look(&client, verb, json).await,
        },
    }
}

/// Who may what, and who did what.
async fn who_may(client: &Client, verb: &Verb, json: bool) -> Result<String, Failure> {
    match verb {
        Verb::User { verb } => people::user(client, verb, json).await,
        Verb::Token { verb } => people::token(client, verb, json).await,
        Verb::Session { verb } => sessions::session(client, verb, json).await,
        Verb::Audit { number } => people::audit(client, *number, json).await,
        _ => Ok(String::new()),
    }
}

/// Verbs that only look.
async fn look(client: &Client, verb: &Verb, json: bool) -> Result<String, Failure> {
    match verb {
        Verb::Status { channel: None } => every_channel(client, json).await,
        Verb::Status { channel: Some(channel) } => one_channel(client, channel, json).await,
        Verb::Top(wanted) => top::perform(client, wanted, json).await,
        Verb::Capacity => room(client, json).await,
        Verb::Config(wanted) => looks::config(client, wanted, json).await,
        Verb::Timecode(wanted) => looks::timecode(client, wanted, json).await,
        Verb::Alarms => alarms::list(client, json).await,
        Verb::Notify { verb: None | Some(alarms::NotifyVerb::List) } => alarms::notify(client, json).await,
        Verb::Surfaces => surfaces::list(client, json).await,
        Verb::Certificate => certificate::show(client, json).await,
        Verb::Timeline(wanted) => timeline::timeline(client, wanted, json).await,
        Verb::Events { follow: false, number } => follow::recent(client, *number, json).await,
        Verb::Events { follow: true, number } => follow::follow(client, *number, json).await,
        _ => Ok(String::new()),
    }
}

/// What a verb that commands asks of the API: address and body. None for a verb that asks nothing.
fn request(verb: &Verb) -> Result<Option<(String, Option<serde_json::Value>)>, Failure> {
    let set = |channel: &ChannelId, body: serde_json::Value| (format!("channels/{channel}/set"), Some(body));
    let with = |(path, body): (String, serde_json::Value)| (path, Some(body));
    Ok(Some(match verb {
        Verb::Start { channel, force: true } => (format!("channels/{channel}/start?force=true"), None),
        Verb::Start { channel, force: false } => (format!("channels/{channel}/start"), None),
        Verb::Stop { channel, now: true } => (format!("channels/{channel}/stop?now=true"), None),
        Verb::Stop { channel, now: false } => (format!("channels/{channel}/stop"), None),
        Verb::Slate { channel } => (format!("channels/{channel}/slate"), None),
        Verb::Release { channel } => (format!("channels/{channel}/release"), None),
        Verb::Take { channel, shown, dissolve, at } => {
            (format!("channels/{channel}/take"), Some(shown.take(*dissolve, at.as_deref())))
        }
        Verb::Preview { channel, shown } => (format!("channels/{channel}/preview"), Some(shown.body().into())),
        Verb::CancelTake { channel, take } => {
            (format!("channels/{channel}/cancel"), Some(serde_json::json!({ "take": take })))
        }
        Verb::Bitrate { channel, rendition, bitrate } => {
            set(channel, serde_json::json!({ "set": "bit_rate", "rendition": rendition, "bitrate": bitrate }))
        }
        Verb::Captions { channel, text } => {
            (format!("channels/{channel}/captions"), Some(serde_json::json!({ "text": text })))
        }
        Verb::SlateText { channel, text } => set(channel, serde_json::json!({ "set": "slate_text", "text": text })),
        Verb::Sound { channel, .. } => set(channel, sound(verb)),
        Verb::LoudnessRestart { channel } => (format!("channels/{channel}/loudness/restart"), None),
        Verb::Cue(cue) => (format!("channels/{}/cue", cue.channel), Some(cue.body()?)),
        Verb::Metadata(metadata) => (format!("channels/{}/metadata", metadata.channel), Some(metadata.body()?)),
        Verb::SlateSet(slate) => set(&slate.channel, slate.body()?),
        Verb::Overlay(overlay) => set(&overlay.channel, overlay.body()?),
        Verb::Destination { verb } => {
            let (channel, body) = verb.body();
            set(channel, body)
        }
        Verb::Failover(failover) => set(&failover.named.channel, failover.body()),
        Verb::Drill(named) => with(named.drill()),
        Verb::Show { verb } => verb.request(),
        Verb::Pair { verb: destinations::PairVerb::Release(named) } => with(named.hand_over()),
        Verb::Alarm { verb } => verb.request(),
        Verb::Notify { verb: Some(alarms::NotifyVerb::Test { name }) } => (format!("notify/{name}/test"), None),
        Verb::Reload { dry_run } => (format!("config/reload{}", if *dry_run { "?dry_run=true" } else { "" }), None),
        Verb::Check { .. }
        | Verb::Doctor(_)
        | Verb::SupportBundle(_)
        | Verb::GuestLink { .. }
        | Verb::Status { .. }
        | Verb::Top(_)
        | Verb::Capacity
        | Verb::Cost(_)
        | Verb::Image { .. }
        | Verb::Recording(_)
        | Verb::Record { .. }
        | Verb::User { .. }
        | Verb::Token { .. }
        | Verb::Audit { .. }
        | Verb::Session { .. }
        | Verb::Password(_)
        | Verb::Config(_)
        | Verb::Timecode(_)
        | Verb::Devices
        | Verb::Probe(_)
        | Verb::Onvif(_)
        | Verb::Classes(_)
        | Verb::Freeze(_)
        | Verb::Unfreeze(_)
        | Verb::Alarms
        | Verb::Notify { .. }
        | Verb::Surfaces
        | Verb::Certificate
        | Verb::Upgrade(_)
        | Verb::Timeline(_)
        | Verb::Events { .. }
        | Verb::Completions { .. }
        | Verb::Man { .. } => return Ok(None),
    }))
}

/// The setting of a source's sound.
fn sound(verb: &Verb) -> serde_json::Value {
    match verb {
        Verb::Sound { source, gain_db, mute, delay_ms, as_configured: false, .. } => serde_json::json!({
            "set": "sound", "source": source, "gain_db": gain_db, "mute": mute, "delay_ms": delay_ms
        }),
        Verb::Sound { source, .. } => serde_json::json!({ "set": "sound_as_configured", "source": source }),
        _ => serde_json::Value::Null,
    }
}

async fn room(client: &Client, json: bool) -> Result<String, Failure> {
    let (text, status): (_, CapacityStatus) = client.get("api/v1/capacity").await?;
    Ok(if json { text } else { capacity::report(&status, MediaTime::from_system(std::time::SystemTime::now())) })
}

async fn every_channel(client: &Client, json: bool) -> Result<String, Failure> {
    let (text, status): (_, ApplianceStatus) = client.get("api/v1/status").await?;
    Ok(if json { text } else { report::appliance(&status) })
}

/// The whole document is asked for, because its clock gives the ages.
async fn one_channel(client: &Client, id: &ChannelId, json: bool) -> Result<String, Failure> {
    if json {
        return Ok(client.get::<serde_json::Value>(&format!("api/v1/channels/{id}")).await?.0);
    }
    let (_, status): (_, ApplianceStatus) = client.get("api/v1/status").await?;
    match status.channels.iter().find(|channel| channel.id == *id) {
        Some(channel) => Ok(report::channel(channel, status.now)),
        None => Err(Failure::unknown_channel(id, status.channels.iter().map(|channel| &channel.id))),
    }
}

async fn command(client: &Client, path: &str, body: Option<serde_json::Value>, json: bool) -> Result<String, Failure> {
    let (text, answer) = client.post(&format!("api/v1/{path}"), body).await?;
    Ok(if json { text } else { report::outcome(&answer) })
}
