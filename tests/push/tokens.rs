//! Tokens that expire in mid-show, are replaced, cannot be had; and that they are shown to nobody.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use uplink::model::status::DestinationState;
use uplink::model::upload::{Access, TokenSource, Upload};
use uplink::model::{EndpointStatus, EventCode, Fault, Secret};
use uplink::push::Pusher;

use crate::guarded::Guarded;
use crate::studio::{Studio, eventually, media, until};

fn even(status: &EndpointStatus) -> bool {
    status.state == DestinationState::Streaming && status.queue_segments == 0
}

fn push(studio: &Studio, origin: &Guarded, access: Access) -> Pusher {
    let mut description = studio.description(&origin.url());
    description.upload = Upload { access, ..Upload::default() };
    studio.push(description)
}

fn endpoint(origin: &Guarded) -> TokenSource {
    TokenSource::Endpoint {
        url: origin.token_url().parse().expect("a url"),
        client_id: "studio a".to_owned(),
        client_secret: Secret::new("client-secret-to-hide"),
        scope: Some("ingest".to_owned()),
        audience: None,
    }
}

async fn assert_complete(studio: &Studio, pusher: Pusher, origin: &Guarded) {
    let left = pusher.stop(Duration::from_secs(20)).await;
    assert!(left.is_nothing(), "{left}");
    for rendition in &studio.renditions {
        for number in studio.first..studio.next {
            let path = format!("demo/{rendition}/{number}.m4s");
            assert!(origin.object(&path) == Some(media(rendition, number)), "{path}");
        }
    }
}

#[tokio::test]
async fn a_token_that_expires_in_mid_show_is_replaced_and_nobody_notices() {
    let (mut studio, origin) = (Studio::new(), Guarded::start().await);
    origin.grant(200, r#"{"access_token":"first","token_type":"Bearer","expires_in":3600}"#);
    origin.want("Bearer first");
    studio.produce(4);
    let pusher = push(&studio, &origin, Access::Token { source: endpoint(&origin) });
    until(&pusher, "even", even).await;
    origin.grant(200, r#"{"access_token":"second","token_type":"Bearer","expires_in":3600}"#);
    origin.want("Bearer second");
    studio.produce(4);
    until(&pusher, "even", |status| even(status) && status.position == Some(studio.grid.start_of(studio.next))).await;
    let asked = origin.asked();
    assert_eq!(asked.len(), 2, "however many requests were refused");
    assert_eq!(asked[0].0, "grant_type=client_credentials&scope=ingest");
    // RFC 6749, section 2.3.1: "studio+a:client-secret-to-hide".
    assert_eq!(asked[0].1["authorization"], "Basic c3R1ZGlvK2E6Y2xpZW50LXNlY3JldC10by1oaWRl");
    assert!(origin.refusals() >= 1);
    assert_complete(&studio, pusher, &origin).await;
    let told = [EventCode::PushRefused, EventCode::PushInterrupted, EventCode::TokenFailed];
    assert_eq!(told.map(|code| studio.count(code)), [0, 0, 0], "{:?}", studio.events());
}

#[tokio::test]
async fn a_token_file_that_is_replaced_heals_a_refusal() {
    let (mut studio, origin) = (Studio::new(), Guarded::start().await);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("token");
    std::fs::write(&path, "old\n").expect("a token");
    origin.want("Bearer new");
    studio.produce(3);
    let pusher = push(&studio, &origin, Access::Token { source: TokenSource::File { path: path.clone() } });
    let status = until(&pusher, "refused", |status| status.state == DestinationState::Failed).await;
    assert!(status.health.reason.contains("refuses the token"), "{}", status.health.reason);
    std::fs::write(&path, "new\n").expect("a token");
    until(&pusher, "even", even).await;
    assert_complete(&studio, pusher, &origin).await;
    assert_eq!(studio.count(EventCode::PushRefused), 1, "{:?}", studio.events());
}

#[tokio::test]
async fn while_there_is_no_token_segments_wait() {
    let (mut studio, origin) = (Studio::new(), Guarded::start().await);
    origin.grant(401, r#"{"error":"invalid_client","error_description":"client-secret-to-hide is wrong"}"#);
    origin.want("Bearer good");
    studio.produce(3);
    let pusher = push(&studio, &origin, Access::Token { source: endpoint(&origin) });
    let status = until(&pusher, "refused", |status| status.state == DestinationState::Failed).await;
    assert_eq!(status.fault, Some(Fault::Configuration));
    assert!(status.health.reason.contains("refuses (HTTP 401: invalid_client)"), "{}", status.health.reason);
    origin.grant(503, "busy");
    let away = |status: &EndpointStatus| status.health.reason.contains("fault of its own (HTTP 503)");
    let status = until(&pusher, "told that the token endpoint is away", away).await;
    assert_eq!((status.fault, status.queue_segments), (Some(Fault::Destination), 9));
    studio.produce(1);
    origin.grant(200, r#"{"access_token":"good"}"#);
    until(&pusher, "even", even).await;
    assert_complete(&studio, pusher, &origin).await;
    assert_eq!(studio.count(EventCode::TokenFailed), 1, "{:?}", studio.events());
}

#[tokio::test]
async fn a_token_in_the_query_a_password_and_a_signature_are_taken() {
    let headers = BTreeMap::from([("x-studio".to_owned(), Secret::new("a"))]);
    let token = |text: &str| TokenSource::Fixed { token: Secret::new(text) };
    let cases = [
        (Access::Query { parameter: "key".to_owned(), source: token("a&b") }, Some("key=a%26b")),
        (Access::Basic { user: "u".to_owned(), password: Secret::new("p") }, Some("Basic dTpw")),
        (Access::SignedUrl { key: Secret::new("key"), valid_seconds: 60 }, None),
    ];
    for (access, wanted) in cases {
        let (mut studio, origin) = (Studio::new(), Guarded::start().await);
        wanted.into_iter().for_each(|wanted| origin.want(wanted));
        studio.produce(2);
        let mut description = studio.description(&origin.url());
        description.upload = Upload { access: access.clone(), headers: headers.clone(), ..Upload::default() };
        let pusher = studio.push(description);
        until(&pusher, "even", even).await;
        assert_complete(&studio, pusher, &origin).await;
        let seen = origin.seen();
        assert!(seen.iter().all(|(_, headers)| headers["x-studio"] == "a"), "{access:?}");
        if matches!(access, Access::SignedUrl { .. }) {
            let signed = |query: &str| query.starts_with("expires=") && query.contains("&signature=");
            assert!(seen.iter().all(|(query, _)| signed(query)), "{seen:?}");
        }
    }
}

/// Takes everything that is logged, at every level, of every crate.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no test fails here").extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// All secrets of this test have this in them.
const MARK: &str = "to-hide";

#[tokio::test]
async fn secrets_are_shown_to_nobody() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // One thread does everything here, so all of it is heard.
    let _guard = tracing::subscriber::set_default(subscriber);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("token");
    std::fs::write(&path, "file-token-to-hide").expect("a token");
    let origin = Guarded::start().await;
    origin.grant(200, r#"{"access_token":"granted-token-to-hide","expires_in":3600}"#);
    let secret = |text: &str| Secret::new(text);
    let command = ["sh", "-c", "echo printed-token-$(echo to)-hide"].map(str::to_owned).to_vec();
    let mut shown = String::new();
    for access in [
        Access::Token { source: endpoint(&origin) },
        Access::Query { parameter: "t".to_owned(), source: TokenSource::File { path } },
        Access::Token { source: TokenSource::Command { command } },
        Access::Basic { user: "u".to_owned(), password: secret("password-to-hide") },
        Access::SignedUrl { key: secret("signing-key-to-hide"), valid_seconds: 60 },
    ] {
        let mut studio = Studio::new();
        studio.produce(2);
        let mut description = studio.description(&origin.url());
        let headers = BTreeMap::from([("x-key".to_owned(), secret("header-to-hide"))]);
        description.upload = Upload { access, headers, ..Upload::default() };
        shown += &format!("{description:?} {description:#?}");
        let pusher = studio.push(description);
        until(&pusher, "even", even).await;
        // Refused from here on: what is said of a refusal is looked at, too.
        origin.want("nothing");
        studio.produce(1);
        until(&pusher, "refused", |status| status.state == DestinationState::Failed).await;
        let status = pusher.status().borrow().clone();
        shown += &format!("{status:?} {}", serde_json::to_string(&status).expect("json"));
        drop(pusher);
        origin.want_all();
        shown += &serde_json::to_string(&studio.events()).expect("json");
        let records = std::fs::read_dir(studio.spool.directory()).expect("the spool").flatten();
        for record in records.filter(|entry| entry.path().extension().is_some_and(|kind| kind == "json")) {
            shown += &std::fs::read_to_string(record.path()).expect("a record");
        }
    }
    let of_process =
        |name: &str| String::from_utf8_lossy(&std::fs::read(format!("/proc/self/{name}")).expect(name)).into_owned();
    shown += &(of_process("cmdline") + &of_process("environ"));
    let logged = String::from_utf8_lossy(&log.0.lock().expect("no test fails here")).into_owned();
    eventually("logged", || !logged.is_empty()).await;
    let leaks = |text: &str| text.lines().filter(|line| line.contains(MARK)).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(leaks(&shown), Vec::<String>::new());
    assert_eq!(leaks(&logged), Vec::<String>::new());
}
