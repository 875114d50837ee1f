//! One thing that is being done with a recording, as people see it.
//!
//! ```text
//! waiting ─▶ running ◀─▶ interrupted      (an upload whose destination is away)
//!    │          ├─▶ done
//!    │          ├─▶ failed
//!    └──────────┴─▶ stopped               (somebody asked for it)
//! ```

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::model::{ChannelId, MediaTime};
use crate::record::RecordingId;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Made one MP4.
    Stitch,
    /// Cut.
    Clip,
    /// Compared with its checksums.
    Verify,
    /// Sent to a destination.
    Upload,
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Another one has its turn.
    Waiting,
    /// It makes progress.
    Running,
    /// It is tried again; the text says why.
    Interrupted,
    /// It is done.
    Done,
    /// It cannot be done; the text says why.
    Failed,
    /// Somebody stopped it.
    Stopped,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct JobStatus {
    /// Its number in this run of the daemon.
    pub id: u64,
    /// What is done.
    pub kind: JobKind,
    /// Of which channel.
    pub channel: ChannelId,
    /// To which recording.
    pub recording: RecordingId,
    /// Where it stands.
    pub state: JobState,
    /// From 0 to 1.
    pub progress: f64,
    /// One sentence.
    pub text: String,
    /// What came of it.
    pub result: Option<Value>,
    /// When it was asked for.
    pub asked: MediaTime,
    /// When it ended.
    pub ended: Option<MediaTime>,
}

impl JobStatus {
    /// Nothing more will come of it.
    pub fn is_over(&self) -> bool {
        matches!(self.state, JobState::Done | JobState::Failed | JobState::Stopped)
    }
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum End {
    /// What came of it: a sentence, and for machines.
    Done(String, Value),
    /// Why it cannot be done.
    Failed(String),
    /// Somebody stopped it.
    Stopped,
}

/// A job, shared by who does it and who watches.
#[derive(Debug)]
pub(crate) struct Job {
    status: Mutex<JobStatus>,
    stop: CancellationToken,
}

impl Job {
    pub(crate) fn new(
        id: u64,
        kind: JobKind,
        channel: ChannelId,
        recording: RecordingId,
        stop: CancellationToken,
    ) -> Self {
        let status = JobStatus {
            id,
            kind,
            channel,
            recording,
            state: JobState::Waiting,
            progress: 0.0,
            text: "waits for its turn".to_owned(),
            result: None,
            asked: now(),
            ended: None,
        };
        Self { status: Mutex::new(status), stop }
    }

    pub(crate) fn status(&self) -> JobStatus {
        self.lock().clone()
    }

    /// Somebody wants no more of it.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    /// It is so far, and runs; says whether to go on.
    pub(crate) fn go_on(&self, progress: f64) -> bool {
        let mut status = self.lock();
        status.state = JobState::Running;
        status.progress = progress.clamp(status.progress, 1.0);
        !self.stop.is_cancelled()
    }

    /// What it is at.
    pub(crate) fn tell(&self, state: JobState, text: String) {
        let mut status = self.lock();
        (status.state, status.text) = (state, text);
    }

    pub(crate) fn end(&self, end: End) {
        let mut status = self.lock();
        status.ended = Some(now());
        (status.state, status.text) = match end {
            End::Done(text, result) => {
                (status.progress, status.result) = (1.0, Some(result));
                (JobState::Done, text)
            }
            End::Failed(why) => (JobState::Failed, why),
            End::Stopped => (JobState::Stopped, "somebody stopped it".to_owned()),
        };
    }

    fn lock(&self) -> MutexGuard<'_, JobStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now() -> MediaTime {
    MediaTime::from_system(SystemTime::now())
}
