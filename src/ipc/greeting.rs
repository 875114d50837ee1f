//! The hello both ways: the only part of the conversation that has a deadline of its own.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::link::{DaemonEnd, Link, LinkError, WorkerEnd, parse};
use super::message::{BUILD, Down, PROTOCOL, Up};
use crate::model::status::ProgramOrder;
use crate::model::{ChannelId, LiveSettings, MediaTime};
use crate::plan::ChannelPlan;

/// What a worker says of itself; [`Up::Hello`] without the protocol number.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerHello {
    /// Build id.
    pub build: String,
    /// The channel it was started for.
    pub channel: ChannelId,
    /// Its process id; the kernel's word ([`Link::peer`]) counts.
    pub pid: u32,
    /// When the process started.
    pub since: MediaTime,
    /// The plan it is on air with, if any.
    pub plan: Option<Box<ChannelPlan>>,
    /// What the program was last asked to show.
    pub program: ProgramOrder,
    /// What operators have set.
    pub live: Box<LiveSettings>,
    /// It is not on air, it delivers what is left of that plan.
    pub delivering: bool,
}

/// What a daemon says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonHello {
    /// Build id.
    pub build: String,
    /// Whether it wants meters.
    pub meters: bool,
}

/// The part of a hello that every version has: enough to name a version this build cannot read.
#[derive(Deserialize)]
struct Opening {
    r#type: String,
    protocol: u32,
}

impl DaemonEnd {
    /// Waits for the worker's hello and answers it.
    pub async fn greet(&mut self, within: Duration) -> Result<WorkerHello, LinkError> {
        let heard = match first(self, within).await? {
            Up::Hello { protocol: _, build, channel, pid, since, plan, program, live, delivering } => {
                WorkerHello { build, channel, pid, since, plan, program, live, delivering }
            }
            _ => return Err(LinkError::Unexpected("another message came first".to_owned())),
        };
        self.send(&Down::Hello { protocol: PROTOCOL, build: BUILD.to_owned(), meters: true }).await?;
        Ok(heard)
    }
}

impl WorkerEnd {
    /// Says hello and waits for the daemon's.
    pub async fn greet(&mut self, hello: WorkerHello, within: Duration) -> Result<DaemonHello, LinkError> {
        let WorkerHello { build, channel, pid, since, plan, program, live, delivering } = hello;
        let protocol = PROTOCOL;
        self.send(&Up::Hello { protocol, build, channel, pid, since, plan, program, live, delivering }).await?;
        match first(self, within).await? {
            Down::Hello { protocol: _, build, meters } => Ok(DaemonHello { build, meters }),
            _ => Err(LinkError::Unexpected("another message came first".to_owned())),
        }
    }
}

async fn first<Out, In>(link: &mut Link<Out, In>, within: Duration) -> Result<In, LinkError>
where
    Out: Serialize,
    In: DeserializeOwned,
{
    let frame = timeout(within, link.recv_frame()).await.map_err(|_| LinkError::Silent(within))??;
    let opening: Opening = parse(&frame)?;
    if opening.r#type != "hello" {
        return Err(LinkError::Unexpected("another message came first".to_owned()));
    }
    if opening.protocol != PROTOCOL {
        return Err(LinkError::Protocol { theirs: opening.protocol });
    }
    parse(&frame)
}
