//! Notices on their way to a real HTTP server and a real SMTP conversation, both of which fail, hang and come back.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::outbox::MOST;
use super::{Notifier, NotifyRefusal, Pace, webhook};
use crate::model::notify::{MAIL, Mail, MailTls, Notified, NotifyStatus, Wanted, Webhook};
use crate::model::{Alarm, AlarmCode, AlarmNews, AlarmNotice, AlarmPriority, Event, EventCode, MediaTime, Secret};
use crate::policy::Backoff;
use crate::store::Store;

/// No state takes longer to come, on however loaded a machine.
const SOON: Duration = Duration::from_secs(45);
const SECRET: &str = "0123456789abcdef";

fn pace() -> Pace {
    let backoff = Backoff { first: Duration::from_millis(5), cap: Duration::from_millis(20), factor: 2.0, jitter: 0.0 };
    let keep = Duration::from_secs(3600);
    Pace { backoff, answer: Duration::from_secs(3), keep, gather: Duration::from_millis(50) }
}

fn wanted(news: &[AlarmNews]) -> Wanted {
    Wanted { priorities: AlarmPriority::ALL.to_vec(), news: news.to_vec() }
}

fn hook(url: &str) -> Notified {
    let webhook = Webhook {
        name: "ops".into(),
        url: url.parse().unwrap(),
        secret: Some(Secret::new(SECRET)),
        wanted: wanted(&[AlarmNews::Raised, AlarmNews::Cleared]),
    };
    Notified { webhooks: vec![webhook], mail: None }
}

fn now() -> MediaTime {
    MediaTime::from_system(std::time::SystemTime::now())
}

fn notice(news: AlarmNews, n: usize) -> AlarmNotice {
    let alarm = Alarm {
        id: format!("source_lost.demo.cam-{n}"),
        code: AlarmCode::SourceLost,
        priority: AlarmPriority::Warning,
        channel: "demo".parse().ok(),
        subject: Some(format!("cam-{n}")),
        active: news == AlarmNews::Raised,
        since: now(),
        raised: now(),
        cleared: None,
        acked: None,
        shelved: None,
        count: 1,
        reason: "source cam: no picture\r\nBcc: evil@example".into(),
        action: "check the cable".into(),
    };
    AlarmNotice { at: now(), news, appliance: "Studio A".into(), alarm }
}

type Told = Arc<Mutex<Vec<EventCode>>>;

struct Bench {
    notifier: Notifier,
    store: Store,
    told: Told,
}

fn bench(directory: &Path) -> Bench {
    let (store, _) = Store::open(&directory.join("uplink.db"), |_| {});
    let told: Told = Arc::default();
    let tell = told.clone();
    let speak = Box::new(move |event: Event| tell.lock().unwrap().push(event.code));
    Bench { notifier: Notifier::new(store.clone(), speak, pace()), store, told }
}

impl Bench {
    fn status(&self) -> NotifyStatus {
        self.notifier.status().remove(0)
    }

    async fn until(&self, what: &str, test: impl Fn(&Bench) -> bool) {
        let waited = tokio::time::timeout(SOON, async {
            while !test(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(waited.await.is_ok(), "never: {what}; {:?}", self.notifier.status());
    }
}

/// What a receiver does with a request: answers, or never.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Takes,
    Says(u16),
    Hangs,
}

#[derive(Clone)]
struct Receiver {
    mood: Arc<Mutex<Mood>>,
    got: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    tries: Arc<Mutex<u64>>,
}

impl Receiver {
    async fn open(mood: Mood) -> (Self, String) {
        let receiver = Self { mood: Arc::new(Mutex::new(mood)), got: Arc::default(), tries: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook/with-a-secret?key=canary", listener.local_addr().unwrap());
        let app = axum::Router::new().route("/hook/{*rest}", post(Self::take)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (receiver, url)
    }

    async fn take(State(receiver): State<Self>, headers: HeaderMap, body: Bytes) -> StatusCode {
        *receiver.tries.lock().unwrap() += 1;
        let mood = *receiver.mood.lock().unwrap();
        match mood {
            Mood::Says(status) => return StatusCode::from_u16(status).unwrap(),
            Mood::Hangs => std::future::pending().await,
            Mood::Takes => {}
        }
        receiver.got.lock().unwrap().push((headers, String::from_utf8(body.to_vec()).unwrap()));
        StatusCode::NO_CONTENT
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn tries(&self) -> u64 {
        *self.tries.lock().unwrap()
    }

    /// What arrived: what happened to which alarm.
    fn arrived(&self) -> Vec<String> {
        let of = |body: &str| {
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            format!("{} {}", body["type"].as_str().unwrap(), body["alarm"]["id"].as_str().unwrap())
        };
        let mut arrived: Vec<String> = self.got.lock().unwrap().iter().map(|(_, body)| of(body)).collect();
        // On a machine that stands still an acknowledgement is lost, and the same comes again.
        arrived.dedup();
        arrived
    }
}

#[tokio::test]
async fn a_receiver_that_fails_hangs_and_comes_back_gets_everything_in_order_and_signed() {
    let directory = tempfile::tempdir().unwrap();
    let bench = bench(directory.path());
    let (receiver, url) = Receiver::open(Mood::Says(503)).await;
    bench.notifier.learn(hook(&url), "Studio A");
    for (news, n) in [(AlarmNews::Raised, 1), (AlarmNews::Raised, 2), (AlarmNews::Acked, 2), (AlarmNews::Cleared, 1)] {
        bench.notifier.pass(&notice(news, n));
    }
    bench.until("it fails", |bench| bench.status().failures >= 4).await;
    assert_eq!(*bench.told.lock().unwrap(), [EventCode::NotifyFailed], "once");
    assert_eq!((bench.status().waiting, bench.status().delivered), (3, 0), "acknowledgements are not wanted");
    let known = bench.status();
    assert!(
        !format!("{known:?}").contains("canary") && known.last_error.as_ref().unwrap().contains("503"),
        "{known:?}"
    );
    receiver.set(Mood::Hangs);
    bench.until("it hangs", |bench| bench.status().last_error.as_deref() == Some("no answer in time")).await;
    receiver.set(Mood::Takes);
    bench.until("all arrive", |bench| bench.status().waiting == 0).await;
    let expected = [
        "alarm_raised source_lost.demo.cam-1",
        "alarm_raised source_lost.demo.cam-2",
        "alarm_cleared source_lost.demo.cam-1",
    ];
    assert_eq!(receiver.arrived(), expected);
    assert_eq!(*bench.told.lock().unwrap(), [EventCode::NotifyFailed, EventCode::NotifyRecovered]);
    for (headers, body) in receiver.got.lock().unwrap().iter() {
        let signature = headers[webhook::SIGNATURE].to_str().unwrap();
        let seconds = signature.strip_prefix("t=").unwrap().split(',').next().unwrap().parse().unwrap();
        assert_eq!(signature, webhook::sign(SECRET, seconds, body));
        let parsed: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            (&headers["uplink-delivery"], &headers["content-type"]),
            (&parsed["id"].as_str().unwrap().parse().unwrap(), &"application/json".parse().unwrap())
        );
        assert_eq!(parsed["appliance"], "Studio A");
        assert!(now().since(MediaTime::from_secs(seconds)) < SOON);
    }
}

#[tokio::test]
async fn what_waits_outlives_the_daemon() {
    let directory = tempfile::tempdir().unwrap();
    let (receiver, url) = Receiver::open(Mood::Says(500)).await;
    let first = bench(directory.path());
    first.notifier.learn(hook(&url), "Studio A");
    first.notifier.pass(&notice(AlarmNews::Raised, 1));
    first.notifier.pass(&notice(AlarmNews::Raised, 2));
    first.until("it fails", |bench| bench.status().failures >= 1).await;
    first.until("it is written", |bench| bench.notifier.is_kept()).await;
    first.store.flush().await;
    // The lane of the one that is gone ends.
    first.notifier.learn(Notified::default(), "Studio A");
    drop(first);
    let second = bench(directory.path());
    second.notifier.learn(hook(&url), "Studio A");
    receiver.set(Mood::Takes);
    second.notifier.pass(&notice(AlarmNews::Raised, 3));
    second.until("three arrive", |bench| bench.status().delivered == 3).await;
    assert_eq!(receiver.arrived().len(), 3);
    assert!(receiver.arrived()[0].ends_with("cam-1") && receiver.arrived()[1].ends_with("cam-2"));
}

#[tokio::test]
async fn one_that_is_gone_is_left_alone_until_a_test_arrives() {
    let directory = tempfile::tempdir().unwrap();
    let bench = bench(directory.path());
    let (receiver, url) = Receiver::open(Mood::Says(410)).await;
    bench.notifier.learn(hook(&url), "Studio A");
    bench.notifier.pass(&notice(AlarmNews::Raised, 1));
    bench.until("disabled", |bench| bench.status().disabled).await;
    assert_eq!((bench.status().dropped, bench.told.lock().unwrap().clone()), (1, vec![EventCode::NotifyFailed]));
    let tries = receiver.tries();
    bench.notifier.pass(&notice(AlarmNews::Raised, 2));
    assert!(matches!(bench.notifier.test("ops").await, Err(NotifyRefusal::Failed(why)) if why.contains("410")));
    assert_eq!((receiver.tries(), bench.status().waiting), (tries + 1, 0), "the test only");
    receiver.set(Mood::Takes);
    assert!(!bench.notifier.test("ops").await.unwrap().disabled);
    bench.notifier.pass(&notice(AlarmNews::Raised, 3));
    bench.until("it arrives", |bench| bench.status().delivered == 1).await;
    assert_eq!(receiver.arrived(), ["alarm_test test", "alarm_raised source_lost.demo.cam-3"]);
    assert_eq!(bench.notifier.test("nobody").await, Err(NotifyRefusal::Unknown("nobody".into())));
}

#[tokio::test]
async fn what_is_refused_is_given_up_and_does_not_hold_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let bench = bench(directory.path());
    let (receiver, url) = Receiver::open(Mood::Says(422)).await;
    bench.notifier.learn(hook(&url), "Studio A");
    bench.notifier.pass(&notice(AlarmNews::Raised, 1));
    bench.until("given up", |bench| bench.status().dropped == 1).await;
    receiver.set(Mood::Takes);
    bench.notifier.pass(&notice(AlarmNews::Raised, 2));
    bench.until("the next arrives", |bench| bench.status().delivered == 1).await;
    assert_eq!(*bench.told.lock().unwrap(), [EventCode::NotifyFailed, EventCode::NotifyRecovered]);
}

#[tokio::test]
async fn the_queue_has_an_end_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let bench = bench(directory.path());
    let (_receiver, url) = Receiver::open(Mood::Hangs).await;
    bench.notifier.learn(hook(&url), "Studio A");
    (0..MOST + 5).for_each(|n| bench.notifier.pass(&notice(AlarmNews::Raised, n)));
    assert_eq!((bench.status().waiting, bench.status().dropped), (MOST as u64, 5));
    assert_eq!(*bench.told.lock().unwrap(), [EventCode::NotifyFailed]);
}

/// Mails that a server has taken.
type Mails = Arc<Mutex<Vec<String>>>;

/// An SMTP server (RFC 5321) that refuses the first `refuses` mails for now.
async fn mail_server(mut refuses: u32) -> (u16, Mails) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, mails) = (listener.local_addr().unwrap().port(), Mails::default());
    let taken = mails.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let refuse = refuses > 0;
            refuses = refuses.saturating_sub(1);
            let _ = converse(stream, refuse, &taken).await;
        }
    });
    (port, mails)
}

async fn converse(mut stream: tokio::net::TcpStream, refuse: bool, mails: &Mails) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 mail.example ESMTP\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let verb = line.to_uppercase();
        let answer: &[u8] = match verb.get(..4).unwrap_or_default() {
            "EHLO" => b"250-mail.example\r\n250 8BITMIME\r\n",
            "MAIL" if refuse => b"451 4.3.0 try again\r\n",
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let mut mail = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    mail.push_str(&line);
                    mail.push('\n');
                }
                mails.lock().unwrap().push(mail);
                b"250 2.0.0 taken\r\n"
            }
            "QUIT" => return write.write_all(b"221 bye\r\n").await,
            _ => b"250 2.1.0 fine\r\n",
        };
        write.write_all(answer).await?;
    }
    Ok(())
}

fn people(port: u16) -> Notified {
    let mail = Mail {
        server: "127.0.0.1".into(),
        port,
        tls: MailTls::Off,
        from: "uplink@studio.example".into(),
        to: vec!["ops@studio.example".into(), "ada@studio.example".into()],
        login: None,
        wanted: wanted(&[AlarmNews::Raised]),
        per_hour: 2,
    };
    Notified { webhooks: Vec::new(), mail: Some(mail) }
}

#[tokio::test]
async fn what_comes_together_is_one_mail_and_a_refused_one_is_sent_again() {
    let directory = tempfile::tempdir().unwrap();
    let bench = bench(directory.path());
    let (port, mails) = mail_server(2).await;
    bench.notifier.learn(people(port), "Studio A");
    (1..=3).for_each(|n| bench.notifier.pass(&notice(AlarmNews::Raised, n)));
    bench.notifier.pass(&notice(AlarmNews::Cleared, 1));
    bench.until("it arrives", |bench| bench.status().delivered == 3).await;
    let mail = mails.lock().unwrap().join("").replace("\n ", " ");
    assert_eq!(mails.lock().unwrap().len(), 1, "{mail}");
    for part in [
        "From: uplink@studio.example",
        "ada@studio.example",
        "Subject: [Studio A] warning raised (and 2 more): source cam:",
        "source_lost.demo.cam-1",
        "source_lost.demo.cam-3",
        "check the cable",
    ] {
        assert!(mail.contains(part), "no `{part}` in\n{mail}");
    }
    assert!(!mail.lines().any(|line| line.starts_with("Bcc")), "a reason is no header: {mail}");
}

#[tokio::test]
async fn no_more_mails_than_people_can_read() {
    let directory = tempfile::tempdir().unwrap();
    let bench = bench(directory.path());
    let (port, mails) = mail_server(0).await;
    bench.notifier.learn(people(port), "Studio A");
    for n in 1..=2 {
        bench.notifier.pass(&notice(AlarmNews::Raised, n));
        bench.until("it arrives", |bench| bench.status().delivered == n as u64).await;
    }
    bench.notifier.pass(&notice(AlarmNews::Raised, 3));
    bench.notifier.test(MAIL).await.unwrap();
    assert_eq!((mails.lock().unwrap().len(), bench.status().waiting), (3, 1), "the test, and what waits for its hour");
}
