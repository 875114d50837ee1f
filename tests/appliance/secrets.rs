//! Credentials of every kind, on a box on air, and nowhere to be found: not in what the API says, not in logs, not in what
//! the kernel tells of its processes, not in a support bundle, not in anything that the daemon and its workers write.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use nix::sys::signal::Signal;
use serde_json::json;
use uplink::model::status::{DestinationState, DestinationStatus};

use crate::process;
use crate::rig::{Rig, free_port};

/// A word of its own for each credential, with nothing in it that anybody would escape.
fn canary(of: &str) -> String {
    format!("kanari-{}-{:016x}", of.replace('/', "-"), fastrand::u64(..))
}

/// What is looked for, and where the test itself has put it.
#[derive(Default)]
struct Secrets {
    all: Vec<(String, Vec<u8>)>,
    files: HashSet<PathBuf>,
}

impl Secrets {
    fn add(&mut self, of: &str, text: &str) {
        self.all.push((of.to_owned(), text.as_bytes().to_vec()));
    }

    /// A credential in a file of this name.
    fn file(&mut self, rig: &Rig, name: &str) -> String {
        let text = canary(name);
        self.put(rig, name, &text);
        self.add(name, &text);
        text
    }

    fn put(&mut self, rig: &Rig, name: &str, text: &str) {
        let path = rig.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        self.files.insert(path);
    }

    fn assert_none(&self, place: &str, bytes: &[u8]) {
        self.assert_none_but("", place, bytes);
    }

    /// `but` may stand there.
    fn assert_none_but(&self, but: &str, place: &str, bytes: &[u8]) {
        for (of, secret) in self.all.iter().filter(|(of, _)| of != but) {
            let found = bytes.windows(secret.len()).position(|window| window == secret);
            if let Some(at) = found {
                let around = &bytes[at.saturating_sub(120)..bytes.len().min(at + secret.len() + 60)];
                panic!("{of} stands in {place}: …{}…", String::from_utf8_lossy(around));
            }
        }
    }

    /// Every file below `directory`, and its name.
    fn assert_none_below(&self, directory: &Path) -> usize {
        let mut count = 0;
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            self.assert_none("the name of a file", path.display().to_string().as_bytes());
            if kind.is_dir() {
                count += self.assert_none_below(&path);
            } else if kind.is_file() && !self.files.contains(&path) {
                // One that went meanwhile holds nothing any more.
                count += 1;
                // What was in force is kept as it was written, for the daemon's user alone: nothing of files with secrets.
                let kept = path.parent().is_some_and(|parent| parent.ends_with("state/configurations"));
                if kept {
                    assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
                }
                let but = if kept { WRITTEN } else { "" };
                let bytes = std::fs::read(&path).unwrap_or_default();
                self.assert_none_but(but, &path.display().to_string(), &bytes);
            }
        }
        count
    }
}

/// A token endpoint that gives this token to whoever asks.
fn token_endpoint(token: &str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 }).to_string();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let _ = socket.read(&mut request);
            let length = body.len();
            let _ = write!(
                socket,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    port
}

/// The one that stands in the configuration itself.
const WRITTEN: &str = "query of a url";

const SOURCES: [&str; 4] = ["van", "obs", "cam", "guest"];

fn sources(rig: &Rig, secrets: &mut Secrets) -> String {
    for name in ["keys/van", "keys/obs", "keys/obs-next", "keys/cam", "keys/guest", "keys/guest-turn"] {
        secrets.file(rig, name);
    }
    let (srt, rtmp, nobody) = (free_port(), free_port(), free_port());
    format!(
        "[sources.van]\nkind = \"srt\"\nmode = \"listener\"\nhost = \"127.0.0.1\"\nport = {srt}\npassphrase_file = \"keys/van\"\n\
         [sources.obs]\nkind = \"rtmp\"\nlisten = \"127.0.0.1:{rtmp}\"\nstream_key_file = \"keys/obs\"\nstream_key_files = [\"keys/obs-next\"]\n\
         [sources.cam]\nkind = \"rtsp\"\nurl = \"rtsp://127.0.0.1:{nobody}/one\"\nuser = \"ada\"\npassword_file = \"keys/cam\"\n\
         [sources.guest]\nkind = \"whip\"\nkey_file = \"keys/guest\"\nturn = \"127.0.0.1:{nobody}\"\nturn_user = \"ada\"\n\
         turn_password_file = \"keys/guest-turn\"\n"
    )
}

const DESTINATIONS: [&str; 11] =
    ["query", "signed", "basic", "command", "oauth", "headers", "s3", "azure", "whip", "srt", "rtmp"];

/// Some at the origin, which wants another token and says so; the others where nobody listens.
fn destinations(rig: &Rig, secrets: &mut Secrets) -> String {
    let (nobody, origin) = (free_port(), rig.origin);
    for name in ["keys/signing", "keys/header", "keys/s3", "keys/whip", "keys/whip-turn", "keys/srt", "keys/rtmp"] {
        secrets.file(rig, name);
    }
    secrets.file(rig, "credentials/query");
    secrets.file(rig, "keys/encryption");
    let password = secrets.file(rig, "keys/basic");
    let base64 = base64::engine::general_purpose::STANDARD;
    secrets.add("basic authentication", &base64.encode(format!("ada:{password}")));
    let azure = base64.encode(canary("azure-key-as-the-portal-shows-it-sixty-four-bytes"));
    secrets.put(rig, "keys/azure", &azure);
    secrets.add("azure", &azure);
    secrets.file(rig, "keys/command");
    let command = rig.path("keys/command").display().to_string();
    secrets.file(rig, "keys/client");
    let issued = canary("issued");
    secrets.add("issued", &issued);
    let tokens = token_endpoint(&issued);
    let inline = canary("query-of-a-url");
    secrets.add(WRITTEN, &inline);
    let push = |name: &str, lines: &str| {
        format!("[destinations.{name}]\nkind = \"hls-push\"\nurl = \"http://{origin}/live/{name}/\"\n{lines}\n")
    };
    [
        push("query", "auth = \"query\"\ntoken_credential = \"query\""),
        push("signed", "auth = \"signed-url\"\nsigning_key_file = \"keys/signing\""),
        push(
            "basic",
            "auth = \"basic\"\nuser = \"ada\"\npassword_file = \"keys/basic\"\n[destinations.basic.encryption]\nmethod = \"aes-128\"\n\
             key_uri = \"https://keys.example/{channel}/{key_id}\"\nsecret_file = \"keys/encryption\"\nkey_directory = \"given\"",
        ),
        push("command", &format!("token_command = [\"/bin/cat\", \"{command}\"]")),
        push(
            "oauth",
            &format!("token_url = \"http://127.0.0.1:{tokens}/token\"\nclient_id = \"box\"\nclient_secret_file = \"keys/client\""),
        ),
        push("headers", "header_files = { x-api-key = \"keys/header\" }"),
        format!(
            "[destinations.s3]\nkind = \"hls-push\"\nurl = \"s3://shows/\"\nendpoint = \"http://127.0.0.1:{nobody}\"\n\
             access_key_id = \"AKIAEXAMPLE\"\nsecret_key_file = \"keys/s3\"\n\
             [destinations.azure]\nkind = \"hls-push\"\nurl = \"az://live/\"\nendpoint = \"http://127.0.0.1:{nobody}/studio\"\n\
             account = \"studio\"\nsecret_key_file = \"keys/azure\"\n\
             [destinations.whip]\nkind = \"whip\"\nurl = \"http://127.0.0.1:{nobody}/whip?key={inline}\"\ntoken_file = \"keys/whip\"\n\
             turn = \"turn:127.0.0.1:{nobody}?transport=udp\"\nturn_user = \"ada\"\nturn_password_file = \"keys/whip-turn\"\n\
             [destinations.srt]\nkind = \"srt\"\nmode = \"caller\"\nhost = \"127.0.0.1\"\nport = {nobody}\npassphrase_file = \"keys/srt\"\n\
             [destinations.rtmp]\nkind = \"rtmp\"\nurl = \"rtmp://127.0.0.1:{nobody}/live\"\nstream_key_file = \"keys/rtmp\"\n"
        ),
    ]
    .concat()
}

fn notices(rig: &Rig, secrets: &mut Secrets) -> String {
    secrets.file(rig, "keys/webhook");
    secrets.file(rig, "keys/mail");
    let nobody = free_port();
    format!(
        "[notify.webhooks.ops]\nurl = \"http://127.0.0.1:{nobody}/hook\"\nsecret_file = \"keys/webhook\"\n\
         [notify.email]\nserver = \"127.0.0.1\"\nport = {nobody}\ntls = \"starttls\"\nfrom = \"box@studio.example\"\n\
         to = [\"ops@studio.example\"]\nuser = \"ada\"\npassword_file = \"keys/mail\"\n"
    )
}

/// A box that has them all, on air.
fn on_air(secrets: &mut Secrets) -> Rig {
    let quoted = |names: &[&str]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let mut rig = Rig::new(&[("a", &format!("sources = [\"test\", {}]", quoted(&SOURCES)))]);
    secrets.add("the token of the origin", crate::rig::TOKEN);
    for name in ["origin.token", "push.token", "uplinkd.toml"] {
        secrets.files.insert(rig.path(name));
    }
    let more = [sources(&rig, secrets), destinations(&rig, secrets), notices(&rig, secrets)].concat();
    rig.edit(|text| text.replace("[\"origin\"]", &format!("[\"origin\", {}]", quoted(&DESTINATIONS))) + &more);
    let class = rig.path("pipelines/rig.toml");
    let text = std::fs::read_to_string(&class).unwrap();
    std::fs::write(&class, text.replace("\"main\"", "\"constrained-baseline\"")).unwrap();
    rig.start_origin();
    let mut command = rig.daemon_command();
    command.env("CREDENTIALS_DIRECTORY", rig.path("credentials"));
    rig.start_daemon_by(command);
    rig.wait_on_air("a");
    rig
}

/// Waits until every destination was tried, and what became of it is known.
fn tried(rig: &Rig) {
    rig.wait_channel("a", "every destination was tried", |channel| {
        let known = |one: &DestinationStatus| one.state == DestinationState::Streaming || one.last_error.is_some();
        let all = channel.report.as_ref().map(|report| &report.destinations);
        all.is_some_and(|all| all.len() == DESTINATIONS.len() + 1 && all.iter().all(known))
    });
}

fn api_says_nothing(rig: &Rig, secrets: &Secrets) {
    let paths = rig.get("/api/v1/openapi.json").json()["paths"].as_object().unwrap().clone();
    let mut asked = 0;
    // The stream of events has no end; it is looked at below.
    for (path, verbs) in paths.iter().filter(|(path, _)| path.as_str() != "/api/v1/events") {
        if verbs.get("get").is_none() {
            continue;
        }
        let plain = path.replace("{id}", "a").replace("{channel}", "a").replace("{name}", "ada").replace("{job}", "1");
        let answer = rig.get(&plain.replace("{path}", "recording.json"));
        // The text of the configuration is shown as it was written, to whoever may edit it: src/api/tests/access.rs.
        let but = if path == "/api/v1/config" { WRITTEN } else { "" };
        secrets.assert_none_but(but, &format!("GET {path}"), &answer.body);
        asked += 1;
    }
    assert!(asked > 20, "{asked} addresses were asked");
    secrets.assert_none("events", rig.get("/api/v1/events/recent?limit=500").text().as_bytes());
    let mut following = rig.follow();
    for _ in 0..5 {
        secrets.assert_none("the event stream", following.next().data.to_string().as_bytes());
    }
    let refused = rig.post("/api/v1/config/reload?dry_run=true", &json!({}));
    secrets.assert_none("a dry run", &refused.body);
    // What is wrong with a file names values of it.
    let written = std::fs::read_to_string(rig.config()).unwrap();
    rig.edit(|text| {
        let of =
            |line: &str| if line.contains("/whip?key=") { line.replace("http://", "gopher://") } else { line.into() };
        text.lines().map(of).collect::<Vec<_>>().join("\n")
    });
    let faulty = rig.post("/api/v1/config/reload", &json!({}));
    assert!(faulty.status >= 400 && faulty.text().contains("destinations.whip.url"), "{}", faulty.text());
    secrets.assert_none("a refused reload", &faulty.body);
    let status = rig.get("/api/v1/status");
    assert_ne!(status.json()["config"]["rejected"], json!([]));
    secrets.assert_none("the status behind a refused reload", &status.body);
    rig.edit(|_| written);
}

fn kernel_says_nothing(rig: &Rig, secrets: &Secrets) {
    let ours = rig.leftovers();
    assert!(ours.contains(&rig.worker("a")) && ours.len() >= 3, "daemon, worker and origin: {ours:?}");
    for pid in ours {
        for file in ["cmdline", "environ"] {
            let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            secrets.assert_none(&format!("{file} of process {pid}"), &bytes);
        }
    }
}

fn tools_say_nothing(rig: &Rig, secrets: &Secrets) {
    let bundle = rig.path("bundle.tar.gz");
    let place = |command: &mut Command| {
        command.arg("--config").arg(rig.config()).arg("--state-dir").arg(rig.path("state"));
        command.arg("--runtime-dir").arg(rig.path("run")).env("CREDENTIALS_DIRECTORY", rig.path("credentials"));
    };
    let api = format!("http://{}", rig.api);
    for line in [&["status"][..], &["--json", "status"], &["doctor"], &["support-bundle"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uplinkctl"));
        command.args(["--api", &api]).args(line);
        if line[0] == "doctor" || line[0] == "support-bundle" {
            place(&mut command);
        }
        if line[0] == "support-bundle" {
            command.arg("--output").arg(&bundle);
        }
        let (_, said) = rig.run(command);
        secrets.assert_none(&format!("uplinkctl {line:?}"), said.as_bytes());
    }
    let packed = std::fs::File::open(&bundle).expect("a bundle");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed));
    let mut count = 0;
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        secrets.assert_none(&format!("{name} of the support bundle"), &bytes);
        count += 1;
    }
    assert!(count > 5, "{count} files in the bundle");
}

#[test]
fn credentials_of_every_kind_are_shown_nowhere() {
    let mut secrets = Secrets::default();
    let mut rig = on_air(&mut secrets);
    tried(&rig);
    // Users and tokens of the box itself: what was sent comes back once at most, to whoever asked.
    let password = canary("password-of-a-user");
    let made = rig.post("/api/v1/users", &json!({ "name": "ada", "role": "viewer", "password": password }));
    assert!(made.status < 300, "{}", made.text());
    secrets.add("the password of a user", &password);
    secrets.assert_none("the answer to a new user", &made.body);
    let made = rig.post("/api/v1/tokens", &json!({ "name": "wall", "role": "viewer" }));
    assert!(made.status < 300, "{}", made.text());
    let token = made.json()["token"].as_str().expect("a token").to_owned();
    secrets.add("a token of the API", &token);
    // Another worker gets the plan again, and another daemon finds it.
    let worker = rig.worker("a");
    process::signal(worker, Signal::SIGKILL);
    rig.wait_channel("a", "another worker", |channel| channel.worker.as_ref().is_some_and(|one| one.pid != worker));
    tried(&rig);
    // Nobody listens there, and that is said.
    for receiver in ["ops", "email"] {
        let answer = rig.post(&format!("/api/v1/notify/{receiver}/test"), &json!({}));
        secrets.assert_none("the answer to a test of a notice", &answer.body);
    }
    rig.wait_on_air("a");

    api_says_nothing(&rig, &secrets);
    kernel_says_nothing(&rig, &secrets);
    tools_say_nothing(&rig, &secrets);
    assert_eq!(rig.end_daemon(Signal::SIGTERM), Some(0));
    rig.end_origin(Signal::SIGTERM);
    // Logs, the database, status files and segments.
    let top = rig.path("");
    let count = secrets.assert_none_below(&top);
    assert!(count > 20, "{count} files");
    let log = std::fs::read_to_string(rig.path("daemon.log")).unwrap();
    assert!(log.lines().count() > 10, "there is a log to search");
    eprintln!("{} secrets: none in {count} files", secrets.all.len());
}
