//! Another text of the configuration over the whole router, with the file on a disk.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::classes::{Stage, interrupted, stage};
use super::resources::{Answer, call, request, sure};
use crate::supervisor::Refusal;

impl Stage {
    /// The text on disk, and the tag that names it.
    async fn written(&self) -> (String, String) {
        let found = call(&self.router, request(Method::GET, "/api/v1/config").body(Body::empty()).unwrap()).await;
        assert_eq!(found.json()["writable"], true);
        (found.json()["text"].as_str().unwrap().to_owned(), found.header("etag").to_owned())
    }

    async fn applied(&self, query: &str, tag: &str, body: &Value) -> Answer {
        let asked = request(Method::POST, &format!("/api/v1/config/apply{query}"));
        let asked = if tag.is_empty() { asked } else { asked.header("if-match", tag) };
        let asked = asked.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap();
        sure(&self.router, asked).await
    }

    fn file(&self) -> String {
        std::fs::read_to_string(self.site.config()).unwrap()
    }
}

#[tokio::test]
async fn a_text_is_looked_at_written_and_put_in_force() {
    let stage = stage().await;
    let (text, tag) = stage.written().await;
    let other = text.replace("Evening briefing", "Morning briefing");
    let wanted = json!({"text": other, "comment": "another title"});

    let dry = stage.applied("?dry_run=true", &tag, &wanted).await.json();
    assert!(dry["difference"].as_str().unwrap().contains("+title = \"Morning briefing\"\n"), "{dry}");
    assert_eq!((stage.file(), stage.reloads()), (text.clone(), 0), "a dry run writes and reloads nothing");

    let done = stage.applied("", &tag, &wanted).await.json();
    assert_eq!((&done["changed"], stage.file(), stage.reloads()), (&true.into(), other.clone(), 1), "{done}");
    let before = std::fs::read_to_string(format!("{}~", stage.site.config())).unwrap();
    assert_eq!(before, text, "what was there is kept beside it");

    // Another engineer still has the text before.
    let late = stage.applied("", &tag, &json!({"text": text})).await;
    assert_eq!((late.status, late.json()["code"].as_str()), (StatusCode::PRECONDITION_FAILED, Some("changed")));
    assert_eq!(stage.file(), other);
}

#[tokio::test]
async fn what_does_not_come_into_force_leaves_the_file_as_it_was() {
    let stage = stage().await;
    let (text, tag) = stage.written().await;
    let faulty =
        stage.applied("", &tag, &json!({"text": text.replace("sources = [\"test\"]", "sources = [\"tset\"]")})).await;
    assert_eq!(faulty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(faulty.json()["code"], "faulty_configuration");
    assert!(faulty.json()["errors"][0]["detail"].as_str().unwrap().contains("tset"), "{}", faulty.json());
    assert_eq!((stage.file(), stage.reloads()), (text.clone(), 0));

    // Good when it was looked at, refused when it was to come into force.
    *stage.site.refusal.lock().unwrap() = Some(Refusal::Failed("no room beside what is on air".to_owned()));
    let other = json!({"text": text.replace("Evening", "Morning")});
    let refused = stage.applied("", &tag, &other).await;
    assert!(refused.json()["detail"].as_str().unwrap().contains("no room"), "{}", refused.json());
    assert_eq!((stage.file(), stage.reloads()), (text, 1), "it is taken back");
}

#[tokio::test]
async fn what_viewers_would_notice_is_confirmed_first() {
    let stage = stage().await;
    *stage.site.effects.lock().unwrap() = vec![interrupted()];
    let (text, tag) = stage.written().await;
    let body = json!({"text": text.replace("Evening", "Morning")}).to_string();
    let asked = request(Method::POST, "/api/v1/config/apply").header("if-match", &tag);
    let asked = asked.header("content-type", "application/json").body(Body::from(body)).unwrap();
    let answer = call(&stage.router, asked).await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_REQUIRED, "{}", answer.json());
    assert_eq!((stage.file(), stage.reloads()), (text, 0));
}
