//! A runtime directory, a supervisor on it, and stand-in workers.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::broadcast;
use uplink::model::status::{ApplianceStatus, ChannelOrder, ChannelState, ChannelStatus};
use uplink::model::{Budget, ChannelId, EventCode, Resources};
use uplink::plan::ChannelPlan;
use uplink::policy::RestartPolicy;
use uplink::store::Store;
use uplink::supervisor::{
    Budgets, ClassNeeds, Command, Configuration, Configured, Groups, Handle, Limits, Outcome, Records, Refusal,
    Settings, StampedEvent, Supervisor,
};
use uplink::telemetry::Recorder;

use super::standin::executable;

/// No wait in these tests is longer.
pub const SOON: Duration = Duration::from_secs(20);

pub fn id(name: &str) -> ChannelId {
    name.parse().unwrap()
}

/// A plan that a stand-in can be started with.
pub fn plan(name: &str) -> ChannelPlan {
    serde_json::from_value(serde_json::json!({
        "channel": name, "title": name, "stream_class": "test 1.0.0",
        "program": {"size": "320x180", "frame_rate": "25", "audio": {"sample_rate": 48000, "channels": 2}},
        "segments": 1000,
        "sources": [{"id": "one", "kind": {"kind": "test"}}, {"id": "two", "kind": {"kind": "test"}}],
        "slate": {"text": "back soon"}, "video": [], "audio": [],
        "spool": {"directory": "/nowhere", "quota_bytes": 1, "retain_seconds": 1, "playlist_segments": 5},
        "destinations": [{"id": "origin", "endpoints": [{"name": "primary",
            "kind": {"kind": "hls_push", "url": "http://127.0.0.1:9/", "upload": {}}}]}],
        "thresholds": {"loss_ms": 250, "wait_to_restore_ms": 2000, "stall_ms": 2000},
    }))
    .unwrap()
}

/// What is on disk between daemons.
pub struct Rig {
    /// What each channel takes, of two; none if 0.
    cores: f64,
    /// Sessions of `card`, on a box of two cores where plans are weighed; none if 0.
    sessions: u32,
    /// What the destinations of every channel may cost.
    budgets: Budgets,
    pub directory: tempfile::TempDir,
    pub limits: Limits,
    /// What the next reading of the configuration yields.
    pub next: Arc<Mutex<Result<Vec<ChannelPlan>, Vec<String>>>>,
}

impl Rig {
    pub fn new(channels: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let rig = Self {
            cores: 0.0,
            sessions: 0,
            budgets: Budgets::new(),
            limits: Limits { ready_within: Duration::from_secs(8), ..Limits::default() },
            next: Arc::new(Mutex::new(Ok(channels.iter().map(|name| plan(name)).collect()))),
            directory,
        };
        for name in channels {
            rig.behave(name, "");
        }
        rig
    }

    pub fn quick_stop(mut self) -> Self {
        self.limits.stop_within = Duration::from_millis(300);
        self.limits.patience = Duration::from_millis(200);
        self
    }

    pub fn restarts(mut self, restarts: RestartPolicy) -> Self {
        self.limits.restarts = restarts;
        self
    }

    /// A box of two cores, of which each channel takes so many.
    pub fn crowded(mut self, cores: f64) -> Self {
        self.cores = cores;
        self
    }

    /// A box of two cores with so many sessions of `card`, where what plans take is weighed.
    pub fn with_card(mut self, sessions: u32) -> Self {
        self.sessions = sessions;
        self
    }

    /// First encoder of each rendition that the stand-in of `channel` was last told of.
    pub fn encoders(&self, channel: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.runtime().join(channel).join("plan")).unwrap();
        let plan: ChannelPlan = serde_json::from_str(&text).unwrap();
        plan.video.iter().map(|rendition| rendition.encoders[0].profile.clone()).collect()
    }

    /// The destination of every channel has this budget.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budgets.insert("origin".parse().unwrap(), budget);
        self
    }

    pub fn runtime(&self) -> PathBuf {
        self.directory.path().join("run")
    }

    /// Tells the stand-in of `channel` how to behave from now on.
    pub fn behave(&self, channel: &str, words: &str) {
        let directory = self.runtime().join(channel);
        std::fs::create_dir_all(&directory).unwrap();
        // Replaced at once: a stand-in never reads half a word.
        std::fs::write(directory.join("behave.new"), words).unwrap();
        std::fs::rename(directory.join("behave.new"), directory.join("behave")).unwrap();
    }

    /// What the stand-ins of `channel` were told.
    pub fn heard(&self, channel: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.runtime().join(channel).join("heard")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub fn daemon(&self) -> Daemon {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let entered = runtime.enter();
        let (store, orders) = Store::open(&self.directory.path().join("uplink.db"), |_| {});
        let log = store.clone();
        let recorder = Arc::new(Recorder::new(Box::new(move |event| log.append(event))));
        let settings = Settings {
            runtime: self.runtime(),
            images: self.directory.path().join("images"),
            worker: executable(self.directory.path()),
            limits: self.limits,
            groups: Groups::default(),
        };
        let next = self.next.clone();
        let (cores, sessions, budgets) = (self.cores, self.sessions, self.budgets.clone());
        let read = move || {
            let mut configuration = crowded(configuration(next.lock().unwrap().clone()?), cores);
            if sessions > 0 {
                configuration.budget = with_card(sessions);
            }
            configuration.channels.iter_mut().for_each(|channel| channel.budgets = budgets.clone());
            Ok(configuration)
        };
        let first = read().unwrap();
        let (supervisor, handle) =
            Supervisor::new(settings, first, Records { store, orders, recorder }, Box::new(move |_| read()));
        let events = handle.events();
        supervisor.begin();
        drop(entered);
        Daemon { runtime: Some(runtime), supervisor, handle, events, seen: Vec::new() }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        for entry in std::fs::read_dir(self.runtime()).into_iter().flatten().flatten() {
            if let Ok(text) = std::fs::read_to_string(entry.path().join("worker.pid")) {
                kill_exactly(&text);
            }
        }
    }
}

/// Kills the process of a pid file, if it is still the one that was started.
fn kill_exactly(line: &str) {
    let mut words = line.split_whitespace();
    let (Some(pid), Some(ticks)) = (words.next(), words.next()) else { return };
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    if stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19)) == Some(ticks) {
        signal(pid.parse().unwrap(), rustix::process::Signal::KILL);
    }
}

pub fn configuration(plans: Vec<ChannelPlan>) -> Configuration {
    let configured = |plan| Configured {
        plan,
        order: ChannelOrder::OnAir,
        needs: Resources::default(),
        budgets: Default::default(),
        share: Default::default(),
    };
    Configuration {
        name: "rig".into(),
        path: "uplinkd.toml".into(),
        channels: plans.into_iter().map(configured).collect(),
        budget: uplink::supervisor::Budget::default(),
        written: Default::default(),
        files: Default::default(),
        instead: None,
    }
}

fn crowded(mut configuration: Configuration, cores: f64) -> Configuration {
    if cores > 0.0 {
        let each = Resources { cores, ..Resources::default() };
        let room = Resources { cores: 2.0, memory_bytes: u64::MAX, disk_bytes_per_second: u64::MAX };
        configuration.budget = uplink::supervisor::Budget {
            room: Some(room),
            classes: vec![ClassNeeds { name: "class".into(), needs: each, plan: None }],
            measured: true,
            ..uplink::supervisor::Budget::default()
        };
        configuration.channels.iter_mut().for_each(|channel| channel.needs = each);
    }
    configuration
}

fn with_card(sessions: u32) -> uplink::supervisor::Budget {
    uplink::supervisor::Budget {
        room: Some(Resources { cores: 2.0, memory_bytes: u64::MAX, disk_bytes_per_second: u64::MAX }),
        sessions: [("card".to_owned(), sessions)].into(),
        costs: Some(uplink::plan::Costs::default()),
        ..uplink::supervisor::Budget::default()
    }
}

pub fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
    let _ = rustix::process::kill_process(pid, signal);
}

/// Whether process `pid` is there and not a zombie.
pub fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// Waits until `condition` holds.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < SOON, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub struct Daemon {
    runtime: Option<Runtime>,
    supervisor: Supervisor,
    pub handle: Handle,
    events: broadcast::Receiver<Arc<StampedEvent>>,
    seen: Vec<Arc<StampedEvent>>,
}

impl Daemon {
    fn on<T>(&self, future: impl Future<Output = T>) -> T {
        let bounded = async { tokio::time::timeout(SOON, future).await.expect("an answer in time") };
        self.runtime.as_ref().unwrap().block_on(bounded)
    }

    pub fn ask(&self, command: Command) -> Result<Outcome, Refusal> {
        self.on(self.handle.ask(command))
    }

    pub fn status(&self) -> Arc<ApplianceStatus> {
        self.handle.status().borrow().clone()
    }

    pub fn channel(&self, name: &str) -> ChannelStatus {
        self.status().channels.iter().find(|channel| channel.id.as_str() == name).expect("a known channel").clone()
    }

    /// Waits until the snapshot shows something of a channel.
    pub fn wait(&self, name: &str, condition: impl Fn(&ChannelStatus) -> bool) -> ChannelStatus {
        let mut status = self.handle.status();
        let shows =
            |status: &Arc<ApplianceStatus>| status.channels.iter().any(|c| c.id.as_str() == name && condition(c));
        let waited = self.on(async { status.wait_for(shows).await.map(|_| ()) });
        waited.expect("the supervisor lives");
        self.channel(name)
    }

    /// Waits until the channel runs, and returns its worker's pid.
    pub fn running(&self, name: &str) -> u32 {
        self.wait(name, |channel| channel.state == ChannelState::Running).worker.expect("a worker").pid
    }

    /// Waits for a worker other than `old` that runs.
    pub fn replaced(&self, name: &str, old: u32) -> u32 {
        let other = |channel: &ChannelStatus| channel.worker.as_ref().is_some_and(|worker| worker.pid != old);
        self.wait(name, |channel| channel.state == ChannelState::Running && other(channel)).worker.unwrap().pid
    }

    /// Waits for an event.
    pub fn event(&mut self, code: EventCode) -> String {
        let started = Instant::now();
        loop {
            self.drain();
            if let Some(event) = self.seen.iter().find(|stamped| stamped.event.code == code) {
                return event.event.text.clone();
            }
            assert!(started.elapsed() < SOON, "no {code:?} in {:#?}", self.seen);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn count(&mut self, code: EventCode) -> usize {
        self.drain();
        self.seen.iter().filter(|stamped| stamped.event.code == code).count()
    }

    fn drain(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            self.seen.push(event);
        }
    }

    /// What is left when a daemon dies: nothing of it, and the workers.
    pub fn crash(mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }

    pub fn begin_stop(&self) {
        self.supervisor.stop();
    }

    pub fn hurry(&self) {
        self.supervisor.hurry();
    }

    pub fn finished(&mut self) {
        let runtime = self.runtime.as_ref().unwrap();
        let ended = async { tokio::time::timeout(SOON, self.supervisor.finished()).await };
        runtime.block_on(ended).expect("an end in time");
    }

    pub fn stop(mut self) {
        self.begin_stop();
        self.finished();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub fn executable_in(directory: &Path) -> PathBuf {
    executable(directory)
}
