//! The real `uplinkd`, with stand-in workers: its exit codes, its signals, its directories, its end.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use rustix::process::Signal;

use super::place::{Place, Running};
use super::rig::{alive, signal, until};

#[test]
fn sigterm_takes_every_channel_off_air_and_ends_in_order() {
    let place = Place::new(&["a", "b"]);
    let mut daemon = place.start();
    let pids = [place.worker("a"), place.worker("b")];
    signal(daemon.pid(), Signal::TERM);
    assert_eq!(daemon.code(), Some(0), "{}", daemon.log());
    assert!(!pids.iter().any(|pid| alive(*pid)), "nothing is left running");
}

#[test]
fn killed_and_started_again_it_takes_over_its_workers() {
    let place = Place::new(&["a"]);
    let mut daemon = place.start();
    let pid = place.worker("a");
    signal(daemon.pid(), Signal::KILL);
    daemon.code();
    assert!(alive(pid));
    let mut daemon = place.start();
    until("it is taken over", || daemon.log().contains("took over worker"));
    assert_eq!(place.worker_now("a"), pid);
    signal(daemon.pid(), Signal::INT);
    assert_eq!(daemon.code(), Some(0));
    assert!(!alive(pid));
}

#[test]
fn a_second_signal_ends_at_once() {
    let place = Place::new(&["a"]);
    std::fs::write(place.runtime().join("a/behave"), "stubborn").unwrap();
    let mut daemon = place.start();
    let pid = place.worker("a");
    signal(daemon.pid(), Signal::TERM);
    until("the worker was asked", || {
        std::fs::read_to_string(place.runtime().join("a/heard")).unwrap_or_default().contains("stop")
    });
    assert!(alive(pid));
    signal(daemon.pid(), Signal::TERM);
    assert_eq!(daemon.code(), Some(0));
    assert!(!alive(pid));
    assert!(!daemon.log().contains("SIGTERM"), "killed, not waited for: {}", daemon.log());
}

#[test]
fn sighup_reads_the_configuration_again() {
    let place = Place::new(&["a"]);
    let mut daemon = place.start();
    let pid = place.worker("a");
    std::fs::create_dir_all(place.runtime().join("b")).unwrap();
    place.configure(&["a", "b"]);
    signal(daemon.pid(), Signal::HUP);
    let b = place.worker("b");
    std::fs::write(place.directory.path().join("uplinkd.toml"), "no = \"sense\"\n").unwrap();
    signal(daemon.pid(), Signal::HUP);
    until("the faults are told", || daemon.log().contains("the old one stays in force"));
    assert!(daemon.log().contains("uplinkd.toml:1:1"), "{}", daemon.log());
    assert_eq!((place.worker_now("a"), place.worker_now("b")), (pid, b));
    signal(daemon.pid(), Signal::TERM);
    assert_eq!(daemon.code(), Some(0));
}

#[test]
fn a_freeze_outlives_the_daemon_and_holds_a_signal() {
    let place = Place::new(&["a"]);
    let daemon = place.start();
    let pid = place.worker("a");
    let uplinkctl = |words: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uplinkctl"));
        command.arg("--api").arg(format!("http://127.0.0.1:{}", place.port)).args(words.split(' '));
        let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
        (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
    };
    let (code, said) = uplinkctl("freeze --reason final --by ada");
    assert_eq!((code, said.contains("the box is frozen by ada")), (Some(0), true), "{said}");
    // By force: it is on the disk as soon as it is answered.
    drop(daemon);
    let mut daemon = place.start();
    until("it is taken over", || daemon.log().contains("took over worker"));
    place.configure(&["a", "b"]);
    signal(daemon.pid(), Signal::HUP);
    until("the reload is held", || daemon.log().contains("freeze_held"));
    let (code, said) = uplinkctl("stop a --yes");
    assert_eq!((code, said.contains("the box is frozen by ada")), (Some(1), true), "{said}");
    assert_eq!((place.worker_now("a"), place.worker_now("b")), (pid, 0));
    assert_eq!(uplinkctl("unfreeze").0, Some(1), "nobody has confirmed it");
    assert_eq!(uplinkctl("unfreeze --yes").0, Some(0));
    signal(daemon.pid(), Signal::TERM);
    assert_eq!(daemon.code(), Some(0));
}

#[test]
fn two_daemons_do_not_share_a_directory() {
    let place = Place::new(&["a"]);
    let mut daemon = place.start();
    let pid = place.worker("a");
    let (code, said) = place.fails(&[]);
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("in use by process {}: stop that one first", daemon.pid())), "{said}");
    assert!(alive(pid), "the worker of the first is untouched");
    signal(daemon.pid(), Signal::TERM);
    assert_eq!(daemon.code(), Some(0));
}

#[test]
fn a_faulty_configuration_starts_nothing_and_names_every_fault() {
    let place = Place::new(&["a"]);
    let file = place.directory.path().join("uplinkd.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("stream_class", "stream_clas").replace("kind = \"test\"", "kind = \"tset\""))
        .unwrap();
    let (code, said) = place.fails(&["--source", "nobody=test"]);
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("stream_clas") && said.contains("tset") && said.contains("nobody"), "{said}");
    assert!(!place.directory.path().join("state").exists(), "nothing is written before the configuration is valid");
}

#[test]
fn what_cannot_work_is_said_with_what_to_do() {
    let place = Place::new(&["a"]);
    let (code, said) = place.fails(&["--worker", "/nowhere/uplink-worker"]);
    assert_eq!(code, Some(2), "given twice is a usage error: {said}");
    let command = |configure: fn(&mut Command)| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uplinkd"));
        command.arg("--config").arg(place.directory.path().join("uplinkd.toml"));
        command.arg("--state-dir").arg(place.directory.path().join("state"));
        configure(&mut command);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = command(|command| {
        command.args(["--worker", "/nowhere/uplink-worker", "--runtime-dir", "/nowhere"]);
    });
    assert_eq!((code, said.contains("install the worker beside uplinkd")), (Some(1), true), "{said}");
    let (code, said) = command(|command| {
        command.args(["--worker", "/bin/true", "--runtime-dir", "/proc/nowhere"]);
    });
    assert_eq!((code, said.contains("cannot use /proc/nowhere")), (Some(1), true), "{said}");
    let (code, said) = command(|command| {
        command.args(["--worker", "/bin/true", "--runtime-dir"]).arg(format!("/tmp/{}", "x".repeat(120)));
    });
    assert_eq!((code, said.contains("choose a shorter --runtime-dir")), (Some(1), true), "{said}");

    let _taken = TcpListener::bind(("127.0.0.1", place.port)).unwrap();
    let (code, said) = place.fails(&[]);
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("cannot listen on 127.0.0.1:{}", place.port)), "{said}");
    assert_eq!(place.worker_now("a"), 0, "no worker was started");
}

#[test]
fn a_damaged_database_keeps_nobody_off_air() {
    let place = Place::new(&["a"]);
    let state = place.directory.path().join("state");
    std::fs::create_dir(&state).unwrap();
    std::fs::write(state.join("uplink.db"), "rubbish ".repeat(2000)).unwrap();
    let mut daemon = place.start();
    place.worker("a");
    until("it is told", || daemon.log().contains("the database was damaged"));
    signal(daemon.pid(), Signal::TERM);
    assert_eq!(daemon.code(), Some(0));
}

#[test]
fn a_log_that_nobody_reads_any_more_harms_nothing() {
    let place = Place::new(&["a"]);
    let mut child = place.command().stderr(Stdio::piped()).spawn().unwrap();
    let pid = place.worker("a");
    drop(child.stderr.take());
    let mut daemon = Running { child, log: PathBuf::new() };
    signal(pid, Signal::KILL);
    until("the worker is replaced", || ![0, pid].contains(&place.worker_now("a")));
    signal(daemon.pid(), Signal::TERM);
    assert_eq!(daemon.code(), Some(0));
}

#[test]
fn a_daemon_that_was_stopped_for_a_while_kills_nobody() {
    let place = Place::new(&["a"]);
    let mut daemon = place.start();
    let pid = place.worker("a");
    signal(daemon.pid(), Signal::STOP);
    // Longer than a worker may be silent (`stall_ms` of the stream class), so that all deadlines are past.
    let stopped = std::time::Instant::now();
    until("it was away", || stopped.elapsed() > std::time::Duration::from_secs(6));
    signal(daemon.pid(), Signal::CONT);
    std::fs::create_dir_all(place.runtime().join("b")).unwrap();
    place.configure(&["a", "b"]);
    signal(daemon.pid(), Signal::HUP);
    place.worker("b");
    assert!(alive(pid) && place.worker_now("a") == pid, "{}", daemon.log());
    assert!(!daemon.log().contains("stalled"), "{}", daemon.log());
    signal(daemon.pid(), Signal::TERM);
    assert_eq!(daemon.code(), Some(0));
}

#[test]
fn nobody_is_let_in_before_there_is_an_admin_whom_the_socket_makes() {
    let place = Place::new(&["a"]);
    let directory = place.directory.path();
    let file = directory.join("uplinkd.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("access = \"open\"", "access = \"login\"")).unwrap();
    let mut daemon = place.start();
    let (code, socket) = (directory.join("state/first-run-code"), place.runtime().join("api.sock"));
    until("there is a code and a socket", || code.exists() && socket.exists());
    place.worker("a");
    assert!(daemon.log().contains(std::fs::read_to_string(&code).unwrap().trim()), "{}", daemon.log());
    let uplinkctl = |way: &[&str], words: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uplinkctl"));
        let output = command.args(way).args(words.split(' ')).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    };
    let api = format!("http://127.0.0.1:{}", place.port);
    let (exit, said) = uplinkctl(&["--api", &api], "status");
    assert_eq!((exit, said.contains("[setup_required]")), (Some(1), true), "{said}");
    let (word, robot) = (directory.join("word"), directory.join("robot.token"));
    std::fs::write(&word, "a password for ada\n").unwrap();
    let by_socket = ["--socket", socket.to_str().unwrap()];
    let add = format!("user add ada admin --password-file {}", word.display());
    assert_eq!(uplinkctl(&by_socket, &add), (Some(0), "ada may log in as admin\n".to_owned()));
    assert!(!code.exists(), "the code is good for nothing any more");
    let (exit, token) = uplinkctl(&by_socket, "token create robot --role viewer");
    assert_eq!((exit, token.starts_with("upl_")), (Some(0), true), "{token}");
    std::fs::write(&robot, token).unwrap();
    let by_token = ["--api", &api, "--token-file", robot.to_str().unwrap()];
    let (exit, said) = uplinkctl(&by_token, "status");
    assert_eq!((exit, said.contains("CHANNEL")), (Some(0), true), "{said}");
    let (exit, said) = uplinkctl(&by_token, "stop a");
    assert_eq!((exit, said.contains("[forbidden]")), (Some(1), true), "{said}");
    let (exit, said) = uplinkctl(&by_socket, "audit");
    assert_eq!(
        (exit, said.contains("robot") && said.contains("/channels/a/stop: forbidden")),
        (Some(0), true),
        "{said}"
    );
    signal(daemon.pid(), Signal::TERM);
    assert_eq!(daemon.code(), Some(0));
}
