//! Whether a destination would take the program, found out without going live.
//!
//! ```text
//! configuration in force ─▶ Prober ── one probe at a time, endpoint after endpoint ──▶ Probe
//!                                      settings ─▶ line (as doctor looks at it) ─▶ credentials ─▶ rate
//!                                         each only if nothing before it is broken
//! ```
//!
//! Owns: what may be asked of a peer with credentials, so that no viewer notices: an object of a name of its own is put
//! and deleted (HLS), OPTIONS (WHIP), a handshake without what would follow (SRT, RTMP). Must not: show credentials to who
//! has shown no good certificate, put them into an answer, or load a line that a channel is on air by.

mod options;
mod upload;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use schemars::JsonSchema;
use serde::Serialize;

use super::finding::{Finding, State, worst};
use super::lines;
use crate::config::{Channel, Checked, DestinationKind};
use crate::model::upload::Trust;
use crate::model::{Carrier, ChannelId, DestinationId, EndpointName, Fault, MediaTime};
use crate::push;

/// What came of a probe.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Probe {
    /// When it began.
    pub at: MediaTime,
    /// The destination.
    pub destination: DestinationId,
    /// The worst of its endpoints.
    pub state: State,
    /// The primary, then the backups.
    pub endpoints: Vec<Probed>,
}

/// One endpoint.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Probed {
    /// Which.
    pub endpoint: EndpointName,
    /// The worst of what was found.
    pub state: State,
    /// What was found, in the order in which it was looked for; nothing behind what is broken.
    pub findings: Vec<Finding>,
}

/// What can be tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Configured {
    /// The channel.
    pub channel: ChannelId,
    /// Its destination.
    pub destination: DestinationId,
    /// The primary, then the backups.
    pub endpoints: Vec<EndpointName>,
}

/// How much may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// A few seconds of what the line carries.
    Full,
    /// Next to nothing: a channel is on air.
    Light,
}

/// Why there was no probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoProbe {
    /// The channel has no such destination.
    Unknown,
    /// Another one is under way.
    Busy,
    /// It failed.
    Failed,
}

/// Where a configuration sends to.
#[derive(Clone, Default)]
pub struct Destinations(Arc<[Known]>);

#[derive(Clone)]
struct Known {
    channel: ChannelId,
    id: DestinationId,
    endpoints: Vec<DestinationKind>,
    /// What the channel's renditions take, bit/s.
    needed: u64,
}

/// See the module. Cheap to clone; all are one.
#[derive(Clone, Default)]
pub struct Prober {
    known: Arc<Mutex<Destinations>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Destinations {
    /// All that it names.
    pub fn of(checked: &Checked) -> Self {
        Self(checked.channels.iter().flat_map(of_channel).collect())
    }
}

fn of_channel(channel: &Channel) -> impl Iterator<Item = Known> {
    let class = &channel.stream_class;
    let video = class.video.iter().map(|rendition| rendition.bitrate.bps());
    let needed = video.chain(class.audio.iter().map(|rendition| rendition.bitrate.bps())).sum();
    channel.destinations.iter().map(move |one| Known {
        channel: channel.id.clone(),
        id: one.id.clone(),
        endpoints: one.endpoints.clone(),
        needed,
    })
}

impl Prober {
    /// This configuration is in force.
    pub fn learn(&self, destinations: Destinations) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = destinations;
    }

    /// All that can be tried, in the order of the configuration.
    pub fn configured(&self) -> Vec<Configured> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let of = |known: &Known| Configured {
            channel: known.channel.clone(),
            destination: known.id.clone(),
            endpoints: (0..known.endpoints.len()).map(EndpointName::at).collect(),
        };
        known.0.iter().map(of).collect()
    }

    /// Tries each endpoint of a destination. Goes on to its end, whoever waits for it.
    pub async fn probe(&self, channel: &ChannelId, id: &DestinationId, load: Load) -> Result<Probe, NoProbe> {
        let destinations = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let known = destinations.0.iter().find(|known| known.channel == *channel && known.id == *id);
        let known = known.cloned().ok_or(NoProbe::Unknown)?;
        let turn = Arc::clone(&self.turn).try_lock_owned().map_err(|_| NoProbe::Busy)?;
        let course = async move {
            let probe = all(known, load).await;
            drop(turn);
            probe
        };
        tokio::spawn(course).await.map_err(|_| NoProbe::Failed)
    }
}

async fn all(known: Known, load: Load) -> Probe {
    let at = MediaTime::from_system(SystemTime::now());
    let mut endpoints = Vec::new();
    for (place, kind) in known.endpoints.iter().enumerate() {
        let findings = one(&known, kind, load).await;
        endpoints.push(Probed { endpoint: EndpointName::at(place), state: worst(&findings), findings });
    }
    let state = endpoints.iter().map(|one| one.state).max().unwrap_or(State::NotHere);
    Probe { at, destination: known.id, state, endpoints }
}

async fn one(known: &Known, kind: &DestinationKind, load: Load) -> Vec<Finding> {
    if let Err(finding) = settings(kind) {
        return vec![finding];
    }
    let mut findings = blocking(kind, lines::to).await.unwrap_or_default();
    findings.iter_mut().for_each(blame);
    if worst(&findings) == State::Fault {
        return findings;
    }
    findings.extend(match kind {
        DestinationKind::HlsPush { url, upload } => {
            upload::examine(&known.channel, (url, upload), load, known.needed).await
        }
        DestinationKind::Whip(whip) => vec![options::examine(whip).await],
        DestinationKind::Send(_) => blocking(kind, lines::shake_hands).await.into_iter().collect(),
        DestinationKind::Recording(_) => {
            vec![Finding::not_here("auth", "it is a disk of this box: `uplinkctl doctor` looks at those")]
        }
    });
    findings
}

/// Name servers and sockets block.
async fn blocking<T: Send + 'static>(kind: &DestinationKind, look: fn(&DestinationKind) -> T) -> Option<T> {
    let kind = kind.clone();
    tokio::task::spawn_blocking(move || look(&kind)).await.ok()
}

/// What is wrong with the way is the destination's or the network's, but for the box's own cable.
fn blame(finding: &mut Finding) {
    if finding.state >= State::Warn {
        finding.fault = Some(if finding.check == "interface" { Fault::Hardware } else { Fault::Destination });
    }
}

/// Certificates and keys that the technician names.
fn settings(kind: &DestinationKind) -> Result<(), Finding> {
    let (trust, secured) = match kind {
        DestinationKind::HlsPush { url, upload } => (upload.trust.clone(), url.scheme() != "http"),
        DestinationKind::Whip(whip) => (whip.trust.clone(), whip.url.scheme() == "https"),
        DestinationKind::Send(sent) => match &sent.carrier {
            Carrier::Rtmp { url, ca, .. } => (Trust { ca_file: ca.clone(), identity: None }, url.scheme() == "rtmps"),
            _ => return Ok(()),
        },
        DestinationKind::Recording(_) => return Ok(()),
    };
    let todo = "name files in PEM that the daemon may read: `ca_file`, `certificate_file`, `key_file`";
    let bad = |why| Finding::fault("tls", why, todo).by(Fault::Configuration);
    push::tls_settings(&trust, secured).map(drop).map_err(bad)
}
