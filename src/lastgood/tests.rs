//! Configurations on real files: whole, cut off, damaged, of other versions.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

const FILE: &str = "/etc/uplink/uplinkd.toml";

fn texts(main: &str) -> Texts {
    let mut texts = Texts::default();
    texts.put(Path::new(FILE), main);
    texts.put(Path::new("/etc/uplink/reel.m3u"), "clip.mp4\n");
    // Neither an end of line nor the lines of the format are special in it.
    texts.put(Path::new("/var/lib/uplink/pipelines/own.toml"), "# é\nsha256 00");
    texts
}

fn at(seconds: u64) -> MediaTime {
    MediaTime::from_secs(seconds)
}

fn keep(kept: &LastGood, version: &str, main: &str) {
    kept.keep(version, Path::new(FILE), at(7), &texts(main)).unwrap();
}

fn found(kept: &LastGood) -> Vec<String> {
    let one = |found: Result<Kept, LastGoodError>| match found {
        Ok(found) => found.texts.get(Path::new(FILE)).unwrap().to_owned(),
        Err(error) => error.to_string(),
    };
    kept.newest_first(Path::new(FILE)).map(one).collect()
}

#[test]
fn what_was_in_force_is_found_as_it_was() {
    let state = tempfile::tempdir().unwrap();
    let kept = LastGood::below(state.path());
    assert!(found(&kept).is_empty());
    keep(&kept, "0.1.0", "one");
    keep(&kept, "0.1.0", "two\n");
    keep(&kept, "0.1.0", "two\n");
    assert_eq!(found(&kept), ["two\n", "one"], "the same again is not kept again");
    let newest = kept.newest_first(Path::new(FILE)).next().unwrap().unwrap();
    assert_eq!((newest.version.as_str(), newest.at, newest.texts), ("0.1.0", at(7), texts("two\n")));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode(&newest.path), mode(newest.path.parent().unwrap())),
        (0o600, 0o700),
        "an address may hold a secret"
    );
    // Of another file there is none.
    assert_eq!(kept.newest_first(Path::new("/etc/uplink/other.toml")).count(), 0);
    // One that was taken back counts as the newest.
    keep(&kept, "0.1.0", "one");
    assert_eq!(found(&kept), ["one", "two\n", "one"]);
}

/// What a power cut, a bad disk or a curious hand leave: no byte can be missing or another without being noticed.
#[test]
fn one_that_is_cut_off_or_changed_anywhere_is_not_used() {
    let state = tempfile::tempdir().unwrap();
    let kept = LastGood::below(state.path());
    keep(&kept, "0.1.0", "one");
    keep(&kept, "0.1.0", "two");
    let path = kept.path_of(2);
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let found = found(&kept);
        assert!(found.len() == 2 && found[0].contains("0002 is damaged") && found[1] == "one", "{length}: {found:?}");
    }
    for place in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(found(&kept)[0].contains("is damaged"), "byte {place}");
    }
    // The next one gets a number of its own; what a cut has left of another one goes.
    let draft = state.path().join("configurations/.draft123");
    fs::write(&draft, "half").unwrap();
    keep(&kept, "0.1.0", "three");
    assert!(!draft.exists());
    assert_eq!(found(&kept)[0], "three");
    assert!(kept.path_of(3).exists());
}

#[test]
fn few_stay_and_one_of_the_version_before() {
    let state = tempfile::tempdir().unwrap();
    let kept = LastGood::below(state.path());
    for main in ["a", "b"] {
        keep(&kept, "0.1.0", main);
    }
    for main in ["c", "d", "e", "f", "g", "h", "i"] {
        keep(&kept, "0.2.0", main);
    }
    assert_eq!(found(&kept), ["i", "h", "g", "f", "e", "b"]);
    for main in ["j", "k", "l", "m", "n", "o"] {
        keep(&kept, "0.3.0", main);
    }
    assert_eq!(found(&kept), ["o", "n", "m", "l", "k", "i"], "that of the version before the last one is gone");
}

#[test]
fn a_disk_that_takes_nothing_is_said_and_harms_none() {
    let state = tempfile::tempdir().unwrap();
    let kept = LastGood::below(state.path());
    keep(&kept, "0.1.0", "one");
    let nowhere = LastGood { directory: "/proc/nowhere".into() };
    let error = nowhere.keep("0.1.0", Path::new(FILE), at(7), &texts("two")).unwrap_err();
    assert!(error.to_string().starts_with("/proc/nowhere/0001: "), "{error}");
    assert_eq!(found(&kept), ["one"]);
}
