//! The timeline, as clients see it: each entry once, whoever pressed what for those who drive shows, and what was before
//! this run.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::access::{NEAR, Site, coming, with_ada};
use super::resources::{call, request};
use super::rig::id;
use crate::model::{Event, EventCode, Fault, MediaTime, Severity};
use crate::supervisor::Outcome;

const LONG_AGO: u64 = 1_700_000_000;

/// What an earlier run has left: a hundred and twenty entries, of which several have one time, and the gap behind them.
fn past(site: &Site) {
    for n in 0..120 {
        let at = MediaTime::from_secs(LONG_AGO + n / 3);
        let (severity, code) = match n % 3 {
            0 => (Severity::Info, EventCode::ProgramSwitched),
            1 => (Severity::Error, EventCode::AlarmRaised),
            _ => (Severity::Warning, EventCode::SourceLost),
        };
        let channel = id(if n < 30 { "studio-b" } else { "demo" });
        let event = Event::new(at, severity, code, format!("old {n}")).channel(&channel);
        site.store.append(&event.blame(Fault::Source, "look at the camera"));
    }
    let (since, at) = (MediaTime::from_secs(LONG_AGO + 40), MediaTime::from_secs(LONG_AGO + 100));
    site.store.append(&Event::new(at, Severity::Warning, EventCode::DaemonAbsent, "nobody was there").since(since));
}

/// Every page from `query` on.
async fn pages(site: &Site, who: &str, query: &str) -> Vec<Value> {
    let (mut all, mut path) = (Vec::new(), format!("/api/v1/timeline?{query}"));
    for _ in 0..200 {
        let answer = site.get(&path, NEAR, who).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let page = answer.json();
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        if page["next_cursor"].is_null() {
            assert_eq!(answer.header("link"), "");
            return all;
        }
        path = answer.header("link").split(['<', '>']).nth(1).unwrap().to_owned();
    }
    panic!("the pages of {query} do not end");
}

/// Until what was asked is in the audit log.
async fn written(site: &Site, ada: &str) {
    site.store.flush().await;
    site.audit(ada, 1).await;
}

fn texts(entries: &[Value]) -> Vec<String> {
    entries.iter().map(|entry| entry["event"]["text"].as_str().unwrap_or("act").to_owned()).collect()
}

#[tokio::test]
async fn every_entry_comes_once_newest_first_whatever_is_written_meanwhile() {
    let (site, ada) = with_ada().await;
    past(&site);
    for reason in ["one", "two", "three"] {
        site.ask(Method::PUT, "/api/v1/freeze", NEAR, &ada, Some(&json!({ "reason": reason }))).await;
    }
    written(&site, &ada).await;
    let whole = pages(&site, &ada, "limit=500").await;
    assert_eq!(whole.len(), 121 + 4, "three freezes and the first admin");
    for limit in [1, 2, 7, 50] {
        let all = pages(&site, &ada, &format!("limit={limit}")).await;
        assert_eq!(all, whole, "in pages of {limit}");
    }
    let mut places: Vec<&str> = whole.iter().map(|entry| entry["place"].as_str().unwrap()).collect();
    let times: Vec<&str> = whole.iter().map(|entry| entry["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), whole.len(), "a place names one entry");
    // From the place of any entry on, what is older comes, and nothing that is new.
    let from = whole[60]["place"].as_str().unwrap();
    site.store.append(&Event::new(MediaTime::from_secs(LONG_AGO + 200), Severity::Info, EventCode::SlateOn, "new"));
    written(&site, &ada).await;
    assert_eq!(pages(&site, &ada, &format!("limit=9&cursor={from}")).await, whole[61..]);
}

#[tokio::test]
async fn what_is_wanted_can_be_said() {
    let (site, ada) = with_ada().await;
    past(&site);
    written(&site, &ada).await;
    let count = async |query: &str| pages(&site, &ada, query).await.len();
    assert_eq!(count("types=program").await, 40);
    assert_eq!(count("types=alarm,gap").await, 41);
    assert_eq!(count("severity=error").await, 40);
    assert_eq!(count("channel=studio-b&types=program,alarm,event&limit=4").await, 30);
    let gap = &pages(&site, &ada, "types=gap&channel=studio-b").await[0];
    assert_eq!((&gap["type"], &gap["event"]["code"]), (&json!("gap"), &json!("daemon_absent")));
    assert!(gap["event"]["since"].as_str().unwrap() < gap["at"].as_str().unwrap(), "{gap}");
    let at = |seconds| json!(MediaTime::from_secs(LONG_AGO + seconds)).as_str().unwrap().to_owned();
    let span = format!("from={}&to={}&limit=2", at(10), at(12));
    assert_eq!(texts(&pages(&site, &ada, &span).await), ["old 35", "old 34", "old 33", "old 32", "old 31", "old 30"]);
    let bad = ["types=programme", "types=", "cursor=x", "cursor=1-2-3", "cursor=9-0-1-1", "cursor=-1-0-1", "limit=0"];
    for bad in bad.into_iter().chain(["from=yesterday", "channel=%2F", "severity=loud", "last=7"]) {
        site.get(&format!("/api/v1/timeline?{bad}"), NEAR, &ada).await.is_problem(400, "malformed");
    }
}

#[tokio::test]
async fn operators_see_who_pressed_what_and_no_secret_and_viewers_do_not() {
    let (mut site, ada) = with_ada().await;
    let olga = site.user(&ada, "olga", "operator").await;
    let vic = site.user(&ada, "vic", "viewer").await;
    let mut requests = std::mem::replace(&mut site.rig.requests, tokio::sync::mpsc::channel(1).1);
    tokio::spawn(async move {
        while let Some((_, reply)) = requests.recv().await {
            let _ = reply.send(Ok::<Outcome, _>(super::rig::outcome("done")));
        }
    });
    let take = request(Method::POST, "/api/v1/channels/demo/take?token=canary").header("cookie", &olga);
    let body = Body::from(r#"{"source":"clip"}"#);
    let take = take.header("content-type", "application/json").body(body).unwrap();
    assert_eq!(call(&site.router, coming(take, NEAR)).await.status, StatusCode::OK);
    let freeze = json!({ "reason": "Cup final" });
    site.ask(Method::PUT, "/api/v1/freeze", NEAR, &ada, Some(&freeze)).await;
    site.post("/api/v1/alarms/off_air.demo/ack", NEAR, &olga, &json!({})).await;
    written(&site, &ada).await;
    let act = |entry: &Value| {
        let act = &entry["act"];
        let word = |name: &str| act[name].as_str().unwrap_or("-").to_owned();
        (word("who"), word("action"), entry["channel"].as_str().unwrap_or("-").to_owned(), act["status"].clone())
    };
    let seen = pages(&site, &olga, "types=act").await;
    let expected = [
        ("olga", "POST /api/v1/alarms/{id}/ack", "demo", 404),
        ("ada", "PUT /api/v1/freeze", "-", 200),
        ("olga", "POST /api/v1/channels/{id}/take", "demo", 200),
    ];
    let expected = expected.map(|(who, action, on, status)| (who.into(), action.into(), on.into(), json!(status)));
    assert_eq!(seen.iter().map(act).collect::<Vec<_>>(), expected, "nobody's login, nobody's password");
    assert_eq!((&seen[2]["act"]["asked"], &seen[2]["severity"]), (&json!({ "source": "clip" }), &json!("info")));
    assert_eq!(seen[0]["severity"], "warning", "it was refused");
    assert!(seen[1]["act"]["asked"].is_null(), "what an engineer wrote is not for operators: {}", seen[1]);
    let by_ada = pages(&site, &ada, "types=act").await;
    assert_eq!(by_ada.iter().find(|one| act(one).1 == "PUT /api/v1/freeze").unwrap()["act"]["asked"], freeze);
    assert!(by_ada.len() >= seen.len() + 3, "an admin sees logins and users, too: {by_ada:#?}");
    assert!(!json!([seen, by_ada]).to_string().contains("canary"));
    assert_eq!(pages(&site, &olga, "types=act&channel=demo").await.len(), 2);
    assert_eq!(pages(&site, &vic, "").await, Vec::<Value>::new());
    site.get("/api/v1/timeline?types=act", NEAR, &vic).await.is_problem(403, "forbidden");
    site.get("/api/v1/timeline", NEAR, "").await.is_problem(401, "login_required");
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_said() {
    let (site, ada) = with_ada().await;
    site.store.flush().await;
    for name in ["uplink.db", "uplink.db-wal", "uplink.db-shm"] {
        let _ = std::fs::remove_file(site.state().join(name));
    }
    let problem = site.get("/api/v1/timeline", NEAR, &ada).await.is_problem(503, "timeline_unavailable");
    assert!(problem["detail"].as_str().unwrap().contains("the as-run log cannot be read"), "{problem}");
}
