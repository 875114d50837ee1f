//! Where no direct way exists media go by a TURN server that the endpoint names (RFC 9725, 4.6): a real coturn, and a peer
//! whose firewall lets nothing in but what comes from there.

use std::net::{IpAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::engine::{BRIEF, Engine, TOKEN, streaming};
use crate::server::{SOON, Server, has_address};

pub const USER: &str = "studio";
pub const PASSWORD: &str = "a-password-of-the-relay";

pub struct Turn {
    child: Child,
    directory: tempfile::TempDir,
    pub address: IpAddr,
    pub port: u16,
    /// Where it sends from.
    relays: (u16, u16),
}

impl Drop for Turn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The machine's own address.
fn own_address() -> Option<IpAddr> {
    let out = Command::new("hostname").arg("-I").output().ok()?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.split_whitespace().filter_map(|word| word.parse().ok()).find(IpAddr::is_ipv4)
}

/// So many ports in a row that nobody has, below those that the system hands out.
fn free_range(count: u16) -> (u16, u16) {
    let free = |first: u16| (first..first + count).all(|port| UdpSocket::bind(("0.0.0.0", port)).is_ok());
    let first = std::iter::repeat_with(|| fastrand::u16(12_000..30_000)).take(100).find(|first| free(*first));
    let first = first.expect("free ports");
    (first, first + count - 1)
}

impl Turn {
    pub fn start() -> Option<Self> {
        let there = Command::new("turnserver").arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if there.is_err() {
            println!("SKIPPED: WHIP by TURN, since there is no turnserver (Debian: coturn)");
            return None;
        }
        let address = own_address().filter(|_| has_address())?;
        let directory = tempfile::Builder::new().prefix("turn").tempdir().unwrap();
        let (low, high) = free_range(40);
        let (port, relays) = (low, (low + 2, high));
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let mut command = Command::new("turnserver");
        command.args(["-n", "-v", "--no-tls", "--no-dtls", "--no-cli", "--lt-cred-mech", "--realm", "studio.test"]);
        command.args(["--no-software-attribute", "--log-file", "stdout", "--simple-log"]);
        command.args(["--listening-ip", &address.to_string(), "--relay-ip", &address.to_string()]);
        command.args(["--listening-port", &port.to_string(), "--user", &format!("{USER}:{PASSWORD}")]);
        command.args(["--min-port", &relays.0.to_string(), "--max-port", &relays.1.to_string()]);
        command.arg("--userdb").arg(directory.path().join("users"));
        command.arg("--pidfile").arg(directory.path().join("pid"));
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let turn = Self { child, directory, address, port, relays };
        turn.answers();
        Some(turn)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Relays that somebody got, and those that were given back.
    fn relays(&self) -> (usize, usize) {
        let (log, user) = (self.log(), format!("username=<{USER}>"));
        let of_user = |what: &str| log.lines().filter(|line| line.contains(&user) && line.contains(what)).count();
        (of_user(": new, "), of_user(", lifetime=0"))
    }

    /// Waits until it answers a STUN request.
    fn answers(&self) {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let request = [&[0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42][..], &[7; 12]].concat();
        let until = Instant::now() + SOON;
        let mut answer = [0; 1500];
        while socket.send_to(&request, (self.address, self.port)).is_err() || socket.recv(&mut answer).is_err() {
            assert!(Instant::now() < until, "turnserver does not answer: {}", self.log());
        }
    }

    fn link(&self, password: &str) -> String {
        let (address, port) = (self.address, self.port);
        format!(
            "<turn:{address}:{port}?transport=udp>; rel=\"ice-server\"; username=\"{USER}\"; \
             credential=\"{password}\"; credential-type=\"password\""
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn media_go_by_the_turn_server_that_the_endpoint_names() {
    let Some(turn) = Turn::start() else { return };
    let settings = json!({ "token": TOKEN, "links": [turn.link(PASSWORD)], "from_ports": turn.relays });
    let Some(server) = Server::start(settings) else { return };
    let engine = Engine::start();
    let sender = engine.send(Engine::setup(server.url()));
    // The first answer names the relay; media cannot get through before the offer that follows.
    streaming(&sender).await;
    let report = server.wait("video", 50);
    let offered: Vec<u64> = serde_json::from_value(report["relays_offered"].clone()).unwrap();
    assert!(offered[0] == 0 && *offered.last().unwrap() > 0, "{offered:?} {}", turn.log());
    assert!(report["kept_out"].as_u64() > Some(0), "nothing was tried directly: {report}");
    let frames: Vec<u64> = serde_json::from_value(report["frames"].clone()).unwrap();
    assert!(frames.windows(2).all(|pair| pair[1] > pair[0]) && frames.len() >= 40, "{frames:?}");
    let shown = format!("{:?} {:?}", sender.status(), engine.events.lock().unwrap());
    assert!(!shown.contains(PASSWORD), "a secret is shown");
    assert!(turn.relays().0 > 0, "{}", turn.log());
    assert!(sender.stop(BRIEF).await);
    let until = Instant::now() + SOON;
    while turn.relays().1 < turn.relays().0 {
        assert!(Instant::now() < until, "made, given back: {:?}, {}", turn.relays(), turn.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
