//! The channel as WHEP: aiortc offers, watches and goes; what cannot be watched.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uplink::model::{VideoCodec, WatchAnswer, WatchAsk, WatchRefusal};

use crate::engine::{Engine, plan};
use crate::server::{SOON, has_address, python};

/// One who watches.
struct Watcher {
    child: Child,
    says: Lines<BufReader<ChildStdout>>,
    hears: ChildStdin,
}

impl Watcher {
    /// With its offer; none where that cannot be.
    fn start() -> Option<(Self, String)> {
        let python = python().filter(|_| has_address())?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/whip/watcher.py");
        let mut command = Command::new(python);
        let mut child = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (hears, says) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()).lines());
        let mut watcher = Self { child, says, hears };
        let offer = watcher.line().as_str().unwrap().to_owned();
        Some((watcher, offer))
    }

    fn line(&mut self) -> Value {
        serde_json::from_str(&self.says.next().expect("the watcher ended").unwrap()).unwrap()
    }

    fn answer(&mut self, sdp: &str) {
        writeln!(self.hears, "{}", json!(sdp)).unwrap();
    }

    /// What it has decoded, once that is as wanted.
    fn sees(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + SOON;
        loop {
            let report = self.line();
            if wanted(&report) {
                return report;
            }
            assert!(Instant::now() < until, "never so: {report}");
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_receiver_than_a_browser_decodes_pictures_and_sound_and_a_dead_one_is_found_out() {
    let Some((mut watcher, sdp)) = Watcher::start() else { return };
    let engine = Engine::start();
    let watchers = std::sync::Arc::new(engine.watchers());
    let asked = std::sync::Arc::clone(&watchers);
    let ask = move |ask: WatchAsk| {
        let watchers = std::sync::Arc::clone(&asked);
        async move { tokio::task::spawn_blocking(move || watchers.ask(ask, &plan())).await.unwrap() }
    };
    let WatchAnswer::Admitted { session, sdp } = ask(WatchAsk::Offer { sdp }).await else { panic!("not admitted") };
    watcher.answer(&sdp);
    let (watcher, report) = tokio::task::spawn_blocking(move || {
        let seen = |report: &Value, what: &str| report[what].as_u64() > Some(50);
        let report = watcher.sees(|report| seen(report, "video") && seen(report, "audible"));
        (watcher, report)
    })
    .await
    .unwrap();
    assert_eq!(report["sizes"], json!([[160, 90]]), "the lowest rendition");
    assert_eq!(ask(WatchAsk::Keep { session: session.clone() }).await, WatchAnswer::Kept);

    // Without a word: nothing arrives there any more, and the place is free, although it is still kept.
    drop(watcher);
    let until = Instant::now() + SOON;
    while ask(WatchAsk::Keep { session: session.clone() }).await == WatchAnswer::Kept {
        assert!(Instant::now() < until, "who is gone holds its place");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let left = ask(WatchAsk::Leave { session }).await;
    assert!(matches!(left, WatchAnswer::Refused { why: WatchRefusal::NoSuchSession, .. }), "{left:?}");
}

#[tokio::test]
async fn a_channel_without_h264_has_no_live_picture_and_says_what_to_do() {
    let engine = Engine::start();
    let mut plan = plan();
    plan.video.iter_mut().flat_map(|rendition| &mut rendition.encoders).for_each(|one| one.codec = VideoCodec::Hevc);
    for video in [plan.video.clone(), Vec::new()] {
        plan.video = video;
        let refused = engine.watchers().ask(WatchAsk::Offer { sdp: "v=0\r\n".into() }, &plan);
        let WatchAnswer::Refused { why: WatchRefusal::NoRendition, text } = refused else { panic!("{refused:?}") };
        assert!(text.contains("confidence picture"), "{text}");
    }
}
