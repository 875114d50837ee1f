//! A session that changes while it lasts (RFC 9725, 4.3.3): ICE begins anew, or does not, and another session takes its
//! place.

use serde_json::{Value, json};
use uplink::media::whip::WhipSender;

use crate::engine::{BRIEF, Engine, TOKEN, streaming, until};
use crate::server::Server;

fn server(settings: Value) -> Option<Server> {
    let mut all = json!({ "token": TOKEN });
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    Server::start(all)
}

/// What was asked to be changed: If-Match, fragment, answer.
pub fn patches(report: &Value) -> Vec<(String, String, u64)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = report["patches"].as_array().unwrap().iter();
    all.map(|patch| (text(&patch[0]), text(&patch[1]), patch[2].as_u64().unwrap())).collect()
}

/// Requests to restart ICE.
fn restarts(report: &Value) -> Vec<(String, String, u64)> {
    patches(report).into_iter().filter(|(of, ..)| of.contains('*')).collect()
}

/// Cuts the media until ICE has begun anew within the session. On a machine that stands still for seconds the session may be
/// given up before both ends have agreed: then again.
pub async fn begin_anew(server: &Server, sender: &WhipSender) {
    for _ in 0..5 {
        let (posts, back) = (server.count("posts"), sender.status().reconnects + 1);
        server.lose(1.0);
        until(sender, "back", |status| status.reconnects >= back).await;
        server.lose(0.0);
        if server.count("posts") == posts {
            return;
        }
    }
    panic!("each time another session took its place: {}", server.report());
}

#[tokio::test(flavor = "multi_thread")]
async fn ice_begins_anew_by_http_and_the_session_goes_on() {
    let Some(server) = server(json!({ "restarts": true })) else { return };
    let engine = Engine::start();
    let sender = engine.send(Engine::setup(server.url()));
    streaming(&sender).await;
    server.wait("video", 25);
    begin_anew(&server, &sender).await;
    let (seen, over) = (server.count("video"), server.count("over_another_path"));
    let report = server.wait_for("media over the other path", |report| {
        report["video"].as_u64() >= Some(seen + 50) && report["over_another_path"].as_u64() >= Some(over + 50)
    });
    let asked = restarts(&report);
    let (of, fragment, status) = asked.last().unwrap();
    assert_eq!((of.as_str(), *status), ("*", 200), "{asked:?}");
    assert!(fragment.contains("a=ice-pwd:") && fragment.contains("a=candidate:"), "{fragment}");
    assert_eq!((&report["sessions"], &report["patches"][0][0]), (&json!(1), &json!("*")), "{report}");
    assert_eq!(engine.codes()[..3], ["push_connected", "push_interrupted", "push_connected"]);
    assert!(sender.stop(BRIEF).await);
    assert_eq!(server.count("sessions"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_begin_ice_anew_gets_another_session() {
    let Some(server) = server(json!({ "restarts": true })) else { return };
    let engine = Engine::start();
    let sender = engine.send(Engine::setup(server.url()));
    streaming(&sender).await;
    server.wait("video", 25);
    // The precondition is asked for in both forms that servers go by; one that wants none of it is asked once, and so is one
    // that takes the request for more addresses.
    for (answers, number) in [(vec![412, 412], 2), (vec![428], 1), (vec![204], 1)] {
        let (posts, asked) = (server.count("posts"), restarts(&server.report()).len());
        let back = sender.status().reconnects + 1;
        server.stay(&answers);
        server.lose(1.0);
        let report = server.wait_for("another offer", |report| report["posts"].as_u64() > Some(posts));
        server.lose(0.0);
        until(&sender, "back", |status| status.reconnects >= back).await;
        let heard: Vec<(String, u64)> =
            restarts(&report).split_off(asked).into_iter().map(|(of, _, status)| (of, status)).collect();
        let expected: Vec<(String, u64)> =
            ["*", "\"*\""].iter().zip(&answers).map(|(of, status)| ((*of).to_owned(), u64::from(*status))).collect();
        assert_eq!(heard[..number.min(heard.len())], expected[..], "{report}");
        let seen = server.count("video");
        server.wait("video", seen + 25);
    }
    let report = server.report();
    assert_eq!(report["sessions"], 1, "the sessions before were ended: {report}");
    assert!(sender.stop(BRIEF).await);
}

/// Some servers know no other tag than that of the ICE session.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_wants_its_own_tag_begins_anew_by_that_and_not_by_a_stale_one() {
    let Some(server) = server(json!({ "restarts": true, "by_tag": true })) else { return };
    let engine = Engine::start();
    let sender = engine.send(Engine::setup(server.url()));
    streaming(&sender).await;
    server.wait("video", 25);
    // The second time the tag is the one that came with the first answer.
    let again = |report: &Value| patches(report).iter().any(|(of, _, status)| of.ends_with("-2\"") && *status == 200);
    let renamed = 'renamed: {
        for _ in 0..5 {
            begin_anew(&server, &sender).await;
            let asked = patches(&server.report());
            let last: Vec<_> = asked[asked.len() - 3..].iter().map(|(of, _, status)| (of.as_str(), *status)).collect();
            assert_eq!(last[..2], [("*", 412), ("\"*\"", 412)], "{asked:?}");
            assert!(last[2].0.starts_with("\"s") && last[2].1 == 200, "{asked:?}");
            let (seen, over) = (server.count("video"), server.count("over_another_path"));
            server.wait("over_another_path", over + 25);
            server.wait("video", seen + 25);
            if again(&server.report()) {
                break 'renamed true;
            }
        }
        false
    };
    assert!(renamed, "{}", server.report());

    // Somebody else has begun anew: the tag is stale, and so is the session.
    server.retag();
    let (posts, asked) = (server.count("posts"), patches(&server.report()).len());
    let back = sender.status().reconnects + 1;
    server.lose(1.0);
    let report = server.wait_for("another offer", |report| report["posts"].as_u64() > Some(posts));
    server.lose(0.0);
    until(&sender, "back", |status| status.reconnects >= back).await;
    let heard: Vec<u64> = patches(&report).split_off(asked).into_iter().map(|(.., status)| status).collect();
    assert!(heard.len() >= 3 && heard.iter().all(|status| *status == 412), "{report}");
    let seen = server.count("video");
    server.wait("video", seen + 25);
    assert_eq!(server.report()["sessions"], 1, "the session before was ended");
    assert!(sender.stop(BRIEF).await);
}
