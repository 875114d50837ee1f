//! What becomes of a session: it comes about, is refused, is cut, comes back, ends.

use nix::sys::signal::Signal;
use serde_json::json;
use uplink::media::whip::WhipSetup;
use uplink::model::status::DestinationState;
use uplink::model::upload::{TokenSource, Trust};
use uplink::model::{BitRate, Secret};
use uplink::policy::Bottleneck;

use crate::engine::{BRIEF, Engine, TOKEN, streaming, until};
use crate::server::{SOON, Server};

fn server(settings: serde_json::Value) -> Option<Server> {
    let mut all = json!({ "token": TOKEN });
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    Server::start(all)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_peer_decodes_pictures_and_sound() {
    let Some(server) = server(json!({})) else { return };
    let engine = Engine::start();
    let sender = engine.send(Engine::setup(server.url()));
    streaming(&sender).await;
    let report = server.wait("video", 100);
    assert_eq!(report["sizes"], json!([[320, 180]]));
    assert!(report["audible"].as_u64() > Some(10), "{report}");
    assert_eq!(report["posts"], 1);
    let frames: Vec<u64> = serde_json::from_value(report["frames"].clone()).unwrap();
    let steps: Vec<u64> = frames.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(frames.len() >= 95 && steps.iter().all(|step| *step == 1), "every frame once, in order: {frames:?}");
    let status = until(&sender, "acknowledged", |status| status.bytes_acknowledged > 0).await;
    assert!(status.bytes_acknowledged <= status.bytes_sent && status.acknowledged.is_some());
    assert_eq!((status.reconnects, status.trouble), (0, None));
    let latencies: Vec<i64> = serde_json::from_value(report["latency_ms"].clone()).unwrap();
    eprintln!("latency {latencies:?}");
    assert!(sender.stop(BRIEF).await, "the server answers");
    let report = server.report();
    assert_eq!((&report["deletes"], &report["sessions"]), (&json!(1), &json!(0)), "nothing is left there");
    assert_eq!(engine.codes(), ["push_connected"]);
}

/// aiortc takes no layers. The second time it refuses an offer that has some.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_without_simulcast_gets_the_largest_layer() {
    let Some(server) = server(json!({})) else { return };
    let engine = Engine::start();
    for (refused, why) in [(&[][..], "it does not do simulcast"), (&[422][..], "(HTTP 422)")] {
        server.refuse(refused);
        let video = server.count("video");
        engine.events.lock().unwrap().clear();
        let sender = engine.send(Engine::layers(server.url()));
        streaming(&sender).await;
        let report = server.wait("video", video + 50);
        assert_eq!(report["sizes"], json!([[320, 180]]));
        assert_eq!(engine.codes(), ["push_layers_refused", "push_connected"]);
        let told = engine.events.lock().unwrap()[0].text.clone();
        assert!(told.contains("is sent 1 of 2 layers (v180): ") && told.contains(why), "{told}");
        let status = until(&sender, "acknowledged", |status| status.bytes_acknowledged > 10_000).await;
        let layers: Vec<_> = status.layers.iter().map(|layer| (layer.rendition.as_str(), layer.sent)).collect();
        assert_eq!(layers, [("v180", true), ("v90", false)]);
        assert_eq!((status.layers[1].bytes_sent, status.reconnects), (0, 0));
        assert!(status.layers[0].bytes_acknowledged > 0, "{status:?}");
        assert!(sender.stop(BRIEF).await);
    }
    assert_eq!(server.count("posts"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_is_told_and_not_tried_again_and_again() {
    let Some(server) = server(json!({})) else { return };
    let engine = Engine::start();
    let mut setup = Engine::setup(server.url());
    let wrong = TokenSource::Fixed { token: Secret::new("not-this-one") };
    setup.access = Engine::access(&wrong, &Trust::default());
    let sender = engine.send(setup);
    let status = until(&sender, "failed", |status| status.state == DestinationState::Failed).await;
    assert!(status.trouble.as_ref().unwrap().contains("refuses the token (HTTP 401)"), "{status:?}");
    assert!(!format!("{status:?} {:?}", engine.events.lock().unwrap()).contains("not-this-one"));
    assert_eq!(server.count("posts"), 1);
    assert_eq!(engine.codes(), ["push_refused"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_replaced_is_read_again_and_a_pinned_authority_is_trusted() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let key = rcgen::KeyPair::generate().unwrap();
    let made = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(path("cert.pem"), made.pem()).unwrap();
    std::fs::write(path("key.pem"), key.serialize_pem()).unwrap();
    let Some(server) = server(json!({ "cert": path("cert.pem"), "key": path("key.pem") })) else { return };
    std::fs::write(path("token"), "one").unwrap();
    let trust = Trust { ca_file: Some(path("cert.pem")), identity: None };
    let access = Engine::access(&TokenSource::File { path: path("token") }, &trust).unwrap();
    let before = access.tokens.as_ref().unwrap().current().await.unwrap();
    assert_eq!(before.reveal(), "one");
    server.admit("another");
    std::fs::write(path("token"), "another").unwrap();
    let engine = Engine::start();
    let setup = || WhipSetup { access: Ok(access.clone()), ..Engine::setup(server.secure_url()) };
    let sender = engine.send(setup());
    streaming(&sender).await;
    assert_eq!((engine.codes(), sender.status().last_error), (vec!["push_connected"], None), "nobody noticed");
    assert!(sender.stop(BRIEF).await);
    assert_eq!(server.count("deletes"), 1);
    // An authority that is not pinned is not trusted, and that is told.
    let stranger = WhipSetup { access: Engine::setup(server.url()).access, ..setup() };
    let sender = engine.send(stranger);
    let status = until(&sender, "failed", |status| status.state == DestinationState::Failed).await;
    assert!(status.trouble.as_ref().unwrap().contains("TLS with the WHIP endpoint failed"), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_of_its_own_follow_what_the_network_carries() {
    let Some(server) = server(json!({})) else { return };
    let engine = Engine::start();
    let sender = engine.send(Engine::own(server.url(), BitRate(240_000)));
    streaming(&sender).await;
    server.wait("video", 25);
    assert!(sender.status().bitrate >= Some(BitRate(120_000)), "it begins in the middle");
    let (pictures, keyframes) = (server.count("video"), server.count("keyframes"));
    for n in 1..=3 {
        server.ask_keyframe();
        server.wait("keyframes", keyframes + n);
    }
    let taken = server.count("video") - pictures;
    assert!(taken < 150, "three keyframes come when asked for, not every hundred pictures: {taken}");
    let before = sender.status().bitrate;
    server.lose(0.4);
    // A machine that stands still for a moment looks like a queue; loss is what stays.
    until(&sender, "lowered", |status| status.bitrate < before && status.bottleneck == Some(Bottleneck::Loss)).await;
    server.lose(0.0);
    let (seen, low) = (server.count("video"), sender.status().bitrate);
    until(&sender, "raised", |status| status.bitrate > low).await;
    server.wait("video", seen + 25);
    assert_eq!((sender.status().reconnects, server.report()["sizes"].clone()), (0, json!([[320, 180]])));
    assert!(sender.stop(BRIEF).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_followed_and_links_and_busy_servers_borne_with() {
    let links = ["<stun:127.0.0.1:9>; rel=\"ice-server\""];
    let Some(server) = server(json!({ "redirect": true, "links": links })) else { return };
    server.refuse(&[503, 409]);
    let engine = Engine::start();
    let sender = engine.send(Engine::setup(server.url()));
    streaming(&sender).await;
    let report = server.wait("video", 25);
    assert_eq!((&report["redirects"], &report["posts"]), (&json!(3), &json!(6)));
    assert!(sender.stop(BRIEF).await);
    assert_eq!(server.count("deletes"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_restarted_gets_the_channel_again() {
    let Some(first) = server(json!({})) else { return };
    let engine = Engine::start();
    let sender = engine.send(Engine::setup(first.url()));
    streaming(&sender).await;
    let before = first.wait("video", 25)["video"].clone();
    let port = first.kill();
    until(&sender, "interrupted", |status| status.state == DestinationState::Interrupted).await;
    let second = server(json!({ "port": port })).unwrap();
    let status = streaming(&sender).await;
    assert_eq!(status.reconnects, 1, "{before}");
    second.wait("video", 25);
    assert_eq!(engine.codes(), ["push_connected", "push_interrupted", "push_connected"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_takes_nothing_any_more_is_noticed_and_heals() {
    let Some(server) = server(json!({})) else { return };
    let engine = Engine::start();
    let sender = engine.send(Engine::setup(server.url()));
    streaming(&sender).await;
    server.wait("video", 25);
    server.signal(Signal::SIGSTOP);
    let status = until(&sender, "interrupted", |status| status.state == DestinationState::Interrupted).await;
    assert!(status.trouble.unwrap().contains("reported none received"));
    server.signal(Signal::SIGCONT);
    let status = streaming(&sender).await;
    assert_eq!(status.reconnects, 1);
    let seen = server.count("video");
    server.wait("video", seen + 25);
    assert_eq!(server.count("sessions"), 1, "the session before was ended");
    assert!(SOON > BRIEF && sender.stop(BRIEF).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_while_it_is_to_pause() {
    let Some(server) = server(json!({})) else { return };
    let engine = Engine::start();
    let sender = engine.send(Engine::setup(server.url()));
    streaming(&sender).await;
    server.wait("video", 25);
    sender.pause(true);
    // What was on its way arrives; then the sent bytes stand still over a second.
    let mut last = u64::MAX;
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        let sent = sender.status().bytes_sent;
        if sent == last {
            break;
        }
        last = sent;
    }
    let seen = server.count("video");
    assert_eq!(sender.status().state, DestinationState::Streaming, "it is there, and silent");
    sender.pause(false);
    server.wait("video", seen + 25);
    assert_eq!((sender.status().reconnects, server.count("posts")), (0, 1));
}
