//! The event stream over real connections: resume, reset, slow clients, shutdown.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::super::Doors;
use super::super::journal::HELD;
use super::rig::{Rig, id, rig};
use crate::access::{Access, Credentials, Here, Via};
use crate::model::{Event, EventCode, MediaTime, MeterReading, Severity};
use crate::replay::Desk;
use crate::supervisor::StampedEvent;

/// Longer than the kernel takes to cut off a client that takes no bytes.
const BOUND: Duration = Duration::from_secs(40);

struct Server {
    rig: Rig,
    address: SocketAddr,
    stop: CancellationToken,
    access: Access,
    task: JoinHandle<std::io::Result<()>>,
    _dir: tempfile::TempDir,
}

async fn server() -> Server {
    let dir = tempfile::tempdir().unwrap();
    let (handle, rig) = rig(dir.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let doors = Doors::from(listener);
    let access = doors.access.clone();
    let task = tokio::spawn(super::super::serve(doors, handle, Desk::idle(), stop.clone().cancelled_owned()));
    Server { rig, address, stop, access, task, _dir: dir }
}

#[derive(Debug, Default)]
struct Frame {
    kind: String,
    id: String,
    data: Value,
}

struct Client {
    body: futures::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    text: String,
}

impl Client {
    async fn open(server: &Server, place: Option<&str>) -> Self {
        Self::open_at(server, "", place).await
    }

    async fn open_at(server: &Server, query: &str, place: Option<&str>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut request = reqwest::Client::new().get(format!("http://{}/api/v1/events{query}", server.address));
        if let Some(place) = place {
            request = request.header("last-event-id", place);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Self { body: response.bytes_stream().boxed(), text: String::new() }
    }

    /// The next frame; none at the end of the stream.
    async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let mut found = Frame::default();
                for line in frame.lines() {
                    match line.split_once(": ") {
                        Some(("event", kind)) => found.kind = kind.into(),
                        Some(("id", id)) => found.id = id.into(),
                        Some(("data", data)) => found.data = serde_json::from_str(data).unwrap(),
                        _ => {}
                    }
                }
                self.text = rest.to_owned();
                super::contract::fits_stream(&found.kind, &found.data);
                return Some(found);
            }
            let bytes = timeout(BOUND, self.body.next()).await.expect("no frame in time")?.ok()?;
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    async fn until(&mut self, kind: &str) -> Frame {
        loop {
            let frame = self.next().await.unwrap_or_else(|| panic!("the stream ended before a {kind}"));
            if frame.kind == kind {
                return frame;
            }
        }
    }
}

async fn metric(server: &Server, name: &str) -> f64 {
    let text = reqwest::get(format!("http://{}/metrics", server.address)).await.unwrap().text().await.unwrap();
    let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or("x 0");
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

async fn wait_for(server: &Server, name: &str, wanted: f64) {
    let reached = async {
        while metric(server, name).await != wanted {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(BOUND, reached).await.unwrap_or_else(|_| panic!("{name} does not become {wanted}"));
}

#[tokio::test]
async fn begins_with_a_snapshot_then_tells_what_happens() {
    let server = server().await;
    let mut client = Client::open(&server, None).await;
    let first = client.next().await.unwrap();
    assert_eq!((first.kind.as_str(), first.data["channels"].as_array().unwrap().len()), ("snapshot", 3));
    let beat = client.until("heartbeat").await;
    assert!(beat.data["server_time"].is_string() && beat.id.is_empty(), "{beat:?}");
    server.rig.emit(1, "the picture is gone");
    let event = client.until("event").await;
    assert!(event.id.ends_with("-1"), "{event:?}");
    assert_eq!((&event.data["code"], &event.data["channel"]), (&"source_lost".into(), &"demo".into()));
    client.until("heartbeat").await;
}

#[tokio::test]
async fn who_comes_and_who_leaves_is_told_to_who_is_here() {
    let server = server().await;
    let mut first = Client::open(&server, None).await;
    let panels = |frame: &Frame| frame.data["panels"].as_u64().unwrap();
    assert_eq!(panels(&first.until("presence").await), 1, "one is here oneself");
    let mut second = Client::open(&server, None).await;
    assert_eq!(panels(&second.until("presence").await), 2);
    let told = first.until("presence").await;
    assert_eq!(panels(&told), 2);
    let everybody = &told.data["present"][0];
    assert_eq!(
        (&everybody["name"], &everybody["seat"], &everybody["streams"]),
        (&"everybody".into(), &"panel".into(), &2.into())
    );
    drop(second);
    assert_eq!(panels(&first.until("presence").await), 1, "it has left");
    let asked = reqwest::get(format!("http://{}/api/v1/presence", server.address)).await.unwrap();
    assert_eq!(asked.json::<Value>().await.unwrap()["panels"], 1);
}

#[tokio::test]
async fn many_who_come_at_once_are_told_in_few_words() {
    let server = server().await;
    let mut first = Client::open(&server, None).await;
    first.until("presence").await;
    let caller = server.access.identify(Credentials::None, &Via::default()).unwrap();
    let crowd: Vec<Here> = (0..400).map(|_| server.access.enter(&caller)).collect();
    let mut told = 1;
    while first.until("presence").await.data["panels"] != 401 {
        told += 1;
    }
    assert!(told <= 10, "{told} words of 400 who came");
    drop(crowd);
    while first.until("presence").await.data["panels"] != 1 {}
}

#[tokio::test]
async fn many_changes_become_few_documents() {
    let server = server().await;
    let mut client = Client::open(&server, None).await;
    client.next().await.unwrap();
    for n in 1..=500 {
        server.rig.change(|status| status.channels[0].generation = 1000 + n);
        tokio::task::yield_now().await;
    }
    let mut documents = 0;
    loop {
        let status = client.until("status").await;
        documents += 1;
        if status.data["channels"][0]["generation"] == 1500 {
            break;
        }
    }
    assert!(documents <= 10, "{documents} documents for one burst");
}

#[tokio::test]
async fn a_client_that_comes_back_misses_nothing_and_sees_nothing_twice() {
    let server = server().await;
    let mut client = Client::open(&server, None).await;
    let place = client.next().await.unwrap().id;
    (1..=5).for_each(|seq| server.rig.emit(seq, "gone"));
    let mut last = place;
    for _ in 0..3 {
        last = client.until("event").await.id;
    }
    drop(client);
    (6..=8).for_each(|seq| server.rig.emit(seq, "gone"));
    let mut client = Client::open(&server, Some(&last)).await;
    server.rig.emit(9, "gone");
    let mut seen = Vec::new();
    while seen.last() != Some(&9) {
        seen.push(client.until("event").await.data["seq"].as_u64().unwrap());
    }
    assert_eq!(seen, [4, 5, 6, 7, 8, 9]);
    client.until("heartbeat").await;
}

#[tokio::test]
async fn a_place_that_is_gone_is_reset() {
    let server = server().await;
    let mut client = Client::open(&server, None).await;
    let place = client.next().await.unwrap().id;
    (1..=HELD as u64 + 5).for_each(|seq| server.rig.emit(seq, "gone"));
    client.until("event").await;
    let epoch = place.split('-').next().unwrap().to_owned();
    for place in ["cafe-3", "nonsense", &format!("{epoch}-1"), &format!("{epoch}-999999999")] {
        let mut client = Client::open(&server, Some(place)).await;
        // The ring fills while the first client reads: ask until the oldest events are out.
        let first = client.next().await.unwrap();
        assert_eq!(first.kind, "reset", "{place}: {first:?}");
        assert_eq!(client.next().await.unwrap().kind, "snapshot");
    }
}

#[tokio::test]
async fn an_event_id_of_another_boot_is_no_place_of_this_one() {
    let (before, now) = (server().await, server().await);
    now.rig.change(|status| status.started_at = status.started_at + Duration::from_secs(60));
    let mut client = Client::open(&before, None).await;
    client.next().await.unwrap();
    (1..=2).for_each(|seq| before.rig.emit(seq, "gone"));
    let mut place = String::new();
    for _ in 0..2 {
        place = client.until("event").await.id;
    }
    // Here the same number is another event.
    (1..=5).for_each(|seq| now.rig.emit(seq, "gone"));
    wait_for(&now, "uplink_events_total{code=\"source_lost\",severity=\"warning\"}", 5.0).await;
    let mut client = Client::open(&now, Some(&place)).await;
    assert_eq!(client.next().await.unwrap().kind, "reset");
    let snapshot = client.next().await.unwrap();
    assert!(snapshot.kind == "snapshot" && snapshot.id.ends_with("-5"), "{snapshot:?}");
    assert_ne!(snapshot.id.split('-').next(), place.split('-').next());
    now.rig.emit(6, "gone");
    assert_eq!(client.until("event").await.data["seq"], 6, "nothing of before is told again");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_and_holds_nobody_back() {
    // Fails only if another test has installed one, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = server().await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(2048).unwrap();
    let mut stuck = socket.connect(server.address).await.unwrap();
    stuck.write_all(b"GET /api/v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").await.unwrap();
    wait_for(&server, "uplink_event_stream_clients", 1.0).await;
    let mut client = Client::open(&server, None).await;
    client.next().await.unwrap();
    let text = "x".repeat(2_000);
    for seq in 1..=6_000 {
        server.rig.emit(seq, &text);
        if seq % 100 == 0 {
            while client.until("event").await.data["seq"] != seq {}
        }
    }
    drop(client);
    wait_for(&server, "uplink_event_stream_clients", 0.0).await;
    drop(stuck);
}

#[tokio::test]
async fn a_client_that_falls_behind_is_told_what_it_missed() {
    let server = server().await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(2048).unwrap();
    let mut slow = socket.connect(server.address).await.unwrap();
    slow.write_all(b"GET /api/v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n").await.unwrap();
    wait_for(&server, "uplink_event_stream_clients", 1.0).await;
    let text = "x".repeat(4_000);
    for seq in 1..=3 * HELD as u64 {
        server.rig.emit(seq, &text);
        if seq % 500 == 0 {
            while metric(&server, "uplink_events_total{code=\"source_lost\",severity=\"warning\"}").await < seq as f64 {
            }
        }
    }
    let mut told = String::new();
    let read = tokio::io::AsyncReadExt::read_to_string(&mut slow, &mut told);
    timeout(BOUND, read).await.expect("the stream goes on").ok();
    let gap = told.rsplit("event: gap").next().unwrap();
    assert!(gap.contains("\"missed\":"), "no gap at the end: {}", &told[told.len().saturating_sub(300)..]);
    assert_eq!(metric(&server, "uplink_event_stream_cut_total").await, 1.0);
}

#[tokio::test]
async fn who_asks_for_some_topics_is_told_of_no_other() {
    let server = server().await;
    let mut alarms = Client::open_at(&server, "?topics=alarm,gap", None).await;
    let mut documents = Client::open_at(&server, "?topics=status", None).await;
    for client in [&mut alarms, &mut documents] {
        assert_eq!(client.next().await.unwrap().kind, "snapshot", "where it stands, it knows from that");
    }
    let emit = |seq, code| {
        let event = Event::new(MediaTime::from_secs(seq), Severity::Warning, code, "something happened");
        drop(server.rig.events.send(Arc::new(StampedEvent { seq, event })));
    };
    emit(1, EventCode::SourceLost);
    emit(2, EventCode::AlarmRaised);
    emit(3, EventCode::SlateOn);
    emit(4, EventCode::AlarmCleared);
    server.rig.change(|status| status.channels[0].generation = 1000);
    let mut told = Vec::new();
    while told.len() < 2 {
        told.extend(alarms.next().await.filter(|frame| frame.kind != "heartbeat"));
    }
    let places: Vec<&str> = told.iter().map(|frame| frame.id.rsplit('-').next().unwrap()).collect();
    assert_eq!(places, ["2", "4"], "{told:?}");
    let document = documents.until("status").await;
    assert_eq!(document.data["channels"][0]["generation"], 1000);
    // Who comes back is told of the same topics.
    let place = told[0].id.clone();
    let mut alarms = Client::open_at(&server, "?topics=alarm", Some(&place)).await;
    let again = alarms.next().await.unwrap();
    assert_eq!((again.kind.as_str(), again.id.ends_with("-4")), ("event", true), "{again:?}");
    let refused = reqwest::get(format!("http://{}/api/v1/events?topics=act", server.address)).await.unwrap();
    assert_eq!(refused.status(), 400);
}

#[tokio::test]
async fn the_newest_events_come_in_pages_that_go_on_while_more_happens() {
    let server = server().await;
    (1..=5).for_each(|seq| server.rig.emit(seq, "gone"));
    wait_for(&server, "uplink_events_total{code=\"source_lost\",severity=\"warning\"}", 5.0).await;
    let page = async |path: String| {
        let answer = reqwest::get(format!("http://{}{path}", server.address)).await.unwrap();
        let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let page: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let seqs: Vec<u64> = page["items"].as_array().unwrap().iter().map(|one| one["seq"].as_u64().unwrap()).collect();
        (seqs, link)
    };
    let (seqs, link) = page("/api/v1/events/recent?limit=2".to_owned()).await;
    assert_eq!(seqs, [5, 4]);
    server.rig.emit(6, "gone");
    wait_for(&server, "uplink_events_total{code=\"source_lost\",severity=\"warning\"}", 6.0).await;
    let next = |link: Option<String>| link.unwrap().split(['<', '>']).nth(1).unwrap().to_owned();
    let (seqs, link) = page(next(link)).await;
    assert_eq!(seqs, [3, 2]);
    assert_eq!(page(next(link)).await, (vec![1], None));
    let refused = reqwest::get(format!("http://{}/api/v1/events/recent?cursor=x", server.address)).await.unwrap();
    assert_eq!(refused.status(), 400);
}

#[tokio::test]
async fn a_shutdown_waits_for_no_panel() {
    let server = server().await;
    let mut client = Client::open(&server, None).await;
    client.next().await.unwrap();
    server.stop.cancel();
    timeout(Duration::from_secs(10), server.task).await.expect("it waits for the panel").unwrap().unwrap();
    while client.next().await.is_some() {}
}

#[tokio::test]
async fn meters_of_all_channels_are_one_frame_and_lose_no_peak() {
    let server = server().await;
    let mut client = Client::open_at(&server, "?meters=20", None).await;
    client.next().await.unwrap();
    let reading = |peak| MeterReading { peak_dbfs: vec![peak, -60.0], momentary: Some(-23.1), short_term: None };
    let tell = |channel: &str, peak| drop(server.rig.meters.send(Arc::new((id(channel), reading(peak)))));
    for peak in [-20.0, -3.0, -40.0] {
        tell("demo", peak);
    }
    tell("studio-b", -12.0);
    let mut highest = std::collections::BTreeMap::new();
    while highest.len() < 2 || highest["demo"] < -3.0 {
        let frame = client.until("meters").await;
        for (channel, reading) in frame.data["channels"].as_object().unwrap() {
            let peak = reading["peak_dbfs"][0].as_f64().unwrap();
            let held = highest.entry(channel.clone()).or_insert(peak);
            *held = held.max(peak);
        }
    }
    assert_eq!((highest["demo"], highest["studio-b"]), (-3.0, -12.0));
    let refused = reqwest::get(format!("http://{}/api/v1/events?meters=21", server.address)).await.unwrap();
    assert_eq!(refused.status(), 400);
}
