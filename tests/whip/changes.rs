//! A session that changes while it lasts (RFC 9725, 4.3.3): ICE begins anew, or does not, and another session takes its
//! place.

use serde_json::{Value, json};

use crate::engine::{BRIEF, Engine, TOKEN, streaming, until};
use crate::server::Server;

fn server(settings: Value) -> Option<Server> {
    let mut all = json!({ "token": TOKEN });
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    Server::start(all)
}

/// What was asked to be changed: If-Match, fragment, answer.
fn patches(report: &Value) -> Vec<(String, String, u64)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = report["patches"].as_array().unwrap().iter();
    all.map(|patch| (text(&patch[0]), text(&patch[1]), patch[2].as_u64().unwrap())).collect()
}

/// Requests to restart ICE.
fn restarts(report: &Value) -> Vec<(String, String, u64)> {
    patches(report).into_iter().filter(|(of, ..)| of.contains('*')).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ice_begins_anew_by_http_and_the_session_goes_on() {
    let Some(server) = server(json!({ "restarts": true })) else { return };
    let engine = Engine::start();
    let sender = engine.send(Engine::setup(server.url()));
    streaming(&sender).await;
    server.wait("video", 25);
    // On a machine that stands still for seconds the session may be given up before both ends have agreed: then again.
    let mended = 'mended: {
        for _ in 0..5 {
            let (posts, back) = (server.count("posts"), sender.status().reconnects + 1);
            server.lose(1.0);
            until(&sender, "back", |status| status.reconnects >= back).await;
            server.lose(0.0);
            if server.count("posts") == posts {
                break 'mended true;
            }
        }
        false
    };
    assert!(mended, "{}", server.report());
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
    // The precondition is asked for in both forms that servers go by; one that wants none of it is asked once.
    for (answers, number) in [(vec![412, 412], 2), (vec![428], 1)] {
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
