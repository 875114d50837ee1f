//! Player and panel in a real browser, over the whole chain. The pages' own tests (`web-ui/tests`) do the looking.

use std::path::Path;
use std::process::Command;

use crate::rig::{PLAIN, Rig, skip};

/// Runs a test file of `web-ui`; false if this machine cannot.
fn node(file: &str, settings: &[(&str, String)]) -> bool {
    let web_ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("web-ui");
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok_and(|out| out.status.success());
    if !has("node") || !has("chromium") {
        skip(&format!("{file}: node and chromium are not both installed (packaging/install-dependencies test)"));
        return false;
    }
    if !web_ui.join("node_modules/playwright-core").is_dir() {
        skip(&format!("{file}: no playwright-core; run `npm ci` in web-ui"));
        return false;
    }
    let out = Command::new("timeout")
        .args(["180", "node", "--test", "--test-reporter=tap"])
        .arg(file)
        .current_dir(web_ui)
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    eprintln!("{said}");
    assert!(out.status.success(), "{file}: {}\n{said}", String::from_utf8_lossy(&out.stderr));
    true
}

#[test]
fn the_player_page_plays_what_the_worker_encodes() {
    let rig = Rig::on_air(&[("a", PLAIN)]);
    let settings = [("UPLINK_BASE", format!("http://{}", rig.origin)), ("UPLINK_CHANNEL", "a".to_owned())];
    node("tests/player.mjs", &settings);
}

#[test]
fn the_panel_shows_and_orders_real_channels() {
    let mut rig = Rig::new(&[("a", PLAIN), ("b", PLAIN)]);
    rig.start_origin();
    let daemon = rig.start_daemon();
    rig.wait_on_air("a");
    rig.wait_on_air("b");
    let neighbour = rig.worker("b");
    let settings = [
        ("UPLINK_PANEL_URL", format!("http://{}", rig.api)),
        ("UPLINK_PANEL_CHANNEL", "a".to_owned()),
        ("UPLINK_PANEL_PID", daemon.to_string()),
    ];
    if node("tests/panel.mjs", &settings) {
        assert_eq!(rig.wait_on_air("b").worker.unwrap().pid, neighbour, "what was done to a is not done to b");
    }
}
