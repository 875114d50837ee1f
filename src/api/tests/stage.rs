//! A stage for the panel: the real server over a mailbox that plays an engine with three channels, as a process of its
//! own, so that the browser test can freeze it as a daemon freezes.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, timeout_at};

use super::super::{Doors, Engine, Freezer, Parts};
use super::alarms;
use super::engine::{furnish, obey};
use super::recordings;
use super::rig::{Rig, now, rig};
use super::site::{CLASS, Site};
use crate::access::Access;
use crate::alarm::Alarms;
use crate::config::Setting;
use crate::model::ChannelId;
use crate::model::capacity::{CapacityStatus, ChannelNeeds, ClassFit, Resources, SessionRoom};
use crate::model::notify::{Notified, Wanted, Webhook};
use crate::model::secret::Secret;
use crate::model::sound::Loudness;
use crate::model::status::ProgramStatus;
use crate::model::{Event, EventCode, MediaTime, Severity};
use crate::notify::{Notifier, Pace};
use crate::replay::Desk;
use crate::store::{Accounts, Store};

/// 16 × 16 grey pixels.
const PICTURE: &str = "ffd8ffe000104a46494600010200000100010000fffe00104c61766335392e33372e31303000ffdb004300083e3e493e49555555555555645d6468686864646464686868707070838383707070686870707c7c83838f938f8787838793939b9b9bbabab2b2d9d9e0ffffffffc4004a000100000000000000000000000000000000010100000000000000000000000000000000100100000000000000000000000000000000110100000000000000000000000000000000ffc00011080010001003012200021100031100ffda000c03010002110311003f00000fffd9";

/// More than a page of the panel has.
const RECORDINGS: usize = 60;

/// Serves until its standard input ends; prints its address first.
#[test]
#[ignore = "no test of its own: the_panel_in_a_real_browser starts it as a process"]
fn stage() {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let (handle, rig) = rig(dir.path());
        let site = Site::new(dir.path());
        rig.change(|status| {
            status.started_at = now();
            status.config.path = site.config();
            status.capacity = capacity();
            status.channels.iter_mut().filter(|channel| channel.id.as_str() == "demo").for_each(furnish);
        });
        let class = Setting { key: "channels.demo.stream_class".into(), value: CLASS.into(), line: None, column: None };
        rig.written.put([class].into(), Default::default());
        let address = std::env::var("UPLINK_STAGE_ADDRESS").unwrap_or("127.0.0.1:0".into());
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let parent =
            async { tokio::task::spawn_blocking(|| std::io::stdin().lines().count()).await.map_or((), |_| ()) };
        let picture = std::env::var("UPLINK_STAGE_PICTURE").ok().and_then(|path| std::fs::read(path).ok());
        let picture = picture.unwrap_or_else(|| hex::decode(PICTURE).unwrap());
        // Open to everybody, unless there is a place for its users.
        let doors = match std::env::var_os("UPLINK_STAGE_STATE").map(PathBuf::from) {
            Some(state) => {
                let access = Access::of(Accounts::new(&state.join("access.db")), &state, false).await;
                Doors { access, ..Doors::from(listener) }
            }
            None => Doors::from(listener),
        };
        // In this order: events are recorded from the call on.
        let store = past(dir.path()).await;
        let alarms = alarms::listing(store.clone());
        let (notifier, freezer, surfaces) = (told(store.clone()), Freezer::idle(), Default::default());
        let (desk, classes) = (Desk::idle(), site.classes.clone());
        let shelf = dir.path().join("recordings");
        recordings::shelve(&shelf, RECORDINGS);
        desk.learn(vec![shelf], Vec::new());
        let store = Some(store);
        let prober = Default::default();
        let parts = Parts {
            handle,
            store,
            desk,
            alarms: alarms.clone(),
            notifier,
            freezer,
            surfaces,
            classes,
            prober,
            engine: Engine::idle(),
        };
        let served = super::super::serve_all(doors, parts, parent);
        tokio::spawn(play(rig, site, alarms, dir.path().to_owned(), picture));
        println!("stage http://{address}");
        served.await.unwrap();
    });
}

/// A webhook that somebody listens to, and one that nobody does; nobody at all where no address is given.
fn told(store: Store) -> Notifier {
    let Ok(address) = std::env::var("UPLINK_STAGE_WEBHOOK") else { return Notifier::idle() };
    let hook = |name: &str, url: &str| Webhook {
        name: name.into(),
        url: url.parse().unwrap(),
        secret: Some(Secret::new("webhook-secret-of-the-stage")),
        wanted: Wanted { priorities: Vec::new(), news: Vec::new() },
    };
    let notifier = Notifier::new(store, Box::new(|_| {}), Pace::default());
    let webhooks = vec![hook("ops", &address), hook("nobody", "http://127.0.0.1:9/")];
    notifier.learn(Notified { webhooks, mail: None }, "studio-box");
    notifier
}

/// What an earlier run has written down: more than a page, an alarm, and the gap between that run and this one.
async fn past(dir: &Path) -> Store {
    let (store, _) = Store::open(&dir.join("uplink.db"), |_| {});
    let channel = ChannelId::new("demo").unwrap();
    let now = std::time::SystemTime::now();
    let ago = |seconds| MediaTime::from_system(now - Duration::from_secs(seconds));
    for n in 0..130 {
        let event = Event::new(ago(4000 - n), Severity::Info, EventCode::ProgramSwitched, format!("take {n}"));
        store.append(&event.channel(&channel).subject("cam-1"));
    }
    let alarm = Event::new(ago(3700), Severity::Error, EventCode::AlarmRaised, "the picture is black");
    store.append(&alarm.channel(&channel).subject("source_black.demo.cam-1"));
    let gap = Event::new(ago(3000), Severity::Warning, EventCode::DaemonAbsent, "no daemon was there");
    store.append(&gap.since(ago(3600)));
    store.flush().await;
    store
}

/// A box of eight cores with room for more.
fn capacity() -> CapacityStatus {
    let of =
        |cores, gigabytes: u64, disk| Resources { cores, memory_bytes: gigabytes << 30, disk_bytes_per_second: disk };
    let needs = of(1.4, 1, 500_000);
    CapacityStatus {
        room: of(7.2, 14, 80_000_000),
        taken: of(2.8, 2, 1_000_000),
        sessions: vec![SessionRoom { profile: "nvidia-geforce".into(), sessions: 8, taken: 3 }],
        channels: vec![ChannelNeeds {
            channel: ChannelId::new("demo").unwrap(),
            on_air: true,
            needs,
            sessions: Default::default(),
        }],
        classes: vec![ClassFit { stream_class: "talk-720p30".into(), needs, more: 3, sessions: Default::default() }],
        measured: true,
        disk: None,
    }
}

/// Frames advance, pictures are taken, orders are confirmed after a while: as an engine would.
async fn play(mut rig: Rig, site: Site, alarms: Alarms, runtime: PathBuf, picture: Vec<u8>) {
    for channel in ["demo", "studio-b"] {
        std::fs::create_dir(runtime.join(channel)).unwrap();
        for name in ["confidence.jpg", "preview.jpg"] {
            std::fs::write(runtime.join(channel).join(name), &picture).unwrap();
        }
    }
    (1..=3).for_each(|seq| rig.emit(seq, "cam-1 delivers no picture"));
    let mut next = Instant::now();
    loop {
        next += Duration::from_millis(500);
        while let Ok(request) = timeout_at(next, rig.requests.recv()).await {
            let Some((command, reply)) = request else { return };
            sleep(Duration::from_millis(400)).await;
            let _ = reply.send(obey(&rig, &site, command));
        }
        std::fs::write(runtime.join("demo/confidence.jpg"), &picture).unwrap();
        rig.change(|status| {
            for report in status.channels.iter_mut().filter_map(|channel| channel.report.as_mut()) {
                report.program.frames += 15;
                report.program.position = now();
                sound(&mut report.program);
            }
        });
        let status = rig.status.borrow().clone();
        alarms.look(&status, now());
    }
}

/// Levels that move, and what they sum up to.
fn sound(program: &mut ProgramStatus) {
    let swing = (program.frames as f32 / 23.0).sin() * 9.0;
    program.peak_dbfs = vec![-16.0 + swing, -19.0 + swing];
    let level = f64::from(swing) - 23.0;
    program.loudness = vec![Loudness {
        channels: vec![1, 2],
        momentary: Some(level),
        short_term: Some(level / 2.0 - 11.5),
        integrated: Some(-23.1),
        lra: Some(6.4),
        true_peak: vec![-6.2, -7.9],
        since: program.since,
        correction_db: None,
        limiter_db: None,
    }];
}

/// The plain page in Chromium: `web-ui/tests/plain.mjs` against the stage.
#[test]
fn the_panel_in_a_real_browser() {
    in_a_browser("plain.mjs", &["node_modules/playwright-core"]);
}

/// The panel in Chromium: `web-ui/tests/panel.mjs` against the stage.
#[test]
fn the_bundled_panel_in_a_real_browser() {
    in_a_browser("panel.mjs", &["node_modules/playwright-core", "node_modules/axe-core", "dist/index.html"]);
}

/// From a box without users to one who may only look: `web-ui/tests/signin.mjs` against the stage.
#[test]
fn signing_in_in_a_real_browser() {
    in_a_browser("signin.mjs", &["node_modules/playwright-core", "node_modules/axe-core", "dist/index.html"]);
}

fn in_a_browser(test: &str, needs: &[&str]) {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web-ui");
    let chromium = std::env::var("UPLINK_CHROMIUM").unwrap_or("/usr/bin/chromium".into());
    if !needs.iter().all(|name| web.join(name).exists()) || !Path::new(&chromium).exists() {
        eprintln!(
            "SKIPPED: {test} was not run. `npm install` and `npm run build` in web-ui, and {chromium}, are needed"
        );
        return;
    }
    let exe = std::env::current_exe().unwrap();
    let arguments = ["--exact", "api::tests::stage::stage", "--ignored", "--nocapture"];
    // Free now; whoever is told of alarms listens there.
    let webhook = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let webhook = ("UPLINK_STAGE_WEBHOOK", format!("http://{webhook}/hooks"));
    let again: Vec<&str> = exe.to_str().into_iter().chain(arguments).collect();
    let state = (test == "signin.mjs").then(|| tempfile::tempdir().unwrap());
    let mut stage = Process::new(&exe);
    stage.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    stage.envs([webhook.clone()]).envs(state.as_ref().map(|state| ("UPLINK_STAGE_STATE", state.path())));
    let mut stage = stage.spawn().unwrap();
    let mut lines = std::io::BufReader::new(stage.stdout.take().unwrap()).lines().map_while(Result::ok);
    let address = lines.find_map(|line| line.split_once("stage ").map(|(_, address)| address.to_owned())).unwrap();
    let node = Process::new("timeout")
        .envs(state.as_ref().map(|state| ("UPLINK_STAGE_STATE", state.path())))
        .envs([webhook])
        .args(["900", "node", "--test", &format!("tests/{test}")])
        .current_dir(&web)
        .env("UPLINK_PANEL_URL", &address)
        .env("UPLINK_PANEL_PID", stage.id().to_string())
        .env("UPLINK_PANEL_COMMAND", serde_json::to_string(&again).unwrap())
        .env("UPLINK_STAGE_ADDRESS", address.trim_start_matches("http://"))
        .env("UPLINK_CHROMIUM", &chromium)
        .output();
    drop(stage.stdin.take());
    let _ = stage.kill();
    let _ = stage.wait();
    let node = node.unwrap();
    let text = format!("{}\n{}", String::from_utf8_lossy(&node.stdout), String::from_utf8_lossy(&node.stderr));
    assert!(node.status.success(), "{text}");
}
