//! `uplinkctl classes` against the real API, with files on a disk and a configuration that is read.

use tokio::net::TcpListener;

use super::exit::Exit;
use super::tests::uplinkctl;
use crate::alarm::Alarms;
use crate::api::tests::rig::rig;
use crate::api::tests::site::{CLASS, Site};
use crate::api::{Engine, Freezer, Parts};
use crate::notify::Notifier;
use crate::replay::Desk;

#[tokio::test]
async fn stream_classes_are_shown_applied_compared_and_rolled_back() {
    let dir = tempfile::tempdir().unwrap();
    let (handle, mut rig) = rig(dir.path());
    let site = Site::new(dir.path());
    rig.change(|status| status.config.path = site.config());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let classes = site.classes.clone();
    let parts = Parts {
        handle,
        store: None,
        desk: Desk::idle(),
        alarms: Alarms::idle(),
        notifier: Notifier::idle(),
        freezer: Freezer::idle(),
        surfaces: Default::default(),
        classes,
        prober: Default::default(),
        engine: Engine::idle(),
    };
    tokio::spawn(crate::api::serve_all(listener, parts, std::future::pending()));
    let engine = site.clone();
    tokio::spawn(async move {
        while let Some((command, reply)) = rig.requests.recv().await {
            let _ = reply.send(engine.answer(command));
        }
    });
    let run = async |line: &str| uplinkctl(&url, line).await;
    let all = run("classes list").await.unwrap();
    let line = all.lines().find(|line| line.starts_with(CLASS)).unwrap();
    assert!(line.contains("shipped") && line.contains("1.0.0"), "{all}");
    let text = run(&format!("classes show {CLASS}")).await.unwrap();
    let file = dir.path().join(format!("{CLASS}.toml"));
    std::fs::write(&file, text.replace("owner = ", "onwer = ")).unwrap();
    let (exit, said) = run(&format!("classes check {}", file.display())).await.unwrap_err();
    assert!(exit == Exit::FaultyConfiguration && said.contains(".toml:4:1: onwer"), "{said}");
    let (exit, _) = run(&format!("classes apply {}", file.display())).await.unwrap_err();
    assert_eq!(exit, Exit::FaultyConfiguration);
    std::fs::write(&file, format!("# of ours\n{text}")).unwrap();
    assert_eq!(run(&format!("classes check {}", file.display())).await.unwrap(), "ok\n");
    let dry = run(&format!("classes apply {} --dry-run", file.display())).await.unwrap();
    assert!(dry.contains("\n+# of ours\n") && dry.contains("nothing is changed"), "{dry}");
    let done = run(&format!("classes apply {} --over 1 --comment ours", file.display())).await.unwrap();
    assert!(done.contains("that is version 2") && done.contains("in force"), "{done}");
    let (exit, late) = run(&format!("classes apply {} --over 1", file.display())).await.unwrap_err();
    assert!(exit == Exit::Failed && late.contains("[changed]") && late.contains("the newest is 2"), "{late}");
    let versions = run(&format!("classes versions {CLASS}")).await.unwrap();
    let versions: Vec<&str> = versions.lines().collect();
    assert!(versions[1].starts_with('2') && versions[1].ends_with("ours"), "{versions:?}");
    assert!(versions[2].contains("found on disk, shipped"), "{versions:?}");
    assert!(run(&format!("classes diff {CLASS} 1")).await.unwrap().contains("\n+# of ours\n"));
    let back = run(&format!("classes rollback {CLASS} shipped")).await.unwrap();
    assert!(back.contains("goes back to what is shipped; that is version 3"), "{back}");
    let json = run(&format!("--json classes versions {CLASS}")).await.unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["items"][0]["about"]["how"], "rolled_back");
    // A new one, of the text of another; deleted, and brought back by its version.
    let made = run(&format!("classes copy {CLASS} talk-court-2 --comment ours")).await.unwrap();
    assert!(made.contains("that is version 1") && made.contains("\n+name = \"talk-court-2\"\n"), "{made}");
    let (exit, there) = run(&format!("classes copy {CLASS} talk-court-2")).await.unwrap_err();
    assert!(exit == Exit::Failed && there.contains("[changed]") && there.contains("is there already"), "{there}");
    let dry = run("classes delete talk-court-2 --dry-run").await.unwrap();
    assert!(dry.contains("`talk-court-2` is deleted") && dry.contains("nothing is changed"), "{dry}");
    let gone = run("classes delete talk-court-2").await.unwrap();
    assert!(gone.contains("its versions are kept") && gone.contains("\n-name = \"talk-court-2\"\n"), "{gone}");
    assert!(!run("classes list").await.unwrap().contains("talk-court-2"));
    assert!(run("classes rollback talk-court-2 1").await.unwrap().contains("that is version 1"));
    let (_, shipped) = run(&format!("classes delete {CLASS}")).await.unwrap_err();
    assert!(shipped.contains("[shipped_class]") && shipped.contains("`rollback` to what is shipped"), "{shipped}");
    let (_, unasked) = run(&format!("classes prune {CLASS} --keep 1")).await.unwrap_err();
    assert!(unasked.contains("2 version(s)") && unasked.contains("from 1 to 2, are gone for good"), "{unasked}");
    let pruned = run(&format!("--yes classes prune {CLASS} --keep 1")).await.unwrap();
    assert_eq!(pruned, format!("2 versions of stream class `{CLASS}` deleted, 1 kept\n"));
    let (exit, none) = run("classes show none-such").await.unwrap_err();
    assert!(exit == Exit::Failed && none.contains("[unknown_class]"), "{none}");
}
