//! The real `uplinkctl` as a script sees it: exit codes, standard output and standard error.

use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

fn uplinkctl(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_uplinkctl")).args(arguments).env_remove("UPLINK_API").output().unwrap()
}

fn texts(output: &Output) -> (String, String) {
    (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn wrong_usage_is_2_and_names_the_right_one() {
    for wrong in [
        &[][..],
        &["statsu"],
        &["start"],
        &["cancel-take", "demo"],
        &["start", "NOT A SLUG"],
        &["--api", "x", "status"],
    ] {
        let output = uplinkctl(wrong);
        let (said, error) = texts(&output);
        assert_eq!((output.status.code(), said.as_str()), (Some(2), ""), "{wrong:?}: {error}");
        assert!(error.contains("Usage") || error.contains("error: invalid value"), "{wrong:?}: {error}");
    }
}

#[test]
fn help_shows_examples_and_exit_codes() {
    let (said, _) = texts(&uplinkctl(&["--help"]));
    for part in ["Examples:", "uplinkctl take demo cam-2", "UPLINK_API", "64  faulty configuration"] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
}

#[test]
fn no_daemon_is_3() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for line in [&["status"][..], &["stop", "demo"], &["events"], &["reload"]] {
        let api = format!("http://{port}");
        let output = uplinkctl(&[&["--api", &api], line].concat());
        let (said, error) = texts(&output);
        assert_eq!((output.status.code(), said.as_str()), (Some(3), ""), "{line:?}: {error}");
        assert!(error.contains("connection refused"), "{error}");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_uplinkctl"))
        .arg("status")
        .env("UPLINK_API", format!("http://{port}/"))
        .output()
        .unwrap();
    assert!(texts(&output).1.contains(&port.to_string()), "the environment is not heeded");
}

#[test]
fn a_faulty_configuration_is_64_without_a_daemon() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("uplinkd.toml"), "nonsense = 1\n").unwrap();
    let output = uplinkctl(&["check", dir.path().to_str().unwrap()]);
    let (said, error) = texts(&output);
    assert_eq!(output.status.code(), Some(64), "{said}{error}");
    assert!(said.contains("uplinkd.toml:1:1") && said.contains("nonsense"), "{said}");
}

#[test]
fn fragments_of_custom_sources_are_parsed_by_the_worker() {
    assert!(std::path::Path::new(env!("CARGO_BIN_EXE_uplink-worker")).exists());
    let root = env!("CARGO_MANIFEST_DIR");
    let check = |fragment: &str| {
        let dir = tempfile::tempdir().unwrap();
        let text = format!(
            "[appliance]\nname = \"a\"\n[paths]\npipelines = \"{root}/pipelines\"\nhardware_profiles = \
             \"{root}/hardware-profiles\"\n[sources.odd]\nkind = \"custom\"\nfragment = \"{fragment}\"\n[channels.a]\n\
             title = \"A\"\nstream_class = \"line-up-360p30\"\nsources = [\"odd\"]\n"
        );
        std::fs::write(dir.path().join("uplinkd.toml"), text).unwrap();
        let output = uplinkctl(&["check", dir.path().to_str().unwrap()]);
        (output.status.code(), texts(&output).0)
    };
    let (code, said) = check("videotestsrc is-live=true ! video/x-raw,width=640,height=360");
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("was not checked"), "{said}");
    let (code, said) = check("videotestsrc ! nosuchelement");
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("uplinkd.toml:8:12") && said.contains("not installed: `nosuchelement`"), "{said}");
}

#[test]
fn top_needs_a_terminal() {
    let (said, error) = texts(&uplinkctl(&["top"]));
    assert!(said.is_empty() && error.contains("needs a terminal") && error.contains("top --once"), "{said}{error}");
}

/// `script` (Debian's bsdutils) is a terminal without a window.
#[test]
fn top_draws_on_a_terminal_says_that_it_hears_nothing_and_leaves_it_as_it_was() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let program = env!("CARGO_BIN_EXE_uplinkctl");
    let line = format!("stty cols 100 rows 20; timeout --foreground 60 {program} --api http://{port} top && stty -a");
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut terminal = match script.spawn() {
        Ok(terminal) => terminal,
        Err(error) => return eprintln!("SKIPPED: `top` is drawn on no terminal: no `script` here ({error})"),
    };
    let mut keys = terminal.stdin.take().unwrap();
    let mut shown = terminal.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let (mut text, mut bytes) = (Vec::new(), [0; 4096]);
        while let Ok(length @ 1..) = std::io::Read::read(&mut shown, &mut bytes) {
            text.extend_from_slice(&bytes[..length]);
            // The key is pressed when there is something to see; a second time does no harm.
            if String::from_utf8_lossy(&text).contains("NOT CONNECTED") {
                let _ = keys.write_all(b"q");
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    });
    let status = terminal.wait().unwrap();
    let text = reader.join().unwrap();
    assert!(status.success(), "{text:?}");
    for part in ["\x1b[?1049h", "NOT CONNECTED", "q ends", "\x1b[?1049l", " icanon ", " echo "] {
        assert!(text.contains(part), "no {part:?} in {text:?}");
    }
}

#[test]
fn completions_and_manual_need_no_daemon() {
    let (said, _) = texts(&uplinkctl(&["completions", "bash"]));
    assert!(said.contains("complete -F _uplinkctl"), "{said}");
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("man");
    let output = uplinkctl(&["man", pages.to_str().unwrap()]);
    assert_eq!((output.status.code(), texts(&output).0.as_str()), (Some(0), ""));
    assert!(std::fs::read_to_string(pages.join("uplinkctl.1")).unwrap().starts_with(".ie"), "no page");
}
