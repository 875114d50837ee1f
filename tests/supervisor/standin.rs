//! A worker that speaks the protocol and does what a file tells it: `<runtime>/<channel>/behave`.
//!
//! | word | what it does |
//! |---|---|
//! | (nothing) | everything as a good worker does |
//! | `exit` | ends with code 3 as soon as it is started |
//! | `refuse` | refuses the start |
//! | `mute` | sends no heartbeats |
//! | `frozen` | its program stands still |
//! | `garbage`, `oversize` | sends that, once, in place of a heartbeat |
//! | `protocol` | speaks another version |
//! | `silent` | accepts connections and says nothing |
//! | `stubborn` | ends neither when asked nor by SIGTERM |
//! | `delivered` | has delivered all that was left |
//! | `disobey` | ignores what the program shall show |
//! | `sent=N` | its first destination has sent N bytes to its primary, unless it is told not to use it |

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use futures::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::codec::{Framed, LengthDelimitedCodec};
use uplink::ipc::{BUILD, Down, PROTOCOL, Up, owed_mark, socket_path};
use uplink::model::status::{
    DestinationState, DestinationStatus, ProgramOrder, ProgramStatus, RemainderStatus, Showing, SourceState,
    SourceStatus, SpoolStatus, WorkerReport,
};
use uplink::model::{Act, Acted, ChannelId, FrameGrid, Health, HealthReport, Hold, LiveSettings, MediaTime, Timeline};
use uplink::plan::ChannelPlan;

/// Set for a stand-in: its channel and the runtime directory.
pub const CHANNEL: &str = "UPLINK_STANDIN_CHANNEL";
pub const RUNTIME: &str = "UPLINK_STANDIN_RUNTIME";

/// Frames by hand, so that wrong ones can be sent.
type Link = Framed<UnixStream, LengthDelimitedCodec>;

/// No stand-in outlives its test for longer.
const LIFETIME: Duration = Duration::from_secs(90);
const BEAT: Duration = Duration::from_millis(100);

/// Not a test: what the stand-in's process runs. Without its environment it does nothing.
#[test]
fn standin() {
    let (Ok(channel), Ok(runtime)) = (std::env::var(CHANNEL), std::env::var(RUNTIME)) else { return };
    let standin = Standin::new(channel.parse().unwrap(), PathBuf::from(runtime));
    if standin.behaves("exit") {
        std::process::exit(3);
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(standin.run());
    std::process::exit(0);
}

struct Standin {
    channel: ChannelId,
    directory: PathBuf,
    socket: PathBuf,
    born: Instant,
    plan: Option<Box<ChannelPlan>>,
    program: ProgramOrder,
    live: Box<LiveSettings>,
    /// It delivers what is left.
    delivering: bool,
    frozen: MediaTime,
    misbehaved: bool,
}

impl Standin {
    fn new(channel: ChannelId, runtime: PathBuf) -> Self {
        Self {
            directory: runtime.join(channel.as_str()),
            socket: socket_path(&runtime, &channel),
            channel,
            born: Instant::now(),
            plan: None,
            program: ProgramOrder::Auto,
            live: Box::default(),
            delivering: false,
            frozen: now(),
            misbehaved: false,
        }
    }

    fn behaves(&self, word: &str) -> bool {
        std::fs::read_to_string(self.directory.join("behave")).is_ok_and(|words| words.split(' ').any(|w| w == word))
    }

    /// What its first destination has taken.
    fn sent(&self) -> Option<u64> {
        let words = std::fs::read_to_string(self.directory.join("behave")).ok()?;
        words.split(' ').find_map(|word| word.strip_prefix("sent=")?.parse().ok())
    }

    /// Notes a message for the test to read.
    fn heard(&self, what: &str) {
        use std::io::Write;
        let file = std::fs::OpenOptions::new().create(true).append(true).open(self.directory.join("heard"));
        writeln!(file.unwrap(), "{what}").unwrap();
    }

    /// Leaves the plan that it is on air with for the test to read.
    fn note(&self, plan: &ChannelPlan) {
        let new = self.directory.join("plan.new");
        std::fs::write(&new, serde_json::to_string(plan).unwrap()).unwrap();
        std::fs::rename(new, self.directory.join("plan")).unwrap();
    }

    async fn run(mut self) {
        let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
        let _ = std::fs::remove_file(&self.socket);
        let listener = UnixListener::bind(&self.socket).unwrap();
        let mut link: Option<Link> = None;
        let mut beat = tokio::time::interval(BEAT);
        while self.born.elapsed() < LIFETIME && self.directory.exists() {
            tokio::select! {
                accepted = listener.accept() => link = self.greet(accepted.unwrap().0).await,
                message = recv(&mut link) => match message {
                    Some(message) => self.on_message(message, &mut link).await,
                    None => link = None,
                },
                _ = beat.tick() => self.on_beat(&mut link).await,
                _ = terminated.recv() => if !self.behaves("stubborn") { return },
            }
        }
    }

    async fn greet(&self, stream: UnixStream) -> Option<Link> {
        let mut link = Framed::new(stream, LengthDelimitedCodec::new());
        if self.behaves("silent") {
            return Some(link);
        }
        let protocol = if self.behaves("protocol") { 99 } else { PROTOCOL };
        let hello = Up::Hello {
            protocol,
            build: BUILD.to_owned(),
            channel: self.channel.clone(),
            pid: std::process::id(),
            since: MediaTime::from_system(uplink::system::own_since()),
            plan: self.plan.clone(),
            program: self.program.clone(),
            live: self.live.clone(),
            delivering: self.delivering,
        };
        send(&mut link, &hello).await.then_some(link)
    }

    async fn on_message(&mut self, message: Down, link: &mut Option<Link>) {
        let Some(open) = link else { return };
        match message {
            Down::Hello { .. } => self.heard("hello"),
            Down::Start { .. } if self.behaves("refuse") => {
                send(open, &Up::Refused { reason: "no encoder works".into() }).await;
            }
            Down::Start { plan, program, live } => {
                self.heard("start");
                let known = self.plan.as_ref().is_some_and(|known| *known == plan);
                if !known {
                    self.note(&plan);
                    self.plan = Some(plan);
                    self.program = program;
                    self.live = live;
                }
                send(open, &Up::Ready).await;
            }
            Down::Deliver { plan, live } => {
                self.heard("deliver");
                (self.plan, self.live, self.delivering) = (Some(plan), live, true);
                send(open, &Up::Ready).await;
            }
            Down::Program { order } => {
                self.heard("program");
                if !self.behaves("disobey") {
                    self.program = order;
                }
            }
            Down::Act { .. } if self.behaves("deaf") => self.heard("act"),
            Down::Act { id, act } => self.on_act(id, act, open).await,
            Down::Change { id, plan } => {
                self.heard("change");
                let bends = !self.behaves("unbending");
                if bends {
                    self.note(&plan);
                    self.plan = Some(plan);
                }
                let result = if bends { Ok(Acted::said("changed")) } else { Err("a stand-in cannot".into()) };
                send(open, &Up::Acted { id, result }).await;
            }
            Down::Stop { .. } => {
                self.heard("stop");
                if !self.behaves("stubborn") {
                    send(open, &Up::Stopped { cause: "asked to".into() }).await;
                    std::process::exit(0);
                }
            }
        }
    }

    async fn on_act(&mut self, id: u64, act: Act, open: &mut Link) {
        match act {
            Act::Take { order, .. } => {
                self.heard("program");
                if !self.behaves("disobey") {
                    let unchanged = self.program == order;
                    self.program = order;
                    let report = Box::new(report(self.plan.as_ref().unwrap(), &self.program, &self.live, now()));
                    let text = report.program.sentence();
                    send(open, &Up::Heartbeat { report }).await;
                    let shown = Acted { at: Some(now()), frame: Some(1), unchanged, ..Acted::said(text) };
                    send(open, &Up::Acted { id, result: Ok(shown) }).await;
                }
            }
            Act::Schedule { take } => {
                self.heard("schedule");
                self.live.schedule(take);
                send(open, &Up::Acted { id, result: Ok(Acted::said("scheduled")) }).await;
            }
            Act::Live { live } => {
                self.heard("act");
                let text = live.slate_text.clone().unwrap_or_default();
                let result = if text == "impossible" { Err(text) } else { Ok(Acted::said(text)) };
                self.live = live;
                send(open, &Up::Acted { id, result }).await;
            }
            Act::Cue { ask } => {
                let plan = self.plan.as_ref().expect("on air");
                let frames = FrameGrid::new(plan.program.frame_rate);
                let timeline = Timeline::new(plan.segments, frames, self.live.cued.clone());
                let result =
                    timeline.cue(&ask, now()).map_err(|refusal| refusal.to_string()).map(|(timeline, placed)| {
                        self.live.cued = timeline.cued().clone();
                        Acted { cued: Some(Box::new(timeline.cued().clone())), ..Acted::said(placed.id.to_string()) }
                    });
                send(open, &Up::Acted { id, result }).await;
            }
            Act::RestartLoudness => {
                self.heard("restart-loudness");
                send(open, &Up::Acted { id, result: Ok(Acted::said("measured anew")) }).await;
            }
            _ => {
                send(open, &Up::Acted { id, result: Err("a stand-in cannot".into()) }).await;
            }
        }
    }

    async fn on_beat(&mut self, link: &mut Option<Link>) {
        if self.plan.is_none() || self.behaves("mute") || self.behaves("silent") {
            return;
        }
        if (self.behaves("garbage") || self.behaves("oversize")) && !self.misbehaved {
            if let Some(open) = link {
                self.misbehaved = true;
                let bytes: &[u8] = if self.behaves("garbage") { b"\0\0\0\x02{]" } else { &[0x40, 0, 0, 0] };
                let _ = open.get_mut().write_all(bytes).await;
            }
            return;
        }
        if self.delivering {
            return self.on_beat_of_rest(link).await;
        }
        if !self.behaves("frozen") {
            self.frozen = now();
        }
        let due = self.live.scheduled.partition_point(|take| take.at <= self.frozen);
        if let Some(take) = self.live.scheduled.drain(..due).next_back() {
            self.program = take.order;
        }
        let mut report = Box::new(report(self.plan.as_ref().unwrap(), &self.program, &self.live, self.frozen));
        if let Some(bytes) = self.sent() {
            send_to(&mut report.destinations[0], &self.live, bytes);
        }
        if let Some(open) = link
            && !send(open, &Up::Heartbeat { report }).await
        {
            *link = None;
        }
    }
}

impl Standin {
    /// What is left waits, until it is `delivered`.
    async fn on_beat_of_rest(&self, link: &mut Option<Link>) {
        let plan = self.plan.as_ref().unwrap();
        let whole = report(plan, &self.program, &self.live, self.frozen);
        let mut rest = Box::new(RemainderStatus { destinations: whole.destinations, spool: whole.spool });
        rest.destinations[0].queue_segments = 3;
        let Some(open) = link else { return };
        send(open, &Up::Remainder { report: rest }).await;
        if self.behaves("delivered") {
            let _ = std::fs::remove_file(owed_mark(plan));
            send(open, &Up::Stopped { cause: "everything is delivered".into() }).await;
            std::process::exit(0);
        }
    }
}

async fn recv(link: &mut Option<Link>) -> Option<Down> {
    match link {
        Some(open) => serde_json::from_slice(&open.next().await?.ok()?).ok(),
        None => std::future::pending().await,
    }
}

async fn send(link: &mut Link, message: &Up) -> bool {
    link.send(bytes::Bytes::from(serde_json::to_vec(message).unwrap())).await.is_ok()
}

fn now() -> MediaTime {
    MediaTime::from_system(SystemTime::now())
}

fn report(plan: &ChannelPlan, program: &ProgramOrder, live: &LiveSettings, position: MediaTime) -> WorkerReport {
    let fine = || HealthReport::new(Health::Healthy, "ok", "fine", MediaTime::from_secs(1));
    let showing = match program {
        ProgramOrder::Auto => Showing::Source { source: plan.sources[0].id.clone() },
        ProgramOrder::Slate => Showing::Slate,
        ProgramOrder::Source { source } => Showing::Source { source: source.clone() },
        ProgramOrder::Scene { scene } => Showing::Scene { scene: scene.clone() },
    };
    let source = |id| SourceStatus {
        id,
        kind: "test".into(),
        state: SourceState::Delivering,
        health: fine(),
        picture: None,
        frame_rate: None,
        sound: None,
        connects: 1,
        frames: 1,
        late: 0,
        timecode: None,
        signal: Default::default(),
        input: None,
        link: None,
    };
    let destination = |id| DestinationStatus {
        id,
        url: String::new(),
        state: DestinationState::Streaming,
        health: fine(),
        fault: None,
        bytes_sent: 1,
        bytes_acknowledged: 1,
        position: Some(position),
        queue_segments: 0,
        queue_seconds: 0.0,
        reconnects: 0,
        last_error: None,
        endpoints: Vec::new(),
        forced: None,
        last_switch: None,
        last_drill: None,
        recording: None,
        paused_since: None,
        line: None,
    };
    WorkerReport {
        program: ProgramStatus {
            order: program.clone(),
            showing,
            since: MediaTime::from_secs(1),
            position,
            frames: 1,
            repeated: 0,
            missed: 0,
            peak_dbfs: vec![-20.0],
            auto: None,
            preview: live.preview.clone(),
            scheduled: live.scheduled.clone(),
            dissolving: false,
            loudness: Vec::new(),
            sound_states: Vec::new(),
            timecode: None,
        },
        sources: plan.sources.iter().map(|plan| source(plan.id.clone())).collect(),
        renditions: Vec::new(),
        destinations: plan.destinations.iter().map(|plan| destination(plan.id.clone())).collect(),
        spool: SpoolStatus { health: fine(), bytes: 0, quota_bytes: 1, lost_segments: 0, overflowed: Vec::new() },
    }
}

/// A destination that is used has one endpoint with this counter; one that is held back has none.
fn send_to(destination: &mut DestinationStatus, live: &LiveSettings, bytes: u64) {
    let order = live.destinations.get(&destination.id).cloned().unwrap_or_default();
    if order.hold() == Some(Hold::Stopped) || order.enabled == Some(false) {
        destination.state = DestinationState::Disabled;
        return;
    }
    let endpoint = serde_json::json!({
        "name": "primary", "url": "", "duty": "active", "state": "streaming", "health": destination.health, "fault": null,
        "bytes_sent": bytes, "bytes_acknowledged": bytes, "position": null, "queue_segments": 0, "queue_seconds": 0.0,
        "reconnects": 0, "last_error": null,
    });
    destination.endpoints = vec![serde_json::from_value(endpoint).unwrap()];
}

/// The script that is a stand-in's executable.
pub fn executable(directory: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.join("worker.sh");
    let own = std::env::current_exe().unwrap();
    let script = format!(
        "#!/bin/sh\nexport {CHANNEL}=\"$2\" {RUNTIME}=\"$4\"\nexec {} --exact standin::standin --nocapture\n",
        own.display()
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}
