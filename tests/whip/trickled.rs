//! Addresses that are found when the offer has been posted already (RFC 9725, 4.3.2): those of a TURN server, a real coturn,
//! behind a gate that is closed until then.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use uplink::media::whip::WhipSetup;
use uplink::model::{IceServer, IceServers, Secret};

use crate::changes::{begin_anew, patches};
use crate::engine::{BRIEF, Engine, TOKEN, streaming};
use crate::relayed::{PASSWORD, Turn, USER};
use crate::server::Server;

/// What is sent to a TURN server waits here until the gate opens.
struct Gate {
    address: SocketAddr,
    open: Arc<AtomicBool>,
}

impl Gate {
    fn before(turn: &Turn) -> Self {
        let socket = UdpSocket::bind((turn.address, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let (address, open) = (socket.local_addr().unwrap(), Arc::<AtomicBool>::default());
        let (opened, server) = (Arc::clone(&open), SocketAddr::new(turn.address, turn.port));
        std::thread::spawn(move || {
            let (mut ways, mut held) = (HashMap::new(), Vec::new());
            let mut packet = [0; 2048];
            while Arc::strong_count(&opened) > 1 {
                if let Ok((length, from)) = socket.recv_from(&mut packet) {
                    held.push((from, packet[..length].to_vec()));
                }
                if !opened.load(Ordering::Relaxed) {
                    continue;
                }
                for (from, packet) in held.drain(..) {
                    let way = ways.entry(from).or_insert_with(|| way_back(&socket, from, server));
                    let _ = way.send(&packet);
                }
            }
        });
        Self { address, open }
    }

    fn open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }

    fn setup(&self, server: &Server) -> WhipSetup {
        let turn = format!("turn:{}?transport=udp", self.address);
        let turn = IceServer::read(&turn, Some(USER.into()), Some(Secret::new(PASSWORD))).unwrap();
        let mut setup = Engine::setup(server.url());
        setup.plan.servers = IceServers(vec![turn]);
        setup
    }
}

/// A socket of its own towards the server; what comes back goes to `from`.
fn way_back(socket: &UdpSocket, from: SocketAddr, server: SocketAddr) -> UdpSocket {
    let way = UdpSocket::bind((server.ip(), 0)).unwrap();
    way.connect(server).unwrap();
    let (back, answers) = (socket.try_clone().unwrap(), way.try_clone().unwrap());
    std::thread::spawn(move || {
        let mut packet = [0; 2048];
        while let Ok(length) = answers.recv(&mut packet) {
            let _ = back.send_to(&packet[..length], from);
        }
    });
    way
}

fn server() -> Option<Server> {
    Server::start(json!({ "token": TOKEN, "restarts": true }))
}

/// The request that named the relay, and its answer.
fn relay_told(report: &Value) -> Option<(String, u64)> {
    let told = patches(report).into_iter().find(|(_, text, _)| text.contains("typ relay"))?;
    Some((told.0, told.2))
}

/// ICE begins anew, and the relay is one of the addresses.
fn assert_named_again(report: &Value) {
    let all = patches(report);
    let (of, text, _) = all.iter().rfind(|(.., status)| *status == 200).expect("ICE began anew");
    assert!(of == "*" && text.contains("typ relay") && text.contains("typ host"), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_found_late_is_told_by_the_tag_of_its_session_and_named_when_ice_begins_anew() {
    let Some(turn) = Turn::start() else { return };
    let Some(server) = server() else { return };
    let gate = Gate::before(&turn);
    let engine = Engine::start();
    let sender = engine.send(gate.setup(&server));
    server.wait("sessions", 1);
    gate.open();
    let report = server.wait_for("the relay is told", |report| relay_told(report).is_some());
    assert_eq!(relay_told(&report), Some(("\"s1\"".to_owned(), 204)), "{report}");
    assert!(report["relays_offered"] == json!([0]) && report["told_late"].as_u64() > Some(0), "{report}");
    streaming(&sender).await;
    server.wait("video", 25);
    let told = patches(&server.report());
    assert!(told.iter().all(|(.., status)| *status == 204), "{told:?}");
    begin_anew(&server, &sender).await;
    assert_named_again(&server.report());
    assert!(sender.stop(BRIEF).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_tag_costs_nothing_and_the_address_is_named_when_ice_begins_anew() {
    let Some(turn) = Turn::start() else { return };
    let Some(server) = server() else { return };
    let gate = Gate::before(&turn);
    let engine = Engine::start();
    let sender = engine.send(gate.setup(&server));
    server.wait("sessions", 1);
    server.retag();
    gate.open();
    let report = server.wait_for("the relay is told", |report| relay_told(report).is_some());
    assert_eq!(relay_told(&report), Some(("\"s1\"".to_owned(), 412)), "{report}");
    streaming(&sender).await;
    let report = server.wait("video", 50);
    assert_eq!((&report["posts"], &report["told_late"]), (&json!(1), &json!(0)), "the session goes on: {report}");
    assert_eq!((sender.status().reconnects, engine.codes()), (0, vec!["push_connected"]));
    begin_anew(&server, &sender).await;
    let report = server.report();
    assert_named_again(&report);
    assert!(sender.stop(BRIEF).await);
}
