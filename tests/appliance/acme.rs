//! A certificate from an authority (ACME): had, shown, renewed while connections go on; and what is said when it does not
//! come. The authority is Pebble, Let's Encrypt's own server for tests, which asks the box itself by TLS-ALPN-01.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use crate::peers::Peer;
use crate::rig::{Rig, SOON, free_port, skip};

const DOMAIN: &str = "studio-a.example";

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Pebble's programs; none, and says so, on a machine without.
fn programs() -> Option<PathBuf> {
    let place = std::env::var_os("UPLINK_PEBBLE")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/pebble")), PathBuf::from);
    let found = ["pebble", "pebble-challtestsrv"].iter().all(|name| place.join(name).is_file());
    if !found {
        skip("ACME, since there is no Pebble (packaging/test fetches it)");
    }
    found.then_some(place)
}

/// A certificate authority and its name server, which says that every name is this machine.
struct Authority {
    programs: PathBuf,
    /// Ports: of the authority, of its management, of the name server, of that one's management.
    ports: [u16; 4],
    running: Vec<Peer>,
}

impl Authority {
    fn new(programs: PathBuf) -> Self {
        Self { programs, ports: [(); 4].map(|()| free_port()), running: Vec::new() }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}/dir", self.ports[0])
    }

    /// Begins, or begins anew: with no accounts, and a root of its own. It asks boxes at `tls_port`, and its certificates are
    /// good for so many seconds.
    fn start(&mut self, directory: &Path, tls_port: u16, seconds: u64) {
        self.running.clear();
        let [port, management, dns, other] = self.ports.map(|port| format!("127.0.0.1:{port}"));
        let config = directory.join("pebble.json");
        let settings = json!({"pebble": {
            "listenAddress": port, "managementListenAddress": management,
            "certificate": directory.join("pebble.pem"), "privateKey": directory.join("pebble.key"),
            "httpPort": 1, "tlsPort": tls_port, "ocspResponderURL": "", "externalAccountBindingRequired": false,
            "certificateValidityPeriod": seconds,
        }});
        std::fs::write(&config, settings.to_string()).unwrap();
        let mut names = Command::new(self.programs.join("pebble-challtestsrv"));
        names.args(["-dns01", &dns, "-management", &other, "-defaultIPv6", ""]);
        names.args(["-http01", "", "-https01", "", "-tlsalpn01", ""]);
        let mut pebble = Command::new(self.programs.join("pebble"));
        pebble.args(["-dnsserver", &dns, "-config"]).arg(&config);
        // At once, and for each certificate anew.
        pebble.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_AUTHZREUSE", "0");
        self.running.push(Peer::run(&mut names, directory, "names", None));
        self.running.push(Peer::run(&mut pebble, directory, "pebble", None));
    }

    fn stop(&mut self) {
        self.running.clear();
    }

    /// Its root; none while it does not answer.
    fn root(&self, directory: &Path) -> Option<RootCertStore> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.ports[1]));
        let mut stream = open(address, "localhost", &trusting(&directory.join("pebble.pem"))).ok()?;
        store(ask(&mut stream, "localhost", "/roots/0").as_bytes())
    }
}

/// The certificates in a text, to be trusted.
fn store(pem: &[u8]) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pem).flatten());
    (!roots.is_empty()).then_some(roots)
}

fn trusting(file: &Path) -> RootCertStore {
    store(&std::fs::read(file).unwrap_or_default()).unwrap_or_else(RootCertStore::empty)
}

/// A connection by this name, if what is shown is good for it.
fn open(address: SocketAddr, name: &str, roots: &RootCertStore) -> std::io::Result<Stream> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_root_certificates(roots.clone()).with_no_client_auth());
    let mut connection = ClientConnection::new(config, ServerName::try_from(name.to_owned()).unwrap()).unwrap();
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    socket.set_write_timeout(Some(Duration::from_secs(20)))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(connection, socket))
}

fn shown(stream: &Stream) -> Vec<u8> {
    stream.conn.peer_certificates().unwrap()[0].to_vec()
}

/// The whole answer.
fn ask(stream: &mut Stream, host: &str, path: &str) -> String {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut all = Vec::new();
    // Not everybody says goodbye.
    let _ = stream.read_to_end(&mut all);
    String::from_utf8_lossy(&all).into_owned()
}

/// Reads an event stream until one more of these has come.
fn until(stream: &mut Stream, event: &str) {
    let mut text = String::new();
    while !text.contains(event) {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).expect("the stream speaks");
        assert!(count > 0, "the stream ended before {event}: {text}");
        text.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
}

/// A box whose certificate comes from `authority`, and nothing started.
fn rig(authority: &Authority) -> Rig {
    let rig = Rig::new(&[("a", "sources = [\"test\"]\norder = \"off-air\"")]);
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    std::fs::write(rig.path("pebble.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(rig.path("pebble.key"), key.serialize_pem()).unwrap();
    let url = authority.url();
    rig.edit(|text| {
        format!("{text}\n[api.tls.acme]\ndomains = [\"{DOMAIN}\"]\ndirectory = \"{url}\"\nca_file = \"pebble.pem\"\n")
    });
    rig
}

fn start(rig: &mut Rig) {
    let (command, address, own) = (rig.daemon_command(), rig.api, rig.path("state/tls/certificate.pem"));
    rig.start_daemon_answering(command, || open(address, "127.0.0.1", &trusting(&own)).is_ok());
}

/// Waits until new connections by the name are shown a certificate of these roots; and which.
fn until_shown(rig: &Rig, roots: &RootCertStore, but: Option<&[u8]>) -> Vec<u8> {
    let mut found = None;
    rig.until("a certificate of the authority is shown", || {
        found =
            open(rig.api, DOMAIN, roots).ok().map(|stream| shown(&stream)).filter(|one| Some(one.as_slice()) != but);
        found.is_some()
    });
    found.unwrap()
}

/// The alarm about the certificate, asked by address: that is the box's own certificate, whatever an authority does.
fn alarm(rig: &Rig) -> Option<Value> {
    let roots = trusting(&rig.path("state/tls/certificate.pem"));
    let answer = ask(&mut open(rig.api, "127.0.0.1", &roots).ok()?, "127.0.0.1", "/api/v1/alarms");
    let list: Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
    list["items"].as_array()?.iter().find(|alarm| alarm["id"] == "certificate_failed").cloned()
}

#[test]
fn a_certificate_is_had_and_renewed_and_connections_go_on() {
    let Some(programs) = programs() else { return };
    let mut authority = Authority::new(programs);
    let mut rig = rig(&authority);
    // A third of its time is left after sixteen seconds.
    authority.start(&rig.path(""), rig.api.port(), 24);
    rig.until("the authority answers", || authority.root(&rig.path("")).is_some());
    let roots = authority.root(&rig.path("")).unwrap();
    start(&mut rig);

    let first = until_shown(&rig, &roots, None);
    let mut stream = open(rig.api, DOMAIN, &roots).unwrap();
    assert!(ask(&mut stream, DOMAIN, "/healthz").starts_with("HTTP/1.1 200"), "it answers to the name");
    let own = trusting(&rig.path("state/tls/certificate.pem"));
    assert!(open(rig.api, "127.0.0.1", &own).is_ok(), "by address it shows its own");
    assert!(open(rig.api, "other.example", &roots).is_err(), "it is for its names alone");

    let mut following = open(rig.api, DOMAIN, &roots).unwrap();
    write!(following, "GET /api/v1/events HTTP/1.1\r\nHost: {DOMAIN}\r\n\r\n").unwrap();
    until(&mut following, "event: snapshot");
    let second = until_shown(&rig, &roots, Some(&first));
    assert_ne!(first, second);
    // What had come before the renewal is read first.
    (0..15).for_each(|_| until(&mut following, "event: heartbeat"));
    assert_eq!(alarm(&rig), None);
    assert_eq!(rig.end_daemon(Signal::SIGTERM), Some(0));
}

#[test]
fn while_none_comes_the_own_one_is_shown_and_an_alarm_says_why() {
    let Some(programs) = programs() else { return };
    let mut authority = Authority::new(programs);
    let mut rig = rig(&authority);
    start(&mut rig);
    let own = trusting(&rig.path("state/tls/certificate.pem"));
    let reason =
        |rig: &Rig| alarm(rig).and_then(|alarm| Some(alarm["reason"].as_str()?.to_owned())).unwrap_or_default();
    rig.until("nobody answers", || reason(&rig).contains("efused"));
    let said = reason(&rig);
    for part in [DOMAIN, "localhost", "the box's own is shown", "tried again in"] {
        assert!(said.contains(part), "no `{part}` in: {said}");
    }

    // It answers, and finds nobody where it asks.
    authority.start(&rig.path(""), free_port(), 86_400);
    rig.until("the authority answers", || authority.root(&rig.path("")).is_some());
    rig.signal_daemon(Signal::SIGHUP);
    rig.until("it refuses", || reason(&rig).contains("challenge"));
    assert!(open(rig.api, "127.0.0.1", &own).is_ok());

    // One that does not know the account any more, and finds the box.
    authority.start(&rig.path(""), rig.api.port(), 86_400);
    rig.until("the authority answers", || authority.root(&rig.path("")).is_some());
    let roots = authority.root(&rig.path("")).unwrap();
    rig.signal_daemon(Signal::SIGHUP);
    let had = until_shown(&rig, &roots, None);
    rig.until("the alarm is over", || alarm(&rig).is_none_or(|alarm| alarm["active"] == false));

    // The next run has it at once, authority or not.
    assert_eq!(rig.end_daemon(Signal::SIGTERM), Some(0));
    authority.stop();
    start(&mut rig);
    assert_eq!(until_shown(&rig, &roots, None), had);
    assert!(alarm(&rig).is_none_or(|alarm| alarm["active"] == false), "nothing is wrong");
    assert_eq!(rig.end_daemon(Signal::SIGTERM), Some(0), "within {SOON:?}");
}
