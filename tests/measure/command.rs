//! The program itself: exit codes, text, JSON, files.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use uplink::measure::Report;

use crate::clip::{Clip, SECONDS};
use crate::origin::{Origin, Stage};
use crate::{LARGE, SMALL, SOUND};

fn uplink_measure(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_uplink-measure")).args(arguments).output().unwrap()
}

async fn played(arguments: Vec<String>) -> Output {
    tokio::task::spawn_blocking(move || uplink_measure(&arguments.iter().map(String::as_str).collect::<Vec<_>>()))
        .await
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn what_cannot_be_measured_exits_1_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let noise = dir.path().join("noise.mp4");
    std::fs::write(&noise, vec![0x42; 5000]).unwrap();
    let playlist = dir.path().join("empty.m3u8");
    std::fs::write(&playlist, "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-ENDLIST\n").unwrap();
    for (target, words) in [
        ("/nowhere/at/all.mp4", "neither an http(s) address nor a file"),
        ("ftp://origin/x.m3u8", "neither an http(s) address nor a file"),
        ("http://127.0.0.1:1/x.m3u8", "cannot fetch http://127.0.0.1:1/x.m3u8: connection refused"),
        (noise.to_str().unwrap(), "cannot be decoded"),
        (playlist.to_str().unwrap(), "neither picture nor sound"),
    ] {
        let output = uplink_measure(&[target]);
        assert_eq!(output.status.code(), Some(1), "{target}: {}", stderr(&output));
        assert!(stderr(&output).contains(words), "{target}: {}", stderr(&output));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn wrong_usage_exits_2() {
    for arguments in [&[][..], &["--seconds", "0", "x"], &["--speed", "x"]] {
        assert_eq!(uplink_measure(arguments).status.code(), Some(2), "{arguments:?}");
    }
    let help = uplink_measure(&["--help"]);
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("Exit codes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_stream_exits_0_and_a_faulty_one_3() {
    let origin = Origin::open(Stage::of(&[("small", &SMALL), ("sound", &SOUND)])).await;
    let output = played(vec![origin.address.clone()]).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("good: no fault found\n"));
    assert!(output.stderr.is_empty(), "no progress line without a terminal: {}", stderr(&output));

    origin.put("small/3.m4s", b"nothing".to_vec());
    let output = played(vec!["--json".to_owned(), origin.address.clone()]).await;
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let report: Report = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report.format, "uplink-measure/1");
    assert_eq!(report.streams[0].playlist.unwrap().unreadable_segments, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_rendition_can_be_chosen() {
    let origin = Origin::open(Stage::of(&[("small", &SMALL), ("large", &LARGE)])).await;
    let choose =
        |name: &str| vec!["--json".to_owned(), "--rendition".to_owned(), name.to_owned(), origin.address.clone()];
    let output = played(choose("large")).await;
    let report: Report = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report.streams.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["large/media.m3u8"]);
    let output = played(choose("huge")).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("small/media.m3u8, large/media.m3u8"), "{}", stderr(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_the_playing_and_reports() {
    let mut stage = Stage::of(&[("small", &SMALL)]);
    stage.first().ended = false;
    let origin = Origin::open(stage).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_uplink-measure"));
    command.args(["--json", "--from-start", "--seconds", "600", &origin.address]).stdout(Stdio::piped());
    let child = command.spawn().unwrap();
    // The third look at the playlist comes after its segments have been played.
    let until = Instant::now() + Duration::from_secs(20);
    while origin.asked("small/media.m3u8") < 3 {
        assert!(Instant::now() < until, "it does not play");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let output = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap()).await.unwrap();
    let report: Report = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report.streams[0].counter.unwrap().marks, SECONDS * 30);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{:?}", output.status);
}

/// A file of pictures and sound in `container`, remuxed by ffmpeg from the clips.
fn file(dir: &std::path::Path, name: &str) -> String {
    let write = |name: &str, clip: &Clip| {
        let path = dir.join(name);
        std::fs::write(&path, [clip.init.clone(), clip.segments.concat()].concat()).unwrap();
        path
    };
    let (pictures, sound, out) = (write("v.mp4", &SMALL), write("a.mp4", &SOUND), dir.join(name));
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(pictures)
        .arg("-i")
        .arg(sound)
        .args(["-c", "copy"])
        .arg(&out)
        .status();
    assert!(status.unwrap().success());
    out.display().to_string()
}

#[test]
fn files_of_any_container_are_measured() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["clip.mp4", "clip.ts", "clip.mkv"] {
        let output = uplink_measure(&["--json", &file(dir.path(), name)]);
        let report: Report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
        let text = uplink::measure::text(&report);
        let stream = &report.streams[0];
        let (video, counter) = (stream.video.unwrap(), stream.counter.unwrap());
        assert_eq!((video.frames, video.missing, counter.missing), (SECONDS * 30, 0, 0), "{name}: {text}");
        let offset = report.av_offset.unwrap();
        assert!(offset.median_ms.abs() < 25.0, "{name}: {text}");
    }
}
