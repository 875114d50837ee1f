//! The real `uplinkd` with stand-in workers: it starts with a configuration that is faulty, and comes up with the last one
//! that was not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use uplink::config::Texts;
use uplink::lastgood::LastGood;
use uplink::model::MediaTime;

use super::place::{Place, Running};
use super::rig::{alive, signal, until};

/// Where configurations are kept.
fn kept(place: &Place) -> PathBuf {
    place.directory.path().join("state/configurations")
}

fn number(place: &Place, number: u32) -> PathBuf {
    kept(place).join(format!("{number:04}"))
}

fn file(place: &Place) -> PathBuf {
    place.directory.path().join("uplinkd.toml")
}

fn edit(path: &Path, change: impl FnOnce(String) -> String) {
    fs::write(path, change(fs::read_to_string(path).unwrap())).unwrap();
}

/// A box that was on air with these channels until its power was cut, `wanted` configurations kept.
fn cut(place: &Place, mut daemon: Running, channels: &[&str], wanted: u32) {
    let pids: Vec<u32> = channels.iter().map(|channel| place.worker(channel)).collect();
    until("what is in force is kept", || number(place, wanted).exists());
    signal(daemon.pid(), Signal::KILL);
    daemon.code();
    for (channel, pid) in channels.iter().zip(pids) {
        signal(pid, Signal::KILL);
        until("its worker is gone", || !alive(pid));
        // What was in the runtime directory is gone with the power.
        for left in ["worker.sock", "worker.pid", "heard"] {
            let _ = fs::remove_file(place.runtime().join(channel).join(left));
        }
    }
}

fn end(mut daemon: Running) {
    signal(daemon.pid(), Signal::TERM);
    assert_eq!(daemon.code(), Some(0), "{}", daemon.log());
}

/// What a technician, an editor, a package or a disk can do to the files: what is done, and what is said of it.
type Damage = (&'static str, fn(&Place), &'static str);

const DAMAGES: [Damage; 9] = [
    ("syntax", |place| edit(&file(place), |text| text.replace("[channels.a]", "[channels.a")), "not TOML"),
    ("a key of a newer version", |place| edit(&file(place), |text| format!("{text}[later]\nkey = 1\n")), "later"),
    ("a value that is refused", |place| edit(&file(place), |text| text.replace("hls-push", "hls-pull")), "hls-pull"),
    ("no file", |place| fs::remove_file(file(place)).unwrap(), "uplinkd.toml: cannot be read"),
    ("an empty file", |place| fs::write(file(place), "").unwrap(), "uplinkd.toml"),
    ("no stream classes", |place| fs::remove_dir_all(place.directory.path().join("classes")).unwrap(), "classes"),
    (
        "a secret that is gone",
        |place| fs::remove_file(place.directory.path().join("push.token")).unwrap(),
        "push.token",
    ),
    (
        "a passphrase that is gone",
        |place| fs::remove_file(place.directory.path().join("srt.passphrase")).unwrap(),
        "srt.passphrase",
    ),
    ("a secret that is empty", |place| fs::write(place.directory.path().join("push.token"), "").unwrap(), "push.token"),
];

/// What a technician puts beside each other.
const FILES: [&str; 3] = ["uplinkd.toml", "push.token", "srt.passphrase"];

/// With files of its own beside the configuration.
fn place() -> Place {
    let place = Place::new(&["a"]);
    let directory = place.directory.path();
    fs::create_dir(directory.join("classes")).unwrap();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let class = "talk-720p30.toml";
    fs::copy(repository.join("pipelines").join(class), directory.join("classes").join(class)).unwrap();
    fs::write(directory.join("push.token"), "a-token-of-this-box\n").unwrap();
    fs::write(directory.join("srt.passphrase"), "a passphrase of this box\n").unwrap();
    edit(&file(&place), |text| {
        let shipped = format!("{}/pipelines", repository.display());
        let text = text.replace(&shipped, "classes");
        let text = text.replace("/live/\"\n", "/live/\"\ntoken_file = \"push.token\"\n");
        let caller =
            "[sources.far]\nkind = \"srt\"\nmode = \"listener\"\nport = 9710\npassphrase_file = \"srt.passphrase\"\n";
        text.replace("[destinations.local]", &format!("{caller}[destinations.local]"))
            .replace("[\"bars\"]", "[\"bars\", \"far\"]")
    });
    place
}

#[test]
fn whatever_is_wrong_with_the_files_it_comes_up_with_what_was_in_force() {
    let place = place();
    let good = place.directory.path().join("good");
    fs::create_dir(&good).unwrap();
    for name in FILES {
        fs::copy(place.directory.path().join(name), good.join(name)).unwrap();
    }
    let class = "classes/talk-720p30.toml";
    let class_text = fs::read_to_string(place.directory.path().join(class)).unwrap();
    let mut daemon = place.start();
    for (what, damage, said) in DAMAGES {
        cut(&place, daemon, &["a"], 1);
        damage(&place);
        daemon = place.start();
        until(what, || daemon.log().contains("config_last_good"));
        place.worker("a");
        let log = daemon.log();
        assert!(log.contains("configuration_fault") && log.contains(said), "{what}: {log}");
        assert!(log.contains("configurations/0001"), "{what}: {log}");
        // Mended, it is in force by a reload; it says the same, so nothing more is kept.
        fs::create_dir_all(place.directory.path().join("classes")).unwrap();
        fs::write(place.directory.path().join(class), &class_text).unwrap();
        for name in FILES {
            fs::copy(good.join(name), place.directory.path().join(name)).unwrap();
        }
        signal(daemon.pid(), Signal::HUP);
        until("it is in force", || daemon.log().contains("config_reloaded"));
        assert!(!number(&place, 2).exists(), "{what}");
    }
    end(daemon);
}

#[test]
fn the_newest_that_is_whole_and_understood_is_taken() {
    let place = Place::new(&["a"]);
    let daemon = place.start();
    cut(&place, daemon, &["a"], 1);
    // Good files win over what is kept, and are kept.
    fs::create_dir_all(place.runtime().join("b")).unwrap();
    place.configure(&["a", "b"]);
    let daemon = place.start();
    cut(&place, daemon, &["a", "b"], 2);
    fs::write(file(&place), "[channels.a\n").unwrap();
    // The version after this one has put something in force that this one does not know, and was taken back.
    let mut later = Texts::default();
    later.put(&file(&place), "[later]\nkey = 1\n");
    let at = MediaTime::from_secs(1_790_000_000);
    LastGood::below(&place.directory.path().join("state")).keep("9.9.9", &file(&place), at, &later).unwrap();
    let daemon = place.start();
    until("it is up", || daemon.log().contains("config_last_good"));
    let log = daemon.log();
    assert!(
        log.contains("not used in its place: the last good configuration") && log.contains("by version 9.9.9"),
        "{log}"
    );
    assert!(log.contains("fault(s) for this version; the first: "), "{log}");
    assert!(log.contains("configurations/0002, is in force"), "{log}");
    cut(&place, daemon, &["a", "b"], 3);
    // The power went while it was written, or the disk is bad.
    let whole = fs::read(number(&place, 2)).unwrap();
    fs::write(number(&place, 2), &whole[..whole.len() / 2]).unwrap();
    let daemon = place.start();
    until("it is up", || daemon.log().contains("config_last_good"));
    let log = daemon.log();
    assert!(
        log.contains("0002 is damaged: it is cut off") && log.contains("configurations/0001, is in force"),
        "{log}"
    );
    place.worker("a");
    assert_eq!(place.worker_now("b"), 0, "it was not there yet");
    cut(&place, daemon, &["a"], 3);
    // None is left.
    fs::write(number(&place, 1), "").unwrap();
    let (code, said) = place.fails(&[]);
    assert_eq!(code, Some(64), "{said}");
    for part in ["uplinkd.toml:1:", "0001 is damaged", "0002 is damaged", "9.9.9", "nothing was started"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// Who keeps a secret beside a worker that is on air would take it from the air.
#[test]
fn a_secret_that_is_lost_takes_nothing_from_the_air() {
    let place = place();
    let mut daemon = place.start();
    let worker = place.worker("a");
    until("what is in force is kept", || number(&place, 1).exists());
    signal(daemon.pid(), Signal::KILL);
    daemon.code();
    fs::remove_file(place.directory.path().join("srt.passphrase")).unwrap();
    let (code, said) = place.fails(&[]);
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("srt.passphrase: cannot be read") && said.contains("nothing was started"), "{said}");
    assert!(alive(worker), "it goes on with what it knows");
    signal(worker, Signal::KILL);
}

fn uplinkctl(place: &Place, words: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_uplinkctl"));
    let output = command.arg("--api").arg(format!("http://127.0.0.1:{}", place.port)).args(words).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_text_that_is_applied_takes_the_place_of_the_last_good_configuration() {
    let place = place();
    let daemon = place.start();
    cut(&place, daemon, &["a"], 1);
    let good = fs::read_to_string(file(&place)).unwrap();
    edit(&file(&place), |text| text.replace("[channels.a]", "[channels.a"));
    let faulty = fs::read_to_string(file(&place)).unwrap();
    let daemon = place.start();
    until("it is up", || daemon.log().contains("config_last_good"));
    let worker = place.worker("a");
    let draft = place.directory.path().join("draft.toml");
    let apply = |text: &str, words: &[&str]| {
        fs::write(&draft, text).unwrap();
        uplinkctl(&place, &[&["--yes", "config", "apply", draft.to_str().unwrap()], words].concat())
    };
    let (code, said) = apply(&faulty, &[]);
    assert!(code == Some(64) && said.contains("not TOML"), "{code:?} {said}");
    let mended = format!("{good}# mended\n");
    let (code, said) = apply(&mended, &["--dry-run"]);
    assert!(code == Some(0) && said.contains("+# mended\n") && said.contains("+[channels.a]\n"), "{code:?} {said}");
    let (code, said) = apply(&mended, &["--over", "7"]);
    assert!(code == Some(1) && said.contains("generation 7"), "{code:?} {said}");
    assert_eq!(fs::read_to_string(file(&place)).unwrap(), faulty, "none of these has written anything");
    let (code, said) = apply(&mended, &["--over", "1", "--comment", "a bracket"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(fs::read_to_string(file(&place)).unwrap(), mended);
    let (_, status) = uplinkctl(&place, &["--json", "status"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert!(status["config"]["last_good"].is_null() && status["config"]["generation"] == 2, "{}", status["config"]);
    until("it is kept in its turn", || number(&place, 2).exists());
    assert_eq!(place.worker_now("a"), worker, "nobody has noticed anything of it");
    end(daemon);
}
