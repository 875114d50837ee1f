//! A line with a rate between pusher and origin: renditions it does not carry are left out, and what waited is delivered
//! beside the live edge. And a box that loses power in the middle of that.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep_until, timeout};
use uplink::model::status::DestinationState;
use uplink::model::{Carried, EndpointStatus, EventCode};
use uplink::push::Pusher;

use crate::origin::{Answer, Origin};
use crate::studio::{BOUND, Studio, eventually, media, until};

/// Passes on so many bytes a second, to one place, over all connections together.
#[derive(Clone)]
struct Straw {
    rate: Arc<AtomicU64>,
    next: Arc<Mutex<Instant>>,
    address: SocketAddr,
}

impl Straw {
    async fn to(port: u16, rate: u64) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        // Little is stored in the straw itself.
        socket.set_recv_buffer_size(16 * 1024).expect("a small buffer");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
        let listener = socket.listen(64).expect("it listens");
        let address = listener.local_addr().expect("an address");
        let straw = Self { rate: Arc::new(rate.into()), next: Arc::new(Mutex::new(Instant::now())), address };
        let passing = straw.clone();
        tokio::spawn(async move {
            while let Ok((inner, _)) = listener.accept().await {
                let Ok(outer) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
                let (from, to) = inner.into_split();
                let (answers, requests) = outer.into_split();
                tokio::spawn(passing.clone().suck(from, requests));
                tokio::spawn(give_back(answers, to));
            }
        });
        straw
    }

    fn url(&self) -> String {
        format!("http://{}/live/", self.address)
    }

    fn carry(&self, rate: u64) {
        self.rate.store(rate, Ordering::Relaxed);
    }

    async fn suck(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut piece = vec![0; 8 * 1024];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            let takes = Duration::from_secs_f64(length as f64 / self.rate.load(Ordering::Relaxed) as f64);
            let turn = {
                let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
                // A timer that is late costs nothing.
                *next = (*next).max(Instant::now() - Duration::from_millis(100)) + takes;
                *next
            };
            sleep_until(turn).await;
            if to.write_all(&piece[..length]).await.is_err() {
                return;
            }
        }
    }
}

async fn give_back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

/// Makes segments at their pace until the status is as wanted.
async fn produce_until(
    studio: &mut Studio,
    pusher: &Pusher,
    what: &str,
    mut wanted: impl FnMut(&EndpointStatus) -> bool,
) -> EndpointStatus {
    let waiting = async {
        let mut tick = tokio::time::interval(studio.grid.duration());
        loop {
            tick.tick().await;
            studio.produce(1);
            let status = pusher.status().borrow().clone();
            if wanted(&status) {
                return status;
            }
        }
    };
    timeout(BOUND, waiting).await.unwrap_or_else(|_| panic!("never {what}: {:#?}", *pusher.status().borrow()))
}

fn best(status: &EndpointStatus) -> Carried {
    status.line.as_ref().map_or(Carried::Whole, |line| line.renditions[0].carried)
}

fn text(origin: &Origin, path: &str) -> String {
    String::from_utf8_lossy(&origin.object(&format!("demo/{path}")).unwrap_or_default()).into_owned()
}

fn even(status: &EndpointStatus) -> bool {
    status.state == DestinationState::Streaming && status.queue_segments == 0
}

#[tokio::test]
async fn a_rendition_that_the_line_does_not_carry_is_left_out_and_comes_back() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    // The channel makes 816 kB a second.
    let straw = Straw::to(origin.port(), 4_000_000).await;
    let mut description = studio.description(&straw.url());
    (description.upload.line.enter_ms, description.upload.line.clear_ms) = (1000, 1000);
    let pusher = studio.push(description);
    produce_until(&mut studio, &pusher, "told", |_| text(&origin, "multivariant.m3u8").contains("v720/")).await;

    straw.carry(600_000);
    let status = produce_until(&mut studio, &pusher, "dropped", |status| best(status) == Carried::Dropped).await;
    assert_eq!(status.health.code, "renditions_dropped", "{status:#?}");
    produce_until(&mut studio, &pusher, "told without", |_| !text(&origin, "multivariant.m3u8").contains("v720/"))
        .await;
    // Its playlist keeps up with the others, as gaps.
    let newest = studio.next + 2;
    let line = format!("{newest}.m4s");
    produce_until(&mut studio, &pusher, "gaps", |_| {
        let playlist = text(&origin, "v720/media.m3u8");
        playlist.contains(&line) && playlist.matches("EXT-X-GAP").count() >= 3
    })
    .await;
    assert!(text(&origin, "v360/media.m3u8").contains(&line), "{}", text(&origin, "v360/media.m3u8"));

    straw.carry(8_000_000);
    let status = produce_until(&mut studio, &pusher, "whole", |status| best(status) == Carried::Whole).await;
    eprintln!("{:#?}", status.line);
    produce_until(&mut studio, &pusher, "told again", |_| text(&origin, "multivariant.m3u8").contains("v720/")).await;
    until(&pusher, "even", even).await;
    assert!(pusher.stop(Duration::from_secs(10)).await.is_nothing());
    origin.assert_no_violation();
    for rendition in &studio.renditions[1..] {
        for number in studio.first..studio.next {
            let there = origin.object(&format!("demo/{rendition}/{number}.m4s"));
            assert!(there == Some(media(rendition, number)), "{rendition} {number}");
        }
    }
    let told = [EventCode::PushRenditionDropped, EventCode::PushRenditionReturned, EventCode::PushInterrupted];
    assert_eq!(told.map(|code| studio.count(code)), [1, 1, 0], "{:#?}", studio.events());
}

#[tokio::test]
async fn power_lost_in_the_middle_of_backfill_costs_no_segment() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    let straw = Straw::to(origin.port(), 4_000_000).await;
    studio.produce(1);
    let pusher = studio.push_to(&straw.url());
    until(&pusher, "connected", even).await;
    origin.script(|_: &Method, _, _| Answer::Say(503));
    studio.produce(30);
    until(&pusher, "interrupted", |status| status.state == DestinationState::Interrupted).await;
    origin.script(|_, _, _| Answer::Obey);
    let before = origin.segment_puts();
    eventually("in the middle", || origin.segment_puts() > before + 20).await;
    // The worker is killed, and what it noted was never written.
    drop(pusher);
    std::fs::remove_file(studio.spool.directory().join("push-cloud.json")).expect("the record");
    let pusher = studio.push_to(&straw.url());
    studio.produce(1);
    until(&pusher, "even", even).await;
    assert!(pusher.stop(Duration::from_secs(10)).await.is_nothing());
    origin.assert_no_violation();
    for rendition in &studio.renditions {
        for number in studio.first..studio.next {
            let there = origin.object(&format!("demo/{rendition}/{number}.m4s"));
            assert!(there == Some(media(rendition, number)), "{rendition} {number}");
        }
        let playlist = text(&origin, &format!("{rendition}/media.m3u8"));
        assert!(!playlist.contains("EXT-X-GAP"), "{playlist}");
    }
}

/// Makes `count` segments at their pace; how long after that each of them was at the origin, milliseconds.
async fn delays(studio: &mut Studio, origin: &Arc<Origin>, count: usize) -> Vec<u128> {
    let mut tick = tokio::time::interval(studio.grid.duration());
    let mut waiting = Vec::new();
    for _ in 0..count {
        tick.tick().await;
        studio.produce(1);
        let (number, made, origin) = (studio.next - 1, Instant::now(), Arc::clone(origin));
        let paths = studio.renditions.iter().map(|rendition| format!("demo/{rendition}/{number}.m4s"));
        let paths: Vec<String> = paths.collect();
        waiting.push(tokio::spawn(async move {
            eventually("at the origin", || paths.iter().all(|path| origin.object(path).is_some())).await;
            made.elapsed().as_millis()
        }));
    }
    let mut delays = Vec::new();
    for one in waiting {
        delays.push(one.await.expect("no test fails here"));
    }
    delays.sort_unstable();
    delays
}

#[tokio::test]
#[ignore = "takes 40 s of wall clock: how late live segments are while backfill goes beside them"]
async fn the_live_edge_beside_backfill() {
    for share in [50, 100] {
        let (mut studio, origin) = (Studio::new(), Arc::new(Origin::start().await));
        // The channel makes 816 kB a second.
        let straw = Straw::to(origin.port(), 2_000_000).await;
        let mut description = studio.description(&straw.url());
        description.upload.line.backfill_share = share;
        let pusher = studio.push(description);
        let alone = delays(&mut studio, &origin, 10).await;
        origin.script(|_: &Method, _, _| Answer::Say(503));
        studio.produce(20);
        until(&pusher, "interrupted", |status| status.state == DestinationState::Interrupted).await;
        origin.script(|_, _, _| Answer::Obey);
        until(&pusher, "streaming", |status| status.state == DestinationState::Streaming).await;
        let beside = delays(&mut studio, &origin, 12).await;
        let status = pusher.status().borrow().clone();
        let told = status.line.expect("a line");
        let began = Instant::now();
        produce_until(&mut studio, &pusher, "even", |status| status.queue_segments <= 3).await;
        eprintln!(
            "backfill_share {share}: a live segment is delivered after {} ms (median), {} ms (most) alone; {} ms, {} ms \
             beside backfill; {:?}, {:.1} s to catch up",
            alone[alone.len() / 2],
            alone[alone.len() - 1],
            beside[beside.len() / 2],
            beside[beside.len() - 1],
            told.catch_up,
            began.elapsed().as_secs_f64()
        );
        assert!(pusher.stop(Duration::from_secs(10)).await.is_nothing());
        origin.assert_no_violation();
    }
}
