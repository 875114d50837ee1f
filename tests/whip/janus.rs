//! An SFU as the peer: Janus behind simple-whip-server, as both are deployed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use uplink::media::whip::WhipStatus;
use uplink::model::status::DestinationState;

use crate::engine::{BRIEF, Engine, TOKEN, streaming, until};
use crate::mjr;
use crate::server::{SOON, has_address};
use crate::viewer::Viewer;

const MODULES: &str = "/usr/lib/x86_64-linux-gnu/janus";

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Janus {
    directory: tempfile::TempDir,
    socket: u16,
    web: u16,
    api: u16,
    sfu: Option<Process>,
    _whip: Process,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The unpacked simple-whip-server with its packages, where `packaging/test` puts it.
fn whip_server() -> Option<PathBuf> {
    let directory = std::env::var_os("UPLINK_WHIP_SERVER")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/whip-server")), PathBuf::from);
    directory.join("node_modules/express").is_dir().then_some(directory)
}

impl Janus {
    fn start() -> Option<Self> {
        let server = whip_server().filter(|_| Path::new(MODULES).is_dir() && has_address());
        let Some(server) = server else {
            println!(
                "SKIPPED: Janus, since it is not installed with simple-whip-server (packaging/test installs both)"
            );
            return None;
        };
        let directory = tempfile::Builder::new().prefix("janus").tempdir().unwrap();
        let (socket, web, api) = (free_port(), free_port(), free_port());
        configure(directory.path(), socket, api);
        let sfu = Some(start_sfu(directory.path(), socket));
        let whip = start_whip(directory.path(), &server, socket, web);
        let body = format!(r#"{{"id":"studio","room":1234,"token":"{TOKEN}"}}"#);
        ask(web, "POST", "/whip/create", &body);
        Some(Self { directory, socket, web, api, sfu, _whip: whip })
    }

    fn url(&self) -> url::Url {
        format!("http://127.0.0.1:{}/whip/endpoint/studio", self.web).parse().unwrap()
    }

    /// Recordings of pictures, oldest first.
    fn recorded(&self) -> Vec<PathBuf> {
        let all = std::fs::read_dir(self.directory.path().join("recorded")).into_iter().flatten().flatten();
        let video =
            |path: &PathBuf| path.to_string_lossy().ends_with(".mjr") && path.to_string_lossy().contains("video-0");
        let mut files: Vec<PathBuf> = all.map(|entry| entry.path()).filter(video).collect();
        files.sort_by_key(|path| std::fs::metadata(path).and_then(|about| about.modified()).ok());
        files
    }

    fn restart(&mut self) {
        self.sfu = None;
        self.sfu = Some(start_sfu(self.directory.path(), self.socket));
    }
}

fn configure(directory: &Path, socket: u16, api: u16) {
    let folder = directory.display();
    let files = [
        (
            "janus.jcfg",
            format!(
                "general: {{ configs_folder = \"{folder}\"\n plugins_folder = \"{MODULES}/plugins\"\n \
                 transports_folder = \"{MODULES}/transports\"\n events_folder = \"{folder}\"\n \
                 loggers_folder = \"{folder}\"\n debug_level = 4 }}\nnat: {{ ice_ignore_list = \"vmnet\" }}\n\
                 plugins: {{ disable = \"libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,\
                 libjanus_lua.so,libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,\
                 libjanus_textroom.so,libjanus_videocall.so,libjanus_voicemail.so\" }}\n\
                 transports: {{ disable = \"libjanus_mqtt.so,libjanus_nanomsg.so,\
                 libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_rabbitmqevh.so\" }}\n"
            ),
        ),
        (
            "janus.transport.websockets.jcfg",
            format!(
                "general: {{ json = \"compact\"\n ws = true\n ws_ip = \"127.0.0.1\"\n ws_port = {socket}\n wss = false }}\n"
            ),
        ),
        (
            "janus.transport.http.jcfg",
            format!("general: {{ http = true\n port = {api}\n ip = \"127.0.0.1\"\n https = false }}\n"),
        ),
        (
            "janus.plugin.videoroom.jcfg",
            "room-1234: { description = \"test\"\n publishers = 4\n videocodec = \"h264\"\n audiocodec = \"opus\"\n"
                .to_owned()
                + &format!(" record = true\n rec_dir = \"{folder}/recorded\" }}\n"),
        ),
    ];
    for (name, text) in files {
        std::fs::write(directory.join(name), text).unwrap();
    }
}

fn start_sfu(directory: &Path, socket: u16) -> Process {
    let log = std::fs::File::create(directory.join("janus.log")).unwrap();
    let mut command = Command::new("janus");
    command.arg("-F").arg(directory).arg("-C").arg(directory.join("janus.jcfg"));
    let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
    listens(socket);
    Process(child)
}

fn start_whip(directory: &Path, server: &Path, socket: u16, web: u16) -> Process {
    let source = directory.join("src");
    std::fs::create_dir(&source).unwrap();
    for file in ["server.js", "whip-janus.js"] {
        std::fs::copy(server.join("src").join(file), source.join(file)).unwrap();
    }
    for part in ["node_modules", "web"] {
        std::os::unix::fs::symlink(server.join(part), directory.join(part)).unwrap();
    }
    let config = format!(
        "module.exports = {{ janus: {{ address: 'ws://127.0.0.1:{socket}' }}, port: {web}, rest: '/whip', \
         allowTrickle: true, strictETags: true, iceServers: [ {{ uri: 'stun:127.0.0.1:9' }} ] }};\n"
    );
    std::fs::write(source.join("config.js"), config).unwrap();
    let log = std::fs::File::create(directory.join("whip.log")).unwrap();
    let mut command = Command::new("node");
    command.arg("server.js").current_dir(&source).env("DEBUG", "whip:*");
    let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
    listens(web);
    Process(child)
}

fn listens(port: u16) {
    let until = Instant::now() + SOON;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < until, "nobody listens on {port}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn ask(port: u16, method: &str, path: &str, body: &str) -> u16 {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut line = String::new();
    let mut reader = BufReader::new(stream);
    reader.read_line(&mut line).unwrap();
    let _ = reader.read_to_string(&mut String::new());
    line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sfu_takes_the_channel_and_gets_it_again_when_it_was_restarted() {
    let Some(mut janus) = Janus::start() else { return };
    let engine = Engine::start();
    let sender = engine.send(Engine::setup(janus.url()));
    streaming(&sender).await;
    let before = until(&sender, "much acknowledged", |status| status.bytes_acknowledged > 100_000).await;
    assert_eq!(before.reconnects, 0);
    let janus = tokio::task::spawn_blocking(move || {
        janus.restart();
        janus
    });
    let janus = janus.await.unwrap();
    until(&sender, "interrupted", |status| status.state != DestinationState::Streaming).await;
    let after = until(&sender, "back", |status| status.reconnects == 1).await;
    let more = after.bytes_acknowledged.max(before.bytes_acknowledged) + 100_000;
    until(&sender, "much acknowledged again", |status| status.bytes_acknowledged > more).await;
    assert!(sender.stop(BRIEF).await);
    // What the room got is a picture, before and after: each recording decodes.
    let recorded = janus.recorded();
    assert_eq!(recorded.len(), 2, "{recorded:?}");
    for file in &recorded {
        let (packets, frames) = mjr::decoded(file);
        eprintln!("Janus recorded {packets} packets: {frames} pictures decoded");
        assert!(frames >= 25, "{} of {packets} packets: {frames} pictures", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sfu_passes_on_each_layer_and_what_is_lost_of_each_is_sent_again() {
    let Some(janus) = Janus::start() else { return };
    let Some(viewer) = Viewer::start(janus.web, janus.api, 1234) else { return };
    let engine = Engine::start();
    let sender = engine.send(Engine::layers(viewer.whip("studio")));
    let both = |least: [u64; 2]| {
        move |status: &WhipStatus| {
            let mut layers = status.layers.iter().zip(least);
            status.layers.len() == 2 && layers.all(|(layer, least)| layer.sent && layer.bytes_acknowledged > least)
        }
    };
    until(&sender, "both layers arrive", both([5000; 2])).await;
    viewer.watch();
    viewer.shows("320x180", 1);
    for (layer, size) in [(0, "160x90"), (1, "320x180")] {
        viewer.choose(layer);
        viewer.shows(size, 15);
    }
    viewer.lose(0.1);
    for (layer, size) in [(0, "160x90"), (1, "320x180")] {
        viewer.choose(layer);
        viewer.shows(size, 30);
    }
    let report = viewer.wait(|report| report["repairs"].as_u64() >= Some(10));
    assert!(report["lost"].as_u64() >= Some(10), "{report}");
    let least = sender.status().layers.iter().map(|layer| layer.bytes_acknowledged + 5000).collect::<Vec<_>>();
    until(&sender, "both layers arrive still", both([least[0], least[1]])).await;
    viewer.lose(0.0);
    viewer.choose(0);
    viewer.shows("160x90", 15);
    let status = sender.status();
    assert!(status.keyframes_asked > 0 && status.reconnects == 0, "{status:?}");
    assert_eq!(engine.codes(), ["push_connected"]);
    assert!(sender.stop(BRIEF).await);
}
