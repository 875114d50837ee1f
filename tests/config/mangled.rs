//! Whatever is in a file, the check answers: it neither panics nor hangs.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use uplink::config::{Credentials, Findings, OwnClasses, STREAM_CLASS, UPLINKD, load_with, stream_class};
use uplink::document::{Faults, Section, Source};
use uplink::profile;

fn shipped(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// Every reader on one text.
fn read_all(text: &str) {
    let source = Source::new("mangled.toml", text);
    let _ = stream_class::read(&source, "mangled", &mut Findings::default());
    let _ = profile::read(&source, "mangled", &mut Faults::default());
    let mut faults = Faults::default();
    if let Some(root) = source.parse(&mut faults) {
        for shape in [&UPLINKD, &STREAM_CLASS] {
            Section::check(&source, root.get_ref(), shape, &mut faults);
        }
    }
    let faults = faults.sorted();
    assert_eq!(faults.lines().len(), faults.len());
    assert!(faults.iter().all(|fault| !fault.to_string().contains('\n')), "{faults}");
}

const FILES: &[&str] = &[
    "packaging/demo/uplinkd.toml",
    "packaging/etc/uplinkd.toml",
    "pipelines/talk-720p30.toml",
    "hardware-profiles/software-x264.toml",
];

/// What is put in the place of something good.
const SPLICES: &[&str] = &[
    "",
    "=",
    "[",
    "]",
    "[[",
    "\"",
    "'''",
    "\n",
    "\0",
    "é",
    "🎥",
    "{}",
    "[]",
    "[[], {}]",
    "true",
    "-1",
    "0",
    "1e400",
    "nan",
    "9223372036854775808",
    "1979-05-27",
    "{a = 1}",
    "\"{bitrate}\"",
    "\"{\"",
    "'\u{7f}'",
    "a.b.c",
    "18446744073709551615",
    "\"100000000000\"",
    "\"8192x8192\"",
    "0x7fffffffffffffff",
];

/// A whole configuration directory whose main file is `text`.
fn load_all(text: &str) {
    let site = tempfile::tempdir().unwrap();
    let file = site.path().join("uplinkd.toml");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::write(&file, text.replace("../..", root.to_str().unwrap())).unwrap();
    fs::write(site.path().join("origin.token"), "token").unwrap();
    if let Err(faults) = load_with(&file, &["demo=test".into()], &Credentials::NotHere, &OwnClasses::default()) {
        assert!(!faults.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whole_configurations_with_a_value_replaced(
        splice in prop::sample::select(SPLICES),
        line in any::<prop::sample::Index>(),
    ) {
        let text = shipped("packaging/demo/uplinkd.toml");
        let lines: Vec<&str> = text.lines().filter(|line| line.contains(" = ")).collect();
        let spoilt = lines[line.index(lines.len())];
        let key = spoilt.split_once(" = ").map_or("", |(key, _)| key);
        load_all(&text.replacen(spoilt, &format!("{key} = {splice}"), 1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in ".{0,400}") {
        read_all(&text);
    }

    #[test]
    fn shipped_files_with_a_piece_replaced(
        file in prop::sample::select(FILES),
        splice in prop::sample::select(SPLICES),
        at in any::<prop::sample::Index>(),
        length in 0usize..40,
    ) {
        let chars: Vec<char> = shipped(file).chars().collect();
        let start = at.index(chars.len());
        let end = (start + length).min(chars.len());
        let text: String = chars[..start].iter().chain(splice.chars().collect::<Vec<_>>().iter()).chain(&chars[end..]).collect();
        read_all(&text);
    }

    #[test]
    fn shipped_files_with_a_value_replaced(
        file in prop::sample::select(FILES),
        splice in prop::sample::select(SPLICES),
        line in any::<prop::sample::Index>(),
    ) {
        let text = shipped(file);
        let lines: Vec<&str> = text.lines().collect();
        let at = line.index(lines.len());
        let spoilt: Vec<String> = lines.iter().enumerate().map(|(n, line)| match line.split_once(" = ") {
            Some((key, _)) if n == at => format!("{key} = {splice}"),
            _ => (*line).to_owned(),
        }).collect();
        read_all(&spoilt.join("\n"));
    }
}

#[test]
fn deep_nesting_is_a_fault_and_not_a_crash() {
    read_all(&format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000)));
    read_all(&format!("a = {}", "{a = ".repeat(100_000)));
    read_all(&format!("[{}]", vec!["a"; 100_000].join(".")));
}
