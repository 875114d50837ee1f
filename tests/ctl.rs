//! The real `uplinkctl` as a script sees it: exit codes, standard output and standard error.

use std::net::TcpListener;
use std::process::{Command, Output};

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

/// A box with secrets everywhere: in files that the configuration names, in the configuration itself, in credentials, in
/// variables, and in what was logged.
fn box_with_secrets(dir: &std::path::Path) -> Vec<String> {
    let put = |path: &str, text: &str| {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let canary = |n: usize| format!("kanari{n}Qz7-{}", n * 7919);
    let secrets: Vec<String> = (0..10).map(canary).collect();
    let [file, inline, header, comment, credential, variable, address, hook, state, key] = &secrets[..] else {
        unreachable!("ten were made")
    };
    put(
        "etc/uplinkd.toml",
        &format!(
            "# the old password was {comment}\n[appliance]\nname = \"box\"\n[paths]\npipelines = \"p\"\n\
             [sources.cam]\nkind = \"custom\"\nfragment = \"rtspsrc location=rtsp://h user-pw={inline} ! decodebin\"\n\
             [destinations.cloud]\nkind = \"hls-push\"\nurl = \"https://o.example/live/?t={address}\"\n\
             token_file = \"cloud.token\"\n[destinations.cloud.headers]\nx-any = \"{header}\"\n\
             [notify.webhooks.ops]\nurl = \"https://hooks.example/services/{hook}\"\n",
        ),
    );
    put("etc/cloud.token", file);
    put("creds/van", credential);
    put("state/session.key", state);
    let encoded: String = url::form_urlencoded::byte_serialize(file.as_bytes()).collect();
    let log = [
        format!("PUT https://o.example/live/?token={address} 403"),
        format!("rtsp://ada:{inline}@10.0.0.7/cam does not answer"),
        format!("the origin refused {file}, also as {encoded}"),
        format!("x-any: {header}; credential {credential}; variable {variable}; state {state}"),
        format!("webhook https://hooks.example/services/{hook} answers 500"),
        format!("{{\"password\":\"{comment}\",\"on\":true}}"),
        format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----"),
        "a line that stays".to_owned(),
    ];
    put("run/demo/worker.log", &log.join("\n"));
    secrets
}

/// Every file of an archive, by name.
fn unpacked(file: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    use std::io::Read;
    let packed = std::fs::File::open(file).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed));
    let mut files = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        files.push((name, bytes));
    }
    files
}

#[test]
fn no_secret_gets_into_a_support_bundle() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = box_with_secrets(dir.path());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let at = |path: &str| dir.path().join(path).display().to_string();
    let file = dir.path().join("bundle.tar.gz");
    let output = Command::new(env!("CARGO_BIN_EXE_uplinkctl"))
        .args(["--api", &format!("http://{port}"), "support-bundle", "--output", &at("bundle.tar.gz")])
        .args(["--config", &at("etc"), "--state-dir", &at("state"), "--runtime-dir", &at("run")])
        .env("CREDENTIALS_DIRECTORY", at("creds"))
        .env("UPLINK_TEST_TOKEN", &secrets[5])
        .output()
        .unwrap();
    let (said, error) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{said}{error}");
    let files = unpacked(&file);
    let names: Vec<&str> = files.iter().filter_map(|(name, _)| name.split_once('/')).map(|(_, name)| name).collect();
    for name in ["README.txt", "doctor.json", "configuration/uplinkd.toml", "workers/demo.log", "versions.txt"] {
        assert!(names.contains(&name), "no {name} among {names:?}");
    }
    for (name, bytes) in &files {
        let text = String::from_utf8_lossy(bytes);
        for secret in &secrets {
            assert!(
                !text.contains(secret.as_str()) && !name.contains(secret.as_str()),
                "{secret} is in {name}: {text}"
            );
        }
    }
    for secret in &secrets {
        assert!(!said.contains(secret.as_str()) && !error.contains(secret.as_str()), "{secret} is said: {said}{error}");
    }
    let of = |wanted: &str| {
        let found = files.iter().find(|(name, _)| name.ends_with(wanted)).unwrap();
        String::from_utf8_lossy(&found.1).into_owned()
    };
    assert!(of("workers/demo.log").contains("a line that stays"));
    assert!(of("configuration/uplinkd.toml").contains("cloud.token"), "{}", of("configuration/uplinkd.toml"));
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn doctor_works_without_a_daemon_and_tells_by_its_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let at = |path: &str| dir.path().join(path).display().to_string();
    let (config, state, run) = (at("etc"), at("state"), at("run"));
    let api = format!("http://{port}");
    let line = ["--api", &api, "--json", "doctor", "--config", &config, "--state-dir", &state, "--runtime-dir", &run];
    let output = uplinkctl(&line);
    let (said, error) = texts(&output);
    assert_eq!((output.status.code(), error.as_str()), (Some(2), ""), "no daemon and no configuration: {said}");
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["state"], "fault");
    let areas: Vec<&str> =
        report["areas"].as_array().unwrap().iter().filter_map(|area| area["area"].as_str()).collect();
    for area in ["daemon", "service", "clock", "disks", "lines", "kernel"] {
        assert!(areas.contains(&area), "no {area} among {areas:?}");
    }
    assert_eq!(report["areas"][0]["findings"][0]["check"], "daemon");
}

#[test]
fn top_needs_a_terminal() {
    let (said, error) = texts(&uplinkctl(&["top"]));
    assert!(said.is_empty() && error.contains("needs a terminal") && error.contains("top --once"), "{said}{error}");
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
