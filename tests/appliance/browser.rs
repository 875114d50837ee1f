//! Player and panel in a real browser, over the whole chain. The pages' own tests (`web-ui/tests`) do the looking.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use uplink::model::MediaTime;

use crate::process;
use crate::rig::{PLAIN, Rig, SOON, skip};

/// Runs a test file of `web-ui`; false if this machine cannot.
pub fn node(file: &str, settings: &[(&str, String)]) -> bool {
    let web_ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("web-ui");
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok_and(|out| out.status.success());
    // The same as in `web-ui/tests`.
    let browser = std::env::var("UPLINK_CHROMIUM").unwrap_or_default();
    if !has("node") || !has(if browser.is_empty() { "/usr/bin/chromium" } else { &browser }) {
        skip(&format!("{file}: node and chromium are not both installed (packaging/install-dependencies test)"));
        return false;
    }
    if !web_ui.join("node_modules/playwright-core").is_dir() {
        skip(&format!("{file}: the packages of web-ui are not installed (`npm install` there)"));
        return false;
    }
    let out = Command::new("timeout")
        .args(["400", "node", "--test", "--test-reporter=tap"])
        .arg(file)
        .current_dir(web_ui)
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .envs(browser.is_empty().then_some(("UPLINK_CHROMIUM", "/usr/bin/chromium")))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    eprintln!("{said}");
    assert!(out.status.success(), "{file}: {}\n{said}", String::from_utf8_lossy(&out.stderr));
    true
}

/// A player of `channel` at these origins; when it plays, `kill` is done, and the player says what it saw of that. `signs`
/// becomes a directory for what both tell each other. False if this machine has no browser.
pub fn plays_across(signs: &Path, bases: &[String], kill: impl FnOnce()) -> bool {
    std::fs::create_dir(signs).unwrap();
    let settings = [
        ("UPLINK_BASES", bases.join(" ")),
        ("UPLINK_CHANNEL", "a".to_owned()),
        ("UPLINK_SIGNS", signs.display().to_string()),
    ];
    std::thread::scope(|scope| {
        let player = scope.spawn(|| node("tests/across.mjs", &settings));
        process::until("it plays", 3 * SOON, || signs.join("plays").exists() || player.is_finished());
        if signs.join("plays").exists() {
            kill();
            let now = MediaTime::from_system(SystemTime::now());
            std::fs::write(signs.join("killed.new"), now.rfc3339_millis()).unwrap();
            std::fs::rename(signs.join("killed.new"), signs.join("killed")).unwrap();
        }
        player.join().expect("it plays on")
    })
}

#[test]
fn the_player_page_plays_what_the_worker_encodes() {
    let rig = Rig::on_air(&[("a", PLAIN)]);
    let settings = [("UPLINK_BASE", format!("http://{}", rig.origin)), ("UPLINK_CHANNEL", "a".to_owned())];
    node("tests/player.mjs", &settings);
}

#[test]
fn the_player_page_plays_across_a_break() {
    let rig = Rig::on_air(&[("a", PLAIN)]);
    // The page is up before the break, and looks until it is over.
    let out = serde_json::json!({"type": "out", "duration_ms": 3240, "pre_roll_ms": 6340});
    let placed = rig.post("/api/v1/channels/a/cue", &out);
    assert_eq!(placed.status, 200, "{}", placed.text());
    let back: MediaTime = serde_json::from_value(placed.json()["acted"]["detail"]["back"]["at"].clone()).unwrap();
    let until = back + Duration::from_secs(3);
    let settings = [
        ("UPLINK_BASE", format!("http://{}", rig.origin)),
        ("UPLINK_CHANNEL", "a".to_owned()),
        ("UPLINK_UNTIL", until.rfc3339_millis()),
    ];
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
    // The page's test kills this daemon and starts another one in its place.
    let command = rig.daemon_command();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<&str> = words.map(|word| word.to_str().unwrap()).collect();
    let settings = [
        ("UPLINK_PANEL_URL", format!("http://{}", rig.api)),
        ("UPLINK_PANEL_CHANNEL", "a".to_owned()),
        ("UPLINK_PANEL_PID", daemon.to_string()),
        ("UPLINK_PANEL_COMMAND", serde_json::to_string(&words).unwrap()),
    ];
    if node("tests/plain.mjs", &settings) {
        assert!(process::lives(neighbour), "what is done to a and to the daemon is not done to b");
    }
}
