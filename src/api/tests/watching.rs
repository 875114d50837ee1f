//! Who watches live: what the worker is asked, for how long, and whose session it is. The media are those of others.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::Value;

use super::access::{NEAR, Site, coming, with_ada};
use super::resources::{Answer, call, request};
use super::rig::outcome;
use crate::model::{Act, Acted, WatchAnswer, WatchAsk, WatchRefusal};
use crate::supervisor::{Command, Outcome};

const WHEP: &str = "/api/v1/channels/demo/whep";

fn offered(site: &Site, cookie: &str) -> tokio::task::JoinHandle<Answer> {
    let asked = request(Method::POST, WHEP).header("content-type", "application/sdp").header("cookie", cookie);
    let (router, asked) = (site.router.clone(), coming(asked.body(Body::from("v=0 an offer")).unwrap(), NEAR));
    tokio::spawn(async move { call(&router, asked).await })
}

/// Answers what the worker is asked next; what that was.
async fn worker(site: &mut Site, answer: &WatchAnswer) -> WatchAsk {
    let (command, reply) = site.rig.requests.recv().await.unwrap();
    let Command::Act(channel, Act::Watch { ask }) = command else { panic!("{command:?}") };
    assert_eq!(channel.as_str(), "demo");
    let acted = Acted { detail: Some(serde_json::to_value(answer).unwrap()), ..Acted::default() };
    reply.send(Ok(Outcome { acted: Some(acted), ..outcome("") })).unwrap();
    ask
}

fn admitted(session: &str) -> WatchAnswer {
    WatchAnswer::Admitted { session: session.into(), sdp: "v=0 an answer".into() }
}

#[tokio::test]
async fn a_viewer_watches_until_logged_out_and_it_is_no_act() {
    let (mut site, ada) = with_ada().await;
    let vera = site.user(&ada, "vera", "viewer").await;
    let before = site.audit(&ada, 1).await.len();
    let answer = offered(&site, &vera);
    assert_eq!(worker(&mut site, &admitted("one")).await, WatchAsk::Offer { sdp: "v=0 an offer".into() });
    let answer = answer.await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (StatusCode::CREATED, "v=0 an answer"));
    let location = answer.header("location").to_owned();
    assert_eq!((location.as_str(), answer.header("etag")), ("/api/v1/channels/demo/whep/one", "\"one\""));
    assert_eq!(answer.header("content-type"), "application/sdp");

    // Nobody else ends it; who began it does, once.
    site.ask(Method::DELETE, &location, NEAR, &ada, None).await.is_problem(404, "unknown_session");
    site.ask(Method::DELETE, "/api/v1/channels/other/whep/one", NEAR, &vera, None)
        .await
        .is_problem(404, "unknown_session");
    let left = call(&site.router, coming(left(&location, &vera), NEAR));
    let (left, asked) = tokio::join!(left, async {
        let (command, reply) = site.rig.requests.recv().await.unwrap();
        let acted = Acted { detail: Some(serde_json::to_value(WatchAnswer::Left).unwrap()), ..Acted::default() };
        reply.send(Ok(Outcome { acted: Some(acted), ..outcome("") })).unwrap();
        command
    });
    assert_eq!(left.status, StatusCode::OK);
    assert!(matches!(asked, Command::Act(_, Act::Watch { ask: WatchAsk::Leave { session } }) if session == "one"));
    site.ask(Method::DELETE, &location, NEAR, &vera, None).await.is_problem(404, "unknown_session");
    assert_eq!(site.audit(&ada, 1).await.len(), before, "watching is looking");

    // Logged out: the worker hears of it.
    let answer = offered(&site, &vera);
    worker(&mut site, &admitted("two")).await;
    assert_eq!(answer.await.unwrap().status, StatusCode::CREATED);
    let out = site.ask(Method::DELETE, "/api/v1/session", NEAR, &vera, None).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(worker(&mut site, &WatchAnswer::Left).await, WatchAsk::Leave { session: "two".into() });
    let again = offered(&site, &vera).await.unwrap();
    again.is_problem(401, "login_required");
}

fn left(location: &str, cookie: &str) -> axum::http::Request<Body> {
    request(Method::DELETE, location).header("cookie", cookie).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn why_nobody_can_watch_is_a_problem_of_its_own() {
    let (mut site, ada) = with_ada().await;
    for (why, status, code) in [
        (WatchRefusal::NoRendition, 409, "no_live_picture"),
        (WatchRefusal::Full, 503, "too_many_watchers"),
        (WatchRefusal::BadOffer, 422, "bad_offer"),
        (WatchRefusal::Failed, 503, "engine_failed"),
    ] {
        let answer = offered(&site, &ada);
        worker(&mut site, &WatchAnswer::Refused { why, text: "there is a reason for it".into() }).await;
        let problem: Value = answer.await.unwrap().is_problem(status, code);
        assert_eq!(problem["detail"], "there is a reason for it");
    }
    let asked = request(Method::POST, WHEP).header("cookie", &ada).header("content-type", "text/plain");
    let plain = call(&site.router, coming(asked.body(Body::from("v=0")).unwrap(), NEAR)).await;
    plain.is_problem(415, "not_sdp");
}
