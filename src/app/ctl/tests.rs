//! The command line against the real API over a mailbox that the test holds.

use clap::{CommandFactory, Parser};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::apart::Apart;
use super::arguments::Verb;
use super::exit::Exit;
use super::{Arguments, apart, ask, report};
use crate::access::{Access, By, Caller, NewToken, Peer, Role, Via};
use crate::api::tests::rig::{Rig, id, outcome, rig};
use crate::api::{Doors, Engine, Freezer, Parts};
use crate::model::status::ProgramOrder;
use crate::model::{Act, Acted, LiveChange, RecordingAsk, Secret, TakeOrder, Transition};
use crate::notify::Notifier;
use crate::replay::Desk;
use crate::store::Accounts;
use crate::supervisor::{Command, Outcome, Refusal};

struct Daemon {
    rig: Rig,
    url: String,
    _stop: DropGuard,
    _dir: tempfile::TempDir,
}

async fn daemon() -> Daemon {
    let dir = tempfile::tempdir().unwrap();
    let (handle, rig) = rig(dir.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    tokio::spawn(crate::api::serve(listener, handle, Desk::idle(), stop.clone().cancelled_owned()));
    Daemon { rig, url, _stop: stop.drop_guard(), _dir: dir }
}

pub(super) async fn uplinkctl(url: &str, line: &str) -> Result<String, (Exit, String)> {
    let line = ["uplinkctl", "--api", url].into_iter().chain(line.split(' '));
    let arguments = Arguments::try_parse_from(line).unwrap();
    let said = match &arguments.verb {
        Verb::Ask(verb) => ask(&arguments, verb).await,
        Verb::Apart(Apart::Password(wanted)) => apart::password(&arguments, wanted).await,
        verb => panic!("{verb:?} does not end with what the daemon answers"),
    };
    said.map_err(|failure| (Exit::from(&failure), report::failure(&failure)))
}

#[test]
fn arguments_hold_together() {
    Arguments::command().debug_assert();
}

#[tokio::test]
async fn status_says_first_what_is_on_air_then_what_is_wrong() {
    let daemon = daemon().await;
    let text = uplinkctl(&daemon.url, "status").await.unwrap();
    let lines: Vec<Vec<&str>> =
        text.lines().map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect();
    assert_eq!(lines[0][0], "studio-box", "{text}");
    assert_eq!(lines[2][..4], ["CHANNEL", "AIR", "ORDER", "STATE"], "{text}");
    assert_eq!(lines[3], ["demo", "ON AIR", "on air", "running", "healthy", "cam-1", "1 h 10 min", "1 of 1"], "{text}");
    assert_eq!(lines[4][..6], ["studio-b", "SLATE", "on air", "slate", "DEGRADED", "slate"], "{text}");
    assert_eq!(lines[5], ["late-show", "OFF AIR", "off air", "idle", "inactive", "-", "-", "-"], "{text}");
    let wrong = text.split("\n! ").nth(1).unwrap();
    assert!(wrong.starts_with("studio-b: DEGRADED for 42 s: origin-b does not answer"), "{text}");
    assert!(wrong.contains("\n    source cam-1: lost, FAILED for 42 s: no picture"), "{text}");
    assert!(wrong.contains("\n    destination origin-b: interrupted, 44 s waiting, DEGRADED"), "{text}");
}

#[tokio::test]
async fn top_once_is_one_plain_frame_and_without_a_terminal_it_says_so() {
    let daemon = daemon().await;
    let text = uplinkctl(&daemon.url, "top --once").await.unwrap();
    for part in ["studio-box  Uplink", "ON AIR   demo", "sent to  1 of 2", "no levels"] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    assert!(uplinkctl(&daemon.url, "surfaces").await.unwrap().starts_with("no displays and no OSC"));
    let json = uplinkctl(&daemon.url, "--json top --once").await.unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["name"], "studio-box");
    let (exit, text) = uplinkctl(&daemon.url, "--json top").await.unwrap_err();
    assert!(exit == Exit::Failed && text.contains("events --follow"), "{text}");
}

#[tokio::test]
async fn one_channel_with_all_its_parts() {
    let daemon = daemon().await;
    let text = uplinkctl(&daemon.url, "status studio-b").await.unwrap();
    for part in [
        "worker 41207, adopted",
        "2 restart(s)",
        "cam-1 (srt)",
        "origin-b",
        "44.0 s",
        "x264enc",
        "3 Mbit/s",
        "shows slate (asked: slate)",
        "spool 740 of 4000 MB",
    ] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    assert!(text.lines().all(|line| line.len() < 200 && line.trim_end() == line), "{text}");
    let json = uplinkctl(&daemon.url, "--json status studio-b").await.unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["id"], "studio-b");
    let (exit, text) = uplinkctl(&daemon.url, "status nobody").await.unwrap_err();
    assert_eq!(exit, Exit::Failed);
    assert!(text.contains("there is: demo, studio-b, late-show"), "{text}");
}

#[tokio::test]
async fn verbs_tell_what_the_engine_confirmed() {
    let mut daemon = daemon().await;
    let shows = |order, transition| {
        let take = TakeOrder { order: Some(order), transition, ..TakeOrder::default() };
        Command::Show(id("demo"), Box::new(take))
    };
    let dissolve: Transition = serde_json::from_value(json!({"kind": "dissolve", "duration_ms": 500})).unwrap();
    let dissolved = shows(ProgramOrder::Auto, dissolve);
    let preview = |order| Command::Change(id("demo"), LiveChange::Preview { order: Some(order) });
    for (line, expected) in [
        ("start demo", Command::Start(id("demo"))),
        ("stop demo --yes", Command::Stop(id("demo"))),
        ("stop demo --now --yes", Command::StopNow(id("demo"))),
        ("slate demo", Command::Slate(id("demo"))),
        ("release demo", Command::Release(id("demo"))),
        ("take demo clip", Command::Take(id("demo"), "clip".parse().unwrap())),
        ("take demo --slate", shows(ProgramOrder::Slate, Transition::default())),
        ("take demo --best --dissolve 500", dissolved),
        ("preview demo --best", preview(ProgramOrder::Auto)),
        ("preview demo", Command::Change(id("demo"), LiveChange::Preview { order: None })),
        ("show begin demo Final", Command::BeginShow(id("demo"), Some("Final".into()))),
        ("show begin demo", Command::BeginShow(id("demo"), None)),
        ("show end demo", Command::EndShow(id("demo"))),
        ("reload", Command::Reload),
        ("reload --dry-run", Command::DryReload),
    ] {
        let engine = async {
            loop {
                let (command, reply) = daemon.rig.requests.recv().await.unwrap();
                let nothing = Outcome { changed: false, ..outcome("it is done") };
                reply.send(Ok(nothing)).unwrap();
                // What a reload would change is looked at before it.
                if command == expected || command != Command::DryReload {
                    return command;
                }
            }
        };
        let (said, command) = tokio::join!(uplinkctl(&daemon.url, line), engine);
        assert_eq!((said.unwrap().as_str(), command), ("it is done (it was so already)\n", expected));
    }
}

#[tokio::test]
async fn costs_are_a_table_of_this_month_or_another() {
    let daemon = daemon().await;
    daemon.rig.costs.set_budgets(&id("demo"), crate::api::tests::rig::budgets());
    let text = uplinkctl(&daemon.url, "cost").await.unwrap();
    assert!(text.contains("0 % of 1.6") && text.contains("cannot be read now"), "{text}");
    let text = uplinkctl(&daemon.url, "cost demo --month 2026-02").await.unwrap();
    assert!(text.starts_with("2026-02 (UTC)") && text.contains("DAY OR ENDPOINT"), "{text}");
    let json = uplinkctl(&daemon.url, "--json cost --month 2026-02").await.unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["month"], "2026-02");
    assert_eq!(uplinkctl(&daemon.url, "cost nobody").await.unwrap_err().0, Exit::Failed);
}

#[tokio::test]
async fn cues_and_metadata_are_what_the_api_takes() {
    let mut daemon = daemon().await;
    let cue = |json: serde_json::Value| Act::Cue { ask: serde_json::from_value(json).unwrap() };
    let metadata = |json: serde_json::Value| Act::Metadata { ask: serde_json::from_value(json).unwrap() };
    let at = "2026-11-21T20:00:00Z";
    for (line, expected) in [
        (
            "cue demo out --id break-7 --duration 30s --pre-roll 5s",
            cue(json!({"type": "out", "id": "break-7", "duration_ms": 30_000, "pre_roll_ms": 5000})),
        ),
        (
            "cue demo out --duration 1500ms --no-auto-return --at 2026-11-21T20:00:00Z --event-id 9 --unique-program-id 2",
            cue(json!({
                "type": "out", "duration_ms": 1500, "auto_return": false, "at": at, "event_id": 9,
                "unique_program_id": 2,
            })),
        ),
        ("cue demo in", cue(json!({"type": "in"}))),
        ("cue demo in --id break-7 --pre-roll 4s", cue(json!({"type": "in", "id": "break-7", "pre_roll_ms": 4000}))),
        ("cue demo cancel break-7", cue(json!({"type": "cancel", "id": "break-7"}))),
        (
            r#"metadata demo X-HOME=2 X-AWAY=a=b --class com.example.score --data {"minute":63} --duration 10s"#,
            metadata(json!({
                "attributes": {"X-HOME": "2", "X-AWAY": "a=b"}, "class": "com.example.score",
                "json": {"minute": 63}, "duration_ms": 10_000,
            })),
        ),
    ] {
        let engine = async {
            let (command, reply) = daemon.rig.requests.recv().await.unwrap();
            let acted = Some(Acted::said("it is placed"));
            let placed = Outcome { acted, ..outcome("it is placed") };
            reply.send(Ok(placed)).unwrap();
            command
        };
        let (said, command) = tokio::join!(uplinkctl(&daemon.url, line), engine);
        assert_eq!((said.unwrap().as_str(), command), ("it is placed\n", Command::Act(id("demo"), expected)), "{line}");
    }
    let refused = async {
        let refusal = Refusal::Impossible("break-7 is too late".into());
        daemon.rig.requests.recv().await.unwrap().1.send(Err(refusal)).unwrap();
    };
    let (said, ()) = tokio::join!(uplinkctl(&daemon.url, "cue demo cancel break-7"), refused);
    assert_eq!(said.unwrap_err().0, Exit::Failed);
}

#[test]
fn a_cue_that_cannot_be_meant_is_wrong_usage() {
    for line in [
        "uplinkctl cue demo",
        "uplinkctl cue demo out --duration 30",
        "uplinkctl cue demo out --no-auto-return",
        "uplinkctl cue demo out --at 2026-11-21T20:00:00Z --pre-roll 5s",
        "uplinkctl cue demo out --at tonight",
        "uplinkctl cue demo cancel",
        "uplinkctl metadata demo HOME",
        "uplinkctl metadata demo --data {",
    ] {
        assert!(Arguments::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
}

#[tokio::test]
async fn refusals_have_their_exit_codes() {
    let mut daemon = daemon().await;
    let faulty = Refusal::FaultyConfiguration(vec!["uplinkd.toml:3:1: the fault".into()]);
    for (line, refusal, exit, part) in [
        ("slate demo", Refusal::OffAir(id("demo")), Exit::Failed, "start it first [off_air]"),
        ("reload", faulty, Exit::FaultyConfiguration, "\n  uplinkd.toml:3:1: the fault\n"),
        ("stop demo --yes", Refusal::ShuttingDown, Exit::Failed, "[shutting_down]"),
    ] {
        let engine = async {
            loop {
                let (command, reply) = daemon.rig.requests.recv().await.unwrap();
                reply.send(Err(refusal.clone())).unwrap();
                if command != Command::DryReload {
                    return;
                }
            }
        };
        let (said, ()) = tokio::join!(uplinkctl(&daemon.url, line), engine);
        let (code, text) = said.unwrap_err();
        assert_eq!(code, exit);
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn a_daemon_that_is_not_there_may_still_be_on_air() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (exit, text) = uplinkctl(&format!("http://{port}"), "status").await.unwrap_err();
    assert_eq!(exit, Exit::Unreachable);
    assert!(text.contains("connection refused") && text.contains("channels may be on air"), "{text}");
}

#[tokio::test]
async fn events_are_lines() {
    let daemon = daemon().await;
    (1..=30).for_each(|seq| daemon.rig.emit(seq, &format!("event {seq}")));
    let reach = Arguments::try_parse_from(["uplinkctl", "--api", &daemon.url, "status"]).unwrap().reach;
    let client = super::client::Client::new(&reach).unwrap();
    let recorded = async {
        while client.get::<serde_json::Value>("api/v1/events/recent").await.unwrap().1["items"]
            .as_array()
            .unwrap()
            .len()
            < 30
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), recorded).await.unwrap();
    let text = uplinkctl(&daemon.url, "events -n 3").await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[2].contains("WARNING  demo/cam-1: event 30; check the camera's cable [source_lost]"), "{text}");
}

#[tokio::test]
async fn the_timeline_goes_back_before_this_run() {
    use crate::model::{Event, EventCode, Severity};
    let dir = tempfile::tempdir().unwrap();
    let (handle, _rig) = rig(dir.path());
    let (store, _) = crate::store::Store::open(&dir.path().join("uplink.db"), |_| {});
    for n in 0..1100 {
        let at = crate::model::MediaTime::from_secs(1_700_000_000 + n);
        store.append(&Event::new(at, Severity::Info, EventCode::SlateOn, format!("slate {n}")));
        if n % 500 == 0 {
            store.flush().await;
        }
    }
    store.flush().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (alarms, notifier) = (crate::alarm::Alarms::idle(), Notifier::idle());
    let (desk, freezer) = (Desk::idle(), Freezer::idle());
    let (surfaces, classes, prober) = Default::default();
    let parts = Parts {
        handle,
        store: Some(store),
        desk,
        alarms,
        notifier,
        surfaces,
        freezer,
        classes,
        prober,
        engine: Engine::idle(),
    };
    tokio::spawn(crate::api::serve_all(listener, parts, std::future::pending()));
    let text = uplinkctl(&url, "timeline -n 1050 --to 2023-11-14T22:31:00Z").await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 1050, "three pages");
    assert!(lines[0].contains("slate 10 [slate_on]") && lines[1049].contains("slate 1059 [slate_on]"), "{text}");
    let text = uplinkctl(&url, "timeline --json --types gap").await.unwrap();
    assert_eq!(text, "[]\n");
    let (exit, text) = uplinkctl(&url, "timeline --types gaps").await.unwrap_err();
    assert!(exit == Exit::Failed && text.contains("with commas between them"), "{text}");
}

#[tokio::test]
async fn another_server_is_not_taken_for_a_daemon() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let other = axum::Router::new().fallback(|| async { "<html>it works</html>" });
    tokio::spawn(axum::serve(listener, other).into_future());
    let (exit, text) = uplinkctl(&url, "status").await.unwrap_err();
    assert_eq!(exit, Exit::Failed);
    assert!(text.contains("does not answer as an Uplink daemon does"), "{text}");
}

#[tokio::test]
async fn a_recording_is_marked_by_name_and_looked_for_without() {
    let mut daemon = daemon().await;
    let engine = async {
        let (command, reply) = daemon.rig.requests.recv().await.unwrap();
        let Command::Act(_, Act::Record { destination, ask }) = &command else { panic!("{command:?}") };
        assert_eq!(destination.as_str(), "archive");
        assert_eq!(*ask, RecordingAsk::Marker { text: "Goal".into(), by: None });
        reply.send(Err(Refusal::Failed("no recording runs".into()))).unwrap();
    };
    let line = "record marker demo Goal --destination archive";
    let (said, ()) = tokio::join!(uplinkctl(&daemon.url, line), engine);
    assert!(said.unwrap_err().1.contains("no recording runs"));
    let (exit, text) = uplinkctl(&daemon.url, "record stop demo").await.unwrap_err();
    assert_eq!(exit, Exit::Failed);
    assert!(text.contains("no destination of kind"), "{text}");
}

#[tokio::test]
async fn alarms_are_listed_acknowledged_and_put_aside() {
    let dir = tempfile::tempdir().unwrap();
    let (handle, _rig) = rig(dir.path());
    let (store, _) = crate::store::Store::open(&dir.path().join("uplink.db"), |_| {});
    let alarms = crate::api::tests::alarms::listing(store);
    let now = crate::api::tests::rig::now();
    let later = now + std::time::Duration::from_secs(9);
    [now, later].into_iter().for_each(|at| alarms.look(&crate::api::tests::rig::appliance(), at));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (notifier, surfaces, classes) = (Notifier::idle(), Default::default(), Default::default());
    let (store, desk, freezer, prober) = (None, Desk::idle(), Freezer::idle(), Default::default());
    let parts =
        Parts { handle, store, desk, alarms, notifier, surfaces, freezer, classes, prober, engine: Engine::idle() };
    tokio::spawn(crate::api::serve_all(listener, parts, std::future::pending()));
    let text = uplinkctl(&url, "alarms").await.unwrap();
    assert!(text.starts_with("0 critical, 3 warning, 0 info; 3 not acknowledged, 0 shelved\n"), "{text}");
    let row = text.lines().find(|line| line.contains("source_lost.studio-b.cam-1")).unwrap();
    assert!(row.starts_with("WARNING   NEW"), "{text}");
    assert!(text.contains("! source_lost.studio-b.cam-1: source cam-1: no picture for 42 s"), "{text}");
    let lost = "source_lost.studio-b.cam-1";
    let said = uplinkctl(&url, &format!("alarm ack {lost} --by ada")).await.unwrap();
    assert_eq!(said, format!("alarm {lost} is acknowledged\n"));
    let said = uplinkctl(&url, &format!("alarm ack {lost}")).await.unwrap();
    assert!(said.ends_with("(it was so already)\n"), "{said}");
    let said = uplinkctl(&url, &format!("alarm shelve {lost} --minutes 5 --reason rigging")).await.unwrap();
    assert!(said.contains("is shelved until 20"), "{said}");
    assert!(uplinkctl(&url, "alarms").await.unwrap().contains("1 shelved"));
    uplinkctl(&url, &format!("alarm unshelve {lost}")).await.unwrap();
    let (exit, said) = uplinkctl(&url, "alarm ack off_air.demo").await.unwrap_err();
    assert!(exit == Exit::Failed && said.contains("there is no alarm `off_air.demo`"), "{said}");
    assert!(uplinkctl(&url, "notify").await.unwrap().starts_with("nobody is told of alarms"));
    assert_eq!(uplinkctl(&url, "notify test ops").await.unwrap_err().0, Exit::Failed);
}

#[tokio::test]
async fn what_is_frozen_is_said_and_broken_with_a_reason() {
    let mut daemon = daemon().await;
    assert_eq!(uplinkctl(&daemon.url, "freeze").await.unwrap(), "nothing is frozen\n");
    let said = uplinkctl(&daemon.url, "freeze --reason final --for 3h --channel demo --by ada").await.unwrap();
    assert!(said.starts_with("channel `demo` is frozen by ada since 20") && said.ends_with(": final\n"), "{said}");
    let text = uplinkctl(&daemon.url, "status").await.unwrap();
    assert!(text.lines().nth(1).unwrap().starts_with("* channel `demo` is frozen"), "{text}");
    let (exit, text) = uplinkctl(&daemon.url, "stop demo --yes").await.unwrap_err();
    assert!(exit == Exit::Failed && text.contains("frozen by ada") && text.contains("[frozen]"), "{text}");
    let engine = async {
        let (command, reply) = daemon.rig.requests.recv().await.unwrap();
        reply.send(Err(Refusal::Failed("it was asked".into()))).unwrap();
        command
    };
    let (said, command) = tokio::join!(uplinkctl(&daemon.url, "stop demo --yes --override Räumung"), engine);
    assert_eq!(command, Command::Stop(id("demo")));
    assert!(said.unwrap_err().1.contains("it was asked"));
    // Nobody is at a terminal here.
    let reach = Arguments::try_parse_from(["uplinkctl", "--api", &daemon.url, "status"]).unwrap().reach;
    let client = super::client::Client::new(&reach).unwrap();
    let refused = client.post("api/v1/channels/studio-b/stop", None).await.unwrap_err().to_string();
    assert!(refused.contains("goes OFF AIR") && refused.contains("--yes"), "{refused}");
    assert!(uplinkctl(&daemon.url, "unfreeze --yes").await.unwrap().starts_with("the freeze is over"));
    assert_eq!(uplinkctl(&daemon.url, "unfreeze").await.unwrap(), "nothing is frozen (it was so already)\n");
}

#[tokio::test]
async fn a_frame_is_named_and_the_configuration_in_force_is_printed() {
    let daemon = daemon().await;
    let text = uplinkctl(&daemon.url, "timecode demo --at 2026-11-21T20:00:00Z").await.unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(words[1].starts_with("2026-11-21T") && text.ends_with("timecode of the clock\n"), "{text}");
    let back = format!("timecode demo {} --near 2026-11-21T12:00:00Z", words[0]);
    assert_eq!(uplinkctl(&daemon.url, &back).await.unwrap(), text);
    assert_eq!(uplinkctl(&daemon.url, "timecode nobody").await.unwrap_err().0, Exit::Failed);
    let text = uplinkctl(&daemon.url, "config").await.unwrap();
    assert!(text.contains(", in force since 20"), "{text}");
}

#[tokio::test]
async fn sessions_are_listed_and_ended_and_a_password_is_changed_by_who_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let (handle, _rig) = rig(dir.path());
    let access = Access::of(Accounts::new(&dir.path().join("access.db")), dir.path(), false).await;
    let file = |name: &str, text: &str| {
        std::fs::write(dir.path().join(name), text).unwrap();
        dir.path().join(name).display().to_string()
    };
    let here = Via { peer: Peer::Network([127, 0, 0, 1].into()), encrypted: false };
    let code = Secret::new(std::fs::read_to_string(dir.path().join("first-run-code")).unwrap().trim());
    let (old, new) = ("the first long password", "another long password");
    let first = access.set_up(&code, "ada", Secret::new(old), &here, "Firefox").await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let doors = Doors { network: listener, certificate: None, socket: None, access: access.clone() };
    tokio::spawn(crate::api::serve(doors, handle, Desk::idle(), std::future::pending()));

    let (old, new) = (file("old", old), file("new", &format!("{new}\n")));
    let line = format!("password ada --current-file {old} --new-file {new}");
    let said = uplinkctl(&url, &line).await.unwrap();
    assert_eq!(said, "ada has another password; its other sessions have ended\n");
    assert!(!access.holds(&first.caller), "the other session has ended");
    let (exit, said) = uplinkctl(&url, &line).await.unwrap_err();
    assert!(exit == Exit::Failed && said.contains("[wrong_password]"), "{said}");

    let password = std::fs::read_to_string(&new).unwrap();
    let browser = access.login("ada", Secret::new(password.trim()), &here, "Firefox").await.unwrap();
    let wanted = NewToken { name: "ctl".into(), role: Some(Role::Admin), scopes: Vec::new(), expires: None };
    let (_, token) = access.make_token(&browser.caller, wanted).await.unwrap();
    let token = file("token", token.reveal());
    let list = uplinkctl(&url, &format!("session list --token-file {token}")).await.unwrap();
    assert_eq!(list.lines().count(), 1, "what changed the password has logged out: {list}");
    let session = list.split_whitespace().next().unwrap();
    assert!(list.contains("ada") && list.contains("Firefox") && list.contains("not connected"), "{list}");
    // Two panels of that browser; who follows by a token has no session.
    let here = [access.enter(&browser.caller), access.enter(&browser.caller)];
    let robot = Caller { by: By::Token { id: "t".into(), scopes: Vec::new() }, ..browser.caller.clone() };
    let robot = access.enter(&robot);
    let list = uplinkctl(&url, &format!("session list --token-file {token}")).await.unwrap();
    assert!(list.contains(" connected (2)"), "{list}");
    let present = uplinkctl(&url, &format!("session present --token-file {token}")).await.unwrap();
    let lines: Vec<Vec<&str>> = present.lines().map(|line| line.split_whitespace().take(4).collect()).collect();
    assert_eq!(lines, [["ada", "admin", "panel", "2"], ["ada", "admin", "program", "1"]]);
    drop((here, robot));
    let present = uplinkctl(&url, &format!("session present --token-file {token}")).await.unwrap();
    assert_eq!(present, "");
    uplinkctl(&url, &format!("session end {session} --token-file {token}")).await.unwrap();
    assert!(!access.holds(&browser.caller));
    let (_, said) = uplinkctl(&url, &format!("session end {session} --token-file {token}")).await.unwrap_err();
    assert!(said.contains("[unknown_session]"), "{said}");
}
