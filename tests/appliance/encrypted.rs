//! Encryption over the whole chain: one channel with AES-128, one with cbcs, and a browser that plays both over a change of
//! keys. ffmpeg has a decryptor of its own for cbcs.

use std::process::Command;

use crate::browser::node;
use crate::delivered::{named, object};
use crate::rig::{PLAIN, RENDITIONS, Rig, free_port};

/// A stream class with parts. Channel `a` goes out with AES-128, `b` with cbcs; keys lie in `keys`, and players are sent to this port for them.
fn rig(port: u16) -> Rig {
    let mut rig = Rig::new(&[("a", PLAIN), ("b", PLAIN)]);
    std::fs::write(rig.path("keys.secret"), "0123456789abcdef0123456789abcdef").unwrap();
    let class = rig.path("pipelines/rig.toml");
    let text = std::fs::read_to_string(&class).unwrap();
    std::fs::write(class, text.replace("playlist_segments = 10", "playlist_segments = 10\npart_ms = 200")).unwrap();
    let origin = rig.origin;
    rig.edit(|text| {
        let mut text = text;
        for (channel, id, method) in [("a", "whole", "aes-128"), ("b", "samples", "sample-aes")] {
            let (before, after) = text.split_once(&format!("[channels.{channel}]")).unwrap();
            let after = after.replacen("destinations = [\"origin\"]", &format!("destinations = [\"{id}\"]"), 1);
            text = format!(
                "{before}[destinations.{id}]\nkind = \"hls-push\"\nurl = \"http://{origin}/live/\"\ntoken_file = \"push.token\"\n\
                 [destinations.{id}.encryption]\nmethod = \"{method}\"\nrotate_segments = 5\nsecret_file = \"keys.secret\"\n\
                 key_uri = \"http://127.0.0.1:{port}/keys/{{channel}}/{{key_id}}\"\nkey_directory = \"keys\"\n\
                 [channels.{channel}]{after}"
            );
        }
        text
    });
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    rig.wait_on_air("b");
    rig
}

/// The chunks of a segment, each from one `moof` to the next: ffmpeg 5.1 decrypts only one of a file.
fn chunks(segment: &[u8]) -> Vec<&[u8]> {
    let (mut starts, mut at) = (Vec::new(), 0);
    while at < segment.len() {
        if segment[at + 4..at + 8] == *b"moof" {
            starts.push(at);
        }
        at += u32::from_be_bytes(segment[at..at + 4].try_into().unwrap()) as usize;
    }
    starts.push(segment.len());
    starts.windows(2).map(|pair| &segment[pair[0]..pair[1]]).collect()
}

/// What ffmpeg finds in initialisation and chunk: each packet with its times and a hash of its bytes.
fn packets(rig: &Rig, file: &[&[u8]; 2], key: Option<&str>) -> String {
    let path = rig.path("chunk.mp4");
    std::fs::write(&path, file.concat()).unwrap();
    let mut command = Command::new("timeout");
    command.args(["30", "ffmpeg", "-v", "error"]);
    command.args(key.map(|key| ["-decryption_key", key]).into_iter().flatten());
    let out = command.arg("-i").arg(&path).args(["-c", "copy", "-copyinkf", "-f", "framehash", "-"]).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

/// The key that an initialisation names (`tenc`), from where the channel puts its keys.
fn key_of(rig: &Rig, channel: &str, init: &[u8]) -> String {
    let at = init.windows(4).position(|four| four == b"tenc").expect("an encrypted track");
    let id = hex::encode(&init[at + 12..at + 28]);
    hex::encode(std::fs::read(rig.path("keys").join(channel).join(id)).expect("the key"))
}

/// Low latency goes with cbcs: the parts of a segment, which were encrypted before it was whole, are its bytes.
fn assert_parts_are_their_segment(rig: &Rig, rendition: &str) {
    let playlist = String::from_utf8(object(rig, &format!("b/{rendition}/media.m3u8"))).unwrap();
    let mut whole = playlist.lines().filter_map(|line| line.strip_suffix(".m4s")?.parse::<u64>().ok());
    let has_parts = |number: &u64| playlist.contains(&format!("URI=\"{number}.1.m4s\""));
    let number = whole.rfind(has_parts).unwrap_or_else(|| panic!("no parts are told: {playlist}"));
    let parts = playlist.split('"').filter(|uri| uri.starts_with(&format!("{number}.")) && uri.ends_with(".m4s"));
    let joined: Vec<u8> = parts.flat_map(|uri| object(rig, &format!("b/{rendition}/{uri}"))).collect();
    assert!(joined == object(rig, &format!("b/{rendition}/{number}.m4s")), "the parts of {rendition} {number}");
}

#[test]
fn encrypted_channels_are_what_the_spool_has_and_play_in_a_browser() {
    let port = free_port();
    let rig = rig(port);
    for rendition in RENDITIONS {
        let offered = named(&rig, "b", rendition, 0);
        let (number, init) = offered.last().expect("a segment");
        let (locked_init, locked) =
            (object(&rig, &format!("b/{rendition}/{init}")), object(&rig, &format!("b/{rendition}/{number}.m4s")));
        let spool = rig.spool("b").join(rendition);
        let clear = std::fs::read(spool.join(format!("{number}.m4s"))).unwrap();
        let name = std::fs::read_dir(&spool).unwrap().flatten().map(|entry| entry.path());
        let clear_init =
            std::fs::read(name.into_iter().find(|path| path.extension().is_some_and(|e| e == "mp4")).unwrap());
        let (key, clear_init) = (key_of(&rig, "b", &locked_init), clear_init.unwrap());
        let (there, here) = (chunks(&locked), chunks(&clear));
        assert_eq!(there.len(), here.len(), "{rendition} {number}");
        for (there, here) in there.iter().zip(here) {
            let expected = packets(&rig, &[&clear_init, here], None);
            assert!(!expected.is_empty(), "{rendition}: {expected}");
            assert_eq!(packets(&rig, &[&locked_init, there], Some(&key)), expected, "{rendition} {number}");
        }
        assert_parts_are_their_segment(&rig, rendition);
        assert!(locked != clear, "{rendition} {number} goes in the clear");
    }
    let settings = [
        ("UPLINK_BASE", format!("http://{}", rig.origin)),
        ("UPLINK_WHOLE", "a".to_owned()),
        ("UPLINK_SAMPLES", "b".to_owned()),
        ("UPLINK_KEYS", rig.path("keys").display().to_string()),
        ("UPLINK_KEYS_PORT", port.to_string()),
    ];
    node("tests/encrypted.mjs", &settings);
}
