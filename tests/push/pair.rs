//! Two boxes of a pair push one channel to one real origin: who delivers, and how the other goes on after it.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uplink::hls;
use uplink::model::EventCode;
use uplink::model::pair::{PairMode, PairRole, Pairing};
use uplink::origin::{Origin, OriginSettings};
use uplink::push::{PairClock, PushDescription, Pusher};
use uplink::spool::Init;

use crate::studio::{BOUND, Studio, TOKEN, eventually, media, until};

/// `uplink-origin` within this process.
struct Ingest {
    directory: TempDir,
    url: String,
    stop: CancellationToken,
}

impl Ingest {
    async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("token"), TOKEN).expect("a token");
        let file = directory.path().join("origin.toml");
        std::fs::write(&file, "[tokens]\n\"*\" = { file = \"token\" }\n").expect("a configuration");
        let settings = OriginSettings::load(&file).expect("it is good");
        let origin = Origin::open(&settings, directory.path()).expect("it opens");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/live/", listener.local_addr().expect("an address"));
        let stop = CancellationToken::new();
        tokio::spawn(origin.run(listener, stop.clone()));
        Self { directory, url, stop }
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("live")
    }

    fn text(&self, rendition: &str) -> Option<String> {
        std::fs::read_to_string(self.root().join("demo").join(rendition).join(hls::MEDIA_PLAYLIST)).ok()
    }

    fn told(&self, rendition: &str) -> hls::ToldPlaylist {
        hls::ToldPlaylist::read(&self.text(rendition).expect("a playlist")).expect("it can be read")
    }

    /// Waits until all renditions are told up to `last`, without a gap.
    async fn told_up_to(&self, studio: &Studio, last: u64) {
        eventually(&format!("told up to {last}"), || {
            studio.renditions.iter().all(|rendition| {
                let told = self.text(rendition.as_str()).as_deref().and_then(hls::ToldPlaylist::read);
                told.is_some_and(|told| told.last() == last && !told.entries.iter().any(|entry| entry.gap))
            })
        })
        .await;
    }

    fn discontinuities(&self, rendition: &str) -> Vec<u64> {
        let told = self.told(rendition);
        told.entries.iter().filter(|entry| entry.discontinuity).map(|entry| entry.number).collect()
    }
}

impl Drop for Ingest {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn paired(studio: &Studio, ingest: &Ingest, member: &str, mode: PairMode) -> Pusher {
    let pair = Some(Pairing { mode, member: member.to_owned(), lease_ms: 800, any_clock: false });
    studio.push(PushDescription { pair, ..studio.description(&ingest.url) })
}

/// Waits until the box is in its role. The studios go on meanwhile: one that stands still is no good holder.
async fn role(pusher: &Pusher, wanted: PairRole, studios: &mut [&mut Studio]) {
    let here = || pusher.status().borrow().pair.as_ref().is_some_and(|pair| pair.role == wanted);
    rolling(&format!("{wanted:?}"), studios, here).await;
}

async fn rolling(what: &str, studios: &mut [&mut Studio], mut wanted: impl FnMut() -> bool) {
    let end = tokio::time::Instant::now() + BOUND;
    let mut roll = tokio::time::Instant::now() + Duration::from_secs(1);
    while !wanted() {
        let now = tokio::time::Instant::now();
        assert!(now < end, "never {what}");
        if now >= roll {
            roll = now + Duration::from_secs(1);
            studios.iter_mut().for_each(|studio| studio.produce(1));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Two boxes, the first of which delivers.
async fn pair(mode: PairMode) -> (Ingest, [Studio; 2], [Pusher; 2]) {
    let ingest = Ingest::start().await;
    let (mut a, mut b) = (Studio::new(), Studio::new());
    (b.first, b.next) = (a.first, a.next);
    a.produce(4);
    b.produce(4);
    let of_a = paired(&a, &ingest, "a", mode);
    role(&of_a, PairRole::Holder, &mut [&mut a, &mut b]).await;
    let of_b = paired(&b, &ingest, "b", mode);
    let beside = if mode == PairMode::ActiveActive { PairRole::Active } else { PairRole::Standby };
    role(&of_b, beside, &mut [&mut a, &mut b]).await;
    ingest.told_up_to(&a, a.next - 1).await;
    (ingest, [a, b], [of_a, of_b])
}

#[tokio::test]
async fn a_box_that_dies_is_followed_without_a_gap_or_a_word() {
    let (ingest, [mut a, mut b], [of_a, of_b]) = pair(PairMode::ActiveStandby).await;
    a.produce(3);
    b.produce(5);
    ingest.told_up_to(&a, a.next - 1).await;
    let first = ingest.told("a").first();
    // As if by kill -9: nothing is given back.
    drop(of_a);
    role(&of_b, PairRole::Holder, &mut [&mut b]).await;
    ingest.told_up_to(&b, b.next - 1).await;
    b.produce(1);
    ingest.told_up_to(&b, b.next - 1).await;
    for rendition in &b.renditions {
        assert_eq!(ingest.discontinuities(rendition.as_str()), [0; 0], "{rendition}: both encode alike");
        assert!(ingest.told(rendition.as_str()).first() >= first);
    }
    b.assert_delivered(&ingest.root(), b.first..b.next);
    b.assert_playlists(&ingest.root());
    assert_eq!((a.count(EventCode::LeaseTaken), b.count(EventCode::LeaseTaken)), (1, 1));
    let status = of_b.status().borrow().pair.clone().expect("a pair");
    assert_eq!((status.takeovers, status.holder.as_deref()), (1, Some("b")));

    // It comes back, with holes, and only stands by.
    let of_a = paired(&a, &ingest, "a", PairMode::ActiveStandby);
    role(&of_a, PairRole::Standby, &mut [&mut a, &mut b]).await;
    a.produce(2);
    b.produce(1);
    ingest.told_up_to(&b, b.next - 1).await;
    let status = of_a.status().borrow().pair.clone().expect("a pair");
    assert_eq!((status.holder.as_deref(), status.fenced), (Some("b"), 0));
    assert_eq!(b.count(EventCode::LeaseLost), 0);
}

#[tokio::test]
async fn other_encoders_are_told_by_one_discontinuity_in_all_renditions() {
    let ingest = Ingest::start().await;
    let (mut a, mut b) = (Studio::new(), Studio::new());
    (b.first, b.next) = (a.first, a.next);
    let data = Bytes::from_static(b"\0\0\0\x18ftypcmfc\0\0\0\0another encoder");
    b.spool
        .put_init(Init { rendition: b.renditions[1].clone(), codec: "avc1.64001f".to_owned(), data })
        .expect("an init");
    a.produce(4);
    b.produce(7);
    let of_a = paired(&a, &ingest, "a", PairMode::ActiveActive);
    ingest.told_up_to(&a, a.next - 1).await;
    let of_b = paired(&b, &ingest, "b", PairMode::ActiveActive);
    // They cannot share. The word of it may come before the answer about the lease.
    until(&of_b, "told", |status| {
        status.pair.as_ref().is_some_and(|pair| pair.trouble.is_some() && pair.role == PairRole::Standby)
    })
    .await;
    drop(of_a);
    role(&of_b, PairRole::Holder, &mut [&mut b]).await;
    ingest.told_up_to(&b, b.next - 1).await;
    for rendition in &b.renditions {
        assert_eq!(ingest.discontinuities(rendition.as_str()), [a.next], "{rendition}");
    }
    let told = ingest.told(b.renditions[1].as_str());
    assert_ne!(told.entries[0].init, told.init(), "each with the initialisation it was made with");
}

#[tokio::test]
async fn a_planned_hand_over_is_seamless_and_the_stop_of_a_box_is_one() {
    let (ingest, [mut a, mut b], [of_a, of_b]) = pair(PairMode::ActiveStandby).await;
    assert!(of_b.hand_over().await.is_err(), "it has nothing to hand over");
    a.produce(1);
    b.produce(1);
    ingest.told_up_to(&a, a.next - 1).await;
    assert_eq!(of_a.hand_over().await.as_deref(), Ok("b delivers now"));
    role(&of_b, PairRole::Holder, &mut [&mut a, &mut b]).await;
    role(&of_a, PairRole::Standby, &mut [&mut a, &mut b]).await;
    a.produce(2);
    b.produce(2);
    ingest.told_up_to(&b, b.next - 1).await;
    assert!(of_b.stop(Duration::from_secs(5)).await.is_nothing());
    a.produce(1);
    role(&of_a, PairRole::Holder, &mut [&mut a]).await;
    ingest.told_up_to(&a, a.next - 1).await;
    assert_eq!(ingest.discontinuities("v720"), [0; 0]);
    a.assert_delivered(&ingest.root(), a.first..a.next);
    assert_eq!(a.count(EventCode::PushInterrupted) + b.count(EventCode::PushInterrupted), 0);
}

#[tokio::test]
async fn two_that_share_deliver_media_both_and_one_tells() {
    let (ingest, [mut a, mut b], [of_a, of_b]) = pair(PairMode::ActiveActive).await;
    // The one that tells is late with a segment: the other has delivered it.
    b.produce(1);
    let early = ingest.root().join("demo/v720").join(hls::segment_name(b.next - 1));
    eventually("the first of two", || early.exists()).await;
    assert!(std::fs::read(&early).expect("it is there") == media(&b.renditions[0], b.next - 1));
    assert_eq!(ingest.told("v720").last(), a.next - 1, "but nobody was told");
    a.produce(2);
    b.produce(1);
    ingest.told_up_to(&a, a.next - 1).await;
    drop(of_a);
    b.produce(1);
    ingest.told_up_to(&b, b.next - 1).await;
    b.assert_delivered(&ingest.root(), b.first..b.next);
    assert_eq!(ingest.discontinuities("v720"), [0; 0]);
    let fenced = of_b.status().borrow().pair.as_ref().map(|pair| pair.fenced);
    assert_eq!(fenced, Some(0));
}

#[tokio::test]
async fn an_origin_that_was_away_gets_what_was_made_meanwhile_from_one_of_them() {
    let (ingest, [mut a, mut b], [of_a, of_b]) = pair(PairMode::ActiveStandby).await;
    let address = ingest.url.trim_start_matches("http://").trim_end_matches("/live/").to_owned();
    ingest.stop.cancel();
    role(&of_a, PairRole::Standby, &mut [&mut a, &mut b]).await;
    // Longer than a playlist's window.
    a.produce(20);
    b.produce(20);
    let settings = OriginSettings::load(&ingest.directory.path().join("origin.toml")).expect("it is good");
    let mut origin = None;
    rolling("the first has ended", &mut [&mut a, &mut b], || {
        origin = Origin::open(&settings, ingest.directory.path()).ok();
        origin.is_some()
    })
    .await;
    let listener = TcpListener::bind(&address).await.expect("the same port");
    let stop = CancellationToken::new();
    tokio::spawn(origin.take().expect("it opened").run(listener, stop.clone()));
    ingest.told_up_to(&a, a.next - 1).await;
    eventually("all of it", || {
        let there = |number: u64| ingest.root().join("demo/v720").join(hls::segment_name(number)).exists();
        (a.first..a.next).all(there)
    })
    .await;
    let holders = [&of_a, &of_b].map(|pusher| pusher.status().borrow().pair.as_ref().map(|pair| pair.role));
    assert_eq!(holders.iter().filter(|role| **role == Some(PairRole::Holder)).count(), 1, "{holders:?}");
    stop.cancel();
}

#[tokio::test]
async fn a_box_whose_clock_nobody_keeps_right_waits_and_says_so() {
    let ingest = Ingest::start().await;
    let mut a = Studio::new();
    a.produce(4);
    let clock = PairClock::default();
    clock.tell(false);
    let pair = Some(Pairing { mode: PairMode::ActiveStandby, member: "a".to_owned(), lease_ms: 800, any_clock: false });
    let of_a = a.push(PushDescription { pair, clock: clock.clone(), ..a.description(&ingest.url) });
    let trouble = || of_a.status().borrow().pair.as_ref().and_then(|pair| pair.trouble.clone());
    rolling("it says why", &mut [&mut a], || trouble().is_some_and(|why| why.contains("clock"))).await;
    assert_eq!(ingest.text("a"), None, "nothing is told");
    clock.tell(true);
    role(&of_a, PairRole::Holder, &mut [&mut a]).await;
    // Once it delivers it goes on.
    clock.tell(false);
    a.produce(1);
    ingest.told_up_to(&a, a.next - 1).await;
    eventually("no trouble any more", || trouble().is_none()).await;
}
